//! The rules: one file for each code, one line each in [`CATALOGUE`].

mod idn001;
mod idn002;
mod idn005;
mod idn008;
mod idn011;
mod lot001;
mod lot002;
mod lot003;
mod lot006;
mod orp001;
mod orp002;
mod orp003;
mod orp004;
mod run001;
mod run003;
mod ser001;
mod ser002;
mod ser003;
mod ser004;

use std::fmt::{self, Formatter};

use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::FindingSink;
use crate::lots::are_compared;
use crate::model::{Field, Grain, Role, Severity, Source};
use crate::parameter::{MARKDOWN_HEAD, Parameter, markdown_rows};
use crate::record::Record;
use crate::settled::Settled;
use crate::shown::Shown;

pub use idn002::PlaceholderUse;
pub use lot003::unknown_lots;
pub use orp001::GRACE_DAYS;
pub use run001::REJECTED_MAX;

/// A rule: data and one pure function.
pub struct Rule {
    /// The code; never changes meaning, never used again.
    pub code: &'static str,
    /// The bad pattern, in words.
    pub name: &'static str,
    /// The severity unless the finding or the configuration says otherwise.
    pub severity: Severity,
    /// What the rule needs to be evaluated.
    pub needs: &'static [Need],
    /// The numbers that the configuration may change.
    pub parameters: &'static [Parameter],
    /// The documentation, in Markdown; its example is executed by a test.
    pub documentation: &'static str,
    /// What it does.
    pub check: Check,
    /// Writes the sentence of a finding.
    pub message: fn(&Shown<'_>, &mut Formatter<'_>) -> fmt::Result,
}

