//! Settings: what records share with others of their file, numbered by each worker, with what is counted of each.

use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Field, Grain};
use counterfoil_kernel::record::Setting;
use counterfoil_kernel::tally::{IngestTally, ItemTally};

use crate::config::plan::Plan;

/// Settings met lately that are found without the map, which no cache holds: 128 KiB of them. Neighbours mostly share theirs, but for the layout.
const RECENT: usize = 4096;

/// A setting in words: to be made and compared in registers, because to write its parts and read them back together would wait for the memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Words([u64; 3]);

impl Words {
    /// What no record has: file number `u32::MAX`.
    pub const NOTHING: Self = Self([u64::MAX; 3]);

    /// Takes a setting.
    #[inline]
    pub const fn of(setting: &Setting) -> Self {
        const fn pair(low: u32, high: u32) -> u64 {
            low as u64 | (high as u64) << 32
        }
        let Setting { place, lot, supplier_lot, supplier, layout, file } = *setting;
        Self([pair(place, lot), pair(supplier_lot, supplier), pair(layout, file)])
    }

    /// Compares all words at once: nearly always all are equal, and to compare the arrays as such would take them through memory.
    #[inline]
    pub const fn is(&self, other: &Self) -> bool {
        let ([first, second, third], [other_first, other_second, other_third]) = (self.0, other.0);
        (first ^ other_first) | (second ^ other_second) | (third ^ other_third) == 0
    }

    /// Gives the setting back.
    const fn setting(self) -> Setting {
        let [first, second, third] = self.0;
        let [place, lot, supplier_lot, supplier, layout, file] =
            [first as u32, (first >> 32) as u32, second as u32, (second >> 32) as u32, third as u32, (third >> 32) as u32];
        Setting { place, lot, supplier_lot, supplier, layout, file }
    }
}

/// The settings that one worker has met.
pub struct Settings {
    numbers: Map<Words, u32>,
    met: Vec<Met>,
    recent: Box<[(Words, u32)]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { numbers: Map::default(), met: Vec::new(), recent: vec![(Words::NOTHING, 0); RECENT].into() }
    }
}

/// Spreads settings over the places of recent ones: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

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

    /// Gives the number of the setting of records in scope, and counts them; `item` is the item of its place.
    pub fn note(&mut self, words: &Words, item: u32, counts: &ItemTally) -> u32 {
        let [first, second, third] = words.0;
        let mixed = (first ^ second.rotate_left(23) ^ third.rotate_left(41)).wrapping_mul(SPREAD);
        let slot = (mixed >> (u64::BITS - RECENT.ilog2())) as usize;
        let (recent, number) = &self.recent[slot];
        let number = if recent.is(words) { *number } else { self.look_up(words, item) };
        self.recent[slot] = (*words, number);
        self.met[number as usize].counts.add(counts);
        number
    }

    fn look_up(&mut self, words: &Words, item: u32) -> u32 {
        let next = self.met.len() as u32;
        let number = *self.numbers.entry(*words).or_insert(next);
        if number == next {
            self.met.push(Met { setting: words.setting(), item, counts: ItemTally::default() });
        }
        number
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
