//! What the records of one serial must give: units, their findings and the end of every record, from the physical model.
//!
//! The text of the guide's page on semantics is the only origin of this file. It sees forms and key forms that the
//! generator composed and never a raw text.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil_kernel::model::{Disposition, Role, Severity};

use super::record::{Feed, Record};
use super::tally::{ErpOrphan, Tally};
use super::truth::Expected;
use super::world::{Tracking, World};

/// Records that stand for one thing.
struct Unit<'a> {
    /// The item; none without scope.
    item: Option<u32>,
    /// The only form it takes, where the collision rule split its scope value.
    form: Option<&'a str>,
    /// Its records.
    records: Vec<&'a Record>,
}

impl Unit<'_> {
    /// Tells whether a record of a role is in the unit.
    fn has(&self, role: Role) -> bool {
        self.records.iter().any(|record| record.role() == role)
    }

    /// Tells whether a source that lists each unit once is in the unit.
    fn has_unit_grain(&self) -> bool {
        self.has(Role::Supplier) || self.has(Role::Erp)
    }

    /// Tells whether both have an item, and not the same.
    fn is_of_another_item(&self, other: &Self) -> bool {
        self.item.is_some() && other.item.is_some() && self.item != other.item
    }

    /// Gives the byte-least text of the best-ranked source that has one.
    fn shown<'b>(&'b self, text: impl Fn(&'b Record) -> Option<&'b str>) -> &'b str {
        let ranked =
            self.records.iter().filter_map(|record| text(record).map(|shown| (record.role().rank_default(), record.feed.name(), shown)));
        ranked.min().map_or("", |(_, _, shown)| shown)
    }

    /// Starts a finding about the unit.
    fn finding(&self, world: &World, code: &'static str, subtype: &'static str, severity: Severity) -> Expected {
        let item = self.item.map_or("", |item| &world.items[item as usize].code.form);
        let serial = self.shown(|record| record.usable_serial().map(|serial| &*serial.form));
        let lot = self.shown(|record| record.lot.value().map(|lot| &*lot.form));
        Expected::new(code, subtype, severity).showing(item, serial, lot)
    }

    /// Lists the sources that hold the unit.
    fn feeds(&self) -> BTreeSet<Feed> {
        self.records.iter().map(|record| record.feed).collect()
    }

    /// Lists the records of one source.
    fn of(&self, feed: Feed) -> Vec<&Record> {
        self.records.iter().copied().filter(|record| record.feed == feed).collect()
    }
}

/// Judges all records with a usable serial of one key form.
pub fn judge(group: &[&Record], world: &World, grace_days: i32, tally: &mut Tally) {
    if group.is_empty() {
        return;
    }
    tally.serials += 1;
    if is_clean(group, world, tally) {
        return;
    }
    let (units, ambiguous) = split_into_units(group, world, tally);
    judge_serial(group, &ambiguous, tally);
    for unit in &units {
        let elsewhere = units.iter().any(|rival| rival.has_unit_grain() && unit.is_of_another_item(rival));
        judge_duplicates(unit, world, tally);
        judge_lots(unit, world, tally);
        judge_orphans(unit, elsewhere, world, grace_days, tally);
        let roles: BTreeSet<Role> = unit.records.iter().map(|record| record.role()).collect();
        let disposition = if roles.len() > 1 { Disposition::Matched } else { Disposition::Unmatched };
        unit.records.iter().for_each(|record| tally.ledger.add(record.feed, disposition, 1));
    }
    ambiguous.iter().for_each(|record| tally.ledger.add(record.feed, Disposition::Unmatched, 1));
}

/// Takes the short way for a unit that all sources agree on: one supplier record, one ERP record, any claims.
fn is_clean(group: &[&Record], world: &World, tally: &mut Tally) -> bool {
    let [supplier, erp, claims @ ..] = group else { return false };
    let roles = supplier.feed == Feed::Supplier && erp.feed == Feed::Erp && claims.iter().all(|claim| claim.feed == Feed::Warranty);
    if !roles || supplier.item_number.is_none() || supplier.item_number != erp.item_number {
        return false;
    }
    let lot = supplier.lot.value().map(|lot| &*lot.key);
    if lot != erp.lot.value().map(|lot| &*lot.key) {
        return false;
    }
    let keeps_lots = supplier.item_number.is_some_and(|item| world.items[item as usize].tracking != Tracking::SerialOnly);
    if lot.is_none() && keeps_lots {
        return false;
    }
    let serial = &supplier.usable_serial().expect("groups hold usable serials").form;
    let one_form = group.iter().all(|record| record.usable_serial().is_some_and(|other| other.form == *serial));
    let claims_agree = claims.iter().all(|claim| {
        (claim.item_number.is_none() || claim.item_number == supplier.item_number)
            && claim.lot.value().is_none_or(|other| Some(&*other.key) == lot)
    });
    if !one_form || !claims_agree {
        return false;
    }
    group.iter().for_each(|record| tally.ledger.add(record.feed, Disposition::Matched, 1));
    tally.count_unit(&[Feed::Supplier, Feed::Erp], &[]);
    if lot.is_some() {
        let with_claims = claims.iter().any(|claim| claim.lot.value().is_some());
        let feeds: &[Feed] = if with_claims { &[Feed::Supplier, Feed::Erp, Feed::Warranty] } else { &[Feed::Supplier, Feed::Erp] };
        tally.count_comparable(feeds, &[]);
    }
    true
}

