//! The ledger: every record read ends in exactly one disposition, and the sums prove it.

use bytemuck::Zeroable;

use crate::cogroup::Units;
use crate::error::KernelError;
use crate::model::Disposition;
use crate::record::{CompactRecord, Flags, Record};
use crate::settled::Settled;

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

/// The dispositions of every file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By file, by disposition in the order of [`Disposition::ALL`].
    pub files: Vec<[Sums; 5]>,
}

impl Ledger {
    /// Makes an empty ledger.
    pub fn new(files: usize) -> Self {
        Self { files: vec![[Sums::default(); 5]; files] }
    }

    /// Gives the sums of a disposition of a file, to be changed.
    pub fn of(&mut self, file: u32, disposition: Disposition) -> &mut Sums {
        &mut self.files[file as usize][disposition as usize]
    }

    /// Adds another worker's sums.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.files.iter_mut().zip(&other.files) {
            own.iter_mut().zip(other).for_each(|(own, other)| own.add(other));
        }
    }

    /// Checks that the records that ended are those that were read.
    ///
    /// `read` are the sums of ingest by file, and `counted` the records that footer or splitter counted.
    ///
    /// # Errors
    /// [`KernelError::Ledger`] for the first file that does not balance.
    pub fn balance(&self, read: &[Sums], counted: &[u64], name: impl Fn(usize) -> String) -> Result<(), KernelError> {
        for (file, dispositions) in self.files.iter().enumerate() {
            let mut ended = Sums::default();
            dispositions.iter().for_each(|sums| ended.add(sums));
            let what = if ended.records != counted[file] || ended.records != read[file].records {
                "counts"
            } else if ended.quantity != read[file].quantity {
                "quantities"
            } else if ended.digest != read[file].digest {
                "digests"
            } else {
                continue;
            };
            return Err(KernelError::Ledger { file: name(file), read: counted[file], ended: ended.records, what });
        }
        Ok(())
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

/// Ends the records of one partition, but for confirmed placeholders: [`end_placeholders`].
pub fn end_units(units: &Units<'_>, quantities: &Quantities, file_digests: &[u64], ledger: &mut Ledger) {
    let mut end = |record: &Record, disposition| {
        let digest = record.digest(file_digests[record.file as usize]);
        ledger.of(record.file, disposition).add_record(quantities.of(record), digest);
    };
    for unit in units.units {
        let disposition = if unit.roles.count_ones() > 1 { Disposition::Matched } else { Disposition::Unmatched };
        units.records_of(unit).iter().for_each(|record| end(record, disposition));
    }
    for serial in units.serials {
        units.records[serial.units_end as usize..serial.usable_end as usize].iter().for_each(|record| end(record, Disposition::Unmatched));
    }
}

/// Ends the records whose serial co-grouping confirmed a placeholder: only the whole survey tells which items lack serials.
pub fn end_placeholders(settled: &Settled<'_>, ledger: &mut Ledger) {
    for (setting, sums) in &settled.survey.digits_placeholders {
        let record = CompactRecord::zeroed().with(setting);
        ledger.of(setting.file, end_keyless(&record, settled)).add(sums);
    }
}

/// Ends a record without a usable serial: blank, or a placeholder.
pub fn end_keyless(record: &Record, settled: &Settled<'_>) -> Disposition {
    if !settled.counts_as_lot(record) || record.lot | record.supplier_lot == 0 {
        Disposition::UnusableKey
    } else if settled.is_lot_matched(record) {
        Disposition::Matched
    } else {
        Disposition::Unmatched
    }
}
