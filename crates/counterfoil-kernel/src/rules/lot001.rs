//! LOT001: the sources disagree about the lot of a unit.

use super::{Check, Need, Rule};
use crate::cogroup::{Context, Units};
use crate::finding::{Claim, FindingSink};
use crate::lots::{Comparison, Span, StatedLots, against_supplier, compare, stated_lots};
use crate::model::{Role, Severity};
use crate::record::Record;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "LOT001",
    name: "lot-mismatch",
    severity: Severity::Error,
    needs: &[Need::AnyLot],
    documentation: include_str!("docs/lot001.md"),
    check: Check::Units(check),
    message,
};

fn check(units: &Units<'_>, settled: &Settled<'_>, out: &mut FindingSink) {
    let mut lots = Vec::new();
    for unit in units.units {
        let records = units.records_of(unit);
        if records.len() < 2 || agree(records) {
            continue;
        }
        stated_lots(records, units.context, &mut lots);
        if differs(&lots, settled) {
            let subject = super::ser004::unit_subject(records);
            let claim = Claim::new(RULE.severity, subject).subtype(subtype(&lots, records, units.context));
            out.push(claim, records, |record| record.lot | record.supplier_lot != 0);
        }
    }
}

/// The common case, decided without gathering: every record states the same lots, or none.
fn agree(records: &[Record]) -> bool {
    let mut lot = 0;
    records.iter().all(|record| {
        let fits = record.supplier_lot == 0 && (record.lot == 0 || lot == 0 || record.lot == lot);
        lot |= record.lot;
        fits
    })
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

fn subtype(lots: &[StatedLots], records: &[Record], context: &Context) -> &'static str {
    if lots.iter().any(|stated| stated.lot.is_several() || stated.supplier_lot.is_several()) {
        return "within-source";
    }
    let value = |stated: &StatedLots| {
        let source = &context.sources[usize::from(stated.source)];
        let span: Span = if source.role == Role::Supplier { stated.lot } else { against_supplier(stated, source) };
        span.only().or(stated.lot.only()).unwrap_or(0)
    };
    let mut values: Vec<u32> = lots.iter().map(value).collect();
    values.sort_unstable();
    if values.first() == values.last() {
        values = lots.iter().filter_map(|stated| stated.lot.only()).collect();
        values.sort_unstable();
    }
    debug_assert!(!records.is_empty());
    let runs: Vec<usize> = values.chunk_by(|left, right| left == right).map(<[u32]>::len).collect();
    let most = runs.iter().copied().max().unwrap_or(0);
    match values.len() {
        0..=2 => "two-way",
        sources if 2 * most > sources => "majority",
        _ if runs.len() >= 3 => "three-way",
        _ => "two-way",
    }
}

fn message(shown: &Shown<'_>) -> String {
    format!("{} has several lots: {}", shown.unit(), shown.lots_by_source())
}
