//! Raw serials that their records do not tell: kept from the first read where they are few, so that the second read need not decode a column that is mostly told.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

/// One serial in so many may be kept; where more are not told, the column is read again.
const KEPT_SHARE: u64 = 8;
/// Serials that are kept of a file before their share counts.
const KEPT_MIN: u64 = 1024;
/// The share of the memory limit that the raw serials of all workers may take: one part in so many.
const LIMIT_SHARE: u64 = 32;
/// What a serial takes beside its text.
const ENTRY_BYTES: u64 = 2 * size_of::<u64>() as u64;

/// The files whose raw serials are kept.
pub struct KeptFiles(Vec<AtomicBool>);

impl KeptFiles {
    /// Starts; `are_kept` tells of each file whether it pays, because its serials stand in a column of their own.
    pub fn new(are_kept: impl Iterator<Item = bool>) -> Self {
        Self(are_kept.map(AtomicBool::new).collect())
    }

    /// Tells whether those of a file are kept by now.
    pub fn has(&self, file: u32) -> bool {
        self.0[file as usize].load(Ordering::Relaxed)
    }

    /// Gives those of a file up: its column is read again.
    pub fn give_up(&self, file: u32) {
        self.0[file as usize].store(false, Ordering::Relaxed);
    }
}

/// The raw serials that one worker keeps.
pub struct Raws {
    files: Vec<OfFile>,
    /// The bytes that it may keep yet.
    bytes_left: u64,
}

#[derive(Default)]
struct OfFile {
    /// Rows seen, kept or not.
    rows: u64,
    records: Vec<u32>,
    /// The UTF-8 of their serials, one after the other, and where each ends.
    texts: Vec<u8>,
    ends: Vec<usize>,
    bytes: u64,
}

impl OfFile {
    fn text(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(&self.texts[start..self.ends[place]]).expect("texts were checked")
    }
}

impl Raws {
    /// Starts with nothing, as one of so many workers that share a memory limit.
    pub fn new(files: usize, memory_limit: u64, workers: usize) -> Self {
        let files = (0..files).map(|_| OfFile::default()).collect();
        Self { files, bytes_left: memory_limit / LIMIT_SHARE / workers as u64 }
    }

    /// Counts rows of a file; where too many of its serials are not told, gives them up.
    pub fn count(&mut self, file: u32, rows: usize, kept: &KeptFiles) {
        let of = &mut self.files[file as usize];
        of.rows += rows as u64;
        let count = of.records.len() as u64;
        if count > KEPT_MIN && count > of.rows / KEPT_SHARE {
            self.give_up(file, kept);
        }
    }

    /// Keeps the raw serial of a record, as UTF-8 that was checked before, or gives those of the file up where there is no room left.
    pub fn keep(&mut self, file: u32, record: u32, raw: &[u8], kept: &KeptFiles) {
        let bytes = raw.len() as u64 + ENTRY_BYTES;
        let Some(left) = self.bytes_left.checked_sub(bytes) else { return self.give_up(file, kept) };
        self.bytes_left = left;
        let of = &mut self.files[file as usize];
        of.records.push(record);
        of.texts.extend_from_slice(raw);
        of.ends.push(of.texts.len());
        of.bytes += bytes;
    }

    fn give_up(&mut self, file: u32, kept: &KeptFiles) {
        kept.give_up(file);
        self.bytes_left += std::mem::take(&mut self.files[file as usize]).bytes;
    }
}

/// The raw serials that all workers kept.
pub struct AllRaws {
    workers: Vec<Raws>,
    /// By file: record, worker and place, in the order of records; `None` where the column is read again.
    files: Vec<Option<Vec<(u32, u32, u32)>>>,
}

impl AllRaws {
    /// Puts together what workers kept.
    pub fn new(mut workers: Vec<Raws>, kept: &KeptFiles) -> Self {
        for raws in &mut workers {
            (0..).zip(&mut raws.files).filter(|(file, _)| !kept.has(*file)).for_each(|(_, of)| *of = OfFile::default());
        }
        let of = |file: usize| {
            let entries = (0..).zip(&workers).flat_map(|(worker, raws): (u32, &Raws)| {
                (0..).zip(&raws.files[file].records).map(move |(place, &record)| (record, worker, place))
            });
            let mut entries: Vec<(u32, u32, u32)> = entries.collect();
            entries.sort_unstable();
            entries
        };
        let files = (0..kept.0.len()).into_par_iter().map(|file| kept.has(file as u32).then(|| of(file))).collect();
        Self { workers, files }
    }

    /// Tells whether those of a file are kept.
    pub fn has(&self, file: u32) -> bool {
        self.files[file as usize].is_some()
    }

    /// Gives the raw serial of a record that does not tell it; blank where the cell is null.
    pub fn get(&self, file: u32, record: u32) -> &str {
        let entries = self.files[file as usize].as_deref().unwrap_or_default();
        let found = entries.binary_search_by_key(&record, |&(record, ..)| record).ok();
        found.map_or("", |at| {
            let (_, worker, place) = entries[at];
            self.workers[worker as usize].files[file as usize].text(place as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the serials of records, as two workers that share a limit meet them; `rows` are those of each record.
    fn keep(limit: u64, rows: usize, records: &[(u32, u32, &str)]) -> AllRaws {
        let kept = KeptFiles::new([true, true, false].into_iter());
        let mut workers = vec![Raws::new(3, limit, 2), Raws::new(3, limit, 2)];
        for (at, &(file, record, raw)) in records.iter().enumerate() {
            let worker = &mut workers[at % 2];
            if kept.has(file) {
                worker.keep(file, record, raw.as_bytes(), &kept);
                worker.count(file, rows, &kept);
            }
        }
        AllRaws::new(workers, &kept)
    }

    #[test]
    fn what_workers_keep_is_found_by_record() {
        let raws = keep(1 << 20, 100, &[(0, 7, " A7"), (0, 3, "b3 "), (1, 7, "=\"7\""), (0, 9, "")]);
        assert_eq!([0, 1, 2].map(|file| raws.has(file)), [true, true, false]);
        assert_eq!([3, 7, 8, 9].map(|record| raws.get(0, record)), ["b3 ", " A7", "", ""]);
        assert_eq!((raws.get(1, 7), raws.get(1, 3), raws.get(2, 7)), ("=\"7\"", "", ""));
    }

    #[test]
    fn files_are_given_up_where_too_much_would_be_kept() {
        let many: Vec<(u32, u32, &str)> = (0..3 * KEPT_MIN as u32).map(|record| (0, record, " A")).chain([(1, 0, "x ")]).collect();
        let (rare, often) = (keep(1 << 30, 9, &many), keep(1 << 30, 7, &many));
        assert_eq!((rare.has(0), often.has(0), often.has(1)), (true, false, true));
        assert_eq!(rare.get(0, 2_000), " A");
        // Each of two workers has room for two of them.
        let limit = 2 * LIMIT_SHARE * 2 * (ENTRY_BYTES + 2);
        assert!(keep(limit, 100, &many[..4]).has(0));
        assert!(!keep(limit, 100, &many[..5]).has(0));
    }
}
