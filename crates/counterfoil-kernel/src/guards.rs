//! Guards: what shows that a configuration is plainly wrong, and the parameters of all rules and guards together.

use crate::cogroup::Context;
use crate::model::Grain;
use crate::parameter::{Home, PERCENT, Parameter, Thresholds, Unit, WHOLE, exceeds, reaches};
use crate::rules::CATALOGUE;
use crate::tally::Survey;

/// What stops a run because the configuration is plainly wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A source shares almost no unit with the sources of other roles.
    NoOverlap {
        /// The source.
        source: u8,
        /// Units that it holds.
        units: u64,
        /// Units that sources of other roles hold.
        others: u64,
        /// Units that both hold.
        shared: u64,
    },
    /// The units of a unit-grain source recur.
    WrongGrain {
        /// The source.
        source: u8,
        /// Units that it holds.
        units: u64,
        /// Those of which it holds two or more records.
        recurring: u64,
    },
}

/// The parameters of the guards, in the table `[guards]`.
pub static PARAMETERS: [Parameter; 4] = [
    Parameter {
        name: "units_min",
        unit: Unit::Count("units"),
        default: 100,
        least: 1,
        most: u64::MAX,
        about: "both guards judge from so many units on either side",
        home: Home::Table(|thresholds| &mut thresholds.guard_units_min),
    },
    Parameter {
        name: "overlap_percent_min",
        unit: Unit::Percent,
        default: PERCENT,
        least: 0,
        most: WHOLE,
        about: "a source that shares less than this of the smaller side with the other roles stops the run; 0 switches the guard off",
        home: Home::Table(|thresholds| &mut thresholds.guard_overlap_percent),
    },
    Parameter {
        name: "recurring_percent_max",
        unit: Unit::Percent,
        default: 20 * PERCENT,
        least: 0,
        most: WHOLE,
        about: "a unit-grain source of whose units more than this recur stops the run; 100 switches the guard off",
        home: Home::Table(|thresholds| &mut thresholds.guard_recurring_percent),
    },
    Parameter {
        name: "estimate_keys",
        unit: Unit::Count("keys"),
        default: 100_000,
        least: 1_000,
        most: 10_000_000,
        about: "from so many keys it is estimated what would match instead, when sources share almost nothing",
        home: Home::Table(|thresholds| &mut thresholds.guard_estimate_keys),
    },
];

/// Lists the parameters of all rules and guards with their tables in the configuration: `rules.CODE`, then `guards`.
pub fn parameters() -> impl Iterator<Item = (String, &'static Parameter)> {
    let of_rules = CATALOGUE.iter().flat_map(|rule| rule.parameters.iter().map(|parameter| (format!("rules.{}", rule.code), parameter)));
    of_rules.chain(PARAMETERS.iter().map(|parameter| ("guards".to_owned(), parameter)))
}

impl Default for Thresholds {
    /// Sets every parameter as its rule or guard says.
    fn default() -> Self {
        let mut thresholds = Self {
            lot_only_percent: 0,
            digits_repeats: 0,
            lot_tracked_percent: 0,
            lot_pair_units_min: 0,
            lot_pair_differing_percent: 0,
            widespread_serials_min: 0,
            widespread_percent: 0,
            guard_units_min: 0,
            guard_overlap_percent: 0,
            guard_recurring_percent: 0,
            guard_estimate_keys: 0,
        };
        for (_, parameter) in parameters() {
            if let Home::Table(field) = parameter.home {
                *field(&mut thresholds) = parameter.default;
            }
        }
        thresholds
    }
}

/// Looks for a plainly wrong configuration.
pub fn guards(context: &Context, survey: &Survey) -> Vec<Guard> {
    let thresholds = &context.thresholds;
    let mut found = Vec::new();
    for (index, (source, counts)) in context.sources.iter().zip(&survey.sources).enumerate() {
        let others = survey.units_of_others(source.role);
        let smaller = counts.units.min(others);
        if smaller >= thresholds.guard_units_min && !reaches(counts.shared, smaller, thresholds.guard_overlap_percent) {
            found.push(Guard::NoOverlap { source: index as u8, units: counts.units, others, shared: counts.shared });
        }
        let is_judged = source.grain == Grain::Unit && counts.units >= thresholds.guard_units_min;
        if is_judged && exceeds(counts.recurring, counts.units, thresholds.guard_recurring_percent) {
            found.push(Guard::WrongGrain { source: index as u8, units: counts.units, recurring: counts.recurring });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that no parameter sets would stay 0; two parameters for one field would hide each other.
    #[test]
    fn every_threshold_belongs_to_one_parameter() {
        let tables: Vec<_> = parameters().filter(|(_, parameter)| matches!(parameter.home, Home::Table(_))).collect();
        let shown = format!("{:?}", Thresholds::default());
        assert_eq!(shown.matches(": ").count(), tables.len(), "{shown}");
        let mut thresholds = Thresholds::default();
        for (number, (_, parameter)) in tables.iter().enumerate() {
            if let Home::Table(field) = parameter.home {
                *field(&mut thresholds) = 1_000_000 + number as u64;
            }
        }
        let shown = format!("{thresholds:?}");
        for number in 0..tables.len() {
            assert!(shown.contains(&(1_000_000 + number).to_string()), "{shown}");
        }
    }

    #[test]
    fn defaults_are_inside_their_ranges_and_texts_fit_a_table() {
        for (table, parameter) in parameters() {
            let key = parameter.key(&table);
            assert!((parameter.least..=parameter.most).contains(&parameter.default), "{key}");
            assert!(!parameter.about.contains(['|', '\n']) && !parameter.about.ends_with('.'), "{key}");
            assert!(parameter.unit != Unit::Percent || parameter.most <= WHOLE, "{key}");
        }
    }
}
