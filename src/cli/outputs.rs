//! What a run puts into its directory before the manifest: tables and reports.

use std::sync::atomic::Ordering;

use anyhow::Result;
use counterfoil_kernel::map::Set;
use counterfoil_kernel::model::Severity;
use counterfoil_kernel::rules::CATALOGUE;
use rayon::prelude::*;

use super::run_directory::{RunDirectory, WrittenFile};
use crate::config::plan::Plan;
use crate::engine::assemble::{Row, assemble};
use crate::engine::evidence::{self, Evidence};
use crate::engine::local::Found;
use crate::engine::merged::Batches;
use crate::engine::sentences::Sentences;
use crate::engine::summing::Summing;
use crate::engine::table::WrittenTable;
use crate::engine::tables::Kind;
use crate::engine::{Watch, tables};
use crate::frames::sum_by_pairs;
use crate::outcome::{Outcome, SupplierOutcome};
use crate::report::manifest::OutputFile;

/// Makes what a run puts into its directory.
pub struct Outputs<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What was found.
    pub found: &'a Found,
    /// Counters.
    pub watch: &'a Watch,
    /// The directory.
    pub directory: &'a RunDirectory,
    /// The run's name.
    pub run_id: String,
    /// The digest of its configuration.
    pub config_digest: String,
}

/// What was put there.
pub struct Put {
    /// The files.
    pub files: Vec<OutputFile>,
    /// What they tell.
    pub outcome: Outcome,
    /// The evidence, where it was in memory as a whole: to free it takes a while.
    pub evidence: Option<Evidence>,
}

