//! The tables of the report: control totals, codes, suppliers, overlap, steps.

use counterfoil_kernel::model::{Disposition, Role, Severity};

use super::super::figures::{counted, grouped, millionths, share};
use super::super::safe_text::Shown;
use super::super::totals::{ControlTotals, Totals};
use super::chart::{self, Picture};
use super::{Limits, more};
use crate::outcome::Outcome;

/// A number that may be zero, with its word.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) records: String,
    pub(super) word: &'static str,
    pub(super) zero: bool,
}

impl Term {
    fn new(number: u64, word: &'static str) -> Self {
        Self { records: grouped(number), word, zero: number == 0 }
    }
}

/// The control totals of a source.
#[derive(Debug)]
pub(super) struct SourceView {
    pub(super) name: Shown,
    pub(super) role: &'static str,
    pub(super) grain: &'static str,
    pub(super) rank: u32,
    pub(super) units: String,
    pub(super) without_lot: String,
    pub(super) balanced: bool,
    pub(super) bar: Picture,
    pub(super) read: String,
    pub(super) terms: Vec<Term>,
    pub(super) quantity: String,
    pub(super) digest: String,
    pub(super) open: bool,
    pub(super) file_count: String,
    pub(super) files: Vec<FileTotals>,
    pub(super) more: String,
}

/// The control totals of a file.
#[derive(Debug)]
pub(super) struct FileTotals {
    pub(super) path: Shown,
    pub(super) read: String,
    pub(super) terms: Vec<Term>,
    pub(super) quantity: String,
    pub(super) digest: String,
    pub(super) balanced: bool,
}

/// Lays out the control totals. The limit of files is shared by the sources, so that many sources stay bounded too.
pub(super) fn sources(outcome: &Outcome, totals: &ControlTotals, limits: Limits) -> Vec<SourceView> {
    let files_max = (limits.files / outcome.sources.len().clamp(1, limits.sources)).max(1);
    let named = outcome.sources.iter().zip(&totals.sources).zip(&totals.files);
    let view = |((source, total), files): ((&crate::outcome::SourceOutcome, &Totals), &Vec<Totals>)| SourceView {
        name: Shown::new(&source.name, limits.text_bytes),
        role: source.role.name(),
        grain: source.grain.name(),
        rank: source.rank,
        units: counted(source.units, "unit"),
        without_lot: source.without_lot.filter(|&count| count > 0).map_or_else(String::new, |count| counted(count, "record")),
        balanced: total.balanced(),
        bar: chart::dispositions(total.records),
        read: grouped(total.read),
        terms: terms(total),
        quantity: millionths(total.quantity_millionths),
        digest: format!("{:032x}", total.digest),
        open: (2..=12).contains(&source.files.len()),
        file_count: counted(source.files.len() as u64, "file"),
        files: source.files.iter().zip(files).take(files_max).map(|(file, total)| file_totals(&file.path, total, limits)).collect(),
        more: more(source.files.len(), files_max, "file", "ledger.parquet"),
    };
    named.take(limits.sources).map(view).collect()
}

fn file_totals(path: &str, total: &Totals, limits: Limits) -> FileTotals {
    FileTotals {
        path: Shown::new(path, limits.text_bytes),
        read: grouped(total.read),
        terms: terms(total),
        quantity: millionths(total.quantity_millionths),
        digest: format!("{:032x}", total.digest).chars().take(12).chain(['…']).collect(),
        balanced: total.balanced(),
    }
}

fn terms(total: &Totals) -> Vec<Term> {
    const WORDS: [&str; 5] = ["rejected", "out of scope", "unusable key", "matched", "unmatched"];
    assert!(WORDS.len() == Disposition::ALL.len());
    total.records.into_iter().zip(WORDS).map(|(records, word)| Term::new(records, word)).collect()
}

