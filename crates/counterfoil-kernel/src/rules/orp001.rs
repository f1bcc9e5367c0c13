//! ORP001: shipped, and not in the ERP.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::{Role, Severity};
use crate::parameter::{Home, Parameter, Unit};
use crate::record::Record;
use crate::settled::Settled;
use crate::shown::Shown;

/// The grace of a run: what was shipped is not missing yet.
pub const GRACE_DAYS: Parameter = Parameter {
    name: "grace_days",
    unit: Unit::Count("days"),
    default: 14,
    least: 0,
    // A century.
    most: 36_500,
    about: "so many days after shipping a unit may still be under way; the window of ORP002 ends so long after the last shipment",
    home: Home::Key("grace_days"),
};

pub(super) static RULE: Rule = Rule {
    code: "ORP001",
    name: "shipped-not-in-erp",
    severity: Severity::Error,
    needs: &[Need::Source(Role::Supplier), Need::Source(Role::Erp)],
    parameters: &[GRACE_DAYS],
    documentation: include_str!("docs/orp001.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Units that were shipped and are not in the ERP.
const CONCERN: Concern = Concern::held(&[Role::Supplier], &[Role::Erp]);

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    let context = units.context;
    let shipped = |record: &Record| context.source(record).role == Role::Supplier;
    for unit in units.concerned(CONCERN) {
        let records = units.records_of(unit);
        let latest = records.iter().filter(|record| shipped(record)).map(|record| record.day).max().unwrap_or(0);
        if latest == 0 || context.as_of > i32::from(latest) + context.grace_days {
            out.push(Claim::new(RULE.severity, super::ser004::unit_subject(records)), records, shipped);
        } else {
            let claim = Claim::new(Severity::Info, Subject::Documents).subtype("in-transit");
            out.gather(claim, records.iter().filter(|record| shipped(record)));
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    if shown.subtype == "in-transit" {
        write!(out, "{} of {} (", shown.records(), shown.source())?;
        match shown.document() {
            "" => write!(out, "no document")?,
            document => write!(out, "document {document}")?,
        }
        let are = if shown.record_count == 1 { "is" } else { "are" };
        return write!(out, ") {are} within grace and not in the ERP yet");
    }
    write!(out, "{} was shipped{} and is not in the ERP", shown.unit(), shown.day_listed("on"))
}
