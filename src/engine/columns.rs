//! Identifier columns as numbers: once per dictionary value, else once per distinct text a worker has seen lately.

use arrow::array::{Array, Int32Array};
use counterfoil_kernel::map::Map;

use crate::ingest::value::TextColumn;

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
        numbers: Vec<u32>,
    },
    /// Row by row.
    Rows(Vec<u32>),
}

impl Numbers {
    /// Makes the numbers of a column.
    pub fn new(column: TextColumn, cache: &mut TextCache, mut number: impl FnMut(&str) -> u32) -> Self {
        match column {
            TextColumn::Dictionary { keys, values } => {
                let numbers = values.iter().map(|value| value.map_or(0, &mut number)).collect();
                Self::Dictionary { keys, numbers }
            }
            TextColumn::Values(values) => {
                Self::Rows(values.iter().map(|value| value.map_or(0, |value| cache.get(value, &mut number))).collect())
            }
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

/// The most texts that a worker's cache keeps before it starts anew.
const CACHED_MAX: usize = 1 << 17;

/// What a worker remembers of raw texts, so that equal ones are normalized once.
#[derive(Default)]
pub struct TextCache {
    numbers: Map<Box<str>, u32>,
}

impl TextCache {
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
