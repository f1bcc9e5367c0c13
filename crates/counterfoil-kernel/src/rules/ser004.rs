//! SER004: two suppliers shipped one unit.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::{Concern, Sights};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::{Role, Severity};
use crate::record::{Flags, Record};
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "SER004",
    name: "serial-from-several-suppliers",
    severity: Severity::Critical,
    needs: &[Need::Source(Role::Supplier)],
    parameters: &[],
    documentation: include_str!("docs/ser004.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Units whose records name two or more suppliers.
const CONCERN: Concern = Concern::seen(Sights::SUPPLIERS_MAY_DIFFER);

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    let context = units.context;
    let names_one = |record: &Record| record.supplier != 0 && context.source(record).role == Role::Supplier;
    for unit in units.concerned(CONCERN).filter(|unit| unit.held_by(Role::Supplier)) {
        let records = units.records_of(unit);
        let mut suppliers = records.iter().filter(|record| names_one(record)).map(|record| record.supplier);
        let Some(first) = suppliers.next() else { continue };
        if suppliers.any(|other| other != first) {
            out.push(Claim::new(RULE.severity, unit_subject(records)), records, names_one);
        }
    }
}

/// The subject of a finding about the unit that records form.
pub(super) fn unit_subject(records: &[Record]) -> Subject {
    if records[0].flags.has(Flags::SPLIT) { Subject::SplitUnit } else { Subject::Unit }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    let suppliers = shown.held.suppliers();
    write!(out, "{} was shipped by {} suppliers: {}", shown.unit(), suppliers.len(), Shown::listed(&suppliers))
}
