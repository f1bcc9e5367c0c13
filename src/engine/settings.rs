//! Settings: what records share with others of their file, numbered by each worker, with what is counted of each.

use counterfoil_kernel::model::{Field, Grain};
use counterfoil_kernel::record::Setting;
use counterfoil_kernel::tally::{IngestTally, ItemTally};

use crate::config::plan::Plan;

/// Settings that are looked up together: most of those that claims state are in no cache near by, and many look-ups are then on their way at once.
pub const TOGETHER: usize = 32;

/// Mix words: odd numbers, from the golden ratio and the roots of two and three.
const SPREAD: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];

/// A setting in words: to be made and compared in registers, because to write its parts and read them back together would wait for the memory.
#[derive(Clone, Copy)]
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

    /// Gives a hash of which the upper bits are as good as the lower ones.
    #[inline]
    const fn hash(&self) -> u32 {
        let [first, second, third] = self.0;
        let mixed = first.wrapping_mul(SPREAD[0]) ^ second.wrapping_mul(SPREAD[1]) ^ third.wrapping_mul(SPREAD[2]);
        ((mixed ^ mixed >> 32).wrapping_mul(SPREAD[0]) >> 32) as u32
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
    /// A hash table; its length is a power of two, and at most half of it is taken.
    slots: Vec<Slot>,
    met: Vec<Met>,
}

/// What stands in a place of the table: the number of a setting plus one in the lower half, 0 for none, and the hash of its words in the upper one, so
/// that another setting in the place is seldom looked at: it lies in no cache.
#[derive(Clone, Copy)]
pub struct Slot(u64);

impl Slot {
    /// A place that is not taken.
    pub const FREE: Self = Self(0);

    const fn of(hash: u32, number: u32) -> Self {
        Self((hash as u64) << 32 | (number as u64 + 1))
    }

    const fn hash(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Gives the number, where there is one.
    const fn number(self) -> Option<u32> {
        (self.0 as u32).checked_sub(1)
    }
}

/// Slots of an empty table.
const SLOTS_LEAST: usize = 1024;

impl Default for Settings {
    fn default() -> Self {
        Self { slots: vec![Slot::FREE; SLOTS_LEAST], met: Vec::new() }
    }
}

/// A setting and what its records add up to: small, because it is mostly in no cache when it is met again. A file has fewer than 2^32 records.
struct Met {
    words: Words,
    item: u32,
    records: u32,
    without_serial: u32,
    shipped_first: u16,
    shipped_last: u16,
}

impl Met {
    /// Gives what is counted of its records, but for lots.
    fn counts(&self) -> ItemTally {
        let Self { records, without_serial, shipped_first, shipped_last, .. } = *self;
        ItemTally { records: records.into(), without_serial: without_serial.into(), with_lot: 0, shipped_first, shipped_last }
    }
}

impl Settings {
    /// Gives a setting.
    pub fn get(&self, number: u32) -> Setting {
        self.met[number as usize].words.setting()
    }

    /// Gives what stands in the place where a setting would be found first: to be asked for many before any is looked up.
    #[inline]
    pub fn first_slot(&self, words: &Words) -> Slot {
        self.slots[self.place(words.hash())]
    }

    /// Gives the number of a setting of records in scope, given its first slot, and counts the records; `item` is the item of its place.
    #[inline]
    pub fn note(&mut self, first: Slot, words: &Words, item: u32, counts: &ItemTally) -> u32 {
        // What stood in the first slot when it was asked stays there, or has moved in a larger table: in either case the words decide.
        let known = first.number().filter(|&number| first.hash() == words.hash() && self.met[number as usize].words.is(words));
        let number = known.unwrap_or_else(|| self.look_up(words, item));
        let met = &mut self.met[number as usize];
        let mut sum = met.counts();
        sum.add(counts);
        (met.records, met.without_serial) = (sum.records as u32, sum.without_serial as u32);
        (met.shipped_first, met.shipped_last) = (sum.shipped_first, sum.shipped_last);
        number
    }

    /// Gives the place of a hash: its upper bits.
    #[inline]
    fn place(&self, hash: u32) -> usize {
        (u64::from(hash) << 32 >> (u64::BITS - self.slots.len().ilog2())) as usize
    }

    fn look_up(&mut self, words: &Words, item: u32) -> u32 {
        let hash = words.hash();
        let mut place = self.place(hash);
        while let Some(number) = self.slots[place].number() {
            if self.slots[place].hash() == hash && self.met[number as usize].words.is(words) {
                return number;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        let number = self.met.len() as u32;
        self.met.push(Met { words: *words, item, records: 0, without_serial: 0, shipped_first: 0, shipped_last: 0 });
        self.slots[place] = Slot::of(hash, number);
        if 2 * self.met.len() > self.slots.len() {
            self.grow();
        }
        number
    }

    #[cold]
    fn grow(&mut self) {
        let count = 2 * self.slots.len();
        for slot in std::mem::replace(&mut self.slots, vec![Slot::FREE; count]).into_iter().filter(|slot| slot.number().is_some()) {
            let mut place = self.place(slot.hash());
            while self.slots[place].number().is_some() {
                place = (place + 1) & (count - 1);
            }
            self.slots[place] = slot;
        }
    }

    /// Gives the settings by number, and what was counted of them.
    pub fn finish(self, plan: &Plan, file_source: &[u8]) -> (Vec<Setting>, IngestTally) {
        let mut tally = IngestTally::new(plan.sources.len());
        for met in &self.met {
            let (setting, item, mut counts) = (met.words.setting(), met.item, met.counts());
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
        (self.met.iter().map(|met| met.words.setting()).collect(), tally)
    }
}

/// Gives the lot that a source states against suppliers: its supplier lot where it maps one, else its lot.
pub fn lot_for_supplier(plan: &Plan, source: u8, setting: &Setting) -> u32 {
    let source = &plan.sources[usize::from(source)].source;
    if source.maps(Field::SupplierLot) { setting.supplier_lot } else { setting.lot }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_numbers_while_the_table_grows() {
        let setting = |number: u32| Setting { place: number % 7, lot: number, file: number / 1_000, ..Setting::default() };
        let mut settings = Settings::default();
        let count = 5 * SLOTS_LEAST as u32;
        for round in 0..3 {
            for numbers in (0..count).collect::<Vec<_>>().chunks(TOGETHER) {
                let words: Vec<Words> = numbers.iter().map(|&number| Words::of(&setting(number))).collect();
                let slots: Vec<Slot> = words.iter().map(|words| settings.first_slot(words)).collect();
                for ((&number, words), slot) in numbers.iter().zip(&words).zip(slots) {
                    let counts = ItemTally { records: 2, shipped_first: 5 - round, shipped_last: 5 + round, ..ItemTally::default() };
                    assert_eq!(settings.note(slot, words, number % 7, &counts), number);
                }
            }
        }
        for number in 0..count {
            assert_eq!(settings.get(number), setting(number));
            let expected = ItemTally { records: 6, shipped_first: 3, shipped_last: 7, ..ItemTally::default() };
            assert_eq!(settings.met[number as usize].counts(), expected);
        }
    }
}
