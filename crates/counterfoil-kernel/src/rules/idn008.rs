//! IDN008: forms that differ only in separators were kept apart.

use std::fmt::{self, Formatter};

use super::{Check, Rule};
use crate::cogroup::seen::Concern;
use crate::cogroup::{Unit, Units};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::record::Record;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "IDN008",
    name: "normalization-collision",
    severity: Severity::Warning,
    needs: &[],
    parameters: &[],
    documentation: include_str!("docs/idn008.md"),
    check: Check::Units(Concern::NOTHING, check),
    message,
};

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    let value = |record: &Record| units.context.scope_of[record.place as usize];
    for serial in units.serials.iter().filter(|serial| serial.last_unit - serial.first_unit > 1) {
        let own = &units.units[serial.first_unit as usize..serial.last_unit as usize];
        let mut split = own.iter().filter(|unit| unit.split).peekable();
        // Records without scope may have joined a unit: the others tell its scope value. Units of one scope value stand together.
        let scope = |unit: &Unit| units.records_of(unit).iter().map(value).find(|&scope| scope != 0).unwrap_or(0);
        while let Some(first) = split.next() {
            let own_scope = scope(first);
            let mut records = units.records_of(first).to_vec();
            while let Some(next) = split.next_if(|next| scope(next) == own_scope) {
                records.extend_from_slice(units.records_of(next));
            }
            records.retain(|record| value(record) == own_scope);
            out.push(Claim::new(RULE.severity, Subject::SerialInScope), &records, |_| true);
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    let serials = shown.held.serials_with_sources();
    let of =
        |is_confirmed: bool| serials.iter().filter(|(_, sources)| (*sources >= 2) == is_confirmed).map(|&(serial, _)| serial).collect();
    let [confirmed, others]: [Vec<&str>; 2] = [true, false].map(of);
    write!(out, "{} are each confirmed by two sources and were kept apart as different units", Shown::quoted(&confirmed))?;
    match others.len() {
        0 => Ok(()),
        1 => write!(out, "; {}, which is not, is a unit of its own", Shown::quoted(&others)),
        _ => write!(out, "; {}, which are not, are units of their own", Shown::quoted(&others)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shown::tests::Holding;

    #[test]
    fn only_confirmed_forms_are_called_confirmed() {
        for (serials, sentence) in [
            (
                &[("AB-1", 2), ("AB1", 3)][..],
                "\"AB-1\" and \"AB1\" are each confirmed by two sources and were kept apart as different units",
            ),
            (
                &[("A-B1", 1), ("AB-1", 2), ("AB1", 2)],
                "\"AB-1\" and \"AB1\" are each confirmed by two sources and were kept apart as different units; \"A-B1\", which is not, is a unit of its own",
            ),
            (
                &[("A B1", 1), ("A-B1", 1), ("AB-1", 2), ("AB1", 2)],
                "\"AB-1\" and \"AB1\" are each confirmed by two sources and were kept apart as different units; \"A B1\" and \"A-B1\", which are not, are units of their own",
            ),
        ] {
            let holding = Holding { serials, lots: &[] };
            let shown = holding.shown();
            assert_eq!(fmt::from_fn(|out| message(&shown, out)).to_string(), sentence);
        }
    }
}
