//! Parses chunks in parallel while the next ones are cut.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Result, bail};

use super::chunks::{Chunk, Known};
use super::encoding::Encoding;
use super::fields::parse;
use super::walk::Dialect;
use crate::ingest::{MorselSink, Progress, Wanted};

/// Chunks that wait or are parsed at once, per thread of the pool.
pub(super) const CHUNKS_PER_THREAD: usize = 2;

/// What every chunk is parsed with.
pub(super) struct Job<'a> {
    pub(super) dialect: Dialect,
    pub(super) encoding: Encoding,
    pub(super) columns: &'a [usize],
    pub(super) wanted: Wanted<'a>,
    pub(super) progress: &'a Progress,
    pub(super) sink: &'a MorselSink<'a>,
    /// Where it is noted what the chunks of a mapped file told that is read as a whole.
    pub(super) known: Option<&'a Mutex<Vec<Known>>>,
}

impl Job<'_> {
    fn run(&self, chunk: &Chunk<'_>) -> Result<()> {
        self.check_cancelled()?;
        let (bytes, records) = (chunk.disk_bytes, chunk.record_count);
        if let Some((morsel, signposts)) = parse(chunk, &self.dialect, self.encoding, self.columns, self.wanted)? {
            if let Some(known) = self.known {
                known.lock().expect("no thread panics while it holds the lock").push(Known::new(chunk, signposts));
            }
            (self.sink)(morsel)?;
        }
        self.progress.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        self.progress.records_done.fetch_add(records, Ordering::Relaxed);
        Ok(())
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.progress.cancelled.load(Ordering::Relaxed) {
            bail!("cancelled");
        }
        Ok(())
    }
}

/// Takes the chunks of `next` until there are no more, and parses them on the pool.
///
/// The thread that cuts never waits: when enough chunks are under way it parses one itself. So memory is bounded, one thread is enough,
/// and nothing can deadlock. Of several errors the one of the first chunk is returned, whatever the threads did.
pub(super) fn scan<'c>(job: &Job<'_>, mut next: impl FnMut() -> Result<Option<Chunk<'c>>> + Send) -> Result<()> {
    let failures = Failures::default();
    let under_way = AtomicUsize::new(0);
    rayon::scope(|scope| {
        let most = CHUNKS_PER_THREAD * rayon::current_num_threads();
        for index in 0.. {
            if failures.any() {
                return;
            }
            let chunk = match job.check_cancelled().and_then(|()| next()) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return,
                Err(error) => return failures.add(index, error),
            };
            if under_way.load(Ordering::Acquire) >= most {
                failures.keep(index, job.run(&chunk));
                continue;
            }
            under_way.fetch_add(1, Ordering::AcqRel);
            let (failures, under_way) = (&failures, &under_way);
            scope.spawn(move |_| {
                failures.keep(index, job.run(&chunk));
                drop(chunk);
                under_way.fetch_sub(1, Ordering::AcqRel);
            });
        }
    });
    failures.into_result()
}

/// The error of the first chunk that failed.
#[derive(Default)]
struct Failures {
    any: AtomicBool,
    first: Mutex<Option<(u64, anyhow::Error)>>,
}

impl Failures {
    fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn keep(&self, index: u64, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.add(index, error);
        }
    }

    fn add(&self, index: u64, error: anyhow::Error) {
        let mut first = self.first.lock().expect("no thread panics while it holds the lock");
        if first.as_ref().is_none_or(|(before, _)| index < *before) {
            *first = Some((index, error));
        }
        self.any.store(true, Ordering::Release);
    }

    fn into_result(self) -> Result<()> {
        match self.first.into_inner().expect("no thread panics while it holds the lock") {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }
}
