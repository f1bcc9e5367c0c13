//! LOT006: two sources write lots of different kinds.

use super::{Check, Need, Rule, Totals};
use crate::finding::{Claim, FindingSink, Subject};
use crate::lots::pair_index;
use crate::model::Severity;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "LOT006",
    name: "lots-not-comparable",
    severity: Severity::Error,
    needs: &[Need::TwoLots],
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

fn message(shown: &Shown<'_>) -> String {
    format!(
        "the lots of {} are of different kinds: they differ on {} units, more than half of those that both describe; map supplier_lot, or leave the lot of one unmapped",
        shown.sources_listed(),
        shown.figure
    )
}
