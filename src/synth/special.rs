//! What can't be planted unit by unit: digits-only placeholders, serials stored as numbers, lots of another kind.

use std::sync::Arc;

use counterfoil_kernel::model::{Disposition, Severity};

use super::block::{Course, Group, LOTS_MAX, Product, conclude};
use super::record::{Feed, Record};
use super::spelling::{Cell, Spelling};
use super::tally::Tally;
use super::truth::Expected;
use super::world::{COUNTRIES, Tracking};

/// Digits-only placeholders that one source holds three times under one item, as written and as compared.
const REACHING: [(&str, &str); 5] =
    [("0000", "0000"), (" 999999", "999999"), ("=\"12345\"", "12345"), ("0123456789", "0123456789"), ("00\u{a0}", "00")];

/// Digits-only entries that no source holds three times under one item: serials as any other.
const NOT_REACHING: [&str; 5] = ["000", "9999", "1234", "123456", "111111"];

/// Units whose serials the ERP stores as numbers.
const NUMERIC_UNITS: u64 = 200;

/// Units of the supplier whose lots the ERP numbers anew: enough for the pair of sources to be judged.
const FOREIGN_UNITS: u64 = 1_500;

/// Makes records by hand, on one day and one line after the other.
struct Maker<'a> {
    course: &'a Course,
    lots: Vec<(u32, Arc<Spelling>)>,
    made: u32,
    kind: &'static str,
}

impl<'a> Maker<'a> {
    /// Starts with two items that have serials and lots, one lot each, which no block has.
    fn new(course: &'a Course, kind: &'static str, lot_number: u64) -> Self {
        let world = &course.world;
        let number = course.blocks() * LOTS_MAX + lot_number * 4;
        let items = world.items_tracked(Tracking::SerialAndLot).take(2);
        let lots = items
            .enumerate()
            .map(|(at, item)| (item, world.lot(world.items[item as usize].suppliers[0], number + at as u64, world.start + 90)));
        Self { course, lots: lots.collect(), made: 0, kind }
    }

    fn record(&mut self, feed: Feed, item: usize, serial: Cell) -> Record {
        let world = &self.course.world;
        let (item, lot) = &self.lots[item];
        let supplier = world.items[*item as usize].suppliers[0];
        self.made += 1;
        let is_claim = feed == Feed::Warranty;
        Record {
            feed,
            item: Cell::Value(world.items[*item as usize].code.clone()),
            item_number: Some(*item),
            serial,
            lot: Cell::Value(lot.clone()),
            supplier: (!is_claim).then_some(supplier),
            document: format!("{}{:06}", self.kind, self.made).into(),
            line: 1,
            date: Some(world.start + if is_claim { 160 } else { 100 }),
            quantity: 1,
            codes: [0; 3],
            customer: u32::from(is_claim),
            country: COUNTRIES[0],
            noise: 0,
            order: 0,
        }
    }
}

/// Makes digits-only serials: some that are placeholders by their number under one item, and some that are not.
pub fn digits_only(course: &Course) -> Product {
    let mut maker = Maker::new(course, "DX", 1);
    let mut loose = Vec::new();
    for (raw, value) in REACHING {
        let serial = Cell::Placeholder { raw, value };
        (0..3).for_each(|_| loose.push(maker.record(Feed::Supplier, 0, serial.clone())));
        // Having reached three in one place, the value counts everywhere.
        loose.push(maker.record(Feed::Supplier, 1, serial.clone()));
        loose.push(maker.record(Feed::Erp, 1, serial.clone()));
        loose.push(maker.record(Feed::Warranty, 0, serial));
    }
    let mut groups = Vec::new();
    for text in NOT_REACHING {
        let serial = Cell::Value(Spelling::plain(text));
        let mut records = vec![maker.record(Feed::Supplier, 0, serial.clone()), maker.record(Feed::Supplier, 0, serial.clone())];
        records.push(maker.record(Feed::Supplier, 1, serial.clone()));
        records.push(maker.record(Feed::Erp, 0, serial.clone()));
        records.push(maker.record(Feed::Warranty, 1, serial));
        groups.push(Group { item: maker.lots[0].0, records, is_alone: true });
    }
    conclude(course, groups, loose)
}

/// Makes units with digits-only serials that the ERP stores as numbers.
pub fn numeric_serials(course: &Course) -> Product {
    let mut maker = Maker::new(course, "NX", 2);
    let groups = (0..NUMERIC_UNITS).map(|unit| {
        let serial = Cell::Value(Spelling::plain(&format!("7{:011}", unit * 7 + 31)));
        let records = vec![maker.record(Feed::Supplier, 0, serial.clone()), maker.record(Feed::Erp, 0, serial)];
        Group { item: maker.lots[0].0, records, is_alone: true }
    });
    let groups = groups.collect();
    Product { numeric_serials: true, ..conclude(course, groups, Vec::new()) }
}

/// Makes units of two more sources whose lots are of different kinds, and the one finding that says so.
pub fn foreign_lots(course: &Course) -> Product {
    let mut maker = Maker::new(course, "FX", 3);
    let mut tally = Tally::default();
    let mut records = Vec::new();
    for unit in 0..FOREIGN_UNITS {
        let serial = Cell::Value(Spelling::compose(&["FOR", &format!("{unit:07}")], "-", false));
        let shipped = maker.record(Feed::SupplierForeign, 0, serial.clone());
        let mut received = maker.record(Feed::ErpForeign, 0, serial);
        received.lot = Cell::Value(Spelling::plain(&format!("INT{:05}", unit / 25)));
        records.extend([shipped, received]);
        tally.serials += 1;
        tally.count_unit(&[Feed::SupplierForeign, Feed::ErpForeign], &[]);
    }
    for record in &records {
        tally.count_record(record);
        tally.ledger.add(record.feed, Disposition::Matched, 1);
    }
    tally.forget_lots();
    let subject = format!("{}/{}", Feed::SupplierForeign.name(), Feed::ErpForeign.name());
    tally.findings.push(Expected::new("LOT006", "", Severity::Error).about(subject).naming(&[Feed::SupplierForeign, Feed::ErpForeign]));
    records.sort_by_key(|record| (record.feed, record.date));
    Product { records, tally, numeric_serials: false }
}
