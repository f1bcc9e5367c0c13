//! A column as quantities.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;

use super::{TextColumn, Unreadable, ValueError, trimmed};
use crate::ingest::Cells;

/// Quantities are kept in millionths.
const MILLIONTHS: i64 = 1_000_000;

/// The most decimals that millionths can hold.
const PLACES_MAX: usize = 6;

/// A column as quantities in millionths; blank and unreadable cells have none.
///
/// Text is an optional sign, digits, and at most six decimals behind a point. A comma or more decimals are unreadable: whether `1,000` is one or a
/// thousand can't be known. Integers and decimals count exactly; floats by the nearest millionth, NaN as blank. What is beyond 64 bits of
/// millionths (9.2 million million) is unreadable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityColumn {
    /// One quantity per row, in millionths.
    pub millionths: Vec<Option<i64>>,
    /// How many rows are blank, unreadable ones not counted.
    pub blank_count: u64,
    /// The rows that hold something that is no quantity.
    pub unreadable: Unreadable,
}

/// What a cell is: a quantity, blank or unreadable.
type Cell = Result<Option<i64>, ()>;

impl QuantityColumn {
    /// Reads a column as quantities; values of a dictionary are read once each.
    ///
    /// # Errors
    /// When the column is nested or binary, or holds dates or times.
    pub fn new(cells: &Cells) -> Result<Self, ValueError> {
        let mut column = Self { millionths: Vec::with_capacity(cells.len()), blank_count: 0, unreadable: Unreadable::default() };
        let text = || TextColumn::new(cells).map_err(|error| ValueError { wanted: "quantities", ..error });
        let Cells::Array(array) = cells else {
            column.read_text(&text()?);
            return Ok(column);
        };
        match array.data_type() {
            DataType::Int32 => column.read_numbers::<Int32Type>(array, |value| Ok(Some(i64::from(value) * MILLIONTHS))),
            DataType::Int64 => column.read_numbers::<Int64Type>(array, |value| value.checked_mul(MILLIONTHS).map(Some).ok_or(())),
            DataType::Float32 => column.read_numbers::<Float32Type>(array, |value| of_float(f64::from(value))),
            DataType::Float64 => column.read_numbers::<Float64Type>(array, of_float),
            DataType::Float16 => column.read_numbers::<Float16Type>(array, |value| of_float(value.to_f64())),
            other if other.is_temporal() || *other == DataType::Boolean => {
                return Err(ValueError { data_type: other.clone(), wanted: "quantities" });
            }
            _ => column.read_text(&text()?),
        }
        Ok(column)
    }

    /// Tells whether every row of a column is the number one: most columns of quantities are.
    pub fn is_all_one(cells: &Cells) -> bool {
        let Cells::Array(array) = cells else { return false };
        // All together: a loop that could end early would take several times as long where all are.
        fn are_one<N: Copy + Into<i64>>(values: &[N]) -> bool {
            values.iter().fold(true, |all, &value| all & (value.into() == 1))
        }
        let values_are_one = || match array.data_type() {
            DataType::Int32 => are_one(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => are_one(array.as_primitive::<Int64Type>().values()),
            _ => false,
        };
        array.null_count() == 0 && values_are_one()
    }

    fn read_numbers<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef, read: impl Fn(T::Native) -> Cell)
    where
        T::Native: std::fmt::Display,
    {
        for value in array.as_primitive::<T>().iter() {
            let cell = value.map_or(Ok(None), &read);
            self.push(cell, || value.map_or_else(String::new, |value| value.to_string()));
        }
    }

    fn read_text(&mut self, text: &TextColumn) {
        match text {
            TextColumn::Values(_) | TextColumn::Packed(_) => {
                for value in text.iter() {
                    let cell = value.map_or(Ok(None), of_text);
                    self.push(cell, || value.unwrap_or_default().to_string());
                }
            }
            TextColumn::Dictionary { keys, values } => {
                let cells: Vec<Cell> = values.iter().map(|value| value.map_or(Ok(None), of_text)).collect();
                for (row, key) in keys.iter().enumerate() {
                    let cell = key.and_then(|key| usize::try_from(key).ok()).map_or(Ok(None), |key| cells[key]);
                    self.push(cell, || text.get(row).unwrap_or_default().to_string());
                }
            }
        }
    }

    fn push(&mut self, cell: Cell, text: impl FnOnce() -> String) {
        match cell {
            Ok(Some(_)) => {}
            Ok(None) => self.blank_count += 1,
            Err(()) => self.unreadable.add(self.millionths.len(), text),
        }
        self.millionths.push(cell.unwrap_or(None));
    }
}

