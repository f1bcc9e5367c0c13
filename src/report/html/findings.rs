//! The most severe findings, each a card with its records side by side, as many as the page has room for.

use std::collections::BTreeMap;

use askama::Template;
use counterfoil_kernel::map::Set;

use super::super::figures::grouped;
use super::super::safe_text::Shown;
use super::compare::{Sides, sides};
use crate::outcome::{Outcome, SampleFinding};

/// Findings of a code that are open from the start.
const OPEN_PER_CODE: usize = 2;

/// Bytes kept free for the headings of groups and the filter.
const GROUP_BYTES: usize = 2_048;

/// The findings of one code.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) code: Shown,
    pub(super) name: Shown,
    pub(super) shown: String,
    pub(super) query: String,
    /// Rendered and escaped cards.
    pub(super) cards: Vec<String>,
}

#[derive(Template)]
#[template(path = "finding.html", config = "src/report/html/askama.toml")]
struct Card {
    id: Shown,
    code: Shown,
    severity: &'static str,
    open: bool,
    subject: Vec<(&'static str, Shown)>,
    subtype: Shown,
    explained_by: Option<Shown>,
    linked: bool,
    message: Shown,
    sides: Sides,
    stepped: bool,
    hidden: String,
}

/// Lays out the sample within a budget of bytes.
///
/// Codes take turns, so that a code with thousands of findings leaves room for the others; the order on the page is that of `findings.parquet`.
pub(super) fn groups(outcome: &Outcome, text_bytes: usize, bytes_max: usize) -> Vec<Group> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_code: BTreeMap<&str, Vec<&SampleFinding>> = BTreeMap::new();
    for finding in &outcome.sample {
        by_code.entry(&finding.code).or_insert_with(|| {
            order.push(&finding.code);
            Vec::new()
        });
        by_code.get_mut(finding.code.as_str()).expect("just inserted").push(finding);
    }
    let chosen = chosen(outcome, &order, &by_code, text_bytes, bytes_max);
    let group = |(&code, cards): (&&str, Vec<String>)| {
        let findings = &by_code[code];
        let total = total_of(outcome, code).max(findings.len() as u64);
        Group {
            code: Shown::new(code, 16),
            name: Shown::new(&findings[0].name, text_bytes),
            shown: format!("{} of {}, all in findings.parquet.", grouped(cards.len() as u64), grouped(total)),
            query: format!(
                "duckdb -c \"SELECT * FROM 'findings.parquet' WHERE code = '{}'\"",
                Shown::new(&code.replace(['\'', '"'], ""), 16)
            ),
            cards,
        }
    };
    order.iter().zip(chosen).filter(|(_, cards)| !cards.is_empty()).map(group).collect()
}

/// Renders cards in turns until the budget is spent; one list per code.
fn chosen(
    outcome: &Outcome,
    order: &[&str],
    by_code: &BTreeMap<&str, Vec<&SampleFinding>>,
    text_bytes: usize,
    bytes_max: usize,
) -> Vec<Vec<String>> {
    let mut cards: Vec<Vec<String>> = vec![Vec::new(); order.len()];
    let mut ids: Set<&str> = Set::default();
    let mut left = bytes_max.saturating_sub(GROUP_BYTES * (order.len() + 2));
    let turns = by_code.values().map(Vec::len).max().unwrap_or(0);
    'turns: for turn in 0..turns {
        for (place, code) in order.iter().enumerate() {
            let Some(finding) = by_code[code].get(turn) else { continue };
            let card = card(outcome, finding, turn, true, text_bytes);
            if card.len() > left {
                break 'turns;
            }
            left -= card.len();
            ids.insert(&finding.finding_id);
            cards[place].push(card);
        }
    }
    // A link leads somewhere: causes that found no room are named only, which takes fewer bytes.
    for (place, code) in order.iter().enumerate() {
        for (turn, card_text) in cards[place].iter_mut().enumerate() {
            let finding = by_code[code][turn];
            if finding.explained_by.as_deref().is_some_and(|cause| !ids.contains(cause)) {
                *card_text = card(outcome, finding, turn, false, text_bytes);
            }
        }
    }
    cards
}

fn card(outcome: &Outcome, finding: &SampleFinding, turn: usize, linked: bool, text_bytes: usize) -> String {
    let sides = sides(outcome, finding, text_bytes);
    let named = [
        ("item", &finding.item),
        ("serial", &finding.serial),
        ("lot", &finding.lot),
        ("supplier", &finding.supplier),
        ("site", &finding.site),
    ];
    let subject = named.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, Shown::new(value, text_bytes)));
    let card = Card {
        id: Shown::new(&finding.finding_id, 64),
        code: Shown::new(&finding.code, 16),
        severity: finding.severity.name(),
        open: turn < OPEN_PER_CODE,
        subject: subject.collect(),
        subtype: Shown::new(&finding.subtype, 64),
        linked,
        explained_by: finding.explained_by.as_deref().map(|cause| Shown::new(cause, 64)),
        message: Shown::new(&finding.message, text_bytes),
        stepped: sides.columns.iter().any(|column| !column.steps.is_empty()),
        hidden: super::super::figures::counted(sides.hidden, "record"),
        sides,
    };
    card.render().expect("writing to a string cannot fail")
}

fn total_of(outcome: &Outcome, code: &str) -> u64 {
    outcome.rules.iter().find(|rule| rule.code == code).map_or(0, |rule| rule.counts.iter().sum())
}

/// Says how many findings the page shows.
pub(super) fn shown(outcome: &Outcome, groups: &[Group]) -> String {
    let shown: usize = groups.iter().map(|group| group.cards.len()).sum();
    format!(
        "{} of {} on this page, all in findings.parquet.",
        grouped(shown as u64),
        super::super::figures::counted(outcome.findings_total, "finding")
    )
}
