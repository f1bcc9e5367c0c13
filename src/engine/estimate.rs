//! What a run will take: a sample of the inputs is read and keyed as the run does it, and the rest follows from what a record takes after that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use counterfoil_kernel::model::Disposition;

use super::keying::{FileKeying, Shared, UnreadableValues, Worker};
use super::local::{file_of, files_of, kept_raws, open_all};
use super::partitions::{Room, Scatter};
use super::raws::Raws;
use super::spill::Spill;
use crate::config::plan::Plan;
use crate::ingest::{Progress, RejectedRecord, TableFile, Wanted};
use crate::memory::{FILLED_PERCENT_MAX, Memory};

/// Files that a sample is read of.
const SAMPLED_FILES: usize = 24;
/// How long the sample may take in all.
const SAMPLED_FOR: Duration = Duration::from_millis(1_500);

/// What else a run takes for what it reads, as times of the first read: co-grouping and rules, evidence, and writing.
///
/// # Source
/// Synthetic data of 10 million units, a finding in 160 records, two threads: 2.2 s of 4.3 s are the first read of Parquet, 8.0 s of 11.5 s that of delimited text.
const AFTER_READING_PARQUET: f64 = 0.95;
/// The same for delimited text.
const AFTER_READING_TEXT: f64 = 0.45;

/// What a run takes in memory beside its records.
const BASE_BYTES: u64 = 100 << 20;
/// What a run takes at least, whatever its limit.
const LEAST_BYTES: u64 = 64 << 20;
/// What a record takes in memory, with its share of lots, findings and settings.
///
/// # Source
/// 34 bytes between 10 and 100 million synthetic units.
const RECORD_BYTES: u64 = 34;
/// What a record takes on the disk, packed, about.
const SPILLED_RECORD_BYTES: u64 = 20;
/// How much longer a run takes that spills nearly all of its records, and merges its rows.
const SPILLING: f64 = 0.6;

/// The estimate.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// Records of each source, counted by footers or from the sample.
    pub records: Vec<u64>,
    /// Records that were read for it.
    pub sampled: u64,
    /// Wall time in seconds.
    pub seconds: f64,
    /// The most memory, in bytes.
    pub memory_bytes: u64,
    /// What is kept on the disk meanwhile, in bytes.
    pub spilled_bytes: u64,
    /// By file, the records of the sample, or those it is thought to have where nothing was read of it.
    pub counted: Vec<u64>,
    /// By file: records of the sample that can't be read.
    pub rejected_counts: Vec<u64>,
    /// Records of the sample that can't be read, by file and record.
    pub rejected: Vec<(u32, RejectedRecord)>,
    /// Dates and quantities of the sample, and how many can't be read.
    pub unreadable: Vec<UnreadableValues>,
}

/// What reading a file's beginning told.
struct Sample {
    records: u64,
    /// The part of the file that was read.
    share: f64,
    seconds: f64,
}

