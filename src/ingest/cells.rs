//! The cells of a column, as readers hand them over: that texts are UTF-8, and keys those of texts, is known from here on.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::filter;
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;

/// The cells of a column, one a row.
#[derive(Clone, Debug)]
pub enum Cells {
    /// What the file holds for numbers, dates and timestamps; texts with a view each.
    Array(ArrayRef),
    /// Texts in one buffer.
    Packed(PackedTexts),
    /// For each row the index of its text.
    Keys {
        /// The indexes. What stands where a row is null may be none; every other is one.
        keys: Int32Array,
        /// The texts, `Utf8View` or `Utf8`, each once or more; not every one need be used.
        texts: ArrayRef,
    },
}

impl From<ArrayRef> for Cells {
    fn from(array: ArrayRef) -> Self {
        let texts = array.as_dictionary_opt::<Int32Type>().map(|dictionary| (dictionary.keys(), dictionary.values()));
        match texts.filter(|(_, texts)| matches!(texts.data_type(), DataType::Utf8View | DataType::Utf8)) {
            Some((keys, texts)) => Self::Keys { keys: keys.clone(), texts: Arc::clone(texts) },
            None => Self::Array(array),
        }
    }
}

impl Cells {
    /// Counts the rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Array(array) => array.len(),
            Self::Packed(texts) => texts.len(),
            Self::Keys { keys, .. } => keys.len(),
        }
    }

    /// Says whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the values, where they are no text that is packed or referred to.
    pub const fn array(&self) -> Option<&ArrayRef> {
        match self {
            Self::Array(array) => Some(array),
            Self::Packed(_) | Self::Keys { .. } => None,
        }
    }

    /// Keeps the rows that `keep` names.
    ///
    /// # Errors
    /// When values are of a kind that can't be filtered.
    ///
    /// # Panics
    /// When it does not name as many rows as there are.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Self, ArrowError> {
        assert_eq!(self.len(), keep.len(), "each row is kept or not");
        Ok(match self {
            Self::Array(array) => Self::Array(filter(array, keep)?),
            Self::Packed(texts) => Self::Packed(texts.filter(keep)),
            Self::Keys { keys, texts } => Self::Keys { keys: filter(keys, keep)?.as_primitive().clone(), texts: Arc::clone(texts) },
        })
    }
}

/// Texts of rows, one after the other in one buffer.
#[derive(Clone, Debug)]
pub struct PackedTexts {
    bytes: Arc<Vec<u8>>,
    /// Where each text begins, and where the last one ends.
    offsets: Arc<Vec<u32>>,
    nulls: Option<NullBuffer>,
}

impl PackedTexts {
    /// Takes texts by where each begins and the last ends; `None` where one is no UTF-8.
    ///
    /// # Panics
    /// When the offsets do not begin with 0, fall, or do not end with the bytes, or are not one more than the rows.
    pub fn new(bytes: Vec<u8>, offsets: Vec<u32>, nulls: Option<NullBuffer>) -> Option<Self> {
        let ends = (offsets.first().copied(), offsets.last().map(|&end| end as usize));
        assert_eq!(ends, (Some(0), Some(bytes.len())), "texts cover the bytes");
        assert!(offsets.is_sorted(), "texts stand one after the other");
        assert!(nulls.as_ref().is_none_or(|nulls| nulls.len() + 1 == offsets.len()), "each row is null or not");
        // Nearly all are ASCII. Else: UTF-8 as a whole, and no text begins inside a letter. Where one begins at the end, there is no letter.
        let is_start = |&offset: &u32| bytes.get(offset as usize).is_none_or(|byte| byte & 0xc0 != 0x80);
        let is_text = bytes.is_ascii() || simdutf8::basic::from_utf8(&bytes).is_ok() && offsets.iter().all(is_start);
        is_text.then(|| Self { bytes: Arc::new(bytes), offsets: Arc::new(offsets), nulls })
    }

    /// Counts the rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Says whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells which rows are null.
    pub const fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// Tells whether a row holds a text.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    /// Gives the bytes of all texts.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the bytes of the longest text.
    pub fn length_max(&self) -> usize {
        self.offsets.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0) as usize
    }

    /// Gives the UTF-8 of a row's text; nothing of a null.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn utf8(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// Gives the UTF-8 of the texts of some rows.
    ///
    /// # Panics
    /// When there are no such rows.
    #[inline]
    pub fn slices(&self, rows: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.as_slice();
        self.offsets[rows.start..=rows.end].windows(2).map(move |ends| &bytes[ends[0] as usize..ends[1] as usize])
    }

    /// Gives the text of a row; `None` where it is null.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.is_valid(row).then(|| std::str::from_utf8(self.utf8(row)).expect("texts were checked"))
    }

    /// Gives the text of each row: to look at all of them at once is quicker than at one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let all = std::str::from_utf8(&self.bytes).expect("texts were checked");
        let ends = self.offsets.windows(2).enumerate();
        ends.map(move |(row, ends)| self.is_valid(row).then(|| &all[ends[0] as usize..ends[1] as usize]))
    }

    fn filter(&self, keep: &BooleanArray) -> Self {
        Self::of(keep.values().set_indices().map(|row| self.get(row)))
    }

    /// Packs texts.
    ///
    /// # Panics
    /// When they are more than 4 GiB.
    pub fn of<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> Self {
        let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
        let nulls = texts.map(|text| {
            bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
            offsets.push(u32::try_from(bytes.len()).expect("packed texts are fewer than 4 GiB"));
            text.is_some()
        });
        let nulls = Some(nulls.collect());
        Self { bytes: Arc::new(bytes), offsets: Arc::new(offsets), nulls }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, StringViewArray};

    use super::*;
    use crate::ingest::value::TextColumn;

    #[test]
    fn rows_are_kept_whatever_holds_them() {
        let texts = [Some("A"), None, Some(""), Some("b\u{e9}"), Some("A")];
        let keys = Int32Array::from(vec![Some(2), None, Some(0), Some(1), Some(2)]);
        let values: ArrayRef = Arc::new(StringViewArray::from(vec!["", "b\u{e9}", "A"]));
        let views: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let dictionary: ArrayRef = Arc::new(DictionaryArray::new(keys, values));
        let columns = [Cells::Packed(PackedTexts::of(texts.into_iter())), views.into(), dictionary.into()];
        assert!(matches!(columns, [Cells::Packed(_), Cells::Array(_), Cells::Keys { .. }]));
        for cells in columns {
            let kept = cells.filter(&BooleanArray::from(vec![true, true, false, true, false])).unwrap();
            assert_eq!((cells.len(), kept.len()), (5, 3));
            assert!(TextColumn::new(&cells).unwrap().iter().eq(texts));
            assert!(TextColumn::new(&kept).unwrap().iter().eq([texts[0], texts[1], texts[3]]));
        }
    }

    #[test]
    fn each_text_is_utf8_by_itself() {
        let of = |bytes: &[u8], offsets: &[u32]| PackedTexts::new(bytes.to_vec(), offsets.to_vec(), None).is_some();
        assert!(of(b"ab", &[0, 1, 2]));
        assert!(of("a\u{e9}".as_bytes(), &[0, 1, 3]));
        assert!(!of("a\u{e9}".as_bytes(), &[0, 2, 3]), "a letter is cut");
        assert!(!of(b"a\xff", &[0, 1, 2]));
    }
}
