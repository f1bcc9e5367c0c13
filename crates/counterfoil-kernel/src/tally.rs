//! Tallies: counters of ingest and co-grouping that add up over workers.

use crate::cogroup::seen::Sights;
use crate::cogroup::shape::{Brief, Mark, Shape, ShapeCounts};
use crate::cogroup::{Context, Units};
use crate::key::Key;
use crate::lots::{Comparison, StatedLots, compare, pair_index, stated_lots};
use crate::map::Map;
use crate::model::{Role, Source};
use crate::number_set::NumberSet;
use crate::record::{Flags, Record, Setting};
use crate::sums::{Quantities, Sums};

/// What ingest counts of one item in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemTally {
    /// Records in scope.
    pub records: u64,
    /// Those with a blank or placeholder serial.
    pub without_serial: u64,
    /// Those with a lot or supplier lot.
    pub with_lot: u64,
    /// Least valid shipped day; 0 for none.
    pub shipped_first: u16,
    /// Greatest valid shipped day; 0 for none.
    pub shipped_last: u16,
}

impl ItemTally {
    /// Adds another worker's counts.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.without_serial += other.without_serial;
        self.with_lot += other.with_lot;
        self.note_shipped(other.shipped_first);
        self.note_shipped(other.shipped_last);
    }

    /// Widens the window of shipped days; 0 is no day.
    #[inline]
    pub fn note_shipped(&mut self, day: u16) {
        if day != 0 {
            self.shipped_first = if self.shipped_first == 0 { day } else { self.shipped_first.min(day) };
            self.shipped_last = self.shipped_last.max(day);
        }
    }
}

/// Which sources hold a lot key: one bit a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LotTally {
    /// As `lot`.
    pub lot: u128,
    /// As `supplier_lot`.
    pub supplier_lot: u128,
}

/// Which sources hold each lot of each item.
#[derive(Clone, Debug, Default)]
pub struct LotTallies {
    /// By lot number: the item under which the lot was met first, [`NO_ITEM`] for none. Most lots have one item, and there may be as many lots as records.
    first: Vec<u32>,
    /// By source: the lots that it holds under their first item, as `lot` and as `supplier_lot`.
    held: Vec<[NumberSet; 2]>,
    /// By item and lot: what is known of lots under other items.
    others: Map<(u32, u32), LotTally>,
}

/// No number of an item.
const NO_ITEM: u32 = u32::MAX;

impl LotTallies {
    fn new(sources: usize) -> Self {
        Self { held: vec![Default::default(); sources], ..Self::default() }
    }

    /// Gives the sources that hold a lot of an item.
    pub fn get(&self, item: u32, lot: u32) -> LotTally {
        if self.first.get(lot as usize) == Some(&item) {
            self.of_first(lot)
        } else {
            self.others.get(&(item, lot)).copied().unwrap_or_default()
        }
    }

    fn of_first(&self, lot: u32) -> LotTally {
        let holding = |kind: usize| {
            let sources = self.held.iter().enumerate();
            sources.fold(0, |sources, (source, held)| sources | u128::from(held[kind].contains(lot)) << source)
        };
        LotTally { lot: holding(0), supplier_lot: holding(1) }
    }

    /// Lists what is known, by item and lot, in no order.
    pub fn iter(&self) -> impl Iterator<Item = ((u32, u32), LotTally)> {
        let first = (0..).zip(&self.first).filter(|(_, item)| **item != NO_ITEM);
        let first = first.map(|(lot, &item)| ((item, lot), self.of_first(lot)));
        first.chain(self.others.iter().map(|(&key, &tally)| (key, tally)))
    }

    /// Notes a lot that is not blank as that of a source, by kind: 0 for `lot`, 1 for `supplier_lot`.
    fn note(&mut self, source: usize, kind: usize, item: u32, lot: u32) {
        let at = lot as usize;
        if self.first.len() <= at {
            self.first.resize(at + 1, NO_ITEM);
        }
        let first = &mut self.first[at];
        if *first == NO_ITEM {
            *first = item;
        }
        if *first == item {
            self.held[source][kind].insert(lot);
        } else {
            let tally = self.others.entry((item, lot)).or_default();
            let sources = if kind == 0 { &mut tally.lot } else { &mut tally.supplier_lot };
            *sources |= 1 << source;
        }
    }

