//! The compact keyed record: what travels from ingest through partitions to rules.

use crate::key::{Key, hash_text, mix};
use crate::normalize::Steps;

/// One record of a source, 48 bytes.
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
    /// Key form of the supplier lot.
    pub supplier_lot: u32,
    /// Supplier's name, in upper case; for a supplier source without that field the name of the source.
    pub supplier: u32,
    /// Where the separators of the serial stood: equal keys with equal layouts are equal forms. For a listed placeholder: its value.
    pub layout: u32,
    /// Index of the file; files are numbered in the order of sources.
    pub file: u32,
    /// Number of the record in the file, from 0.
    pub record: u32,
    /// Shipped (supplier), received (ERP) or claimed (warranty), in days from 1970-01-01; 0 for none.
    pub day: u16,
    /// Steps that changed the serial.
    pub steps: Steps,
    /// See the constants of [`Flags`].
    pub flags: Flags,
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
    /// First record of a serial group; set by cogroup.
    pub const SERIAL_START: u8 = 8;
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
        (self.file as u64) << 32 | self.record as u64
    }

    /// Gives the digest of the record for the ledger: serial key and record ref, mixed.
    ///
    /// Shape: digests are summed mod 2^128; a XOR would cancel pairs.
    pub const fn digest(&self, file_digest: u64) -> u128 {
        let low = mix(self.key ^ (file_digest as u128) << 32 ^ self.record as u128);
        let high = mix(self.key.rotate_left(64) ^ (self.record as u128) << 64 ^ !(file_digest as u128));
        (high as u128) << 64 | low as u128
    }
}

/// Digest of a file's source and path, for [`Record::digest`].
pub fn file_digest(source: &str, path: &str) -> u64 {
    (hash_text(source.as_bytes()) ^ hash_text(path.as_bytes()).rotate_left(64)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_48_bytes() {
        assert_eq!(size_of::<Record>(), 48);
    }
}
