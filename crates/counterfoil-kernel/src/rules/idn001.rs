//! IDN001: serials are missing where units have them.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::{Field, Severity};
use crate::parameter::{Home, PERCENT, Parameter, Unit, WHOLE};
use crate::shown::Shown;
use crate::tally::is_placeholder;

pub(super) static RULE: Rule = Rule {
    code: "IDN001",
    name: "identifier-missing",
    severity: Severity::Error,
    needs: &[Need::Field(Field::Serial)],
    parameters: &[Parameter {
        name: "lot_only_percent",
        unit: Unit::Percent,
        default: 99 * PERCENT,
        least: PERCENT,
        most: WHOLE,
        about: "an item is lot-only in a source when at least this share of its records there lack a serial; such records count as quantities of lots",
        home: Home::Table(|thresholds| &mut thresholds.lot_only_percent),
    }],
    documentation: include_str!("docs/idn001.md"),
    check: Check::Totals(check),
    message,
};

fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    let context = totals.settled.context;
    for (record, _) in totals.keyless.iter().copied().flatten() {
        if !is_placeholder(record) && !totals.settled.counts_as_lot(record) {
            let subject = Subject::ItemInSource(context.source_of(record), context.item(record));
            out.gather(Claim::new(RULE.severity, subject), std::iter::once(record));
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "{} has {} ", shown.source(), shown.records())?;
    match shown.item {
        "" => write!(out, "without an item without a serial"),
        item => write!(out, "of item {item} without a serial"),
    }
}