/// Splits a serial group into units by item and collision rule, and places the records without scope.
fn split_into_units<'a>(group: &[&'a Record], world: &World, tally: &mut Tally) -> (Vec<Unit<'a>>, Vec<&'a Record>) {
    let mut by_item: BTreeMap<u32, Vec<&'a Record>> = BTreeMap::new();
    let mut without_scope: Vec<&'a Record> = Vec::new();
    for record in group {
        match record.item_number {
            Some(item) => by_item.entry(item).or_default().push(record),
            None => without_scope.push(record),
        }
    }
    let mut units = Vec::new();
    for (item, records) in by_item {
        let forms = confirmed_forms(&records);
        if forms.len() < 2 {
            units.push(Unit { item: Some(item), form: None, records });
            continue;
        }
        tally.findings.push(collision(&records, &world.items[item as usize].code.form));
        units.extend(by_form(&records).into_iter().map(|(form, records)| Unit { item: Some(item), form: Some(form), records }));
    }
    let ambiguous = place_without_scope(without_scope, &mut units, tally);
    (units, ambiguous)
}

/// Lists the forms that two or more sources confirm.
fn confirmed_forms<'a>(records: &[&'a Record]) -> Vec<&'a str> {
    let confirmed = by_form(records).into_iter().filter(|(_, records)| records.iter().any(|record| record.feed != records[0].feed));
    confirmed.map(|(form, _)| form).collect()
}

fn by_form<'a>(records: &[&'a Record]) -> BTreeMap<&'a str, Vec<&'a Record>> {
    let mut forms: BTreeMap<&'a str, Vec<&'a Record>> = BTreeMap::new();
    for record in records {
        let serial = record.usable_serial().expect("groups hold usable serials");
        forms.entry(&serial.form).or_default().push(record);
    }
    forms
}

fn collision(records: &[&Record], item: &str) -> Expected {
    let serial = records[0].usable_serial().expect("groups hold usable serials");
    Expected::new("IDN008", "", Severity::Warning).showing(item, &serial.key, "").citing(records.iter().map(|record| record.feed))
}

/// Joins records without scope to the one unit they can mean, makes them a unit, or returns them as ambiguous.
fn place_without_scope<'a>(records: Vec<&'a Record>, units: &mut Vec<Unit<'a>>, tally: &mut Tally) -> Vec<&'a Record> {
    let mut ambiguous = Vec::new();
    if records.is_empty() {
        return ambiguous;
    }
    let any_split = units.iter().any(|unit| unit.form.is_some());
    let parcels: Vec<(Option<&str>, Vec<&Record>)> = if any_split {
        by_form(&records).into_iter().map(|(form, records)| (Some(form), records)).collect()
    } else {
        vec![(None, records)]
    };
    let scoped = units.len();
    for (form, parcel) in parcels {
        let fits = |unit: &Unit<'_>| unit.has_unit_grain() && (unit.form.is_none() || unit.form == form);
        let candidates: Vec<usize> = (0..scoped).filter(|&at| fits(&units[at])).collect();
        match candidates.as_slice() {
            [only] => units[*only].records.extend(parcel),
            [] if confirmed_forms(&parcel).len() < 2 => units.push(Unit { item: None, form: None, records: parcel }),
            [] => {
                tally.findings.push(collision(&parcel, ""));
                units.extend(by_form(&parcel).into_iter().map(|(form, records)| Unit { item: None, form: Some(form), records }));
            }
            _ => ambiguous.extend(parcel),
        }
    }
    ambiguous
}

/// SER003 and IDN011.
fn judge_serial(group: &[&Record], ambiguous: &[&Record], tally: &mut Tally) {
    let key = &group[0].usable_serial().expect("groups hold usable serials").key;
    let items: BTreeSet<u32> = group.iter().filter_map(|record| record.item_number).collect();
    if items.len() > 1 {
        let cited = group.iter().filter(|record| record.item_number.is_some()).map(|record| record.feed);
        tally.shared_serials.push(Expected::new("SER003", "", Severity::Warning).showing("", key, "").citing(cited));
    }
    if !ambiguous.is_empty() {
        let cited = ambiguous.iter().map(|record| record.feed);
        tally.findings.push(Expected::new("IDN011", "", Severity::Warning).showing("", key, "").citing(cited));
    }
}