/// Estimates a run on the current rayon pool.
///
/// # Errors
/// Input that can't be read.
pub fn estimate(plan: &Plan) -> Result<Estimate> {
    let files = files_of(plan);
    let opened = open_all(plan, &files)?;
    let shared = Shared::new(plan, kept_raws(&files, &opened));
    let rejected_counts = vec![0; files.len()];
    let mut sampler = Sampler { plan, opened: &opened, shared: &shared, rejected_counts, rejected: Vec::new(), unreadable: Vec::new() };
    let step = files.len().div_ceil(SAMPLED_FILES);
    // Some files of all, and the first of every source.
    let is_sampled = |file: usize| file.is_multiple_of(step) || files[file].0 != files[file - 1].0;
    let budget = SAMPLED_FOR / (0..files.len()).filter(|&file| is_sampled(file)).count() as u32;
    let samples: Vec<Option<Sample>> =
        (0..files.len()).map(|file| is_sampled(file).then(|| sampler.read(file, budget)).transpose()).collect::<Result<_>>()?;
    let Sampler { rejected_counts, mut rejected, unreadable, .. } = sampler;
    rejected.sort_by_key(|(file, rejected)| (*file, rejected.record));
    let (mut records, mut counted, mut seconds) = (vec![0; plan.sources.len()], Vec::with_capacity(files.len()), 0.0);
    // A file that was not looked at is like the first of its source that holds records.
    let mut typical = vec![None; plan.sources.len()];
    for (index, sample) in samples.iter().enumerate().filter_map(|(index, sample)| Some((index, sample.as_ref()?))) {
        let typical = &mut typical[files[index].0];
        let is_better = typical.is_none_or(|(_, records)| records == 0 && sample.records > 0);
        *typical = if is_better { Some((index, sample.records)) } else { *typical };
    }
    for (index, (source, file)) in files.iter().enumerate() {
        let typical = || typical[*source].expect("the first file of every source is read").0;
        let like = if samples[index].is_some() { index } else { typical() };
        let sample = samples[like].as_ref().expect("what is typical was read");
        let bytes = file.input.bytes as f64 / files[like].1.input.bytes.max(1) as f64;
        let whole = |number: f64| number / sample.share.max(f64::MIN_POSITIVE) * bytes;
        let count = opened[index].record_count().unwrap_or_else(|| whole(sample.records as f64) as u64);
        records[*source] += count;
        counted.push(samples[index].as_ref().map_or(count, |sample| sample.records));
        let after = if opened[index].is_columnar() { AFTER_READING_PARQUET } else { AFTER_READING_TEXT };
        seconds += whole(sample.seconds) * (1.0 + after);
    }
    let all: u64 = records.iter().sum();
    let needed = BASE_BYTES + all * RECORD_BYTES;
    let room = (plan.memory_limit / 100 * FILLED_PERCENT_MAX).saturating_sub(BASE_BYTES);
    let spilled = (all * RECORD_BYTES).saturating_sub(room) / RECORD_BYTES * SPILLED_RECORD_BYTES;
    seconds *= 1.0 + SPILLING * spilled as f64 / (all * SPILLED_RECORD_BYTES).max(1) as f64;
    Ok(Estimate {
        records,
        sampled: samples.iter().flatten().map(|sample| sample.records).sum(),
        seconds,
        memory_bytes: needed.min(plan.memory_limit / 100 * 85).max(LEAST_BYTES),
        spilled_bytes: spilled,
        counted,
        rejected_counts,
        rejected,
        unreadable: super::unreadable::sum_up(unreadable),
    })
}

/// Reads beginnings of files.
struct Sampler<'a> {
    plan: &'a Plan,
    opened: &'a [Box<dyn TableFile>],
    shared: &'a Shared<'a>,
    /// By file.
    rejected_counts: Vec<u64>,
    rejected: Vec<(u32, RejectedRecord)>,
    unreadable: Vec<UnreadableValues>,
}

impl Sampler<'_> {
    /// Reads and keys a file for so long.
    fn read(&mut self, number: usize, budget: Duration) -> Result<Sample> {
        const BITS: u32 = 9;
        let (source, file) = file_of(self.plan, number);
        let keying = FileKeying::new(self.plan, source, number as u32, file, false);
        let spill = Arc::new(Spill::new(std::env::temp_dir(), u64::MAX, Arc::default()));
        let room = Arc::new(Room::new(1 << BITS, Arc::new(Memory::counted(u64::MAX, u64::MAX)), spill));
        let count = rayon::current_num_threads() + 1;
        let worker = |_| {
            let raws = Raws::new(self.opened.len(), self.plan.memory_limit, count);
            Ok(Mutex::new(Worker::new(self.opened.len(), Scatter::new(BITS, Arc::clone(&room))?, raws)))
        };
        let workers: Vec<Mutex<Worker>> = (0..count).map(worker).collect::<Result<_>>()?;
        let progress = Progress { cancelled: Arc::new(AtomicBool::new(false)), ..Progress::default() };
        let started = Instant::now();
        let read = self.opened[number].scan(&keying.columns, Wanted::All, &progress, &|morsel| {
            let index = rayon::current_thread_index().unwrap_or(count - 1);
            workers[index].lock().expect("a worker that panicked ended the run").key(morsel, &keying, self.shared)?;
            if started.elapsed() >= budget {
                progress.cancelled.store(true, Ordering::Relaxed);
            }
            Ok(())
        });
        let seconds = started.elapsed().as_secs_f64();
        if !progress.cancelled.load(Ordering::Relaxed) {
            read.with_context(|| format!("source {}", self.plan.sources[source].source.name))?;
        }
        let mut records = 0;
        for worker in workers {
            let worker = worker.into_inner().expect("a worker that panicked ended the run");
            records += worker.read[number].records;
            self.rejected_counts[number] += worker.ledger.files[number][Disposition::Rejected as usize].records;
            self.rejected.extend(worker.rejected);
            self.unreadable.extend(worker.unreadable);
        }
        let share = match self.opened[number].record_count() {
            // A header alone is a whole file.
            _ if records == 0 => 1.0,
            Some(count) => records as f64 / count as f64,
            None => progress.bytes_done.load(Ordering::Relaxed) as f64 / file.input.bytes.max(1) as f64,
        };
        Ok(Sample { records, share, seconds })
    }
}
