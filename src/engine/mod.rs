//! The engine of one machine: reads, keys, partitions, co-groups, judges and gathers evidence.

pub mod assemble;
pub mod block;
pub mod columns;
pub mod digests;
pub mod estimate;
pub mod evidence;
pub mod guard;
pub mod interner;
pub mod keying;
pub mod local;
pub mod merged;
pub mod numbered;
pub mod partitions;
pub mod raws;
pub mod sentences;
pub mod settings;
pub mod spill;
pub mod summing;
pub mod table;
pub mod tables;
pub mod text_table;
pub mod texts;
pub mod unreadable;
pub mod walk;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::ingest::Progress;
use crate::memory::Memory;

/// The phases of a run, in order.
pub const PHASES: [&str; 4] = ["read", "judge", "evidence", "write"];

/// Counters that the engine bumps and one thread reads, and a word at the start of each phase.
pub struct Watch {
    /// Progress of the first read.
    pub ingest: Progress,
    /// Partitions judged.
    pub partitions_done: Arc<AtomicU64>,
    /// Partitions in all.
    pub partitions_total: Arc<AtomicU64>,
    /// Rows of tables written, of `rows_total`.
    pub rows_written: Arc<AtomicU64>,
    /// Rows of findings and evidence, once they are known.
    pub rows_total: Arc<AtomicU64>,
    /// Progress of the second read.
    pub evidence: Progress,
    /// Records of findings read again, of `mentions_total`.
    pub mentions_read: Arc<AtomicU64>,
    /// Records of findings, those of several findings as often.
    pub mentions_total: Arc<AtomicU64>,
    /// Bytes kept on the disk meanwhile.
    pub spilled: Arc<AtomicU64>,
    /// Called with the name when a phase starts.
    pub on_phase: Box<dyn Fn(&'static str) + Send + Sync>,
    /// When each phase began.
    pub starts: Mutex<Vec<(&'static str, Instant)>>,
    /// The memory of the run; `None`: what the plan allows. Tests give less than a process needs to start.
    pub memory: Option<Arc<Memory>>,
    /// A bug to imitate, for tests of the ledger; no flag sets it.
    pub sabotage: Option<Sabotage>,
}

/// A bug that a run imitates, so that tests see the ledger catch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The first morsel of the first file never reaches a worker.
    DropMorsel,
    /// The first partition is evaluated twice.
    JudgeTwice,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            ingest: Progress::default(),
            partitions_done: Arc::default(),
            partitions_total: Arc::default(),
            rows_written: Arc::default(),
            rows_total: Arc::default(),
            evidence: Progress::default(),
            mentions_read: Arc::default(),
            mentions_total: Arc::default(),
            spilled: Arc::default(),
            on_phase: Box::new(|_| ()),
            starts: Mutex::default(),
            memory: None,
            sabotage: None,
        }
    }
}

impl Watch {
    /// Tells that a phase starts.
    pub fn phase(&self, name: &'static str) {
        self.starts.lock().expect("no thread panics while it notes a phase").push((name, Instant::now()));
        (self.on_phase)(name);
    }

    /// Gives the phases so far with how long each took, in seconds; the last one until now.
    pub fn phases(&self) -> Vec<(&'static str, f64)> {
        let starts = self.starts.lock().expect("no thread panics while it notes a phase");
        let ends = starts.iter().skip(1).map(|&(_, start)| start).chain([Instant::now()]);
        starts.iter().zip(ends).map(|(&(name, start), end)| (name, (end - start).as_secs_f64())).collect()
    }
}

/// Writes a day (from 1970-01-01) as `YYYY-MM-DD`.
pub fn iso_day(day: i32) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.checked_add(jiff::Span::new().days(day)).map_or_else(|_| String::new(), |date| date.to_string())
}
