//! ORP003: a claim for a unit that nobody knows.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::seen::Concern;
use crate::cogroup::{Unit, Units};
use crate::finding::{Claim, FindingSink};
use crate::model::{Role, Severity};
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "ORP003",
    name: "claim-for-unknown-unit",
    severity: Severity::Critical,
    needs: &[Need::Source(Role::Warranty), Need::EitherSource(Role::Supplier, Role::Erp)],
    parameters: &[],
    documentation: include_str!("docs/orp003.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Units that only claims name.
const CONCERN: Concern = Concern::held(&[Role::Warranty], &[Role::Supplier, Role::Erp]);

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    for unit in units.concerned(CONCERN) {
        let records = units.records_of(unit);
        let subject = super::ser004::unit_subject(records);
        let claim = if is_known_under_another_item(unit, units) {
            Claim { explained_by: records[0].key, ..Claim::new(Severity::Warning, subject).subtype("other-item") }
        } else {
            Claim::new(RULE.severity, subject)
        };
        out.push(claim, records, |_| true);
    }
}

/// Tells whether a supplier or the ERP has the serial in a unit, under an item that is not the unit's; an ambiguous record lies in none.
///
/// A blank item is no other item: a unit of the same item, of none, or of the same item at another place of the scope does not make the
/// claim's item the mistake.
fn is_known_under_another_item(unit: &Unit, units: &Units<'_>) -> bool {
    let serial = units.serials[unit.serial as usize];
    let is_other = |item: u32| item != 0 && item != unit.item;
    let mut settled = units.records[serial.start as usize..serial.units_end as usize].iter();
    unit.item != 0 && settled.any(|record| units.context.source(record).role != Role::Warranty && is_other(units.context.item(record)))
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    match shown.record_count {
        1 => write!(out, "a claim names")?,
        count => write!(out, "{count} claims name")?,
    }
    let but = if shown.subtype == "other-item" { "; the serial is known under another item" } else { "" };
    write!(out, " {}, which no supplier shipped and the ERP does not have{but}", shown.unit())
}
