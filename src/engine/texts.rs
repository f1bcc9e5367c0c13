//! Texts of the evidence: every distinct text of a column once, forms only where they differ from the raw text.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type};
use counterfoil_kernel::map::Map;

use crate::ingest::Cells;
use crate::ingest::value::{TextColumn, ValueError};

/// Texts, one after the other in one buffer.
#[derive(Default)]
pub struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Makes room for so many texts of so many bytes in all.
    fn with_capacity(count: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Adds a text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Counts the texts.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Gives a text.
    pub fn get(&self, at: usize) -> &str {
        &self.text[self.range(at)]
    }

    #[inline]
    fn range(&self, at: usize) -> Range<usize> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        start..self.ends[at]
    }

    /// Gives the UTF-8 of a text: where it begins and ends is not looked at, and most often lies in no cache.
    fn bytes(&self, at: usize) -> &[u8] {
        &self.text.as_bytes()[self.range(at)]
    }

    /// Adds all texts of another list.
    pub fn append(&mut self, other: &Self) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| start + end));
    }
}

/// Texts made from others: most of them are equal to what they were made from, and then take no room.
#[derive(Default)]
struct Derived {
    /// For each text 0 where it is the other one, else one more than its place in `texts`; what lies beyond the end is 0.
    slots: Vec<u32>,
    texts: Texts,
}

impl Derived {
    /// Sets the text made from the one at `at`; texts are set in order.
    fn set(&mut self, at: usize, raw: &str, text: &str) {
        if !is_same(text, raw) {
            self.texts.push(text);
            self.slots.resize(at, 0);
            self.slots.push(u32::try_from(self.texts.count()).expect("there are fewer than 2^32 records"));
        }
    }

    /// Tells whether nothing differs.
    fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds all that is made from texts that stand from `start` on.
    fn append(&mut self, start: usize, other: &Self) {
        if !other.slots.is_empty() {
            let before = self.texts.count() as u32;
            self.slots.resize(start, 0);
            self.slots.extend(other.slots.iter().map(|&slot| if slot == 0 { 0 } else { slot + before }));
            self.texts.append(&other.texts);
        }
    }

    /// Gives the number of the text made from the one at `at`, where it differs.
    fn number(&self, at: usize) -> Option<usize> {
        self.slots.get(at).and_then(|&slot| (slot as usize).checked_sub(1))
    }

    /// Gives the text made from the one at `at`, where it differs.
    fn get(&self, at: usize) -> Option<&str> {
        self.number(at).map(|number| self.texts.get(number))
    }
}

/// Compares texts, empty ones without a call: comparing no bytes at an address where there is nothing takes longer than comparing many.
fn is_same(left: &str, right: &str) -> bool {
    left.len() == right.len() && (left.is_empty() || left == right)
}

/// Which text each row of a column has.
enum Numbers {
    /// Its own.
    Rows,
    /// All rows have the first.
    One,
    /// The one of that number.
    Keys(Vec<u32>),
}

/// A column of text with what is made from its texts.
pub struct Column {
    numbers: Numbers,
    /// The raw texts; blank where the cell is null.
    raw: Texts,
    /// The form and the key form; those of fields that have none are the raw text.
    forms: [Derived; 2],
}

impl Column {
    /// Copies a column, because it points into blocks of the file that would stay in memory for a few records.
    ///
    /// # Errors
    /// When the column is nested or binary.
    pub fn new(cells: &Cells) -> Result<Self, ValueError> {
        let distinct = cells.array().and_then(|array| {
            distinct::<Date32Type>(array).or_else(|| distinct::<Int32Type>(array)).or_else(|| distinct::<Int64Type>(array))
        });
        if let Some((numbers, values)) = distinct {
            return Ok(Self { numbers: Numbers::Keys(numbers), ..Self::new_of_text(&TextColumn::new(&values.into())?) });
        }
        Ok(Self::new_of_text(&TextColumn::new(cells)?))
    }

