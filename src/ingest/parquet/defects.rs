//! Cells that are no text: NUL characters, bytes that are no UTF-8, and more bytes than a cell may have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::DataType;
use memchr::memchr;

use crate::ingest::{Cells, FIELD_BYTES_MAX, PackedTexts, RAW_BYTES_MAX, is_same_memory};

/// What is wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// The byte, from 0, that is a NUL character.
    Nul(usize),
    /// The byte, from 0, at which UTF-8 ends.
    InvalidUtf8(usize),
    /// So many bytes.
    TooLong(usize),
}

impl Defect {
    /// Gives the reason and its detail.
    pub(super) fn described(self, column: &str) -> (&'static str, String) {
        match self {
            Self::Nul(place) => {
                ("nul", format!("column \"{column}\": NUL character at byte {place}; text has none: is the column binary or damaged?"))
            }
            Self::InvalidUtf8(place) => {
                ("invalid-utf8", format!("column \"{column}\" is no UTF-8 from its byte {place} on, expected text in UTF-8"))
            }
            Self::TooLong(length) => {
                ("too-long", format!("column \"{column}\": the field has {length} bytes, the most is {FIELD_BYTES_MAX}"))
            }
        }
    }

    /// Judges a cell that is UTF-8.
    pub(super) fn of_text(text: &[u8]) -> Option<Self> {
        memchr(0, text).map(Self::Nul).or_else(|| (text.len() > FIELD_BYTES_MAX).then_some(Self::TooLong(text.len())))
    }
}

/// A cell that is no text.
pub(super) struct InvalidText {
    /// Row in the piece.
    pub(super) row: usize,
    /// What is wrong with it.
    pub(super) defect: Defect,
    /// The cell, at most [`RAW_BYTES_MAX`] bytes.
    pub(super) raw: Vec<u8>,
}

impl InvalidText {
    pub(super) fn new(row: usize, defect: Defect, bytes: &[u8]) -> Self {
        Self { row, defect, raw: bytes[..bytes.len().min(RAW_BYTES_MAX)].to_vec() }
    }
}

/// Looks for cells of text that are defective; knows the dictionary that it has looked at last.
#[derive(Default)]
pub(super) struct Inspector {
    /// A dictionary without defects. It is kept, so that its address is not used again.
    sound: Option<ArrayRef>,
}

impl Inspector {
    /// Lists the defective cells of a column of text by row.
    pub(super) fn inspect(&mut self, cells: &Cells) -> Vec<InvalidText> {
        let (keys, texts) = match cells {
            Cells::Array(array) => return defects_of(array),
            Cells::Packed(texts) => return of_packed(texts),
            Cells::Keys { keys, texts } => (keys, texts),
        };
        if self.sound.as_ref().is_some_and(|sound| is_same_memory(sound, texts)) {
            return Vec::new();
        }
        let values = defects_of(texts);
        if values.is_empty() {
            self.sound = Some(Arc::clone(texts));
            return values;
        }
        let rows = keys.iter().enumerate().filter_map(|(row, key)| {
            let found = values.binary_search_by_key(&(key? as usize), |value| value.row).ok()?;
            Some(InvalidText { row, defect: values[found].defect, raw: values[found].raw.clone() })
        });
        rows.collect()
    }
}

fn defects_of(array: &ArrayRef) -> Vec<InvalidText> {
    match array.data_type() {
        DataType::Utf8View => of_views(array.as_string_view()),
        DataType::Utf8 => of_texts(array.as_string::<i32>().iter()),
        _ => Vec::new(),
    }
}

fn of_views(array: &StringViewArray) -> Vec<InvalidText> {
    let mut found = Vec::new();
    for (row, &view) in array.views().iter().enumerate() {
        let is_sound = is_short(view) && !has_nul(view);
        if !is_sound
            && array.is_valid(row)
            && let Some(defect) = Defect::of_text(array.value(row).as_bytes())
        {
            found.push(InvalidText::new(row, defect, array.value(row).as_bytes()));
        }
    }
    found
}

fn of_packed(texts: &PackedTexts) -> Vec<InvalidText> {
    if texts.length_max() <= FIELD_BYTES_MAX && memchr(0, texts.bytes()).is_none() {
        return Vec::new();
    }
    of_texts(texts.iter())
}

fn of_texts<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> Vec<InvalidText> {
    let cells = texts.enumerate().filter_map(|(row, text)| Some((row, text?.as_bytes())));
    cells.filter_map(|(row, text)| Some(InvalidText::new(row, Defect::of_text(text)?, text))).collect()
}

/// Says whether a view holds its text itself: up to 12 bytes, behind the 32 bits of their number.
const fn is_short(view: u128) -> bool {
    view as u32 <= 12
}

/// Says whether the text in a short view has a zero byte.
const fn has_nul(view: u128) -> bool {
    const ONES: u128 = u128::MAX / 255;
    let text = view >> 32 | u128::MAX << (8 * (view as u32));
    text.wrapping_sub(ONES) & !text & (ONES << 7) != 0
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int32Array, StringArray};

    use super::*;

    #[test]
    fn defective_cells_are_found_in_texts_of_every_length() {
        let long = "x".repeat(FIELD_BYTES_MAX + 1);
        let most = "x".repeat(FIELD_BYTES_MAX);
        let mut cells = vec![None, Some(""), Some(most.as_str()), Some("\u{1}\u{80}\u{100}"), Some(long.as_str())];
        let texts: Vec<String> = (1..20).flat_map(|length| (0..length).map(move |at| (length, at))).map(nul_at).collect();
        cells.extend(texts.iter().map(|text| Some(text.as_str())));
        let (views, strings) = (StringViewArray::from(cells.clone()), StringArray::from(cells.clone()));
        let keys = Int32Array::from_iter((0..cells.len() as i32).map(Some));
        let arrays: [ArrayRef; 3] = [Arc::new(views), Arc::new(strings.clone()), Arc::new(DictionaryArray::new(keys, Arc::new(strings)))];
        let packed = PackedTexts::of(cells.iter().copied());
        for cells in arrays.map(Cells::from).into_iter().chain([Cells::Packed(packed)]) {
            let found: Vec<(usize, Defect)> = Inspector::default().inspect(&cells).iter().map(|cell| (cell.row, cell.defect)).collect();
            let nul = |(row, text): (usize, &String)| (row + 5, Defect::Nul(text.find('\0').unwrap()));
            let expected: Vec<_> =
                std::iter::once((4, Defect::TooLong(FIELD_BYTES_MAX + 1))).chain(texts.iter().enumerate().map(nul)).collect();
            assert_eq!(found, expected, "{cells:?}");
        }
        let sound: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "twelve bytes", "thirteen bytes", ""]));
        assert!(Inspector::default().inspect(&sound.into()).is_empty());
    }

    fn nul_at((length, at): (usize, usize)) -> String {
        (0..length).map(|place| if place == at { '\0' } else { 'x' }).collect()
    }
}