/// SER001, SER002 and SER004.
fn judge_duplicates(unit: &Unit<'_>, world: &World, tally: &mut Tally) {
    let mut recurring = Vec::new();
    let feeds: Vec<Feed> = unit.feeds().into_iter().filter(|feed| feed.role() != Role::Warranty).collect();
    for &feed in &feeds {
        let records = unit.of(feed);
        if records.len() < 2 {
            continue;
        }
        recurring.push(feed);
        let finding = if records.iter().all(|record| record.says_the_same(records[0])) {
            unit.finding(world, "SER002", "", Severity::Warning)
        } else {
            let subtype = if by_form(&records).len() == records.len() { "after-normalization" } else { "" };
            unit.finding(world, "SER001", subtype, Severity::Error)
        };
        tally.findings.push(finding.about(feed.name().to_owned()).citing(records.iter().map(|record| record.feed)));
    }
    tally.count_unit(&feeds, &recurring);
    let naming: Vec<&&Record> = unit.records.iter().filter(|record| record.role() == Role::Supplier && record.supplier.is_some()).collect();
    if naming.iter().any(|record| record.supplier != naming[0].supplier) {
        tally.findings.push(unit.finding(world, "SER004", "", Severity::Critical).citing(naming.iter().map(|record| record.feed)));
    }
}

/// LOT001 and LOT002.
fn judge_lots(unit: &Unit<'_>, world: &World, tally: &mut Tally) {
    let mut held: BTreeMap<Feed, BTreeSet<&str>> = BTreeMap::new();
    for record in &unit.records {
        if let Some(lot) = record.lot.value() {
            held.entry(record.feed).or_default().insert(&lot.key);
        }
    }
    let values: BTreeSet<&str> = held.values().flatten().copied().collect();
    let stating: Vec<Feed> = held.keys().copied().collect();
    let differing: Vec<(Feed, Feed)> = pairs(&stating).filter(|(left, right)| held[left].union(&held[right]).count() > 1).collect();
    tally.count_comparable(&stating, &differing);
    if values.len() > 1 {
        let subtype = lot_subtype(&held, &values);
        let cited = unit.records.iter().filter(|record| record.lot.value().is_some()).map(|record| record.feed);
        tally.findings.push(unit.finding(world, "LOT001", subtype, Severity::Error).citing(cited));
    }
    let lacking: Vec<Feed> = unit.feeds().into_iter().filter(|feed| feed.role() != Role::Warranty && !held.contains_key(feed)).collect();
    if let Some(item) = unit.item.filter(|_| !lacking.is_empty()) {
        let subtype = if held.is_empty() { "nowhere" } else { "here" };
        let cited = unit.records.iter().filter(|record| lacking.contains(&record.feed)).map(|record| record.feed);
        tally.lots_missing.push((item, unit.finding(world, "LOT002", subtype, Severity::Warning).citing(cited)));
    }
}

/// Lists the pairs of sources, each once.
pub fn pairs(feeds: &[Feed]) -> impl Iterator<Item = (Feed, Feed)> {
    feeds.iter().enumerate().flat_map(|(at, &left)| feeds[at + 1..].iter().map(move |&right| (left, right)))
}

fn lot_subtype(held: &BTreeMap<Feed, BTreeSet<&str>>, values: &BTreeSet<&str>) -> &'static str {
    if held.values().any(|lots| lots.len() > 1) {
        return "within-source";
    }
    if held.len() == 2 {
        return "two-way";
    }
    let holders = |value: &str| held.values().filter(|lots| lots.contains(value)).count();
    match values.len() {
        _ if values.iter().any(|value| 2 * holders(value) > held.len()) => "majority",
        2 => "two-way",
        _ => "three-way",
    }
}

/// ORP001 to ORP004.
fn judge_orphans(unit: &Unit<'_>, elsewhere: bool, world: &World, grace_days: i32, tally: &mut Tally) {
    let (supplier, erp, warranty) = (unit.has(Role::Supplier), unit.has(Role::Erp), unit.has(Role::Warranty));
    let of_role = |role: Role| unit.records.iter().copied().filter(move |record| record.role() == role);
    if supplier && !erp {
        let latest = of_role(Role::Supplier).filter_map(|record| record.date).max();
        if latest.is_none_or(|latest| world.as_of > latest + grace_days) {
            let cited = of_role(Role::Supplier).map(|record| record.feed);
            tally.findings.push(unit.finding(world, "ORP001", "", Severity::Error).citing(cited));
        } else {
            of_role(Role::Supplier).for_each(|record| *tally.in_transit.entry((record.feed, record.document.clone())).or_default() += 1);
        }
    }
    if erp && !supplier {
        tally.erp_orphans.push(ErpOrphan {
            item: unit.item,
            received: of_role(Role::Erp).map(|record| (record.supplier, record.date)).collect(),
            expected: unit.finding(world, "ORP002", "", Severity::Error).citing(of_role(Role::Erp).map(|record| record.feed)),
        });
    }
    if warranty && !supplier && !erp {
        let (subtype, severity) = if elsewhere { ("other-item", Severity::Warning) } else { ("", Severity::Critical) };
        tally.findings.push(unit.finding(world, "ORP003", subtype, severity).citing(of_role(Role::Warranty).map(|record| record.feed)));
    }
    if warranty && supplier && !erp {
        tally.findings.push(unit.finding(world, "ORP004", "", Severity::Warning).citing(of_role(Role::Warranty).map(|record| record.feed)));
    }
}
