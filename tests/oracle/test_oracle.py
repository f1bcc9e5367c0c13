"""Tests the oracle itself: small sources, and the findings that the semantics ask for, written by hand.

Every rule has a case that fires and one that does not, so that an agreement of oracle and engine can't rest on a rule
that both leave out.
"""

import contextlib
import gzip
import io
import json
import os
import tempfile
import unittest

import cleaning
import oracle
import pyarrow as pa
import pyarrow.parquet as pq
from comparison import compare_run
from configuration import read_run


def read_block(block: str) -> tuple[list[str], list[list[str]]]:
    """Reads a table written with `|` between its cells; the first line names the fields, `_` stands for a blank cell."""
    lines = [[cell.strip() for cell in line.split("|")] for line in block.strip().splitlines()]
    return lines[0], [["" if cell == "_" else cell for cell in line] for line in lines[1:]]


def write_source(folder: str, name: str, block: str, parquet: bool) -> list[str]:
    """Writes one source as a file; gives its fields."""
    fields, rows = read_block(block)
    if parquet:
        table = pa.table({field: pa.array([row[index] or None for row in rows], pa.string()) for index, field in enumerate(fields)})
        pq.write_table(table, os.path.join(folder, f"{name}.parquet"))
    else:
        with open(os.path.join(folder, f"{name}.csv"), "w", encoding="utf-8", newline="") as file:
            for row in [fields, *rows]:
                file.write(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n")
    return fields


class Case:
    """A run over small sources."""

    def __init__(self, sources: dict[str, str], parquet: bool = False, extra: dict | None = None, **settings):
        with tempfile.TemporaryDirectory() as folder:
            described = {}
            for name, block in sources.items():
                fields = write_source(folder, name, block, parquet)
                role = name.split("_")[0]
                described[name] = {"role": role, "paths": [f"{name}.{'parquet' if parquet else 'csv'}"],
                                   "columns": {field: field for field in fields}} | (extra or {}).get(name, {})
            config = os.path.join(folder, "run.json")
            with open(config, "w", encoding="utf-8") as file:
                json.dump({"as_of": "2026-06-30", "sources": described} | settings, file)
            self.database = oracle.compute(read_run(config), 1)

    def findings(self, *codes: str) -> list[str]:
        """Gives the findings of some codes, one line each: code, subtype, severity, subject, sources and cited records."""
        rows = self.database.execute(
            "select code, subtype, severity, item, serial, lot, array_to_string(sources, '+'), record_count from finding").fetchall()
        return sorted(" ".join(str(value) if value not in (None, "") else "-" for value in row)
                      for row in rows if not codes or row[0] in codes)

    def ledger(self) -> dict[tuple[str, str], int]:
        """Gives the number of records by source and disposition."""
        return {(source, disposition): int(records) for source, disposition, records in self.database.execute(
            "select source, disposition, sum(records) from ledger group by all").fetchall()}


UNIT = "item | serial\nA | S1"
CLAIM = "claim | item | serial\nC1 | A | S1"


class CleaningTest(unittest.TestCase):
    """T1 and the upper case."""

    def test_steps(self):
        for raw, expected in {
            " AB  1 ": "AB 1", '="0123"': "0123", "'0123": "0123", "'": "'", "A\u200bB": "AB", "\uff21\uff11": "A1", "A\u2013B": "A-B",
            "A\u00a0B": "A B", "\u3000A": "A", "A\x00B": "AB", "A\tB": "A B", "A\x1dB": "A\x1dB", "''A": "A", ' ="1" ': "1", "=''": "=''",
            "' ": "", "'\u200b": "",
            "\u200b'": "'", "\uff07A": "A",
        }.items():
            self.assertEqual(cleaning.clean(raw), expected, raw)

    def test_plain_values_are_left_alone(self):
        for value in ("A", "AB 1", "x-1", "=1", "'x", " a", "a  b", "é", ""):
            cleaned = cleaning.clean_array(pa.array([value, None])).to_pylist()
            self.assertEqual(cleaned, [cleaning.clean(value), None])

    def test_upper(self):
        self.assertEqual(cleaning.upper_array(pa.array(["aß", "é", "b", None])).to_pylist(), ["Aß", "É", "B", None])
        self.assertEqual(cleaning.name_array(pa.array(["aß", "a\u1e9e", "b", None])).to_pylist(), ["ASS", "ASS", "B", None])


class SerialTest(unittest.TestCase):
    """SER001 to SER004."""

    def test_duplicate_and_repeated(self):
        case = Case({"supplier": "item | serial | lot | shipped\nA | S1 | L1 | 2026-01-01\nA | S1 | L2 | 2026-01-01\n"
                                 "A | S2 | L1 | 2026-01-01\nA | s2 | l1 | 20260101\nA | S-3 | L1 | _\nA | S3 | L1 | _\nA | S4 | L1 | _"})
        self.assertEqual(case.findings("SER001", "SER002"), [
            "SER001 - error A S1 L1 supplier 2", "SER001 after-normalization error A S-3 L1 supplier 2",
            "SER002 - warning A S2 L1 supplier 2"])

    def test_values_that_do_not_count_are_told_apart(self):
        case = Case({"supplier": "item | serial | made | quantity\nA | S1 | 1965-01-01 | 1\nA | S1 | 1966-02-02 | 1\n"
                                 "A | S2 | 2155-01-01 | 1\nA | S2 | 21550101 | 1\nA | S3 | _ | 1\nA | S3 | 1900-01-01 | 1\n"
                                 "A | S4 | soon | 1\nA | S4 | later | 1\nA | S5 | _ | 1.0000001\nA | S5 | _ | 1.0000002\n"
                                 "A | S6 | _ | 01.00000010\nA | S6 | _ | 1.0000001"})
        self.assertEqual([finding.split()[-4:] for finding in case.findings("SER001")],
                         [[serial, "-", "supplier", "2"] for serial in ("S1", "S4", "S5")])
        self.assertEqual([finding.split()[-4:] for finding in case.findings("SER002")],
                         [[serial, "-", "supplier", "2"] for serial in ("S2", "S3", "S6")])

    def test_events_recur_lawfully(self):
        case = Case({"erp": UNIT, "warranty": "claim | item | serial\nC1 | A | S1\nC2 | A | S1"})
        self.assertEqual(case.findings("SER001", "SER002"), [])

    def test_several_items(self):
        blocks = {"supplier": "item | serial\nA | S-1\nB | S2", "erp": "item | serial\nB | S1\nB | S2"}
        self.assertEqual(Case(blocks).findings("SER003"), ["SER003 - warning - S1 - erp+supplier 2"])
        self.assertEqual(Case(blocks, scope=[]).findings("SER003"), ["SER003 - error - S1 - erp+supplier 2"])

    def test_widespread(self):
        lines = [f"A | N{number}" for number in range(1000)]
        crossing = [f"B | N{number}" for number in range(11)]
        case = Case({"supplier": "item | serial\n" + "\n".join(lines + crossing)})
        self.assertEqual(case.findings("SER003"), ["SER003 widespread info - - - - 0"])
        self.assertEqual(len(Case({"supplier": "item | serial\n" + "\n".join(lines + crossing[:10])}).findings("SER003")), 10)

    def test_several_suppliers(self):
        case = Case({"supplier_x": "item | serial | supplier\nA | S1 | Acme\nA | S2 | Acme\nA | S3 | _",
                     "supplier_y": "item | serial | supplier\nA | S1 | Bolt\nA | S2 | ACME\nA | S3 | Bolt"})
        self.assertEqual(case.findings("SER004"), ["SER004 - critical A S1 - supplier_x+supplier_y 2"])
        alike = Case({"supplier_x": "item | serial | supplier\nA | S1 | Acme\nA | S2 | Straßer",
                      "supplier_y": "item | serial | supplier\nA | S1 | n/a\nA | S2 | STRASSER"})
        self.assertEqual(alike.findings("SER004"), [])
        unmapped = Case({"supplier_x": UNIT, "supplier_y": UNIT})
        self.assertEqual(unmapped.findings("SER004"), ["SER004 - critical A S1 - supplier_x+supplier_y 2"])


class LotTest(unittest.TestCase):
    """LOT001 to LOT003 and LOT006."""

    def test_mismatch(self):
        case = Case({"supplier": "item | serial | lot\nA | S1 | L1\nA | S2 | L-2\nA | S3 | L1\nA | S4 | L1\nA | S5 | L1\nA | S5 | L2",
                     "erp": "item | serial | lot\nA | S1 | L2\nA | S2 | l2\nA | S3 | L1\nA | S4 | L2\nA | S5 | L1",
                     "warranty": "item | serial | lot\nA | S3 | L2\nA | S4 | L3"})
        self.assertEqual(case.findings("LOT001"), [
            "LOT001 majority error A S3 L1 erp+supplier+warranty 3", "LOT001 three-way error A S4 L2 erp+supplier+warranty 3",
            "LOT001 two-way error A S1 L2 erp+supplier 2", "LOT001 within-source error A S5 L1 erp+supplier 3"])

    def test_supplier_lot_is_compared_where_mapped(self):
        case = Case({"supplier": "item | serial | lot\nA | S1 | L1\nA | S2 | L1\nA | S3 | L1",
                     "erp": "item | serial | lot | supplier_lot\nA | S1 | I7 | L1\nA | S2 | I7 | L2\nA | S3 | L9 | _"})
        self.assertEqual(case.findings("LOT001"), ["LOT001 two-way error A S2 I7 erp+supplier 2"])

    def test_missing(self):
        case = Case({"supplier": "item | serial | lot\nA | S1 | L1\nA | S2 | L1\nA | S3 | _\nB | S4 | _\nA | S5 | N/A\nA | S6 | L1",
                     "erp": "item | serial | lot\nA | S1 | _\nA | S2 | L1\nA | S3 | _\nB | S4 | _\nA | S5 | L1\nA | S6 | L1",
                     "warranty": "item | serial | lot\nA | S2 | _"})
        self.assertEqual(case.findings("LOT002"), [
            "LOT002 here warning A S1 L1 erp 1", "LOT002 here warning A S5 L1 supplier 1",
            "LOT002 nowhere warning A S3 - erp+supplier 2"])

    def test_a_blank_item_is_lot_tracked_only_where_none_is_mapped(self):
        self.assertEqual(Case({"erp": "item | serial | lot\n_ | S1 | L1\n_ | S2 | _"}).findings("LOT002"), [])
        self.assertEqual(Case({"erp": "serial | lot\nS1 | L1\nS2 | _"}).findings("LOT002"), ["LOT002 nowhere warning - S2 - erp 1"])

    def test_unknown(self):
        case = Case({"supplier": "item | serial | lot\nA | S1 | L10\nB | S2 | L22",
                     "erp": "item | serial | lot\nA | S1 | l-10\nA | S3 | LIO\nA | S4 | L22\nA | _ | L7\nA | S5 | L7\nC | S6 | L7",
                     "warranty": "item | serial | lot\nA | S1 | L8\n_ | S1 | L9"})
        self.assertEqual(case.findings("LOT003"), [
            "LOT003 near error A - LIO erp 1", "LOT003 other-item error A - L22 erp 1", "LOT003 unknown error A - L7 erp 2",
            "LOT003 unknown error A - L8 warranty 1"])

    def test_without_any_item(self):
        case = Case({"supplier": "serial | lot\nS1 | L1", "erp": "serial | lot\nS1 | L1\nS2 | L2"})
        self.assertEqual(case.findings("LOT003"), ["LOT003 unknown error - - L2 erp 1"])

    def test_not_comparable(self):
        def sides(differing: int, total: int) -> dict[str, str]:
            supplier = [f"A | N{number} | L1" for number in range(total)]
            erp = [f"A | N{number} | {'K1' if number < differing else 'L1'}" for number in range(total)]
            return {"supplier": "item | serial | lot\n" + "\n".join(supplier), "erp": "item | serial | lot\n" + "\n".join(erp)}

        case = Case(sides(501, 1000))
        self.assertEqual(case.findings("LOT001", "LOT003", "LOT006"), ["LOT006 - error - - - erp+supplier 0"])
        self.assertEqual(len(Case(sides(500, 1000)).findings("LOT001")), 500)
        self.assertEqual(len(Case(sides(999, 999)).findings("LOT001")), 999)

    def test_parameters(self):
        def sides(differing: int, total: int) -> dict[str, str]:
            supplier = [f"A | N{number} | L1" for number in range(total)]
            erp = [f"A | N{number} | {'K1' if number < differing else 'L1'}" for number in range(total)]
            return {"supplier": "item | serial | lot\n" + "\n".join(supplier), "erp": "item | serial | lot\n" + "\n".join(erp)}

        def codes(sources: dict[str, str], code: str, **parameters) -> list[str]:
            return [line.split()[0] for line in Case(sources, rules={code: parameters}).findings("LOT001", "LOT002", "LOT006")]

        self.assertEqual(codes(sides(2, 3), "LOT006", units_min=3), ["LOT006"])
        self.assertEqual(codes(sides(2, 3), "LOT006", units_min=4), ["LOT001"] * 2)
        self.assertEqual(codes(sides(2, 3), "LOT006", units_min=3, differing_percent=66.66), ["LOT006"])
        self.assertEqual(codes(sides(2, 3), "LOT006", units_min=3, differing_percent=66.67), ["LOT001"] * 2)
        lotless = {"erp": "item | serial | lot\nA | S1 | L1\nA | S2 | _\nA | S3 | _"}
        self.assertEqual(codes(lotless, "LOT002"), [])
        self.assertEqual(codes(lotless, "LOT002", tracked_percent=33.33), ["LOT002"] * 2)

        def of(block: str, code: str, **parameters) -> list[str]:
            return Case({"erp": block}, rules={code: parameters}).findings("IDN001", "IDN002", "SER003")

        digits = "item | serial\nA | 0000\nA | 0000\nA | S1"
        self.assertEqual(of(digits, "IDN002"), [])
        self.assertEqual(of(digits, "IDN002", digits_repeats=2), ["IDN002 - error - 0000 - erp 2"])
        blank = "item | serial\nA | _\nA | _\nA | S1"
        self.assertEqual(of(blank, "IDN001"), ["IDN001 - error A - - erp 2"])
        self.assertEqual(of(blank, "IDN001", lot_only_percent=66.66), [])
        crossing = "item | serial\nA | S1\nB | S1\nA | S2"
        self.assertEqual(of(crossing, "SER003", serials_min=2), ["SER003 widespread info - - - - 0"])
        self.assertEqual(of(crossing, "SER003", serials_min=2, widespread_percent=50), ["SER003 - warning - S1 - erp 2"])


class OrphanTest(unittest.TestCase):
    """ORP001 to ORP004."""

    def test_shipped_not_in_erp(self):
        case = Case({"supplier": "item | serial | shipped | document\nA | S1 | 2026-06-15 | D1\nA | S2 | 2026-06-16 | D2\n"
                                 "A | S3 | _ | D2\nA | S4 | 2026-06-29 | D2\nA | S5 | 2026-07-09 | _\nA | S6 | 2026-01-01 | D2",
                     "erp": "item | serial\nA | S6"})
        self.assertEqual(case.findings("ORP001"), [
            "ORP001 - error A S1 - supplier 1", "ORP001 - error A S3 - supplier 1", "ORP001 in-transit info - - - supplier 1",
            "ORP001 in-transit info - - - supplier 2"])
        self.assertEqual(Case({"supplier": UNIT, "warranty": CLAIM}).findings("ORP001"), [])

    def test_erp_not_shipped(self):
        case = Case({"supplier": "item | serial | shipped\nA | S1 | 2026-01-10\nA | S2 | 2026-01-20\nA | S9 | 2027-01-01\nB | S8 | _",
                     "erp": "item | serial | received\nA | S3 | 2026-01-09\nA | S4 | 2026-01-10\nA | S5 | 2026-02-03\nA | S6 | 2026-02-04\n"
                            "A | S7 | _\nB | S3 | 1999-01-01\nC | S4 | 2026-01-15\nC | S5 | _"})
        self.assertEqual(case.findings("ORP002"), [
            "ORP002 - error A S4 - erp 1", "ORP002 - error A S5 - erp 1", "ORP002 - error A S7 - erp 1", "ORP002 - error B S3 - erp 1",
            "ORP002 item-not-shipped info C - - erp 2"])

    def test_units_of_absent_suppliers_are_not_judged(self):
        erp = "item | serial | supplier\nA | S2 | Acme\nA | S3 | Bolt\nA | S4 | _\nC | S5 | Bolt"
        named = Case({"supplier": "item | serial | supplier\nA | S1 | ACME", "erp": erp})
        self.assertEqual(named.findings("ORP002"), ["ORP002 - error A S2 - erp 1", "ORP002 - error A S4 - erp 1"])
        strangers = Case({"supplier": "item | serial | supplier\nA | S1 | 4711", "erp": erp})
        self.assertEqual(len(strangers.findings("ORP002")), 4)

    def test_suppliers_that_name_no_item_ship_every_item(self):
        case = Case({"supplier": "serial | shipped\nS1 | 2026-01-10\nS2 | 2026-01-20",
                     "erp": "item | serial | received\nA | S1 | _\nB | S3 | 2026-01-09\nB | S4 | 2026-02-03\n_ | S5 | _"}, scope=[])
        self.assertEqual(case.findings("ORP002"), ["ORP002 - error - S5 - erp 1", "ORP002 - error B S4 - erp 1"])

    def test_lots_alone_make_no_unit_an_orphan(self):
        case = Case({"supplier": UNIT, "erp": "item | lot\nA | L1", "warranty": CLAIM})
        self.assertEqual(case.findings("ORP001", "ORP002", "ORP003", "ORP004"), [])

    def test_unknown_claim(self):
        case = Case({"supplier": "item | serial\nA | S1\nB | S2", "erp": "item | serial\nA | S1\nB | S2",
                     "warranty": "item | serial\nA | S1\nA | S2\nA | S3\nA | S3\n_ | S1"})
        self.assertEqual(case.findings("ORP003"), ["ORP003 - critical A S3 - warranty 2", "ORP003 other-item warning A S2 - warranty 1"])

    def test_claim_not_in_erp(self):
        case = Case({"supplier": "item | serial\nA | S1\nA | S2", "erp": "item | serial\nA | S2",
                     "warranty": "item | serial\nA | S1\nA | S2"})
        self.assertEqual(case.findings("ORP004"), ["ORP004 - warning A S1 - warranty 1"])
        self.assertEqual(Case({"supplier": UNIT, "warranty": CLAIM}).findings("ORP004"), [])


class IdentifierTest(unittest.TestCase):
    """IDN001, IDN002, IDN005, IDN008, IDN011."""

    def test_missing(self):
        lot_only = "\n".join(["B | _"] * 99 + ["B | S9"])
        case = Case({"erp": f"item | serial\nA | S1\nA | _\nA | N/A\n_ | _\n{lot_only}"})
        self.assertEqual(case.findings("IDN001"), ["IDN001 - error - - - erp 1", "IDN001 - error A - - erp 1"])

    def test_placeholder(self):
        case = Case({"supplier": "item | serial | lot\nA | n/a | L1\nA | 0000 | none\nA | 0000 | 0000\nA | -. | L1\n"
                                 "UNKNOWN | S1 | L1\nB | S2 | L1",
                     "erp": "item | serial | lot\nA | 1234 | L1\nA | 1234 | L1\nA | 1234 | L1\nB | S2 | L1",
                     "warranty": "item | serial | lot\nB | 1234 | L1"})
        self.assertEqual(case.findings("IDN002"), [
            "IDN002 - error - - NONE supplier 1", "IDN002 - error - -. - supplier 1", "IDN002 - error - 1234 - erp 3",
            "IDN002 - error - 1234 - warranty 1", "IDN002 - error - N/A - supplier 1", "IDN002 - error UNKNOWN - - supplier 1"])
        self.assertEqual(case.findings("SER001"), ["SER001 - error A 0000 0000 supplier 2"])

    def test_lots_of_separators_alone_are_placeholders(self):
        case = Case({"supplier": "item | serial | lot\nA | S1 | ./\nA | S2 | L1\nA | S/N? | L1",
                     "erp": "item | serial | lot | supplier_lot\nA | S1 | -. | L1\nA | S2 | L1 | _-\nA | S/N? | 0000 | L1"})
        self.assertEqual(case.findings("IDN002"), [
            "IDN002 - error - - -. erp 1", "IDN002 - error - - ./ supplier 1", "IDN002 - error - - _- erp 1"])
        self.assertEqual(case.findings("LOT001"), [])
        self.assertEqual(case.findings("LOT002"), ["LOT002 here warning A S1 - supplier 1"])

    def test_collision(self):
        case = Case({"supplier": "item | serial\nA | S-1\nA | S1\nA | T-1\nA | T1", "erp": "item | serial\nA | S-1\nA | S1\nA | T-1",
                     "warranty": "item | serial\n_ | S1\n_ | s/1\n_ | T1"})
        self.assertEqual(case.findings("IDN008", "SER001"), [
            "IDN008 - warning A S1 - erp+supplier 4", "SER001 after-normalization error A T-1 - supplier 2"])
        self.assertEqual(case.findings("ORP003"), ["ORP003 - critical - S/1 - warranty 1"])

    def test_ambiguous(self):
        case = Case({"supplier": "item | serial\nA | S1\nB | S1\nA | S2", "erp": "item | serial\nA | S2",
                     "warranty": "claim | item | serial\nC1 | _ | S1\nC2 | _ | S1\nC3 | _ | S2\nC4 | _ | S3"})
        self.assertEqual(case.findings("IDN011"), ["IDN011 - warning - S1 - warranty 2"])
        self.assertEqual(case.findings("ORP003"), ["ORP003 - critical - S3 - warranty 1"])
        self.assertEqual(case.ledger()["warranty", "unmatched"], 3)

    def test_collision_among_records_without_scope(self):
        case = Case({"erp": UNIT, "warranty_x": "item | serial\n_ | T-1\n_ | T1", "warranty_y": "item | serial\n_ | T1\n_ | T-1"})
        self.assertEqual(case.findings("IDN008"), ["IDN008 - warning - T1 - warranty_x+warranty_y 4"])
        self.assertEqual(len(case.findings("ORP003")), 2)

    def test_numeric_column(self):
        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(pa.table({"item": ["A"], "serial": pa.array([1e20])}), os.path.join(folder, "erp.parquet"))
            config = os.path.join(folder, "run.json")
            with open(config, "w", encoding="utf-8") as file:
                columns = {"item": "item", "serial": "serial"}
                json.dump({"sources": {"erp": {"role": "erp", "paths": ["*.parquet"], "columns": columns}}}, file)
            database = oracle.compute(read_run(config), 1)
        self.assertEqual(database.execute("select code from finding").fetchall(), [("IDN005",)])
        self.assertEqual(database.execute("select serial from unit").fetchall(), [("100000000000000000000",)])


class AccountingTest(unittest.TestCase):
    """The ledger, repeated files, formats of files, and the comparison itself."""

    def test_lot_grain(self):
        case = Case({"supplier": "item | lot | quantity\nA | L1 | 5\nA | L2 | 5\nA | _ | 5\nB | L1 | 5",
                     "erp": "item | serial | lot\nA | S1 | l-1"})
        self.assertEqual(case.ledger(), {("supplier", "matched"): 1, ("supplier", "unmatched"): 2, ("supplier", "unusable_key"): 1,
                                         ("erp", "unmatched"): 1})

    def test_repeated_file(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {"a.csv": "item,serial\nA,S1\n", "b.csv": "item,serial\nA,S1\n", "c.csv": "item,serial\nA,S2\n"}.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            config = os.path.join(folder, "counterfoil.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write('[sources.stock]\nrole = "erp"\npaths = ["*.csv"]\ncolumns = { item = "item", serial = "serial" }\n')
            database = oracle.compute(read_run(config), 1)
        self.assertEqual(database.execute("select code from finding").fetchall(), [("RUN003",)])
        self.assertEqual(database.execute("select parse_filename(file), disposition, records from ledger order by all").fetchall(),
                         [("a.csv", "unmatched", 1), ("b.csv", "out_of_scope", 1), ("c.csv", "unmatched", 1)])

    def test_parquet_equals_csv(self):
        sources = {"supplier": "item | serial | lot | shipped\nA | S1 | L1 | 2026-01-01\nA | ＳＮ2 | _ | 20260101\nB | S1 | L1 | x",
                   "erp": "item | serial | lot | received\nA | S1 | L2 | _\nA | S7 | L1 | 2026-01-05T10:00:00"}
        self.assertEqual(Case(sources).findings(), Case(sources, parquet=True).findings())
        self.assertGreater(len(Case(sources).findings()), 3)

    def test_settings_that_are_not_followed_are_refused(self):
        for extra in ({"where": [{"column": "item", "in": ["A"]}]}, {"from_path": "x"}, {"csv": {"header_line": 2}}):
            with self.assertRaises(SystemExit, msg=str(extra)):
                Case({"erp": UNIT}, extra={"erp": extra})
        with self.assertRaises(SystemExit):
            Case({"erp": UNIT}, tiers=["T0"])

    def test_text_files(self):
        text = 'item;serial\r\n"A";"S\n1"\r\nA\r\nA;S2\r\n'
        for name, data, settings in (("a.csv", text.encode("utf-8-sig"), {}), ("b.csv", text.encode("utf-16"), {}),
                                     ("c.csv.gz", gzip.compress(text.encode()), {"delimiter": ";"}),
                                     ("d.csv", text.encode("latin-1"), {"encoding": "latin-1"})):
            with tempfile.TemporaryDirectory() as folder:
                os.makedirs(os.path.join(folder, "in", "deep"))
                with open(os.path.join(folder, "in", "deep", name), "wb") as file:
                    file.write(data)
                config = os.path.join(folder, "run.json")
                with open(config, "w", encoding="utf-8") as file:
                    columns = {"item": "item", "serial": "serial"}
                    json.dump({"sources": {"erp": {"role": "erp", "paths": ["in"], "columns": columns, "csv": settings}}}, file)
                database = oracle.compute(read_run(config), 1)
            self.assertEqual(database.execute("select record, serial from record order by record").fetchall(), [(1, "S 1"), (3, "S2")])
            self.assertEqual(database.execute("select records from ledger where disposition = 'rejected'").fetchall(), [(1,)])

    def test_date_formats(self):
        columns = {"supplier": {"columns": {"item": "item", "serial": "serial", "shipped": {"name": "shipped", "format": ["%d.%m.%Y"]}}}}
        case = Case({"supplier": "item | serial | shipped\nA | S1 | 29.06.2026", "erp": "item | serial\nA | S2"}, extra=columns)
        self.assertEqual(case.findings("ORP001"), ["ORP001 in-transit info - - - supplier 1"])


class ComparisonTest(unittest.TestCase):
    """A run directory that agrees, and ones that don't."""

    def compare(self, alter: str = "") -> list[str]:
        case = Case({"supplier": UNIT, "erp": "item | serial\nA | S2"})
        database = case.database
        with tempfile.TemporaryDirectory() as folder:
            tables = {
                "findings": "select 'F-' || row_number() over (order by code, item, serial) as finding_id, * from finding",
                "evidence": "select 'F-' || dense_rank() over (order by code, item, serial) as finding_id, source.name as source, "
                            "file.path as file, record, true as cited from citation join record using (record_number, item, serial) "
                            "join source using (source_number) join file using (file_number)",
                "ledger": "select * from ledger"}
            for name, query in tables.items():
                database.execute(f"create or replace table written as {query}")
                if name == alter.split(":")[0]:
                    database.execute(alter.split(":")[1])
                database.execute(f"copy written to '{folder}/{name}.parquet'")
            with contextlib.redirect_stdout(io.StringIO()):
                return compare_run(database, folder, folder)

    def test_agreement(self):
        self.assertEqual(self.compare(), [])

    def test_differences(self):
        for alter in ("findings:delete from written where code = 'ORP001'", "findings:update written set severity = 'info'",
                      "evidence:update written set record = record + 1", "ledger:update written set records = records + 1",
                      "findings:update written set supplier = 'X' where code = 'ORP001'", "findings:update written set site = 'X'",
                      "findings:update written set explained_by = 'F-2' where finding_id = 'F-1'",
                      "ledger:update written set quantity = quantity + 1",
                      "evidence:delete from written where record = 1", "findings:insert into written from written"):
            self.assertNotEqual(self.compare(alter), [], alter)


if __name__ == "__main__":
    unittest.main()
