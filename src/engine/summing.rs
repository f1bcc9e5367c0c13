//! The summing-up: what reports need of a run, in bounded tables.

use counterfoil_kernel::guards;
use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Field, Grain, Role, Severity};
use counterfoil_kernel::normalize::Step;
use counterfoil_kernel::parameter::Home;
use counterfoil_kernel::rules::CATALOGUE;
use rayon::prelude::*;

use super::assemble::{Row, sort_key};
use super::evidence::{Evidence, Form};
use super::local::{Found, file_name, file_of};
use super::sentences::Sentences;
use super::{digests, iso_day, tables};
use crate::config::parameters::UNREADABLE_PERCENT_MAX;
use crate::config::plan::{FilePlan, Origin, Plan, SourcePlan};
use crate::outcome::{
    FileOutcome, Outcome, OverlapRow, ParameterOutcome, RejectedRow, RuleOutcome, SampleFinding, SampleRecord, SourceOutcome, StepOutcome,
};

/// Findings of each code that reports show in full.
const SAMPLE_PER_CODE: usize = 50;
/// Records of a finding that reports show.
const SAMPLE_RECORDS: usize = 12;
/// Rejected records that reports show.
const REJECTED_SHOWN: usize = 100;
/// Examples of each step of normalization.
const EXAMPLES: usize = 5;

/// What reports need of findings, summed up batch by batch.
pub struct Summing<'a> {
    plan: &'a Plan,
    found: &'a Found,
    findings: u64,
    counts: Counts,
    /// By supplier, rule and severity.
    suppliers: Map<(String, u16, Severity), u64>,
    /// Findings that reports may show, with their places in the order.
    sample: Vec<(Vec<u8>, u16, SampleFinding)>,
    /// By the rank of the step.
    examples: Vec<Vec<(String, String)>>,
    merges: [u64; 9],
}

impl<'a> Summing<'a> {
    /// Starts with nothing.
    pub fn new(plan: &'a Plan, found: &'a Found) -> Self {
        Self {
            plan,
            found,
            findings: 0,
            counts: Counts::new(plan),
            suppliers: Map::default(),
            sample: Vec::new(),
            examples: vec![Vec::new(); 9],
            merges: [0; 9],
        }
    }

