//! Settings: what records share with others of their file, numbered by each worker, with what is counted of each.

use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Field, Grain};
use counterfoil_kernel::record::Setting;
use counterfoil_kernel::tally::{IngestTally, ItemTally};

use crate::config::plan::Plan;

/// Settings met lately that are found without the map: neighbours mostly share theirs, but for the layout.
const RECENT: usize = 256;

/// A setting in words: to be made and compared in registers, because to write its parts and read them back together would wait for the memory.
type Words = [u64; 3];

/// The settings that one worker has met.
pub struct Settings {
    numbers: Map<Setting, u32>,
    met: Vec<Met>,
    recent: Box<[(Words, u32); RECENT]>,
    /// The setting of the last record.
    current: Run,
}

/// Records in a row with one setting.
struct Run {
    words: Words,
    number: u32,
    counts: ItemTally,
}

impl Default for Settings {
    fn default() -> Self {
        // No record has file number `u32::MAX`, so nothing is found in a fresh table.
        let nothing = words(&Setting { file: u32::MAX, ..Setting::default() });
        let current = Run { words: nothing, number: 0, counts: ItemTally::default() };
        Self { numbers: Map::default(), met: Vec::new(), recent: Box::new([(nothing, 0); RECENT]), current }
    }
}

/// Spreads settings over the places of recent ones: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Gives a setting as words.
#[inline]
fn words(setting: &Setting) -> Words {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let Setting { place, lot, supplier_lot, supplier, layout, file } = *setting;
    [pair(place, lot), pair(supplier_lot, supplier), pair(layout, file)]
}

/// Compares all words at once: nearly always all are equal, and to compare the arrays as such would take them through memory.
#[inline]
const fn are_equal(left: &Words, right: &Words) -> bool {
    (left[0] ^ right[0]) | (left[1] ^ right[1]) | (left[2] ^ right[2]) == 0
}

/// A setting and what its records add up to.
struct Met {
    setting: Setting,
    item: u32,
    counts: ItemTally,
}

impl Settings {
    /// Gives a setting.
    pub fn get(&self, number: u32) -> &Setting {
        &self.met[number as usize].setting
    }

    /// Gives the number of the setting of a record in scope, and counts the record; `item` gives the item of its place, `shipped` is its day if it is a valid
    /// one of a supplier, else 0.
    #[inline]
    pub fn note(&mut self, setting: &Setting, item: impl FnOnce() -> u32, is_usable: bool, shipped: u16) -> u32 {
        let words = words(setting);
        if !are_equal(&words, &self.current.words) {
            self.begin_run(words, setting, item());
        }
        let counts = &mut self.current.counts;
        counts.records += 1;
        counts.without_serial += u64::from(!is_usable);
        counts.note_shipped(shipped);
        self.current.number
    }

    /// Goes on to the records of another setting.
    fn begin_run(&mut self, words: Words, setting: &Setting, item: u32) {
        self.end_run();
        let mixed = (words[0] ^ words[1].rotate_left(23) ^ words[2].rotate_left(41)).wrapping_mul(SPREAD);
        let slot = (mixed >> (u64::BITS - RECENT.ilog2())) as usize;
        let (recent, number) = self.recent[slot];
        let number = if are_equal(&recent, &words) { number } else { self.look_up(setting, item) };
        self.recent[slot] = (words, number);
        (self.current.words, self.current.number) = (words, number);
    }

    /// Adds what was counted of the current setting.
    fn end_run(&mut self) {
        if let Some(met) = self.met.get_mut(self.current.number as usize) {
            met.counts.add(&std::mem::take(&mut self.current.counts));
        }
    }

    fn look_up(&mut self, setting: &Setting, item: u32) -> u32 {
        let next = self.met.len() as u32;
        let number = *self.numbers.entry(*setting).or_insert(next);
        if number == next {
            self.met.push(Met { setting: *setting, item, counts: ItemTally::default() });
        }
        number
    }

    /// Gives the settings by number, and what was counted of them.
    pub fn finish(mut self, plan: &Plan, file_source: &[u8]) -> (Vec<Setting>, IngestTally) {
        self.end_run();
        let mut tally = IngestTally::new(plan.sources.len());
        for Met { setting, item, mut counts } in self.met.iter().map(|met| Met { ..*met }) {
            let source = file_source[setting.file as usize];
            let has_lot = setting.lot | setting.supplier_lot != 0;
            counts.with_lot = if has_lot { counts.records } else { 0 };
            tally.item(source, item).add(&counts);
            if plan.sources[usize::from(source)].source.grain == Grain::Event && !has_lot {
                tally.without_lot[usize::from(source)] += counts.records;
            }
            if setting.supplier != 0 {
                tally.suppliers[usize::from(source)].insert(setting.supplier);
            }
            tally.note_lots(source, item, setting.lot, setting.supplier_lot);
        }
        (self.met.into_iter().map(|met| met.setting).collect(), tally)
    }
}

/// Gives the lot that a source states against suppliers: its supplier lot where it maps one, else its lot.
pub fn lot_for_supplier(plan: &Plan, source: u8, setting: &Setting) -> u32 {
    let source = &plan.sources[usize::from(source)].source;
    if source.maps(Field::SupplierLot) { setting.supplier_lot } else { setting.lot }
}
