//! The functions that every engine calls: survey a partition, judge it, judge the totals.

use crate::cogroup::Units;
use crate::finding::FindingSink;
use crate::model::Source;
use crate::rules::{CATALOGUE, Check, Totals};
use crate::settled::Settled;

/// Which rules run, by index in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled(Vec<bool>);

impl Enabled {
    /// Enables the rules that are selected and have what they need.
    ///
    /// A selection names codes or their beginnings (`SER`, `ORP001`); an empty one names all. What is ignored is never enabled.
    pub fn new(select: &[String], ignore: &[String], sources: &[Source]) -> Self {
        let names = |list: &[String], code: &str| list.iter().any(|prefix| code.starts_with(prefix.as_str()));
        let enabled = CATALOGUE
            .iter()
            .map(|rule| (select.is_empty() || names(select, rule.code)) && !names(ignore, rule.code) && rule.lacks(sources).is_none());
        Self(enabled.collect())
    }

    /// Tells whether a rule is enabled.
    pub fn has(&self, rule: u16) -> bool {
        self.0[usize::from(rule)]
    }

    /// Tells whether the check of a rule must run: for itself, or for a rule whose findings come with it.
    fn runs(&self, rule: u16) -> bool {
        let code = CATALOGUE[usize::from(rule)].code;
        self.has(rule)
            || CATALOGUE
                .iter()
                .enumerate()
                .any(|(other, of)| matches!(of.check, Check::With(with) if with == code) && self.has(other as u16))
    }
}

/// Lets every enabled rule see the units of one partition.
pub fn judge_units(units: &Units<'_>, settled: &Settled<'_>, enabled: &Enabled, out: &mut FindingSink) {
    for (index, rule) in CATALOGUE.iter().enumerate() {
        if let Check::Units(check) | Check::UnitsAndTotals(check, _) = rule.check
            && enabled.runs(index as u16)
        {
            out.rule = index as u16;
            check(units, settled, out);
        }
    }
}

/// Lets every enabled rule see the totals, once.
pub fn judge_totals(totals: &Totals<'_>, enabled: &Enabled, out: &mut FindingSink) {
    for (index, rule) in CATALOGUE.iter().enumerate() {
        if let Check::Totals(check) | Check::UnitsAndTotals(_, check) = rule.check
            && enabled.runs(index as u16)
        {
            out.rule = index as u16;
            check(totals, out);
        }
    }
}
