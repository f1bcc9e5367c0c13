//! Section "Grain, scope, unit" of the semantics: which records are one unit, and how a unit is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Field, Grain, Role, Severity};

use super::naive::{NaiveFinding, NaiveSettings, NaiveSource, World, grain};
use super::naive_records::Row;

/// All records with one unit key.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub serial_key: String,
    /// The values of the scope's fields; `None`: the blank scope of records without scope.
    pub scope: Option<Vec<String>>,
    /// The one form of the unit, when the collision rule kept the forms of its scope value apart.
    pub split_form: Option<String>,
    pub rows: Vec<usize>,
}

/// A scope value of a serial whose forms the collision rule kept apart.
#[derive(Clone, Debug)]
pub(super) struct Collision {
    pub serial_key: String,
    pub scope: Option<Vec<String>>,
    pub rows: Vec<usize>,
}

/// What the records with usable serials come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// The serial groups, by key form.
    pub serials: BTreeMap<String, Vec<usize>>,
    pub units: Vec<Unit>,
    /// The records that join no unit, by key form.
    pub ambiguous: BTreeMap<String, Vec<usize>>,
    pub collisions: Vec<Collision>,
}

/// Groups the records with a usable serial into units.
pub(super) fn group_rows(sources: &[NaiveSource], settings: &NaiveSettings, rows: &[Row]) -> Groups {
    let mut groups = Groups::default();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.is_usable()) {
        groups.serials.entry(row.serial_key.clone()).or_default().push(index);
    }
    for (key, members) in groups.serials.clone() {
        group_serial(sources, settings, rows, &key, &members, &mut groups);
    }
    groups
}

/// Forms the units of one serial group.
fn group_serial(sources: &[NaiveSource], settings: &NaiveSettings, rows: &[Row], key: &str, members: &[usize], groups: &mut Groups) {
    let mut by_scope: BTreeMap<Option<Vec<String>>, Vec<usize>> = BTreeMap::new();
    for &row in members {
        by_scope.entry(scope_value(&rows[row], settings)).or_default().push(row);
    }
    let without_scope = by_scope.remove(&None).unwrap_or_default();
    let mut units = Vec::new();
    for (scope, rows_here) in by_scope {
        units.extend(split_scope_value(rows, key, scope, rows_here, groups));
    }

    // Where a split scope is involved, each form among the records without scope decides for itself, else all together.
    let is_split = units.iter().any(|unit| unit.split_form.is_some());
    let mut parties: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in without_scope {
        parties.entry(if is_split { &rows[row].serial_form } else { "" }).or_default().push(row);
    }
    let mut joins = Vec::new();
    let mut homeless = Vec::new();
    for (form, party) in parties {
        let holds_unit_grain = |unit: &Unit| unit.rows.iter().any(|&row| grain(&sources[rows[row].source].source) == Grain::Unit);
        let counts = |unit: &Unit| holds_unit_grain(unit) && unit.split_form.as_deref().is_none_or(|split| split == form);
        let candidates: Vec<usize> = (0..units.len()).filter(|&unit| counts(&units[unit])).collect();
        match candidates[..] {
            [] => homeless.extend(party),
            [unit] => joins.push((unit, party)),
            _ => groups.ambiguous.entry(key.to_owned()).or_default().extend(party),
        }
    }
    for (unit, party) in joins {
        units[unit].rows.extend(party);
    }
    groups.units.extend(units);
    if !homeless.is_empty() {
        let own = split_scope_value(rows, key, None, homeless, groups);
        groups.units.extend(own);
    }
}

/// Gives the scope value of a record; `None` when any scope column is blank or unmapped.
fn scope_value(row: &Row, settings: &NaiveSettings) -> Option<Vec<String>> {
    let value = |&field: &Field| match field {
        Field::Supplier => row.supplier.clone(),
        _ => row.compared.get(&field).cloned().unwrap_or_default(),
    };
    let values: Vec<String> = settings.scope.iter().map(value).collect();
    values.iter().all(|value| !value.is_empty()).then_some(values)
}

