//! LOT006: two sources write lots of different kinds.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::lots::pair_index;
use crate::model::Severity;
use crate::parameter::{Home, PERCENT, Parameter, Unit, WHOLE};
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "LOT006",
    name: "lots-not-comparable",
    severity: Severity::Error,
    needs: &[Need::TwoLots],
    parameters: &[
        Parameter {
            name: "units_min",
            unit: Unit::Count("units"),
            default: 1_000,
            least: 1,
            most: u64::MAX,
            about: "a pair of sources is judged from so many comparable units on",
            home: Home::Table(|thresholds| &mut thresholds.lot_pair_units_min),
        },
        Parameter {
            name: "differing_percent",
            unit: Unit::Percent,
            default: 50 * PERCENT,
            least: 0,
            most: WHOLE,
            about: "the lots of a pair are of different kinds when more than this share of its comparable units differ",
            home: Home::Table(|thresholds| &mut thresholds.lot_pair_differing_percent),
        },
    ],
    documentation: include_str!("docs/lot006.md"),
    check: Check::Totals(check),
    message,
};

fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    let sources = totals.settled.context.sources.len() as u8;
    for left in 0..sources {
        for right in left + 1..sources {
            if totals.settled.has_foreign_lots(left, right) {
                let (_, differ) = totals.settled.survey.lot_pairs[pair_index(left, right, usize::from(sources))];
                out.push_figure(Claim::new(RULE.severity, Subject::Sources(left, right)), differ);
            }
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(
        out,
        "the lots of {} are of different kinds: they differ on {} units, too many of those that both describe to be mistakes; map supplier_lot, or leave the lot of one unmapped",
        shown.sources_listed(),
        shown.figure
    )
}
