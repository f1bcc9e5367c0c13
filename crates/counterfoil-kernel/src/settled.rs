//! What holds for the whole run and is settled before rules see units: tracking, windows, comparable lots, guards.

use crate::cogroup::Context;
use crate::model::{Field, Grain, Role};
use crate::number_set::NumberSet;
use crate::parameter::{Thresholds, exceeds, reaches};
use crate::record::Record;
use crate::tally::{IngestTally, ItemTally, LotTally, Survey};

/// Facts of the whole run.
#[derive(Debug)]
pub struct Settled<'a> {
    /// What the run knows.
    pub context: &'a Context,
    /// What ingest counted.
    pub tally: &'a IngestTally,
    /// What co-grouping counted; while units are judged, no more than a sample.
    pub survey: &'a Survey,
    /// By source, by item: nearly all of its records there lack a serial.
    lot_only: Vec<Vec<bool>>,
    /// By item: enough of its records carry a lot.
    lot_tracked: Vec<bool>,
    /// By item: what supplier sources shipped of it.
    shipped: Vec<ItemTally>,
    /// The same over all items.
    pub shipped_all: ItemTally,
    /// What units are judged by.
    premises: &'a Premises,
    /// By source: the suppliers whose units can be judged; `None`: all.
    judged_suppliers: Vec<Option<NumberSet>>,
    /// No source maps an item: then all records have the blank item, and it counts as one.
    pub without_items: bool,
    /// No supplier source maps an item.
    suppliers_without_items: bool,
}

/// What the judgement of single units rests on and only the walk over all of them tells.
///
/// The engine judges units while it walks, on premises expected from a sample; where the whole turns out otherwise, it judges again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Premises {
    /// By pair of sources ([`crate::lots::pair_index`]): their lots are of different kinds.
    foreign_lots: Vec<bool>,
    /// SER003 is so common that it becomes one finding.
    serials_widespread: bool,
}

impl Premises {
    /// Draws the premises from a survey of all units, or from one of a sample of which the run holds `share` times as many.
    pub fn new(survey: &Survey, share: u64, thresholds: &Thresholds) -> Self {
        let of = |min: u64, percent: u64, some: u64, all: u64| share * all >= min && exceeds(some, all, percent);
        let (lots_min, lots_percent) = (thresholds.lot_pair_units_min, thresholds.lot_pair_differing_percent);
        let (serials_min, serials_percent) = (thresholds.widespread_serials_min, thresholds.widespread_percent);
        Self {
            foreign_lots: survey.lot_pairs.iter().map(|&(units, differ)| of(lots_min, lots_percent, differ, units)).collect(),
            serials_widespread: of(serials_min, serials_percent, survey.serials_on_several_items, survey.serials),
        }
    }
}

impl<'a> Settled<'a> {
    /// Settles what holds for the whole run.
    pub fn new(context: &'a Context, tally: &'a IngestTally, survey: &'a Survey, premises: &'a Premises) -> Self {
        let items = context.item_order.len().max(1);
        let mut settled = Self {
            context,
            tally,
            survey,
            lot_only: vec![vec![false; items]; context.sources.len()],
            lot_tracked: vec![false; items],
            shipped: vec![ItemTally::default(); items],
            shipped_all: ItemTally::default(),
            premises,
            judged_suppliers: Vec::new(),
            without_items: context.sources.iter().all(|source| !source.maps(Field::Item)),
            suppliers_without_items: context.sources.iter().all(|source| source.role != Role::Supplier || !source.maps(Field::Item)),
        };
        settled.settle_items();
        settled.judged_suppliers = (0..context.sources.len()).map(|source| settled.judged(source)).collect();
        settled
    }

    fn settle_items(&mut self) {
        let thresholds = &self.context.thresholds;
        let mut digits = vec![Vec::new(); self.context.sources.len()];
        for (setting, sums) in &self.survey.digits_placeholders {
            let source = self.context.file_source[setting.file as usize];
            digits[usize::from(source)].push((self.context.item_of[setting.place as usize], sums.records));
        }
        let mut with_lot = vec![(0_u64, 0_u64); self.lot_tracked.len()];
        for (index, source) in self.context.sources.iter().enumerate() {
            let mut items = self.tally.items[index].clone();
            digits[index].iter().for_each(|&(item, records)| items[item as usize].without_serial += records);
            for (item, tally) in items.iter().enumerate() {
                self.lot_only[index][item] = tally.records > 0
                    && reaches(tally.without_serial, tally.records, thresholds.lot_only_percent)
                    && (item != 0 || !source.maps(Field::Item));
                if source.maps(Field::Lot) || source.maps(Field::SupplierLot) {
                    with_lot[item].0 += tally.records;
                    with_lot[item].1 += tally.with_lot;
                }
                if source.role == Role::Supplier {
                    self.shipped[item].add(tally);
                    self.shipped_all.add(tally);
                }
            }
        }
        for (tracked, (records, lots)) in self.lot_tracked.iter_mut().zip(with_lot) {
            *tracked = records > 0 && reaches(lots, records, thresholds.lot_tracked_percent);
        }
    }

