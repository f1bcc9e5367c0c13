"""Runs counterfoil on data that is skewed in one way each, checks what it finds, and prints the time per record beside that of even data.

    python skew.py --binary PATH --work DIR [--units 4000000] [--cases even,one_lot] [--repeat 3] [--memory-limit 4GiB] [--out benches/runs]

Every case has a supplier and an ERP source with known defects, written so that what must be found follows from how it is made. Guards are
switched off. The data is made once for each case and kept in `--work`; raw results are written to `<out>/<date>-<machine>/skew.json`.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
from run import EXIT_CODES_DONE, machine, processor  # noqa: E402

CHUNK = 1 << 20
# Every so many units lacks its ERP record, or has another lot there: what the even part of each case must give.
ORPHAN_EVERY, LOT_EVERY = 1_000, 1_500
COLUMNS = ("serial", "item", "lot", "supplier", "shipped")


def text(prefix: str, numbers: np.ndarray, width: int) -> pa.Array:
    """Makes texts of a prefix and a number."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def table(units: np.ndarray, erp: bool, lots: int = 4_000, suppliers: int = 100, items: int = 200) -> pa.Table:
    """Makes the records of units for one source; an ERP lacks some, and states another lot for others."""
    if erp:
        units = units[units % ORPHAN_EVERY != 7]
    lot = units * 2_654_435_761 % lots
    if erp:
        lot = np.where(units % LOT_EVERY == 11, lots + 1 + lot, lot)
    columns = {
        "serial": text("SN", units, 10),
        "item": text("IT-", units % items, 5),
        "lot": text("L", lot, 8),
        "supplier": text("MAKER ", units * 40_503 % suppliers, 8),
        "shipped": pa.array(np.full(len(units), 20_000, dtype=np.int32)).cast(pa.date32()),
    }
    if erp:
        columns["received"] = columns.pop("shipped")
    return pa.table(columns)


