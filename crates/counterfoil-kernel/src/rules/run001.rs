//! RUN001: records that could not be read.

use std::fmt::{self, Formatter};

use super::{Check, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::parameter::{Home, Parameter, Unit};
use crate::shown::Shown;

/// The tolerance for records that can't be read.
pub const REJECTED_MAX: Parameter = Parameter {
    name: "rejected_max",
    unit: Unit::Count("records"),
    default: 0,
    least: 0,
    most: u64::MAX,
    about: "a source with more rejected records stops the run; `sources.NAME.rejected_max` sets it for one source",
    home: Home::Key("limits.rejected_max"),
};

pub(super) static RULE: Rule = Rule {
    code: "RUN001",
    name: "rejected-record",
    severity: Severity::Error,
    needs: &[],
    parameters: &[REJECTED_MAX],
    documentation: include_str!("docs/run001.md"),
    check: Check::Totals(check),
    message,
};

fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    for (file, facts) in totals.files.iter().enumerate() {
        for (number, &(_, count)) in facts.rejected.iter().enumerate() {
            out.push_figure(Claim::new(RULE.severity, Subject::File(file as u32, number as u32)), count);
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    let (file, source, reason) = (shown.held.file(), shown.source(), shown.value());
    match shown.figure {
        1 => write!(out, "{file} of {source}: 1 record could not be read ({reason}); it stands in rejected.parquet"),
        count => write!(out, "{file} of {source}: {count} records could not be read ({reason}); they stand in rejected.parquet"),
    }
}
