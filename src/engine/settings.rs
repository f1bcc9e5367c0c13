//! Settings: what records share with others of their file, numbered by each worker, with what is counted of each.

use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Field, Grain};
use counterfoil_kernel::record::Setting;
use counterfoil_kernel::tally::{IngestTally, ItemTally};

use crate::config::plan::Plan;

/// Settings met lately that are found without the map: neighbours mostly share theirs, but for the layout.
const RECENT: usize = 256;

/// Words that a setting takes.
const WORDS: usize = 3;

/// The settings that one worker has met.
pub struct Settings {
    numbers: Map<Setting, u32>,
    met: Vec<Met>,
    recent: Box<[([u64; WORDS], u32); RECENT]>,
}

impl Default for Settings {
    fn default() -> Self {
        // No record has file number `u32::MAX`, so nothing is found in a fresh table.
        let nothing = Setting { file: u32::MAX, ..Setting::default() };
        Self { numbers: Map::default(), met: Vec::new(), recent: Box::new([(words(&nothing), 0); RECENT]) }
    }
}

/// Spreads settings over the places of recent ones: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Gives a setting as words, made and compared in registers: to write its parts and read them back together would wait for the memory.
#[inline]
fn words(setting: &Setting) -> [u64; WORDS] {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let Setting { place, lot, supplier_lot, supplier, layout, file } = *setting;
    [pair(place, lot), pair(supplier_lot, supplier), pair(layout, file)]
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

    /// Gives the number of a setting; `item` gives the item of its place.
    #[inline]
    pub fn number(&mut self, setting: &Setting, item: impl FnOnce() -> u32) -> u32 {
        let words = words(setting);
        let mixed = (words[0] ^ words[1].rotate_left(23) ^ words[2].rotate_left(41)).wrapping_mul(SPREAD);
        let slot = (mixed >> (u64::BITS - RECENT.ilog2())) as usize;
        let (recent, number) = &self.recent[slot];
        // All of it at once: nearly always all is equal, and to compare the arrays as such would take them through memory.
        if (recent[0] ^ words[0]) | (recent[1] ^ words[1]) | (recent[2] ^ words[2]) == 0 {
            return *number;
        }
        let number = self.look_up(setting, item());
        self.recent[slot] = (words, number);
        number
    }

    fn look_up(&mut self, setting: &Setting, item: u32) -> u32 {
        let next = self.met.len() as u32;
        let number = *self.numbers.entry(*setting).or_insert(next);
        if number == next {
            self.met.push(Met { setting: *setting, item, counts: ItemTally::default() });
        }
        number
    }

    /// Counts a record in scope; `shipped` is its day if it is a valid one of a supplier, else 0.
    #[inline]
    pub fn count(&mut self, number: u32, is_usable: bool, shipped: u16) {
        let counts = &mut self.met[number as usize].counts;
        counts.records += 1;
        counts.without_serial += u64::from(!is_usable);
        counts.note_shipped(shipped);
    }

    /// Gives the settings by number, and what was counted of them.
    pub fn finish(self, plan: &Plan, file_source: &[u8]) -> (Vec<Setting>, IngestTally) {
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
