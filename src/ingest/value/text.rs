//! A column as text.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringViewArray};
use arrow::datatypes::DataType;
use either::Either;

use super::ValueError;
use super::render::rendered;
use crate::ingest::{Cells, PackedTexts};

/// A column as text: values, or a dictionary whose values are looked at once each.
///
/// Text stays as it is. Everything else is rendered so that the same number always gives the same text, whatever type holds it:
/// - integers as they are; decimals exactly, without zeros at the end of the fraction (`12.50` is `12.5`, `12.00` is `12`);
/// - floats without exponent: the fewest digits that give the same float back, whole numbers without `.0`, minus zero as `0`;
///   `FLOAT16` as the 32-bit float of the same value; what is no number (NaN, infinite) is null;
/// - booleans as `true` and `false`;
/// - dates as `2024-03-12`, timestamps as `2024-03-12T10:15:00` with a fraction where it is not zero and with `Z` where they are UTC,
///   times as `10:15:00`; years beyond 9999 with a sign and at least five digits.
#[derive(Clone, Debug)]
pub enum TextColumn {
    /// One text per row.
    Values(StringViewArray),
    /// One text per row, all of them in one buffer.
    Packed(PackedTexts),
    /// One key per row; keys point into the values. A null key is a null row.
    Dictionary {
        /// For each row the index of its value.
        keys: Int32Array,
        /// The distinct values, each once or more; not every one need be used.
        values: StringViewArray,
    },
}

impl TextColumn {
    /// Makes text of a column; text itself is not copied.
    ///
    /// # Errors
    /// When the column is nested or binary.
    pub fn new(cells: &Cells) -> Result<Self, ValueError> {
        Ok(match cells {
            Cells::Packed(texts) => Self::Packed(texts.clone()),
            Cells::Keys { keys, texts } => Self::Dictionary { keys: keys.clone(), values: Self::values_of(texts)? },
            Cells::Array(array) => Self::Values(Self::values_of(array)?),
        })
    }

    /// Makes text of values.
    ///
    /// # Errors
    /// When they are nested or binary.
    pub fn values_of(array: &ArrayRef) -> Result<StringViewArray, ValueError> {
        match array.data_type() {
            DataType::Utf8View => Ok(array.as_string_view().clone()),
            DataType::Utf8 => Ok(array.as_string::<i32>().into()),
            _ => rendered(array),
        }
    }

    /// Counts the rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Packed(texts) => texts.len(),
            Self::Dictionary { keys, .. } => keys.len(),
        }
    }

    /// Says whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the text of a row; `None` where the cell is null.
    ///
    /// # Panics
    /// When `row` is not below [`TextColumn::len`].
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Values(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Packed(texts) => texts.get(row),
            Self::Dictionary { keys, values } => {
                let key = if keys.is_valid(row) { usize::try_from(keys.value(row)).ok()? } else { return None };
                values.is_valid(key).then(|| values.value(key))
            }
        }
    }

    /// Gives the texts of all rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        match self {
            Self::Packed(texts) => Either::Left(texts.iter()),
            Self::Values(_) | Self::Dictionary { .. } => Either::Right((0..self.len()).map(|row| self.get(row))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, ListArray, StringArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn text_and_dictionaries_read_by_row() {
        let plain: ArrayRef = Arc::new(StringViewArray::from(vec![Some("007"), None, Some("")]));
        let column = TextColumn::new(&plain.into()).unwrap();
        assert_eq!(column.iter().collect::<Vec<_>>(), [Some("007"), None, Some("")]);
        let keys = Int32Array::from(vec![Some(1), None, Some(0), Some(2)]);
        let values = StringArray::from(vec![Some("L-1"), Some("a lot longer than twelve"), None]);
        let dictionary: ArrayRef = Arc::new(DictionaryArray::new(keys, Arc::new(values)));
        let column = TextColumn::new(&dictionary.into()).unwrap();
        assert_eq!(column.iter().collect::<Vec<_>>(), [Some("a lot longer than twelve"), None, Some("L-1"), None]);
        assert!(matches!(&column, TextColumn::Dictionary { values, .. } if values.len() == 3));
        assert!(!column.is_empty());
    }

    #[test]
    fn nested_columns_are_refused() {
        let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]));
        let error = TextColumn::new(&list.into()).unwrap_err().to_string();
        assert!(error.ends_with("can't be used as text, expected text, a number, a date or a timestamp; write it as text"), "{error}");
    }
}
