//! A block of units: lots in the order of production, shipments, receipts and claims, with defects planted on the way.
//!
//! A block depends on the seed and its number alone. Lots, documents and serials of a block occur in no other, so that all
//! but sums over items is judged inside it.

use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::defects::{Defect, Rates};
use super::expect;
use super::record::{Feed, Record};
use super::spelling::{Cell, Spelling};
use super::tally::Tally;
use super::world::{COUNTRIES, FAILURES, SITES, STATUSES, Tracking, World};

/// The most documents of one block.
const DOCUMENTS_MAX: u64 = 4_096;

/// The most lots of one block.
pub(super) const LOTS_MAX: u64 = 1_024;

/// Sizes of lots, small ones as likely as great ones.
const LOT_SIZES: [u64; 9] = [50, 80, 120, 200, 320, 500, 800, 1_200, 2_000];

/// How many units of a lot-only item stand on one record.
const LOT_RECORD_UNITS: u64 = 10;

/// What all blocks know.
#[derive(Clone, Debug)]
pub struct Course {
    /// The world.
    pub world: World,
    /// How often defects are planted.
    pub rates: Rates,
    /// Grace in days.
    pub grace_days: i32,
    /// Units of a block.
    pub block_units: u64,
}

impl Course {
    /// Gives how many blocks there are.
    pub fn blocks(&self) -> u64 {
        self.world.units.div_ceil(self.block_units)
    }
}

/// A lot.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub(super) item: u32,
    pub(super) supplier: u32,
    pub(super) code: Arc<Spelling>,
    /// What the ERP calls it.
    pub(super) erp_code: Arc<Spelling>,
    size: u64,
}

/// Units that travel together.
pub(super) struct Shipment {
    number: u32,
    document: Arc<str>,
    receipt: Arc<str>,
    shipped: i32,
    /// The day received; none: still on its way.
    pub(super) received: Option<i32>,
    site: u8,
}

/// A unit while its records are made.
pub(super) struct Place<'a> {
    pub(super) unit: u64,
    /// The number in its serial: units of a lot leave it in no order.
    serial_number: u64,
    pub(super) lot: &'a Lot,
    pub(super) lots: &'a [Lot],
    pub(super) shipment: &'a Shipment,
}

/// The records of one serial.
pub(super) struct Group {
    pub(super) item: u32,
    pub(super) records: Vec<Record>,
    /// No other unit may meet it.
    pub(super) is_alone: bool,
}

/// A block while it is made.
pub struct Block<'a> {
    pub(super) course: &'a Course,
    pub(super) rng: Pcg64Mcg,
    number: u64,
    documents: u64,
    pub(super) groups: Vec<Group>,
    /// Records that never had a serial.
    pub(super) loose: Vec<Record>,
    /// Defects that must occur in this block at the next unit that can have them.
    due: Vec<Defect>,
}

/// A finished block: its records and what they must give.
pub struct Product {
    /// All records, by source, each source in the order of its files.
    pub records: Vec<Record>,
    /// Sums and findings.
    pub tally: Tally,
    /// The ERP stores the serials of these records as numbers.
    pub numeric_serials: bool,
}

impl<'a> Block<'a> {
    /// Starts a block. Every defect that is planted at all is due in some block.
    pub fn new(course: &'a Course, number: u64) -> Self {
        let world = &course.world;
        let mut mixed = world.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let count = Defect::ALL.len() as u64;
        let home = |at: u64| (2 * at + 1) * world.units / (2 * count) / course.block_units;
        let planted = Defect::ALL.iter().filter(|(defect, _, _)| course.rates.of(*defect) > 0.0);
        let due = planted.map(|(defect, _, _)| *defect).filter(|defect| home(*defect as u64) == number).collect();
        Self {
            course,
            rng: Pcg64Mcg::seed_from_u64(mixed ^ (mixed >> 29)),
            number,
            documents: 0,
            groups: Vec::new(),
            loose: Vec::new(),
            due,
        }
    }

