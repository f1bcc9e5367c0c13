"""Reconciles real drive serials of two days and checks the figures that were worked out for them.

    python backblaze.py [--binary COUNTERFOIL] [--keep FOLDER]

Supplier: the drives of 2013-04-10; ERP: those of 2013-05-19; claims: every failure in between. No date is mapped, so every
unit is judged. The data is found through the environment variable COUNTERFOIL_VECTORS; without it the check is skipped.
With a binary its run is compared as well.
"""

import argparse
import csv
import gzip
import os
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
from comparison import compare_run
from configuration import read_run
from oracle import compute, print_counts

COLUMNS = ("serial_number", "model")
CONFIG = """version = 1
as_of = "2013-06-30"

[sources.shipped]
role = "supplier"
paths = ["supplier.csv"]
columns = { serial = "serial_number", item = "model" }

[sources.stock]
role = "erp"
paths = ["erp.parquet"]
columns = { serial = "serial_number", item = "model" }

[sources.failures]
role = "warranty"
paths = ["claims.csv"]
columns = { serial = "serial_number", item = "model" }
"""
# Findings by code and subtype, and the records that the one item's finding cites. Of 1,689 new drives 45 are of a model
# that was never shipped.
EXPECTED = {("ORP001", ""): 249, ("ORP002", ""): 1644, ("ORP002", "item-not-shipped"): 1}
NEVER_SHIPPED_UNITS = 45
NEVER = ("SER001", "SER002")


def read_rows(path: str) -> list[dict[str, str]]:
    """Reads a file of the drive data."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: str, rows: list[dict[str, str]]) -> None:
    """Writes the two columns as CSV."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def prepare(folder: str, vectors: str) -> str:
    """Writes the three sources and their configuration; gives its path."""
    data = os.path.join(vectors, "backblaze_2013")
    write_csv(os.path.join(folder, "supplier.csv"), read_rows(os.path.join(data, "2013-04-10_full.csv")))
    stock = read_rows(os.path.join(data, "2013-05-19_full.csv.gz"))
    pq.write_table(pa.table({column: [row[column] for row in stock] for column in COLUMNS}), os.path.join(folder, "erp.parquet"))
    days = read_rows(os.path.join(data, "drives_2013-04-10_2013-05-19_core5.csv.gz"))
    write_csv(os.path.join(folder, "claims.csv"), [row for row in days if row["failure"] == "1"])
    config = os.path.join(folder, "counterfoil.toml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG)
    return config


def check_figures(database) -> list[str]:
    """Checks the oracle's own figures; gives what differs."""
    found = {(code, subtype): count for code, subtype, count in
             database.execute("select code, coalesce(subtype, ''), count(*) from finding group by all").fetchall()}
    wrong = [f"{key}: {found.get(key, 0):,} found, {count:,} expected" for key, count in EXPECTED.items() if found.get(key, 0) != count]
    wrong += [f"{key}: {count:,} found, none expected" for key, count in found.items() if key[0] in NEVER]
    units = database.execute("select sum(record_count) from finding where subtype = 'item-not-shipped'").fetchone()[0]
    if units != NEVER_SHIPPED_UNITS:
        wrong.append(f"item-not-shipped: {units} units found, {NEVER_SHIPPED_UNITS} expected")
    return wrong


def main() -> int:
    """Prepares, computes, checks, and compares with the engine where a binary is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the counterfoil binary whose run is compared")
    parser.add_argument("--keep", help="a folder for the prepared data and the run")
    arguments = parser.parse_args()
    vectors = os.environ.get("COUNTERFOIL_VECTORS")
    if not vectors:
        print("backblaze: skipped, COUNTERFOIL_VECTORS is not set")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or temporary
        os.makedirs(folder, exist_ok=True)
        config = prepare(folder, vectors)
        database = compute(read_run(config), os.cpu_count())
        print_counts(database)
        wrong = check_figures(database)
        if arguments.binary:
            run_dir = os.path.join(folder, "run")
            subprocess.run([arguments.binary, "reconcile", "-c", config, "-o", run_dir, "--exit-zero"], check=True)
            wrong += compare_run(database, run_dir, folder)
    for line in wrong:
        print(line)
    print("backblaze: " + ("figures differ" if wrong else "figures agree"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