impl Outputs<'_> {
    /// Reads the evidence and writes tables and reports, in one go where memory has room, else in batches.
    ///
    /// # Errors
    /// When records can't be read again, the disk does not take what is written, or memory has no room for a single finding.
    pub fn put(self) -> Result<Put> {
        let weights = evidence::record_weights(self.plan, self.found);
        let batches = evidence::batches(self.found, &weights)?;
        let mentions = self.found.findings.findings.iter().map(|finding| u64::from(finding.length)).sum();
        self.watch.mentions_total.store(mentions, Ordering::Relaxed);
        self.watch.phase("evidence");
        if batches.len() == 1 { self.put_whole(&weights) } else { self.put_batches(&batches, &weights) }
    }

    fn put_whole(self, weights: &[u64]) -> Result<Put> {
        let Self { plan, found, watch, directory, .. } = self;
        let evidence = evidence::read(plan, found, &found.findings, weights, watch)?;
        let assembled = assemble(plan, found, &found.findings.findings, &evidence, &mut Set::default())?;
        super::signals::check(watch)?;
        let rows = &assembled.rows();
        watch.rows_total.store(rows_of_tables(rows), Ordering::Relaxed);
        watch.phase("write");
        let sentences = Sentences { plan, found, evidence: &evidence };
        let mut summing = Summing::new(plan, found);
        summing.add_suppliers(rows);
        // Polars has threads of its own: a thread that waited for them would take up the tables meanwhile, and the reports would come last.
        let suppliers = suppliers(&summing)?;
        let write = |kind| match kind {
            Kind::Findings => tables::write_findings(&directory.path(Kind::Findings.file()), rows, sentences, &watch.rows_written),
            Kind::Evidence => tables::write_evidence(&directory.path(Kind::Evidence.file()), rows, sentences, &watch.rows_written),
        };
        // Reports are made while the tables are written: they tell nothing of what the run took.
        let (files, (outcome, rendered)) = rayon::join(
            || self.write_tables(write),
            || {
                summing.add(&evidence, &assembled.merges, rows);
                self.render(summing, suppliers)
            },
        );
        let mut files = files?;
        // To free the rows takes as long as to write the reports.
        let (reports, ()) = rayon::join(|| self.put_reports(&rendered), || drop(assembled));
        files.extend(reports?);
        Ok(Put { files, outcome, evidence: Some(evidence) })
    }

    fn put_batches(self, batches: &[Vec<u32>], weights: &[u64]) -> Result<Put> {
        let Self { plan, found, watch, .. } = self;
        let mut written = Batches::new(&found.spill)?;
        let (mut summing, mut explaining, mut mentions) = (Summing::new(plan, found), Set::default(), 0);
        for batch in batches {
            super::signals::check(watch)?;
            found.memory.check_batch()?;
            let findings = found.findings.some(batch);
            let evidence = evidence::read(plan, found, &findings, weights, watch)?;
            let assembled = assemble(plan, found, &findings.findings, &evidence, &mut explaining)?;
            let rows = &assembled.rows();
            written.add(rows, Sentences { plan, found, evidence: &evidence })?;
            summing.add_suppliers(rows);
            summing.add(&evidence, &assembled.merges, rows);
            watch.rows_total.fetch_add(rows_of_tables(rows), Ordering::Relaxed);
            mentions += findings.findings.iter().map(|finding| u64::from(finding.length)).sum::<u64>();
            watch.mentions_read.store(mentions, Ordering::Relaxed);
        }
        found.memory.check_batch()?;
        watch.phase("write");
        let suppliers = suppliers(&summing)?;
        let (outcome, rendered) = self.render(summing, suppliers);
        let write = |kind: Kind| written.write(kind, &self.directory.path(kind.file()), &watch.rows_written);
        let mut files = self.write_tables(write)?;
        files.extend(self.put_reports(&rendered)?);
        Ok(Put { files, outcome, evidence: None })
    }

    /// Makes the outcome and the reports that tell it.
    fn render(&self, summing: Summing<'_>, suppliers: Suppliers) -> (Outcome, Vec<(&'static str, Vec<u8>)>) {
        let mut outcome = summing.outcome(self.config_digest.clone());
        outcome.run_id.clone_from(&self.run_id);
        (outcome.suppliers, outcome.suppliers_total, outcome.suppliers_named) = suppliers;
        let renderers = crate::report::RENDERERS.par_iter();
        let rendered = renderers.map(|renderer| (renderer.file, (renderer.render)(&outcome))).collect();
        (outcome, rendered)
    }

    /// Writes reports: one after the other, so that a full disk is told of the same file each time.
    fn put_reports(&self, rendered: &[(&'static str, Vec<u8>)]) -> Result<Vec<OutputFile>> {
        let put: Vec<WrittenFile> = rendered.iter().map(|(name, content)| self.directory.put(name, content)).collect::<Result<_>>()?;
        put.into_par_iter().map(|file| self.directory.described(file)).collect()
    }

    /// Writes the tables, those of findings as `write` does.
    fn write_tables(&self, write: impl Fn(Kind) -> Result<WrittenTable> + Sync) -> Result<Vec<OutputFile>> {
        let Self { plan, found, directory, .. } = self;
        let end = |name, WrittenTable { rows, file, .. }| self.directory.described(WrittenFile { name, rows: Some(rows), file });
        let of_kind = |kind: Kind| end(kind.file(), write(kind)?);
        let (findings, evidence) = rayon::join(|| of_kind(Kind::Findings), || of_kind(Kind::Evidence));
        let [ledger, rejected] = ["ledger.parquet", "rejected.parquet"];
        let of_ledger = end(ledger, tables::write_ledger(&directory.path(ledger), &tables::ledger_rows(plan, found))?)?;
        let of_rejected = end(rejected, tables::write_rejected(&directory.path(rejected), plan, found)?)?;
        Ok(vec![findings?, evidence?, of_ledger, of_rejected])
    }
}

/// Counts the rows that findings take in the tables.
fn rows_of_tables(rows: &[&Row<'_>]) -> u64 {
    rows.iter().map(|row| 1 + row.records.len() as u64).sum()
}

/// Suppliers of a run, how many there are, and how many of them have a name.
type Suppliers = (Vec<SupplierOutcome>, u64, u64);

/// Suppliers that the outcome lists.
const SUPPLIERS_MAX: usize = 1_000;

/// Rolls findings up by supplier, code and severity.
fn suppliers(summing: &Summing<'_>) -> Result<Suppliers> {
    let counted = summing.suppliers();
    let suppliers: Vec<&str> = counted.keys().map(|(supplier, ..)| supplier.as_str()).collect();
    let codes: Vec<&str> = counted.keys().map(|&(_, rule, _)| CATALOGUE[usize::from(rule)].code).collect();
    let severities: Vec<&str> = counted.keys().map(|&(.., severity)| severity.name()).collect();
    let counts: Vec<u64> = counted.values().copied().collect();
    let mut outcomes: Vec<SupplierOutcome> = Vec::new();
    for (supplier, code, count) in sum_by_pairs(&suppliers, &codes, &counts)? {
        if outcomes.last().is_none_or(|last| last.supplier != supplier) {
            outcomes.push(SupplierOutcome { supplier, counts: [0; 4], by_code: Vec::new() });
        }
        outcomes.last_mut().expect("one was pushed").by_code.push((code, count));
    }
    for (supplier, severity, count) in sum_by_pairs(&suppliers, &severities, &counts)? {
        let at = outcomes.binary_search_by(|outcome| outcome.supplier.cmp(&supplier)).expect("both list the same suppliers");
        let level = Severity::ALL.into_iter().position(|level| level.name() == severity);
        outcomes[at].counts[level.expect("every severity has its name")] += count;
    }
    let named = outcomes.iter().filter(|outcome| !outcome.supplier.is_empty()).count() as u64;
    let total = outcomes.len() as u64;
    outcomes.sort_by(|left, right| {
        let sum = |outcome: &SupplierOutcome| outcome.counts.iter().sum::<u64>();
        sum(right).cmp(&sum(left)).then_with(|| left.supplier.cmp(&right.supplier))
    });
    outcomes.truncate(SUPPLIERS_MAX);
    Ok((outcomes, total, named))
}