    fn new_of_text(column: &TextColumn) -> Self {
        let mut raw = Texts::with_capacity(column.len(), 0);
        let numbers = match column {
            TextColumn::Values(_) | TextColumn::Packed(_) => {
                column.iter().for_each(|value| raw.push(value.unwrap_or("")));
                Numbers::Rows
            }
            TextColumn::Dictionary { keys, values } => {
                // By key, with null in front: one more than the number.
                let mut numbers = vec![0; values.len() + 1];
                let mut number = |key: Option<i32>| {
                    let key = key.map(|key| key as usize).filter(|&key| values.is_valid(key));
                    let number = &mut numbers[key.map_or(0, |key| key + 1)];
                    if *number == 0 {
                        raw.push(key.map_or("", |key| values.value(key)));
                        *number = raw.count() as u32;
                    }
                    *number - 1
                };
                Numbers::Keys(keys.iter().map(&mut number).collect())
            }
        };
        Self { numbers, raw, forms: Default::default() }
    }

    /// Makes an empty column that is to have a text of its own in each of so many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self { numbers: Numbers::Rows, raw: Texts::with_capacity(rows, 0), forms: Default::default() }
    }

    /// Makes a column that holds one text in every row.
    pub fn constant(text: &str) -> Self {
        let mut raw = Texts::default();
        raw.push(text);
        Self { numbers: Numbers::One, raw, forms: Default::default() }
    }

    /// Joins columns of so many rows each, with every text once.
    pub fn join<'a>(columns: impl Iterator<Item = (usize, &'a Self)> + Clone) -> Self {
        let rows: usize = columns.clone().map(|(rows, _)| rows).sum();
        let mut joined = Joined::default();
        let mut numbers = JoinedNumbers { rows, ..JoinedNumbers::default() };
        for (rows, column) in columns {
            match &column.numbers {
                Numbers::Rows => {
                    // Neighbours often have the same text.
                    let mut last = None;
                    numbers.listed().extend((0..rows).map(|row| {
                        let number = last.filter(|_| is_same(column.raw.get(row), column.raw.get(row - 1)));
                        *last.insert(number.unwrap_or_else(|| joined.number(column, row)))
                    }));
                }
                Numbers::One => numbers.repeat(joined.number(column, 0), rows),
                Numbers::Keys(keys) => {
                    let own: Vec<u32> = (0..column.raw.count()).map(|at| joined.number(column, at)).collect();
                    numbers.listed().extend(keys.iter().map(|&key| own[key as usize]));
                }
            }
        }
        match joined.column.raw.count() {
            0 => Self::constant(""),
            1 => joined.column,
            _ => Self { numbers: Numbers::Keys(std::mem::take(numbers.listed())), ..joined.column },
        }
    }

    /// Adds a text with its form and key form, and gives its number.
    pub fn add(&mut self, raw: &str, forms: [&str; 2]) -> u32 {
        let at = self.raw.count();
        self.raw.push(raw);
        self.forms.iter_mut().zip(forms).for_each(|(derived, form)| derived.set(at, raw, form));
        u32::try_from(at).expect("there are fewer than 2^32 records")
    }

    /// Joins columns of so many rows each, with a text for every row: for texts of which nearly none comes twice.
    pub fn chain<'a>(columns: impl Iterator<Item = (usize, &'a Self)> + Clone) -> Self {
        let (rows, bytes) = columns.clone().fold((0, 0), |sum, (rows, column)| (sum.0 + rows, sum.1 + column.raw.text.len()));
        let mut chained = Self { numbers: Numbers::Rows, raw: Texts::with_capacity(rows, bytes), forms: Default::default() };
        for (rows, column) in columns {
            if column.is_distinct() {
                let start = chained.raw.count();
                chained.raw.append(&column.raw);
                chained.forms.iter_mut().zip(&column.forms).for_each(|(derived, own)| derived.append(start, own));
                continue;
            }
            let has_forms = column.forms.iter().any(|form| !form.is_empty());
            for row in 0..rows {
                let at = column.number(row);
                if has_forms {
                    chained.add(column.raw.get(at), [0, 1].map(|form| column.form_of(form, at)));
                } else {
                    chained.raw.push(column.raw.get(at));
                }
            }
        }
        if chained.raw.text.is_empty() { Self::constant("") } else { chained }
    }

    /// Tells whether every row has a text of its own.
    pub const fn is_distinct(&self) -> bool {
        matches!(self.numbers, Numbers::Rows)
    }

    /// Tells whether all rows have one text.
    pub const fn is_constant(&self) -> bool {
        matches!(self.numbers, Numbers::One)
    }

    /// Gives the numbers of some rows' texts.
    pub fn numbers(&self, rows: impl Iterator<Item = usize>) -> Vec<u32> {
        match &self.numbers {
            Numbers::Rows => rows.map(|row| row as u32).collect(),
            Numbers::One => rows.map(|_| 0).collect(),
            Numbers::Keys(keys) => rows.map(|row| keys[row]).collect(),
        }
    }

    /// Gives the number of a row's text.
    #[inline]
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
        self.form_of(form, self.number(row))
    }

    fn form_of(&self, form: usize, at: usize) -> &str {
        self.forms[form].get(at).unwrap_or_else(|| self.raw.get(at))
    }

    /// Gives the raw text of a number, or one of its forms.
    pub fn text(&self, form: Option<usize>, number: usize) -> &str {
        form.map_or_else(|| self.raw.get(number), |form| self.form_of(form, number))
    }

    /// Gives the UTF-8 of the raw text of a number, or of one of its forms.
    pub fn bytes(&self, form: Option<usize>, number: usize) -> &[u8] {
        let form = form.and_then(|form| self.forms[form].number(number).map(|number| self.forms[form].texts.bytes(number)));
        form.unwrap_or_else(|| self.raw.bytes(number))
    }

    /// Makes the form of every text, and its key form where `with_key`; where `make` says no, both are the text.
    pub fn make_forms(&mut self, with_key: bool, mut make: impl FnMut(&str, &mut String, &mut String) -> bool) {
        let (mut form, mut key) = (String::new(), String::new());
        for at in 0..self.raw.count() {
            let raw = self.raw.get(at);
            if make(raw, &mut form, &mut key) {
                self.forms[0].set(at, raw, &form);
                if with_key {
                    self.forms[1].set(at, raw, &key);
                }
            }
        }
    }
}

