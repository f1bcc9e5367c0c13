//! SER003: one serial under several items.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule, Totals};
use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::{Field, Severity};
use crate::parameter::{Home, PERCENT, Parameter, Unit, WHOLE};
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "SER003",
    name: "serial-on-several-items",
    severity: Severity::Warning,
    needs: &[Need::Field(Field::Item)],
    parameters: &[
        Parameter {
            name: "serials_min",
            unit: Unit::Count("serials"),
            default: 1_000,
            least: 1,
            most: u64::MAX,
            about: "from so many serials on, one information can replace the findings",
            home: Home::Table(|thresholds| &mut thresholds.widespread_serials_min),
        },
        Parameter {
            name: "widespread_percent",
            unit: Unit::Percent,
            default: PERCENT,
            least: 0,
            most: WHOLE,
            about: "it does so when more than this share of all serials stand under several items",
            home: Home::Table(|thresholds| &mut thresholds.widespread_percent),
        },
    ],
    documentation: include_str!("docs/ser003.md"),
    check: Check::UnitsAndTotals(Concern::NOTHING, check, check_widespread),
    message,
};

fn check(units: &Units<'_>, settled: &Settled<'_>, out: &mut FindingSink) {
    if settled.are_serials_widespread() {
        return;
    }
    let severity = if units.context.scope.is_empty() { Severity::Error } else { RULE.severity };
    let mut with_item = Vec::new();
    for serial in units.serials.iter().filter(|serial| serial.on_several_items) {
        let usable = &units.records[serial.start as usize..serial.usable_end as usize];
        with_item.clear();
        with_item.extend(usable.iter().copied().filter(|record| units.context.item(record) != 0));
        out.push(Claim::new(severity, Subject::Serial), &with_item, |_| true);
    }
}

/// Makes one finding of the data set where the rule would fire for more than one serial in a hundred.
fn check_widespread(totals: &Totals<'_>, out: &mut FindingSink) {
    if totals.settled.are_serials_widespread() {
        out.push_figure(Claim::new(Severity::Info, Subject::Dataset).subtype("widespread"), totals.settled.survey.serials_on_several_items);
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    if shown.subtype == "widespread" {
        return write!(out, "{} serials stand under several items: serials of different items are different units here", shown.figure);
    }
    let items = shown.held.items();
    write!(out, "serial {} stands under {} items: {}", shown.serial, items.len(), Shown::listed(&items))
}
