//! Planting: what each defect changes in the records of a unit.

use rand::Rng;

use super::block::{Block, Group, Place, respell};
use super::defects::Defect;
use super::record::{Feed, Record};
use super::spelling::Cell;
use super::world::{SITES, Tracking};

/// Listed placeholders of serials, as written and as they are compared.
const SERIAL_PLACEHOLDERS: [(&str, &str); 7] = [
    ("N/A", "N/A"),
    ("unknown", "UNKNOWN"),
    (" TBD ", "TBD"),
    ("None", "NONE"),
    ("SEE  LABEL", "SEE LABEL"),
    ("--", "--"),
    ("not available", "NOT AVAILABLE"),
];

/// Listed placeholders of lots and items.
const OTHER_PLACEHOLDERS: [(&str, &str); 4] = [("N/A", "N/A"), ("Unknown", "UNKNOWN"), ("\u{a0}null", "NULL"), ("UNK", "UNK")];

/// Blank serials as files hold them.
const BLANKS: [&str; 4] = ["", "  ", "\u{a0}", "\u{200b}"];

/// How long before the first shipment of all an ERP unit is received that no window covers.
const OUTSIDE_DAYS: i32 = 200;

impl Block<'_> {
    /// Plants a defect in the records of one unit; a defect that finds no record to change is left out.
    pub(super) fn plant(&mut self, defect: Defect, records: &mut Vec<Record>, place: &Place<'_>) {
        match defect {
            Defect::DuplicateSerial => self.duplicate(records),
            Defect::RepeatedRecord => self.repeat(records),
            Defect::SerialFromSeveralSuppliers => self.ship_by_another(records, place),
            Defect::LotMismatch => self.contradict_lot(records, place),
            Defect::LotMissing => self.lose_lot(records),
            Defect::LotUnknown => self.state_unknown_lot(records, place),
            Defect::ShippedNotInErp => {
                records.retain(|record| record.feed == Feed::Supplier);
                if self.rng.random_bool(0.2) {
                    records.iter_mut().for_each(|record| record.date = None);
                }
            }
            Defect::ErpNotShipped => self.receive_unshipped(records),
            Defect::ClaimForUnknownUnit => self.claim_unknown(records, place),
            Defect::ClaimNotInErp => {
                self.ensure_claim(records, place);
                records.retain(|record| record.feed != Feed::Erp);
            }
            Defect::IdentifierMissing => {
                let blank = BLANKS[self.rng.random_range(0..BLANKS.len())];
                if let Some(record) = self.any_record(records) {
                    record.serial = Cell::Blank(blank);
                }
            }
            Defect::PlaceholderIdentifier => self.write_placeholder(records),
            Defect::SerialOnSeveralItems | Defect::NormalizationCollision | Defect::AmbiguousUnit => {
                unreachable!("defects of two units are planted across them")
            }
        }
    }

    /// Plants a defect that binds the unit to another of the block, and keeps the unit.
    pub(super) fn plant_across(&mut self, defect: Defect, mut group: Group, place: &Place<'_>) {
        let partner = if defect == Defect::NormalizationCollision { self.sibling(&group) } else { self.stranger(&group) };
        let Some(partner) = partner else {
            self.groups.push(group);
            return;
        };
        let serial = self.groups[partner].records[0].serial.clone();
        if defect == Defect::NormalizationCollision {
            let Cell::Value(other) = &serial else { unreachable!("partners hold usable serials") };
            let (first, second) = (other.tidy(), other.reseparated(&mut self.rng));
            let item = group.item;
            self.groups[partner].is_alone = true;
            for record in &mut self.groups[partner].records {
                record.serial = Cell::Value(first.clone());
                record.item = Cell::Value(self.course.world.items[item as usize].code.clone());
                record.item_number = Some(item);
            }
            for record in &mut group.records {
                record.serial = Cell::Value(second.clone());
                self.name_item(record, item);
            }
        } else {
            group.records.iter_mut().for_each(|record| record.serial = serial.clone());
            if defect == Defect::AmbiguousUnit
                && let Some(mut claim) = self.claim(place, serial, 7)
            {
                claim.item = Cell::Blank("");
                claim.item_number = None;
                group.records.push(claim);
            }
        }
        self.groups[partner].records.append(&mut group.records);
    }

    /// Finds the unit before this one if it is of the same item and nothing was planted in it.
    fn sibling(&self, group: &Group) -> Option<usize> {
        let last = self.groups.len().checked_sub(1)?;
        (self.groups[last].item == group.item && is_partner(&self.groups[last])).then_some(last)
    }

    /// Finds a unit of another item.
    fn stranger(&mut self, group: &Group) -> Option<usize> {
        let count = self.groups.len();
        if count == 0 {
            return None;
        }
        (0..20).map(|_| self.rng.random_range(0..count)).find(|&at| self.groups[at].item != group.item && is_partner(&self.groups[at]))
    }

    fn duplicate(&mut self, records: &mut Vec<Record>) {
        let feed = if self.rng.random_bool(0.5) { Feed::Supplier } else { Feed::Erp };
        let Some(mut copy) = of(records, feed).cloned() else { return };
        // Whether a joined claim is cited with a split scope must not matter: claims of duplicates name their item.
        self.name_items(records);
        if self.rng.random_bool(0.35) {
            respell(&mut copy.serial, |serial| serial.reseparated(&mut self.rng));
        } else if feed == Feed::Supplier {
            copy.document = self.next_document("DN");
            copy.line = self.rng.random_range(1..40);
            copy.date = copy.date.map(|date| (date + 1).min(self.course.world.as_of));
        } else {
            copy.codes[0] = (copy.codes[0] + self.rng.random_range(1..SITES.len() as u8)) % SITES.len() as u8;
            copy.date = copy.date.map(|date| (date + 3).min(self.course.world.as_of));
        }
        if self.rng.random_bool(0.1) {
            records.push(copy.clone());
        }
        records.push(copy);
    }

    fn repeat(&mut self, records: &mut Vec<Record>) {
        let feed = if self.rng.random_bool(0.5) { Feed::Supplier } else { Feed::Erp };
        let Some(copy) = of(records, feed).cloned() else { return };
        for _ in 0..self.rng.random_range(1..4) {
            let mut copy = copy.clone();
            if self.rng.random_bool(0.5) {
                respell(&mut copy.serial, |serial| serial.respelled(&mut self.rng, false));
                respell(&mut copy.lot, |lot| lot.respelled(&mut self.rng, false));
                copy.noise = 3;
            }
            records.push(copy);
        }
    }

    fn ship_by_another(&mut self, records: &mut Vec<Record>, place: &Place<'_>) {
        let Some(mut copy) = of(records, Feed::Supplier).cloned() else { return };
        let count = self.course.world.suppliers_off_book;
        let other = (place.lot.supplier + self.rng.random_range(1..count)) % count;
        self.name_items(records);
        copy.supplier = Some(other);
        copy.country = self.course.world.suppliers[other as usize].country;
        copy.document = self.next_document("DN");
        copy.date = copy.date.map(|date| (date + 5).min(self.course.world.as_of));
        records.push(copy);
    }

    fn contradict_lot(&mut self, records: &mut Vec<Record>, place: &Place<'_>) {
        let rival = place.lots.iter().find(|lot| lot.item == place.lot.item && lot.code.key != place.lot.code.key);
        let other = Cell::Value(rival.map_or_else(|| self.course.world.stray_lot(place.unit), |lot| lot.code.tidy()));
        let third = Cell::Value(self.course.world.stray_lot(self.course.world.units + place.unit));
        match self.rng.random_range(0..4) {
            0 => set_lot(records, Feed::Erp, other),
            1 => {
                self.ensure_claim(records, place);
                set_lot(records, Feed::Warranty, other);
            }
            2 => {
                self.ensure_claim(records, place);
                set_lot(records, Feed::Erp, other);
                set_lot(records, Feed::Warranty, third);
            }
            _ => {
                if let Some(mut copy) = of(records, Feed::Erp).cloned() {
                    copy.lot = other;
                    records.push(copy);
                }
            }
        }
    }

    fn lose_lot(&mut self, records: &mut [Record]) {
        let everywhere = self.rng.random_bool(0.3);
        let feed = if self.rng.random_bool(0.5) { Feed::Supplier } else { Feed::Erp };
        if names_items(records) {
            records.iter_mut().filter(|record| everywhere || record.feed == feed).for_each(|record| record.lot = Cell::Blank("  "));
        }
    }

    fn state_unknown_lot(&mut self, records: &mut [Record], place: &Place<'_>) {
        let stray = self.course.world.stray_lot(2 * self.course.world.units + place.unit);
        let stranger = place.lots.iter().find(|lot| lot.item != place.lot.item && lot.code.key != place.lot.code.key);
        let lot = match self.rng.random_range(0..3) {
            0 => stranger.map(|lot| lot.code.tidy()),
            1 => place.lot.code.misread(),
            _ => None,
        };
        let feed = if self.rng.random_bool(0.8) { Feed::Erp } else { Feed::Warranty };
        set_lot(records, feed, Cell::Value(lot.unwrap_or(stray)));
    }

    fn receive_unshipped(&mut self, records: &mut Vec<Record>) {
        records.retain(|record| record.feed != Feed::Supplier);
        let (start, off_book) = (self.course.world.start, self.course.world.suppliers_off_book);
        let kind = self.rng.random_range(0..6);
        let absent = off_book + self.rng.random_range(0..3);
        for record in records.iter_mut().filter(|record| record.feed == Feed::Erp) {
            match kind {
                0 => record.date = Some(start - OUTSIDE_DAYS),
                1 => record.supplier = Some(absent),
                2 => record.date = None,
                _ => {}
            }
        }
    }

    fn claim_unknown(&mut self, records: &mut Vec<Record>, place: &Place<'_>) {
        let kind = self.rng.random_range(0..4);
        if kind == 0 {
            // An item without serials stays without: a share of 1 % with serials would make it another kind of item.
            let has_serials = |item: u32| self.course.world.items[item as usize].tracking != Tracking::LotOnly;
            let Some(stranger) = place.lots.iter().find(|lot| lot.item != place.lot.item && has_serials(lot.item)) else { return };
            let Some(serial) = records.iter().find_map(|record| record.usable_serial().cloned()) else { return };
            let Some(mut claim) = self.claim(place, Cell::Value(serial.tidy()), 6) else { return };
            self.name_item(&mut claim, stranger.item);
            records.push(claim);
            return;
        }
        let ghost = self.course.world.ghost_serial(place.lot.supplier, place.unit, place.shipment.received.unwrap_or_default());
        let mut claims: Vec<Record> = Vec::new();
        for ordinal in 0..self.rng.random_range(1..3) {
            claims.extend(self.claim(place, Cell::Value(ghost.clone()), 4 + ordinal));
        }
        // The ghost is a unit of its own.
        self.groups.push(Group { item: place.lot.item, records: claims, is_alone: true });
    }

    fn write_placeholder(&mut self, records: &mut [Record]) {
        let (raw, value) = SERIAL_PLACEHOLDERS[self.rng.random_range(0..SERIAL_PLACEHOLDERS.len())];
        let (other_raw, other_value) = OTHER_PLACEHOLDERS[self.rng.random_range(0..OTHER_PLACEHOLDERS.len())];
        let kind = self.rng.random_range(0..5);
        let is_sound = names_items(records) && records.iter().all(|record| record.feed == Feed::Warranty || record.lot.value().is_some());
        let Some(record) = self.any_record(records) else { return };
        match kind {
            0 | 1 => record.serial = Cell::Placeholder { raw, value },
            2 if is_sound => {
                record.item = Cell::Placeholder { raw: other_raw, value: other_value };
                record.item_number = None;
            }
            _ if is_sound => record.lot = Cell::Placeholder { raw: other_raw, value: other_value },
            _ => {}
        }
    }

    fn any_record<'b>(&mut self, records: &'b mut [Record]) -> Option<&'b mut Record> {
        let count = records.len();
        if count == 0 { None } else { records.get_mut(self.rng.random_range(0..count)) }
    }

    /// Names the item in every claim of a unit.
    fn name_items(&self, records: &mut [Record]) {
        let item = records.iter().find(|record| record.feed != Feed::Warranty).and_then(|record| record.item_number);
        if let Some(item) = item {
            for record in records.iter_mut().filter(|record| record.feed == Feed::Warranty && record.item.value().is_none()) {
                self.name_item(record, item);
            }
        }
    }

    /// Makes sure that the unit has a claim that states a lot where its item has lots.
    fn ensure_claim(&mut self, records: &mut Vec<Record>, place: &Place<'_>) {
        if records.iter().any(|record| record.feed == Feed::Warranty) {
            return;
        }
        let serial = records.iter().find_map(|record| record.usable_serial().cloned());
        if let Some(serial) = serial {
            records.extend(self.claim(place, Cell::Value(serial.tidy()), 5));
        }
    }
}

fn is_partner(group: &Group) -> bool {
    let feeds: Vec<Feed> = group.records.iter().map(|record| record.feed).collect();
    let is_plain = feeds.starts_with(&[Feed::Supplier, Feed::Erp]) && feeds[2..].iter().all(|feed| *feed == Feed::Warranty);
    !group.is_alone && is_plain && group.records.iter().all(|record| record.usable_serial().is_some())
}

/// Tells whether every record of a source that lists units names its item.
fn names_items(records: &[Record]) -> bool {
    records.iter().all(|record| record.feed == Feed::Warranty || record.item_number.is_some())
}

fn of(records: &[Record], feed: Feed) -> Option<&Record> {
    records.iter().find(|record| record.feed == feed)
}

fn set_lot(records: &mut [Record], feed: Feed, lot: Cell) {
    records.iter_mut().filter(|record| record.feed == feed).for_each(|record| record.lot = lot.clone());
}