/// The numbers of the rows of joined columns. What rows at the end have in common is listed late: most columns turn out to hold one text.
#[derive(Default)]
struct JoinedNumbers {
    /// How many rows there are to be.
    rows: usize,
    listed: Vec<u32>,
    /// The number of the rows that are not listed, and how many they are.
    last: (u32, usize),
}

impl JoinedNumbers {
    /// Adds rows of one number.
    fn repeat(&mut self, number: u32, rows: usize) {
        if self.last.0 != number {
            self.listed();
        }
        self.last = (number, self.last.1 + rows);
    }

    /// Gives the numbers of all rows by now, to add more.
    fn listed(&mut self) -> &mut Vec<u32> {
        let (number, rows) = std::mem::take(&mut self.last);
        if self.listed.is_empty() {
            self.listed.reserve_exact(self.rows);
        }
        self.listed.resize(self.listed.len() + rows, number);
        &mut self.listed
    }
}

/// Columns that are being joined.
struct Joined<'a> {
    column: Column,
    known: Map<&'a str, u32>,
    /// Blank texts, with their forms: a form follows from the raw text, but for the supplier of a source that does not name it.
    blanks: Vec<(&'a str, u32)>,
}

impl Default for Joined<'_> {
    fn default() -> Self {
        let column = Column { numbers: Numbers::One, raw: Texts::default(), forms: Default::default() };
        Self { column, known: Map::default(), blanks: Vec::new() }
    }
}

impl<'a> Joined<'a> {
    /// Gives the number of a column's text.
    fn number(&mut self, column: &'a Column, at: usize) -> u32 {
        let raw = column.raw.get(at);
        let mut add = || self.column.add(raw, [0, 1].map(|form| column.form_of(form, at)));
        if !raw.is_empty() {
            return *self.known.entry(raw).or_insert_with(add);
        }
        let form = column.form_of(0, at);
        match self.blanks.iter().find(|(other, _)| is_same(other, form)) {
            Some(&(_, number)) => number,
            None => {
                let number = add();
                self.blanks.push((form, number));
                number
            }
        }
    }
}

