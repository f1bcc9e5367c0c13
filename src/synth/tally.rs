//! Sums over the whole data set, and what can only be judged when they are complete.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, bail};
use counterfoil_kernel::model::{Disposition, Role, Severity};

use super::record::{Feed, Record};
use super::spelling::{Cell, look_alike_fold};
use super::truth::{Expected, Ledger};
use super::world::{Tracking, World};

/// Serials from which on SER003 may become one finding for the data set.
const SHARED_SERIALS_MIN: u64 = 1_000;

/// Units that two sources state lots of, from which on LOT006 may speak.
const COMPARABLE_UNITS_MIN: u64 = 1_000;

/// A unit of the ERP that no supplier shipped: it is judged when the item's window is known.
#[derive(Clone, Debug)]
pub struct ErpOrphan {
    /// The item; none without scope.
    pub item: Option<u32>,
    /// The supplier named and the day received, per ERP record.
    pub received: Vec<(Option<u32>, Option<i32>)>,
    /// The finding it gives if it is in the window.
    pub expected: Expected,
}

/// What all records say of one item.
#[derive(Clone, Copy, Debug, Default)]
struct ItemTally {
    /// Records of supplier sources.
    shipped: u64,
    /// First and last day shipped.
    window: Option<(i32, i32)>,
    /// Records.
    records: u64,
    /// Records with a lot.
    with_lot: u64,
}

/// What the records of one item in one source say of serials.
#[derive(Clone, Copy, Debug, Default)]
struct SerialTally {
    records: u64,
    blank: u64,
    /// Records with a blank or placeholder serial, by what they would be if the item were lot-only here:
    /// no lot, lot known to another role, lot unknown to them.
    unusable: [u64; 3],
}

/// Sums and findings of some blocks.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Findings that are certain.
    pub findings: Vec<Expected>,
    /// SER003 findings, as long as they are not too many.
    pub shared_serials: Vec<Expected>,
    /// LOT002 findings, if the item is lot-tracked.
    pub lots_missing: Vec<(u32, Expected)>,
    /// ORP002 candidates.
    pub erp_orphans: Vec<ErpOrphan>,
    /// Supplier records of units within grace, by source and document; emptied when a block ends.
    pub in_transit: BTreeMap<(Feed, Arc<str>), u64>,
    /// Distinct serials.
    pub serials: u64,
    /// Where records end.
    pub ledger: Ledger,
    /// Rejected lines by file and reason.
    pub rejected: BTreeMap<(Feed, usize, &'static str), u64>,
    lots_unknown: Vec<(u32, Expected)>,
    items: BTreeMap<u32, ItemTally>,
    serial_cells: BTreeMap<(Feed, Option<u32>), SerialTally>,
    placeholders: BTreeMap<(Feed, &'static str, &'static str), u64>,
    suppliers: BTreeSet<u32>,
    units: BTreeMap<Feed, (u64, u64)>,
    comparable: BTreeMap<(Feed, Feed), (u64, u64)>,
    /// Records by item, lot key and source; of one block, for a lot stands in one block only.
    lots: BTreeMap<u32, BTreeMap<Box<str>, [u64; Feed::ALL.len()]>>,
}

