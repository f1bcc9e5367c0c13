//! SER001 to SER004.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, Grain, Role, Severity, Source};

use super::naive::{NaiveFinding, World, grain};
use super::naive_units::Unit;

/// Judges the serial rules.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<NaiveFinding>, not_evaluated: &mut Vec<&'static str>) {
    for unit in &world.groups.units {
        duplicates(world, unit, findings);
        several_suppliers(world, unit, findings);
    }
    several_items(world, findings);
    let has_units = |is_meant: &dyn Fn(&Source) -> bool| {
        world.sources.iter().any(|source| grain(&source.source) != Grain::Lot && is_meant(&source.source))
    };
    if !has_units(&|source| grain(source) == Grain::Unit) {
        not_evaluated.extend(["SER001", "SER002"]);
    }
    if !has_units(&|source| source.maps(Field::Item)) {
        not_evaluated.push("SER003");
    }
    if !world.has_role(Role::Supplier) {
        not_evaluated.push("SER004");
    }
}

/// SER001 and SER002: a unit-grain source holds two or more records of the unit.
fn duplicates(world: &World<'_>, unit: &Unit, findings: &mut Vec<NaiveFinding>) {
    let mut by_source: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &row in &unit.rows {
        by_source.entry(world.rows[row].source).or_default().push(row);
    }
    for (source, records) in by_source {
        let source = &world.sources[source].source;
        if grain(source) != Grain::Unit || records.len() < 2 {
            continue;
        }
        let all_equal = records.iter().all(|&row| world.rows[row].compared == world.rows[records[0]].compared);
        let forms: BTreeSet<&String> = records.iter().map(|&row| &world.rows[row].serial_form).collect();
        if all_equal {
            findings.push(unit.finding(world, "SER002", Severity::Warning, &source.name, &records));
        } else {
            let subtype = if forms.len() == records.len() { "after-normalization" } else { "" };
            findings.push(NaiveFinding { subtype, ..unit.finding(world, "SER001", Severity::Error, &source.name, &records) });
        }
    }
}

/// Lists the serials that SER003 fires for by themselves, or `None` when they are so many that one finding stands for all.
pub(super) fn serials_on_several_items(world: &World<'_>) -> Option<BTreeSet<String>> {
    let items = |rows: &[usize]| rows.iter().map(|&row| &world.rows[row].item).filter(|item| !item.is_empty()).collect::<BTreeSet<_>>();
    let serials = &world.groups.serials;
    let fired: BTreeSet<String> = serials.iter().filter(|(_, rows)| items(rows).len() >= 2).map(|(key, _)| key.clone()).collect();
    let is_widespread =
        serials.len() >= world.settings.widespread_serials_min && fired.len() * 10_000 > serials.len() * world.settings.widespread_share;
    (!is_widespread).then_some(fired)
}

/// SER003: one key form under two or more items.
fn several_items(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    let severity = if world.settings.scope.is_empty() { Severity::Error } else { Severity::Warning };
    let Some(fired) = serials_on_several_items(world) else {
        findings.push(NaiveFinding { subtype: "widespread", ..world.finding("SER003", Severity::Info, &["all"], &[]) });
        return;
    };
    for key in fired {
        let rows: Vec<usize> = world.groups.serials[&key].iter().copied().filter(|&row| !world.rows[row].item.is_empty()).collect();
        findings.push(world.finding("SER003", severity, &[&key], &rows).showing("", &key));
    }
}

/// SER004: the supplier records of the unit name two or more suppliers.
fn several_suppliers(world: &World<'_>, unit: &Unit, findings: &mut Vec<NaiveFinding>) {
    let shippers = unit.shippers(world);
    let names: BTreeSet<&String> = shippers.iter().map(|(name, _)| name).collect();
    if names.len() >= 2 {
        let rows: Vec<usize> = shippers.iter().map(|(_, row)| *row).collect();
        findings.push(unit.finding(world, "SER004", Severity::Critical, "", &rows));
    }
}
