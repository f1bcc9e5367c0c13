//! IDN001, IDN002, IDN008, IDN011.

use std::collections::BTreeMap;

use crate::model::{Field, Grain, Severity};

use super::naive::{NaiveFinding, World, grain};
use super::naive_records::SerialKind;

/// Judges the identifier rules.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<NaiveFinding>, not_evaluated: &mut Vec<&'static str>) {
    if !world.sources.iter().any(|source| grain(&source.source) != Grain::Lot) {
        not_evaluated.push("IDN001");
    }
    missing(world, findings);
    placeholders(world, findings);
    for collision in &world.groups.collisions {
        let fields = world.settings.scope.iter().zip(collision.scope.iter().flatten());
        let item = fields.clone().find(|(field, _)| **field == Field::Item).map_or("", |(_, item)| item);
        let mut subject = vec![item];
        subject.extend(fields.filter(|(field, _)| **field != Field::Item).map(|(_, value)| value.as_str()));
        subject.push(&collision.serial_key);
        let finding = world.finding("IDN008", Severity::Warning, &subject, &collision.rows);
        findings.push(finding.showing(item, &collision.serial_key));
    }
    for (key, rows) in &world.groups.ambiguous {
        findings.push(world.finding("IDN011", Severity::Warning, &[key], rows).showing("", key));
    }
}

/// IDN001: blank serials of items that are not lot-only.
fn missing(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    let mut missing: BTreeMap<(usize, &String), Vec<usize>> = BTreeMap::new();
    for (index, row) in world.rows.iter().enumerate() {
        if !row.is_lot_grain && row.serial_kind == SerialKind::Blank {
            missing.entry((row.source, &row.item)).or_default().push(index);
        }
    }
    for ((source, item), rows) in missing {
        let subject = [world.sources[source].source.name.as_str(), item];
        findings.push(world.finding("IDN001", Severity::Error, &subject, &rows).showing(item, ""));
    }
}

/// IDN002: placeholders in a serial, lot, supplier lot or item.
fn placeholders(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    let mut held: BTreeMap<(usize, Field, &String), Vec<usize>> = BTreeMap::new();
    for (index, row) in world.rows.iter().enumerate() {
        for (field, value) in &row.placeholders {
            held.entry((row.source, *field, value)).or_default().push(index);
        }
    }
    for ((source, field, value), rows) in held {
        let subject = [world.sources[source].source.name.as_str(), field.name(), value];
        let mut finding = world.finding("IDN002", Severity::Error, &subject, &rows);
        match field {
            Field::Item => finding.item.clone_from(value),
            Field::Serial => finding.serial.clone_from(value),
            _ => finding.lot.clone_from(value),
        }
        findings.push(finding);
    }
}
