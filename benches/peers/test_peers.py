"""Tests that every installed peer finds the counts worked out by hand, also with blank and oddly spelled values."""

import importlib
import os
import tempfile
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

SOURCES = {
    # Two spellings of one unit; a blank serial twice; a unit without lot; a serial under two items; one not in the ERP.
    "supplier": [("A", "s-1", "L1"), (" A", "S1 ", "L1"), ("A", None, "L1"), ("A", "--", "L1"), ("A", "S2", None), ("A", "S3", "l/1"),
                 ("A", "S4", "L1"), ("B", "S4", "L2"), ("A", "S5", "L1"), (None, "S6", "L1")],
    # S1 states another lot in one of two records; S2 a lot that no other states; S3 the same lot in another spelling.
    "erp": [("A", "S1", "L1"), ("A", "S.1", "L2"), ("A", "S2", "L1"), ("A", "S3", "L-1"), ("A", "S4", "L1"), ("B", "S4", "L2"),
            (None, "S6", ""), ("A", "é1", "L1"), ("A", "É1", "L1")],
    # Two claims for one unknown unit, one for a unit under another item, one known, one without serial.
    "warranty": [("A", "X1", "L1"), ("A", "x-1", None), ("B", "S5", "L1"), ("A", "S1", "L9"), ("A", "", "L1")],
}
EXPECTED = {
    "duplicates_supplier": 1,       # S1
    "duplicates_erp": 2,            # S1, É1
    "lot_mismatches": 1,            # S1
    "shipped_not_in_erp": 1,        # S5 of A
    "claims_for_unknown_units": 2,  # X1, S5 of B
    "serials_on_several_items": 2,  # S4, S5
}


class PeersTest(unittest.TestCase):
    """One case per peer; one that is not installed is skipped by name."""

    def check(self, name: str) -> None:
        try:
            checks = importlib.import_module(f"{name}_peer").checks
        except ImportError as error:
            self.skipTest(f"{name} is not installed: {error}")
        with tempfile.TemporaryDirectory() as folder:
            for source, rows in SOURCES.items():
                os.makedirs(os.path.join(folder, source))
                columns = {field: pa.array(values, pa.string()) for field, values in zip(("item", "serial", "lot"), zip(*rows))}
                pq.write_table(pa.table(columns), os.path.join(folder, source, "part-0.parquet"))
            self.assertEqual({check: int(count) for check, count in checks(folder).items()}, EXPECTED)

    def test_polars(self):
        self.check("polars")

    def test_polars_lists(self):
        self.check("polars_lists")

    def test_duckdb(self):
        self.check("duckdb")

    def test_datafusion(self):
        self.check("datafusion")

    def test_chdb(self):
        self.check("chdb")


if __name__ == "__main__":
    unittest.main()