/// Numbers the values of a column of dates or integers, of which there are few: to make text of a value takes longer than to look it up.
fn distinct<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<(Vec<u32>, ArrayRef)>
where
    T::Native: Eq + Hash,
{
    let array = array.as_primitive_opt::<T>()?;
    let mut known: Map<Option<T::Native>, u32> = Map::default();
    let mut values = Vec::new();
    let number = |value: Option<T::Native>| {
        *known.entry(value).or_insert_with(|| {
            values.push(value);
            (values.len() - 1) as u32
        })
    };
    let numbers = array.iter().map(number).collect();
    Some((numbers, Arc::new(values.into_iter().collect::<PrimitiveArray<T>>())))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, DictionaryArray, Int32Array, StringArray, StringViewArray};

    use super::*;

    fn column(array: ArrayRef) -> Column {
        let mut column = Column::new(&array.into()).unwrap();
        column.make_forms(true, |raw, form, key| {
            *form = raw.to_uppercase();
            *key = raw.replace('-', "");
            *form != raw || *key != raw
        });
        column
    }

    fn check(column: &Column, start: usize) {
        let rows = |value: &dyn Fn(usize) -> String| (start..start + 4).map(value).collect::<Vec<_>>();
        assert_eq!(rows(&|row| column.raw(row).to_owned()), ["a-1", "", "B", "a-1"]);
        assert_eq!(rows(&|row| column.form(0, row).to_owned()), ["A-1", "", "B", "A-1"]);
        assert_eq!(rows(&|row| column.form(1, row).to_owned()), ["a1", "", "B", "a1"]);
    }

    #[test]
    fn forms_stand_by_rows_of_values_of_dictionaries_and_of_what_joins_them() {
        let values = column(Arc::new(StringViewArray::from(vec![Some("a-1"), None, Some("B"), Some("a-1")])));
        check(&values, 0);
        let keys = Int32Array::from(vec![Some(2), None, Some(0), Some(2)]);
        let texts = StringArray::from(vec![Some("B"), Some("unused"), Some("a-1")]);
        let dictionary = column(Arc::new(DictionaryArray::new(keys, Arc::new(texts))));
        check(&dictionary, 0);
        let constant = Column::constant("x");
        assert_eq!((constant.raw(7), constant.form(1, 9)), ("x", "x"));
        let joined = Column::join([(4, &values), (2, &constant), (4, &dictionary)].into_iter());
        check(&joined, 0);
        check(&joined, 6);
        let chained = Column::chain([(4, &values), (4, &dictionary), (4, &values)].into_iter());
        [0, 4, 8].into_iter().for_each(|start| check(&chained, start));
        assert_eq!(joined.numbers([0, 2, 6].into_iter()), [0, 2, 0]);
        assert_eq!(chained.numbers([0, 2, 6].into_iter()), [0, 2, 6]);
        assert_eq!((joined.raw(4), joined.raw(5)), ("x", "x"));
        assert_eq!([0, 1, 2, 3].map(|number| joined.text(None, number)), ["a-1", "", "B", "x"]);
        assert_eq!([0, 1, 2, 3].map(|number| joined.text(Some(0), number)), ["A-1", "", "B", "x"]);
    }

    #[test]
    fn dates_and_numbers_are_text_once_each() {
        let dates = Column::new(&Cells::from(Arc::new(Date32Array::from(vec![Some(1), None, Some(2), Some(1)])) as ArrayRef)).unwrap();
        assert_eq!([0, 1, 2, 3].map(|row| dates.raw(row)), ["1970-01-02", "", "1970-01-03", "1970-01-02"]);
        assert_eq!(dates.numbers(0..4), [0, 1, 2, 0]);
    }

    #[test]
    fn suppliers_that_sources_do_not_name_stay_apart() {
        let named = |name: &str| {
            let mut column = Column::constant("");
            column.make_forms(false, |_, form, _| {
                form.push_str(name);
                true
            });
            column
        };
        let columns = [named("ACME"), named("BOLT"), Column::constant("")];
        let joined = Column::join(columns.iter().map(|column| (1, column)));
        assert_eq!([0, 1, 2].map(|row| (joined.raw(row), joined.form(0, row))), [("", "ACME"), ("", "BOLT"), ("", "")]);
    }
}
