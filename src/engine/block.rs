//! Rows on their way to records: some hundred at a time, column by column.

use std::ops::Range;

use arrow::array::{Array, Int32Array, StringArray, StringViewArray};
use counterfoil_kernel::key::Key;
use counterfoil_kernel::normalize::{SerialClass, Steps};

use super::columns::Numbers;

/// Rows of one block: what is known of them stays in the nearest cache.
pub const BLOCK_ROWS: usize = 256;

/// A serial with its interned layout or placeholder value.
#[derive(Clone, Copy)]
pub struct Serial {
    /// What kind of value it is.
    pub class: SerialClass,
    /// Its key.
    pub key: Key,
    /// Its layout; the value of a placeholder.
    pub layout: u32,
    /// The steps that changed it.
    pub steps: Steps,
}

/// The serial of a record without one.
pub const BLANK_SERIAL: Serial = Serial { class: SerialClass::Blank, key: 0, layout: 0, steps: Steps(0) };

/// The columns of a morsel, as far as they are made for all rows together.
pub struct Columns {
    /// Serials.
    pub serial: Serials,
    /// Items.
    pub item: Numbers,
    /// Lots.
    pub lot: Numbers,
    /// Supplier lots.
    pub supplier_lot: Numbers,
    /// Suppliers.
    pub supplier: Numbers,
    /// The date that travels with the records.
    pub days: Option<Vec<i32>>,
    /// Quantities, where some is not one.
    pub quantities: Option<Vec<Option<i64>>>,
    /// Columns of the scope, where it is more than the item.
    pub scope: Vec<Numbers>,
    /// Whether filters keep a row; `None`: all are kept.
    pub kept: Option<Vec<bool>>,
}

/// Where the serials of a morsel come from.
pub enum Serials {
    /// Nowhere.
    None,
    /// One constant.
    One(Serial),
    /// Row by row.
    Values(StringViewArray),
    /// The same, in one buffer.
    Strings(StringArray),
    /// By dictionary key, normalized once each.
    Keys(Int32Array, Vec<Serial>),
}

/// What is known of the rows of a block.
#[derive(Default)]
pub struct Block {
    /// Serials.
    pub serials: Vec<Serial>,
    /// Numbers of items.
    pub items: Vec<u32>,
    /// Numbers of lots.
    pub lots: Vec<u32>,
    /// Numbers of supplier lots.
    pub supplier_lots: Vec<u32>,
    /// Numbers of suppliers.
    pub suppliers: Vec<u32>,
    /// Numbers of places, where they are not those of items; else empty.
    pub places: Vec<u32>,
    /// Days; 0 for none.
    pub days: Vec<u16>,
}

impl Block {
    /// Takes the rows of `rows`, places aside.
    pub fn fill(&mut self, columns: &Columns, rows: Range<usize>, serial: impl FnMut(&str) -> Serial) {
        columns.item.copy(rows.clone(), &mut self.items);
        columns.lot.copy(rows.clone(), &mut self.lots);
        columns.supplier_lot.copy(rows.clone(), &mut self.supplier_lots);
        columns.supplier.copy(rows.clone(), &mut self.suppliers);
        self.places.clear();
        self.days.clear();
        match &columns.days {
            Some(days) => self.days.extend(days[rows.clone()].iter().map(|&day| u16::try_from(day).unwrap_or(0))),
            None => self.days.resize(rows.len(), 0),
        }
        columns.serial.copy(rows, &mut self.serials, serial);
    }

    /// Gives the places, where they are not those of items.
    pub fn places(&self) -> Option<&[u32]> {
        (!self.places.is_empty()).then_some(self.places.as_slice())
    }
}

impl Serials {
    fn copy(&self, rows: Range<usize>, out: &mut Vec<Serial>, mut make: impl FnMut(&str) -> Serial) {
        out.clear();
        match self {
            Self::None => out.resize(rows.len(), BLANK_SERIAL),
            Self::One(serial) => out.resize(rows.len(), *serial),
            Self::Values(values) => {
                out.extend(rows.map(|row| if values.is_valid(row) { make(values.value(row)) } else { BLANK_SERIAL }));
            }
            Self::Strings(values) => {
                out.extend(rows.map(|row| if values.is_valid(row) { make(values.value(row)) } else { BLANK_SERIAL }));
            }
            Self::Keys(keys, serials) => {
                out.extend(rows.map(|row| if keys.is_valid(row) { serials[keys.value(row) as usize] } else { BLANK_SERIAL }));
            }
        }
    }
}
