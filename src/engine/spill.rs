//! Spill: records that memory has no room for, packed, in a file of each worker that nothing else names.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use counterfoil_kernel::key::Key;
use counterfoil_kernel::normalize::Steps;
use counterfoil_kernel::record::{CompactRecord, Flags};

use crate::fault::Fault;
use crate::positioned::read_exact_at;

/// Bytes that are written at once.
const WRITTEN_BYTES: usize = 1 << 20;

/// Bytes of a packed run before its pairs of steps and flags: how many records, the widths of key, setting, number and day, the least setting, number and day, the
/// tag, the width of pairs, and how many of them there are.
const HEAD_BYTES: usize = 24;
/// The most bytes of a packed record, and of the word that is written last.
const RECORD_BYTES_MAX: usize = 32;
/// The bits of a key that tell how it was made.
const TAG: Key = 3 << 126;

/// Where records go that do not fit into memory.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    limit: u64,
    taken: Arc<AtomicU64>,
}

impl Spill {
    /// Spills to files in a folder, up to so many bytes, which are counted in `taken`.
    pub const fn new(folder: PathBuf, limit: u64, taken: Arc<AtomicU64>) -> Self {
        Self { folder, limit, taken }
    }

    /// Gives the bytes that were spilled.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Gives the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says what to do where the folder does not take or give what is spilled.
    pub fn failed(&self) -> String {
        format!("{}: what does not fit into memory can't be kept there; name another folder with --spill-dir", self.folder.display())
    }

    /// Takes bytes of the limit.
    ///
    /// # Errors
    /// When they are more than what is left of it.
    pub fn take(&self, bytes: u64) -> Result<()> {
        if self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.limit {
            return Ok(());
        }
        Err(Fault::limit(format!(
            "not all fits into memory, and what is kept on the disk meanwhile is more than the limit of {} MiB: raise --spill-limit, or --memory-limit",
            self.limit.div_ceil(1 << 20)
        )))
    }
}

/// A stretch of a spill file.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    start: u64,
    bytes: u64,
}

/// The spill file of one worker: it has no name, and is gone when the run is.
pub struct SpillFile {
    spill: Arc<Spill>,
    file: Option<File>,
    written: u64,
    buffer: Vec<u8>,
}

impl SpillFile {
    /// Makes a file that is there once something is written.
    pub const fn new(spill: Arc<Spill>) -> Self {
        Self { spill, file: None, written: 0, buffer: Vec::new() }
    }

