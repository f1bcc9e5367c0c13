//! The summary that a run leaves on the terminal: 80 columns, plain when piped.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use counterfoil_kernel::model::{Disposition, Severity};

use super::figures::{counted, duration, grouped, rate, share, size};
use super::safe_text::{Shown, columns};
use super::totals::{ControlTotals, Totals, control_totals};
use super::unreadable::{Unreadable, unreadable};
use crate::outcome::Outcome;

/// The columns of the summary.
pub const WIDTH: usize = 80;

/// The fewest columns of the name of a source.
const NAME_LEAST: usize = 8;

/// The most fields with unreadable values that are noted.
const UNREADABLE_SHOWN: usize = 8;

/// The most suppliers that are named.
const SUPPLIERS_SHOWN: usize = 3;

/// Renders the summary for stderr, each line at most [`WIDTH`] columns (a long path aside), with a line feed at the end.
pub fn terminal(outcome: &Outcome, report_path: &Path, color: bool) -> String {
    let totals = control_totals(outcome);
    let mut page = Page { text: String::new(), color };
    head(&mut page, outcome);
    sources(&mut page, outcome, &totals);
    balance(&mut page, &totals);
    findings(&mut page, outcome);
    suppliers(&mut page, outcome);
    foot(&mut page, outcome, &totals, report_path);
    page.text
}

/// Lines of text, some of them painted.
struct Page {
    text: String,
    color: bool,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Writes words under a label, with further lines indented as the first.
    fn wrapped(&mut self, label: &str, words: &[String]) {
        let mut line = label.to_owned();
        let indent = columns(label);
        for word in words {
            if columns(&line) + 1 + columns(word) > WIDTH && columns(&line) > indent {
                self.line(&line);
                line = " ".repeat(indent);
            }
            line.push(' ');
            line.push_str(&shortened(word, WIDTH - indent - 1));
        }
        self.line(&line);
    }
}

fn head(page: &mut Page, outcome: &Outcome) {
    let name = Shown::new(&outcome.name, 32);
    let left = format!("counterfoil {}  {name}", outcome.tool_version);
    let right = format!("as of {}", outcome.as_of);
    let gap = WIDTH.saturating_sub(columns(&left) + columns(&right)).max(2);
    let line = format!("{}{}{right}", page.paint(Style::new().bold(), &left), " ".repeat(gap));
    page.line(&line);
    for note in outcome.notes.iter().take(8) {
        let note = Shown::new(note, 400);
        page.wrapped(" note", &note.as_str().split(' ').map(str::to_owned).collect::<Vec<_>>());
    }
    note_unreadable(page, outcome);
}

/// Notes the dates and quantities that could not be read, by source and field.
fn note_unreadable(page: &mut Page, outcome: &Outcome) {
    let all = unreadable(outcome);
    for values in all.iter().take(UNREADABLE_SHOWN) {
        let (source, first) = (Shown::new(values.source, 60), Shown::new(values.first, 40));
        let text = Unreadable { source: source.as_str(), first: first.as_str(), ..*values }.text();
        page.wrapped(" note", &text.split(' ').map(str::to_owned).collect::<Vec<_>>());
    }
    if all.len() > UNREADABLE_SHOWN {
        page.line(&format!(" note {} more such fields, all in the report", grouped((all.len() - UNREADABLE_SHOWN) as u64)));
    }
}

/// Writes a table: the first column to the left, the others to the right.
///
/// When the line is too long the gaps become narrower, then the first column: what does not fit it stands on a line of its own.
fn table(page: &mut Page, header: &[&str], rows: &[Vec<String>]) {
    let mut widths = widths(header, rows);
    let gap = if fits(&widths, 2) { 2 } else { 1 };
    let others: usize = widths[1..].iter().map(|width| width + gap).sum();
    widths[0] = widths[0].min(WIDTH.saturating_sub(1 + others).max(NAME_LEAST));
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    for (index, row) in std::iter::once(&header).chain(rows).enumerate() {
        let is_long = columns(&row[0]) > widths[0];
        if is_long {
            page.line(&format!(" {}", shortened(&row[0], WIDTH - 1)));
        }
        let first = if is_long { "" } else { row[0].as_str() };
        let mut line = format!(" {first}{}", " ".repeat(widths[0] - columns(first)));
        for (cell, width) in row[1..].iter().zip(&widths[1..]) {
            line.push_str(&" ".repeat(gap + width.saturating_sub(columns(cell))));
            line.push_str(cell);
        }
        let line = if index == 0 { page.paint(Style::new().dimmed(), &line) } else { line };
        page.line(&line);
    }
}

