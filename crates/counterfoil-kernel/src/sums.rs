//! Sums over records that prove that none is lost, and the quantities that go into them.

use crate::record::{Flags, Record};

/// A quantity of one, in millionths.
pub const QUANTITY_ONE: i64 = 1_000_000;

/// Sums over some records: they add up, and two different sets of records do not agree in all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many records.
    pub records: u64,
    /// Their quantity in millionths.
    pub quantity: i128,
    /// The sum mod 2^128 of their digests.
    pub digest: u128,
}

impl Sums {
    /// Adds one record.
    pub const fn add_record(&mut self, quantity: i64, digest: u128) {
        self.records += 1;
        self.quantity += quantity as i128;
        self.digest = self.digest.wrapping_add(digest);
    }

    /// Adds other sums.
    pub const fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.quantity += other.quantity;
        self.digest = self.digest.wrapping_add(other.digest);
    }
}

/// The quantities that differ from one, by record reference.
#[derive(Clone, Debug, Default)]
pub struct Quantities(pub Vec<(u64, i64)>);

impl Quantities {
    /// Orders the table for look-ups.
    pub fn sort(&mut self) {
        self.0.sort_unstable_by_key(|&(reference, _)| reference);
    }

    /// Gives the quantity of a record.
    pub fn of(&self, record: &Record) -> i64 {
        if !record.flags.has(Flags::QUANTITY) {
            return QUANTITY_ONE;
        }
        let index = self.0.binary_search_by_key(&record.reference(), |&(reference, _)| reference);
        self.0[index.expect("a flagged record stands in the table")].1
    }
}
