//! Control totals: what was read against where the records ended, per source and per file.

use std::collections::BTreeMap;

use counterfoil_kernel::model::Disposition;

use crate::outcome::{LedgerRow, Outcome};

/// Records read and where they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records as the readers counted them.
    pub read: u64,
    /// Records by disposition, in the order of [`Disposition::ALL`].
    pub records: [u64; 5],
    /// Their quantity, in millionths.
    pub quantity_millionths: i128,
    /// Their digest: a sum mod 2^128.
    pub digest: u128,
}

impl Totals {
    /// Adds a row of the ledger.
    fn add(&mut self, row: &LedgerRow) {
        let index = Disposition::ALL.iter().position(|&disposition| disposition == row.disposition);
        self.records[index.expect("ALL lists every disposition")] += row.records;
        self.quantity_millionths += row.quantity_millionths;
        self.digest = self.digest.wrapping_add(row.digest);
    }

    /// Gives the sum over the dispositions.
    pub fn sum(&self) -> u64 {
        self.records.iter().sum()
    }

    /// Tells whether every record read ended in exactly one disposition.
    pub fn balanced(&self) -> bool {
        self.read == self.sum()
    }

    /// Gives the records of one disposition.
    pub fn of(&self, disposition: Disposition) -> u64 {
        Disposition::ALL.iter().zip(self.records).find(|&(&other, _)| other == disposition).map_or(0, |(_, records)| records)
    }
}

/// The control totals of a run.
#[derive(Clone, Debug, Default)]
pub struct ControlTotals {
    /// Over all sources.
    pub all: Totals,
    /// By source, in the order of the plan.
    pub sources: Vec<Totals>,
    /// By source and file, in the order of the plan.
    pub files: Vec<Vec<Totals>>,
    /// Every source, every file and the whole are balanced, and no row of the ledger names an unknown file.
    pub balanced: bool,
}

/// Adds up the ledger of a run. Cost: O(rows log files).
pub fn control_totals(outcome: &Outcome) -> ControlTotals {
    let mut by_file: BTreeMap<(&str, &str), Totals> = BTreeMap::new();
    for row in &outcome.ledger {
        by_file.entry((&row.source, &row.file)).or_default().add(row);
    }
    let mut totals = ControlTotals { balanced: true, ..ControlTotals::default() };
    for source in &outcome.sources {
        let mut sum = Totals::default();
        let mut files = Vec::with_capacity(source.files.len());
        for file in &source.files {
            let mut of_file = by_file.remove(&(source.name.as_str(), file.path.as_str())).unwrap_or_default();
            of_file.read = file.records;
            totals.balanced &= of_file.balanced();
            merge(&mut sum, &of_file);
            files.push(of_file);
        }
        merge(&mut totals.all, &sum);
        totals.sources.push(sum);
        totals.files.push(files);
    }
    totals.balanced &= by_file.values().all(|orphan| orphan.sum() == 0);
    totals
}

fn merge(into: &mut Totals, from: &Totals) {
    into.read += from.read;
    into.records.iter_mut().zip(from.records).for_each(|(sum, records)| *sum += records);
    into.quantity_millionths += from.quantity_millionths;
    into.digest = into.digest.wrapping_add(from.digest);
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn read_equals_the_sum_of_dispositions() {
        let totals = control_totals(&fixture::rich());
        assert!(totals.balanced);
        assert_eq!(totals.all.read, totals.all.sum());
        assert_eq!(totals.sources.iter().map(|source| source.read).sum::<u64>(), totals.all.read);
        assert_eq!(totals.all.of(Disposition::Rejected), 41);
    }

    #[test]
    fn a_lost_record_shows() {
        let mut outcome = fixture::rich();
        outcome.ledger[3].records -= 1;
        assert!(!control_totals(&outcome).balanced);
    }

    #[test]
    fn a_row_of_an_unknown_file_shows() {
        let mut outcome = fixture::rich();
        outcome.ledger.push(LedgerRow { file: "elsewhere.csv".to_owned(), ..outcome.ledger[0].clone() });
        outcome.ledger.last_mut().unwrap().records = 1;
        assert!(!control_totals(&outcome).balanced);
    }
}
