//! The only module that names polars: roll-ups of small tables for reports.

use anyhow::{Context as _, Result};
use polars::prelude::{AnyValue, Column, DataFrame, IntoColumn, NamedFrom, Series};

/// Counts equal rows of three text columns.
///
/// Shape: three columns of n texts -> one row for each distinct triple with its count, ordered by the triple.
///
/// # Errors
/// When the columns differ in length.
pub fn count_triples(first: &[&str], second: &[&str], third: &[&str]) -> Result<Vec<(String, String, String, u64)>> {
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let column = |name: &str, values: &[&str]| -> Column { Series::new(name.into(), values).into_column() };
    let names = ["first", "second", "third"];
    let frame = DataFrame::new_infer_height(vec![column(names[0], first), column(names[1], second), column(names[2], third)])
        .context("columns of a roll-up differ in length")?;
    let counted = frame.group_by(names).and_then(|groups| groups.groups()).context("a roll-up can't be made")?;
    let mut rows = Vec::with_capacity(counted.height());
    for row in 0..counted.height() {
        let values = counted.get_row(row).context("a roll-up can't be read")?.0;
        let text = |at: usize| values[at].get_str().unwrap_or("").to_owned();
        let count = match &values[3] {
            AnyValue::List(members) => members.len() as u64,
            _ => 0,
        };
        rows.push((text(0), text(1), text(2), count));
    }
    rows.sort_unstable();
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_are_counted_in_order() {
        let counted = count_triples(&["b", "a", "b"], &["x", "y", "x"], &["1", "2", "1"]).unwrap();
        assert_eq!(counted, [("a".into(), "y".into(), "2".into(), 1), ("b".into(), "x".into(), "1".into(), 2)]);
        assert!(count_triples(&[], &[], &[]).unwrap().is_empty());
    }
}
