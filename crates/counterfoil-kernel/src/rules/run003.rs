//! RUN003: the same content delivered twice.

use std::fmt::{self, Formatter};

use super::{Check, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::Severity;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "RUN003",
    name: "file-repeated",
    severity: Severity::Warning,
    needs: &[],
    parameters: &[],
    documentation: include_str!("docs/run003.md"),
    check: Check::Totals(check),
    message,
};

/// One finding for each file that others repeat: its figure is how many do.
fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    for first in 0..totals.files.len() {
        let repeats = totals.files.iter().filter(|facts| facts.repeats == Some(first as u32)).count();
        if repeats > 0 {
            out.push_figure(Claim::new(RULE.severity, Subject::File(first as u32, 0)), repeats as u64);
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "the content of {} of {} was delivered ", shown.held.file(), shown.source())?;
    match shown.figure {
        1 => write!(out, "once more; its records count once"),
        times => write!(out, "{times} more times; its records count once"),
    }
}
