"""Tests that every installed peer finds the counts worked out by hand, also with blank, damaged and oddly spelled values."""

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

# The same for the peer that cleans as counterfoil does.
SAME_SOURCES = {
    # Two spellings of one unit, and its serial under an item that differs in case; three serials that are none; an item that is none.
    "supplier": [("A", "S1", "L1"), ("\u00a0A", '="s-1"', "l 1"), ("a", "S1", "L1"), ("A", "N/A", "L1"), ("A", "Not  available", "L1"),
                 ("A", "\u200b-\u2013", "L1"), ("A", "\ufeffS2", "\uff2c\uff12"), ("A", "S3", "L3"), ("B", "S3", "L3"),
                 ("unk", "S4", "L4"), ("A", "S5", "L5"), ("A", "S6", "L6")],
    # S7 stands twice with two lots, once without an item.
    "erp": [("A", "S\u20131", "L\u00a01"), ("'A", "'S2", "L2\t"), ("A", "S3\u00ad", "L3"), ("B", "S3", "L3"), ("A", "S4", "L4"),
            ("A ", "S6", " n/a"), ("A", "S7", "L7"), (None, "s7\u3000", "L8")],
    # Without an item: S1 and S3 could belong to two units, S6 to one and states another lot, X1 twice to none, X2 to none.
    "warranty": [(None, "S1", "L9"), ("", "S 3", "L9"), (None, "S6", "L-9"), ("\u200bA", "\uff53\uff15", None), (None, "X1", "L1"),
                 ("N/A", "'x-1", "L2"), ("A", "X2 ", None), (None, "X2", None), ("B", "S5", None), ("A", "ABC123", "L1"),
                 ("A", "  ", "L1")],
}
SAME_EXPECTED = {
    "duplicates_supplier": 1,       # S1 of A
    "duplicates_erp": 1,            # S7
    "lot_mismatches": 3,            # S6, S7, X1
    "shipped_not_in_erp": 2,        # S1 of a, S5 of A
    "claims_for_unknown_units": 4,  # X1, X2 of A and of no item, S5 of B
    "serials_on_several_items": 3,  # S1, S3, S5
}


class PeersTest(unittest.TestCase):
    """One case per peer; one that is not installed is skipped by name."""

    def check(self, name: str, sources: dict[str, list[tuple]] = SOURCES, expected: dict[str, int] = EXPECTED) -> None:
        try:
            checks = importlib.import_module(f"{name}_peer").checks
        except ImportError as error:
            self.skipTest(f"{name} is not installed: {error}")
        with tempfile.TemporaryDirectory() as folder:
            for source, rows in sources.items():
                os.makedirs(os.path.join(folder, source))
                columns = {field: pa.array(values, pa.string()) for field, values in zip(("item", "serial", "lot"), zip(*rows))}
                pq.write_table(pa.table(columns), os.path.join(folder, source, "part-0.parquet"))
            self.assertEqual({check: int(count) for check, count in checks(folder).items()}, expected)

    def test_polars(self):
        self.check("polars")

    def test_polars_lists(self):
        self.check("polars_lists")

    def test_polars_same(self):
        self.check("polars_same", SAME_SOURCES, SAME_EXPECTED)

    def test_duckdb(self):
        self.check("duckdb")

    def test_datafusion(self):
        self.check("datafusion")

    def test_chdb(self):
        self.check("chdb")


if __name__ == "__main__":
    unittest.main()
