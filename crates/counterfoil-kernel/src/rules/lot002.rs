//! LOT002: a source lacks the lot of a unit whose item is tracked by lot.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::{Concern, Sights};
use crate::finding::{Claim, FindingSink};
use crate::model::{Field, Grain, Severity, Source};
use crate::parameter::{Home, PERCENT, Parameter, Unit, WHOLE};
use crate::record::Record;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "LOT002",
    name: "lot-missing",
    severity: Severity::Warning,
    needs: &[Need::UnitGrainLot],
    parameters: &[Parameter {
        name: "tracked_percent",
        unit: Unit::Percent,
        default: 50 * PERCENT,
        least: 0,
        most: WHOLE,
        about: "an item is lot-tracked when at least this share of its records carry a lot",
        home: Home::Table(|thresholds| &mut thresholds.lot_tracked_percent),
    }],
    documentation: include_str!("docs/lot002.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Units with a record of a unit-grain source that states no `lot`.
const CONCERN: Concern = Concern::seen(Sights::LACKS_LOT);

fn check(units: &Units<'_>, settled: &Settled<'_>, out: &mut FindingSink) {
    let context = units.context;
    let asks = |source: &Source| source.grain == Grain::Unit && (source.maps(Field::Lot) || source.maps(Field::SupplierLot));
    for unit in units.concerned(CONCERN).filter(|unit| settled.is_lot_tracked(unit.item)) {
        let records = units.records_of(unit);
        let mut lacking: u128 = 0;
        for (source, own) in units.by_source(unit) {
            if asks(&context.sources[usize::from(source)]) && own.iter().all(has_no_lot) {
                lacking |= 1 << source;
            }
        }
        if lacking != 0 {
            let subtype = if records.iter().all(has_no_lot) { "nowhere" } else { "here" };
            let claim = Claim::new(RULE.severity, super::ser004::unit_subject(records)).subtype(subtype);
            out.push(claim, records, |record| lacking & 1 << context.source_of(record) != 0);
        }
    }
}

fn has_no_lot(record: &Record) -> bool {
    record.lot | record.supplier_lot == 0
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    match shown.subtype {
        "here" => write!(out, "{} has no lot for {}; elsewhere it is {}", shown.sources_listed(), shown.unit(), shown.lots_by_source()),
        _ => write!(out, "no source has a lot for {}, whose item is tracked by lot", shown.unit()),
    }
}
