"""Every rule of a reconciliation written a second time, in SQL, and the comparison of its findings with a run's.

    python oracle.py run CONFIG [--findings OUT.parquet]    compute, print counts by code
    python oracle.py compare CONFIG RUN_DIR                 compute, compare with a run directory; exit 1 on any difference

The rules are written from the texts of docs/guide/semantics.md; nothing here knows how the engine works.
"""

import argparse
import os
import pathlib
import sys

import duckdb
import loading
from comparison import compare_run
from configuration import DATES, IDENTIFIERS, Run, read_run

SCRIPTS = sorted((pathlib.Path(__file__).parent / "sql").glob("*.sql"))


def scope_expression(scope: list[str]) -> str:
    """Gives the SQL of a record's scope value: null where a scope column is blank; `S` first, so that it is never empty."""
    columns = []
    for field in scope:
        if field in DATES or field == "quantity":
            columns.append(f"cast({field} as varchar)")
        elif field in IDENTIFIERS and field != "item":
            raise SystemExit(f"oracle: scope column {field!r} is not followed")
        else:
            columns.append(field)
    return " || chr(31) || ".join(["'S'", *columns])


def compute(run: Run, threads: int) -> duckdb.DuckDBPyConnection:
    """Loads a run's files and evaluates every rule; gives the database with `finding`, `citation` and `ledger`."""
    database = loading.connect(threads)
    loading.load(database, run)
    for script in SCRIPTS:
        if script.name.startswith("2_"):
            database.execute(
                "create view keyed as select record_number, source_number, role, grain, serial, serial_key, "
                f"{scope_expression(run.scope)} as scope_value from record where serial_is_usable and not is_lot_grain")
        database.execute(script.read_text(encoding="utf-8"))
    return database


def print_counts(database: duckdb.DuckDBPyConnection) -> None:
    """Prints findings and cited records by code, subtype and severity, and the ledger by source."""
    counts = database.execute("select code, coalesce(subtype, ''), severity, count(*), sum(record_count) from finding "
                              "group by all order by all").fetchall()
    for code, subtype, severity, findings, records in counts:
        print(f"{code}  {subtype:20} {severity:9} {findings:>10,} findings {int(records):>10,} records")
    for row in database.execute("select source, disposition, sum(records) from ledger group by all order by all").fetchall():
        print(f"ledger  {row[0]:20} {row[1]:14} {int(row[2]):>12,}")


def main() -> int:
    """Runs a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="compute and print counts by code")
    run.add_argument("config")
    run.add_argument("--findings", help="write the findings to this Parquet file")
    compare = commands.add_parser("compare", help="compute and compare with a run directory")
    compare.add_argument("config")
    compare.add_argument("run_dir")
    arguments = parser.parse_args()
    database = compute(read_run(arguments.config), arguments.threads)
    if arguments.command == "run":
        print_counts(database)
        if arguments.findings:
            database.execute(f"copy (from finding order by all) to {loading.literal(arguments.findings)} (format parquet)")
        return 0
    print_counts(database)
    differences = compare_run(database, arguments.run_dir, os.path.dirname(os.path.abspath(arguments.config)))
    for line in differences:
        print(line)
    print("oracle: " + ("the run differs" if differences else "the run agrees"))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