/// Applies the collision rule to the records of one scope value.
fn split_scope_value(rows: &[Row], key: &str, scope: Option<Vec<String>>, members: Vec<usize>, groups: &mut Groups) -> Vec<Unit> {
    let mut forms: BTreeMap<String, (BTreeSet<usize>, Vec<usize>)> = BTreeMap::new();
    for &row in &members {
        let (sources, of_form) = forms.entry(rows[row].serial_form.clone()).or_default();
        sources.insert(rows[row].source);
        of_form.push(row);
    }
    let confirmed = forms.values().filter(|(sources, _)| sources.len() >= 2).count();
    let unit = |split_form, rows| Unit { serial_key: key.to_owned(), scope: scope.clone(), split_form, rows };
    if confirmed < 2 {
        return vec![unit(None, members)];
    }
    groups.collisions.push(Collision { serial_key: key.to_owned(), scope: scope.clone(), rows: members });
    forms.into_iter().map(|(form, (_, of_form))| unit(Some(form), of_form)).collect()
}

/// Gives the byte-least value of the best-ranked source that has one, among some rows; blank when none has.
fn best_ranked(world: &World<'_>, rows: &[usize], value: impl Fn(&Row) -> &String) -> String {
    let ranked = |&row: &usize| {
        let source = world.source(row);
        (source.rank, source.name.clone(), value(&world.rows[row]).clone())
    };
    rows.iter().map(ranked).filter(|(_, _, value)| !value.is_empty()).min().map(|(_, _, value)| value).unwrap_or_default()
}

impl Unit {
    /// Gives the item that the unit is shown with; rules that speak of "the item" of a unit mean this one.
    pub(super) fn item(&self, world: &World<'_>) -> String {
        best_ranked(world, &self.rows, |row| &row.item)
    }

    /// Gives the suppliers that its supplier-role records name, with the record that does.
    pub(super) fn shippers(&self, world: &World<'_>) -> Vec<(String, usize)> {
        let named = |row: usize| (shipper(world, row), row);
        world.of_role(&self.rows, Role::Supplier).into_iter().map(named).filter(|(name, _)| !name.is_empty()).collect()
    }

    /// Gives a finding about the unit, and about one source of it where one is named.
    pub(super) fn finding(&self, world: &World<'_>, code: &'static str, severity: Severity, source: &str, cited: &[usize]) -> NaiveFinding {
        let item = self.item(world);
        let serial = best_ranked(world, &self.rows, |row| &row.serial_form);
        let scope_fields = world.settings.scope.iter().zip(self.scope.iter().flatten());
        let others: Vec<&str> = scope_fields.filter(|(field, _)| **field != Field::Item).map(|(_, value)| value.as_str()).collect();
        let shipper = self.shippers(world).into_iter().map(|(name, _)| name).min();
        let subject = [&[source, item.as_str()][..], &others[..], &[serial.as_str()][..]].concat();
        NaiveFinding {
            lot: best_ranked(world, &self.rows, |row| &row.lot_form),
            supplier: shipper.unwrap_or_else(|| best_ranked(world, &self.rows, |row| &row.supplier)),
            site: best_ranked(world, &self.rows, |row| &row.site),
            ..world.finding(code, severity, &subject, cited)
        }
        .showing(&item, &serial)
    }
}

impl NaiveFinding {
    /// Shows an item and a serial.
    pub(super) fn showing(mut self, item: &str, serial: &str) -> Self {
        item.clone_into(&mut self.item);
        serial.clone_into(&mut self.serial);
        self
    }
}

/// Gives the supplier that a supplier-role record names: the source's name where the field is unmapped.
fn shipper(world: &World<'_>, row: usize) -> String {
    let source = world.source(row);
    if source.maps(Field::Supplier) { world.rows[row].supplier.clone() } else { super::naive_normalize::name(&source.name) }
}
