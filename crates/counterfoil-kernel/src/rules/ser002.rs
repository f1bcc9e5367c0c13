//! SER002: a source that lists each unit once holds an exact copy of a record.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::model::Severity;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "SER002",
    name: "repeated-record",
    severity: Severity::Warning,
    needs: &[Need::UnitGrain],
    parameters: &[],
    documentation: include_str!("docs/ser002.md"),
    check: Check::With("SER001"),
    message,
};

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "{} holds {} equal records of {}", shown.source(), shown.record_count, shown.unit())
}
