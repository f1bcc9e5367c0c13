//! IDN011: records that could belong to several units.

use std::fmt::{self, Formatter};

use super::{Check, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "IDN011",
    name: "ambiguous-unit",
    severity: Severity::Warning,
    needs: &[],
    parameters: &[],
    documentation: include_str!("docs/idn011.md"),
    check: Check::Units(Concern::NOTHING, check),
    message,
};

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    for serial in units.serials {
        let ambiguous = &units.records[serial.units_end as usize..serial.usable_end as usize];
        if !ambiguous.is_empty() {
            out.push(Claim::new(RULE.severity, Subject::Serial), ambiguous, |_| true);
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    match shown.record_count {
        1 => write!(out, "1 record with serial {} does not say which of several units it means", shown.serial),
        count => write!(out, "{count} records with serial {} do not say which of several units they mean", shown.serial),
    }
}
