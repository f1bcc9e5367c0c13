//! The only module that names polars: roll-ups of small tables for reports.

use anyhow::{Context as _, Result};
use polars::prelude::{AnyValue, Column, DataFrame, IntoColumn, NamedFrom, Series};

/// Sums numbers by two text columns.
///
/// Shape: three columns of n rows -> one row for each distinct pair of texts with its sum, ordered by the pair.
///
/// # Errors
/// When the columns differ in length.
pub fn sum_by_pairs(first: &[&str], second: &[&str], numbers: &[u64]) -> Result<Vec<(String, String, u64)>> {
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let column = |name: &str, values: &[&str]| -> Column { Series::new(name.into(), values).into_column() };
    let names = ["first", "second"];
    let numbers = Series::new("numbers".into(), numbers);
    let frame = DataFrame::new_infer_height(vec![column(names[0], first), column(names[1], second), numbers.clone().into_column()])
        .context("columns of a roll-up differ in length")?;
    let grouped = frame.group_by(names).and_then(|groups| groups.groups()).context("a roll-up can't be made")?;
    let mut rows = Vec::with_capacity(grouped.height());
    for row in 0..grouped.height() {
        let value = |at: usize| grouped[at].get(row).context("a roll-up can't be read");
        let text = |at: usize| Ok::<_, anyhow::Error>(value(at)?.get_str().unwrap_or("").to_owned());
        let AnyValue::List(members) = value(2)? else { anyhow::bail!("a group of a roll-up is no list of rows") };
        let own = numbers.take(members.idx().context("rows of a roll-up are no numbers")?).context("a roll-up can't be read")?;
        rows.push((text(0)?, text(1)?, own.sum().context("a roll-up can't be summed")?));
    }
    rows.sort_unstable();
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_summed_by_pairs_in_order() {
        let summed = sum_by_pairs(&["b", "a", "b", "b"], &["x", "y", "x", "y"], &[1, 2, 3, 4]).unwrap();
        assert_eq!(summed, [("a".into(), "y".into(), 2), ("b".into(), "x".into(), 4), ("b".into(), "y".into(), 4)]);
        assert!(sum_by_pairs(&[], &[], &[]).unwrap().is_empty());
    }
}
