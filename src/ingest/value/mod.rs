//! Typed access to the columns that readers hand over: text, days, quantities.
//!
//! The rules here decide what a cell means, so that no reader and no later stage decides it again. How numbers become text:
//! see [`TextColumn`]; how text and timestamps become days: [`DayColumn`]; how cells become quantities: [`QuantityColumn`].

mod calendar;
mod date_format;
mod day;
mod nulls;
mod quantity;
mod render;
mod text;

pub use date_format::DateFormat;
pub use day::{BLANK_DAY, DayColumn, WrittenDate};
pub use nulls::nulls_in;
pub use quantity::{QuantityColumn, WrittenNumber};
pub use text::TextColumn;

use arrow::datatypes::DataType;

/// The column has a type that no reader hands over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a column of type {data_type} can't be used as {wanted}, expected text, a number, a date or a timestamp; write it as text")]
pub struct ValueError {
    /// The Arrow type of the column.
    pub data_type: DataType,
    /// What it was to be: `text`, `dates`, `quantities`.
    pub wanted: &'static str,
}

/// Cuts white space and invisible characters off both ends, so that a cell of them is blank.
fn trimmed(text: &str) -> &str {
    let is_ascii_edge = |byte: Option<&u8>| byte.is_none_or(|byte| byte.is_ascii_graphic());
    if is_ascii_edge(text.as_bytes().first()) && is_ascii_edge(text.as_bytes().last()) {
        return text;
    }
    let is_invisible = |letter: char| matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control() || is_invisible(letter))
}

/// Cells that could not be read, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many.
    pub count: u64,
    /// The first one: its row, and its text.
    pub first: Option<(usize, String)>,
}

impl Unreadable {
    fn add(&mut self, row: usize, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((row, text()));
        }
    }
}
