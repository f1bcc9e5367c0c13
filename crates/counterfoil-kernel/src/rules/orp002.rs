//! ORP002: in the ERP, and never shipped.

use std::fmt::{self, Formatter};

use super::orp001::GRACE_DAYS;
use super::{Check, Need, Rule};
use crate::cogroup::seen::Concern;
use crate::cogroup::{Unit, Units};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::{Role, Severity};
use crate::record::Record;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "ORP002",
    name: "erp-not-shipped",
    severity: Severity::Error,
    needs: &[Need::Source(Role::Supplier), Need::Source(Role::Erp)],
    parameters: &[GRACE_DAYS],
    documentation: include_str!("docs/orp002.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Units that are in the ERP and were not shipped.
const CONCERN: Concern = Concern::held(&[Role::Erp], &[Role::Supplier]);

fn check(units: &Units<'_>, settled: &Settled<'_>, out: &mut FindingSink) {
    let held = |record: &Record| units.context.source(record).role == Role::Erp;
    for unit in units.concerned(CONCERN) {
        let records = units.records_of(unit);
        let mut judged = records.iter().filter(|record| held(record) && settled.is_judged(record)).peekable();
        if judged.peek().is_none() {
            continue;
        }
        if !settled.is_shipped(unit.item) {
            let claim = Claim::new(Severity::Info, Subject::Item(unit.item)).subtype("item-not-shipped");
            out.gather(claim, records.iter().filter(|record| held(record)));
        } else if judged.any(|record| is_inside(record, unit, settled)) {
            out.push(Claim::new(RULE.severity, super::ser004::unit_subject(records)), records, held);
        }
    }
}

/// Tells whether a record was received while the item was being shipped, or may have been.
fn is_inside(record: &Record, unit: &Unit, settled: &Settled<'_>) -> bool {
    let window = settled.shipped(unit.item);
    let received = i32::from(record.day);
    window.shipped_first == 0
        || received == 0
        || (i32::from(window.shipped_first)..=i32::from(window.shipped_last) + settled.context.grace_days).contains(&received)
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    if shown.subtype == "item-not-shipped" {
        return write!(out, "no supplier source ships item {}; the ERP has {} of it", shown.item, shown.records());
    }
    write!(out, "{} is in the ERP{} and no supplier shipped it", shown.unit(), shown.day_listed("since"))
}