    /// Makes the block's units.
    pub fn grow(&mut self) {
        let first = self.number * self.course.block_units;
        let end = (first + self.course.block_units).min(self.course.world.units);
        let lots = self.draw_lots(first, end);
        let mut unit = first;
        for lot in &lots {
            let lot_start = unit;
            let lot_end = unit + lot.size;
            let mut serial_numbers: Vec<u64> = (lot_start..lot_end).collect();
            serial_numbers.shuffle(&mut self.rng);
            while unit < lot_end {
                let shipment_end = (unit + self.rng.random_range(20..200)).min(lot_end);
                let shipment = self.draw_shipment(unit);
                let places = (unit..shipment_end).map(|unit| Place {
                    unit,
                    serial_number: serial_numbers[(unit - lot_start) as usize],
                    lot,
                    lots: &lots,
                    shipment: &shipment,
                });
                if self.course.world.items[lot.item as usize].tracking == Tracking::LotOnly {
                    places.step_by(LOT_RECORD_UNITS as usize).for_each(|place| self.ship_without_serials(&place));
                } else {
                    places.enumerate().for_each(|(line, place)| self.ship_unit(&place, line as u32 + 1));
                }
                unit = shipment_end;
            }
        }
    }

    /// Judges the block and hands over its records, each source in order.
    pub fn finish(self) -> Product {
        conclude(self.course, self.groups, self.loose)
    }

    fn draw_lots(&mut self, first: u64, end: u64) -> Vec<Lot> {
        let world = &self.course.world;
        let greatest = (world.units / 20).clamp(60, 2_000);
        let mut lots: Vec<Lot> = Vec::new();
        let mut unit = first;
        while unit < end {
            let item = world.draw_item(&mut self.rng);
            let suppliers = &world.items[item as usize].suppliers;
            let supplier = suppliers[self.rng.random_range(0..suppliers.len())];
            let base = LOT_SIZES[self.rng.random_range(0..LOT_SIZES.len())];
            let drawn = (base + self.rng.random_range(0..base / 4)).min(greatest).min(end - unit);
            let number = self.number * LOTS_MAX + lots.len() as u64;
            let made = (world.ship_day(unit) - self.rng.random_range(3..20)).max(0);
            let code = match lots.last() {
                // Two items may carry equal lot codes: a lot belongs to its item.
                Some(last) if last.item != item && self.rng.random_bool(0.04) => last.code.clone(),
                _ => world.lot(supplier, number, made),
            };
            let is_planted = self.course.rates.misspelt_lot > 0.0;
            // One small lot is misspelt in any data set.
            let is_due = is_planted && self.number == self.course.blocks() / 3 && lots.len() == 2;
            let is_misspelt = is_planted && (self.rng.random_bool(self.course.rates.misspelt_lot) || is_due);
            let size = if is_due { drawn.min(LOT_SIZES[0]) } else { drawn };
            let erp_code = if is_misspelt { code.misread().unwrap_or_else(|| world.stray_lot(unit)) } else { code.tidy() };
            lots.push(Lot { item, supplier, code, erp_code, size });
            unit += size;
        }
        assert!(lots.len() as u64 <= LOTS_MAX, "a block holds at most {LOTS_MAX} lots");
        lots
    }

    fn draw_shipment(&mut self, unit: u64) -> Shipment {
        let world = &self.course.world;
        let shipped = (world.ship_day(unit) + self.rng.random_range(0..4)).min(world.as_of);
        let received = shipped + self.rng.random_range(2..13);
        Shipment {
            number: self.documents as u32,
            document: self.next_document("DN"),
            receipt: self.next_document("GR"),
            shipped,
            received: (received <= world.as_of).then_some(received),
            site: self.rng.random_range(0..SITES.len()) as u8,
        }
    }

    /// Numbers a document that no other record has.
    pub(super) fn next_document(&mut self, kind: &str) -> Arc<str> {
        self.documents += 1;
        assert!(self.documents <= DOCUMENTS_MAX * 4, "a block numbers at most {} documents", DOCUMENTS_MAX * 4);
        format!("{kind}{:09}", self.number * DOCUMENTS_MAX * 4 + self.documents).into()
    }

    fn ship_without_serials(&mut self, place: &Place<'_>) {
        let units = LOT_RECORD_UNITS as u32;
        let line = (place.unit % 1_000) as u32;
        let mut records = vec![self.supplier_record(place, Cell::Blank(""), line)];
        records.extend(self.erp_record(place, Cell::Blank("")));
        if place.shipment.received.is_some() && self.rng.random_bool(0.3) {
            records.extend(self.claim(place, Cell::Blank(" "), 0));
        }
        for mut record in records {
            record.quantity = if record.feed == Feed::Warranty { 1 } else { units };
            // A claim on a part without serial names its item: a blank item is never lot-only.
            self.name_item(&mut record, place.lot.item);
            self.loose.push(record);
        }
    }

