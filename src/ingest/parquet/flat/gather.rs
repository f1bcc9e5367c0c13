//! The rows of a piece while they come together, and the dictionary that their keys refer to.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, Int32Array, StringViewArray, make_array};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::column::page::Page;

use super::Output;
use super::hybrid::Validity;
use super::plain::{Number, Plain};
use super::texts::Texts;
use crate::ingest::Cells;

/// The values that keys refer to.
pub(super) enum Dictionary {
    /// The one array of all pieces, so that what is worked out by value is worked out once.
    Texts(Arc<StringViewArray>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
}

impl Dictionary {
    /// Decodes a dictionary page.
    pub(super) fn decode(page: &Page, physical: PhysicalType) -> Option<Self> {
        let Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY, .. } = page else {
            return None;
        };
        let count = *num_values as usize;
        // The least that each value takes; what follows then reserves no more than the page is worth.
        if count > buf.len() / i32::BYTES {
            return None;
        }
        let mut plain = Plain::new(buf.clone());
        match physical {
            PhysicalType::INT32 => {
                let mut numbers = Vec::with_capacity(count);
                plain.read_numbers(count, &mut numbers)?;
                Some(Self::Int32(numbers))
            }
            PhysicalType::INT64 => {
                let mut numbers = Vec::with_capacity(count);
                plain.read_numbers(count, &mut numbers)?;
                Some(Self::Int64(numbers))
            }
            _ => {
                let mut texts = Texts::with_capacity(count);
                plain.read_texts(count, &mut texts)?;
                Some(Self::Texts(Arc::new(texts.finish(None)?.iter().collect())))
            }
        }
    }
}

/// The rows of a piece, as far as they are read.
pub(super) struct Gathered {
    /// Which rows hold a value.
    pub(super) validity: Validity,
    /// The values.
    pub(super) values: Values,
}

/// The values of the rows that hold one. Texts have their nulls between them, for everything else they are put there at the end.
pub(super) enum Values {
    Keys(Vec<i32>),
    Texts(Texts),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
}

impl Gathered {
    /// Starts a piece of `rows` rows.
    pub(super) fn new(output: &Output, physical: PhysicalType, rows: usize) -> Self {
        let values = match output {
            Output::Keys => Values::Keys(Vec::with_capacity(rows)),
            Output::Texts => Values::Texts(Texts::with_capacity(rows)),
            Output::Numbers(_) if physical == PhysicalType::INT32 => Values::Int32(Vec::with_capacity(rows)),
            Output::Numbers(_) => Values::Int64(Vec::with_capacity(rows)),
        };
        Self { validity: Validity::default(), values }
    }

    /// Appends the values that `keys` refer to, for the rows from `start` on whose validity is there already.
    pub(super) fn look_up(&mut self, start: usize, dictionary: &Dictionary, keys: &[i32]) -> Option<()> {
        match (&mut self.values, dictionary) {
            (Values::Int32(numbers), Dictionary::Int32(values)) => look_up_numbers(keys, values, numbers),
            (Values::Int64(numbers), Dictionary::Int64(values)) => look_up_numbers(keys, values, numbers),
            (Values::Texts(_), Dictionary::Texts(values)) => {
                let mut keys = keys.iter();
                let (texts, runs) = self.text_runs(start)?;
                for (count, is_valid) in runs {
                    if !is_valid {
                        texts.push_blanks(count);
                        continue;
                    }
                    for &key in keys.by_ref().take(count) {
                        let key = usize::try_from(key).ok().filter(|&key| key < values.len())?;
                        texts.push(values.value(key).as_bytes())?;
                    }
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Gives the texts, and the rows from `start` on as runs of values and of nulls.
    pub(super) fn text_runs(&mut self, start: usize) -> Option<(&mut Texts, impl Iterator<Item = (usize, bool)>)> {
        let Values::Texts(texts) = &mut self.values else { return None };
        let (validity, end) = (&self.validity, self.validity.rows());
        let mut row = start;
        let runs = std::iter::from_fn(move || {
            let from = row;
            if from >= end {
                return None;
            }
            let is_valid;
            (is_valid, row) = validity.run(from, end);
            Some((row - from, is_valid))
        });
        Some((texts, runs))
    }

    /// Makes the cells of a piece; `rows` must have come together.
    pub(super) fn finish(self, output: &Output, dictionary: Option<&Dictionary>, rows: usize) -> Option<Cells> {
        if self.validity.rows() != rows {
            return None;
        }
        let nulls = self.validity.finish();
        let cells = match (self.values, output) {
            (Values::Texts(texts), _) => Cells::Packed(texts.finish(nulls)?),
            (Values::Keys(keys), _) => {
                let Dictionary::Texts(texts) = dictionary? else { return None };
                are_below(&keys, texts.len())?;
                let keys = Int32Array::try_new(ScalarBuffer::from(spread(keys, nulls.as_ref(), rows)?), nulls).ok()?;
                Cells::Keys { keys, texts: Arc::<StringViewArray>::clone(texts) }
            }
            (Values::Int32(numbers), Output::Numbers(data_type)) => Cells::Array(number_array(numbers, data_type, nulls, rows)?),
            (Values::Int64(numbers), Output::Numbers(data_type)) => Cells::Array(number_array(numbers, data_type, nulls, rows)?),
            (Values::Int32(_) | Values::Int64(_), _) => return None,
        };
        (cells.len() == rows).then_some(cells)
    }
}

fn look_up_numbers<N: Number>(keys: &[i32], values: &[N], numbers: &mut Vec<N>) -> Option<()> {
    are_below(keys, values.len())?;
    numbers.extend(keys.iter().map(|&key| values[key as usize]));
    Some(())
}

/// Makes sure that keys refer to so many values: all together, because a loop that could end early would take several times as long.
fn are_below(keys: &[i32], count: usize) -> Option<()> {
    let count = u32::try_from(count).ok()?;
    let are_below = keys.iter().fold(true, |all, &key| all & ((key as u32) < count));
    are_below.then_some(())
}

fn number_array<N: Number>(numbers: Vec<N>, data_type: &DataType, nulls: Option<NullBuffer>, rows: usize) -> Option<ArrayRef> {
    let numbers = Buffer::from_vec(spread(numbers, nulls.as_ref(), rows)?);
    let data = ArrayData::builder(data_type.clone()).len(rows).add_buffer(numbers).nulls(nulls).build().ok()?;
    Some(make_array(data))
}

/// Moves values apart so that each stands in its row.
fn spread<N: ArrowNativeType>(values: Vec<N>, nulls: Option<&NullBuffer>, rows: usize) -> Option<Vec<N>> {
    let Some(nulls) = nulls else { return (values.len() == rows).then_some(values) };
    let mut spread = Vec::with_capacity(rows);
    let mut from = 0;
    for (start, end) in nulls.valid_slices() {
        spread.resize(start, N::default());
        spread.extend_from_slice(values.get(from..from + (end - start))?);
        from += end - start;
    }
    spread.resize(rows, N::default());
    (from == values.len()).then_some(spread)
}
