"""Reads the three identifier columns of every source and does nothing else: what no engine can go below; delimited text is read by Polars."""

import glob

import inputs
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from measure import measured


def read_text(folder: str, source: str) -> int:
    """Has Polars read the columns of a source that is delimited text; gives the number of records."""
    files = pl.scan_csv(inputs.pattern(folder, source), infer_schema=False)
    return files.select("item", "serial", "lot").collect(engine="streaming").height


def checks(folder: str) -> dict[str, int]:
    """Gives the number of records decoded by source."""
    if inputs.is_text(folder):
        return {source: read_text(folder, source) for source in ("supplier", "erp", "warranty")}
    counts = {}
    for source in ("supplier", "erp", "warranty"):
        counts[source] = 0
        for path in sorted(glob.glob(f"{folder}/{source}/*.parquet")):
            with pq.ParquetFile(path, memory_map=True) as file:
                for group in range(file.num_row_groups):
                    counts[source] += file.read_row_group(group, columns=["item", "serial", "lot"], use_threads=True).num_rows
    return counts


if __name__ == "__main__":
    measured("floor", pa.__version__, checks)
