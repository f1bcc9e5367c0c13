//! Texts of the evidence: one buffer for a column, forms only where they differ from the raw text.

use anyhow::{Context as _, Result};
use arrow::array::Array;
use counterfoil_kernel::map::Map;

use crate::ingest::value::TextColumn;

/// Texts, one after the other in one buffer.
#[derive(Default)]
pub struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    /// Makes an empty list with room for so many texts.
    pub fn with_capacity(count: usize) -> Self {
        Self { text: String::new(), ends: Vec::with_capacity(count) }
    }

    /// Adds a text.
    ///
    /// # Errors
    /// When the texts get longer than 4 GiB: they are those of one part of a file.
    pub fn push(&mut self, text: &str) -> Result<()> {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).context("one part of a file holds more than 4 GiB of text in one column")?);
        Ok(())
    }

    /// Counts the texts.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Gives a text.
    pub fn get(&self, at: usize) -> &str {
        text_at(&self.text, &self.ends, at)
    }
}

fn text_at<'a>(text: &'a str, ends: &[u32], at: usize) -> &'a str {
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &text[start as usize..ends[at] as usize]
}

/// Texts made from others: most of them are equal to what they were made from, and then take no room.
#[derive(Default)]
pub struct Derived {
    /// For each text 0 where it is the other one, else one more than its place in `texts`; what lies beyond the end is 0.
    slots: Vec<u32>,
    texts: Texts,
}

impl Derived {
    /// Sets the text made from the one at `at`; texts are set in order.
    ///
    /// # Errors
    /// As [`Texts::push`].
    pub fn set(&mut self, at: usize, raw: &str, text: &str) -> Result<()> {
        if text != raw {
            self.texts.push(text)?;
            self.slots.resize(at, 0);
            self.slots.push(u32::try_from(self.texts.count()).expect("a part has fewer than 2^32 records"));
        }
        Ok(())
    }

    /// Gives the text made from the one at `at`, where it differs.
    pub fn get(&self, at: usize) -> Option<&str> {
        let slot = self.slots.get(at).copied().filter(|&slot| slot > 0)?;
        Some(self.texts.get(slot as usize - 1))
    }
}

/// Which text each row of a column has.
pub enum Numbers {
    /// Its own.
    Rows,
    /// All rows have the first.
    One,
    /// The one of that number.
    Keys(Vec<u32>),
}

/// A column of text: every distinct text once where the file has it as a dictionary.
pub struct Column {
    numbers: Numbers,
    /// The raw texts; blank where the cell is null.
    pub raw: Texts,
    /// The form and the key form; those of fields that have none are the raw text.
    pub forms: [Derived; 2],
}

impl Column {
    /// Copies a column, because it points into blocks of the file that would stay in memory for a few records.
    ///
    /// # Errors
    /// As [`Texts::push`].
    pub fn new(column: &TextColumn) -> Result<Self> {
        let mut raw = Texts::with_capacity(column.len());
        let numbers = match column {
            TextColumn::Values(_) | TextColumn::Strings(_) => {
                column.iter().try_for_each(|value| raw.push(value.unwrap_or("")))?;
                Numbers::Rows
            }
            TextColumn::Dictionary { keys, values } => {
                let mut numbers: Map<Option<i32>, u32> = Map::default();
                let mut number = |key: Option<i32>| -> Result<u32> {
                    if let Some(&number) = numbers.get(&key) {
                        return Ok(number);
                    }
                    let value = key.map(|key| key as usize).filter(|&key| values.is_valid(key));
                    raw.push(value.map_or("", |key| values.value(key)))?;
                    numbers.insert(key, numbers.len() as u32);
                    Ok(numbers.len() as u32 - 1)
                };
                Numbers::Keys(keys.iter().map(&mut number).collect::<Result<_>>()?)
            }
        };
        Ok(Self { numbers, raw, forms: Default::default() })
    }

    /// Makes a column that holds one text in every row.
    ///
    /// # Errors
    /// As [`Texts::push`].
    pub fn constant(text: &str) -> Result<Self> {
        let mut raw = Texts::with_capacity(1);
        raw.push(text)?;
        Ok(Self { numbers: Numbers::One, raw, forms: Default::default() })
    }

    /// Gives the number of a row's text.
    pub fn number(&self, row: usize) -> usize {
        match &self.numbers {
            Numbers::Rows => row,
            Numbers::One => 0,
            Numbers::Keys(keys) => keys[row] as usize,
        }
    }

    /// Gives the raw text of a row.
    pub fn raw(&self, row: usize) -> &str {
        self.raw.get(self.number(row))
    }

