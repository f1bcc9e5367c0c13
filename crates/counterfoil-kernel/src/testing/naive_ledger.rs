//! Section "Ledger" of the semantics: where each record ends.

use crate::model::Disposition;

use super::naive::World;
use super::naive_lots::{compared_fields, lot_value};
use super::naive_records::SerialKind;

/// Gives the disposition of every record, by source and place.
pub(super) fn dispositions(world: &World<'_>) -> Vec<Vec<Disposition>> {
    let mut by_source: Vec<Vec<Disposition>> = vec![Vec::new(); world.sources.len()];
    for (index, row) in world.rows.iter().enumerate() {
        by_source[row.source].push(disposition(world, index));
    }
    by_source
}

fn disposition(world: &World<'_>, index: usize) -> Disposition {
    let row = &world.rows[index];
    let is_usable = if row.is_lot_grain { row.has_lot() } else { row.serial_kind == SerialKind::Usable };
    let is_matched = || if row.is_lot_grain { has_lot_partner(world, index) } else { has_unit_partner(world, index) };
    if !is_usable {
        Disposition::UnusableKey
    } else if is_matched() {
        Disposition::Matched
    } else {
        Disposition::Unmatched
    }
}

/// Tells whether the unit of a record has a record of another role; an ambiguous record is in no unit.
fn has_unit_partner(world: &World<'_>, index: usize) -> bool {
    let own = world.groups.units.iter().find(|unit| unit.rows.contains(&index));
    own.is_some_and(|unit| unit.rows.iter().any(|&other| world.role(other) != world.role(index)))
}

/// Tells whether any record of another role has the lot key of a record.
fn has_lot_partner(world: &World<'_>, index: usize) -> bool {
    let row = &world.rows[index];
    (0..world.rows.len()).any(|other_index| {
        let other = &world.rows[other_index];
        let fields = compared_fields(world.source(index), world.source(other_index));
        let same_lot = |&(of_row, of_other): &_| !lot_value(row, of_row).is_empty() && lot_value(row, of_row) == lot_value(other, of_other);
        world.role(index) != world.role(other_index) && row.item == other.item && fields.iter().any(same_lot)
    })
}
