"""Reads a `counterfoil.toml`, or a JSON file of the same shape, into what the oracle needs to know of a run.

Only explicit configurations are read: `[sources.NAME]` with `role`, `paths`, `columns` and, where they differ from the
defaults, `grain`, `rank` and `constants`; top-level `as_of`, `grace_days` and `scope`. Anything that would change the
records in another way is refused, so that a comparison never rests on a misread configuration.
"""

import datetime
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
# Settings of a source that select or change records in ways that the oracle does not follow.
REFUSED = ("where", "from_path", "snapshot", "advisory")


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


def read_column(value) -> Column:
    """Reads a column mapping: a name, or a table with a name and date formats."""
    if isinstance(value, str):
        return Column(value)
    formats = value.get("formats", value.get("format", ()))
    return Column(value["column"], (formats,) if isinstance(formats, str) else tuple(formats))


def find_files(patterns, folder: str) -> list[str]:
    """Resolves patterns relative to the configuration; a folder stands for the files in it."""
    found = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        path = os.path.join(folder, pattern)
        if os.path.isdir(path):
            path = os.path.join(path, "*")
        matched = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
        if not matched:
            raise SystemExit(f"oracle: no file matches {pattern!r} in {folder!r}")
        found.update(os.path.normpath(name) for name in matched)
    return sorted(found)


def read_source(name: str, table: dict, folder: str) -> Source:
    """Reads one source."""
    for key in REFUSED:
        if table.get(key):
            raise SystemExit(f"oracle: source {name!r} has {key!r}, which the oracle does not follow")
    role = table["role"]
    grain, rank = ROLES[role]
    source = Source(
        name=name,
        role=role,
        grain=table.get("grain", grain),
        rank=table.get("rank", rank),
        files=find_files(table.get("paths", table.get("files")), folder),
        columns={key: read_column(value) for key, value in table.get("columns", {}).items()},
        constants={key: str(value) for key, value in table.get("constants", {}).items()},
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


def read_run(path: str) -> Run:
    """Reads a configuration file."""
    with open(path, "rb") as file:
        table = json.load(file) if path.endswith(".json") else tomllib.load(file)
    folder = os.path.dirname(os.path.abspath(path))
    sources = [read_source(name, value, folder) for name, value in table["sources"].items()]
    return Run(
        sources=sorted(sources, key=lambda source: (list(ROLES).index(source.role), source.name)),
        scope=read_scope(table.get("scope"), sources),
        as_of=read_day(table.get("as_of")),
        grace_days=table.get("grace_days", 14),
    )
