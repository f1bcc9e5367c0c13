//! One machine, one pool: read, co-group, judge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use counterfoil_kernel::cogroup::{Context, Units, Workspace, cogroup, find_units};
use counterfoil_kernel::evaluate::{Enabled, judge_totals, judge_units};
use counterfoil_kernel::finding::{CITED, FindingSink, Subject};
use counterfoil_kernel::ledger::{Ledger, Sums, end_keyless, end_units};
use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Field, Source};
use counterfoil_kernel::normalize::Tiers;
use counterfoil_kernel::record::Record;
use counterfoil_kernel::rules::{FileFacts, PlaceholderUse, Totals};
use counterfoil_kernel::settled::Settled;
use counterfoil_kernel::tally::{IngestTally, Survey};
use rayon::prelude::*;

use super::interner::ranks;
use super::keying::{FileKeying, Interners, Places, Shared, UnreadableValues, Worker};
use super::partitions::{Partition, collect, partition_bits};
use super::{Sabotage, Watch, guard};
use crate::config::plan::{FilePlan, Plan};
use crate::fault::Fault;
use crate::ingest::{self, Morsel, Progress, RejectedRecord, TableFile, Wanted};

/// What a run found, before records are read again for evidence.
pub struct Found {
    /// What rules know of the run.
    pub context: Context,
    /// The findings.
    pub findings: FindingSink,
    /// Which rules ran.
    pub enabled: Enabled,
    /// The ledger, balanced.
    pub ledger: Ledger,
    /// Counts of ingest.
    pub tally: IngestTally,
    /// Counts of co-grouping.
    pub survey: Survey,
    /// Facts about files.
    pub facts: Vec<FileFacts>,
    /// Items, lots, suppliers and placeholder values by number.
    pub texts: Texts,
    /// Rejected records, by file and record.
    pub rejected: Vec<(u32, RejectedRecord)>,
    /// Values that could not be read, by file and field.
    pub unreadable: Vec<UnreadableValues>,
    /// SHA-256 of each file.
    pub digests: Vec<[u8; 32]>,
    /// The opened files.
    pub files: Vec<Box<dyn TableFile>>,
}

/// Texts by number.
pub struct Texts {
    /// Item forms.
    pub items: Vec<Box<str>>,
    /// Lot key forms.
    pub lots: Vec<Box<str>>,
    /// Placeholder values.
    pub placeholders: Vec<Box<str>>,
}

/// Lists the files of a run with the index of their source; the position is the file's number.
pub fn files_of(plan: &Plan) -> Vec<(usize, &FilePlan)> {
    plan.sources.iter().enumerate().flat_map(|(source, of)| of.files.iter().map(move |file| (source, file))).collect()
}

/// Names a file as outputs do.
pub fn file_name(file: &FilePlan) -> String {
    file.input.path.display().to_string()
}

