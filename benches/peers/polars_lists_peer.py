"""The four core checks in Polars as its documentation teaches: lazy, streaming, one query a check, each a list in Parquet.

This is the script that an engineer writes first: a grouping for duplicates, a join for lots, anti-joins for what is missing. All
queries go to one `collect_all`, so Polars is free to share their scans. `polars_peer.py` is the plan that an expert makes of them,
which only counts.
"""

import os
import tempfile

import polars as pl
from measure import measured
from polars_peer import key, scan

UNIT = ["item", "serial"]


def read(folder: str, source: str) -> pl.LazyFrame:
    """Gives the keys of one source, for records that have a serial."""
    item = pl.col("item").str.strip_chars(" ").fill_null("").alias("item")
    records = scan(folder, source).select(item, key("serial").alias("serial"), key("lot").alias("lot"))
    return records.filter(pl.col("serial").is_not_null())


def queries(folder: str) -> dict[str, pl.LazyFrame]:
    """Gives one query a check; each row is a finding."""
    supplier, erp, warranty = (read(folder, source) for source in ("supplier", "erp", "warranty"))
    lots = supplier.drop_nulls("lot").join(erp.drop_nulls("lot"), on=UNIT, suffix="_erp")
    # A unit's lots also differ where one source states two of them, so the lists of both sides are looked at as wholes.
    mismatches = lots.group_by(UNIT).agg(
        least=pl.min_horizontal(pl.col("lot").min(), pl.col("lot_erp").min()),
        greatest=pl.max_horizontal(pl.col("lot").max(), pl.col("lot_erp").max()),
    ).filter(pl.col("least") != pl.col("greatest"))
    known = pl.concat([supplier.select(UNIT), erp.select(UNIT)])
    everywhere = pl.concat([known, warranty.select(UNIT)]).filter(pl.col("item") != "")
    return {
        "duplicates_supplier": supplier.group_by(UNIT).len("records").filter(pl.col("records") > 1),
        "duplicates_erp": erp.group_by(UNIT).len("records").filter(pl.col("records") > 1),
        "lot_mismatches": mismatches,
        "shipped_not_in_erp": supplier.select(UNIT).unique().join(erp, on=UNIT, how="anti"),
        "claims_for_unknown_units": warranty.select(UNIT).unique().join(known, on=UNIT, how="anti"),
        "serials_on_several_items": everywhere.group_by("serial").agg(items=pl.col("item").n_unique()).filter(pl.col("items") > 1),
    }


def checks(folder: str) -> dict[str, int]:
    """Writes the lists of the four checks and gives how long they are."""
    with tempfile.TemporaryDirectory(prefix="polars-lists-") as out:
        lists = queries(folder)
        sinks = [query.sink_parquet(os.path.join(out, f"{name}.parquet"), lazy=True) for name, query in lists.items()]
        pl.collect_all(sinks, engine="streaming")
        return {name: pl.scan_parquet(os.path.join(out, f"{name}.parquet")).select(pl.len()).collect().item() for name in lists}


if __name__ == "__main__":
    measured("polars_lists", pl.__version__, checks)
