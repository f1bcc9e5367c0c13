//! Settling: which records of a serial form which unit, where they stand in several places or forms.

use super::Context;
use super::seen::Seen;
use crate::record::{Flags, Record};

/// Records that form a unit, or wait to.
struct Gathering {
    split: bool,
    layout: u32,
    has_unit_grain: bool,
    records: Vec<Record>,
}

/// Sources that must hold a form to confirm it.
const CONFIRMING_SOURCES: usize = 2;
/// Forms that must be confirmed before each is a unit of its own.
const FORMS_APART: usize = 2;

/// Tells whether the records of one serial are one unit, in the order that they have. No placeholder is among them; they are of one form, or too few to confirm
/// two; and all have one scope value or none, where those without join the others. It may deny what [`settle`] would find.
pub fn is_settled_without_look(seen: &Seen, group: &[Record], context: &Context) -> bool {
    let is_of_one_form = || group.iter().all(|record| record.layout == group[0].layout);
    if seen.flags.has(Flags::DIGITS) || !(group.len() < CONFIRMING_SOURCES * FORMS_APART || is_of_one_form()) {
        return false;
    }
    // Records without scope join those of a scope value that a source of units lists; without such, they are a unit of their own.
    let (mut scope_value, mut has_unscoped, mut has_unit_grain) = (0, false, false);
    for record in group {
        match context.scope_value(record) {
            0 => has_unscoped = true,
            own if scope_value == 0 || own == scope_value => {
                scope_value = own;
                has_unit_grain |= context.is_unit_grain(record);
            }
            _ => return false,
        }
    }
    scope_value == 0 || !has_unscoped || has_unit_grain
}

/// Settles which records of one serial form which unit, and flags where units start.
pub fn settle(group: &mut [Record], context: &Context) {
    let digits_confirmed = digits_confirmed(group, context);
    let (mut placeholders, mut usable): (Vec<Record>, Vec<Record>) =
        group.iter().copied().partition(|record| digits_confirmed && record.flags.has(Flags::DIGITS));
    placeholders.iter_mut().for_each(|record| record.flags.set(Flags::PLACEHOLDER));
    usable.sort_by_key(|record| (context.scope_value(record), record.layout, record.reference()));
    let unscoped_count = usable.iter().take_while(|record| context.scope_value(record) == 0).count();
    let scoped = usable.split_off(unscoped_count);
    let mut units = Vec::new();
    for run in scoped.chunk_by(|left, right| context.scope_value(left) == context.scope_value(right)) {
        gather(run, context, &mut units);
    }
    let mut ambiguous = join_unscoped(&usable, context, &mut units);
    ambiguous.iter_mut().for_each(|record| record.flags.set(Flags::AMBIGUOUS));

    let mut place = group.iter_mut();
    for unit in &mut units {
        unit.records.sort_by_key(Record::reference);
        for (index, record) in unit.records.iter_mut().enumerate() {
            if index == 0 {
                record.flags.set(Flags::UNIT_START);
            }
            if unit.split {
                record.flags.set(Flags::SPLIT);
            }
            *place.next().expect("every record is placed once") = *record;
        }
    }
    for record in ambiguous.into_iter().chain(placeholders) {
        *place.next().expect("every record is placed once") = record;
    }
    assert!(place.next().is_none(), "a serial group kept its length");
}

/// Tells whether some unit-grain source holds the digits-only value often enough under one item.
fn digits_confirmed(group: &[Record], context: &Context) -> bool {
    let mut holders: Vec<(u8, u32)> = group
        .iter()
        .filter(|record| record.flags.has(Flags::DIGITS) && context.is_unit_grain(record))
        .map(|record| (context.source_of(record), context.item(record)))
        .collect();
    holders.sort_unstable();
    holders.chunk_by(|left, right| left == right).any(|run| run.len() as u64 >= context.thresholds.digits_repeats)
}

