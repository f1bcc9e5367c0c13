//! Section "Lots" of the semantics, and LOT001, LOT002, LOT003, LOT006.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, Grain, Role, Severity, Source};

use super::naive::{NaiveFinding, World, grain};
use super::naive_normalize::look_alike_fold;
use super::naive_records::Row;
use super::naive_units::Unit;

/// Lists the fields of two sources whose values are compared.
pub(super) fn compared_fields(a: &Source, b: &Source) -> Vec<(Field, Field)> {
    let against_supplier = |other: &Source| if other.maps(Field::SupplierLot) { Field::SupplierLot } else { Field::Lot };
    let pairs = match (a.role == Role::Supplier, b.role == Role::Supplier) {
        (true, true) => vec![(Field::Lot, Field::Lot)],
        (true, false) => vec![(Field::Lot, against_supplier(b))],
        (false, true) => vec![(against_supplier(a), Field::Lot)],
        (false, false) => vec![(Field::Lot, Field::Lot), (Field::SupplierLot, Field::SupplierLot)],
    };
    pairs.into_iter().filter(|&(of_a, of_b)| a.maps(of_a) && b.maps(of_b)).collect()
}

/// Gives the key form of a lot field of a record.
pub(super) fn lot_value(row: &Row, field: Field) -> &String {
    if field == Field::SupplierLot { &row.supplier_lot_key } else { &row.lot_key }
}

/// Lists the key forms that one source states for a unit in one field.
fn values(world: &World<'_>, unit: &Unit, source: usize, field: Field) -> BTreeSet<String> {
    let rows = unit.rows.iter().map(|&row| &world.rows[row]).filter(|row| row.source == source);
    rows.map(|row| lot_value(row, field).clone()).filter(|value| !value.is_empty()).collect()
}

/// Lists the comparisons of a unit between two sources: what either states, where both state something.
fn comparisons(world: &World<'_>, unit: &Unit, a: usize, b: usize) -> Vec<(BTreeSet<String>, BTreeSet<String>)> {
    let fields = compared_fields(&world.sources[a].source, &world.sources[b].source);
    let stated = fields.into_iter().map(|(of_a, of_b)| (values(world, unit, a, of_a), values(world, unit, b, of_b)));
    stated.filter(|(of_a, of_b)| !of_a.is_empty() && !of_b.is_empty()).collect()
}

/// Tells whether one of the comparisons has two or more key forms.
fn differ(comparisons: &[(BTreeSet<String>, BTreeSet<String>)]) -> bool {
    comparisons.iter().any(|(of_a, of_b)| of_a.union(of_b).count() >= 2)
}

/// Lists all pairs of sources.
fn source_pairs(world: &World<'_>) -> Vec<(usize, usize)> {
    let count = world.sources.len();
    (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect()
}

/// Judges the lot rules.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<NaiveFinding>, not_evaluated: &mut Vec<&'static str>) {
    let not_comparable: BTreeSet<(usize, usize)> =
        source_pairs(world).into_iter().filter(|&(a, b)| is_not_comparable(world, a, b)).collect();
    for &(a, b) in &not_comparable {
        let subject = [world.sources[a].source.name.as_str(), &world.sources[b].source.name];
        findings.push(world.finding("LOT006", Severity::Error, &subject, &[]));
    }
    for unit in &world.groups.units {
        mismatch(world, unit, &not_comparable, findings);
        missing(world, unit, findings);
    }
    unknown(world, &not_comparable, findings);

    let source = |index: usize| &world.sources[index].source;
    let maps_lot = |source: &Source| source.maps(Field::Lot) || source.maps(Field::SupplierLot);
    let compared: Vec<_> = source_pairs(world).into_iter().filter(|&(a, b)| !compared_fields(source(a), source(b)).is_empty()).collect();
    if !compared.iter().any(|&(a, b)| grain(source(a)) != Grain::Lot && grain(source(b)) != Grain::Lot) {
        not_evaluated.push("LOT006");
    }
    let in_units = |source: &Source| grain(source) != Grain::Lot;
    if !world.sources.iter().any(|source| maps_lot(&source.source) && in_units(&source.source)) {
        not_evaluated.push("LOT001");
    }
    if !world.sources.iter().any(|source| maps_lot(&source.source) && grain(&source.source) == Grain::Unit) {
        not_evaluated.push("LOT002");
    }
    let is_supplier = |index: usize| source(index).role == Role::Supplier;
    if !compared.iter().any(|&(a, b)| is_supplier(a) != is_supplier(b)) {
        not_evaluated.push("LOT003");
    }
}

/// LOT006: enough comparable units of a pair, of which too many differ.
fn is_not_comparable(world: &World<'_>, a: usize, b: usize) -> bool {
    let compared: Vec<_> = world.groups.units.iter().map(|unit| comparisons(world, unit, a, b)).filter(|found| !found.is_empty()).collect();
    let differing = compared.iter().filter(|found| differ(found)).count();
    compared.len() >= world.settings.comparable_units_min && differing * 10_000 > compared.len() * world.settings.differing_share
}