impl Tally {
    /// Counts a record that is written, whatever unit it belongs to.
    pub fn count_record(&mut self, record: &Record) {
        self.count_placeholders(record);
        let cell = self.serial_cells.entry((record.feed, record.item_number)).or_default();
        cell.records += 1;
        cell.blank += u64::from(matches!(record.serial, Cell::Blank(_)));
        if record.role() == Role::Supplier {
            self.suppliers.extend(record.supplier);
        }
        let Some(item) = record.item_number else { return };
        let tally = self.items.entry(item).or_default();
        tally.records += 1;
        if record.role() == Role::Supplier {
            tally.shipped += 1;
            if let Some(day) = record.date {
                tally.window = Some(tally.window.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
            }
        }
        let Some(lot) = record.lot.value() else { return };
        tally.with_lot += 1;
        let lots = self.lots.entry(item).or_default();
        match lots.get_mut(&lot.key) {
            Some(counts) => counts[record.feed as usize] += 1,
            None => lots.entry(lot.key.clone()).or_default()[record.feed as usize] += 1,
        }
    }

    fn count_placeholders(&mut self, record: &Record) {
        for (field, cell) in [("item", &record.item), ("serial", &record.serial), ("lot", &record.lot)] {
            if let Cell::Placeholder { value, .. } = cell {
                *self.placeholders.entry((record.feed, field, value)).or_default() += 1;
            }
        }
    }

    /// Counts a unit in the unit-grain sources that hold it, and in those that hold it more than once.
    pub fn count_unit(&mut self, feeds: &[Feed], recurring: &[Feed]) {
        for feed in feeds {
            let counts = self.units.entry(*feed).or_default();
            counts.0 += 1;
            counts.1 += u64::from(recurring.contains(feed));
        }
    }

    /// Counts a unit for every pair of sources that state a lot of it, and for those that differ.
    pub fn count_comparable(&mut self, stating: &[Feed], differing: &[(Feed, Feed)]) {
        for pair in super::expect::pairs(stating) {
            let counts = self.comparable.entry(pair).or_default();
            counts.0 += 1;
            counts.1 += u64::from(differing.contains(&pair));
        }
    }

    /// Ends a block: judges its lots, its shipments and its records without a usable serial.
    pub fn finish_block(&mut self, loose: &[&Record], world: &World) {
        for record in loose {
            let class = self.lot_class(record);
            let cell = self.serial_cells.entry((record.feed, record.item_number)).or_default();
            cell.unusable[class] += 1;
        }
        for ((feed, document), count) in std::mem::take(&mut self.in_transit) {
            let expected = Expected::new("ORP001", "in-transit", Severity::Info);
            let cited = std::iter::repeat_n(feed, count as usize);
            self.findings.push(expected.about(format!("{}/{document}", feed.name())).citing(cited));
        }
        for (item, lots) in &self.lots {
            for (lot, counts) in lots {
                if is_shipped(counts) || counts.iter().all(|&count| count == 0) {
                    continue;
                }
                let subtype = self.unknown_lot_subtype(*item, lot);
                for feed in Feed::ALL.into_iter().filter(|&feed| counts[feed as usize] > 0) {
                    let expected = Expected::new("LOT003", subtype, Severity::Error)
                        .showing(&world.items[*item as usize].code.form, "", lot)
                        .about(feed.name().to_owned())
                        .citing(std::iter::repeat_n(feed, counts[feed as usize] as usize));
                    self.lots_unknown.push((*item, expected));
                }
            }
        }
        self.lots.clear();
    }

    /// Forgets the lots of the block: those of sources that number lots each in its own way are not judged.
    pub fn forget_lots(&mut self) {
        self.lots.clear();
    }

    /// Says what a record is for a lot-only item: 0 without lot, 1 lot known to another role, 2 unknown to them.
    fn lot_class(&self, record: &Record) -> usize {
        let (Some(item), Some(lot)) = (record.item_number, record.lot.value()) else {
            return if record.lot.value().is_none() { 0 } else { 2 };
        };
        let counts = self.lots.get(&item).and_then(|lots| lots.get(&lot.key));
        let known =
            counts.is_some_and(|counts| Feed::ALL.into_iter().any(|feed| feed.role() != record.role() && counts[feed as usize] > 0));
        if known { 1 } else { 2 }
    }

    fn unknown_lot_subtype(&self, item: u32, lot: &str) -> &'static str {
        if self.lots.iter().any(|(other, lots)| *other != item && lots.get(lot).is_some_and(is_shipped)) {
            return "other-item";
        }
        let folded = look_alike_fold(lot);
        let near = self.lots[&item].iter().any(|(other, counts)| is_shipped(counts) && look_alike_fold(other) == folded);
        if near { "near" } else { "unknown" }
    }