/// Runs a plan up to its findings, on the current rayon pool.
///
/// # Errors
/// Input that can't be read or is plainly wrong, and broken invariants.
pub fn run(plan: &Plan, watch: &Watch) -> Result<Found> {
    let files = files_of(plan);
    let sources: Vec<Source> = plan.sources.iter().map(|source| source.source.clone()).collect();
    let repeats = super::digests::repeated_files(plan)?;
    let opened: Vec<Box<dyn TableFile>> =
        files.par_iter().map(|(source, file)| ingest::open(&file.input.path, &plan.sources[*source].open)).collect::<Result<_>>()?;
    let bits = partition_bits(expected_records(&files, &opened));
    let tiers = Tiers { clean: plan.tiers.clean, case: plan.tiers.case, separators: plan.tiers.separators };
    let places = if plan.scope.iter().all(|&field| field == Field::Item) { Places::Item } else { Places::Composite };
    let shared = Shared { plan, tiers, interners: Interners::default(), places };
    let keyings: Vec<FileKeying<'_>> = files
        .iter()
        .enumerate()
        .map(|(index, (source, file))| FileKeying::new(plan, *source, index as u32, file, repeats[index].is_some()))
        .collect();

    watch.phase("read");
    let (read, digests) = rayon::join(
        || read_all(&opened, &keyings, &shared, bits, watch),
        || files.par_iter().map(|(_, file)| super::digests::sha256_of(&file.input.path)).collect::<Result<Vec<_>>>(),
    );
    let mut read = read?;
    let digests = digests?;
    check_counts(plan, &files, &opened, &read)?;
    let facts = file_facts(&opened, &keyings, &read, &repeats);
    let Shared { interners, .. } = shared;
    let (context, texts) = freeze(plan, sources, interners, &files, places);

    watch.phase("group");
    let mut filled = std::mem::take(&mut read.filled);
    let mut partitions = collect(&mut filled, bits);
    watch.partitions_total.store(partitions.len() as u64, Ordering::Relaxed);
    let survey = survey_all(&mut partitions, &context, &watch.partitions_done);
    if let Some(stop) = guard::stop(plan, &context, &survey, &partitions, bits, &opened) {
        return Err(stop);
    }

    watch.phase("judge");
    let settled = Settled::new(&context, &read.tally, &survey);
    let enabled = Enabled::new(&plan.rules.select, &plan.rules.ignore, &context.sources);
    let file_digests: Vec<u64> = keyings.iter().map(|keying| keying.digest).collect();
    let judged = Judging { settled: &settled, enabled: &enabled, file_digests: &file_digests, done: &watch.partitions_judged };
    let mut passes: Vec<&Partition<'_>> = partitions.iter().collect();
    if watch.sabotage == Some(Sabotage::JudgeTwice) {
        passes.insert(0, &partitions[0]);
    }
    let (mut findings, mut ledger) = judged.units(&passes);
    ledger.add(&read.ledger);
    judged.keyless(&read.keyless, &mut ledger);
    let keyless: Vec<&[(Record, i64)]> = read.keyless.iter().map(Vec::as_slice).collect();
    let lot_text = |lot: u32| &*texts.lots[lot as usize];
    let totals = Totals { settled: &settled, keyless: &keyless, placeholders: &read.placeholders, files: &facts, lot_text: &lot_text };
    judge_totals(&totals, &enabled, &mut findings);
    cite_lots(&mut findings, &partitions, &keyless, &context);
    findings.close();
    ledger.balance(&read.sums, &read.counted, |file| file_name(files[file].1))?;
    drop(settled);
    Ok(Found {
        context,
        findings,
        enabled,
        ledger,
        tally: read.tally,
        survey,
        facts,
        texts,
        rejected: read.rejected,
        unreadable: read.unreadable,
        digests,
        files: opened,
    })
}

/// Records to expect, for the number of partitions; results do not depend on it.
fn expected_records(files: &[(usize, &FilePlan)], opened: &[Box<dyn TableFile>]) -> u64 {
    const TEXT_RECORD_BYTES: u64 = 80;
    let pairs = files.iter().zip(opened);
    pairs.map(|((_, file), opened)| opened.record_count().unwrap_or(file.input.bytes / TEXT_RECORD_BYTES)).sum()
}

/// What the first read gave, workers added up.
struct Read {
    filled: Vec<super::partitions::Filled>,
    keyless: Vec<Vec<(Record, i64)>>,
    placeholders: Vec<PlaceholderUse>,
    tally: IngestTally,
    ledger: Ledger,
    sums: Vec<Sums>,
    counted: Vec<u64>,
    rejected: Vec<(u32, RejectedRecord)>,
    unreadable: Vec<UnreadableValues>,
}

