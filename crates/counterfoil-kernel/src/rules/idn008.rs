//! IDN008: forms that differ only in separators were kept apart.

use super::{Check, Rule};
use crate::cogroup::Units;
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::record::Flags;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "IDN008",
    name: "normalization-collision",
    severity: Severity::Warning,
    needs: &[],
    documentation: include_str!("docs/idn008.md"),
    check: Check::Units(check),
    message,
};

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    for serial in units.serials {
        let own = &units.units[serial.first_unit as usize..serial.last_unit as usize];
        let mut split = own.iter().filter(|unit| units.records_of(unit)[0].flags.has(Flags::SPLIT)).peekable();
        // The units of one scope value stand together: a record with a scope tells which.
        let scope = |unit: &crate::cogroup::Unit| {
            let mut scopes = units.records_of(unit).iter().map(|record| units.context.scope_of[record.place as usize]);
            scopes.find(|&scope| scope != 0).unwrap_or(0)
        };
        while let Some(first) = split.next() {
            let mut records = units.records_of(first).to_vec();
            while let Some(next) = split.next_if(|next| scope(next) == scope(first)) {
                records.extend_from_slice(units.records_of(next));
            }
            out.push(Claim::new(RULE.severity, Subject::SerialInScope), &records, |_| true);
        }
    }
}

fn message(shown: &Shown<'_>) -> String {
    format!("{} are each confirmed by two sources and were kept apart as different units", shown.serials_quoted())
}
