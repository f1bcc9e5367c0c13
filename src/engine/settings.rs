//! Settings: what records share with others of their file, numbered by each worker, with what is counted of each.

use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Field, Grain};
use counterfoil_kernel::record::Setting;
use counterfoil_kernel::tally::{IngestTally, ItemTally};

use crate::config::plan::Plan;

/// Settings met lately that are found without the map: neighbours mostly share theirs, but for the layout.
const RECENT: usize = 256;

/// The settings that one worker has met.
pub struct Settings {
    numbers: Map<Setting, u32>,
    met: Vec<Met>,
    recent: Box<[(Setting, u32); RECENT]>,
}

impl Default for Settings {
    fn default() -> Self {
        // No record has file number `u32::MAX`, so nothing is found in a fresh table.
        let nothing = Setting { file: u32::MAX, ..Setting::default() };
        Self { numbers: Map::default(), met: Vec::new(), recent: Box::new([(nothing, 0); RECENT]) }
    }
}

/// A setting and what its records add up to.
struct Met {
    setting: Setting,
    item: u32,
    counts: ItemTally,
}

impl Settings {
    /// Gives the number of a setting; `item` is the item of its place.
    #[inline]
    pub fn number(&mut self, setting: &Setting, item: u32) -> u32 {
        let mixed = (setting.lot ^ setting.supplier_lot.rotate_left(8) ^ setting.place.rotate_left(16) ^ setting.layout.rotate_left(24))
            .wrapping_mul(0x9e37_79b9);
        let slot = (mixed >> 24) as usize;
        let (recent, number) = self.recent[slot];
        if recent == *setting {
            return number;
        }
        let number = self.look_up(setting, item);
        self.recent[slot] = (*setting, number);
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