/// A number as it is written, however long: two spellings of one number are equal, and everything else is the text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenNumber<'a> {
    /// Sign, digits without zeros in front, decimals without zeros at the end.
    Number(bool, &'a str, &'a str),
    /// What is no number, without outer blanks.
    Other(&'a str),
}

impl<'a> WrittenNumber<'a> {
    /// Reads a cell.
    pub fn new(text: &'a str) -> Self {
        let text = trimmed(text);
        let (is_negative, number) = match text.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return Self::Other(text);
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Self::Number(is_negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction)
    }
}

/// Reads text: sign, digits, at most six decimals.
fn of_text(text: &str) -> Cell {
    let text = trimmed(text);
    if text.is_empty() {
        return Ok(None);
    }
    let (is_negative, number) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return Err(()),
        Some((whole, fraction)) => (whole, fraction),
        None => (number, ""),
    };
    if whole.is_empty() || fraction.len() > PLACES_MAX {
        return Err(());
    }
    let padding = std::iter::repeat_n(b'0', PLACES_MAX - fraction.len());
    let mut value = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        if !digit.is_ascii_digit() {
            return Err(());
        }
        value = value.checked_mul(10).and_then(|value| value.checked_add(i64::from(digit - b'0'))).ok_or(())?;
    }
    Ok(Some(if is_negative { -value } else { value }))
}

fn of_float(value: f64) -> Cell {
    if value.is_nan() {
        return Ok(None);
    }
    if value.is_infinite() {
        return Err(());
    }
    // Formatting rounds the exact binary value; multiplying by a million would round twice.
    of_text(&format!("{value:.6}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    #[track_caller]
    fn check_quantities(array: impl Array + 'static, expected: &[Option<i64>]) -> QuantityColumn {
        let column = QuantityColumn::new(&Cells::from(Arc::new(array) as ArrayRef)).unwrap();
        assert_eq!(column.millionths, expected);
        column
    }

    #[test]
    fn text_quantities_are_exact() {
        let texts = ["1", "-2.5", "+0.000001", " 10 ", "007", "9223372036854.775807"];
        let expected = [1_000_000, -2_500_000, 1, 10_000_000, 7_000_000, i64::MAX];
        check_quantities(StringViewArray::from(texts.to_vec()), &expected.map(Some));
    }

    #[test]
    fn what_is_no_quantity_is_counted_with_the_first_text() {
        let texts = ["", "1,000", "1.0000001", ".5", "5.", "1e3", "--1", "-", "9223372036854.775808", "1.2.3", "\u{661}", "1.-5"];
        let column = check_quantities(StringViewArray::from(texts.to_vec()), &[None; 12]);
        assert_eq!(column.blank_count, 1);
        assert_eq!(column.unreadable, Unreadable { count: 11, first: Some((1, "1,000".to_string())) });
    }

    #[test]
    fn numbers_of_every_kind_count() {
        check_quantities(Int32Array::from(vec![Some(3), None]), &[Some(3_000_000), None]);
        check_quantities(UInt8Array::from(vec![3]), &[Some(3_000_000)]);
        let column = check_quantities(Int64Array::from(vec![i64::MAX, -4]), &[None, Some(-4_000_000)]);
        assert_eq!(column.unreadable.first, Some((0, i64::MAX.to_string())));
        let floats = vec![0.1 + 0.2, f64::NAN, f64::INFINITY, -1.5, 1e-9];
        let column = check_quantities(Float64Array::from(floats), &[Some(300_000), None, None, Some(-1_500_000), Some(0)]);
        assert_eq!((column.blank_count, column.unreadable.count), (1, 1));
        let decimals = Decimal128Array::from(vec![12_500_000_000, 1]).with_precision_and_scale(20, 9).unwrap();
        check_quantities(decimals, &[Some(12_500_000), None]);
        let keys = Int32Array::from(vec![Some(0), None, Some(0)]);
        check_quantities(DictionaryArray::new(keys, Arc::new(StringArray::from(vec!["2"]))), &[Some(2_000_000), None, Some(2_000_000)]);
    }

    #[test]
    fn written_numbers_are_equal_in_every_spelling() {
        let read = WrittenNumber::new;
        assert_eq!(read("1.0000001"), read(" +01.00000010"));
        assert_ne!(read("1.0000001"), read("1.0000002"));
        assert_ne!(read("1.0000001"), read("-1.0000001"));
        assert_eq!(read("-0.0"), read("0"));
        assert_eq!(read("1,5 "), WrittenNumber::Other("1,5"));
    }

    #[test]
    fn dates_are_no_quantities() {
        let error = QuantityColumn::new(&Cells::from(Arc::new(Date32Array::from(vec![1])) as ArrayRef)).unwrap_err();
        assert_eq!(error.wanted, "quantities");
    }
}