    fn add(&mut self, other: &Self) {
        for ((item, lot), tally) in other.iter() {
            for (kind, sources) in [tally.lot, tally.supplier_lot].into_iter().enumerate() {
                let mut rest = sources;
                while rest != 0 {
                    self.note(rest.trailing_zeros() as usize, kind, item, lot);
                    rest &= rest - 1;
                }
            }
        }
    }
}

/// What ingest counts.
#[derive(Clone, Debug, Default)]
pub struct IngestTally {
    /// By source, then by item number.
    pub items: Vec<Vec<ItemTally>>,
    /// By item number and lot number.
    pub lots: LotTallies,
    /// By source: the suppliers named by its records.
    pub suppliers: Vec<NumberSet>,
    /// By step, over all sources: records whose serial it changed.
    pub steps_changed: [u64; 8],
    /// By source: records of event grain without a lot.
    pub without_lot: Vec<u64>,
}

impl IngestTally {
    /// Makes an empty tally.
    pub fn new(sources: usize) -> Self {
        Self {
            items: vec![Vec::new(); sources],
            lots: LotTallies::new(sources),
            suppliers: vec![NumberSet::default(); sources],
            steps_changed: [0; 8],
            without_lot: vec![0; sources],
        }
    }

    /// Gives the counts of an item in a source, to be changed.
    pub fn item(&mut self, source: u8, item: u32) -> &mut ItemTally {
        let items = &mut self.items[usize::from(source)];
        if items.len() <= item as usize {
            items.resize(item as usize + 1, ItemTally::default());
        }
        &mut items[item as usize]
    }

    /// Notes that a source holds a lot and a supplier lot under an item; 0 is none.
    pub fn note_lots(&mut self, source: u8, item: u32, lot: u32, supplier_lot: u32) {
        if lot != 0 {
            self.lots.note(usize::from(source), 0, item, lot);
        }
        if supplier_lot != 0 {
            self.lots.note(usize::from(source), 1, item, supplier_lot);
        }
    }

    /// Adds another worker's counts.
    pub fn add(&mut self, other: Self) {
        for (source, items) in other.items.into_iter().enumerate() {
            for (item, tally) in items.iter().enumerate() {
                self.item(source as u8, item as u32).add(tally);
            }
        }
        self.lots.add(&other.lots);
        self.suppliers.iter_mut().zip(&other.suppliers).for_each(|(own, other)| own.extend(other));
        for (own, other) in self.steps_changed.iter_mut().zip(other.steps_changed) {
            *own += other;
        }
        for (own, other) in self.without_lot.iter_mut().zip(other.without_lot) {
            *own += other;
        }
    }
}

/// What co-grouping counts over all units, before any rule runs.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Usable serials.
    pub serials: u64,
    /// Those under two or more items.
    pub serials_on_several_items: u64,
    /// Units by the roles that hold them: bit 0 supplier, bit 1 ERP, bit 2 warranty.
    pub units_by_roles: [u64; 8],
    /// By source.
    pub sources: Vec<SourceSurvey>,
    /// By pair of sources ([`pair_index`]): units comparable, and those that differ.
    pub lot_pairs: Vec<(u64, u64)>,
    /// Matches between two roles of a unit by the rank of the last step that changed either side; 0: none.
    pub matches: [u64; 9],
    /// Records whose digits-only serial was confirmed a placeholder, by what they share; supplier and layout are left out.
    pub digits_placeholders: Map<Setting, Sums>,
    /// The keys of those serials, once each.
    pub digits_keys: Vec<Key>,
}

/// What co-grouping counts of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceSurvey {
    /// Units that it holds.
    pub units: u64,
    /// Those that a source of another role holds too.
    pub shared: u64,
    /// Those of which it holds two or more records.
    pub recurring: u64,
}

