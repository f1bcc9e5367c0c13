//! Spill: records that memory has no room for, packed, in a file of each worker that nothing else names.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use counterfoil_kernel::normalize::Steps;
use counterfoil_kernel::record::{CompactRecord, Flags};

use crate::fault::Fault;
use crate::positioned::read_exact_at;

/// Bytes that are written at once.
const WRITTEN_BYTES: usize = 1 << 20;

/// Bytes of a packed run before its records: how many, the widths of key, setting and number, the least setting and number.
const HEAD_BYTES: usize = 16;
/// Bytes of day, steps and flags, which are written as they are.
const OWN_BYTES: usize = 4;
/// The most bytes of a packed record: those of the key and of three words.
const RECORD_BYTES_MAX: usize = 28;

/// Where records go that do not fit into memory.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    limit: u64,
    taken: AtomicU64,
}

impl Spill {
    /// Spills to files in a folder, up to so many bytes.
    pub const fn new(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit, taken: AtomicU64::new(0) }
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

/// Packs records: their keys, settings and numbers in as many bytes as the widest of them takes, settings and numbers from the least one on. Records of one
/// chunk were met one soon after the other, so that both are near by: 28 bytes become about 20.
pub fn pack(records: &[CompactRecord], out: &mut Vec<u8>) {
    let least = |value: fn(&CompactRecord) -> u32| records.iter().map(value).min().unwrap_or(0);
    let most = |value: fn(&CompactRecord) -> u32| records.iter().map(value).max().unwrap_or(0);
    let (setting, number) = (|record: &CompactRecord| record.setting, |record: &CompactRecord| record.record);
    let (least_setting, least_number) = (least(setting), least(number));
    let keys = records.iter().fold(0, |keys, record| keys | record.key());
    let bytes_of = |bits: u32| bits.div_ceil(8) as usize;
    let key_bytes = bytes_of(u128::BITS - keys.leading_zeros());
    let width = |spread: u32| bytes_of(u32::BITS - spread.leading_zeros());
    let (setting_bytes, number_bytes) = (width(most(setting) - least_setting), width(most(number) - least_number));
    out.extend_from_slice(&(records.len() as u32).to_le_bytes());
    out.extend_from_slice(&[key_bytes as u8, setting_bytes as u8, number_bytes as u8, 0]);
    out.extend_from_slice(&least_setting.to_le_bytes());
    out.extend_from_slice(&least_number.to_le_bytes());
    // Words are written whole, and the next begins where this one's bytes that count end: there has to be room behind the last.
    let mut at = out.len();
    let end = at + records.len() * (key_bytes + setting_bytes + number_bytes + OWN_BYTES);
    out.resize(end + RECORD_BYTES_MAX, 0);
    for record in records {
        let place: &mut [u8; RECORD_BYTES_MAX] = (&mut out[at..at + RECORD_BYTES_MAX]).try_into().expect("there is room");
        place[..16].copy_from_slice(&record.key().to_le_bytes());
        place[key_bytes..key_bytes + 4].copy_from_slice(&(record.setting - least_setting).to_le_bytes());
        let own = u32::from(record.day) | u32::from(record.steps.0) << 16 | u32::from(record.flags.0) << 24;
        let behind = key_bytes + setting_bytes;
        place[behind..behind + 4].copy_from_slice(&(record.record - least_number).to_le_bytes());
        let behind = behind + number_bytes;
        place[behind..behind + 4].copy_from_slice(&own.to_le_bytes());
        at = behind + at + OWN_BYTES;
    }
    out.truncate(end);
}

/// Adds the records of packed runs to `out`. To read words whole, `bytes` is made longer.
pub fn unpack(bytes: &mut Vec<u8>, out: &mut Vec<CompactRecord>) {
    let end = bytes.len();
    bytes.resize(end + RECORD_BYTES_MAX, 0);
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut at = 0;
    while at < end {
        let count = word(at) as usize;
        let [key_bytes, setting_bytes, number_bytes] = [4, 5, 6].map(|place| usize::from(bytes[at + place]));
        let (least_setting, least_number) = (word(at + 8), word(at + 12));
        at += HEAD_BYTES;
        let mask = |bytes: usize| u32::MAX.checked_shr(u32::BITS - 8 * bytes as u32).unwrap_or(0);
        let (setting_mask, number_mask) = (mask(setting_bytes), mask(number_bytes));
        let key_mask = u128::MAX.checked_shr(u128::BITS - 8 * key_bytes as u32).unwrap_or(0);
        let length = key_bytes + setting_bytes + number_bytes + OWN_BYTES;
        out.extend((0..count).map(|record| {
            let place: &[u8; RECORD_BYTES_MAX] = bytes[at + record * length..][..RECORD_BYTES_MAX].try_into().expect("there is room");
            let word = |at: usize| u32::from_le_bytes(place[at..at + 4].try_into().expect("four bytes"));
            let key = u128::from_le_bytes(place[..16].try_into().expect("sixteen bytes")) & key_mask;
            let own = word(key_bytes + setting_bytes + number_bytes);
            CompactRecord::new(
                key,
                least_setting + (word(key_bytes) & setting_mask),
                least_number + (word(key_bytes + setting_bytes) & number_mask),
                own as u16,
                Steps((own >> 16) as u8),
                Flags((own >> 24) as u8),
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
        for run in [vec![extreme, none], vec![none], vec![extreme; 3]] {
            let (mut bytes, mut records) = (Vec::new(), Vec::new());
            pack(&run, &mut bytes);
            unpack(&mut bytes, &mut records);
            assert_eq!(records, run);
        }
    }

    #[test]
    fn stretches_come_back_and_the_limit_holds() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Arc::new(Spill::new(folder.path().to_owned(), 3 * WRITTEN_BYTES as u64));
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
        let nowhere = Arc::new(Spill::new(folder.path().join("nowhere"), u64::MAX));
        let mut file = SpillFile::new(nowhere);
        let error = file.append(|bytes| bytes.extend(vec![8; WRITTEN_BYTES])).unwrap_err();
        assert!(error.to_string().contains("nowhere: what does not fit into memory can't be kept there"), "{error:#}");
    }
}
