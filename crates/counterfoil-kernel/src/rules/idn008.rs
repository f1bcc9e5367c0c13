//! IDN008: forms that differ only in separators were kept apart.

use super::{Check, Rule};
use crate::cogroup::{Unit, Units};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::record::{Flags, Record};
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "IDN008",
    name: "normalization-collision",
    severity: Severity::Warning,
    needs: &[],
    parameters: &[],
    documentation: include_str!("docs/idn008.md"),
    check: Check::Units(check),
    message,
};

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    let value = |record: &Record| units.context.scope_of[record.place as usize];
    for serial in units.serials {
        let own = &units.units[serial.first_unit as usize..serial.last_unit as usize];
        let mut split = own.iter().filter(|unit| units.records_of(unit)[0].flags.has(Flags::SPLIT)).peekable();
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

fn message(shown: &Shown<'_>) -> String {
    format!("{} are each confirmed by two sources and were kept apart as different units", shown.serials_quoted())
}