/// LOT001: a comparable pair of sources, or one source by itself, differs.
fn mismatch(world: &World<'_>, unit: &Unit, not_comparable: &BTreeSet<(usize, usize)>, findings: &mut Vec<NaiveFinding>) {
    let within = |source| [Field::Lot, Field::SupplierLot].into_iter().any(|field| values(world, unit, source, field).len() >= 2);
    let differs_within = (0..world.sources.len()).any(within);
    let mut differs_between = false;
    let mut stated: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (a, b) in source_pairs(world).into_iter().filter(|pair| !not_comparable.contains(pair)) {
        let found = comparisons(world, unit, a, b);
        differs_between |= differ(&found);
        for (of_a, of_b) in found {
            stated.entry(a).or_default().extend(of_a);
            stated.entry(b).or_default().extend(of_b);
        }
    }
    if !differs_within && !differs_between {
        return;
    }
    let subtype = if differs_within { "within-source" } else { mismatch_subtype(&stated) };
    let rows: Vec<usize> = unit.rows.iter().copied().filter(|&row| world.rows[row].has_lot()).collect();
    findings.push(NaiveFinding { subtype, ..unit.finding(world, "LOT001", Severity::Error, "", &rows) });
}

/// Gives the subtype from what each compared source states.
fn mismatch_subtype(stated: &BTreeMap<usize, BTreeSet<String>>) -> &'static str {
    let distinct: BTreeSet<&String> = stated.values().flatten().collect();
    let holders = |value: &String| stated.values().filter(|of_source| of_source.contains(value)).count();
    if stated.len() == 2 {
        "two-way"
    } else if distinct.iter().any(|value| holders(value) * 2 > stated.len()) {
        "majority"
    } else if distinct.len() >= 3 {
        "three-way"
    } else {
        "two-way"
    }
}

/// Tells whether an item is lot-tracked: of its records, over the sources that map a lot, enough carry one.
/// A blank item only where no source maps an item.
fn is_lot_tracked(world: &World<'_>, item: &str) -> bool {
    if item.is_empty() && world.sources.iter().any(|source| source.source.maps(Field::Item)) {
        return false;
    }
    let maps_lot = |row: &&Row| {
        let source = &world.sources[row.source].source;
        source.maps(Field::Lot) || source.maps(Field::SupplierLot)
    };
    let rows: Vec<&Row> = world.rows.iter().filter(|row| row.item == item).filter(maps_lot).collect();
    let share = world.settings.lot_tracked_share;
    rows.iter().filter(|row| row.has_lot()).count() * 10_000 >= rows.len() * share && !rows.is_empty()
}

/// LOT002: unit-grain sources that map a lot state none for a unit of a lot-tracked item.
fn missing(world: &World<'_>, unit: &Unit, findings: &mut Vec<NaiveFinding>) {
    let lacks = |source: usize| {
        let words = &world.sources[source].source;
        let mut rows = unit.rows.iter().map(|&row| &world.rows[row]).filter(|row| row.source == source).peekable();
        let maps_lot = words.maps(Field::Lot) || words.maps(Field::SupplierLot);
        grain(words) == Grain::Unit && maps_lot && rows.peek().is_some() && rows.all(|row| !row.has_lot())
    };
    let lacking: BTreeSet<usize> = (0..world.sources.len()).filter(|&source| lacks(source)).collect();
    if lacking.is_empty() || !is_lot_tracked(world, &unit.item(world)) {
        return;
    }
    let subtype = if unit.rows.iter().any(|&row| world.rows[row].has_lot()) { "here" } else { "nowhere" };
    let rows: Vec<usize> = unit.rows.iter().copied().filter(|&row| lacking.contains(&world.rows[row].source)).collect();
    findings.push(NaiveFinding { subtype, ..unit.finding(world, "LOT002", Severity::Warning, "", &rows) });
}

/// LOT003: a lot of an ERP or warranty source that no supplier source holds for its item.
fn unknown(world: &World<'_>, not_comparable: &BTreeSet<(usize, usize)>, findings: &mut Vec<NaiveFinding>) {
    let item_counts = |item: &str| !item.is_empty() || !world.sources.iter().any(|source| source.source.maps(Field::Item));
    let supplier_rows: Vec<&Row> = world.rows.iter().filter(|row| world.sources[row.source].source.role == Role::Supplier).collect();
    if !world.sources.iter().any(|source| source.source.role == Role::Supplier && source.source.maps(Field::Lot)) {
        return;
    }
    let mut held: BTreeMap<(usize, &String, &String), Vec<usize>> = BTreeMap::new();
    for (index, row) in world.rows.iter().enumerate() {
        let source = &world.sources[row.source].source;
        let lot = lot_value(row, if source.maps(Field::SupplierLot) { Field::SupplierLot } else { Field::Lot });
        if source.role != Role::Supplier && item_counts(&row.item) && !lot.is_empty() {
            held.entry((row.source, &row.item, lot)).or_default().push(index);
        }
    }
    for ((source, item, lot), rows) in held {
        let shipping: Vec<&&Row> = supplier_rows.iter().filter(|row| row.item == *item).collect();
        let pair = |row: &Row| (row.source.min(source), row.source.max(source));
        if shipping.is_empty() || shipping.iter().any(|row| row.lot_key == *lot || not_comparable.contains(&pair(row))) {
            continue;
        }
        let fold = look_alike_fold(lot);
        let subtype = if supplier_rows.iter().any(|row| row.lot_key == *lot && !row.item.is_empty()) {
            "other-item"
        } else if shipping.iter().any(|row| !row.lot_key.is_empty() && look_alike_fold(&row.lot_key) == fold) {
            "near"
        } else {
            "unknown"
        };
        let mut finding = world.finding("LOT003", Severity::Error, &[&world.sources[source].source.name, item, lot], &rows);
        finding = finding.showing(item, "");
        findings.push(NaiveFinding { subtype, lot: lot.clone(), ..finding });
    }
}
