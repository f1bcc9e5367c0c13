//! What a run does, resolved: nothing after this looks at flags or files of configuration.

use std::path::PathBuf;

use counterfoil_kernel::model::{Field, Severity, Source};
use counterfoil_kernel::parameter::Thresholds;

use crate::ingest::{InputFile, OpenOptions};

/// A resolved run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A name for reports.
    pub name: String,
    /// The sources, ordered by role, then name. The index is the source's number everywhere.
    pub sources: Vec<SourcePlan>,
    /// The scope: fields inside which a serial is unique. Empty: global.
    pub scope: Vec<Field>,
    /// Why the scope is what it is, for the report.
    pub scope_reason: String,
    /// The day that grace is judged against, in days from 1970-01-01.
    pub as_of: i32,
    /// Grace in days.
    pub grace_days: i32,
    /// Which tiers run.
    pub tiers: Tiers,
    /// Settings of rules.
    pub rules: RuleSettings,
    /// What the parameters of rules and guards are set to.
    pub thresholds: Thresholds,
    /// The most values of a date or quantity column that may be unreadable, in hundredths of a percent.
    pub unreadable_share_max: u64,
    /// The severity from which findings make the exit code 1; `None`: never.
    pub fail_on: Option<Severity>,
    /// Let sources that share almost no key pass.
    pub allow_disjoint: bool,
    /// Let unit-grain sources whose units recur pass.
    pub allow_recurring: bool,
    /// Threads of the one pool.
    pub threads: usize,
    /// The most bytes of memory that the run may hold.
    pub memory_limit: u64,
    /// Where records go that memory has no room for; `None`: beside the outputs.
    pub spill_dir: Option<PathBuf>,
    /// The most bytes that may go there.
    pub spill_limit: u64,
    /// Where the run directory goes; `None`: `runs/<UTC time>-<digest>`.
    pub out: Option<PathBuf>,
    /// The resolved configuration as canonical JSON: recorded in the manifest, hashed for run names. Has no thread count, output path or display option.
    pub resolved: serde_json::Value,
    /// What was decided without being told, for the terminal and the report.
    pub notes: Vec<String>,
}

/// Which tiers of normalization run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// T1, lossless cleaning.
    pub clean: bool,
    /// T3, case of serials and lots.
    pub case: bool,
    /// T4, separators of serials and lots.
    pub separators: bool,
}

/// Settings of rules.
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    /// Codes or prefixes that run; empty: all.
    pub select: Vec<String>,
    /// Codes or prefixes that don't.
    pub ignore: Vec<String>,
    /// Severities that differ from the catalogue, by code.
    pub severity: Vec<(String, Severity)>,
}

/// A resolved source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// What the rules know of it.
    pub source: Source,
    /// Its files, sorted by path.
    pub files: Vec<FilePlan>,
    /// Columns that travel to the evidence untouched, by name.
    pub carry: Vec<String>,
    /// Filters: a record is in scope when all hold.
    pub filters: Vec<Filter>,
    /// The most rejected records before the run stops.
    pub rejected_max: u64,
    /// How to open its files.
    pub open: OpenOptions,
}

/// A file of a source with its own mapping: headers may differ in order and spelling between files.
#[derive(Clone, Debug)]
pub struct FilePlan {
    /// The file.
    pub input: InputFile,
    /// Where each mapped field comes from.
    pub mapping: Vec<Mapped>,
    /// The column index of each carried column, in the order of [`SourcePlan::carry`].
    pub carry: Vec<usize>,
    /// The column index of each filter, in the order of [`SourcePlan::filters`].
    pub filters: Vec<usize>,
}

/// Where a field comes from in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The field.
    pub field: Field,
    /// Where its values come from.
    pub origin: Origin,
    /// Why, in words: `header "SERNR" is a SAP name for serial`.
    pub reason: String,
}

impl FilePlan {
    /// Gives the column of the serials where nothing else is read from it, but something from another.
    pub fn serial_column_alone(&self) -> Option<usize> {
        let index = |mapped: &Mapped| match mapped.origin {
            Origin::Column { index, .. } => Some(index),
            Origin::Constant(_) => None,
        };
        let serial = self.mapping.iter().find(|mapped| mapped.field == Field::Serial).and_then(index)?;
        let others =
            || self.mapping.iter().filter(|mapped| mapped.field != Field::Serial).filter_map(index).chain(self.carry.iter().copied());
        (others().all(|other| other != serial) && others().next().is_some()).then_some(serial)
    }
}

/// Where the values of a field come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A column of the file.
    Column {
        /// Its index in the file.
        index: usize,
        /// Its name in the file.
        name: String,
        /// Formats of dates (`%Y %m %d %y %b %H %M %S`), tried in order; empty: ISO.
        date_formats: Vec<String>,
    },
    /// One value for every record: a constant or a part of the path.
    Constant(String),
}

/// A filter on one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The column's name.
    pub column: String,
    /// Keep records whose cleaned value is one of these (`is_in`), or is none of them.
    pub values: Vec<String>,
    /// `true`: keep those in `values`; `false`: keep the others.
    pub keep: bool,
}
