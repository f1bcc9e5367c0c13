//! IDN005: a file holds an identifier as a number.

use std::fmt::{self, Formatter};

use super::{Check, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "IDN005",
    name: "numeric-identifier-column",
    severity: Severity::Warning,
    needs: &[],
    parameters: &[],
    documentation: include_str!("docs/idn005.md"),
    check: Check::Totals(check),
    message,
};

fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    for (file, facts) in totals.files.iter().enumerate() {
        for column in 0..facts.numeric_columns.len() {
            out.push(Claim::new(RULE.severity, Subject::File(file as u32, column as u32)), &[], |_| true);
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(
        out,
        "{} holds the identifier column {} of {} as a number: leading zeros and long digits may be lost",
        shown.held.file(),
        shown.value(),
        shown.source()
    )
}
