//! What a run found, as the reports need it: bounded tables and counts; the full tables are the Parquet files of the run.

use counterfoil_kernel::model::{Disposition, Field, Grain, Role, Severity};
use counterfoil_kernel::parameter::Parameter;

/// The families of rules that compare a unit's records of one source with those of others.
const COMPARING: [&str; 2] = ["LOT", "ORP"];

/// A finished run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The name of the run in the configuration.
    pub name: String,
    /// Identifies the run; stands only in the manifest's execution block.
    pub run_id: String,
    /// The version of the tool.
    pub tool_version: String,
    /// The day that grace was judged against, ISO.
    pub as_of: String,
    /// Grace in days.
    pub grace_days: i32,
    /// What the parameters of rules and guards were set to, in the order of the catalogue.
    pub parameters: Vec<ParameterOutcome>,
    /// The scope, such as `["item"]`.
    pub scope: String,
    /// Why the scope is what it is.
    pub scope_reason: String,
    /// The resolved configuration, as indented JSON.
    pub resolved: String,
    /// Digest of the resolved configuration, hex.
    pub config_digest: String,
    /// The severity from which the exit code is 1, as a word; `never` if none.
    pub fail_on: String,
    /// Findings at or above it (waived and known ones aside).
    pub failing: u64,
    /// What was decided without being told.
    pub notes: Vec<String>,
    /// The sources, in the order of the plan.
    pub sources: Vec<SourceOutcome>,
    /// The ledger: one row per file and disposition, all five per file.
    pub ledger: Vec<LedgerRow>,
    /// One row per rule of the catalogue, in code order.
    pub rules: Vec<RuleOutcome>,
    /// Findings by supplier, most first; at most 1,000 rows, `suppliers_total` in all.
    pub suppliers: Vec<SupplierOutcome>,
    /// How many suppliers there are.
    pub suppliers_total: u64,
    /// Suppliers in these rows: all but the row of findings whose supplier is not known.
    pub suppliers_named: u64,
    /// The most severe findings with their evidence, in the order of `findings.parquet`, at most so many per code.
    pub sample: Vec<SampleFinding>,
    /// How many findings there are.
    pub findings_total: u64,
    /// How many of them are explained by another.
    pub findings_explained: u64,
    /// The safety proof: one row per step of normalization.
    pub steps: Vec<StepOutcome>,
    /// Units by the roles that know them: (supplier, erp, warranty) -> units.
    pub overlap: Vec<OverlapRow>,
    /// The first rejected records, `rejected_total` in all.
    pub rejected: Vec<RejectedRow>,
    /// How many records were rejected.
    pub rejected_total: u64,
    /// What the run cost; not part of any deterministic output.
    pub resources: Resources,
}

impl Outcome {
    /// Says why the run compared no source with another, if so: then no finding is no good news.
    pub fn not_reconciled(&self) -> Option<String> {
        let mut roles: Vec<Role> = self.sources.iter().map(|source| source.role).collect();
        roles.sort_unstable_by_key(|role| role.name());
        roles.dedup();
        let compares = |rule: &RuleOutcome| rule.not_evaluated.is_none() && COMPARING.iter().any(|family| rule.code.starts_with(family));
        match roles[..] {
            [] => Some("no source was given".to_owned()),
            [role] => Some(format!("only {role} sources were given")),
            _ if self.rules.iter().any(compares) => None,
            _ => Some("no rule that compares sources was evaluated".to_owned()),
        }
    }
}

/// What a parameter was set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterOutcome {
    /// The whole key in the configuration, such as `rules.LOT006.units_min`.
    pub key: String,
    /// The value as the configuration has it.
    pub value: String,
    /// What it counts.
    pub unit: &'static str,
    /// It is not the default.
    pub is_changed: bool,
}

impl ParameterOutcome {
    /// States a parameter; `table` is its table in the configuration.
    pub fn new(parameter: &Parameter, table: &str, value: u64) -> Self {
        Self {
            key: parameter.key(table),
            value: parameter.unit.show(value),
            unit: parameter.unit.name(),
            is_changed: value != parameter.default,
        }
    }
}

/// A source of a finished run.
#[derive(Clone, Debug)]
pub struct SourceOutcome {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its grain.
    pub grain: Grain,
    /// Its rank.
    pub rank: u32,
    /// Its files.
    pub files: Vec<FileOutcome>,
    /// Units that it holds at least one record of.
    pub units: u64,
    /// Claims without a lot; none for a source of another grain, or that maps no lot.
    pub without_lot: Option<u64>,
    /// Findings that cite a record of it, by severity in the order of [`Severity::ALL`].
    pub findings: [u64; 4],
}