impl Survey {
    /// Makes an empty survey.
    pub fn new(sources: usize) -> Self {
        Self { sources: vec![SourceSurvey::default(); sources], lot_pairs: vec![(0, 0); sources * sources], ..Self::default() }
    }

    /// Adds another worker's counts.
    pub fn add(&mut self, other: Self) {
        self.serials += other.serials;
        self.serials_on_several_items += other.serials_on_several_items;
        self.units_by_roles.iter_mut().zip(other.units_by_roles).for_each(|(own, other)| *own += other);
        self.matches.iter_mut().zip(other.matches).for_each(|(own, other)| *own += other);
        for (own, other) in self.sources.iter_mut().zip(other.sources) {
            own.units += other.units;
            own.shared += other.shared;
            own.recurring += other.recurring;
        }
        for (own, other) in self.lot_pairs.iter_mut().zip(other.lot_pairs) {
            own.0 += other.0;
            own.1 += other.1;
        }
        for (setting, sums) in other.digits_placeholders {
            self.digits_placeholders.entry(setting).or_default().add(&sums);
        }
        self.digits_keys.extend(other.digits_keys);
    }

    /// Counts the sources, matches and, where pairs of sources are given, equal lots of so many units, whose records come by source.
    fn count_alike(&mut self, briefs: &[Brief], count: u64, sources: &[Source], pairs: &[bool]) {
        let role = |brief: &Brief| sources[usize::from(brief.source())].role as usize;
        let roles = briefs.iter().fold(0, |roles, brief| roles | 1 << role(brief));
        self.units_by_roles[roles] += count;
        let mut best = [u8::MAX; 3];
        for own in briefs.chunk_by(|left, right| left.source() == right.source()) {
            let of = &mut self.sources[usize::from(own[0].source())];
            of.units += count;
            of.shared += if roles & !(1 << role(&own[0])) == 0 { 0 } else { count };
            of.recurring += if own.len() > 1 { count } else { 0 };
            let best = &mut best[role(&own[0])];
            *best = own.iter().fold(*best, |best, brief| best.min(brief.rank()));
        }
        for (left, right) in [(0, 1), (0, 2), (1, 2)] {
            if best[left] != u8::MAX && best[right] != u8::MAX {
                self.matches[usize::from(best[left].max(best[right]))] += count;
            }
        }
        let mut stating: Vec<u8> = briefs.iter().filter(|brief| brief.states_lot()).map(|brief| brief.source()).collect();
        stating.dedup();
        for (index, &left) in stating.iter().enumerate() {
            for &right in &stating[index + 1..] {
                let pair = pair_index(left, right, self.sources.len());
                self.lot_pairs[pair].0 += if pairs.get(pair) == Some(&true) { count } else { 0 };
            }
        }
    }

    fn count_lots(&mut self, lots: &[StatedLots], context: &Context) {
        for (index, left) in lots.iter().enumerate() {
            for right in &lots[index + 1..] {
                let comparison = compare(left, right, context);
                if comparison != Comparison::None {
                    let pair = &mut self.lot_pairs[pair_index(left.source, right.source, context.sources.len())];
                    pair.0 += 1;
                    pair.1 += u64::from(comparison == Comparison::Differs);
                }
            }
        }
    }

    /// Counts the units that sources of other roles than this hold.
    pub fn units_of_others(&self, role: Role) -> u64 {
        (0..8).filter(|roles| roles & !(1 << role as u8) != 0).map(|roles| self.units_by_roles[roles]).sum()
    }
}

/// A survey on its way: units of one shape are counted together, over all parts that a worker meets.
#[derive(Debug)]
pub struct Surveying {
    survey: Survey,
    alike: Map<Shape, u64>,
    /// By pair of sources: whether they are compared when both state a `lot` and no supplier lot.
    pairs: Vec<bool>,
}

impl Surveying {
    /// Starts with nothing counted.
    pub fn new(context: &Context) -> Self {
        Self { survey: Survey::new(context.sources.len()), alike: Map::default(), pairs: plain_pairs(context) }
    }