    /// Gives the form of a row (0) or its key form (1).
    pub fn form(&self, form: usize, row: usize) -> &str {
        let at = self.number(row);
        self.forms[form].get(at).unwrap_or_else(|| self.raw.get(at))
    }

    /// Makes the form of every text, and its key form where `with_key`.
    ///
    /// # Errors
    /// As [`Texts::push`].
    pub fn make_forms(&mut self, with_key: bool, mut make: impl FnMut(&str, &mut String, &mut String)) -> Result<()> {
        let (mut form, mut key) = (String::new(), String::new());
        for at in 0..self.raw.count() {
            let raw = self.raw.get(at);
            make(raw, &mut form, &mut key);
            self.forms[0].set(at, raw, &form)?;
            if with_key {
                self.forms[1].set(at, raw, &key)?;
            }
        }
        Ok(())
    }
}

/// One column of one part, ready to be read in any order: everything that is looked at for a row lies close together.
pub enum View<'a> {
    /// One text for all rows.
    One(&'a str),
    /// Texts by row, or by number.
    Many {
        /// The number of each row's text; none where each row has its own.
        numbers: Option<&'a [u32]>,
        /// Where texts end.
        ends: &'a [u32],
        /// Raw texts.
        text: &'a str,
        /// What is made from them, if that is asked for and differs somewhere.
        derived: Option<&'a Derived>,
    },
}

impl<'a> View<'a> {
    /// Shows the raw texts of a column, or one of its forms.
    pub fn new(column: &'a Column, form: Option<usize>) -> Self {
        let derived = form.map(|form| &column.forms[form]).filter(|derived| !derived.slots.is_empty());
        let numbers = match &column.numbers {
            Numbers::One => return Self::One(form.map_or_else(|| column.raw(0), |form| column.form(form, 0))),
            Numbers::Rows => None,
            Numbers::Keys(keys) => Some(keys.as_slice()),
        };
        Self::Many { numbers, ends: &column.raw.ends, text: &column.raw.text, derived }
    }

    /// Gives the text of a row.
    #[inline]
    pub fn get(&self, row: usize) -> &'a str {
        match self {
            Self::One(text) => text,
            Self::Many { numbers, ends, text, derived } => {
                let at = numbers.map_or(row, |numbers| numbers[row] as usize);
                match derived.and_then(|derived| derived.get(at)) {
                    Some(text) => text,
                    None => text_at(text, ends, at),
                }
            }
        }
    }

    /// Tells whether all rows are known to be blank without being looked at.
    pub const fn is_blank(&self) -> bool {
        match self {
            Self::One(text) | Self::Many { text, derived: None, .. } => text.is_empty(),
            Self::Many { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, StringViewArray};

    use super::*;

    fn check(array: ArrayRef) {
        let mut column = Column::new(&TextColumn::new(&array).unwrap()).unwrap();
        let made = column.make_forms(true, |raw, form, key| {
            *form = raw.to_uppercase();
            *key = raw.replace('-', "");
        });
        made.unwrap();
        let rows = |value: &dyn Fn(usize) -> String| (0..4).map(value).collect::<Vec<_>>();
        assert_eq!(rows(&|row| column.raw(row).to_owned()), ["a-1", "", "B", "a-1"]);
        assert_eq!(rows(&|row| column.form(0, row).to_owned()), ["A-1", "", "B", "A-1"]);
        assert_eq!(rows(&|row| column.form(1, row).to_owned()), ["a1", "", "B", "a1"]);
        for form in [None, Some(0), Some(1)] {
            let view = View::new(&column, form);
            let expected = |row| form.map_or_else(|| column.raw(row), |form| column.form(form, row)).to_owned();
            assert_eq!(rows(&|row| view.get(row).to_owned()), rows(&expected));
            assert!(!view.is_blank());
        }
    }

    #[test]
    fn forms_stand_by_rows_of_values_and_of_dictionaries() {
        check(Arc::new(StringViewArray::from(vec![Some("a-1"), None, Some("B"), Some("a-1")])));
        let keys = Int32Array::from(vec![Some(2), None, Some(0), Some(2)]);
        let values = StringArray::from(vec![Some("B"), Some("unused"), Some("a-1")]);
        check(Arc::new(DictionaryArray::new(keys, Arc::new(values))));
        let constant = Column::constant("x").unwrap();
        assert_eq!((constant.raw(7), constant.form(1, 9)), ("x", "x"));
    }

    #[test]
    fn a_view_knows_texts_that_are_all_blank() {
        let is_blank = |texts: &[&str]| {
            let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
            View::new(&Column::new(&TextColumn::new(&array).unwrap()).unwrap(), None).is_blank()
        };
        assert_eq!([is_blank(&["a", "b"]), is_blank(&["", "b"]), is_blank(&["", ""])], [false, false, true]);
    }
}
