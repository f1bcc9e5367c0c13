//! The naive oracle: what `docs/guide/semantics.md` says, computed the slow and obvious way.

use std::collections::BTreeMap;

use crate::model::{Disposition, Field, Grain, Role, Severity, Source};

pub use super::naive_normalize::day;
use super::naive_records::{Row, read_rows};
use super::naive_units::{Groups, group_rows};
use super::{naive_identifiers, naive_ledger, naive_lots, naive_orphans, naive_serials};

/// A record as it was read: values are raw text, an absent field is blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NaiveRecord {
    /// The file that holds the record.
    pub file: String,
    /// The number of the record in its file, from 1.
    pub record: u64,
    /// The raw text of mapped fields; dates as ISO text.
    pub values: BTreeMap<Field, String>,
}

/// A source with its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaiveSource {
    /// What the rules know of it.
    pub source: Source,
    /// Its records, in any order.
    pub records: Vec<NaiveRecord>,
}

/// Which tiers run besides T0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NaiveTiers {
    /// T1, cleaning.
    pub clean: bool,
    /// T3, case.
    pub case: bool,
    /// T4, separators.
    pub separators: bool,
}

impl Default for NaiveTiers {
    fn default() -> Self {
        Self { clean: true, case: true, separators: true }
    }
}

/// The settings of a run that change findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaiveSettings {
    /// The fields inside which a serial is unique.
    pub scope: Vec<Field>,
    /// The day that grace is judged against, in days from 1970-01-01.
    pub as_of: i32,
    /// Grace in days.
    pub grace_days: i32,
    /// Which tiers run.
    pub tiers: NaiveTiers,
    /// LOT006: the fewest comparable units of a pair of sources.
    pub comparable_units_min: usize,
    /// LOT006: the pair is not comparable when more than this share differs. Shares are in hundredths of a percent here.
    pub differing_share: usize,
    /// SER003: the fewest serials for the subtype `widespread`.
    pub widespread_serials_min: usize,
    /// SER003: it is widespread when more than this share of the serials fires.
    pub widespread_share: usize,
    /// IDN001: an item is lot-only in a source when at least this share of its records lacks a serial.
    pub lot_only_share: usize,
    /// LOT002: an item is lot-tracked when at least this share of its records carries a lot.
    pub lot_tracked_share: usize,
    /// IDN002: a digits-only serial is a placeholder when it stands in so many records.
    pub digits_repeats: usize,
}

impl Default for NaiveSettings {
    /// The defaults of the semantics, scope `["item"]`, judged on 2026-06-30.
    fn default() -> Self {
        Self {
            scope: vec![Field::Item],
            as_of: 20_634,
            grace_days: 14,
            tiers: NaiveTiers::default(),
            comparable_units_min: 1_000,
            differing_share: 5_000,
            widespread_serials_min: 1_000,
            widespread_share: 100,
            lot_only_share: 9_900,
            lot_tracked_share: 5_000,
            digits_repeats: 3,
        }
    }
}

/// Gives the scope that a run has unless configured: the item when every unit-grain supplier and ERP source maps it.
pub fn default_scope<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Vec<Field> {
    let judged = |source: &&Source| grain(source) == Grain::Unit && source.role != Role::Warranty;
    if sources.into_iter().filter(judged).all(|source| source.maps(Field::Item)) { vec![Field::Item] } else { Vec::new() }
}

/// Gives the grain that counts: a source that maps no serial has grain `lot`.
pub(super) fn grain(source: &Source) -> Grain {
    if source.maps(Field::Serial) { source.grain } else { Grain::Lot }
}

/// A finding with everything that outputs show of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NaiveFinding {
    /// How much it matters.
    pub severity: Severity,
    /// The code of the rule.
    pub code: &'static str,
    /// What it is about, whole and unique within code and subtype: parts joined by `/`, blank ones left out. A unit is its item, the
    /// other scope values and its serial; a source, where the rule has one per source, stands first.
    pub subject: String,
    /// The subtype; empty when there is none.
    pub subtype: &'static str,
    /// The item shown.
    pub item: String,
    /// The serial shown.
    pub serial: String,
    /// The lot shown.
    pub lot: String,
    /// The supplier shown.
    pub supplier: String,
    /// The site shown.
    pub site: String,
    /// The code of the finding that explains this one.
    pub explained_by_code: Option<&'static str>,
    /// The cited records: index of the source, file, record number; sorted.
    pub cited: Vec<(usize, String, u64)>,
}

/// What the oracle says of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaiveVerdict {
    /// The findings, by severity, code, subject, subtype.
    pub findings: Vec<NaiveFinding>,
    /// Where each record ends: by source, then by place in [`NaiveSource::records`].
    pub dispositions: Vec<Vec<Disposition>>,
    /// The codes of rules that lack their inputs, sorted.
    pub not_evaluated: Vec<&'static str>,
}

/// Everything a rule looks at.
pub(super) struct World<'a> {
    pub sources: &'a [NaiveSource],
    pub settings: &'a NaiveSettings,
    /// All records of all sources, read.
    pub rows: Vec<Row>,
    pub groups: Groups,
}

impl World<'_> {
    pub(super) fn role(&self, row: usize) -> Role {
        self.source(row).role
    }

    pub(super) fn source(&self, row: usize) -> &Source {
        &self.sources[self.rows[row].source].source
    }

    /// Gives the rows of a list that come from sources of one role.
    pub(super) fn of_role(&self, rows: &[usize], role: Role) -> Vec<usize> {
        rows.iter().copied().filter(|&row| self.role(row) == role).collect()
    }

    /// Tells whether a role has a source that holds units.
    pub(super) fn has_role(&self, role: Role) -> bool {
        self.sources.iter().any(|source| source.source.role == role && grain(&source.source) != Grain::Lot)
    }

    /// Gives a finding that shows nothing but its subject.
    pub(super) fn finding(&self, code: &'static str, severity: Severity, subject: &[&str], cited: &[usize]) -> NaiveFinding {
        let reference = |&row: &usize| {
            let row = &self.rows[row];
            let record = &self.sources[row.source].records[row.place];
            (row.source, record.file.clone(), record.record)
        };
        let mut cited: Vec<_> = cited.iter().map(reference).collect();
        cited.sort();
        NaiveFinding {
            severity,
            code,
            subject: subject.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/"),
            subtype: "",
            item: String::new(),
            serial: String::new(),
            lot: String::new(),
            supplier: String::new(),
            site: String::new(),
            explained_by_code: None,
            cited,
        }
    }
}

/// Judges a data set.
///
/// Every record is read and in scope: rejected and filtered records, repeated files and columns of a number type are the
/// reader's matter (RUN001, RUN003, IDN005).
pub fn judge(sources: &[NaiveSource], settings: &NaiveSettings) -> NaiveVerdict {
    let rows = read_rows(sources, settings);
    let groups = group_rows(sources, settings, &rows);
    let world = World { sources, settings, rows, groups };
    let mut findings = Vec::new();
    let mut not_evaluated = Vec::new();
    naive_serials::check(&world, &mut findings, &mut not_evaluated);
    naive_lots::check(&world, &mut findings, &mut not_evaluated);
    naive_orphans::check(&world, &mut findings, &mut not_evaluated);
    naive_identifiers::check(&world, &mut findings, &mut not_evaluated);
    findings.sort();
    not_evaluated.sort_unstable();
    NaiveVerdict { findings, dispositions: naive_ledger::dispositions(&world), not_evaluated }
}