/// When a rule sees the data.
#[derive(Clone, Copy)]
pub enum Check {
    /// For each partition, its units that are concerned and all those of serials that are not quiet.
    Units(Concern, fn(&Units<'_>, &Settled<'_>, &mut FindingSink)),
    /// For each partition, and once after all of them.
    UnitsAndTotals(Concern, fn(&Units<'_>, &Settled<'_>, &mut FindingSink), fn(&Totals<'_>, &mut FindingSink)),
    /// Once, after all partitions.
    Totals(fn(&Totals<'_>, &mut FindingSink)),
    /// Its findings come from the check of another rule, and are told apart when their records are read.
    With(&'static str),
}

/// What a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A source of a role, not of lot grain.
    Source(Role),
    /// A source of one of two roles, not of lot grain.
    EitherSource(Role, Role),
    /// Some source, not of lot grain, that maps a field.
    Field(Field),
    /// A supplier source that maps a lot, and another source that maps a lot or supplier lot.
    LotsOfSupplierAndOther,
    /// Some source, not of lot grain, that maps a lot or supplier lot.
    AnyLot,
    /// A source of unit grain that maps a lot or supplier lot.
    UnitGrainLot,
    /// Two sources, not of lot grain, whose lots are compared.
    TwoLots,
    /// A source of unit grain.
    UnitGrain,
}

impl Need {
    /// Tells whether the sources meet the need.
    pub fn is_met(self, sources: &[Source]) -> bool {
        let serialized = |source: &Source, role| source.role == role && source.grain != Grain::Lot;
        let maps_lot = |source: &Source| source.maps(Field::Lot) || source.maps(Field::SupplierLot);
        match self {
            Self::Source(role) => sources.iter().any(|source| serialized(source, role)),
            Self::EitherSource(left, right) => sources.iter().any(|source| serialized(source, left) || serialized(source, right)),
            Self::Field(field) => sources.iter().any(|source| source.grain != Grain::Lot && source.maps(field)),
            Self::LotsOfSupplierAndOther => {
                sources.iter().any(|source| source.role == Role::Supplier && source.maps(Field::Lot))
                    && sources.iter().any(|source| source.role != Role::Supplier && maps_lot(source))
            }
            Self::AnyLot => sources.iter().any(|source| source.grain != Grain::Lot && maps_lot(source)),
            Self::UnitGrainLot => sources.iter().any(|source| source.grain == Grain::Unit && maps_lot(source)),
            Self::TwoLots => {
                let compared: Vec<&Source> = sources.iter().filter(|source| source.grain != Grain::Lot).collect();
                compared.iter().enumerate().any(|(index, left)| compared[index + 1..].iter().any(|right| are_compared(left, right)))
            }
            Self::UnitGrain => sources.iter().any(|source| source.grain == Grain::Unit),
        }
    }

    /// Says what is lacking, in words.
    pub fn lacking(self) -> String {
        match self {
            Self::Source(role) => format!("no {role} source with serials"),
            Self::EitherSource(left, right) => format!("neither a {left} nor a {right} source with serials"),
            Self::Field(field) => format!("no source with serials that maps {field}"),
            Self::LotsOfSupplierAndOther => "no supplier lot to compare with a lot of another source".to_owned(),
            Self::AnyLot => "no source with serials that maps lot or supplier_lot".to_owned(),
            Self::UnitGrainLot => "no source of unit grain that maps lot or supplier_lot".to_owned(),
            Self::TwoLots => "no two sources whose lots are compared".to_owned(),
            Self::UnitGrain => "no source of unit grain".to_owned(),
        }
    }
}

/// What rules see once, after all partitions.
pub struct Totals<'a> {
    /// What is settled for the run.
    pub settled: &'a Settled<'a>,
    /// The records without a usable serial and those of lot grain, with their quantities, in pieces.
    pub keyless: &'a [&'a [(Record, i64)]],
    /// Where placeholders stand in lots, supplier lots and items.
    pub placeholders: &'a [PlaceholderUse],
    /// Facts about files.
    pub files: &'a [FileFacts],
    /// Key form of each lot number, for look-alikes.
    pub lot_text: &'a dyn Fn(u32) -> &'a str,
}

/// What ingest knows of a file that rules report.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Rejected records by reason, in reason order.
    pub rejected: Vec<(&'static str, u64)>,
    /// Identifier columns that the file holds as numbers.
    pub numeric_columns: Vec<String>,
    /// The file whose bytes this one repeats.
    pub repeats: Option<u32>,
}

/// Every rule, sorted by code.
pub static CATALOGUE: [&Rule; 19] = [
    &idn001::RULE,
    &idn002::RULE,
    &idn005::RULE,
    &idn008::RULE,
    &idn011::RULE,
    &lot001::RULE,
    &lot002::RULE,
    &lot003::RULE,
    &lot006::RULE,
    &orp001::RULE,
    &orp002::RULE,
    &orp003::RULE,
    &orp004::RULE,
    &run001::RULE,
    &run003::RULE,
    &ser001::RULE,
    &ser002::RULE,
    &ser003::RULE,
    &ser004::RULE,
];

/// Finds a rule's number in the catalogue.
pub fn rule_index(code: &str) -> Option<u16> {
    CATALOGUE.binary_search_by_key(&code, |rule| rule.code).ok().map(|index| index as u16)
}

impl Rule {
    /// Says what the rule lacks, if anything.
    pub fn lacks(&self, sources: &[Source]) -> Option<String> {
        self.needs.iter().find(|need| !need.is_met(sources)).map(|need| need.lacking())
    }

    /// Writes the table of parameters in Markdown; empty where there are none.
    pub fn parameters_markdown(&self) -> String {
        if self.parameters.is_empty() {
            return String::new();
        }
        format!("## Parameters\n{MARKDOWN_HEAD}{}", markdown_rows(self.parameters, &format!("rules.{}", self.code)))
    }

    /// Gives the first sentence of the documentation.
    pub fn about(&self) -> &'static str {
        let text = self.documentation.split_once("## What it finds").map_or("", |(_, rest)| rest).trim_start();
        let paragraph = text.split("\n\n").next().unwrap_or("");
        paragraph.split_once(". ").map_or(paragraph, |(first, _)| first).trim_end_matches('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn documentation_has_its_headings_in_order() {
        for rule in CATALOGUE {
            let headings: Vec<&str> = rule.documentation.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(headings, ["## What it finds", "## Why it matters", "## Example", "## What to do", "## Source"], "{}", rule.code);
            assert!(rule.about().len() > 20 && !rule.about().contains('`'), "{}: shown as plain text", rule.code);
        }
    }
}