fn read_all(opened: &[Box<dyn TableFile>], keyings: &[FileKeying<'_>], shared: &Shared<'_>, bits: u32, watch: &Watch) -> Result<Read> {
    let sources = shared.plan.sources.len();
    // One worker for each thread of the pool, and one for a caller outside it.
    let workers: Vec<Mutex<Worker>> =
        (0..=rayon::current_num_threads()).map(|_| Mutex::new(Worker::new(sources, keyings.len(), bits))).collect();
    // The readers count by file, apart from what workers key: a morsel that got lost between them shows.
    let counters: Vec<Progress> = keyings.iter().map(|_| of_one_file(&watch.ingest)).collect();
    let is_dropped = |file: u32, morsel: &Morsel| watch.sabotage == Some(Sabotage::DropMorsel) && file == 0 && morsel.first_record == 0;
    keyings.par_iter().try_for_each(|keying| {
        let sink = |morsel| {
            if is_dropped(keying.file, &morsel) {
                return Ok(());
            }
            let index = rayon::current_thread_index().unwrap_or(rayon::current_num_threads());
            let mut worker = workers[index].lock().expect("a worker that panicked ended the run");
            worker.key(morsel, keying, shared)
        };
        opened[keying.file as usize]
            .scan(&keying.columns, Wanted::All, &counters[keying.file as usize], &sink)
            .with_context(|| format!("source {}", keying.source_plan.source.name))
    })?;
    let mut read = Read {
        filled: Vec::new(),
        keyless: Vec::new(),
        placeholders: Vec::new(),
        tally: IngestTally::new(sources),
        ledger: Ledger::new(keyings.len()),
        sums: vec![Sums::default(); keyings.len()],
        counted: counters.iter().map(|counter| counter.records_done.load(Ordering::Relaxed)).collect(),
        rejected: Vec::new(),
        unreadable: Vec::new(),
    };
    for worker in workers {
        let worker = worker.into_inner().expect("a worker that panicked ended the run");
        read.filled.push(worker.scatter.finish()?);
        read.keyless.push(worker.keyless);
        read.placeholders.extend(worker.placeholders);
        read.tally.add(worker.tally);
        read.ledger.add(&worker.ledger);
        read.sums.iter_mut().zip(&worker.read).for_each(|(own, other)| own.add(other));
        read.rejected.extend(worker.rejected);
        read.unreadable.extend(worker.unreadable);
    }
    read.rejected.sort_by_key(|(file, rejected)| (*file, rejected.record));
    read.unreadable = super::unreadable::sum_up(read.unreadable);
    Ok(read)
}

/// Gives counters whose bytes and cancelling are those of the run, and whose records are those of one file.
fn of_one_file(run: &Progress) -> Progress {
    Progress { bytes_done: Arc::clone(&run.bytes_done), records_done: Arc::default(), cancelled: Arc::clone(&run.cancelled) }
}

/// Stops a run whose input holds nothing, too much that can't be read, or other counts than its footers.
fn check_counts(plan: &Plan, files: &[(usize, &FilePlan)], opened: &[Box<dyn TableFile>], read: &Read) -> Result<()> {
    for (index, (_, file)) in files.iter().enumerate() {
        if let Some(stated) = opened[index].record_count()
            && stated != read.counted[index]
        {
            return Err(Fault::internal(format!(
                "{}: the footer states {stated} records, {} were read",
                file_name(file),
                read.counted[index]
            )));
        }
        let keyed = read.sums[index].records;
        if keyed != read.counted[index] {
            let counted = read.counted[index];
            return Err(Fault::internal(format!("{}: {counted} records were counted, {keyed} were keyed", file_name(file))));
        }
    }
    for (source, of) in plan.sources.iter().enumerate() {
        let own = || files.iter().enumerate().filter(move |(_, (other, _))| *other == source);
        if own().all(|(index, _)| read.counted[index] == 0) {
            let names: Vec<String> = own().map(|(_, (_, file))| file_name(file)).collect();
            return Err(Fault::input(format!(
                "source {}: no records in {}; expected at least one: write the file again, or leave the source out",
                of.source.name,
                names.join(", ")
            )));
        }
        let rejected: Vec<&(u32, RejectedRecord)> = read.rejected.iter().filter(|(file, _)| files[*file as usize].0 == source).collect();
        if rejected.len() as u64 > of.rejected_max {
            let (file, first) = rejected[0];
            return Err(Fault::input(format!(
                "{}: record {} at line {} (byte {}) can't be read: {}: {}; records rejected: {} of source {}, allowed: {}; mend the file, or allow them with --rejected-max {}",
                file_name(files[*file as usize].1),
                first.record + 1,
                first.line,
                first.byte_offset,
                first.reason,
                first.detail,
                rejected.len(),
                of.source.name,
                of.rejected_max,
                rejected.len()
            )));
        }
    }
    super::unreadable::check(&read.unreadable, plan.unreadable_share_max, |file| file_name(files[file as usize].1))
}

fn file_facts(opened: &[Box<dyn TableFile>], keyings: &[FileKeying<'_>], read: &Read, repeats: &[Option<u32>]) -> Vec<FileFacts> {
    use crate::config::plan::Origin;
    use counterfoil_kernel::model::FieldKind;
    let mut facts: Vec<FileFacts> = keyings
        .iter()
        .map(|keying| {
            let columns = opened[keying.file as usize].columns();
            let numeric = keying.plan.mapping.iter().filter(|mapped| mapped.field.kind() == FieldKind::Identifier);
            let numeric_columns = numeric.filter_map(|mapped| match &mapped.origin {
                Origin::Column { index, name, .. } if columns[*index].is_number => Some(name.clone()),
                _ => None,
            });
            FileFacts { rejected: Vec::new(), numeric_columns: numeric_columns.collect(), repeats: repeats[keying.file as usize] }
        })
        .collect();
    let mut reasons: std::collections::BTreeMap<(u32, &'static str), u64> = Default::default();
    read.rejected.iter().for_each(|(file, rejected)| *reasons.entry((*file, rejected.reason)).or_default() += 1);
    for ((file, reason), count) in reasons {
        facts[file as usize].rejected.push((reason, count));
    }
    facts
}

/// Ends numbering: what rules need to know of places and items.
fn freeze(plan: &Plan, sources: Vec<Source>, interners: Interners, files: &[(usize, &FilePlan)], places: Places) -> (Context, Texts) {
    let items = interners.items.freeze();
    let item_order = ranks(&items);
    let (scope_of, item_of) = match places {
        Places::Item => {
            let identity: Vec<u32> = (0..items.len() as u32).collect();
            (if plan.scope.is_empty() { vec![1; items.len()] } else { identity.clone() }, identity)
        }
        Places::Composite => composite_places(&interners.places.freeze(), plan.scope.len()),
    };
    let context = Context {
        sources,
        file_source: files.iter().map(|(source, _)| *source as u8).collect(),
        scope_of,
        item_of,
        item_order,
        scope: plan.scope.clone(),
        as_of: plan.as_of,
        grace_days: plan.grace_days,
        thresholds: plan.thresholds.clone(),
    };
    (context, Texts { items, lots: interners.lots.freeze(), placeholders: interners.placeholders.freeze() })
}

/// Reads the numbers that a place's text joins: scope values, then the item.
fn composite_places(places: &[Box<str>], scope_columns: usize) -> (Vec<u32>, Vec<u32>) {
    let mut scopes: Map<Vec<u32>, u32> = Map::default();
    let (mut scope_of, mut item_of) = (vec![0; places.len()], vec![0; places.len()]);
    for (place, text) in places.iter().enumerate().skip(1) {
        let numbers: Vec<u32> = text.split_whitespace().map(|part| part.parse().expect("a place joins numbers")).collect();
        let (&item, values) = numbers.split_last().expect("a place ends with its item");
        assert_eq!(values.len(), scope_columns, "a place joins every scope value");
        item_of[place] = item;
        if !values.contains(&0) {
            let next = scopes.len() as u32 + 1;
            scope_of[place] = *scopes.entry(values.to_vec()).or_insert(next);
        }
    }
    (scope_of, item_of)
}

/// Buffers of one thread for one partition at a time.
#[derive(Default)]
struct Desk {
    workspace: Workspace,
    records: Vec<Record>,
    units: Vec<counterfoil_kernel::cogroup::Unit>,
    serials: Vec<counterfoil_kernel::cogroup::SerialGroup>,
}

fn survey_all(partitions: &mut [Partition<'_>], context: &Context, done: &Arc<AtomicU64>) -> Survey {
    let sources = context.sources.len();
    partitions
        .par_iter_mut()
        .fold(
            || (Desk::default(), Survey::new(sources)),
            |(mut desk, mut survey), partition| {
                let pieces: Vec<&[Record]> = partition.chunks.iter().map(|chunk| &**chunk).collect();
                cogroup(&pieces, context, &mut desk.workspace, &mut desk.records);
                partition.rewrite(&desk.records);
                find_units(&desk.records, context, &mut desk.units, &mut desk.serials);
                survey.count(&Units { context, records: &desk.records, units: &desk.units, serials: &desk.serials });
                done.fetch_add(1, Ordering::Relaxed);
                (desk, survey)
            },
        )
        .map(|(_, survey)| survey)
        .reduce(
            || Survey::new(sources),
            |mut left, right| {
                left.add(right);
                left
            },
        )
}

/// What judging needs.
struct Judging<'a> {
    settled: &'a Settled<'a>,
    enabled: &'a Enabled,
    file_digests: &'a [u64],
    done: &'a AtomicU64,
}

impl Judging<'_> {
    fn units(&self, partitions: &[&Partition<'_>]) -> (FindingSink, Ledger) {
        let context = self.settled.context;
        let files = context.file_source.len();
        let judged = partitions.par_iter().fold(
            || (Desk::default(), FindingSink::default(), Ledger::new(files)),
            |(mut desk, mut sink, mut ledger), partition| {
                partition.gather(&mut desk.records);
                find_units(&desk.records, context, &mut desk.units, &mut desk.serials);
                let units = Units { context, records: &desk.records, units: &desk.units, serials: &desk.serials };
                judge_units(&units, self.settled, self.enabled, &mut sink);
                end_units(&units, self.settled, &partition.quantities, self.file_digests, &mut ledger);
                self.done.fetch_add(1, Ordering::Relaxed);
                (desk, sink, ledger)
            },
        );
        judged.map(|(_, sink, ledger)| (sink, ledger)).reduce(
            || (FindingSink::default(), Ledger::new(files)),
            |(mut sink, mut ledger), (other_sink, other_ledger)| {
                sink.add(other_sink);
                ledger.add(&other_ledger);
                (sink, ledger)
            },
        )
    }

    fn keyless(&self, keyless: &[Vec<(Record, i64)>], ledger: &mut Ledger) {
        for (record, quantity) in keyless.iter().flatten() {
            let digest = record.digest(self.file_digests[record.file as usize]);
            ledger.of(record.file, end_keyless(record, self.settled)).add_record(*quantity, digest);
        }
    }
}

/// Finds the records of the lots that findings are about: one more walk over the records, only when there is such a finding.
fn cite_lots(findings: &mut FindingSink, partitions: &[Partition<'_>], keyless: &[&[(Record, i64)]], context: &Context) {
    let mut wanted: Map<(u8, u32, u32), usize> = Map::default();
    for (index, finding) in findings.findings.iter().enumerate() {
        if let Subject::Lot { source, item, lot } = finding.subject {
            wanted.insert((source, item, lot), index);
        }
    }
    if wanted.is_empty() {
        return;
    }
    let mut is_wanted: Vec<u64> = Vec::new();
    for &(_, _, lot) in wanted.keys() {
        let word = lot as usize / 64;
        if is_wanted.len() <= word {
            is_wanted.resize(word + 1, 0);
        }
        is_wanted[word] |= 1 << (lot % 64);
    }
    let find = |record: &Record| {
        // Most lots are known: a look at two flags spares the rest.
        let may_be = |lot: u32| is_wanted.get(lot as usize / 64).is_some_and(|word| word & 1 << (lot % 64) != 0);
        if !may_be(record.lot) && !may_be(record.supplier_lot) {
            return None;
        }
        let source = context.source_of(record);
        let maps = context.sources[usize::from(source)].maps(Field::SupplierLot);
        let lot = if maps { record.supplier_lot } else { record.lot };
        let index = if lot == 0 { None } else { wanted.get(&(source, context.item(record), lot)) };
        index.map(|&index| (index, record.reference() | CITED))
    };
    let mut cited: Vec<(usize, u64)> =
        partitions.par_iter().flat_map_iter(|partition| partition.chunks.iter().flat_map(|chunk| chunk.iter()).filter_map(find)).collect();
    cited.extend(keyless.iter().copied().flatten().filter_map(|(record, _)| find(record)));
    cited.par_sort_unstable();
    for run in cited.chunk_by(|left, right| left.0 == right.0) {
        let finding = &mut findings.findings[run[0].0];
        finding.start = findings.references.len() as u64;
        finding.length = run.len() as u32;
        findings.references.extend(run.iter().map(|&(_, reference)| reference));
    }
}
