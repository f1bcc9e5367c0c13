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
    let mut repeated: Vec<u32> = totals.files.iter().filter_map(|facts| facts.repeats).collect();
    repeated.sort_unstable();
    for same in repeated.chunk_by(|left, right| left == right) {
        out.push_figure(Claim::new(RULE.severity, Subject::File(same[0], 0)), same.len() as u64);
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "the content of {} of {} was delivered ", shown.held.file(), shown.source())?;
    match shown.figure {
        1 => write!(out, "once more; its records count once"),
        times => write!(out, "{times} more times; its records count once"),
    }
}
