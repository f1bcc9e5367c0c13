//! ORP001 to ORP004.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, Role, Severity};

use super::naive::{NaiveFinding, World};
use super::naive_records::Row;
use super::naive_serials::serials_on_several_items;
use super::naive_units::Unit;

/// Judges the orphan rules.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<NaiveFinding>, not_evaluated: &mut Vec<&'static str>) {
    let (supplier, erp, warranty) = (world.has_role(Role::Supplier), world.has_role(Role::Erp), world.has_role(Role::Warranty));
    let mut gate = |code, is_evaluated: bool, rule: fn(&World<'_>, &mut Vec<NaiveFinding>)| {
        if is_evaluated { rule(world, findings) } else { not_evaluated.push(code) }
    };
    gate("ORP001", supplier && erp, shipped_not_in_erp);
    gate("ORP002", supplier && erp, erp_not_shipped);
    gate("ORP003", warranty && (supplier || erp), claim_for_unknown_unit);
    gate("ORP004", supplier && erp && warranty, claim_not_in_erp);
}

/// The records of a unit by role.
struct Parties {
    supplier: Vec<usize>,
    erp: Vec<usize>,
    warranty: Vec<usize>,
}

fn parties(world: &World<'_>, unit: &Unit) -> Parties {
    let of = |role| world.of_role(&unit.rows, role);
    Parties { supplier: of(Role::Supplier), erp: of(Role::Erp), warranty: of(Role::Warranty) }
}

/// ORP001: supplier records, no ERP record; within grace one finding for each document.
fn shipped_not_in_erp(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    let mut in_transit: BTreeMap<(usize, &String), Vec<usize>> = BTreeMap::new();
    for unit in &world.groups.units {
        let parties = parties(world, unit);
        if parties.supplier.is_empty() || !parties.erp.is_empty() {
            continue;
        }
        let latest = parties.supplier.iter().filter_map(|&row| world.rows[row].shipped).max();
        if latest.is_none_or(|shipped| world.settings.as_of > shipped + world.settings.grace_days) {
            findings.push(unit.finding(world, "ORP001", Severity::Error, "", &parties.supplier));
        } else {
            for row in parties.supplier {
                in_transit.entry((world.rows[row].source, &world.rows[row].document)).or_default().push(row);
            }
        }
    }
    for ((source, document), rows) in in_transit {
        let subject = [world.sources[source].source.name.as_str(), document];
        findings.push(NaiveFinding { subtype: "in-transit", ..world.finding("ORP001", Severity::Info, &subject, &rows) });
    }
}

/// ORP002: ERP records, no supplier record, received while the item was shipped; one finding for each item that is never shipped.
fn erp_not_shipped(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    let shipped: Vec<&Row> = world.rows.iter().filter(|row| world.sources[row.source].source.role == Role::Supplier).collect();
    let every_item_is_shipped = world.sources.iter().all(|source| source.source.role != Role::Supplier || !source.source.maps(Field::Item));
    let mut never_shipped: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for unit in &world.groups.units {
        let parties = parties(world, unit);
        let judged: Vec<usize> = parties.erp.iter().copied().filter(|&row| is_judged(world, row)).collect();
        if judged.is_empty() || !parties.supplier.is_empty() {
            continue;
        }
        let item = unit.item(world);
        let all_items = item.is_empty() || every_item_is_shipped;
        let of_item: Vec<&&Row> = shipped.iter().filter(|row| all_items || row.item == item).collect();
        if of_item.is_empty() && !all_items {
            never_shipped.entry(item).or_default().extend(parties.erp);
            continue;
        }
        let valid = || of_item.iter().filter_map(|row| row.shipped).filter(|&shipped| shipped <= world.settings.as_of);
        let is_inside = |received: i32| match (valid().min(), valid().max()) {
            (Some(first), Some(last)) => (first..=last + world.settings.grace_days).contains(&received),
            _ => true,
        };
        if judged.iter().any(|&row| world.rows[row].received.is_none_or(is_inside)) {
            findings.push(unit.finding(world, "ORP002", Severity::Error, "", &parties.erp));
        }
    }
    for (item, rows) in never_shipped {
        let finding = world.finding("ORP002", Severity::Info, &[&item], &rows).showing(&item, "");
        findings.push(NaiveFinding { subtype: "item-not-shipped", ..finding });
    }
}

/// Tells whether ORP002 judges an ERP record: not when it names a supplier absent from the supplier sources, where both sides name suppliers and some are common.
fn is_judged(world: &World<'_>, row: usize) -> bool {
    let names = |is_meant: &dyn Fn(&Row) -> bool| -> BTreeSet<&String> {
        world.rows.iter().filter(|row| is_meant(row)).map(|row| &row.supplier).filter(|name| !name.is_empty()).collect()
    };
    let erp = world.rows[row].source;
    let mut supplier_sources = world.sources.iter().filter(|source| source.source.role == Role::Supplier);
    if !world.sources[erp].source.maps(Field::Supplier) || !supplier_sources.all(|source| source.source.maps(Field::Supplier)) {
        return true;
    }
    let of_suppliers = names(&|row| world.sources[row.source].source.role == Role::Supplier);
    let of_erp = names(&|row| row.source == erp);
    let name = &world.rows[row].supplier;
    of_suppliers.is_disjoint(&of_erp) || name.is_empty() || of_suppliers.contains(name)
}

/// ORP003: claims whose unit has no supplier and no ERP record.
fn claim_for_unknown_unit(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    let on_several_items = serials_on_several_items(world).unwrap_or_default();
    let units = &world.groups.units;
    for unit in units {
        let Parties { supplier, erp, warranty } = parties(world, unit);
        if warranty.is_empty() || !supplier.is_empty() || !erp.is_empty() {
            continue;
        }
        // The unit itself has none, so any unit of the serial that has one is another. A blank item is no other item.
        let item = unit.item(world);
        let names_another = |row: usize| {
            let other = &world.rows[row].item;
            world.role(row) != Role::Warranty && !item.is_empty() && !other.is_empty() && *other != item
        };
        let mut siblings = units.iter().filter(|other| other.serial_key == unit.serial_key);
        if siblings.any(|other| other.rows.iter().any(|&row| names_another(row))) {
            let explained_by_code = on_several_items.contains(&unit.serial_key).then_some("SER003");
            let finding = unit.finding(world, "ORP003", Severity::Warning, "", &warranty);
            findings.push(NaiveFinding { subtype: "other-item", explained_by_code, ..finding });
        } else {
            findings.push(unit.finding(world, "ORP003", Severity::Critical, "", &warranty));
        }
    }
}

/// ORP004: claims whose unit was shipped but is not in the ERP.
fn claim_not_in_erp(world: &World<'_>, findings: &mut Vec<NaiveFinding>) {
    for unit in &world.groups.units {
        let Parties { supplier, erp, warranty } = parties(world, unit);
        if !warranty.is_empty() && !supplier.is_empty() && erp.is_empty() {
            findings.push(unit.finding(world, "ORP004", Severity::Warning, "", &warranty));
        }
    }
}