    /// The suppliers that an ERP source can be judged for: those of the supplier sources, where both sides name them in one vocabulary.
    fn judged(&self, source: usize) -> Option<NumberSet> {
        let sources = &self.context.sources;
        let suppliers = || sources.iter().enumerate().filter(|(_, of)| of.role == Role::Supplier);
        if sources[source].role != Role::Erp
            || !sources[source].maps(Field::Supplier)
            || suppliers().any(|(_, of)| !of.maps(Field::Supplier))
        {
            return None;
        }
        let mut known = NumberSet::default();
        suppliers().for_each(|(index, _)| known.extend(&self.tally.suppliers[index]));
        self.tally.suppliers[source].meets(&known).then_some(known)
    }

    /// Tells whether an item is lot-only in a source.
    pub fn is_lot_only(&self, source: u8, item: u32) -> bool {
        self.lot_only[usize::from(source)][item as usize]
    }

    /// Tells whether an item is lot-tracked.
    pub fn is_lot_tracked(&self, item: u32) -> bool {
        self.lot_tracked[item as usize] && (item != 0 || self.without_items)
    }

    /// Tells by place whether its item is not lot-tracked, for [`crate::cogroup::seen::Concerned`].
    pub fn untracked_places(&self) -> Vec<bool> {
        self.context.item_of.iter().map(|&item| !self.is_lot_tracked(item)).collect()
    }

    /// Gives what supplier sources shipped of an item; of all items for a blank one.
    pub fn shipped(&self, item: u32) -> &ItemTally {
        if item == 0 || self.suppliers_without_items { &self.shipped_all } else { &self.shipped[item as usize] }
    }

    /// Gives what supplier sources hold of an item, a blank one included.
    pub fn tally_of_suppliers(&self, item: u32) -> &ItemTally {
        &self.shipped[item as usize]
    }

    /// Tells whether some supplier source ships an item; a blank item counts as shipped, and so does any where no supplier source maps items.
    pub fn is_shipped(&self, item: u32) -> bool {
        item == 0 || self.suppliers_without_items || self.shipped[item as usize].records > 0
    }

    /// Tells whether the lots of two sources are of different kinds.
    pub fn has_foreign_lots(&self, left: u8, right: u8) -> bool {
        self.premises.foreign_lots[crate::lots::pair_index(left, right, self.context.sources.len())]
    }

    /// Tells whether so many serials stand under several items that SER003 becomes one finding.
    pub const fn are_serials_widespread(&self) -> bool {
        self.premises.serials_widespread
    }

    /// Tells whether an ERP record can be judged by the supplier sources.
    pub fn is_judged(&self, record: &Record) -> bool {
        let judged = &self.judged_suppliers[usize::from(self.context.source_of(record))];
        record.supplier == 0 || judged.as_ref().is_none_or(|known| known.contains(record.supplier))
    }

    /// Tells whether a record without a serial counts as a quantity of its lot.
    pub fn counts_as_lot(&self, record: &Record) -> bool {
        let source = self.context.source_of(record);
        self.context.sources[usize::from(source)].grain == Grain::Lot || self.is_lot_only(source, self.context.item(record))
    }

    /// Gives the sources that hold a lot under an item.
    pub fn lot_holders(&self, item: u32, lot: u32) -> LotTally {
        self.tally.lots.get(item, lot)
    }

    /// Gives the sources of a role, one bit each.
    pub fn sources_of(&self, role: Role) -> u128 {
        self.context.sources.iter().enumerate().filter(|(_, source)| source.role == role).fold(0, |bits, (index, _)| bits | 1 << index)
    }

    /// Gives the sources that map a field, one bit each.
    pub fn sources_mapping(&self, field: Field) -> u128 {
        self.context.sources.iter().enumerate().filter(|(_, source)| source.maps(field)).fold(0, |bits, (index, _)| bits | 1 << index)
    }

    /// Tells whether a record of another role has the lot key of a lot-grain record.
    pub fn is_lot_matched(&self, record: &Record) -> bool {
        let source = self.context.source(record);
        let item = self.context.item(record);
        let others = !self.sources_of(source.role);
        let mapping = self.sources_mapping(Field::SupplierLot);
        let suppliers = self.sources_of(Role::Supplier);
        let holders = |lot: u32| if lot == 0 { LotTally::default() } else { self.lot_holders(item, lot) };
        if source.role == Role::Supplier {
            let of = holders(record.lot);
            return others & ((of.supplier_lot & mapping) | (of.lot & !mapping)) != 0;
        }
        let for_supplier = if source.maps(Field::SupplierLot) { record.supplier_lot } else { record.lot };
        let meets_supplier = others & suppliers & holders(for_supplier).lot != 0;
        let same_kind = (holders(record.lot).lot | holders(record.supplier_lot).supplier_lot) & others & !suppliers != 0;
        meets_supplier || same_kind
    }
}
