//! Dates and quantities that could not be read, by source and field.

use std::collections::BTreeMap;

use counterfoil_kernel::model::Field;

use super::figures::counted;
use crate::outcome::Outcome;

/// Values of one field of a source that could not be read.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable<'a> {
    /// The source.
    pub source: &'a str,
    /// The field.
    pub field: Field,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: &'a str,
}

impl Unreadable<'_> {
    /// Says so.
    pub fn text(&self) -> String {
        let Self { source, field, count, first } = *self;
        let kind = if field == Field::Quantity { "quantity" } else { "date" };
        format!("{source}: {} of {field} could not be read as a {kind}, first \"{first}\"", counted(count, "value"))
    }
}

/// Counts them over the files of each source.
pub fn unreadable(outcome: &Outcome) -> Vec<Unreadable<'_>> {
    let mut counts: BTreeMap<(usize, Field), (u64, &str)> = BTreeMap::new();
    for (index, source) in outcome.sources.iter().enumerate() {
        for file in &source.files {
            let dates = file.unreadable_dates.iter().map(|(field, count, first)| (*field, *count, first));
            let quantities = file.unreadable_quantities.iter().map(|(count, first)| (Field::Quantity, *count, first));
            for (field, count, first) in dates.chain(quantities) {
                counts.entry((index, field)).or_insert((0, first)).0 += count;
            }
        }
    }
    let sums = counts.into_iter();
    sums.map(|((source, field), (count, first))| Unreadable { source: &outcome.sources[source].name, field, count, first }).collect()
}