    fn ship_unit(&mut self, place: &Place<'_>, line: u32) {
        let world = &self.course.world;
        let tracking = world.items[place.lot.item as usize].tracking;
        let serial = Cell::Value(world.serial(place.lot.supplier, place.serial_number, place.shipment.shipped));
        let mut records = Vec::with_capacity(3);
        if tracking != Tracking::NeverShipped {
            records.push(self.supplier_record(place, serial.clone(), line));
        }
        records.extend(self.erp_record(place, serial.clone()));
        if place.shipment.received.is_some() && self.rng.random_bool(0.265) {
            let claims = 1 + u64::from(self.rng.random_bool(0.2));
            (0..claims).for_each(|claim| records.extend(self.claim(place, serial.clone(), claim)));
        }
        let is_plain = matches!(tracking, Tracking::SerialAndLot | Tracking::SerialOnly) && place.shipment.received.is_some();
        let group = Group { item: place.lot.item, records, is_alone: false };
        if is_plain { self.plant_in(group, tracking, place) } else { self.groups.push(group) }
    }

    /// Plants what the unit drew, and what is due, and keeps the unit.
    fn plant_in(&mut self, mut group: Group, tracking: Tracking, place: &Place<'_>) {
        let drawn = match self.due.pop() {
            Some(due) if due.needs_lots() && tracking == Tracking::SerialOnly => {
                self.due.push(due);
                None
            }
            Some(due) if due.is_alone() && self.groups.len() < 2 => {
                self.due.insert(0, due);
                None
            }
            Some(due) => Some(due),
            None => self.course.rates.draw(&mut self.rng),
        };
        let Some(first) = drawn.filter(|defect| !(defect.needs_lots() && tracking == Tracking::SerialOnly)) else {
            self.groups.push(group);
            return;
        };
        if first.is_alone() {
            self.plant_across(first, group, place);
            return;
        }
        self.plant(first, &mut group.records, place);
        if self.rng.random_bool(0.15) {
            let second = Defect::ALL[self.rng.random_range(0..Defect::ALL.len())].0;
            let is_planted = self.course.rates.of(second) > 0.0 && second != first && !second.is_alone();
            if is_planted && !(second.needs_lots() && tracking == Tracking::SerialOnly) {
                self.plant(second, &mut group.records, place);
            }
        }
        self.groups.push(group);
    }

    fn supplier_record(&mut self, place: &Place<'_>, serial: Cell, line: u32) -> Record {
        let maker = &self.course.world.suppliers[place.lot.supplier as usize];
        let mut record = self.blank_record(Feed::Supplier, place, serial);
        record.lot = self.lot_cell(place.lot.item, &place.lot.code);
        record.document = place.shipment.document.clone();
        record.line = line;
        record.date = Some(place.shipment.shipped);
        record.country = maker.country;
        self.add_noise(&mut record, 8);
        record
    }

    fn erp_record(&mut self, place: &Place<'_>, serial: Cell) -> Option<Record> {
        let received = place.shipment.received?;
        let mut record = self.blank_record(Feed::Erp, place, serial);
        record.serial = tidy(record.serial);
        if self.course.world.items[place.lot.item as usize].tracking == Tracking::NeverShipped {
            record.supplier = None;
        }
        record.lot = self.lot_cell(place.lot.item, &place.lot.erp_code);
        record.document = place.shipment.receipt.clone();
        record.date = Some(received);
        // Receipts are booked one after the other, their units as the scanner meets them.
        record.order = (place.shipment.number << 12) | self.rng.random_range(0..1 << 12);
        record.codes = [place.shipment.site, self.rng.random_range(0..STATUSES.len()) as u8, 0];
        self.add_noise(&mut record, 20);
        Some(record)
    }

