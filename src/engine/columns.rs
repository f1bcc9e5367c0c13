//! Identifier columns as numbers: once per dictionary value, else once per distinct text a worker has seen lately.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array};
use counterfoil_kernel::map::Map;

use super::interner::Interner;
use super::text_table::TextTable;
use super::texts::Texts;
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
    pub fn new(cells: &Cells, cache: &mut TextCache, interner: &Interner, mut form: impl MakeForm) -> Result<Self, ValueError> {
        if let Cells::Keys { keys, texts } = cells {
            let numbers = cache.dictionary(texts, interner, &mut form)?;
            return Ok(Self::Dictionary { keys: keys.clone(), numbers });
        }
        let column = TextColumn::new(cells)?;
        Ok(Self::Rows(cache.numbers(column.iter(), interner, &mut form)))
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

/// The most bytes of texts that it keeps.
const CACHED_BYTES_MAX: usize = 32 << 20;

/// Makes the form of a raw text in place of what the string holds; gives the number of one that is blank or a placeholder, and `None` where the form is to be numbered.
pub trait MakeForm: FnMut(&str, &mut String) -> Option<u32> {}

impl<F: FnMut(&str, &mut String) -> Option<u32>> MakeForm for F {}

/// What a worker remembers of raw texts, so that equal ones are normalized once.
pub struct TextCache {
    /// Raw texts with their places in `numbers`.
    known: TextTable,
    /// The numbers of their forms; the first is that of a blank cell.
    numbers: Vec<u32>,
    hasher: ahash::RandomState,
    /// Columns that are still to go without what is remembered, because it hardly helped.
    left_out: u32,
    dictionary: Option<(ArrayRef, Arc<Vec<u32>>)>,
    form: String,
}

/// Where more than half of the texts of a column were new, so many columns go without the cache before it is tried again.
const LEFT_OUT: u32 = 15;

impl Default for TextCache {
    fn default() -> Self {
        Self {
            known: TextTable::default(),
            numbers: vec![0],
            hasher: ahash::RandomState::with_seed(1),
            left_out: 0,
            dictionary: None,
            form: String::new(),
        }
    }
}

impl TextCache {
    /// Gives the numbers of a dictionary: the parts of one row group share theirs.
    fn dictionary(&mut self, values: &ArrayRef, interner: &Interner, form: &mut impl MakeForm) -> Result<Arc<Vec<u32>>, ValueError> {
        if let Some((_, numbers)) = self.dictionary.as_ref().filter(|(last, _)| is_same_memory(last, values)) {
            return Ok(Arc::clone(numbers));
        }
        let texts = TextColumn::values_of(values)?;
        let numbers = Arc::new(self.numbers(texts.iter(), interner, form));
        // The array is kept, so that its address is not used again.
        self.dictionary = Some((Arc::clone(values), Arc::clone(&numbers)));
        Ok(numbers)
    }

    /// Gives the numbers of the texts of a column.
    fn numbers<'t>(
        &mut self,
        texts: impl Iterator<Item = Option<&'t str>>,
        interner: &Interner,
        make_form: &mut impl MakeForm,
    ) -> Vec<u32> {
        if self.known.count() >= CACHED_MAX || self.known.bytes() >= CACHED_BYTES_MAX {
            (self.known, self.numbers) = (TextTable::default(), vec![0]);
        }
        let Self { known, numbers, hasher, left_out, form, .. } = self;
        let (before, is_left_out) = (numbers.len(), *left_out > 0);
        // Forms that are to be numbered, and the places of their numbers.
        let (mut forms, mut places) = (Texts::default(), Vec::new());
        let mut last = (0, "");
        let mut place = |raw: &'t str| {
            let next = numbers.len() as u32;
            let place = if !is_left_out {
                let hash = hasher.hash_one(raw) as u32;
                known.look_up(known.first_slot(hash), hash, raw, || next)
            } else if last.1 == raw {
                last.0
            } else {
                next
            };
            if place == next {
                last = (place, raw);
                let number = make_form(raw, form);
                if number.is_none() {
                    forms.push(form);
                    places.push(place);
                }
                numbers.push(number.unwrap_or_default());
            }
            place
        };
        let mut column: Vec<u32> = texts.map(|text| text.map_or(0, &mut place)).collect();
        places.iter().zip(interner.number_all(&forms)).for_each(|(&place, number)| numbers[place as usize] = number);
        column.iter_mut().for_each(|place| *place = numbers[*place as usize]);
        if is_left_out {
            numbers.truncate(before);
            *left_out -= 1;
        } else if 2 * (numbers.len() - before) > column.len() {
            *left_out = LEFT_OUT;
        }
        column
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
    fn texts_have_the_same_numbers_with_the_cache_and_without() {
        let form = |raw: &str, form: &mut String| {
            form.clear();
            form.push_str(raw.trim());
            match &**form {
                "" => Some(0),
                "NONE" => Some(PLACEHOLDER_BIT),
                _ => None,
            }
        };
        let interner = Interner::default();
        let mut cache = TextCache::default();
        let mut left_out = 0;
        // Columns of new texts, which leave the cache out, with texts in them that are known, blank, doubled or placeholders.
        for column in 0..40_usize {
            let text = |row: usize| match row % 20 {
                0 => Some(format!("  T{}", row % 50)),
                1 => Some("  ".to_owned()),
                2 => None,
                3 => Some("NONE".to_owned()),
                4 => Some(format!("T{}", column / 20 * 1_000 + row + 1)),
                _ => Some(format!("T{}", column / 20 * 1_000 + row)),
            };
            let texts: Vec<Option<String>> = (0..1_000).map(text).collect();
            let packed = crate::ingest::PackedTexts::of(texts.iter().map(Option::as_deref));
            left_out += usize::from(cache.left_out > 0);
            let numbers = Numbers::new(&Cells::Packed(packed), &mut cache, &interner, form).unwrap();
            for (row, text) in texts.iter().enumerate() {
                let expected = match text.as_deref().map(str::trim) {
                    None | Some("") => 0,
                    Some("NONE") => PLACEHOLDER_BIT,
                    Some(text) => interner.number(text),
                };
                assert_eq!(numbers.get(row), expected, "column {column}, row {row}: {text:?}");
            }
        }
        assert!((1..40).contains(&left_out), "{left_out} columns went without");
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
