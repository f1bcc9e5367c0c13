//! Records as rules see them: forms, key forms, blanks, placeholders, lot-only items.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, FieldKind, Grain};

use super::naive::{NaiveSettings, NaiveSource, NaiveTiers, grain};
use super::naive_normalize::{clean, date, day, form, key_form, number, supplier, text, upper};
use super::naive_placeholders::{is_digits_entry, is_word};

/// What a serial is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SerialKind {
    Blank,
    Placeholder,
    Usable,
}

/// A record, read. An empty text is blank; a placeholder item, lot or supplier lot is blank.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The index of its source.
    pub source: usize,
    /// Its place among the records of the source.
    pub place: usize,
    pub item: String,
    pub serial_kind: SerialKind,
    pub serial_form: String,
    pub serial_key: String,
    pub lot_form: String,
    pub lot_key: String,
    pub supplier_lot_key: String,
    /// The form of the supplier; blank where the source maps none.
    pub supplier: String,
    pub document: String,
    pub site: String,
    pub shipped: Option<i32>,
    pub received: Option<i32>,
    /// Every mapped field as it compares: dates by day, quantities by number, identifiers by form, suppliers by name, other text after T1.
    pub compared: BTreeMap<Field, String>,
    /// The placeholders in it: field and value after T1 and upper case.
    pub placeholders: Vec<(Field, String)>,
    /// Whether it counts as lot grain: its source does, or its item is lot-only there and its serial is blank or a placeholder.
    pub is_lot_grain: bool,
}

impl Row {
    /// Tells whether the record takes part in units.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_lot_grain && self.serial_kind == SerialKind::Usable
    }

    /// Tells whether the record carries a lot of either kind.
    pub(super) fn has_lot(&self) -> bool {
        !self.lot_key.is_empty() || !self.supplier_lot_key.is_empty()
    }
}

/// Reads the records of all sources.
pub(super) fn read_rows(sources: &[NaiveSource], settings: &NaiveSettings) -> Vec<Row> {
    let mut rows = Vec::new();
    for (source, holder) in sources.iter().enumerate() {
        for place in 0..holder.records.len() {
            rows.push(read_row(holder, source, place, settings.tiers));
        }
    }
    mark_digits_placeholders(sources, settings, &mut rows);
    mark_lot_only(sources, settings, &mut rows);
    rows
}

/// Reads one record; placeholders of digits only and lot-only items are found later, over all records.
fn read_row(holder: &NaiveSource, source: usize, place: usize, tiers: NaiveTiers) -> Row {
    let mut placeholders = Vec::new();
    let mut compared = BTreeMap::new();
    for field in holder.source.fields.iter() {
        let raw = holder.records[place].values.get(&field).map_or("", String::as_str);
        let value = match field.kind() {
            FieldKind::Identifier if field == Field::Item => text(raw, tiers),
            FieldKind::Identifier => form(raw, tiers),
            FieldKind::Date => date(raw),
            FieldKind::Number => number(raw),
            FieldKind::Text if field == Field::Supplier => supplier(raw),
            FieldKind::Text => clean(raw),
        };
        let keyed = matches!(field, Field::Serial | Field::Lot | Field::SupplierLot);
        let listed = upper(&clean(raw));
        let is_placeholder = (keyed || field == Field::Item) && is_word(&listed)
            || keyed && !listed.is_empty() && key_form(&listed, NaiveTiers::default()).is_empty();
        if is_placeholder {
            placeholders.push((field, listed.clone()));
        }
        let value = if field == Field::Serial && is_digits_entry(&listed) { listed } else { value };
        let is_blank = is_placeholder && field != Field::Serial;
        compared.insert(field, if is_blank { String::new() } else { value });
    }
    let value = |field| compared.get(&field).cloned().unwrap_or_default();
    let day_of = |field| holder.records[place].values.get(&field).filter(|_| holder.source.maps(field)).and_then(|raw| day(raw));
    let serial_form = value(Field::Serial);
    let serial_kind = match &serial_form {
        form if form.is_empty() => SerialKind::Blank,
        _ if placeholders.iter().any(|(field, _)| *field == Field::Serial) => SerialKind::Placeholder,
        _ => SerialKind::Usable,
    };
    Row {
        source,
        place,
        item: value(Field::Item),
        serial_kind,
        serial_key: key_form(&serial_form, tiers),
        serial_form,
        lot_form: value(Field::Lot),
        lot_key: key_form(&value(Field::Lot), tiers),
        supplier_lot_key: key_form(&value(Field::SupplierLot), tiers),
        supplier: value(Field::Supplier),
        document: value(Field::Document),
        site: value(Field::Site),
        shipped: day_of(Field::Shipped),
        received: day_of(Field::Received),
        compared,
        placeholders,
        is_lot_grain: grain(&holder.source) == Grain::Lot,
    }
}

/// Marks serials that are digits-only entries where one unit-grain source holds the value often enough under one item: then in every source.
fn mark_digits_placeholders(sources: &[NaiveSource], settings: &NaiveSettings, rows: &mut [Row]) {
    let listed = |row: &Row| upper(&clean(sources[row.source].records[row.place].values.get(&Field::Serial).map_or("", String::as_str)));
    let mut held: BTreeMap<(usize, String, String), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| grain(&sources[row.source].source) == Grain::Unit) {
        *held.entry((row.source, row.item.clone(), listed(row))).or_default() += 1;
    }
    let counting: BTreeSet<String> =
        held.into_iter().filter(|(_, count)| *count >= settings.digits_repeats).map(|((_, _, value), _)| value).collect();
    for row in rows.iter_mut().filter(|row| row.serial_kind == SerialKind::Usable) {
        let value = listed(row);
        if is_digits_entry(&value) && counting.contains(&value) {
            row.serial_kind = SerialKind::Placeholder;
            row.placeholders.push((Field::Serial, value));
        }
    }
}

/// Marks records with a blank or placeholder serial whose item is lot-only in their source: nearly all of its records there have one.
fn mark_lot_only(sources: &[NaiveSource], settings: &NaiveSettings, rows: &mut [Row]) {
    let mut counts: BTreeMap<(usize, String), (usize, usize)> = BTreeMap::new();
    for row in rows.iter() {
        let (lacking, all) = counts.entry((row.source, row.item.clone())).or_default();
        *lacking += usize::from(row.serial_kind != SerialKind::Usable);
        *all += 1;
    }
    for row in rows.iter_mut().filter(|row| row.serial_kind != SerialKind::Usable) {
        let (lacking, all) = counts[&(row.source, row.item.clone())];
        let may_be_lot_only = !row.item.is_empty() || !sources[row.source].source.maps(Field::Item);
        row.is_lot_grain |= may_be_lot_only && lacking * 10_000 >= all * settings.lot_only_share;
    }
}
