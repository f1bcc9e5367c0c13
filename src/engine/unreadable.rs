//! Dates and quantities that could not be read: counted, and too many of them stop the run.

use anyhow::Result;
use counterfoil_kernel::model::{Field, FieldKind};
use counterfoil_kernel::parameter::exceeds;

use super::keying::UnreadableValues;
use crate::fault::Fault;

/// Adds up the counts of each file and field, keeping the first unreadable value by record.
pub fn sum_up(mut counts: Vec<UnreadableValues>) -> Vec<UnreadableValues> {
    counts.sort_by_key(|count| (count.file, count.field));
    let mut sums: Vec<UnreadableValues> = Vec::new();
    for next in counts {
        match sums.last_mut() {
            Some(last) if (last.file, last.field) == (next.file, next.field) => {
                last.values += next.values;
                last.unreadable += next.unreadable;
                last.first = [last.first.take(), next.first].into_iter().flatten().min();
            }
            _ => sums.push(next),
        }
    }
    sums
}

/// Stops the run when more than a share of the values of a date or quantity column, in hundredths of a percent, could not be read.
///
/// `name` gives the name of a file, `column` the source of a file and its column for a field.
///
/// # Errors
/// The first such column, with its first unreadable value and the remedy.
pub fn check(
    counts: &[UnreadableValues],
    share_max: u64,
    name: impl Fn(u32) -> String,
    column: impl Fn(u32, Field) -> (String, String),
) -> Result<()> {
    for count in counts {
        if !exceeds(count.unreadable, count.values, share_max) {
            continue;
        }
        let Some((record, text)) = &count.first else { continue };
        let (what, remedy) = if count.field.kind() == FieldKind::Date {
            let (source, column) = column(count.file, count.field);
            ("a date", format!("state the format, such as --map {source}.{}=\"{column}@%d.%m.%Y\" for 31.12.2025", count.field))
        } else {
            ("a quantity", format!("expected digits with a point, such as 12.5; leave {} unmapped if it is none", count.field))
        };
        return Err(Fault::input(format!(
            "{}: {} of {} values of {} are not {what}, first \"{text}\" in record {}; {remedy}",
            name(count.file),
            count.unreadable,
            count.values,
            count.field,
            record + 1
        )));
    }
    Ok(())
}
