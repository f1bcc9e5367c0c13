//! IDN002: a placeholder stands where an identifier should.

use std::fmt::{self, Formatter};

use super::{Check, Rule, Totals};
use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::{Claim, FindingSink, Subject};
use crate::key::Key;
use crate::map::Set;
use crate::model::{Field, Severity};
use crate::parameter::{Home, Parameter, Unit};
use crate::record::{Flags, Record};
use crate::settled::Settled;
use crate::shown::Shown;

pub(super) static RULE: Rule = Rule {
    code: "IDN002",
    name: "placeholder-identifier",
    severity: Severity::Error,
    needs: &[],
    parameters: &[Parameter {
        name: "digits_repeats",
        unit: Unit::Count("records"),
        default: 3,
        least: 1,
        most: u64::MAX,
        about: "a digits-only serial of the list is a placeholder when one unit-grain source holds it in so many records under one item",
        home: Home::Table(|thresholds| &mut thresholds.digits_repeats),
    }],
    documentation: include_str!("docs/idn002.md"),
    check: Check::UnitsAndTotals(Concern::NOTHING, check_digits, check),
    message,
};

/// A placeholder in one field of one record.
#[derive(Clone, Copy, Debug)]
pub struct PlaceholderUse {
    /// The source.
    pub source: u8,
    /// The field.
    pub field: Field,
    /// The value, a number of the placeholder interner.
    pub value: u32,
    /// The record.
    pub record: Record,
}

/// The digits-only entries that co-grouping confirmed: all records of such a serial lie in one partition.
fn check_digits(units: &Units<'_>, _: &Settled<'_>, out: &mut FindingSink) {
    for serial in units.serials.iter().filter(|serial| serial.usable_end != serial.end) {
        let confirmed = &units.records[serial.usable_end as usize..serial.end as usize];
        let mut records = confirmed.to_vec();
        records.sort_unstable_by_key(Record::reference);
        for own in records.chunk_by(|left, right| units.context.source_of(left) == units.context.source_of(right)) {
            out.push(Claim::new(RULE.severity, Subject::SerialValue(units.context.source_of(&own[0]))), own, |_| true);
        }
    }
}

fn check(totals: &Totals<'_>, out: &mut FindingSink) {
    for used in totals.placeholders {
        let subject = Subject::Value { source: used.source, field: used.field, value: used.value };
        out.gather(Claim::new(RULE.severity, subject), std::iter::once(&used.record));
    }
    check_lot_grain_digits(totals, out);
}

/// The confirmed digits-only entries in sources of lot grain, whose records are in no partition.
fn check_lot_grain_digits(totals: &Totals<'_>, out: &mut FindingSink) {
    let confirmed: Set<Key> = totals.settled.survey.digits_keys.iter().copied().collect();
    if confirmed.is_empty() {
        return;
    }
    let source_of = |record: &Record| totals.settled.context.source_of(record);
    let holds = |record: &&Record| record.flags.has(Flags::DIGITS) && confirmed.contains(&record.key);
    let mut records: Vec<Record> = totals.keyless.iter().copied().flatten().map(|(record, _)| record).filter(holds).copied().collect();
    records.sort_unstable_by_key(|record| (source_of(record), record.key, record.reference()));
    for own in records.chunk_by(|left, right| (source_of(left), left.key) == (source_of(right), right.key)) {
        out.push(Claim::new(RULE.severity, Subject::SerialValue(source_of(&own[0]))), own, |_| true);
    }
}

fn message(shown: &Shown<'_>, out: &mut Formatter<'_>) -> fmt::Result {
    write!(out, "{} has the placeholder \"{}\" as {} in {}", shown.source(), shown.value(), shown.field(), shown.records())
}
