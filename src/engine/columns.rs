//! Identifier columns as numbers: once per dictionary value, else once per distinct text a worker has seen lately.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array};
use counterfoil_kernel::map::Map;

use crate::ingest::value::{TextColumn, ValueError, nulls_in};
use crate::ingest::{Cells, is_same_memory};

/// The bit of a number that marks a placeholder: the rest is its value, and the identifier is blank.
pub const PLACEHOLDER_BIT: u32 = 1 << 31;

/// One number per row.
pub enum Numbers {
    /// The same for every row.
    Constant(u32),
    /// By dictionary key.
    Dictionary {
        /// Key of each row.
        keys: Int32Array,
        /// Number of each key.
        numbers: Arc<Vec<u32>>,
    },
    /// Row by row.
    Rows(Vec<u32>),
}

impl Numbers {
    /// Makes the numbers of a column.
    ///
    /// # Errors
    /// When the column can't be text.
    pub fn new(cells: &Cells, cache: &mut TextCache, mut number: impl FnMut(&str) -> u32) -> Result<Self, ValueError> {
        if let Cells::Keys { keys, texts } = cells {
            let numbers = cache.dictionary(texts, &mut number)?;
            return Ok(Self::Dictionary { keys: keys.clone(), numbers });
        }
        let column = TextColumn::new(cells)?;
        Ok(Self::Rows(column.iter().map(|value| value.map_or(0, |value| cache.get(value, &mut number))).collect()))
    }

    /// Replaces `out` by the numbers of some rows.
    pub fn copy(&self, rows: Range<usize>, out: &mut Vec<u32>) {
        out.clear();
        match self {
            Self::Constant(number) => out.resize(rows.len(), *number),
            Self::Dictionary { keys, numbers } => {
                out.resize(rows.len(), 0);
                // What stands where a row is null may be no key. The last number then stands for it, because to ask for each takes twice as long.
                if let Some(last) = numbers.len().checked_sub(1) {
                    let keys = &keys.values()[rows.clone()];
                    out.iter_mut().zip(keys).for_each(|(number, &key)| *number = numbers[(key as usize).min(last)]);
                }
                nulls_in(keys.nulls(), rows).for_each(|at| out[at] = 0);
            }
            Self::Rows(numbers) => out.extend_from_slice(&numbers[rows]),
        }
    }

    /// Gives the number of a row.
    #[inline]
    pub fn get(&self, row: usize) -> u32 {
        match self {
            Self::Constant(number) => *number,
            Self::Dictionary { keys, numbers } => {
                if keys.is_valid(row) {
                    numbers[keys.value(row) as usize]
                } else {
                    0
                }
            }
            Self::Rows(numbers) => numbers[row],
        }
    }
}

/// Tells for each row of a column whether a filter keeps it; `blank` is what the filter says of a cell without a text.
///
/// # Errors
/// When the column can't be text.
pub fn verdicts(cells: &Cells, blank: bool, mut keeps: impl FnMut(&str) -> bool) -> Result<Vec<bool>, ValueError> {
    let column = TextColumn::new(cells)?;
    if let TextColumn::Dictionary { keys, values } = &column {
        let verdicts: Vec<bool> = (0..values.len()).map(|at| if values.is_valid(at) { keeps(values.value(at)) } else { blank }).collect();
        return Ok(keys.iter().map(|key| key.map_or(blank, |key| verdicts[key as usize])).collect());
    }
    let mut known: Map<&str, bool> = Map::default();
    let mut verdict = |text| {
        if known.len() == CACHED_MAX {
            known.clear();
        }
        *known.entry(text).or_insert_with(|| keeps(text))
    };
    Ok(column.iter().map(|value| value.map_or(blank, &mut verdict)).collect())
}

/// The most texts that a worker's cache keeps before it starts anew.
const CACHED_MAX: usize = 1 << 19;

/// What a worker remembers of raw texts, so that equal ones are normalized once.
#[derive(Default)]
pub struct TextCache {
    numbers: Map<Box<str>, u32>,
    dictionary: Option<(ArrayRef, Arc<Vec<u32>>)>,
}

impl TextCache {
    /// Gives the numbers of a dictionary: the parts of one row group share theirs.
    fn dictionary(&mut self, values: &ArrayRef, number: &mut impl FnMut(&str) -> u32) -> Result<Arc<Vec<u32>>, ValueError> {
        if let Some((_, numbers)) = self.dictionary.as_ref().filter(|(last, _)| is_same_memory(last, values)) {
            return Ok(Arc::clone(numbers));
        }
        let texts = TextColumn::values_of(values)?;
        let numbers = Arc::new(texts.iter().map(|value| value.map_or(0, |value| self.get(value, number))).collect::<Vec<u32>>());
        // The array is kept, so that its address is not used again.
        self.dictionary = Some((Arc::clone(values), Arc::clone(&numbers)));
        Ok(numbers)
    }

    fn get(&mut self, raw: &str, number: &mut impl FnMut(&str) -> u32) -> u32 {
        if let Some(&found) = self.numbers.get(raw) {
            return found;
        }
        if self.numbers.len() == CACHED_MAX {
            self.numbers.clear();
        }
        let made = number(raw);
        self.numbers.insert(raw.into(), made);
        made
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn nulls_are_found_wherever_rows_start_and_end() {
        let keys: Int32Array = (0..300).map(|row| (row % 7 != 3 && !(100..170).contains(&row)).then_some(row % 5)).collect();
        let keys = keys.slice(2, 290);
        let (numbers, mut copied) = (Arc::new(vec![10, 11, 12, 13, 14]), Vec::new());
        for (start, end) in [(0, 290), (0, 64), (1, 65), (7, 256), (98, 100), (98, 168), (5, 5), (130, 290)] {
            let expected: Vec<usize> = (start..end).filter(|&row| keys.is_null(row)).map(|row| row - start).collect();
            assert_eq!(nulls_in(keys.nulls(), start..end).collect::<Vec<_>>(), expected, "{start}..{end}");
            let column = Numbers::Dictionary { keys: keys.clone(), numbers: Arc::clone(&numbers) };
            column.copy(start..end, &mut copied);
            assert_eq!(copied, (start..end).map(|row| column.get(row)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_filter_judges_a_null_as_what_it_says_of_a_blank() {
        let texts = StringViewArray::from(vec![Some("A"), None, Some("B"), Some("A")]);
        let keys = Int32Array::from(vec![Some(0), None, Some(2), Some(0), Some(1)]);
        let dictionary = DictionaryArray::new(keys, Arc::new(StringArray::from(vec![Some("A"), None, Some("B")])));
        for blank in [false, true] {
            let kept = |array: ArrayRef| verdicts(&array.into(), blank, |text| text == "A").unwrap();
            assert_eq!(kept(Arc::new(texts.clone())), [true, blank, false, true]);
            assert_eq!(kept(Arc::new(dictionary.clone())), [true, blank, false, true, blank]);
        }
    }
}
