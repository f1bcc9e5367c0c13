//! ORP004: a claim for a unit that was shipped and is not in the ERP.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::{Claim, FindingSink};
use crate::model::{Role, Severity};
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "ORP004",
    name: "claim-not-in-erp",
    severity: Severity::Warning,
    needs: &[Need::Source(Role::Supplier), Need::Source(Role::Erp), Need::Source(Role::Warranty)],
    parameters: &[],
    documentation: include_str!("docs/orp004.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Units that were shipped and claimed and are not in the ERP.
const CONCERN: Concern = Concern::held(&[Role::Supplier, Role::Warranty], &[Role::Erp]);

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    for unit in units.concerned(CONCERN) {
        let records = units.records_of(unit);
        out.push(Claim::new(RULE.severity, super::ser004::unit_subject(records)), records, |record| {
            units.context.source(record).role == Role::Warranty
        });
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    let s = if shown.record_count == 1 { "" } else { "s" };
    write!(out, "{} was shipped and claimed ({} claim{s}), and is not in the ERP", shown.unit(), shown.record_count)
}
