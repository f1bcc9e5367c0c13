//! LOT003: a lot that no supplier shipped for the item.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::map::Set;
use crate::model::{Field, Role, Severity};
use crate::nearby::look_alike_fold;
use crate::number_set::NumberSet;
use crate::settled::Settled;
use crate::shown::Shown;
use crate::tally::LotTally;

pub(super) static RULE: Rule = Rule {
    code: "LOT003",
    name: "lot-unknown",
    severity: Severity::Error,
    needs: &[Need::LotsOfSupplierAndOther],
    parameters: &[],
    documentation: include_str!("docs/lot003.md"),
    check: Check::Totals(check),
    message,
};

fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    let settled = totals.settled;
    let mut unknown = unknown_lots(settled);
    unknown.retain(|&(source, item, _)| !is_foreign(source, item, settled));
    if unknown.is_empty() {
        return;
    }
    let known = SupplierLots::new(totals, &unknown);
    for (source, item, lot) in unknown {
        let subtype = known.subtype(item, lot, (totals.lot_text)(lot));
        out.push(Claim::new(RULE.severity, Subject::Lot { source, item, lot }).subtype(subtype), &[], |_| true);
    }
}

/// Lists the lots by source, item and lot that sources state and no supplier shipped, comparable or not: what ingest counted suffices.
pub fn unknown_lots(settled: &Settled<'_>) -> Vec<(u8, u32, u32)> {
    let suppliers = settled.sources_of(Role::Supplier);
    let mut unknown = Vec::new();
    for ((item, lot), tally) in settled.tally.lots.iter() {
        let is_known = tally.lot & suppliers != 0 || settled.tally_of_suppliers(item).records == 0;
        if !is_known && (item != 0 || settled.without_items) {
            unknown.extend(stating(&tally, settled).map(|source| (source, item, lot)));
        }
    }
    unknown
}

/// The ERP and warranty sources that state a lot in the field that is compared with supplier lots.
fn stating(tally: &LotTally, settled: &Settled<'_>) -> impl Iterator<Item = u8> {
    let mapping = settled.sources_mapping(Field::SupplierLot);
    let holders = ((tally.supplier_lot & mapping) | (tally.lot & !mapping)) & !settled.sources_of(Role::Supplier);
    (0..128_u8).filter(move |&source| holders & 1 << source != 0)
}

/// Tells whether a supplier source whose lots are of another kind than this source's ships the item.
fn is_foreign(source: u8, item: u32, settled: &Settled<'_>) -> bool {
    settled.context.sources.iter().enumerate().any(|(other, of)| {
        of.role == Role::Supplier
            && settled.has_foreign_lots(source, other as u8)
            && settled.tally.items[other].get(item as usize).is_some_and(|tally| tally.records > 0)
    })
}

/// What supplier sources shipped that resembles unknown lots, for telling why these are unknown.
struct SupplierLots {
    /// Unknown lots that a supplier shipped under another item.
    lots: Set<u32>,
    /// Skeletons of unknown lots, by item, that are those of lots shipped under it.
    skeletons: Set<(u32, String)>,
}

impl SupplierLots {
    /// Looks through the lots that were shipped, which may be very many, for those that resemble some of the unknown ones.
    fn new(totals: &Totals<'_>, unknown: &[(u8, u32, u32)]) -> Self {
        let suppliers = totals.settled.sources_of(Role::Supplier);
        let mut wanted_lots = NumberSet::default();
        let mut wanted: Set<(u32, String)> = Set::default();
        for &(_, item, lot) in unknown {
            wanted_lots.insert(lot);
            wanted.insert((item, look_alike_fold((totals.lot_text)(lot))));
        }
        let mut known = Self { lots: Set::default(), skeletons: Set::default() };
        for ((item, lot), _) in totals.settled.tally.lots.iter().filter(|(_, tally)| tally.lot & suppliers != 0) {
            if item != 0 && wanted_lots.contains(lot) {
                known.lots.insert(lot);
            }
            let key = (item, look_alike_fold((totals.lot_text)(lot)));
            if wanted.contains(&key) {
                known.skeletons.insert(key);
            }
        }
        known
    }

    fn subtype(&self, item: u32, lot: u32, text: &str) -> &'static str {
        if self.lots.contains(&lot) {
            "other-item"
        } else if self.skeletons.contains(&(item, look_alike_fold(text))) {
            "near"
        } else {
            "unknown"
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    let why = match shown.subtype {
        "other-item" => "a supplier shipped this lot under another item",
        "near" => "a supplier shipped a lot that looks like it",
        _ => "no supplier shipped a lot like it",
    };
    write!(out, "{} has lot {}", shown.source(), shown.lot)?;
    if !shown.item.is_empty() {
        write!(out, " of item {}", shown.item)?;
    }
    write!(out, " on {}, and no supplier shipped it: {why}", shown.records())
}