def write_parquet(path: pathlib.Path, tables, rows_of_group: int = CHUNK) -> None:
    """Writes tables into one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    for one in tables:
        writer = writer or pq.ParquetWriter(path, one.schema, compression="zstd", use_dictionary=["item", "lot", "supplier"])
        writer.write_table(one, row_group_size=rows_of_group)
    writer.close()


def chunks(units: int):
    """Lists the unit numbers, so many at a time."""
    return (np.arange(start, min(units, start + CHUNK)) for start in range(0, units, CHUNK))


def counts(units: int) -> dict:
    """Gives what the even part of a case must give."""
    orphans = len(range(7, units, ORPHAN_EVERY))
    # A unit that is not in the ERP has no other lot there.
    lots = sum(1 for unit in range(11, units, LOT_EVERY) if unit % ORPHAN_EVERY != 7)
    return {"ORP001": orphans, "LOT001": lots}


def even(folder: pathlib.Path, units: int, **shape) -> dict:
    """Writes data without skew, or as `shape` says."""
    write_parquet(folder / "supplier/s.parquet", (table(own, False, **shape) for own in chunks(units)))
    write_parquet(folder / "erp/e.parquet", (table(own, True, **shape) for own in chunks(units)))
    return counts(units)


def one_lot(folder: pathlib.Path, units: int) -> dict:
    """Half of the records state one lot."""
    def skewed(own, erp):
        made = table(own, erp)
        own = own[own % ORPHAN_EVERY != 7] if erp else own
        half = pa.array((own % 2 == 0) & (own % LOT_EVERY != 11))
        return made.set_column(2, "lot", pc.if_else(half, "LBIG", made["lot"]))
    write_parquet(folder / "supplier/s.parquet", (skewed(own, False) for own in chunks(units)))
    write_parquet(folder / "erp/e.parquet", (skewed(own, True) for own in chunks(units)))
    return counts(units)


def one_serial(folder: pathlib.Path, units: int) -> dict:
    """One serial stands on a million records of the supplier; all of them ship one after the other."""
    def again():
        yield from (table(own, False) for own in chunks(units))
        for start in range(0, 1_000_000, CHUNK):
            count = min(CHUNK, 1_000_000 - start)
            made = table(np.full(count, 5), False)
            yield made.set_column(4, "shipped", pa.array(np.arange(start, start + count, dtype=np.int32) % 15_000 + 1_000).cast(pa.date32()))
    write_parquet(folder / "supplier/s.parquet", again())
    write_parquet(folder / "erp/e.parquet", (table(own, True) for own in chunks(units)))
    return counts(units) | {"SER001": 1}


def all_equal(folder: pathlib.Path, units: int) -> dict:
    """Every record says the same: one unit, repeated in both sources."""
    same = lambda erp: (table(np.full(len(own), 5), erp) for own in chunks(units))
    write_parquet(folder / "supplier/s.parquet", same(False))
    write_parquet(folder / "erp/e.parquet", same(True))
    return {"SER002": 2}


def many_suppliers(folder: pathlib.Path, units: int) -> dict:
    """Every unit comes from a supplier of its own."""
    return even(folder, units, suppliers=1 << 40)


def many_lots(folder: pathlib.Path, units: int) -> dict:
    """Every unit has a lot of its own."""
    return even(folder, units, lots=1 << 40)


def one_group(folder: pathlib.Path, units: int) -> dict:
    """One file with one row group holds all records of a source."""
    for name, erp in (("supplier/s.parquet", False), ("erp/e.parquet", True)):
        whole = pa.concat_tables(table(own, erp) for own in chunks(units))
        write_parquet(folder / name, [whole.combine_chunks()], rows_of_group=units)
    return counts(units)


def write_csv(path: pathlib.Path, tables) -> None:
    """Writes tables as delimited text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    for one in tables:
        writer = writer or pyarrow.csv.CSVWriter(path, one.schema, write_options=pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none"))
        writer.write(one)
    writer.close()


def even_csv(folder: pathlib.Path, units: int) -> dict:
    """The even data as two files of delimited text."""
    write_csv(folder / "supplier/s.csv", (table(own, False) for own in chunks(units)))
    write_csv(folder / "erp/e.csv", (table(own, True) for own in chunks(units)))
    return counts(units)


def small_files(folder: pathlib.Path, units: int) -> dict:
    """The even data in 100,000 files of delimited text."""
    for name, erp in (("supplier", False), ("erp", True)):
        whole = pa.concat_tables(table(own, erp) for own in chunks(units))
        step = -(-len(whole) // 50_000)
        for number in range(0, 50_000):
            part = whole.slice(number * step, step)
            if len(part):
                write_csv(folder / f"{name}/{number // 1_000:02}/{number:05}.csv", [part])
    return counts(units)


def wide(folder: pathlib.Path, units: int) -> dict:
    """10,000 columns, of which five are read; a two-hundredth of the records."""
    units //= 200
    padding = {f"pad_{number:05}": pa.array(np.full(units, number, dtype=np.int64)) for number in range(9_995)}
    for name, erp in (("supplier/s.parquet", False), ("erp/e.parquet", True)):
        made = table(np.arange(units), erp)
        for column, values in padding.items():
            made = made.append_column(column, values.slice(0, len(made)))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(made, path, compression="zstd", row_group_size=units)
    return counts(units)


CASES = {case.__name__: case for case in (even, one_lot, one_serial, all_equal, many_suppliers, many_lots, one_group, even_csv, small_files, wide)}
CONFIG = """version = 1
as_of = 2026-06-30
scope = ["item"]
[sources.supplier]
role = "supplier"
paths = ["supplier"]
columns = { serial = "serial", item = "item", lot = "lot", supplier = "supplier", shipped = "shipped" }
[sources.erp]
role = "erp"
paths = ["erp"]
columns = { serial = "serial", item = "item", lot = "lot", supplier = "supplier", received = "received" }
"""


def prepare(work: pathlib.Path, name: str, units: int) -> pathlib.Path:
    """Makes the data of a case, unless it is there."""
    folder = work / f"{name}-{units}"
    if not (folder / "expected.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        expected = CASES[name](folder, units)
        (folder / "counterfoil.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    return folder


def run(binary: str, folder: pathlib.Path, limit: str | None) -> dict:
    """Runs a case and checks what it found."""
    with tempfile.TemporaryDirectory(prefix="skew-", dir=folder.parent) as temporary:
        out = pathlib.Path(temporary) / "run"
        command = [binary, "reconcile", "-q", "--allow-recurring", "--allow-disjoint", "-c", str(folder / "counterfoil.toml"), "-o", str(out)]
        command += ["--memory-limit", limit] if limit else []
        started = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status) not in EXIT_CODES_DONE:
            raise SystemExit(f"skew: {' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}, expected 0 or 1; run it by hand to see why")
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        execution = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["execution"]
        rows = pq.read_metadata(out / "evidence.parquet").num_rows
        records = sum(row["records"] for row in pq.read_table(out / "ledger.parquet").to_pylist())
    found = {code: rule["findings"] for code, rule in summary["findings"]["by_code"].items() if rule["findings"]}
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    checked = {code: found.get(code) for code in ("ORP001", "LOT001", "SER001", "SER002") if code in found or code in expected}
    if checked != expected:
        raise SystemExit(f"skew: {folder.name}: found {found}, expected {expected} of these codes")
    return {"records": records, "wall_seconds": round(wall, 3), "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            "peak_rss_bytes": execution["peak_bytes"], "spilled_bytes": execution["spilled_bytes"], "evidence_rows": rows, "found": found}


def main() -> None:
    """Makes, runs, checks, prints, and writes the raw results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path, help="a folder for the data; it takes some gigabytes")
    parser.add_argument("--units", type=int, default=4_000_000)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory-limit", help="handed on to every run")
    parser.add_argument("--out", default=str(pathlib.Path(__file__).resolve().parent / "runs"))
    arguments = parser.parse_args()
    folders = {name: prepare(arguments.work, name, arguments.units) for name in arguments.cases.split(",")}
    results = {name: [] for name in folders}
    for _ in range(arguments.repeat):
        for name, folder in folders.items():
            results[name].append(run(arguments.binary, folder, arguments.memory_limit))
    print(f"{'':16} {'records':>12} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'us/record':>10} {'x even':>7}")
    base = {}
    for name, runs in results.items():
        wall = statistics.median(one["wall_seconds"] for one in runs)
        cpu = statistics.median(one["cpu_seconds"] for one in runs)
        per_record = wall / runs[0]["records"] * 1e6
        base.setdefault("csv" if name in ("even_csv", "small_files") else "parquet", per_record)
        even_time = base["csv" if name in ("even_csv", "small_files") else "parquet"]
        peak = max(one["peak_rss_bytes"] for one in runs) / 1e6
        print(f"{name:16} {runs[0]['records']:12,} {wall:8.2f} {cpu:8.2f} {peak:8,.0f} {per_record:10.3f} {per_record / even_time:7.2f}")
    folder = pathlib.Path(arguments.out) / f"{datetime.date.today().isoformat()}-{machine()}"
    folder.mkdir(parents=True, exist_ok=True)
    record = {"processor": processor(), "cores": os.cpu_count(), "units": arguments.units, "memory_limit": arguments.memory_limit, "results": results}
    (folder / "skew.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"raw results: {folder / 'skew.json'}")


if __name__ == "__main__":
    main()