    /// Adds the sums and findings of later blocks.
    pub fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.shared_serials.extend(other.shared_serials);
        self.lots_missing.extend(other.lots_missing);
        self.erp_orphans.extend(other.erp_orphans);
        self.lots_unknown.extend(other.lots_unknown);
        self.suppliers.extend(other.suppliers);
        self.serials += other.serials;
        self.ledger.merge(&other.ledger);
        other.rejected.into_iter().for_each(|(key, count)| *self.rejected.entry(key).or_default() += count);
        other.placeholders.into_iter().for_each(|(key, count)| *self.placeholders.entry(key).or_default() += count);
        for (item, more) in other.items {
            let tally = self.items.entry(item).or_default();
            tally.shipped += more.shipped;
            tally.records += more.records;
            tally.with_lot += more.with_lot;
            tally.window = united(tally.window, more.window);
        }
        for (key, more) in other.serial_cells {
            let cell = self.serial_cells.entry(key).or_default();
            cell.records += more.records;
            cell.blank += more.blank;
            (0..3).for_each(|class| cell.unusable[class] += more.unusable[class]);
        }
        for (key, more) in other.units {
            let counts = self.units.entry(key).or_default();
            *counts = (counts.0 + more.0, counts.1 + more.1);
        }
        for (key, more) in other.comparable {
            let counts = self.comparable.entry(key).or_default();
            *counts = (counts.0 + more.0, counts.1 + more.1);
        }
    }

    /// Judges what needs complete sums, and gives all findings, sorted.
    ///
    /// # Errors
    /// When so much is planted that a guard of the program would stop the run, or lots of two sources would not be comparable.
    pub fn resolve(&mut self, world: &World, grace_days: i32) -> Result<Vec<Expected>> {
        self.check_plausible(world)?;
        let mut findings = std::mem::take(&mut self.findings);
        self.resolve_shared_serials(&mut findings);
        for (item, expected) in std::mem::take(&mut self.lots_missing) {
            if self.is_lot_tracked(item) {
                findings.push(expected);
            }
        }
        for (item, expected) in std::mem::take(&mut self.lots_unknown) {
            if self.is_item_shipped(item) {
                findings.push(expected);
            }
        }
        self.resolve_erp_orphans(world, grace_days, &mut findings);
        self.resolve_serial_cells(world, &mut findings);
        for ((feed, field, value), count) in &self.placeholders {
            let subject = format!("{}/{field}/{value}", feed.name());
            let cited = std::iter::repeat_n(*feed, *count as usize);
            let mut finding = Expected::new("IDN002", "", Severity::Error).about(subject).citing(cited);
            match *field {
                "item" => finding.item.push_str(value),
                "serial" => finding.serial.push_str(value),
                _ => finding.lot.push_str(value),
            }
            findings.push(finding);
        }
        findings.sort();
        Ok(findings)
    }

    fn resolve_shared_serials(&mut self, findings: &mut Vec<Expected>) {
        let shared = std::mem::take(&mut self.shared_serials);
        if self.serials >= SHARED_SERIALS_MIN && shared.len() as u64 * 100 > self.serials {
            findings.push(Expected::new("SER003", "widespread", Severity::Info));
        } else {
            findings.extend(shared);
        }
    }

    fn resolve_erp_orphans(&mut self, world: &World, grace_days: i32, findings: &mut Vec<Expected>) {
        let all_items = self.items.values().fold(None, |window, item| united(window, item.window));
        let mut not_shipped: BTreeMap<u32, Vec<Feed>> = BTreeMap::new();
        for orphan in std::mem::take(&mut self.erp_orphans) {
            let judged: Vec<Option<i32>> = orphan
                .received
                .iter()
                .filter(|(supplier, _)| supplier.is_none_or(|supplier| self.suppliers.contains(&supplier)))
                .map(|(_, received)| *received)
                .collect();
            if judged.is_empty() {
                continue;
            }
            let window = match orphan.item {
                Some(item) if !self.is_item_shipped(item) => {
                    not_shipped.entry(item).or_default().extend(std::iter::repeat_n(Feed::Erp, orphan.received.len()));
                    continue;
                }
                Some(item) => self.items[&item].window,
                None => all_items,
            };
            let inside = |received: Option<i32>| match (received, window) {
                (Some(day), Some((first, last))) => (first..=last + grace_days).contains(&day),
                _ => true,
            };
            if judged.into_iter().any(inside) {
                findings.push(orphan.expected);
            }
        }
        for (item, feeds) in not_shipped {
            let expected = Expected::new("ORP002", "item-not-shipped", Severity::Info);
            findings.push(expected.showing(&world.items[item as usize].code.form, "", "").citing(feeds));
        }
    }

    /// IDN001, and the end of records without a usable serial.
    fn resolve_serial_cells(&mut self, world: &World, findings: &mut Vec<Expected>) {
        for ((feed, item), cell) in &self.serial_cells {
            let unusable: u64 = cell.unusable.iter().sum();
            let lot_only = item.is_some() && unusable * 100 >= cell.records * 99;
            if lot_only {
                self.ledger.add(*feed, Disposition::UnusableKey, cell.unusable[0]);
                self.ledger.add(*feed, Disposition::Matched, cell.unusable[1]);
                self.ledger.add(*feed, Disposition::Unmatched, cell.unusable[2]);
                continue;
            }
            self.ledger.add(*feed, Disposition::UnusableKey, unusable);
            if cell.blank > 0 {
                let shown = item.map_or("", |item| &*world.items[item as usize].code.form);
                let cited = std::iter::repeat_n(*feed, cell.blank as usize);
                findings
                    .push(Expected::new("IDN001", "", Severity::Error).showing(shown, "", "").about(feed.name().to_owned()).citing(cited));
            }
        }
    }

    fn is_item_shipped(&self, item: u32) -> bool {
        self.items.get(&item).is_some_and(|tally| tally.shipped > 0)
    }

    fn is_lot_tracked(&self, item: u32) -> bool {
        self.items.get(&item).is_some_and(|tally| 2 * tally.with_lot >= tally.records)
    }

    /// Refuses a data set that a run would refuse, or judge as a whole.
    fn check_plausible(&self, world: &World) -> Result<()> {
        for (feed, (units, recurring)) in &self.units {
            if *units >= 100 && recurring * 5 > *units {
                bail!(
                    "more than 20 % of the units of {} recur, which stops a run; lower the rates of SER001, SER002 and SER004",
                    feed.name()
                );
            }
        }
        for ((left, right), (units, differing)) in &self.comparable {
            if *units >= COMPARABLE_UNITS_MIN && differing * 2 > *units {
                bail!(
                    "more than half of the lots of {} and {} differ, which is LOT006; lower the rate of LOT001",
                    left.name(),
                    right.name()
                );
            }
        }
        for (item, tally) in &self.items {
            let keeps_no_lots = world.items[*item as usize].tracking == Tracking::SerialOnly;
            assert!(!(keeps_no_lots && tally.records > 0 && self.is_lot_tracked(*item)), "an item without lots can't be lot-tracked");
        }
        Ok(())
    }
}

fn is_shipped(counts: &[u64; Feed::ALL.len()]) -> bool {
    Feed::ALL.into_iter().any(|feed| feed.role() == Role::Supplier && counts[feed as usize] > 0)
}

fn united(left: Option<(i32, i32)>, right: Option<(i32, i32)>) -> Option<(i32, i32)> {
    match (left, right) {
        (Some((first, last)), Some((other_first, other_last))) => Some((first.min(other_first), last.max(other_last))),
        (some, none) => some.or(none),
    }
}
