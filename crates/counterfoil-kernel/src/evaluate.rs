//! The functions that every engine calls: survey a partition, judge it, judge the totals.

use crate::cogroup::Units;
use crate::cogroup::seen::Concern;
use crate::finding::FindingSink;
use crate::model::Source;
use crate::rules::{CATALOGUE, Check, Rule, Totals};
use crate::settled::Settled;

/// Which rules run, by index in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled(Vec<bool>);

impl Enabled {
    /// Enables the rules that are selected and have what they need.
    ///
    /// A selection names codes or their beginnings (`SER`, `ORP001`); an empty one names all. What is ignored is never enabled.
    pub fn new(select: &[String], ignore: &[String], sources: &[Source]) -> Self {
        let names = |list: &[String], code: &str| list.iter().any(|prefix| code.starts_with(prefix.as_str()));
        let enabled = CATALOGUE
            .iter()
            .map(|rule| (select.is_empty() || names(select, rule.code)) && !names(ignore, rule.code) && rule.lacks(sources).is_none());
        Self(enabled.collect())
    }

    /// Tells whether a rule is enabled.
    pub fn has(&self, rule: u16) -> bool {
        self.0[usize::from(rule)]
    }

    /// Tells which units the rules that run look at.
    pub fn concern(&self) -> Concern {
        let of = |(index, rule): (usize, &&Rule)| match rule.check {
            Check::Units(concern, _) | Check::UnitsAndTotals(concern, ..) if self.runs(index as u16) => concern,
            _ => Concern::NOTHING,
        };
        CATALOGUE.iter().enumerate().map(of).fold(Concern::NOTHING, Concern::or)
    }

    /// Tells whether the check of a rule must run: for itself, or for a rule whose findings come with it.
    fn runs(&self, rule: u16) -> bool {
        let code = CATALOGUE[usize::from(rule)].code;
        self.has(rule)
            || CATALOGUE
                .iter()
                .enumerate()
                .any(|(other, of)| matches!(of.check, Check::With(with) if with == code) && self.has(other as u16))
    }
}

/// Lets every enabled rule see the units of one partition.
pub fn judge_units(units: &Units<'_>, settled: &Settled<'_>, enabled: &Enabled, out: &mut FindingSink) {
    for (index, rule) in CATALOGUE.iter().enumerate() {
        if let Check::Units(_, check) | Check::UnitsAndTotals(_, check, _) = rule.check
            && enabled.runs(index as u16)
        {
            out.rule = index as u16;
            check(units, settled, out);
        }
    }
}

/// Lets every enabled rule see the totals, once.
pub fn judge_totals(totals: &Totals<'_>, enabled: &Enabled, out: &mut FindingSink) {
    for (index, rule) in CATALOGUE.iter().enumerate() {
        if let Check::Totals(check) | Check::UnitsAndTotals(.., check) = rule.check
            && enabled.runs(index as u16)
        {
            out.rule = index as u16;
            check(totals, out);
        }
    }
}

#[cfg(test)]
mod tests {
    //! A unit that concerns no rule is counted by its shape, and its records are never placed: nothing may change by that.

    use super::*;
    use crate::cogroup::seen::Concerned;
    use crate::cogroup::{Context, Piece, Workspace, cogroup};
    use crate::key::{key_of, mix};
    use crate::ledger::{Ledger, end_units};
    use crate::model::{Field, FieldSet, Grain, Role};
    use crate::normalize::Steps;
    use crate::parameter::Thresholds;
    use crate::record::{CompactRecord, Flags, Setting, reference};
    use crate::settled::Premises;
    use crate::sums::Quantities;
    use crate::tally::{IngestTally, Survey, Surveying};

