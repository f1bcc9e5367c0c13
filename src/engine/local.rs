//! One machine, one pool: read, co-group, judge.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use counterfoil_kernel::cogroup::Context;
use counterfoil_kernel::evaluate::{Enabled, judge_totals};
use counterfoil_kernel::finding::{FindingSink, Findings};
use counterfoil_kernel::ledger::{Ledger, end_keyless, end_placeholders};
use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::Disposition;
use counterfoil_kernel::record::{Record, Setting};
use counterfoil_kernel::rules::{FileFacts, PlaceholderUse, Totals};
use counterfoil_kernel::settled::{Premises, Settled};
use counterfoil_kernel::sums::Sums;
use counterfoil_kernel::tally::{IngestTally, Survey};
use rayon::prelude::*;

use super::interner::{InternedTexts, Interners};
use super::keying::{FileKeying, Places, Shared, UnreadableValues, Worker};
use super::partitions::{Partitions, Room, Scatter, partition_bits};
use super::raws::{AllRaws, KeptFiles, Raws};
use super::spill::Spill;
use super::walk::{CitedLots, Walk, Walked};
use super::{Sabotage, Watch, guard};
use crate::config::plan::{FilePlan, Origin, Plan};
use crate::fault::Fault;
use crate::ingest::{self, Morsel, Progress, RejectedRecord, TableFile, Wanted};
use crate::memory::Memory;

/// What a run found, before records are read again for evidence.
pub struct Found {
    /// What rules know of the run.
    pub context: Context,
    /// The findings.
    pub findings: Findings,
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
    /// The raw serials that records do not tell.
    pub raws: AllRaws,
    /// Where what memory has no room for is kept.
    pub spill: Arc<Spill>,
    /// The memory that is left for evidence.
    pub memory: Arc<Memory>,
}

/// Texts by number.
pub struct Texts {
    /// Item forms.
    pub items: InternedTexts,
    /// Lot key forms.
    pub lots: InternedTexts,
    /// Placeholder values.
    pub placeholders: InternedTexts,
}

/// Lists the files of a run with the index of their source; the position is the file's number.
pub fn files_of(plan: &Plan) -> Vec<(usize, &FilePlan)> {
    plan.sources.iter().enumerate().flat_map(|(source, of)| of.files.iter().map(move |file| (source, file))).collect()
}

/// Gives the file of a number with the index of its source, where only one is asked for: runs may have very many.
///
/// # Panics
/// When the run has no such file.
pub fn file_of(plan: &Plan, number: usize) -> (usize, &FilePlan) {
    let mut before = 0;
    for (source, of) in plan.sources.iter().enumerate() {
        if let Some(file) = of.files.get(number - before) {
            return (source, file);
        }
        before += of.files.len();
    }
    panic!("the run has {before} files, and none of number {number}");
}

/// Names a file as outputs do.
pub fn file_name(file: &FilePlan) -> String {
    file.input.path.display().to_string()
}