/// Turns the records of one scope value, ordered by layout, into one unit, or into one for each form where forms are confirmed apart.
fn gather(run: &[Record], context: &Context, units: &mut Vec<Gathering>) {
    let forms: Vec<&[Record]> = run.chunk_by(|left, right| left.layout == right.layout).collect();
    let confirmed = forms.iter().filter(|form| sources_of(form, context) >= CONFIRMING_SOURCES).count();
    let mut push = |records: &[Record], split| {
        units.push(Gathering {
            split,
            layout: records[0].layout,
            has_unit_grain: records.iter().any(|record| context.is_unit_grain(record)),
            records: records.to_vec(),
        });
    };
    if confirmed >= FORMS_APART {
        forms.into_iter().for_each(|form| push(form, true));
    } else {
        push(run, false);
    }
}

/// Counts the sources of records ordered by file.
fn sources_of(records: &[Record], context: &Context) -> usize {
    records.chunk_by(|left, right| context.source_of(left) == context.source_of(right)).count()
}

/// Joins the records without scope to the unit they must belong to; gives back the ambiguous ones.
fn join_unscoped(unscoped: &[Record], context: &Context, units: &mut Vec<Gathering>) -> Vec<Record> {
    if unscoped.is_empty() {
        return Vec::new();
    }
    let any_split = units.iter().any(|unit| unit.split);
    let scoped_count = units.len();
    let mut ambiguous = Vec::new();
    let mut own = Vec::new();
    for form in unscoped.chunk_by(|left, right| !any_split || left.layout == right.layout) {
        let mut candidates = (0..scoped_count)
            .filter(|&index| units[index].has_unit_grain && (!units[index].split || units[index].layout == form[0].layout));
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => units[only].records.extend_from_slice(form),
            (Some(_), Some(_)) => ambiguous.extend_from_slice(form),
            (None, _) => own.extend_from_slice(form),
        }
    }
    if !own.is_empty() {
        gather(&own, context, units);
    }
    ambiguous
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;
    use crate::model::{FieldSet, Grain, Role, Source};
    use crate::parameter::Thresholds;

    fn context(has_scope: bool) -> Context {
        let source = |grain| Source { name: String::new(), role: Role::Erp, grain, rank: 1, fields: FieldSet::default() };
        Context {
            sources: vec![source(Grain::Unit), source(Grain::Event), source(Grain::Unit)],
            file_source: vec![0, 1, 2, 2],
            scope_of: if has_scope { vec![0, 1, 2] } else { vec![0; 3] },
            item_of: vec![0, 1, 2],
            item_order: vec![0, 1, 2],
            scope: Vec::new(),
            as_of: 0,
            grace_days: 0,
            thresholds: Thresholds::default(),
        }
    }

    /// What is settled without a look is what [`settle`] finds: one unit, and no record moves. Every group of up to five records, each of one of three files,
    /// three places, two layouts, and digits or not.
    #[test]
    fn what_needs_no_look_is_one_unit() {
        const KINDS: u32 = 3 * 3 * 2;
        let mut settled_by_length = [0; 6];
        for (length, has_scope) in (1..=5_u32).flat_map(|length| [(length, false), (length, true)]) {
            let context = context(has_scope);
            let traits = context.file_traits();
            for (number, digits_at) in (0..KINDS.pow(length)).flat_map(|number| [(number, None), (number, Some(number % length))]) {
                let record = |at: u32| {
                    let kind = number / KINDS.pow(at) % KINDS;
                    let flags = Flags(if digits_at == Some(at) { Flags::DIGITS } else { 0 });
                    Record { key: 1, file: kind % 3, place: kind / 3 % 3, layout: kind / 9, record: at, flags, ..Record::zeroed() }
                };
                let mut group: Vec<Record> = (0..length).map(record).collect();
                // Groups come ordered by file: other orders of the same kinds are the same group.
                if !group.is_sorted_by_key(Record::reference)
                    || !is_settled_without_look(&Seen::in_records(&group, &traits), &group, &context)
                {
                    continue;
                }
                let mut settled = group.clone();
                settle(&mut settled, &context);
                group[0].flags.set(Flags::UNIT_START);
                assert_eq!(settled, group);
                settled_by_length[length as usize] += 1;
            }
        }
        assert!(settled_by_length[1..].iter().all(|&groups| groups >= 12), "{settled_by_length:?}");
    }
}
