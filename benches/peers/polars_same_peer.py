"""The four core checks in Polars with the meaning that counterfoil gives them, so that the lists agree with its findings.

Identifiers are cleaned as far as the answer depends on it: invisible characters, white space, full-width forms, hyphen look-alikes,
wrapping, placeholders. Records without an item go to the one unit of their serial that a supplier shipped or the ERP holds. Lots are
compared over all sources, claims included. Left out: placeholders of digits only, the rule that keeps forms apart which two sources
confirm (IDN008), the days of grace, wrapping inside wrapping, and letters whose upper case is several letters.

The plan is the fastest found. Most values are plain, and only the odd ones take the expensive cleaning; lots repeat, so each is
cleaned once. The clean columns are kept in memory, for Polars would clean them again for several of the queries. Items and lots are
categories, which compare as numbers. Every check is a query over one grouping by unit; a join or a grouping a check takes longer.
"""

import os
import pathlib
import sys
import tempfile

import polars as pl
from measure import measured
from polars_lists_peer import UNIT
from polars_peer import ERP, SUPPLIER, scan

# The list of placeholders is that of the SQL oracle.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "oracle"))
from cleaning import PLACEHOLDERS  # noqa: E402

SOURCES = ("supplier", "erp", "warranty")

# What cleaning may change, and what may be a placeholder: all of these but one have no digit.
ODD = r"[^!-~]|^(?:['=]|[^0-9]*$|(?i:abc123)$)"
# Invisible and control characters, but for those that are white space or separate the fields of a scanned label.
DROPPED = r"[\p{Cf}\p{Cc}--[\t\n\r\x{04}\x{1d}\x{1e}]]"
FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
HYPHENS = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-")
# The text inside ="...", behind an apostrophe, or both.
WRAPPED = r"""^'?="'?(.*)"$|^'(.+)$"""
SEPARATORS = r"[ \-_./]"


def clean(column: str) -> pl.Expr:
    """Gives the cleaned text of an odd value."""
    mapped = pl.col(column).str.replace_all(DROPPED, "").str.replace_many(FULL_WIDTH | HYPHENS)
    return mapped.str.replace_all(r"\s+", " ").str.strip_chars(" ").str.replace(WRAPPED, "$1$2").str.strip_chars(" ")


def plain_key(column: str) -> pl.Expr:
    """Gives the key of a plain serial: upper case, without separators."""
    return pl.col(column).str.to_uppercase().str.replace_all(SEPARATORS, "")


def odd_key(column: str) -> pl.Expr:
    """Gives the key of an odd serial, or of any lot; null where it is blank or a placeholder."""
    form = clean(column).str.to_uppercase()
    key = form.str.replace_all(SEPARATORS, "")
    return pl.when((key != "") & ~form.is_in(list(PLACEHOLDERS))).then(key).alias(column)


def odd_item() -> pl.Expr:
    """Gives an odd item, whose case and separators count; empty where it is a placeholder."""
    item = clean("item")
    return pl.when(~item.str.to_uppercase().is_in(list(PLACEHOLDERS))).then(item).fill_null("").alias("item")


def read(folder: str, source: str) -> pl.LazyFrame:
    """Gives the clean keys of one source, for records that have a serial; an empty item where there is none."""
    records = scan(folder, source).select("item", "serial", "lot").drop_nulls("serial")
    lots = records.select(raw="lot").unique().drop_nulls().select("raw", odd_key("raw").cast(pl.Categorical).alias("lot"))
    records = records.rename({"lot": "raw"}).join(lots, on="raw", how="left", maintain_order="none").with_columns(
        odd=pl.any_horizontal(pl.col(UNIT).str.contains(ODD)).fill_null(False))
    plain = records.filter(~pl.col("odd")).select(pl.col("item").fill_null(""), plain_key("serial"), "lot")
    odd = records.filter("odd").select(odd_item(), odd_key("serial"), "lot").drop_nulls("serial")
    return pl.concat([plain, odd]).with_columns(pl.col("item").cast(pl.Categorical))


def place(records: pl.LazyFrame) -> pl.LazyFrame:
    """Gives records without an item that of the one unit they can belong to, if any; drops them where there are several."""
    with_item, without = records.filter(pl.col("item") != ""), records.filter(pl.col("item") == "")
    units = with_item.filter(pl.col("role").is_in([SUPPLIER, ERP])).join(without.select("serial").unique(), on="serial", how="semi")
    homes = units.group_by("serial").agg(home=pl.col("item").min(), other=pl.col("item").max())
    placed = without.join(homes, on="serial", how="left", maintain_order="none").filter(pl.col("home").eq_missing(pl.col("other")))
    return pl.concat([with_item, placed.select(pl.coalesce("home", "item").alias("item"), "serial", "lot", "role")])


def several(groups: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Keeps the groups in which two values differ, and gives the two by their names again."""
    one, other = pl.col(f"one_{name}"), pl.col(f"other_{name}")
    return groups.filter(one != other).with_columns(one.cat.to(pl.Categorical), other.cat.to(pl.Categorical))


def queries(sources: list[pl.DataFrame]) -> dict[str, pl.LazyFrame]:
    """Gives one query a check; each row is a finding."""
    role, lot, item = pl.col("role"), pl.col("lot").to_physical(), pl.col("item").to_physical()
    records = pl.concat([source.lazy().with_columns(role=pl.lit(number, dtype=pl.UInt8)) for number, source in enumerate(sources)])
    units = place(records).group_by(UNIT).agg(
        supplier=(role == SUPPLIER).sum(), erp=(role == ERP).sum(), one_lot=lot.min(), other_lot=lot.max())
    supplier, erp = pl.col("supplier"), pl.col("erp")
    serials = units.filter(pl.col("item") != "").group_by("serial").agg(one_item=item.min(), other_item=item.max())
    return {
        "duplicates_supplier": units.filter(supplier > 1).select(*UNIT, records=supplier),
        "duplicates_erp": units.filter(erp > 1).select(*UNIT, records=erp),
        "lot_mismatches": several(units.select(*UNIT, "one_lot", "other_lot"), "lot"),
        "shipped_not_in_erp": units.filter((supplier > 0) & (erp == 0)).select(UNIT),
        "claims_for_unknown_units": units.filter((supplier == 0) & (erp == 0)).select(UNIT),
        "serials_on_several_items": several(serials, "item"),
    }


def checks(folder: str) -> dict[str, int]:
    """Writes the lists of the four checks and gives how long they are."""
    with tempfile.TemporaryDirectory(prefix="polars-same-") as out:
        lists = queries(pl.collect_all([read(folder, source) for source in SOURCES], engine="streaming"))
        sinks = [query.sink_parquet(os.path.join(out, f"{name}.parquet"), lazy=True) for name, query in lists.items()]
        pl.collect_all(sinks, engine="streaming")
        return {name: pl.scan_parquet(os.path.join(out, f"{name}.parquet")).select(pl.len()).collect().item() for name in lists}


if __name__ == "__main__":
    measured("polars_same", pl.__version__, checks)
