"""Proves that a run over data that memory has no room for finds what runs over its parts find: cuts the data by serial, and runs each part apart.

    python parts.py DATA --binary PATH --work DIR --whole RUN [--parts 10] [--limit 8GiB] [--out benches/runs]

`DATA` is a folder that `counterfoil synth` wrote as Parquet, `RUN` the run directory of the whole. Records with one serial, however it is written,
go into one part, so that what single units give must be the same: those findings are compared as they stand in the table, as multisets. Orphans
that are one finding for an item must sum up to those of the whole, and so must the ledger, by source and disposition. Findings about lots and values
rest on what all parts hold, and are left out. DuckDB cuts and compares; it shares no code with the program.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
from run import EXIT_CODES_DONE, machine, processor  # noqa: E402

SOURCES = ("supplier", "erp", "warranty")
# What is found at single units, whatever other units there are.
UNIT_CODES = ("SER001", "SER002", "SER003", "SER004", "LOT001", "ORP001", "ORP002", "ORP003", "ORP004")
WIDE = "".join(chr(0xFF01 + at) for at in range(94))
PLAIN = "".join(chr(0x21 + at) for at in range(94)).replace("'", "''")
# To translate takes long, and nearly all serials are ASCII.
NARROW = f"case when strlen(serial) = length(serial) then serial else translate(serial, '{WIDE}', '{PLAIN}') end"
KEY = f"regexp_replace(upper({NARROW}), '[^A-Z0-9]+', '', 'g')"


def cut(connection: duckdb.DuckDBPyConnection, data: pathlib.Path, work: pathlib.Path, parts: int) -> None:
    """Writes each source into folders by part."""
    for source in SOURCES:
        for file in sorted((data / source).iterdir()):
            target = work / "cut" / source / file.stem
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy (select *, hash(coalesce({KEY}, '')) % {parts} as part from '{file}') to '{target}.new' "
                "(format parquet, compression zstd, partition_by (part), filename_pattern 'part_{i}')"
            )
            pathlib.Path(f"{target}.new").rename(target)
            print("cut", file, flush=True)


def run(part: int, arguments: argparse.Namespace) -> dict:
    """Runs one part, and gives what it took."""
    folder = arguments.work / f"part-{part}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = (arguments.data / "counterfoil.toml").read_text(encoding="utf-8")
    for source in SOURCES:
        config = config.replace(f'"{source}/*"', f'"../cut/{source}/*/part={part}/*.parquet"')
    (folder / "counterfoil.toml").write_text(config, encoding="utf-8")
    command = [arguments.binary, "reconcile", "-c", folder / "counterfoil.toml", "-o", folder / "run", "--memory-limit", arguments.limit,
               "--progress", "none"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in EXIT_CODES_DONE:
        raise SystemExit(f"parts: part {part} ended with {done.returncode}: {done.stderr}")
    execution = json.loads((folder / "run/manifest.json").read_text(encoding="utf-8"))["execution"]
    print("ran", part, execution["wall_s"], flush=True)
    return {"part": part, **{key: execution[key] for key in ("wall_s", "cpu_s", "peak_bytes", "spilled_bytes")}}


def differences(connection: duckdb.DuckDBPyConnection, whole: pathlib.Path, work: pathlib.Path) -> dict:
    """Compares findings and ledger of the whole with those of all parts together."""
    codes = ", ".join(f"'{code}'" for code in UNIT_CODES)
    findings = (
        "select code, subtype, severity, item, serial, lot, supplier, site, sources, record_count, message "
        f"from '{{}}' where code in ({codes}) and serial is not null"
    )
    of_items = (
        "select code, subtype, severity, item, sources, sum(record_count) records "
        f"from '{{}}' where code in ({codes}) and serial is null group by all"
    )
    ledger = "select source, disposition, sum(records) records, sum(quantity) quantity from '{}' group by all having sum(records) > 0"
    found = {}
    for name, table, query in (("findings", "findings", findings), ("findings of items", "findings", of_items), ("ledger", "ledger", ledger)):
        one = query.format(whole / f"{table}.parquet")
        many = query.format(work / "part-*" / "run" / f"{table}.parquet")
        count = lambda text: connection.execute(f"select count(*) from ({text})").fetchone()[0]
        found[name] = {
            "whole": count(one),
            "parts": count(many),
            "missing_in_parts": count(f"{one} except all {many}"),
            "missing_in_whole": count(f"{many} except all {one}"),
        }
    return found


def main() -> int:
    """Cuts, runs and compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="as large as the data; what is cut stays there")
    parser.add_argument("--whole", type=pathlib.Path, required=True, help="the run directory of the whole")
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--limit", default="8GiB")
    parser.add_argument("--out", type=pathlib.Path, help="where the result is written, in a folder of the day and the machine")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '8GB'; set temp_directory = '{arguments.work / 'temp'}'; set preserve_insertion_order = false")
    cut(connection, arguments.data, arguments.work, arguments.parts)
    runs = [run(part, arguments) for part in range(arguments.parts)]
    found = differences(connection, arguments.whole, arguments.work)
    print(json.dumps(found, indent=1))
    if arguments.out:
        folder = arguments.out / f"{datetime.date.today().isoformat()}-{machine()}"
        folder.mkdir(parents=True, exist_ok=True)
        result = {"processor": processor(), "data": arguments.data.name, "limit": arguments.limit, "runs": runs, "compared": found}
        (folder / "parts.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if any(of[side] for of in found.values() for side in ("missing_in_parts", "missing_in_whole")) else 0


if __name__ == "__main__":
    sys.exit(main())
