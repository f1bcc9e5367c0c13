//! `report.html`: one offline file, bounded in size whatever the data, readable without scripts.

mod chart;
mod compare;
mod findings;
mod inputs;
mod tables;

use askama::Template;
use counterfoil_kernel::model::Severity;
use sha2::{Digest, Sha256};

use super::figures::{counted, grouped};
use super::safe_text::Shown;
use super::totals::control_totals;
use crate::outcome::{Outcome, ParameterOutcome};

/// The most bytes of the page.
pub const HTML_BYTES_MAX: usize = 5_000_000;

/// The most bytes of everything but the findings. The rest is theirs.
const FRAME_BYTES_MAX: usize = 2_000_000;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// How much of each table the page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    sources: usize,
    files: usize,
    mappings: usize,
    suppliers: usize,
    rejected: usize,
    notes: usize,
    resolved_lines: usize,
    text_bytes: usize,
}

impl Limits {
    const MOST: Self =
        Self { sources: 256, files: 500, mappings: 12, suppliers: 250, rejected: 250, notes: 60, resolved_lines: 1_000, text_bytes: 400 };

    /// Halves every limit, down to a floor at which no data can fill the frame.
    fn halved(self) -> Self {
        Self {
            sources: (self.sources / 2).max(4),
            files: (self.files / 2).max(4),
            mappings: (self.mappings / 2).max(1),
            suppliers: (self.suppliers / 2).max(4),
            rejected: (self.rejected / 2).max(4),
            notes: (self.notes / 2).max(4),
            resolved_lines: (self.resolved_lines / 2).max(4),
            text_bytes: (self.text_bytes / 2).max(48),
        }
    }
}

/// The verdict as the first thing that is seen.
#[derive(Debug)]
struct Verdict {
    word: &'static str,
    class: &'static str,
    why: String,
}