    /// A fixed sequence of numbers below a bound.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: u64) -> u32 {
            self.0 += 1;
            (mix(u128::from(self.0)) % bound) as u32
        }
    }

    fn context() -> Context {
        let source = |(name, role, grain): (&str, Role, Grain)| {
            let mut fields = FieldSet::default();
            [Field::Item, Field::Serial, Field::Lot, Field::Supplier].into_iter().for_each(|field| fields.insert(field));
            if name == "erp" {
                fields.insert(Field::SupplierLot);
            }
            Source { name: name.to_owned(), role, grain, rank: role.rank_default(), fields }
        };
        let sources = [
            ("acme", Role::Supplier, Grain::Unit),
            ("bolt", Role::Supplier, Grain::Event),
            ("erp", Role::Erp, Grain::Unit),
            ("mes", Role::Erp, Grain::Unit),
            ("claims", Role::Warranty, Grain::Event),
        ];
        Context {
            sources: sources.into_iter().map(source).collect(),
            file_source: vec![0, 0, 1, 2, 2, 3, 4],
            scope_of: vec![0, 1, 2, 2],
            item_of: vec![0, 1, 2, 1],
            item_order: vec![0, 1, 2],
            scope: vec![Field::Item],
            as_of: 100,
            grace_days: 14,
            thresholds: Thresholds::default(),
        }
    }

    /// Makes records of few serials, each mostly in agreement with the others of its serial, in two pieces.
    fn records(numbers: &mut Numbers) -> ([Vec<CompactRecord>; 2], Vec<Setting>, Quantities) {
        let (mut pieces, mut settings, mut quantities) = ([Vec::new(), Vec::new()], Vec::new(), Quantities::default());
        for file in 0..7 {
            for record in 0..numbers.below(40) {
                let serial = numbers.below(60);
                let mut rarely = |value: u32, bound: u64| if numbers.below(25) == 0 { numbers.below(bound) } else { value };
                let supplier_lot = if file == 3 { rarely(0, 3) } else { 0 };
                let (place, lot) = (rarely(1 + serial % 2, 4), rarely(1 + serial % 3, 4));
                let (supplier, layout) = (rarely(1, 3), rarely(0, 3));
                settings.push(Setting { place, lot, supplier_lot, supplier, layout, file });
                let mut flags = Flags(if serial == 0 { Flags::DIGITS } else { 0 });
                if rarely(0, 2) == 1 {
                    flags.set(Flags::QUANTITY);
                    quantities.0.push((reference(file, record), 5));
                }
                let (steps, day) = (Steps(rarely(0, 256) as u8), rarely(90, 100) as u16);
                let key = key_of(format!("S{serial}").as_bytes());
                let setting = settings.len() as u32 - 1;
                pieces[numbers.below(2) as usize].push(CompactRecord::new(key, setting, record, day, steps, flags));
            }
        }
        (pieces, settings, quantities)
    }

    /// Judges records of which no more than those concerned are placed; gives all that comes of it as text, and how many were not placed.
    fn judged(
        context: &Context,
        enabled: &Enabled,
        concern: Concern,
        (records, settings, quantities): &([Vec<CompactRecord>; 2], Vec<Setting>, Quantities),
    ) -> (String, u64) {
        let mut tally = IngestTally::new(context.sources.len());
        for source in 0..context.sources.len() as u8 {
            (0..3).for_each(|item| tally.item(source, item).records = 9);
            // One item is tracked by lot.
            tally.item(source, 1).with_lot = 9;
        }
        let nothing = Survey::new(context.sources.len());
        let premises = Premises::new(&nothing, 1, &context.thresholds);
        let settled = Settled::new(context, &tally, &nothing, &premises);
        let untracked = settled.untracked_places();
        let concerned = if concern == Concern::ALL { concern.into() } else { Concerned::new(concern, &untracked) };
        let pieces = records.iter().map(|records| Piece { records, settings });
        let mut workspace = Workspace::default();
        let (mut surveying, mut findings, mut ledger) =
            (Surveying::new(context), FindingSink::default(), Ledger::new(context.file_source.len()));
        let digests: Vec<u64> = (1..=context.file_source.len() as u64).collect();
        let (count, mut quiet) = (records.iter().map(Vec::len).sum(), 0);
        cogroup(pieces, count, context, concerned, &mut workspace, |units| {
            surveying.count(units, quantities, &digests);
            judge_units(units, &settled, enabled, &mut findings);
            end_units(units, quantities, &digests, &mut ledger);
            quiet += units.quiet.serials;
        });
        let mut survey = surveying.finish(context);
        let mut placeholders: Vec<String> = survey.digits_placeholders.drain().map(|placeholder| format!("{placeholder:?}")).collect();
        placeholders.sort_unstable();
        let mut gathered: Vec<String> = findings.gathered.iter().map(|gathered| format!("{gathered:?}")).collect();
        gathered.sort_unstable();
        let text = format!("{survey:?} {placeholders:?} {:?} {:?} {gathered:?} {ledger:?}", findings.findings, findings.mentions);
        (text, quiet)
    }

    #[test]
    fn units_that_concern_no_rule_change_nothing() {
        let context = context();
        let (mut numbers, mut quiet) = (Numbers(0), [0; 2]);
        for _ in 0..300 {
            let records = records(&mut numbers);
            let one = CATALOGUE[numbers.below(CATALOGUE.len() as u64) as usize].code.to_owned();
            for (index, select) in [vec![], vec![one]].into_iter().enumerate() {
                let enabled = Enabled::new(&select, &[], &context.sources);
                let (all, none_quiet) = judged(&context, &enabled, Concern::ALL, &records);
                let (concerned, some_quiet) = judged(&context, &enabled, enabled.concern(), &records);
                assert_eq!(concerned, all, "{select:?}");
                assert_eq!(none_quiet, 0);
                quiet[index] += some_quiet;
            }
        }
        assert!(quiet.iter().all(|&quiet| quiet > 1000), "{quiet:?}");
    }
}