    /// Counts the units of one part of a partition.
    pub fn count(&mut self, units: &Units<'_>, quantities: &Quantities, file_digests: &[u64]) {
        let Self { survey, alike, pairs } = self;
        for serial in units.serials {
            survey.serials += u64::from(serial.start != serial.usable_end);
            survey.serials_on_several_items += u64::from(serial.on_several_items);
            let confirmed = &units.records[serial.usable_end as usize..serial.end as usize];
            survey.digits_keys.extend(confirmed.first().map(|record| record.key));
            for record in confirmed {
                let setting = Setting { supplier: 0, layout: 0, ..record.setting() };
                let digest = record.digest(file_digests[record.file as usize]);
                survey.digits_placeholders.entry(setting).or_default().add_record(quantities.of(record), digest);
            }
        }
        survey.serials += units.quiet.serials;
        let (sources, mut shapes, mut briefs, mut lots) = (&units.context.sources, ShapeCounts::default(), Vec::new(), Vec::new());
        for unit in units.units {
            let records = units.records_of(unit);
            if records.len() <= Shape::RECORDS && !unit.sights.has(Sights::LOTS_MAY_DIFFER) {
                shapes.count(unit.shape);
                continue;
            }
            briefs.clear();
            briefs.extend(records.iter().map(|record| Brief::new(Mark::new(units.context.source_of(record)), record)));
            if unit.sights.has(Sights::LOTS_MAY_DIFFER) {
                survey.count_alike(&briefs, 1, sources, &[]);
                stated_lots(records, units.context, &mut lots);
                survey.count_lots(&lots, units.context);
            } else {
                survey.count_alike(&briefs, 1, sources, pairs);
            }
        }
        units.quiet.shapes.counts().chain(shapes.counts()).for_each(|(shape, count)| *alike.entry(shape).or_default() += count);
    }

    /// Ends the survey.
    pub fn finish(self, context: &Context) -> Survey {
        let Self { mut survey, alike, pairs } = self;
        for (shape, count) in alike {
            let briefs: Vec<Brief> = shape.briefs().collect();
            survey.count_alike(&briefs, count, &context.sources, &pairs);
        }
        survey
    }
}

/// Tells for each pair of sources whether they are compared when both state a `lot` and no supplier lot.
fn plain_pairs(context: &Context) -> Vec<bool> {
    let count = context.sources.len();
    let mut pairs = vec![false; count * count];
    for left in 0..count as u8 {
        for right in left + 1..count as u8 {
            let [left_lots, right_lots] = [left, right].map(StatedLots::plain);
            pairs[pair_index(left, right, count)] = compare(&left_lots, &right_lots, context) != Comparison::None;
        }
    }
    pairs
}

/// Tells whether a record's serial is a placeholder.
pub const fn is_placeholder(record: &Record) -> bool {
    record.flags.has(Flags::PLACEHOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lots under one item and under several, in two workers that met them in another order: as a map holds them.
    #[test]
    fn lots_are_held_under_each_of_their_items() {
        let mut expected: Map<(u32, u32), LotTally> = Map::default();
        let mut workers = [IngestTally::new(3), IngestTally::new(3)];
        for number in 0..600_u32 {
            let (source, item) = ((number % 3) as u8, number / 7 % 4);
            let (lot, supplier_lot) = (number * 5 % 90, if number % 4 == 0 { number * 11 % 40 } else { 0 });
            workers[usize::from(number % 5 < 2)].note_lots(source, item, lot, supplier_lot);
            if lot != 0 {
                expected.entry((item, lot)).or_default().lot |= 1 << source;
            }
            if supplier_lot != 0 {
                expected.entry((item, supplier_lot)).or_default().supplier_lot |= 1 << source;
            }
        }
        let [mut sum, other] = workers;
        sum.add(other);
        for (item, lot) in (0..5).flat_map(|item| (0..100).map(move |lot| (item, lot))) {
            assert_eq!(sum.lots.get(item, lot), expected.get(&(item, lot)).copied().unwrap_or_default(), "item {item}, lot {lot}");
        }
        let listed: Vec<_> = sum.lots.iter().collect();
        assert_eq!(listed.len(), expected.len());
        assert!(listed.into_iter().all(|(key, tally)| expected[&key] == tally), "each once");
    }
}