/// Tells whether a line with such columns, the first cut to its least width, fits the terminal.
fn fits(widths: &[usize], gap: usize) -> bool {
    let others: usize = widths[1..].iter().map(|width| width + gap).sum();
    1 + widths[0].min(NAME_LEAST) + others <= WIDTH
}

/// Cuts text to a number of terminal columns, with `…` where something is missing.
fn shortened(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        let next = format!("{short}{character}…");
        if columns(&next) > width {
            break;
        }
        short.push(character);
    }
    short.push('…');
    short
}

fn sources(page: &mut Page, outcome: &Outcome, totals: &ControlTotals) {
    // Columns without any record would only push the line over the edge.
    let optional = [Disposition::OutOfScope, Disposition::UnusableKey].map(|disposition| (disposition, totals.all.of(disposition) > 0));
    let mut header = vec!["source", "files", "read", "rejected"];
    if optional[0].1 {
        header.push("out of scope");
    }
    if optional[1].1 {
        header.push("unusable");
    }
    header.extend(["matched", "unmatched"]);
    let row = |name: &str, files: usize, total: &Totals, count: fn(u64) -> String| {
        let mut cells = vec![name.to_owned(), count(files as u64), count(total.read), count(total.of(Disposition::Rejected))];
        cells.extend(optional.iter().filter(|(_, used)| *used).map(|(disposition, _)| count(total.of(*disposition))));
        let judged = total.of(Disposition::Matched) + total.of(Disposition::Unmatched);
        cells.extend([share(total.of(Disposition::Matched), judged), count(total.of(Disposition::Unmatched))]);
        cells
    };
    let rows = |count: fn(u64) -> String| -> Vec<Vec<String>> {
        let named = outcome.sources.iter().zip(&totals.sources);
        named.map(|(source, total)| row(Shown::new(&source.name, 240).as_str(), source.files.len(), total, count)).collect()
    };
    let exact = rows(grouped);
    // Where the exact counts would break the line they are in the report.
    let short = rows(|number| rate(number as f64));
    let chosen = if fits(&widths(&header, &exact), 1) { exact } else { short };
    table(page, &header, &chosen);
}

/// Gives the width of each column.
fn widths(header: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = header.iter().map(|cell| columns(cell)).collect();
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(columns(cell)));
    }
    widths
}

fn balance(page: &mut Page, totals: &ControlTotals) {
    let (style, text) = if totals.balanced {
        (Style::new().dimmed(), "every record read is accounted for")
    } else {
        (AnsiColor::Red.on_default().bold(), "RECORDS ARE MISSING FROM THE LEDGER: do not trust this run")
    };
    let line = format!(" ─ {text} {}", "─".repeat(WIDTH - 4 - columns(text)));
    let line = page.paint(style, &line);
    page.line(&line);
}

