"""Opens reports in a headless Chromium: filters, saves, prints, and reads them with scripts off.

    python test_report.py --binary target/release/counterfoil --run RUN_DIRECTORY

RUN_DIRECTORY is a finished run with findings, such as that of the demo. Without a browser the check fails.
"""

import argparse
import base64
import csv
import io
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse

import duckdb
from chromium import Browser, find_browser

NAMES = ["id", "code", "severity", "item", "serial", "lot", "supplier", "message"]
HOSTILE = ["=1+1", "+1", "-2", "@x", '<img src=x onerror="alert(1)">', '"quoted",1', "plain"]
# What the page holds, read from its elements and not from its script's state.
CARDS = """Array.from(document.querySelectorAll("details.finding")).map((card) => ({
    id: card.id, severity: card.dataset.severity, code: card.dataset.code, text: card.textContent,
    visible: card.getBoundingClientRect().height > 0 }))"""

arguments = None
browser = None


def address(run: pathlib.Path) -> str:
    """Gives the address of a run's report."""
    return "file://" + urllib.parse.quote(str(run.resolve() / "report.html"))


def findings_of(run: pathlib.Path) -> dict[str, dict[str, str]]:
    """Reads findings.parquet, by id, with blanks for nulls."""
    columns = ["finding_id", *NAMES[1:]]
    rows = duckdb.execute(f"select {', '.join(columns)} from read_parquet(?)", [str(run / "findings.parquet")]).fetchall()
    return {row[0]: dict(zip(NAMES, ["" if value is None else value for value in row])) for row in rows}