    /// Gives the place where the next byte goes.
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends bytes that `put` adds to what it gets, and gives their stretch.
    ///
    /// # Errors
    /// When the disk does not take them, or the limit of the spill is reached.
    pub fn append(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<Stretch> {
        let start = self.end();
        put(&mut self.buffer);
        let bytes = self.end() - start;
        self.spill.take(bytes)?;
        if self.buffer.len() >= WRITTEN_BYTES {
            self.write()?;
        }
        Ok(Stretch { start, bytes })
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let Self { spill, file, written, buffer } = self;
        let mut put = || {
            let file = match file {
                Some(file) => file,
                None => file.insert(tempfile::tempfile_in(&spill.folder)?),
            };
            file.write_all(buffer)
        };
        put().with_context(|| spill.failed())?;
        *written += buffer.len() as u64;
        buffer.clear();
        Ok(())
    }

    /// Adds the bytes of a stretch to `out`.
    ///
    /// # Errors
    /// When the disk does not give them back.
    pub fn read(&self, stretch: Stretch, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.resize(start + stretch.bytes as usize, 0);
        let file = self.file.as_ref().expect("what has a stretch was written");
        read_exact_at(file, &mut out[start..], stretch.start).with_context(|| self.spill.failed())
    }

    /// Has the system fetch a stretch before it is read, where it knows how.
    pub fn announce(&self, stretch: Stretch) {
        #[cfg(target_os = "linux")]
        if let (Some(file), length) = (&self.file, std::num::NonZeroU64::new(stretch.bytes)) {
            // Without it the stretch is read all the same, only later.
            let _ = rustix::fs::fadvise(file, stretch.start, length, rustix::fs::Advice::WillNeed);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = stretch;
    }
}

/// Numbers of a run, written from the least one on in as many bytes as the greatest takes.
#[derive(Clone, Copy)]
struct Span {
    least: u32,
    bytes: usize,
}

impl Span {
    fn of(numbers: impl Iterator<Item = u32> + Clone) -> Self {
        let (least, most) = (numbers.clone().min().unwrap_or(0), numbers.max().unwrap_or(0));
        Self { least, bytes: (u32::BITS - (most - least).leading_zeros()).div_ceil(u8::BITS) as usize }
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shr(u32::BITS - 8 * self.bytes as u32).unwrap_or(0)
    }
}

/// Steps and flags, of which a run has few pairs, as one number.
const fn marks_of(record: &CompactRecord) -> u16 {
    u16::from_le_bytes([record.steps.0, record.flags.0])
}

/// The pairs that occur, in the order in which they come: most often one or two.
#[derive(Default)]
struct Marks {
    list: Vec<u16>,
    /// The place of the one that came last.
    last: usize,
}

impl Marks {
    #[inline]
    fn place(&mut self, mark: u16) -> usize {
        if self.list.get(self.last) != Some(&mark) {
            self.last = self.list.iter().position(|&other| other == mark).unwrap_or_else(|| {
                self.list.push(mark);
                self.list.len() - 1
            });
        }
        self.last
    }
}

/// Packs records: keys without the tag that all have, and settings, numbers and days from the least one on, in as many bytes as the widest takes; steps and flags by
/// their place among the pairs that occur. Records of one chunk were met one soon after the other, so that much is near by: 28 bytes become about 20.
pub fn pack(records: &[CompactRecord], out: &mut Vec<u8>) {
    let tag = records.first().map_or(0, |record| record.key() & TAG);
    let tag = if records.iter().all(|record| record.key() & TAG == tag) { tag } else { 0 };
    let keys = records.iter().fold(0, |keys, record| keys | (record.key() ^ tag));
    let key_bytes = (u128::BITS - keys.leading_zeros()).div_ceil(u8::BITS) as usize;
    let settings = Span::of(records.iter().map(|record| record.setting));
    let numbers = Span::of(records.iter().map(|record| record.record));
    let days = Span::of(records.iter().map(|record| record.day.into()));
    let mut marks = Marks::default();
    records.iter().for_each(|record| {
        marks.place(marks_of(record));
    });
    let marks_bytes = usize::from(marks.list.len() > 1) + usize::from(marks.list.len() > 256);
    out.extend_from_slice(&(records.len() as u32).to_le_bytes());
    out.extend_from_slice(&[key_bytes as u8, settings.bytes as u8, numbers.bytes as u8, days.bytes as u8]);
    out.extend_from_slice(&settings.least.to_le_bytes());
    out.extend_from_slice(&numbers.least.to_le_bytes());
    out.extend_from_slice(&(days.least as u16).to_le_bytes());
    out.extend_from_slice(&[(tag >> 126) as u8, marks_bytes as u8]);
    out.extend_from_slice(&(marks.list.len() as u32).to_le_bytes());
    marks.list.iter().for_each(|mark| out.extend_from_slice(&mark.to_le_bytes()));
    // Words are written whole, and the next begins where this one's bytes that count end: there has to be room behind the last.
    let mut at = out.len();
    let length = key_bytes + settings.bytes + numbers.bytes + days.bytes + marks_bytes;
    out.resize(at + records.len() * length + RECORD_BYTES_MAX, 0);
    for record in records {
        let place: &mut [u8; RECORD_BYTES_MAX] = (&mut out[at..at + RECORD_BYTES_MAX]).try_into().expect("there is room");
        place[..16].copy_from_slice(&(record.key() ^ tag).to_le_bytes());
        let mark = marks.place(marks_of(record));
        let mut behind = key_bytes;
        for (number, bytes) in [
            (record.setting - settings.least, settings.bytes),
            (record.record - numbers.least, numbers.bytes),
            (u32::from(record.day) - days.least, days.bytes),
            (mark as u32, marks_bytes),
        ] {
            place[behind..behind + 4].copy_from_slice(&number.to_le_bytes());
            behind += bytes;
        }
        at += length;
    }
    out.truncate(at);
}

/// Adds the records of packed runs to `out`. To read words whole, `bytes` is made longer.
pub fn unpack(bytes: &mut Vec<u8>, out: &mut Vec<CompactRecord>) {
    let end = bytes.len();
    bytes.resize(end + RECORD_BYTES_MAX, 0);
    let half = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes"));
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut at = 0;
    while at < end {
        let count = word(at) as usize;
        let [key_bytes, setting_bytes, number_bytes, day_bytes] = [4, 5, 6, 7].map(|place| usize::from(bytes[at + place]));
        let settings = Span { least: word(at + 8), bytes: setting_bytes };
        let numbers = Span { least: word(at + 12), bytes: number_bytes };
        let days = Span { least: half(at + 16).into(), bytes: day_bytes };
        let (tag, marks_bytes) = (u128::from(bytes[at + 18]) << 126, usize::from(bytes[at + 19]));
        let marks_count = word(at + 20) as usize;
        at += HEAD_BYTES;
        let marks: Vec<u16> = (0..marks_count).map(|mark| half(at + 2 * mark)).collect();
        at += 2 * marks_count;
        let key_mask = u128::MAX.checked_shr(u128::BITS - 8 * key_bytes as u32).unwrap_or(0);
        let (setting_mask, number_mask, day_mask) = (settings.mask(), numbers.mask(), days.mask());
        let marks_mask = Span { least: 0, bytes: marks_bytes }.mask();
        let (number_at, day_at) = (key_bytes + setting_bytes, key_bytes + setting_bytes + number_bytes);
        let marks_at = day_at + day_bytes;
        let length = marks_at + marks_bytes;
        out.extend((0..count).map(|record| {
            let place: &[u8; RECORD_BYTES_MAX] = bytes[at + record * length..][..RECORD_BYTES_MAX].try_into().expect("there is room");
            let word = |at: usize| u32::from_le_bytes(place[at..at + 4].try_into().expect("four bytes"));
            let key = u128::from_le_bytes(place[..16].try_into().expect("sixteen bytes")) & key_mask ^ tag;
            let [steps, flags] = marks[(word(marks_at) & marks_mask) as usize].to_le_bytes();
            CompactRecord::new(
                key,
                settings.least + (word(key_bytes) & setting_mask),
                numbers.least + (word(number_at) & number_mask),
                (days.least + (word(day_at) & day_mask)) as u16,
                Steps(steps),
                Flags(flags),
            )
        }));
        at += count * length;
    }
}

/// Writes the quantities of records: reference and quantity of each.
pub fn put_quantities(quantities: &[(u64, i64)], out: &mut Vec<u8>) {
    out.extend(quantities.iter().flat_map(|(reference, quantity)| [reference.to_le_bytes(), quantity.to_le_bytes()]).flatten());
}

/// Reads the quantities of records.
pub fn quantities_of(bytes: &[u8]) -> impl Iterator<Item = (u64, i64)> {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    bytes.chunks_exact(16).map(move |pair| (word(&pair[..8]), word(&pair[8..]) as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = CompactRecord> {
        let narrow = |bits: u32| (0..=bits).prop_flat_map(move |bits| any::<u128>().prop_map(move |word| word & ((1 << bits) - 1)));
        (narrow(127), narrow(31), narrow(31), any::<u16>(), any::<u8>(), any::<u8>()).prop_map(
            |(key, setting, number, day, steps, flags)| {
                CompactRecord::new(key, setting as u32, number as u32, day, Steps(steps), Flags(flags))
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(runs in proptest::collection::vec(proptest::collection::vec(record(), 0..20), 0..5)) {
            let mut bytes = Vec::new();
            runs.iter().for_each(|run| pack(run, &mut bytes));
            let mut records = Vec::new();
            unpack(&mut bytes, &mut records);
            prop_assert_eq!(records, runs.concat());
        }
    }

    #[test]
    fn extremes_are_packed() {
        let extreme = CompactRecord::new(u128::MAX, u32::MAX, u32::MAX, u16::MAX, Steps(u8::MAX), Flags(u8::MAX));
        let none = CompactRecord::new(0, 0, 0, 0, Steps(0), Flags(0));
        let marked = |marks: u32| CompactRecord::new(1 << 126, 7, marks, 9, Steps(marks as u8), Flags((marks >> 8) as u8));
        for run in [vec![extreme, none], vec![none], vec![extreme; 3], (0..300).map(marked).collect()] {
            let (mut bytes, mut records) = (Vec::new(), Vec::new());
            pack(&run, &mut bytes);
            unpack(&mut bytes, &mut records);
            assert_eq!(records, run);
        }
    }

    #[test]
    fn stretches_come_back_and_the_limit_holds() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Arc::new(Spill::new(folder.path().to_owned(), 3 * WRITTEN_BYTES as u64, Arc::default()));
        let mut file = SpillFile::new(Arc::clone(&spill));
        let first = file.append(|bytes| bytes.extend([7; 100])).unwrap();
        let second = file.append(|bytes| bytes.extend(vec![8; WRITTEN_BYTES])).unwrap();
        let third = file.append(|bytes| put_quantities(&[(9, -5), (u64::MAX, i64::MIN)], bytes)).unwrap();
        file.write().unwrap();
        assert_eq!(spill.taken(), 132 + WRITTEN_BYTES as u64);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        let read = |stretch| {
            let mut bytes = Vec::new();
            file.announce(stretch);
            file.read(stretch, &mut bytes).unwrap();
            bytes
        };
        assert_eq!((read(first), read(second)), (vec![7; 100], vec![8; WRITTEN_BYTES]));
        assert_eq!(quantities_of(&read(third)).collect::<Vec<_>>(), [(9, -5), (u64::MAX, i64::MIN)]);
        let error = file.append(|bytes| bytes.extend(vec![8; 2 * WRITTEN_BYTES])).unwrap_err();
        assert_eq!(crate::fault::cause_of(&error), crate::fault::Cause::Incomplete);
        assert!(error.to_string().contains("more than the limit of 3 MiB: raise --spill-limit"), "{error}");
        let nowhere = Arc::new(Spill::new(folder.path().join("nowhere"), u64::MAX, Arc::default()));
        let mut file = SpillFile::new(nowhere);
        let error = file.append(|bytes| bytes.extend(vec![8; WRITTEN_BYTES])).unwrap_err();
        assert!(error.to_string().contains("nowhere: what does not fit into memory can't be kept there"), "{error:#}");
    }
}