    /// Makes a claim on a unit, after its receipt; none when it was never received.
    pub(super) fn claim(&mut self, place: &Place<'_>, serial: Cell, ordinal: u64) -> Option<Record> {
        let received = place.shipment.received?;
        let mut record = self.blank_record(Feed::Warranty, place, serial);
        record.serial = tidy(record.serial);
        record.document = format!("C{:010}", place.unit * 8 + ordinal).into();
        record.date = Some(self.rng.random_range(received..=self.course.world.as_of));
        record.supplier = None;
        record.codes = [0, self.rng.random_range(0..5_u8) / 4, self.rng.random_range(0..FAILURES.len()) as u8];
        record.customer = self.rng.random_range(1..=2_000);
        record.country = COUNTRIES[record.customer as usize % COUNTRIES.len()];
        if self.rng.random_bool(0.5) {
            record.lot = self.lot_cell(place.lot.item, &place.lot.code);
        }
        if self.rng.random_bool(0.05) {
            record.item = Cell::Blank("");
            record.item_number = None;
        }
        self.add_noise(&mut record, 80);
        Some(record)
    }

    fn blank_record(&self, feed: Feed, place: &Place<'_>, serial: Cell) -> Record {
        Record {
            feed,
            item: Cell::Value(self.course.world.items[place.lot.item as usize].code.clone()),
            item_number: Some(place.lot.item),
            serial,
            lot: Cell::Blank(""),
            supplier: Some(place.lot.supplier),
            document: "".into(),
            line: 0,
            date: None,
            quantity: 1,
            codes: [0; 3],
            customer: 0,
            country: "",
            noise: 0,
            order: 0,
        }
    }

    fn lot_cell(&self, item: u32, code: &Arc<Spelling>) -> Cell {
        match self.course.world.items[item as usize].tracking {
            Tracking::SerialOnly => Cell::Blank(""),
            _ => Cell::Value(code.clone()),
        }
    }

    /// Names an item in a record, well spelled.
    pub(super) fn name_item(&self, record: &mut Record, item: u32) {
        record.item = Cell::Value(self.course.world.items[item as usize].code.clone());
        record.item_number = Some(item);
    }

    /// Respells fields of some records (so many in a thousand) so that they mean the same.
    fn add_noise(&mut self, record: &mut Record, share: u32) {
        let drawn = self.rng.random_range(0..1_000);
        if drawn >= 3 * share {
            return;
        }
        let rng = &mut self.rng;
        match drawn % 16 {
            0..=5 => respell(&mut record.serial, |serial| serial.respelled(rng, false)),
            6 => respell(&mut record.serial, |serial| serial.reseparated(rng)),
            7..=9 => respell(&mut record.lot, |lot| lot.respelled(rng, false)),
            10 | 11 => respell(&mut record.lot, |lot| lot.reseparated(rng)),
            12 => respell(&mut record.item, |item| item.respelled(rng, true)),
            _ => record.noise = 1 << rng.random_range(0..5),
        }
    }
}

/// Judges groups and records without serial that no other block shares, and hands over their records, each source by date.
pub(super) fn conclude(course: &Course, groups: Vec<Group>, loose: Vec<Record>) -> Product {
    let mut tally = Tally::default();
    let mut usable: Vec<&Record> = Vec::new();
    for group in &groups {
        group.records.iter().for_each(|record| tally.count_record(record));
        usable.clear();
        usable.extend(group.records.iter().filter(|record| record.usable_serial().is_some()));
        expect::judge(&usable, &course.world, course.grace_days, &mut tally);
    }
    loose.iter().for_each(|record| tally.count_record(record));
    let in_groups = groups.iter().flat_map(|group| &group.records).filter(|record| record.usable_serial().is_none());
    let without_serial: Vec<&Record> = in_groups.chain(&loose).collect();
    tally.finish_block(&without_serial, &course.world);
    let mut records: Vec<Record> = groups.into_iter().flat_map(|group| group.records).chain(loose).collect();
    records.sort_by_key(|record| (record.feed, record.date, record.order));
    Product { records, tally, numeric_serials: false }
}

/// Changes the spelling of an identifier; blanks and placeholders stay.
pub(super) fn respell(cell: &mut Cell, change: impl FnOnce(&Spelling) -> Arc<Spelling>) {
    if let Cell::Value(spelling) = cell {
        *spelling = change(spelling);
    }
}

fn tidy(cell: Cell) -> Cell {
    match cell {
        Cell::Value(spelling) if spelling.raw != spelling.form => Cell::Value(spelling.tidy()),
        other => other,
    }
}