def without_guard(cell: str) -> str:
    """Takes away the apostrophe that keeps a spreadsheet from reading a value as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@\t\r") else cell


class ReportTest(unittest.TestCase):
    """A report with findings, as a reader uses it."""

    def open(self, run: pathlib.Path) -> None:
        browser.open(address(run))

    def tearDown(self):
        self.assertEqual(browser.complaints(), [], "the page complains, or its policy refuses something of its own")
        leaving = [url for url in browser.requests() if not url.startswith(("file://", "blob:", "data:"))]
        self.assertEqual(leaving, [], "a request leaves the page")

    def visible(self) -> list[str]:
        return [card["id"] for card in browser.evaluate(CARDS) if card["visible"]]

    def expected(self, words: list[str], severities: set[str] | None = None, code: str = "") -> list[str]:
        def fits(card):
            text = card["text"].lower()
            return (all(word in text for word in words) and (severities is None or card["severity"] in severities)
                    and code in ("", card["code"]))

        return [card["id"] for card in browser.evaluate(CARDS) if fits(card)]

    def search(self, text: str) -> None:
        browser.click(browser.find("#filter-text")[0])
        browser.evaluate('document.getElementById("filter-text").select()')
        browser.type(text)

    def save(self) -> tuple[bytes, list[list[str]]]:
        """Clicks "Save as CSV"; gives the bytes of the file and its rows."""
        with tempfile.TemporaryDirectory() as folder:
            browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder, eventsEnabled=True)
            browser.events = [event for event in browser.events if event.get("method") != "Browser.downloadProgress"]
            browser.click(browser.find("#filter-save")[0])
            browser.wait_for_event("Browser.downloadProgress", lambda progress: progress["state"] == "completed")
            content = pathlib.Path(folder, "findings-shown.csv").read_bytes()
        return content, list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    def test_everything_is_shown_at_first(self):
        self.open(arguments.run)
        cards = browser.evaluate(CARDS)
        self.assertGreater(len(cards), 100)
        self.assertEqual(self.visible(), [card["id"] for card in cards])
        self.assertEqual(browser.evaluate('document.getElementById("filter-count").textContent'),
                         f"{len(cards):,} of {len(cards):,} on this page")

    def test_typing_filters(self):
        self.open(arguments.run)
        everything = self.visible()
        serial = browser.evaluate('document.querySelector(\'details.finding [data-k="serial"]\').textContent')
        for text in (serial, serial.lower(), f"{serial} erp", "supplier", "no such words"):
            self.search(text)
            expected = self.expected(text.lower().split())
            self.assertEqual(self.visible(), expected, text)
            self.assertLess(len(expected), len(everything) + (text == "supplier"), text)
            self.assertEqual(browser.evaluate('document.getElementById("filter-count").textContent'),
                             f"{len(expected):,} of {len(everything):,} on this page")
            groups = browser.evaluate('Array.from(document.querySelectorAll("section.group"))'
                                      '.filter((group) => group.getBoundingClientRect().height > 0).length')
            self.assertEqual(groups, len({card["code"] for card in browser.evaluate(CARDS) if card["visible"]}), "empty groups are hidden")
        browser.click(browser.find("#filter button[type=reset]")[0])
        browser.evaluate("new Promise((done) => setTimeout(done, 50))")
        self.assertEqual(self.visible(), everything)

    def test_severity_and_code_filter(self):
        self.open(arguments.run)
        severities = {card["severity"] for card in browser.evaluate(CARDS)}
        self.assertGreater(len(severities), 2)
        for severity in sorted(severities)[:2]:
            browser.click(browser.find(f"#filter input[value={severity}]")[0])
            severities.discard(severity)
            self.assertEqual(self.visible(), self.expected([], severities))
        code = browser.evaluate(f"({CARDS}).find((card) => card.visible).code")
        browser.evaluate(f'document.getElementById("filter-code").value = "{code}";'
                         'document.getElementById("filter-code").dispatchEvent(new Event("input", { bubbles: true }))')
        self.assertEqual(self.visible(), self.expected([], severities, code))

    def test_saved_rows_are_the_visible_ones_and_those_of_the_table(self):
        self.open(arguments.run)
        table = findings_of(arguments.run)
        for text in ("", "lot"):
            if text:
                self.search(text)
            visible = self.visible()
            content, rows = self.save()
            self.assertTrue(content.startswith(b"\xef\xbb\xbf") and content.endswith(b"\r\n"))
            self.assertEqual(rows[0], NAMES)
            self.assertEqual([row[0] for row in rows[1:]], visible)
            for row in rows[1:]:
                self.assertEqual([without_guard(cell) for cell in row], list(table[row[0]].values()))

    def test_hostile_values_do_nothing_and_are_saved_as_text(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            with (place / "erp.csv").open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["item", "serial", "lot"])
                rows.writerows([["A1", f"{value}7X", lot] for value in HOSTILE for lot in ("L1", "L2")])
            run = place / "run"
            subprocess.run([arguments.binary, "reconcile", "--quiet", "--exit-zero", "--select", "SER001", "--erp", str(place / "erp.csv"), "-o", str(run)],
                           check=True)
            self.open(run)
            _, rows = self.save()
            table = findings_of(run)
        serials = [row[NAMES.index("serial")] for row in rows[1:]]
        self.assertEqual(len(serials), len(HOSTILE))
        self.assertEqual([serial for serial in serials if serial[:1] in tuple("=+-@")], [], "a spreadsheet would compute it")
        self.assertEqual(sorted(map(without_guard, serials)), sorted(finding["serial"] for finding in table.values()))
        self.assertEqual(sorted(map(without_guard, serials)), sorted(f"{value}7X".upper() for value in HOSTILE))

    def test_what_the_policy_refuses_is_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            page = (arguments.run / "report.html").read_text(encoding="utf-8")
            pathlib.Path(folder, "report.html").write_text(page.replace("</body>", "<script>document.title = 1</script></body>"), encoding="utf-8")
            self.open(pathlib.Path(folder))
            complaints = browser.complaints()
            self.assertTrue(any("Content Security Policy" in complaint for complaint in complaints), complaints)
            self.assertNotEqual(browser.evaluate("document.title"), "1")
        browser.events.clear()

    def test_a_link_opens_its_finding(self):
        self.open(arguments.run)
        target = browser.evaluate('Array.from(document.querySelectorAll("details.finding:not([open])")).pop().id')
        browser.evaluate(f'location.hash = "#{target}"; new Promise((done) => setTimeout(done, 100))')
        self.assertTrue(browser.evaluate(f'document.getElementById("{target}").open'))

    def test_it_reads_without_scripts(self):
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.open(arguments.run)
            self.assertIsNone(browser.box(browser.find("#filter")[0]), "a filter that can't work is shown")
            cards = browser.find("details.finding")
            self.assertGreater(len(cards), 100)
            self.assertTrue(all(browser.box(card) for card in cards[:20]), "findings are hidden")
            closed = browser.find("details.finding:not([open])")[0]
            before = browser.box(closed)
            browser.click(browser.call("DOM.querySelector", nodeId=closed, selector="summary")["nodeId"])
            after = browser.box(closed)
            self.assertGreater(after[5] - after[1], before[5] - before[1], "a click does not open a finding")
            for section in ("totals", "codes", "suppliers", "overlap", "proof", "inputs", "rejected", "method"):
                self.assertTrue(browser.box(browser.find(f"#{section}")[0]), section)
        finally:
            browser.call("Emulation.setScriptExecutionDisabled", value=False)

    def test_it_prints(self):
        self.open(arguments.run)
        printed = base64.b64decode(browser.call("Page.printToPDF")["data"])
        self.assertTrue(printed.startswith(b"%PDF-"))


def main() -> None:
    """Runs the tests in one browser."""
    global arguments, browser
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--run", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    path = find_browser()
    if path is None:
        raise SystemExit("browser: no Chromium found in PATH; install one, or name it in COUNTERFOIL_CHROMIUM")
    with Browser(path) as browser:
        result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(ReportTest))
    raise SystemExit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