/// A rule as a row.
#[derive(Debug)]
pub(super) struct CodeView {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) about: Shown,
    pub(super) severities: Vec<&'static str>,
    pub(super) findings: String,
    pub(super) explained: String,
    pub(super) records: String,
    pub(super) bar: Picture,
    pub(super) not_evaluated: Option<Shown>,
    pub(super) linked: bool,
    pub(super) quiet: bool,
}

/// The sum over all rules.
#[derive(Debug)]
pub(super) struct CodeTotal {
    pub(super) findings: String,
    pub(super) explained: String,
}

/// Lays out the rules: those with findings first, most severe first; then those without; then those not evaluated.
pub(super) fn codes(outcome: &Outcome, bytes_max: usize) -> Vec<CodeView> {
    let scale = outcome.rules.iter().map(|rule| rule.counts.iter().sum::<u64>()).max().unwrap_or(0);
    let mut rules: Vec<_> = outcome.rules.iter().collect();
    rules.sort_by_key(|rule| {
        let worst = rule.counts.iter().position(|&count| count > 0).unwrap_or(Severity::ALL.len());
        (rule.not_evaluated.is_some(), worst, rule.code)
    });
    let view = |rule: &crate::outcome::RuleOutcome| {
        let findings: u64 = rule.counts.iter().sum();
        let occurring: Vec<_> =
            Severity::ALL.iter().zip(rule.counts).filter(|part| part.1 > 0).map(|(severity, _)| severity.name()).collect();
        CodeView {
            code: rule.code,
            name: rule.name,
            about: Shown::new(&rule.about, bytes_max),
            severities: if occurring.is_empty() { vec![rule.severity.name()] } else { occurring },
            findings: grouped(findings),
            explained: grouped(rule.explained),
            records: grouped(rule.records),
            bar: chart::severities(rule.counts, scale),
            not_evaluated: rule.not_evaluated.as_ref().map(|why| Shown::new(why, bytes_max)),
            linked: false,
            quiet: findings == 0,
        }
    };
    rules.into_iter().map(view).collect()
}

/// Gives the sum row, unless there is nothing to add up.
pub(super) fn code_total(outcome: &Outcome) -> Option<CodeTotal> {
    (!outcome.rules.is_empty())
        .then(|| CodeTotal { findings: grouped(outcome.findings_total), explained: grouped(outcome.findings_explained) })
}

/// A supplier as a row.
#[derive(Debug)]
pub(super) struct SupplierView {
    pub(super) name: Shown,
    pub(super) findings: String,
    pub(super) counts: Vec<Term>,
    pub(super) codes: String,
    pub(super) bar: Picture,
}

/// Lays out the suppliers with most findings.
pub(super) fn suppliers(outcome: &Outcome, limits: Limits) -> Vec<SupplierView> {
    let scale = outcome.suppliers.iter().map(|supplier| supplier.counts.iter().sum::<u64>()).max().unwrap_or(0);
    let view = |supplier: &crate::outcome::SupplierOutcome| SupplierView {
        name: Shown::new(&supplier.supplier, limits.text_bytes.min(160)),
        findings: grouped(supplier.counts.iter().sum()),
        counts: supplier.counts.into_iter().map(|count| Term::new(count, "")).collect(),
        codes: most_frequent(&supplier.by_code),
        bar: chart::severities(supplier.counts, scale),
    };
    outcome.suppliers.iter().take(limits.suppliers).map(view).collect()
}

fn most_frequent(by_code: &[(String, u64)]) -> String {
    let mut codes: Vec<_> = by_code.iter().collect();
    codes.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    // A no-break space keeps a code and its count on one line.
    let named: Vec<_> = codes.iter().take(3).map(|(code, count)| format!("{}\u{A0}{}", Shown::new(code, 16), grouped(*count))).collect();
    named.join(", ")
}