/// Runs a plan up to its findings, on the current rayon pool; records that memory has no room for go to files in `spill_folder`.
///
/// # Errors
/// Input that can't be read or is plainly wrong, and broken invariants.
pub fn run(plan: &Plan, spill_folder: &Path, watch: &Watch) -> Result<Found> {
    let files = files_of(plan);
    let repeats = super::digests::repeated_files(plan)?;
    let opened = open_all(plan, &files)?;
    let bits = partition_bits(expected_records(&files, &opened));
    let memory = watch.memory.clone().unwrap_or_else(|| Arc::new(Memory::new(plan.memory_limit)));
    let spill = Arc::new(Spill::new(spill_folder.to_owned(), plan.spill_limit, Arc::clone(&watch.spilled)));
    let room = Arc::new(Room::new(1 << bits, Arc::clone(&memory), Arc::clone(&spill)));
    let keying = |(index, (&(source, file), of)): (u32, (_, &Option<_>))| FileKeying::new(plan, source, index, file, of.is_some());
    let keyings: Vec<FileKeying<'_>> = (0..).zip(files.iter().zip(&repeats)).map(keying).collect();

    let shared = Shared::new(plan, kept_raws(&files, &opened));
    watch.phase("read");
    let (read, digests) = rayon::join(
        || read_all(&opened, &keyings, &shared, bits, &room, watch),
        || files.par_iter().map(|(_, file)| super::digests::sha256_of(&file.input.path)).collect::<Result<Vec<_>>>(),
    );
    let (mut read, digests) = (read?, digests?);
    let partitions = Partitions::new(std::mem::take(&mut read.filled), bits);
    check_counts(plan, &files, &opened, &read)?;
    let facts = file_facts(&opened, &keyings, &read, &repeats);
    let Shared { interners, places, kept_raws, .. } = shared;
    let (context, texts) = freeze(plan, interners, &files, places);
    watch.partitions_total.store(1 << bits, Ordering::Relaxed);
    watch.phase("judge");
    let enabled = Enabled::new(&plan.rules.select, &plan.rules.ignore, &context.sources);
    let file_digests: Vec<u64> = keyings.iter().map(|keying| keying.digest).collect();
    let lots = CitedLots::new(&context, &read.tally, &enabled);
    let walk =
        Walk { context: &context, tally: &read.tally, enabled: &enabled, file_digests: &file_digests, lots: &lots, plan, memory: &memory };
    let guards = Guards { plan, context: &context, bits, inputs: guard::Inputs { opened: &opened, rejected: &read.rejected } };
    let Walked { survey, findings, mut ledger, of_lots } = judge(&walk, &partitions, &guards, watch)?;
    // To give much memory back takes the system a while; where all of it is needed, that is waited for.
    if spill.taken() == 0 {
        rayon::spawn(move || drop(partitions));
    } else {
        drop(partitions);
    }
    let premises = Premises::new(&survey, 1, &context.thresholds);
    let settled = Settled::new(&context, &read.tally, &survey, &premises);
    ledger.add(&read.ledger);
    let keyless: Vec<&[(Record, i64)]> = read.keyless.iter().map(Vec::as_slice).collect();
    end_all_keyless(&keyless, &settled, &file_digests, &mut ledger);
    let lot_text = |lot: u32| texts.lots.get(lot);
    let totals = Totals { settled: &settled, keyless: &keyless, placeholders: &read.placeholders, files: &facts, lot_text: &lot_text };
    let make_raws = || AllRaws::new(std::mem::take(&mut read.raws), &kept_raws);
    let mut of_totals = FindingSink::default();
    let raws = beside(make_raws, || {
        judge_totals(&totals, &enabled, &mut of_totals);
        lots.cite(&mut of_totals, of_lots, &keyless, plan, &context);
    });
    let findings = Findings::of(findings.into_iter().chain([of_totals]));
    ledger.balance(&read.sums, &read.counted, |file| file_name(files[file].1))?;
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
        raws,
        memory,
        spill,
    })
}

/// Has another thread do a task, if one is idle, while this one does work of its own that can't be handed over.
fn beside<T: Send>(task: impl FnOnce() -> T + Send, own: impl FnOnce()) -> T {
    let mut made = None;
    rayon::in_place_scope(|scope| {
        scope.spawn(|_| made = Some(task()));
        own();
    });
    made.expect("the scope has ended")
}

/// Opens all files.
///
/// # Errors
/// When one can't be read.
pub fn open_all(plan: &Plan, files: &[(usize, &FilePlan)]) -> Result<Vec<Box<dyn TableFile>>> {
    files.par_iter().map(|(source, file)| ingest::open(&file.input.path, &plan.sources[*source].open)).collect()
}

/// Finds out for which files it pays to keep raw serials: those whose columns are read apart.
pub fn kept_raws(files: &[(usize, &FilePlan)], opened: &[Box<dyn TableFile>]) -> KeptFiles {
    let are_kept = files.iter().zip(opened).map(|((_, file), opened)| opened.is_columnar() && file.serial_column_alone().is_some());
    KeptFiles::new(are_kept)
}

/// Ends the records without a usable serial, placeholders that co-grouping confirmed among them.
fn end_all_keyless(keyless: &[&[(Record, i64)]], settled: &Settled<'_>, file_digests: &[u64], ledger: &mut Ledger) {
    end_placeholders(settled, ledger);
    for (record, quantity) in keyless.iter().copied().flatten() {
        let digest = record.digest(file_digests[record.file as usize]);
        ledger.of(record.file, end_keyless(record, settled)).add_record(*quantity, digest);
    }
}

/// Records to expect, for the number of partitions; results do not depend on it.
fn expected_records(files: &[(usize, &FilePlan)], opened: &[Box<dyn TableFile>]) -> u64 {
    const TEXT_RECORD_BYTES: u64 = 80;
    let pairs = files.iter().zip(opened);
    pairs.map(|((_, file), opened)| opened.record_count().unwrap_or(file.input.bytes / TEXT_RECORD_BYTES)).sum()
}

