//! SER001: a source that lists each unit once holds a unit twice, with differences.

use std::fmt::{self, Formatter};

use super::{Check, Need, Rule};
use crate::cogroup::Units;
use crate::cogroup::seen::{Concern, Sights};
use crate::finding::{Claim, FindingSink, Subject};
use crate::model::{Grain, Severity};
use crate::record::Flags;
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "SER001",
    name: "duplicate-serial",
    severity: Severity::Error,
    needs: &[Need::UnitGrain],
    parameters: &[],
    documentation: include_str!("docs/ser001.md"),
    check: Check::Units(CONCERN, check),
    message,
};

/// Finds every repeated unit; whether its records differ (SER001) or not (SER002) is told apart when they are read.
/// Units of which a unit-grain source holds two or more records.
const CONCERN: Concern = Concern::seen(Sights::REPEATED);

fn check(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    for unit in units.concerned(CONCERN) {
        let records = units.records_of(unit);
        for (source, own) in units.by_source(unit) {
            if own.len() < 2 || units.context.sources[usize::from(source)].grain != Grain::Unit {
                continue;
            }
            let split = records[0].flags.has(Flags::SPLIT);
            let subject = if split { Subject::SplitUnitInSource(source) } else { Subject::UnitInSource(source) };
            let mut layouts: Vec<u32> = own.iter().map(|record| record.layout).collect();
            layouts.sort_unstable();
            let apart = layouts.windows(2).all(|pair| pair[0] != pair[1]);
            let subtype = if apart { "after-normalization" } else { "" };
            let claim = Claim::new(RULE.severity, subject).subtype(subtype);
            out.push(claim, records, |record| units.context.source_of(record) == source);
        }
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "{} lists {} {} times", shown.source(), shown.unit(), shown.record_count)?;
    if shown.subtype == "after-normalization" {
        write!(out, ", spelt {}", shown.serials_quoted())?;
    }
    write!(out, ", with different content")
}
