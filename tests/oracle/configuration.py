"""Reads a `counterfoil.toml`, or a JSON file of the same shape, into what the oracle needs to know of a run.

Only explicit configurations are read: `[sources.NAME]` with `role`, `paths`, `columns` and, where they differ from the
defaults, `grain`, `rank`, `constants` and `csv`; top-level `as_of`, `grace_days` and `scope`; parameters of rules. Anything that would change
records or findings in another way is refused, so that a comparison never rests on a misread configuration.
"""

import datetime
import decimal
import glob
import json
import os
import tomllib
from dataclasses import dataclass, field

FIELDS = (
    "item", "serial", "secondary_serial", "lot", "supplier_lot", "supplier", "quantity", "document", "line", "site",
    "status", "customer", "country", "made", "shipped", "received", "sold", "claimed", "expires", "event", "claim",
    "claim_kind", "failure", "captured_at",
)
IDENTIFIERS = ("item", "serial", "secondary_serial", "lot", "supplier_lot")
DATES = ("made", "shipped", "received", "sold", "claimed", "expires", "captured_at")
ROLES = {"supplier": ("unit", 2), "erp": ("unit", 1), "warranty": ("event", 3)}
ENDINGS = (".parquet", ".csv", ".tsv", ".txt")
COMPRESSED = (".gz", ".zst")
# Every setting that the oracle follows or that changes neither records nor findings; others are refused.
TOP_KEYS = ("version", "name", "as_of", "grace_days", "scope", "fail_on", "out", "sources", "rules", "guards", "limits")
SOURCE_KEYS = ("role", "paths", "grain", "rank", "columns", "constants", "carry", "csv", "rejected_max")
CSV_KEYS = ("delimiter", "encoding")
# What the parameters of rules are unless configured.
PARAMETERS = {
    "IDN001": {"lot_only_percent": 99},
    "IDN002": {"digits_repeats": 3},
    "LOT002": {"tracked_percent": 50},
    "LOT006": {"units_min": 1000, "differing_percent": 50},
    "SER003": {"serials_min": 1000, "widespread_percent": 1},
}


@dataclass
class Column:
    """Where the values of a field come from in every file of a source."""

    name: str
    formats: tuple[str, ...] = ()


@dataclass
class Source:
    """One configured feed."""

    name: str
    role: str
    grain: str
    rank: int
    files: list[str]
    columns: dict[str, Column] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str | None = None

    def maps(self, name: str) -> bool:
        """Tells whether the source maps a field, by a column or a constant."""
        return name in self.columns or name in self.constants


@dataclass
class Run:
    """A run, resolved."""

    sources: list[Source]
    scope: list[str]
    as_of: datetime.date
    grace_days: int
    parameters: dict[str, decimal.Decimal]


def read_column(value) -> Column:
    """Reads a column mapping: a name, or a table with a name and date formats."""
    if isinstance(value, str):
        return Column(value)
    return Column(value["name"], tuple(value.get("format", ())))


def refuse_unknown(table: dict, known: tuple[str, ...], what: str) -> None:
    """Stops at a setting that the oracle does not follow."""
    for key, value in table.items():
        if key not in known and value not in ({}, [], None):
            raise SystemExit(f"oracle: {what} has {key!r}, which the oracle does not follow (follows: {', '.join(known)})")


def has_known_ending(path: str) -> bool:
    """Tells whether a file in a folder is taken for data."""
    name = path.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return name.endswith(ENDINGS)


def find_files(patterns: list[str], folder: str) -> list[str]:
    """Resolves patterns relative to the configuration; a folder stands for the data files in it, at any depth."""
    found = set()
    for pattern in patterns:
        path = os.path.join(folder, pattern)
        if os.path.isdir(path):
            names = glob.glob(os.path.join(path, "**"), recursive=True)
            matched = [name for name in names if os.path.isfile(name) and has_known_ending(name)]
        else:
            matched = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
        if not matched:
            raise SystemExit(f"oracle: no file matches {pattern!r} in {folder!r}")
        found.update(os.path.normpath(name) for name in matched)
    return sorted(found)


def read_source(name: str, table: dict, folder: str) -> Source:
    """Reads one source."""
    refuse_unknown(table, SOURCE_KEYS, f"source {name!r}")
    refuse_unknown(table.get("csv", {}), CSV_KEYS, f"csv of source {name!r}")
    if "columns" not in table:
        raise SystemExit(f"oracle: source {name!r} has no 'columns': headers are not recognized here, so name them")
    role = table["role"]
    grain, rank = ROLES[role]
    source = Source(
        name=name,
        role=role,
        grain=table.get("grain", grain),
        rank=table.get("rank", rank),
        files=find_files(table["paths"], folder),
        columns={key: read_column(value) for key, value in table["columns"].items()},
        constants={key: str(value) for key, value in table.get("constants", {}).items()},
        delimiter=table.get("csv", {}).get("delimiter"),
        encoding=table.get("csv", {}).get("encoding"),
    )
    for key in [*source.columns, *source.constants]:
        if key not in FIELDS:
            raise SystemExit(f"oracle: source {name!r} maps {key!r}, which is no field (have: {', '.join(FIELDS)})")
    if not source.maps("serial"):
        source.grain = "lot"
    return source


def read_day(value) -> datetime.date:
    """Reads the day that grace is judged against: a TOML date or its text; absent: today in UTC."""
    if value is None:
        return datetime.datetime.now(datetime.timezone.utc).date()
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)


def read_scope(value, sources: list[Source]) -> list[str]:
    """Gives the scope: as configured, else the item where every unit-grain supplier and ERP source maps one."""
    if value is not None:
        return list(value)
    judged = [source for source in sources if source.grain == "unit" and source.role in ("supplier", "erp")]
    return ["item"] if all(source.maps("item") for source in judged) else []


def read_parameters(rules: dict) -> dict[str, decimal.Decimal]:
    """Gives every parameter of a rule by code and name, such as `lot006_units_min`: as configured, else its default."""
    refuse_unknown(rules, tuple(PARAMETERS), "[rules]")
    for code, defaults in PARAMETERS.items():
        refuse_unknown(rules.get(code, {}), tuple(defaults), f"[rules.{code}]")
    return {f"{code}_{name}".lower(): decimal.Decimal(str(rules.get(code, {}).get(name, default)))
            for code, defaults in PARAMETERS.items() for name, default in defaults.items()}


def read_run(path: str) -> Run:
    """Reads a configuration file."""
    with open(path, "rb") as file:
        table = json.load(file) if path.endswith(".json") else tomllib.load(file)
    refuse_unknown(table, TOP_KEYS, path)
    folder = os.path.dirname(os.path.abspath(path))
    sources = [read_source(name, value, folder) for name, value in table["sources"].items()]
    return Run(
        sources=sorted(sources, key=lambda source: (list(ROLES).index(source.role), source.name)),
        scope=read_scope(table.get("scope"), sources),
        as_of=read_day(table.get("as_of")),
        grace_days=table.get("grace_days", 14),
        parameters=read_parameters(table.get("rules", {})),
    )