/// What reading gave, workers added up.
struct Read {
    filled: Vec<super::partitions::Filled>,
    raws: Vec<Raws>,
    keyless: Vec<Vec<(Record, i64)>>,
    placeholders: Vec<PlaceholderUse>,
    tally: IngestTally,
    ledger: Ledger,
    sums: Vec<Sums>,
    counted: Vec<u64>,
    rejected: Vec<(u32, RejectedRecord)>,
    unreadable: Vec<UnreadableValues>,
}

/// What a row of what is read takes at least, for knowing when to look at the memory again.
const ROW_BYTES: u64 = 32;

fn read_all(
    opened: &[Box<dyn TableFile>],
    keyings: &[FileKeying<'_>],
    shared: &Shared<'_>,
    bits: u32,
    room: &Arc<Room>,
    watch: &Watch,
) -> Result<Read> {
    let sources = shared.plan.sources.len();
    // One worker for each thread of the pool, and one for a caller outside it.
    let count = rayon::current_num_threads() + 1;
    let worker = |_| {
        let raws = Raws::new(keyings.len(), shared.plan.memory_limit, count);
        Ok(Mutex::new(Worker::new(keyings.len(), Scatter::new(bits, Arc::clone(room))?, raws)))
    };
    let workers: Vec<Mutex<Worker>> = (0..count).map(worker).collect::<Result<_>>()?;
    // The readers count by file, apart from what workers key: a morsel that got lost between them shows.
    let counters: Vec<Progress> = keyings.iter().map(|_| of_one_file(&watch.ingest)).collect();
    let is_dropped = |file: u32, morsel: &Morsel| watch.sabotage == Some(Sabotage::DropMorsel) && file == 0 && morsel.first_record == 0;
    keyings.par_iter().try_for_each(|keying| {
        let sink = |morsel| {
            if is_dropped(keying.file, &morsel) {
                return Ok(());
            }
            // Not only records take memory. Pages of files that are compressed well unfold to many rows.
            room.memory.check_read(morsel.bytes + ROW_BYTES * morsel.row_count as u64)?;
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
        raws: Vec::new(),
        keyless: Vec::new(),
        placeholders: Vec::new(),
        tally: IngestTally::new(sources),
        ledger: Ledger::new(keyings.len()),
        sums: vec![Sums::default(); keyings.len()],
        counted: counters.iter().map(|counter| counter.records_done.load(Ordering::Relaxed)).collect(),
        rejected: Vec::new(),
        unreadable: Vec::new(),
    };
    let file_source: Vec<u8> = keyings.iter().map(|keying| keying.source).collect();
    let workers: Vec<Worker> =
        workers.into_iter().map(|worker| worker.into_inner().expect("a worker that panicked ended the run")).collect();
    // Where every record has a lot of its own, there are as many settings as records: all threads add them up.
    let finished: Vec<(Worker, (Vec<Setting>, IngestTally))> = workers
        .into_par_iter()
        .map(|mut worker| {
            let settings = worker.finish_settings(shared.plan, &file_source);
            (worker, settings)
        })
        .collect();
    for (worker, (settings, tally)) in finished {
        read.tally.add(tally);
        worker.tally_steps(&mut read.tally);
        read.filled.push(worker.scatter.finish(settings)?);
        read.raws.push(worker.raws);
        read.keyless.push(worker.keyless);
        read.placeholders.extend(worker.placeholders);
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
    let rejected_counts: Vec<u64> = read.ledger.files.iter().map(|file| file[Disposition::Rejected as usize].records).collect();
    check_quality(plan, &read.counted, &rejected_counts, &read.rejected, &read.unreadable)
}

/// Stops a run whose input holds nothing, or too much that can't be read; `counted` are the records of each file, `rejected_counts` those that were rejected, and
/// of these `rejected` are the first, in order.
///
/// # Errors
/// With the first of the records or values concerned, and what to do.
pub fn check_quality(
    plan: &Plan,
    counted: &[u64],
    rejected_counts: &[u64],
    rejected: &[(u32, RejectedRecord)],
    unreadable: &[UnreadableValues],
) -> Result<()> {
    let files = files_of(plan);
    for (source, of) in plan.sources.iter().enumerate() {
        let own = || files.iter().enumerate().filter(move |(_, (other, _))| *other == source);
        if own().all(|(index, _)| counted[index] == 0) {
            let names: Vec<String> = own().map(|(_, (_, file))| file_name(file)).collect();
            return Err(Fault::input(format!(
                "source {}: no records in {}; expected at least one: write the file again, or leave the source out",
                of.source.name,
                names.join(", ")
            )));
        }
        let count: u64 = own().map(|(index, _)| rejected_counts[index]).sum();
        if count > of.rejected_max {
            let mut rejected = rejected.iter().filter(|(file, _)| files[*file as usize].0 == source);
            let (file, first) = rejected.next().expect("the first of those that were counted is kept");
            // Where most records can't be read, something else is wrong: to allow them would be to reconcile next to nothing.
            let read: u64 = own().map(|(index, _)| counted[index]).sum();
            let remedy = if 2 * count > read {
                "mend the file, or say how it is written".to_owned()
            } else {
                format!("mend the file, or allow them with --rejected-max {count}")
            };
            return Err(Fault::input(format!(
                "{}: record {} at line {} (byte {}) can't be read: {}: {}; records rejected: {count} of source {}, allowed: {}; {remedy}",
                file_name(files[*file as usize].1),
                first.record + 1,
                first.line,
                first.byte_offset,
                first.reason,
                first.detail,
                of.source.name,
                of.rejected_max,
            )));
        }
    }
    let column = |file: u32, field| {
        let (source, file) = files[file as usize];
        let mapped = file.mapping.iter().find(|mapped| mapped.field == field);
        let column = mapped.map_or("COLUMN", |mapped| match &mapped.origin {
            Origin::Column { name, .. } => name,
            Origin::Constant(value) => value,
        });
        (plan.sources[source].source.name.clone(), column.to_owned())
    };
    super::unreadable::check(unreadable, plan.unreadable_share_max, |file| file_name(files[file as usize].1), column)
}

fn file_facts(opened: &[Box<dyn TableFile>], keyings: &[FileKeying<'_>], read: &Read, repeats: &[Option<u32>]) -> Vec<FileFacts> {
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
fn freeze(plan: &Plan, interners: Interners, files: &[(usize, &FilePlan)], places: Places) -> (Context, Texts) {
    let items = interners.items.freeze();
    let item_order = items.ranks();
    let (scope_of, item_of) = match places {
        Places::Item => {
            let identity: Vec<u32> = (0..items.count() as u32).collect();
            (if plan.scope.is_empty() { vec![1; items.count()] } else { identity.clone() }, identity)
        }
        Places::Composite => composite_places(&interners.places.freeze(), plan.scope.len()),
    };
    let context = Context {
        sources: plan.sources.iter().map(|source| source.source.clone()).collect(),
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
fn composite_places(places: &InternedTexts, scope_columns: usize) -> (Vec<u32>, Vec<u32>) {
    let mut scopes: Map<Vec<u32>, u32> = Map::default();
    let (mut scope_of, mut item_of) = (vec![0; places.count()], vec![0; places.count()]);
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

/// The guards of a run.
struct Guards<'a> {
    plan: &'a Plan,
    context: &'a Context,
    bits: u32,
    inputs: guard::Inputs<'a>,
}

impl Guards<'_> {
    fn fire(&self, survey: &Survey) -> bool {
        guard::fires(self.plan, self.context, survey)
    }

    /// Stops the run where a guard fires, with what would match instead.
    fn check(&self, survey: &Survey, partitions: &Partitions) -> Result<()> {
        guard::stop(self.plan, self.context, survey, partitions, self.bits, self.inputs).map_or(Ok(()), Err)
    }
}

/// Judges all units, once where the sample tells what the whole does.
fn judge(walk: &Walk<'_>, partitions: &Partitions, guards: &Guards<'_>, watch: &Watch) -> Result<Walked> {
    /// One partition in so many is looked at before.
    const SAMPLE_SHARE: usize = 64;
    let (count, thresholds) = (partitions.count(), &walk.context.thresholds);
    let sample = count.div_ceil(SAMPLE_SHARE);
    let expected = walk.survey(partitions, sample)?;
    let premises = if guards.fire(&expected) {
        // Findings of a plainly wrong configuration would fill the memory: there the whole is looked at first.
        let survey = walk.survey(partitions, count)?;
        guards.check(&survey, partitions)?;
        Premises::new(&survey, 1, thresholds)
    } else {
        Premises::new(&expected, (count / sample) as u64, thresholds)
    };
    let twice = usize::from(watch.sabotage == Some(Sabotage::JudgeTwice));
    let walked = walk.judge(partitions, &premises, &watch.partitions_done, twice)?;
    guards.check(&walked.survey, partitions)?;
    let settled = Premises::new(&walked.survey, 1, thresholds);
    if settled == premises { Ok(walked) } else { walk.judge(partitions, &settled, &AtomicU64::default(), twice) }
}