#[derive(Template)]
#[template(path = "report.html", config = "src/report/html/askama.toml")]
struct Page {
    style_hash: String,
    script_hash: String,
    style: &'static str,
    script: &'static str,
    version: Shown,
    name: Shown,
    verdict: Verdict,
    headline: String,
    tally: Vec<(&'static str, String)>,
    balanced: bool,
    as_of: Shown,
    grace_days: i32,
    scope: Shown,
    scope_reason: Shown,
    config_digest: Shown,
    config_short: Shown,
    sources: Vec<tables::SourceView>,
    more_sources: String,
    codes: Vec<tables::CodeView>,
    code_total: Option<tables::CodeTotal>,
    suppliers: Vec<tables::SupplierView>,
    suppliers_shown: String,
    roles: Vec<&'static str>,
    overlap: Vec<tables::OverlapView>,
    severities: [&'static str; 4],
    groups: Vec<findings::Group>,
    findings_shown: String,
    evaluated: String,
    steps: Vec<tables::StepView>,
    inputs: Vec<inputs::SourceInputs>,
    rejected: Vec<inputs::RejectedView>,
    rejected_shown: String,
    settings: Vec<(&'static str, Shown)>,
    parameters: Vec<ParameterView>,
    resolved: Vec<Shown>,
    more_resolved: String,
    notes: Vec<Shown>,
    more_notes: String,
}

/// What a parameter was set to.
struct ParameterView {
    key: Shown,
    value: Shown,
    unit: &'static str,
    is_changed: bool,
}

/// Renders the report: same outcome, same page, at most [`HTML_BYTES_MAX`] bytes.
pub fn html(outcome: &Outcome) -> String {
    let mut limits = Limits::MOST;
    let mut page = frame(outcome, limits);
    let mut text = rendered(&page);
    while text.len() > FRAME_BYTES_MAX && limits != limits.halved() {
        limits = limits.halved();
        page = frame(outcome, limits);
        text = rendered(&page);
    }
    let mut room = HTML_BYTES_MAX.saturating_sub(text.len());
    loop {
        let groups = findings::groups(outcome, limits.text_bytes, room);
        page.findings_shown = findings::shown(outcome, &groups);
        for code in &mut page.codes {
            code.linked = groups.iter().any(|group| group.code.as_str() == code.code);
        }
        page.groups = groups;
        let text = rendered(&page);
        // Links and headings take bytes too: fewer findings until they fit. A frame at its least limits always does.
        if text.len() <= HTML_BYTES_MAX || page.groups.is_empty() {
            return text;
        }
        room = room.saturating_sub(text.len() - HTML_BYTES_MAX);
    }
}

/// Renders the file.
pub fn render(outcome: &Outcome) -> Vec<u8> {
    html(outcome).into_bytes()
}

fn rendered(page: &Page) -> String {
    page.render().expect("writing to a string cannot fail")
}

/// Fills everything but the findings.
fn frame(outcome: &Outcome, limits: Limits) -> Page {
    let totals = control_totals(outcome);
    let text = |text: &str| Shown::new(text, limits.text_bytes);
    Page {
        style_hash: content_hash(STYLE),
        script_hash: content_hash(SCRIPT),
        style: STYLE,
        script: SCRIPT,
        version: text(&outcome.tool_version),
        name: text(if outcome.name.is_empty() { "reconciliation" } else { &outcome.name }),
        verdict: verdict(outcome, totals.balanced),
        headline: headline(outcome, totals.all.read),
        tally: tally(outcome),
        balanced: totals.balanced,
        as_of: text(&outcome.as_of),
        grace_days: outcome.grace_days,
        scope: text(&scope_in_words(&outcome.scope)),
        scope_reason: text(&outcome.scope_reason),
        config_digest: text(&outcome.config_digest),
        config_short: text(outcome.config_digest.get(..12).unwrap_or(&outcome.config_digest)),
        sources: tables::sources(outcome, &totals, limits),
        more_sources: more(outcome.sources.len(), limits.sources, "source", "manifest.json"),
        codes: tables::codes(outcome, limits.text_bytes),
        code_total: tables::code_total(outcome),
        suppliers: tables::suppliers(outcome, limits),
        suppliers_shown: tables::suppliers_shown(outcome, limits),
        roles: tables::roles(outcome),
        overlap: tables::overlap(outcome),
        severities: Severity::ALL.map(|severity| severity.name()),
        groups: Vec::new(),
        findings_shown: String::new(),
        evaluated: evaluated(outcome, totals.all.read),
        steps: tables::steps(outcome, limits.text_bytes),
        inputs: inputs::inputs(outcome, limits),
        rejected: inputs::rejected(outcome, limits),
        rejected_shown: inputs::rejected_shown(outcome, limits),
        settings: settings(outcome, limits.text_bytes),
        parameters: parameters(outcome),
        resolved: outcome.resolved.lines().take(limits.resolved_lines).map(text).collect(),
        more_resolved: more(outcome.resolved.lines().count(), limits.resolved_lines, "line", "manifest.json"),
        notes: outcome.notes.iter().take(limits.notes).map(|note| text(note)).collect(),
        more_notes: more(outcome.notes.len(), limits.notes, "note", "manifest.json"),
    }
}

fn verdict(outcome: &Outcome, balanced: bool) -> Verdict {
    if !balanced {
        return Verdict { word: "INVALID", class: "fail", why: "the ledger does not balance".to_owned() };
    }
    let level = Shown::new(&outcome.fail_on, 40);
    let not_reconciled = outcome.not_reconciled();
    let none = || format!("no finding at or above {level}");
    let mut verdict = match (outcome.failing, outcome.fail_on.as_str()) {
        (_, "never") => Verdict { word: "NOT JUDGED", class: "plain", why: "fail-on is never".to_owned() },
        (0, _) if not_reconciled.is_some() => Verdict { word: "NOT RECONCILED", class: "plain", why: none() },
        (0, _) => Verdict { word: "PASS", class: "pass", why: none() },
        (failing, _) => Verdict { word: "FAIL", class: "fail", why: format!("{} at or above {level}", counted(failing, "finding")) },
    };
    if let Some(why) = not_reconciled {
        verdict.why += &format!("; nothing was reconciled: {why}");
    }
    verdict
}

fn headline(outcome: &Outcome, read: u64) -> String {
    let files: u64 = outcome.sources.iter().map(|source| source.files.len() as u64).sum();
    let from =
        format!("in {} of {} from {}", counted(read, "record"), counted(files, "file"), counted(outcome.sources.len() as u64, "source"));
    if outcome.findings_total == 0 {
        return format!("No findings {from}.");
    }
    let causes = outcome.findings_total.saturating_sub(outcome.findings_explained);
    let explained = grouped(outcome.findings_explained);
    format!(
        "{} {from}. {} in all: {explained} are explained by another.",
        counted(causes, "cause"),
        counted(outcome.findings_total, "finding")
    )
}

/// Gives the findings by severity, unless there are none.
fn tally(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let counts = super::summary::severity_totals(outcome);
    let named = Severity::ALL.iter().zip(counts).map(|(severity, count)| (severity.name(), grouped(count)));
    if outcome.findings_total == 0 { Vec::new() } else { named.collect() }
}

/// Says what was looked at: found nothing is not the same as checked nothing.
fn evaluated(outcome: &Outcome, read: u64) -> String {
    let ran = outcome.rules.iter().filter(|rule| rule.not_evaluated.is_none()).count() as u64;
    format!("{} ran over {} and found nothing.", counted(ran, "rule"), counted(read, "record"))
}

/// Says what a scope such as `["item"]` means.
fn scope_in_words(scope: &str) -> String {
    let fields = scope.trim_matches(['[', ']', ' ']).replace('"', "");
    if fields.is_empty() { "everywhere (scope [])".to_owned() } else { format!("inside its {fields} (scope {scope})") }
}

fn settings(outcome: &Outcome, bytes_max: usize) -> Vec<(&'static str, Shown)> {
    let mut rows = vec![
        ("scope", outcome.scope.clone()),
        ("why", outcome.scope_reason.clone()),
        ("as of", outcome.as_of.clone()),
        ("grace", format!("{} days", outcome.grace_days)),
        ("fail on", outcome.fail_on.clone()),
    ];
    for source in outcome.sources.iter().take(16) {
        rows.push(("source", format!("{}: role {}, grain {}, rank {}", source.name, source.role, source.grain, source.rank)));
    }
    rows.push(("configuration", outcome.config_digest.clone()));
    rows.into_iter().map(|(key, value)| (key, Shown::new(&value, bytes_max))).collect()
}

fn parameters(outcome: &Outcome) -> Vec<ParameterView> {
    let view = |parameter: &ParameterOutcome| ParameterView {
        key: Shown::new(&parameter.key, 80),
        value: Shown::new(&parameter.value, 40),
        unit: parameter.unit,
        is_changed: parameter.is_changed,
    };
    outcome.parameters.iter().map(view).collect()
}

/// Says how much of a table is shown, and where the rest is; empty when all is shown.
fn more(total: usize, limit: usize, noun: &str, place: &str) -> String {
    if total <= limit {
        return String::new();
    }
    format!("{} of {} shown, all in {place}.", grouped(limit as u64), counted(total as u64, noun))
}

/// Gives the source expression by which a content security policy admits an inline block.
fn content_hash(content: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(content.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let symbol = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
