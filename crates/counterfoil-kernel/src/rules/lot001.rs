//! LOT001: the sources disagree about the lot of a unit.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::{Concern, Sights};
use crate::finding::{Claim, FindingSink};
use crate::lots::{Comparison, StatedLots, compare, compared, stated_lots};
use crate::model::Severity;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "LOT001",
    name: "lot-mismatch",
    severity: Severity::Error,
    needs: &[Need::AnyLot],
    parameters: &[],
    documentation: include_str!("docs/lot001.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// The common case is decided without gathering: every record states the same lot, or none.
const CONCERN: Concern = Concern::seen(Sights::LOTS_MAY_DIFFER);

fn check(units: &Units<'_>, settled: &Settled<'_>, out: &mut FindingSink) {
    let mut lots = Vec::new();
    for unit in units.concerned(CONCERN).filter(|unit| unit.end - unit.start > 1) {
        let records = units.records_of(unit);
        stated_lots(records, units.context, &mut lots);
        if differs(&lots, settled) {
            let subject = super::ser004::unit_subject(records);
            let claim = Claim::new(RULE.severity, subject).subtype(subtype(&lots, settled));
            out.push(claim, records, |record| record.lot | record.supplier_lot != 0);
        }
    }
}

fn differs(lots: &[StatedLots], settled: &Settled<'_>) -> bool {
    lots.iter().enumerate().any(|(index, left)| {
        left.lot.is_several()
            || left.supplier_lot.is_several()
            || lots[index + 1..].iter().any(|right| {
                !settled.has_foreign_lots(left.source, right.source) && compare(left, right, settled.context) == Comparison::Differs
            })
    })
}

fn subtype(lots: &[StatedLots], settled: &Settled<'_>) -> &'static str {
    if lots.iter().any(|stated| stated.lot.is_several() || stated.supplier_lot.is_several()) {
        return "within-source";
    }
    let mut stated: Vec<(u32, u8)> = Vec::new();
    for (index, left) in lots.iter().enumerate() {
        for right in &lots[index + 1..] {
            if settled.has_foreign_lots(left.source, right.source) {
                continue;
            }
            for (of_left, of_right) in compared(left, right, settled.context) {
                stated.extend(of_left.only().map(|lot| (lot, left.source)));
                stated.extend(of_right.only().map(|lot| (lot, right.source)));
            }
        }
    }
    stated.sort_unstable();
    stated.dedup();
    let mut sources: Vec<u8> = stated.iter().map(|&(_, source)| source).collect();
    sources.sort_unstable();
    sources.dedup();
    let holders: Vec<usize> = stated.chunk_by(|left, right| left.0 == right.0).map(<[_]>::len).collect();
    match sources.len() {
        0..=2 => "two-way",
        count if holders.iter().any(|&held| 2 * held > count) => "majority",
        _ if holders.len() >= 3 => "three-way",
        _ => "two-way",
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "{} has several lots: {}", shown.unit(), shown.lots_by_source())
}
