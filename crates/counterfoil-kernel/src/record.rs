//! The compact keyed record: what travels from ingest through partitions to rules.

use crate::key::{Key, digest, hash_text, mix};
use crate::normalize::Steps;

/// One record of a source, 48 bytes: what rules see.
///
/// Identifiers other than the serial are numbers of the run's interners: equal numbers mean equal forms, 0 means blank. Numbers depend on arrival order, so they
/// never order or enter an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Record {
    /// The key of the serial; 0 for a record without a usable serial.
    pub key: Key,
    /// Scope value and item: an index into [`crate::cogroup::Context::scope_of`] and `item_of`.
    pub place: u32,
    /// Key form of the lot.
    pub lot: u32,
    /// Where the separators of the serial stood: equal keys with equal layouts are equal forms. For a listed placeholder: its value.
    pub layout: u32,
    /// Supplier's name, in upper case; for a supplier source without that field the name of the source.
    pub supplier: u32,
    /// Shipped (supplier), received (ERP) or claimed (warranty), in days from 1970-01-01; 0 for none.
    pub day: u16,
    /// Steps that changed the serial.
    pub steps: Steps,
    /// See the constants of [`Flags`].
    pub flags: Flags,
    /// Number of the record in the file, from 0.
    pub record: u32,
    /// Index of the file; files are numbered in the order of sources. It stands behind the number, so that both are one word.
    pub file: u32,
    /// Key form of the supplier lot.
    pub supplier_lot: u32,
}

/// What a record shares with many others of its file: all but serial, day and number.
///
/// There are about as many settings as lots, so records carry the number of theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Setting {
    /// See [`Record::place`].
    pub place: u32,
    /// See [`Record::lot`].
    pub lot: u32,
    /// See [`Record::layout`].
    pub layout: u32,
    /// See [`Record::supplier`].
    pub supplier: u32,
    /// See [`Record::file`].
    pub file: u32,
    /// See [`Record::supplier_lot`].
    pub supplier_lot: u32,
}

/// A record on its way through partitions, 28 bytes: each byte is written and read for every record of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct CompactRecord {
    key: [u32; 4],
    /// The number of its setting.
    pub setting: u32,
    /// See [`Record::day`].
    pub day: u16,
    /// See [`Record::steps`].
    pub steps: Steps,
    /// See [`Record::flags`].
    pub flags: Flags,
    /// See [`Record::record`].
    pub record: u32,
}

impl CompactRecord {
    /// Makes a record of what it does not share; `setting` is the number of the rest.
    #[inline]
    pub const fn new(key: Key, setting: u32, record: u32, day: u16, steps: Steps, flags: Flags) -> Self {
        let key = [key as u32, (key >> 32) as u32, (key >> 64) as u32, (key >> 96) as u32];
        Self { key, setting, record, day, steps, flags }
    }

    /// Replaces the record by another with three writes: to write each field by itself would fill the queue of writes that wait for memory.
    #[inline]
    pub fn set(&mut self, to: &Self) {
        let own = u32::from(to.day) | u32::from(to.steps.0) << 16 | u32::from(to.flags.0) << 24;
        let both = u64::from(to.setting) | u64::from(own) << 32;
        let bytes = bytemuck::bytes_of_mut(self);
        bytes[..16].copy_from_slice(&to.key().to_le_bytes());
        bytes[16..24].copy_from_slice(&both.to_le_bytes());
        bytes[24..].copy_from_slice(&to.record.to_le_bytes());
    }

    /// Gives the key of the serial.
    #[inline]
    pub const fn key(&self) -> Key {
        let [first, second, third, fourth] = self.key;
        first as Key | (second as Key) << 32 | (third as Key) << 64 | (fourth as Key) << 96
    }

    /// Gives the whole record.
    #[inline]
    pub const fn with(&self, setting: &Setting) -> Record {
        let Setting { place, lot, supplier_lot, supplier, layout, file } = *setting;
        let Self { record, day, steps, flags, .. } = *self;
        Record { key: self.key(), place, lot, supplier_lot, supplier, layout, file, record, day, steps, flags }
    }
}

/// Flags of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Flags(pub u8);

impl Flags {
    /// The serial is a digits-only entry of the placeholder list; set by normalization.
    pub const DIGITS: u8 = 1;
    /// The record's quantity is not 1: it stands in the side table of its partition.
    pub const QUANTITY: u8 = 2;
    /// First record of a unit; set by cogroup.
    pub const UNIT_START: u8 = 4;
    /// Key, layout and steps tell the raw serial; set by normalization.
    pub const SPELT: u8 = 8;
    /// Belongs to no unit because it could belong to several; set by cogroup.
    pub const AMBIGUOUS: u8 = 16;
    /// The collision rule made every form of this serial and scope a unit; set by cogroup.
    pub const SPLIT: u8 = 32;
    /// The serial is a placeholder; set by normalization (listed) or cogroup (digits).
    pub const PLACEHOLDER: u8 = 64;

    /// Tells whether a flag is set.
    pub const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Sets a flag.
    pub const fn set(&mut self, flag: u8) {
        self.0 |= flag;
    }
}

impl Record {
    /// Gives the record's reference: file and record number in one word, which sorts by source, file, record.
    pub const fn reference(&self) -> u64 {
        reference(self.file, self.record)
    }

    /// Gives the digest of the record for the ledger: serial key and record ref, mixed.
    ///
    /// Shape: digests are summed mod 2^128; a XOR would cancel pairs.
    #[inline]
    pub const fn digest(&self, file_digest: u64) -> u128 {
        digest(mix(self.key), file_digest, self.record)
    }

    /// Gives what the record shares with many others.
    pub const fn setting(&self) -> Setting {
        let Self { place, lot, supplier_lot, supplier, layout, file, .. } = *self;
        Setting { place, lot, supplier_lot, supplier, layout, file }
    }
}

/// Makes a record's reference: see [`Record::reference`].
pub const fn reference(file: u32, record: u32) -> u64 {
    (file as u64) << 32 | record as u64
}

/// Digest of a file's source and path, for [`Record::digest`].
pub fn file_digest(source: &str, path: &str) -> u64 {
    (hash_text(source.as_bytes()) ^ hash_text(path.as_bytes()).rotate_left(64)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!((size_of::<Record>(), size_of::<CompactRecord>()), (48, 28));
    }

    #[test]
    fn a_compact_record_gives_the_record_back() {
        let flags = Flags(Flags::DIGITS);
        let record = Record {
            key: 1 << 126 | 7 << 97 | 6 << 65 | 5 << 33 | 4,
            place: 1,
            lot: 2,
            supplier_lot: 3,
            supplier: 4,
            layout: 5,
            file: 6,
            record: 7,
            day: 8,
            steps: Steps(9),
            flags,
        };
        let compact = CompactRecord::new(record.key, 11, record.record, record.day, record.steps, record.flags);
        assert_eq!(compact.with(&record.setting()), record);
        let mut other = bytemuck::Zeroable::zeroed();
        CompactRecord::set(&mut other, &compact);
        assert_eq!(other, compact);
    }
}