/// A file of a finished run.
#[derive(Clone, Debug)]
pub struct FileOutcome {
    /// The path as given.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// What the reader found out about it.
    pub description: String,
    /// Records read.
    pub records: u64,
    /// Field, column (or constant) and the reason, in field order.
    pub mapping: Vec<(Field, String, String)>,
    /// Dates that could not be read, by field, with the first such text.
    pub unreadable_dates: Vec<(Field, u64, String)>,
    /// Quantities that could not be read, with the first such text.
    pub unreadable_quantities: Option<(u64, String)>,
    /// The path of the file whose content this one repeats.
    pub repeats: Option<String>,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The source.
    pub source: String,
    /// The file.
    pub file: String,
    /// Where the records ended.
    pub disposition: Disposition,
    /// How many.
    pub records: u64,
    /// Their quantity in millionths.
    pub quantity_millionths: i128,
    /// Their digest.
    pub digest: u128,
}

/// A rule of a finished run.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    /// The code.
    pub code: &'static str,
    /// The name.
    pub name: &'static str,
    /// The severity in the catalogue or the configuration.
    pub severity: Severity,
    /// Findings by severity (a subtype may differ from the rule) in the order of [`Severity::ALL`].
    pub counts: [u64; 4],
    /// Findings explained by another.
    pub explained: u64,
    /// Records cited.
    pub records: u64,
    /// Why the rule was not evaluated, if so: what it lacks, or `ignored`.
    pub not_evaluated: Option<String>,
    /// One sentence of what it finds, from its documentation.
    pub about: String,
}

/// Findings of one supplier.
#[derive(Clone, Debug)]
pub struct SupplierOutcome {
    /// The supplier as shown; empty where none is known.
    pub supplier: String,
    /// Findings by severity in the order of [`Severity::ALL`].
    pub counts: [u64; 4],
    /// Findings by code, only codes that occur, sorted.
    pub by_code: Vec<(String, u64)>,
}

/// A finding with what a person needs to judge it.
#[derive(Clone, Debug)]
pub struct SampleFinding {
    /// Its id.
    pub finding_id: String,
    /// The code.
    pub code: String,
    /// The rule's name.
    pub name: String,
    /// The subtype, or empty.
    pub subtype: String,
    /// The severity.
    pub severity: Severity,
    /// The id of the finding that explains it.
    pub explained_by: Option<String>,
    /// The item as shown, or empty.
    pub item: String,
    /// The serial as shown, or empty.
    pub serial: String,
    /// The lot as shown, or empty.
    pub lot: String,
    /// The supplier as shown, or empty.
    pub supplier: String,
    /// The site as shown, or empty.
    pub site: String,
    /// The sources of the cited records.
    pub sources: Vec<String>,
    /// How many records are cited.
    pub record_count: u64,
    /// One sentence.
    pub message: String,
    /// The first records, cited first.
    pub evidence: Vec<SampleRecord>,
}

/// A record as evidence.
#[derive(Clone, Debug)]
pub struct SampleRecord {
    /// The source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The record number, from 1.
    pub record: u64,
    /// The finding is about this record.
    pub cited: bool,
    /// The mapped fields that are not blank, raw, in field order.
    pub values: Vec<(Field, String)>,
    /// The steps that changed the serial, such as `trim, case`.
    pub steps: String,
}

/// What one step of normalization did.
#[derive(Clone, Debug)]
pub struct StepOutcome {
    /// The step, `none` for T0.
    pub step: &'static str,
    /// The tier.
    pub tier: &'static str,
    /// Serials of records that it changed.
    pub changed: u64,
    /// Matches between roles of a unit that belong to it: the last step that changed either side.
    pub matches: u64,
    /// Units of a unit-grain source in which records with different raw serials met, by the last step.
    pub merges: u64,
    /// Before and after, at most ten.
    pub examples: Vec<(String, String)>,
}

/// How many units the same roles know.
#[derive(Clone, Debug)]
pub struct OverlapRow {
    /// Whether a supplier, ERP, warranty source knows them.
    pub known_by: [bool; 3],
    /// Units.
    pub units: u64,
}

/// A rejected record.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    /// The source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The record number, from 1.
    pub record: u64,
    /// The line, from 1; 0 where there are none.
    pub line: u64,
    /// The reason's name.
    pub reason: String,
    /// What was found and expected.
    pub detail: String,
}

/// What a run cost.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Start, UTC, RFC 3339.
    pub started: String,
    /// Wall time in seconds.
    pub wall_s: f64,
    /// Processor time in seconds, user and system.
    pub cpu_s: f64,
    /// The most memory held, in bytes.
    pub peak_bytes: u64,
    /// Threads of the pool.
    pub threads: usize,
    /// Bytes that were kept on the disk meanwhile, because memory had no room for them.
    pub spilled_bytes: u64,
    /// Phases in order: name, wall seconds.
    pub phases: Vec<(&'static str, f64)>,
}