/// Says how many suppliers are shown.
pub(super) fn suppliers_shown(outcome: &Outcome, limits: Limits) -> String {
    let shown = outcome.suppliers.len().min(limits.suppliers) as u64;
    if shown >= outcome.suppliers_total {
        return format!("{}. A finding counts for the supplier it is shown with.", counted(outcome.suppliers_named, "supplier"));
    }
    format!("{} of {} shown, most findings first; all in findings.parquet.", grouped(shown), counted(outcome.suppliers_total, "supplier"))
}

/// How many units the same roles know.
#[derive(Debug)]
pub(super) struct OverlapView {
    pub(super) known: Vec<bool>,
    pub(super) units: String,
    pub(super) share: String,
    pub(super) bar: Picture,
    pub(super) meaning: &'static str,
}

/// The roles of this run, in the order of outputs.
fn present(outcome: &Outcome) -> [bool; 3] {
    Role::ALL.map(|role| outcome.sources.iter().any(|source| source.role == role))
}

/// Names the roles of this run.
pub(super) fn roles(outcome: &Outcome) -> Vec<&'static str> {
    Role::ALL.into_iter().zip(present(outcome)).filter(|&(_, present)| present).map(|(role, _)| role.name()).collect()
}

/// Lays out which roles know how many units; combinations with an absent role can't occur and are left out.
pub(super) fn overlap(outcome: &Outcome) -> Vec<OverlapView> {
    let present = present(outcome);
    let all: u64 = outcome.overlap.iter().map(|row| row.units).sum();
    let scale = outcome.overlap.iter().map(|row| row.units).max().unwrap_or(0);
    let mut rows: Vec<_> = outcome
        .overlap
        .iter()
        .filter(|row| row.units > 0 || row.known_by.iter().zip(present).all(|(&known, present)| present || !known))
        .collect();
    rows.sort_by_key(|row| (row.known_by.iter().filter(|&&known| !known).count(), row.known_by.map(|known| !known)));
    let view = |row: &crate::outcome::OverlapRow| OverlapView {
        known: row.known_by.into_iter().zip(present).filter(|&(_, present)| present).map(|(known, _)| known).collect(),
        units: grouped(row.units),
        share: share(row.units, all),
        bar: chart::single("units", row.units, scale),
        meaning: meaning(row.known_by, present),
    };
    if all == 0 { Vec::new() } else { rows.into_iter().map(view).collect() }
}

fn meaning(known_by: [bool; 3], present: [bool; 3]) -> &'static str {
    if known_by == present {
        return "known to every role";
    }
    match known_by {
        [true, true, true] => "known to every role",
        [true, true, false] => "shipped and held, no claim",
        [true, false, true] => "shipped and claimed, not in the ERP",
        [false, true, true] => "held and claimed, no supplier record",
        [true, false, false] => "shipped, not in the ERP",
        [false, true, false] => "held, no supplier record",
        [false, false, true] => "claimed, known to nobody else",
        [false, false, false] => "known to no role",
    }
}

/// A step of normalization as a row.
#[derive(Debug)]
pub(super) struct StepView {
    pub(super) name: &'static str,
    pub(super) tier: &'static str,
    pub(super) changed: String,
    pub(super) matches: String,
    pub(super) merges: String,
    pub(super) bar: Picture,
    pub(super) examples: Vec<(Shown, Shown)>,
}

/// Lays out the steps of normalization.
pub(super) fn steps(outcome: &Outcome, bytes_max: usize) -> Vec<StepView> {
    let scale = outcome.steps.iter().map(|step| step.matches).max().unwrap_or(0);
    let view = |step: &crate::outcome::StepOutcome| StepView {
        name: if step.step == "none" { "none (as in the file)" } else { step.step },
        tier: step.tier,
        changed: grouped(step.changed),
        matches: grouped(step.matches),
        merges: grouped(step.merges),
        bar: chart::single("units", step.matches, scale),
        examples: step
            .examples
            .iter()
            .take(10)
            .map(|(before, after)| (Shown::new(before, bytes_max), Shown::new(after, bytes_max)))
            .collect(),
    };
    outcome.steps.iter().map(view).collect()
}