    /// Adds the rows of a batch, which are in order.
    pub fn add(&mut self, evidence: &Evidence, merges: &[u64; 9], rows: &[&Row<'_>]) {
        self.findings += rows.len() as u64;
        self.counts.add(self.plan, rows);
        self.merges.iter_mut().zip(merges).for_each(|(sum, own)| *sum += own);
        add_examples(&mut self.examples, evidence);
        let mut taken = [0; CATALOGUE.len()];
        let wanted = rows.iter().filter(|row| {
            let count = &mut taken[usize::from(row.rule)];
            *count += 1;
            *count <= SAMPLE_PER_CODE
        });
        let (plan, found) = (self.plan, self.found);
        self.sample.extend(wanted.map(|row| (sort_key(row), row.rule, sample_finding(plan, found, evidence, row))));
    }

    /// Counts the findings of each supplier in the rows of a batch.
    pub fn add_suppliers(&mut self, rows: &[&Row<'_>]) {
        type Counted<'r> = Map<(&'r str, u16, Severity), u64>;
        fn count<'r>(mut counted: Counted<'r>, row: &&Row<'r>) -> Counted<'r> {
            *counted.entry((row.shown[3], row.rule, row.severity)).or_default() += 1;
            counted
        }
        fn add<'r>(mut left: Counted<'r>, right: Counted<'r>) -> Counted<'r> {
            right.into_iter().for_each(|(key, count)| *left.entry(key).or_default() += count);
            left
        }
        let counted = rows.par_iter().fold(Map::default, count).reduce(Map::default, add);
        for ((supplier, rule, severity), count) in counted {
            *self.suppliers.entry((supplier.to_owned(), rule, severity)).or_default() += count;
        }
    }

    /// Gives the findings of each supplier by rule and severity.
    pub fn suppliers(&self) -> &Map<(String, u16, Severity), u64> {
        &self.suppliers
    }

    /// Gives the outcome; suppliers, run id and resources are the caller's to fill in.
    pub fn outcome(mut self, config_digest: String) -> Outcome {
        let (plan, found) = (self.plan, self.found);
        self.sample.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let mut taken = [0; CATALOGUE.len()];
        self.sample.retain(|(_, rule, _)| {
            let count = &mut taken[usize::from(*rule)];
            *count += 1;
            *count <= SAMPLE_PER_CODE
        });
        let Counts { failing, explained, by_source, by_rule } = self.counts;
        Outcome {
            name: plan.name.clone(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            as_of: iso_day(plan.as_of),
            grace_days: plan.grace_days,
            parameters: parameters(plan),
            scope: format!("[{}]", plan.scope.iter().map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(", ")),
            scope_reason: plan.scope_reason.clone(),
            resolved: format!("{:#}", plan.resolved),
            config_digest,
            fail_on: plan.fail_on.map_or("never", Severity::name).to_owned(),
            failing,
            notes: plan.notes.clone(),
            sources: sources(plan, found, &by_source),
            ledger: tables::ledger_rows(plan, found),
            rules: rules(plan, found, &by_rule),
            sample: self.sample.into_iter().map(|(.., finding)| finding).collect(),
            findings_total: self.findings,
            findings_explained: explained,
            steps: steps(found, &self.examples, &self.merges),
            overlap: overlap(found),
            rejected: rejected(plan, found),
            rejected_total: found.rejected.len() as u64,
            ..Outcome::default()
        }
    }
}

/// What is counted of findings.
struct Counts {
    failing: u64,
    explained: u64,
    /// By source and severity.
    by_source: Vec<[u64; 4]>,
    by_rule: Vec<RuleCounts>,
}

/// What is counted of the findings of one rule.
#[derive(Clone, Default)]
struct RuleCounts {
    by_severity: [u64; 4],
    explained: u64,
    records: u64,
}

impl Counts {
    fn new(plan: &Plan) -> Self {
        Self {
            failing: 0,
            explained: 0,
            by_source: vec![[0; 4]; plan.sources.len()],
            by_rule: vec![RuleCounts::default(); CATALOGUE.len()],
        }
    }

    /// Counts rows, in one pass over them.
    fn add(&mut self, plan: &Plan, rows: &[&Row<'_>]) {
        for row in rows {
            let severity = row.severity as usize;
            self.failing += u64::from(plan.fail_on.is_some_and(|level| row.severity <= level));
            self.explained += u64::from(row.explained_by.is_some());
            row.sources().for_each(|source| self.by_source[source][severity] += 1);
            let rule = &mut self.by_rule[usize::from(row.rule)];
            rule.by_severity[severity] += 1;
            rule.explained += u64::from(row.explained_by.is_some());
            rule.records += row.record_count;
        }
    }
}

fn sources(plan: &Plan, found: &Found, findings: &[[u64; 4]]) -> Vec<SourceOutcome> {
    // Files stand in the order of their sources, and what could not be read in the order of files.
    let mut files = 0..;
    let mut of = |(index, source): (usize, &SourcePlan)| SourceOutcome {
        name: source.source.name.clone(),
        role: source.source.role,
        grain: source.source.grain,
        rank: source.source.rank,
        files: source.files.iter().zip(files.by_ref()).map(|(file, number)| file_outcome(plan, found, file, number)).collect(),
        units: found.survey.sources[index].units,
        without_lot: (source.source.grain == Grain::Event && source.source.maps(Field::Lot)).then(|| found.tally.without_lot[index]),
        findings: findings[index],
    };
    plan.sources.iter().enumerate().map(&mut of).collect()
}

fn file_outcome(plan: &Plan, found: &Found, file: &FilePlan, index: usize) -> FileOutcome {
    let mut mapping: Vec<(Field, String, String)> = file
        .mapping
        .iter()
        .map(|mapped| match &mapped.origin {
            Origin::Column { name, .. } => (mapped.field, name.clone(), mapped.reason.clone()),
            Origin::Constant(value) => (mapped.field, format!("= \"{value}\""), mapped.reason.clone()),
        })
        .collect();
    mapping.sort_by_key(|(field, ..)| *field);
    let start = found.unreadable.partition_point(|count| (count.file as usize) < index);
    let own = found.unreadable[start..].iter().take_while(|count| count.file as usize == index);
    let unreadable = || own.clone().filter(|count| count.unreadable > 0);
    let first = |count: &super::keying::UnreadableValues| count.first.as_ref().map_or_else(String::new, |(_, text)| text.clone());
    FileOutcome {
        path: file_name(file),
        bytes: file.input.bytes,
        sha256: digests::hex(&found.digests[index]),
        description: found.files[index].description(),
        records: found.ledger.files[index].iter().map(|sums| sums.records).sum(),
        mapping,
        unreadable_dates: unreadable()
            .filter(|count| count.field != Field::Quantity)
            .map(|count| (count.field, count.unreadable, first(count)))
            .collect(),
        unreadable_quantities: unreadable().find(|count| count.field == Field::Quantity).map(|count| (count.unreadable, first(count))),
        repeats: found.facts[index].repeats.map(|kept| file_name(file_of(plan, kept as usize).1)),
    }
}

fn rules(plan: &Plan, found: &Found, counts: &[RuleCounts]) -> Vec<RuleOutcome> {
    CATALOGUE
        .iter()
        .zip(counts)
        .enumerate()
        .map(|(index, (rule, counts))| RuleOutcome {
            code: rule.code,
            name: rule.name,
            severity: plan.rules.severity.iter().find(|(code, _)| code == rule.code).map_or(rule.severity, |&(_, severity)| severity),
            counts: counts.by_severity,
            explained: counts.explained,
            records: counts.records,
            not_evaluated: (!found.enabled.has(index as u16))
                .then(|| rule.lacks(&found.context.sources).unwrap_or_else(|| "ignored by the configuration".to_owned())),
            about: rule.about().to_owned(),
        })
        .collect()
}

fn sample_finding(plan: &Plan, found: &Found, evidence: &Evidence, row: &Row<'_>) -> SampleFinding {
    let rule = CATALOGUE[usize::from(row.rule)];
    let mut records = row.records.to_vec();
    records.sort_by_key(|&(record, cited)| (!cited, record));
    records.truncate(SAMPLE_RECORDS);
    let [item, serial, lot, supplier, site] = row.shown.map(str::to_owned);
    SampleFinding {
        finding_id: row.finding_id.to_string(),
        code: rule.code.to_owned(),
        name: rule.name.to_owned(),
        subtype: row.subtype.to_owned(),
        severity: row.severity,
        explained_by: row.explained_by.as_ref().map(ToString::to_string),
        item,
        serial,
        lot,
        supplier,
        site,
        sources: row.sources().map(|source| found.context.sources[source].name.clone()).collect(),
        record_count: row.record_count,
        message: Sentences { plan, found, evidence }.sentence(row).to_string(),
        evidence: records.into_iter().map(|(record, cited)| sample_record(plan, found, evidence, record as usize, cited)).collect(),
    }
}

fn sample_record(plan: &Plan, found: &Found, evidence: &Evidence, row: usize, cited: bool) -> SampleRecord {
    let reference = evidence.references[row];
    let file = (reference >> 32) as usize;
    let source = usize::from(found.context.file_source[file]);
    let values = Field::ALL.into_iter().map(|field| (field, evidence.raw(field, row).to_owned()));
    SampleRecord {
        source: found.context.sources[source].name.clone(),
        file: file_name(file_of(plan, file).1),
        record: u64::from(reference as u32) + 1,
        cited,
        values: values.filter(|(_, value)| !value.is_empty()).collect(),
        steps: evidence.steps(row).names().collect::<Vec<_>>().join(", "),
    }
}

/// Adds examples of serials that a step changed.
fn add_examples(examples: &mut [Vec<(String, String)>], evidence: &Evidence) {
    for row in 0..evidence.references.len() {
        let rank = usize::from(evidence.steps(row).last_rank());
        if rank == 0 {
            continue;
        }
        let raw = evidence.raw(Field::Serial, row);
        let of = &mut examples[rank];
        // The least by bytes, so that the examples do not depend on files.
        if of.len() == EXAMPLES && raw >= of[EXAMPLES - 1].0.as_str() {
            continue;
        }
        let key = evidence.form(Form::SerialKey, row);
        if !key.is_empty() && of.iter().all(|(other, _)| other != raw) {
            of.push((raw.to_owned(), key.to_owned()));
            of.sort_unstable();
            of.truncate(EXAMPLES);
        }
    }
}

fn steps(found: &Found, examples: &[Vec<(String, String)>], merges: &[u64; 9]) -> Vec<StepOutcome> {
    let outcome = |rank: usize, step, tier, changed| StepOutcome {
        step,
        tier,
        changed,
        matches: found.survey.matches[rank],
        merges: merges[rank],
        examples: examples[rank].clone(),
    };
    let steps =
        Step::ALL.into_iter().map(|step| outcome(step as usize + 1, step.name(), step.tier(), found.tally.steps_changed[step as usize]));
    std::iter::once(outcome(0, "none", "T0", 0)).chain(steps).collect()
}

fn overlap(found: &Found) -> Vec<OverlapRow> {
    let rows = (1..8_usize).rev().map(|roles| OverlapRow {
        known_by: [Role::Supplier, Role::Erp, Role::Warranty].map(|role| roles & 1 << role as usize != 0),
        units: found.survey.units_by_roles[roles],
    });
    rows.filter(|row| row.units > 0).collect()
}

fn rejected(plan: &Plan, found: &Found) -> Vec<RejectedRow> {
    let rows = found.rejected.iter().take(REJECTED_SHOWN).map(|(file, record)| RejectedRow {
        source: plan.sources[found.context.file_source[*file as usize] as usize].source.name.clone(),
        file: file_name(file_of(plan, *file as usize).1),
        record: record.record + 1,
        line: record.line,
        reason: record.reason.to_owned(),
        detail: record.detail.clone(),
    });
    rows.collect()
}

/// Lists what the parameters of rules and guards, and the limits, were set to.
fn parameters(plan: &Plan) -> Vec<ParameterOutcome> {
    let mut thresholds = plan.thresholds.clone();
    let mut listed = Vec::new();
    for (table, parameter) in guards::parameters() {
        if let Home::Table(field) = parameter.home {
            listed.push(ParameterOutcome::new(parameter, &table, *field(&mut thresholds)));
        }
    }
    listed.push(ParameterOutcome::new(&UNREADABLE_PERCENT_MAX, "limits", plan.unreadable_share_max));
    listed
}
