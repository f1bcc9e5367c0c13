//! The ledger: every record read ends in exactly one disposition, and the sums prove it.

use bytemuck::Zeroable;

use crate::cogroup::{Ending, Quiet, Units};
use crate::error::KernelError;
use crate::key::{digest, mix};
use crate::model::Disposition;
use crate::record::{CompactRecord, Flags, Record};
use crate::settled::Settled;
use crate::sums::{QUANTITY_ONE, Quantities, Sums};

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

/// Ends the records of one partition, but for confirmed placeholders: [`end_placeholders`].
pub fn end_units(units: &Units<'_>, quantities: &Quantities, file_digests: &[u64], ledger: &mut Ledger) {
    let mut end = |record: &Record, mixed, disposition| {
        let digest = digest(mixed, file_digests[record.file as usize], record.record);
        ledger.of(record.file, disposition).add_record(quantities.of(record), digest);
    };
    for unit in units.units {
        let disposition = if Ending::of(unit.roles) == Ending::Matched { Disposition::Matched } else { Disposition::Unmatched };
        let records = units.records_of(unit);
        // A unit has one serial: were a record put under another's, the digests would not balance.
        let mixed = mix(records[0].key);
        records.iter().for_each(|record| end(record, mixed, disposition));
    }
    for serial in units.serials.iter().filter(|serial| serial.units_end != serial.usable_end) {
        let ambiguous = &units.records[serial.units_end as usize..serial.usable_end as usize];
        ambiguous.iter().for_each(|record| end(record, mix(record.key), Disposition::Unmatched));
    }
    end_quiet_units(&units.quiet, quantities, file_digests, ledger);
}

/// Ends the records of units that concern no rule.
fn end_quiet_units(quiet: &Quiet<'_>, quantities: &Quantities, file_digests: &[u64], ledger: &mut Ledger) {
    for (file, records) in quiet.by_file() {
        let file_digest = file_digests[file as usize];
        // Records that are not quiet are summed too, and their sums left: which are can't be foreseen.
        let mut sums = [Sums::default(); 3];
        for (record, end) in records {
            let of = &mut sums[end.ending as usize];
            of.records += 1;
            of.digest = of.digest.wrapping_add(digest(end.mixed, file_digest, record.record));
            // Nearly all are one: the others tell by how much they differ.
            if record.flags.has(Flags::QUANTITY) {
                of.quantity += i128::from(quantities.of(record)) - i128::from(QUANTITY_ONE);
            }
        }
        for (disposition, ending) in [(Disposition::Matched, Ending::Matched), (Disposition::Unmatched, Ending::Unmatched)] {
            let Sums { records, quantity, digest } = sums[ending as usize];
            ledger.of(file, disposition).add(&Sums {
                records,
                quantity: quantity + i128::from(records) * i128::from(QUANTITY_ONE),
                digest,
            });
        }
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