fn findings(page: &mut Page, outcome: &Outcome) {
    let mut rows: Vec<(Severity, &str, &str, u64)> = Vec::new();
    for rule in &outcome.rules {
        let counted = Severity::ALL.into_iter().zip(rule.counts).filter(|&(_, count)| count > 0);
        rows.extend(counted.map(|(severity, count)| (severity, rule.code, rule.name, count)));
    }
    rows.sort_by_key(|&(severity, code, ..)| (severity, code));
    let width = rows.iter().map(|row| grouped(row.3).len()).max().unwrap_or(0);
    for (severity, code, name, count) in &rows {
        let word = format!("{:<8}", severity.name().to_uppercase());
        let left = format!("{code}  {name}");
        let line = format!(" {}  {left:<46}{:>width$}", page.paint(style_of(*severity), &word), grouped(*count));
        page.line(&line);
    }
    let lacking: Vec<_> = outcome.rules.iter().filter_map(|rule| rule.not_evaluated.as_ref().map(|why| (rule.code, why))).collect();
    let words: Vec<String> = lacking
        .iter()
        .enumerate()
        .flat_map(|(index, (code, why))| {
            let comma = if index + 1 < lacking.len() { ";" } else { "" };
            format!("{code} ({}){comma}", Shown::new(why, 120)).split(' ').map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    if !words.is_empty() {
        page.wrapped(" not evaluated:", &words);
    }
    if outcome.findings_total == 0 {
        page.line(" no findings");
    } else {
        let causes = outcome.findings_total.saturating_sub(outcome.findings_explained);
        let explained = grouped(outcome.findings_explained);
        page.line(&format!(
            " {}: {}, {explained} explained by another",
            counted(outcome.findings_total, "finding"),
            counted(causes, "cause")
        ));
    }
}

fn suppliers(page: &mut Page, outcome: &Outcome) {
    let known: Vec<_> = outcome.suppliers.iter().filter(|supplier| !supplier.supplier.is_empty()).collect();
    if known.is_empty() {
        return;
    }
    let named = known.iter().take(SUPPLIERS_SHOWN).enumerate().map(|(index, supplier)| {
        let comma = if index + 1 < known.len().min(SUPPLIERS_SHOWN) { "," } else { "" };
        let name = shortened(Shown::new(&supplier.supplier, 60).as_str(), 28);
        format!("{name} ({}){comma}", grouped(supplier.counts.iter().sum()))
    });
    page.wrapped(" most findings:", &named.collect::<Vec<_>>());
}

fn foot(page: &mut Page, outcome: &Outcome, totals: &ControlTotals, report_path: &Path) {
    let cost = &outcome.resources;
    let per_second = if cost.wall_s > 0.0 { totals.all.read as f64 / cost.wall_s } else { 0.0 };
    let (records, threads) = (rate(per_second), counted(cost.threads as u64, "thread"));
    let spilled = if cost.spilled_bytes > 0 { format!(" · {} kept on the disk", size(cost.spilled_bytes)) } else { String::new() };
    page.line(&format!(" {} · {records} records/s · peak {} · {threads}{spilled}", duration(cost.wall_s), size(cost.peak_bytes)));
    page.line(&format!(" report  {}", Shown::new(&report_path.display().to_string(), 4096)));
    if let Some(code) = first_code(outcome) {
        page.line(&format!(" next    counterfoil explain {code}"));
    }
    if let Some(why) = outcome.not_reconciled() {
        page.line(&format!(" nothing was reconciled: {why}"));
    }
    let (style, text) = verdict(outcome);
    let line = page.paint(style, &text);
    page.line(&line);
}

/// Gives the code of the most severe findings, the most frequent one of them.
fn first_code(outcome: &Outcome) -> Option<&'static str> {
    let ranked = outcome.rules.iter().filter_map(|rule| {
        let severity = rule.counts.iter().position(|&count| count > 0)?;
        Some((severity, std::cmp::Reverse(rule.counts[severity]), rule.code))
    });
    ranked.min().map(|(_, _, code)| code)
}

fn verdict(outcome: &Outcome) -> (Style, String) {
    let level = &outcome.fail_on;
    match (outcome.failing, level.as_str()) {
        (_, "never") => (Style::new().bold(), "not judged (fail-on is never)".to_owned()),
        (0, _) if outcome.not_reconciled().is_some() => {
            (AnsiColor::Yellow.on_default().bold(), format!("NOT RECONCILED: no finding at or above {level}"))
        }
        (0, _) => (AnsiColor::Green.on_default().bold(), format!("PASS: no finding at or above {level}")),
        (failing, _) => (AnsiColor::Red.on_default().bold(), format!("FAIL: {} at or above {level}", counted(failing, "finding"))),
    }
}

fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::Error => AnsiColor::Red.on_default(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info => AnsiColor::Cyan.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    const RICH: &str = r#"counterfoil 0.1.0  monthly-integrity-audit                      as of 2026-11-22
 note erp: lot column "CHARG" taken for the internal lot; supplier lots come
      from "LICHA"
 note supplier: 12 values of shipped could not be read as a date, first
      "31/31/2026"
 source   files      read rejected out of scope unusable matched unmatched
 supplier     3 1,181,400       41      400,100    2,603 98.32 %    13,021
 erp          1   790,311        0            0    2,634 98.32 %    13,171
 warranty     1    61,204        0            0      204 98.32 %     1,020
 ─ every record read is accounted for ──────────────────────────────────────────
 CRITICAL  ORP003  claim-for-unknown-unit                    41
 CRITICAL  SER004  serial-from-several-suppliers              4
 ERROR     IDN001  identifier-missing                         6
 ERROR     IDN002  placeholder-identifier                     3
 ERROR     LOT001  lot-mismatch                             311
 ERROR     ORP001  shipped-not-in-erp                    12,150
 ERROR     SER001  duplicate-serial                         132
 WARNING   IDN008  normalization-collision                    2
 WARNING   LOT002  lot-missing                            1,204
 WARNING   ORP003  claim-for-unknown-unit                     9
 INFO      ORP001  shipped-not-in-erp                        37
 not evaluated: ORP002 (no supplier source maps `shipped`); SRC002 (ignored)
 13,899 findings: 12,738 causes, 1,161 explained by another
 most findings: ACME (9,954), Borealis Pumps & Söhne (2,621),
                株式会社サンプル (1,001)
 41.7 s · 48.8 k records/s · peak 5.7 GiB · 16 threads
 report  runs/2026-11-22T142144Z-7f3a9c/report.html
 next    counterfoil explain ORP003
FAIL: 12,647 findings at or above error
"#;

    #[test]
    fn summary_at_80_columns() {
        let text = terminal(&fixture::rich(), Path::new("runs/2026-11-22T142144Z-7f3a9c/report.html"), false);
        assert_eq!(text, RICH, "\n{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut outcome = fixture::huge();
        outcome.sources[1].name = "a source with a very long name of 株式会社 and more and more".to_owned();
        outcome.ledger.iter_mut().for_each(|row| row.records *= 1_000_000);
        assert!(RICH.lines().all(|line| columns(line) <= WIDTH));
        for text in [terminal(&outcome, Path::new("report.html"), false), terminal(&fixture::clean(), Path::new("report.html"), false)] {
            for line in text.lines() {
                assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
            }
        }
    }

    #[test]
    fn a_long_name_stands_whole_on_a_line_of_its_own() {
        let mut outcome = fixture::rich();
        let name = "shipments_of_the_plant_in_san_luis_potosi_and_its_contract_manufacturers";
        outcome.sources[0].name = name.to_owned();
        outcome.ledger.iter_mut().filter(|row| row.source == fixture::rich().sources[0].name).for_each(|row| row.source = name.to_owned());
        let text = terminal(&outcome, Path::new("report.html"), false);
        let mut lines = text.lines().skip_while(|line| *line != format!(" {name}"));
        assert!(lines.next().is_some(), "{text}");
        let numbers = lines.next().unwrap();
        assert!(numbers.starts_with("         ") && numbers.contains('%'), "{numbers}");
        assert!(text.lines().all(|line| columns(line) <= WIDTH), "{text}");
    }

    #[test]
    fn a_clean_run_says_so() {
        let text = terminal(&fixture::clean(), Path::new("report.html"), false);
        assert!(text.contains(" no findings\n") && text.contains("PASS: no finding at or above error\n"));
        assert!(!text.contains("next"));
    }

    #[test]
    fn a_run_that_compares_nothing_does_not_pass() {
        let mut outcome = fixture::clean();
        outcome.sources.truncate(1);
        let text = terminal(&outcome, Path::new("report.html"), false);
        let end = " nothing was reconciled: only supplier sources were given\nNOT RECONCILED: no finding at or above error\n";
        assert!(text.ends_with(end) && !text.contains("PASS"), "{text}");
    }

    #[test]
    fn unreadable_values_are_counted_over_the_files_of_a_source() {
        let mut outcome = fixture::clean();
        outcome.sources[0].files[0].unreadable_quantities = Some((3, "three".to_owned()));
        outcome.sources[0].files[1].unreadable_quantities = Some((2_000, "four".to_owned()));
        let text = terminal(&outcome, Path::new("report.html"), false);
        let note = " note supplier: 2,003 values of quantity could not be read as a quantity, first\n      \"three\"\n";
        assert!(text.contains(note), "{text}");
    }

    #[test]
    fn lost_records_are_shouted() {
        let mut outcome = fixture::rich();
        outcome.ledger[3].records -= 1;
        assert!(terminal(&outcome, Path::new("report.html"), false).contains("RECORDS ARE MISSING"));
    }

    #[test]
    fn color_only_when_asked_and_data_can_not_paint() {
        let mut outcome = fixture::rich();
        outcome.suppliers[0].supplier = "\u{1B}[31mACME\u{202E}".to_owned();
        let plain = terminal(&outcome, Path::new("report.html"), false);
        assert!(!plain.contains('\u{1B}') && !plain.contains('\u{202E}'));
        let painted = terminal(&outcome, Path::new("report.html"), true);
        assert!(painted.contains("\u{1B}[") && !painted.contains("[31mACME\u{202E}"));
        let stripped = anstream::adapter::strip_str(&painted).to_string();
        assert_eq!(stripped, plain);
    }
}
