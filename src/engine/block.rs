//! Rows on their way to records: some hundred at a time, column by column.

use std::ops::Range;

use arrow::array::{Array, Int32Array, StringArray, StringViewArray};
use counterfoil_kernel::key::Key;
use counterfoil_kernel::normalize::{SerialClass, Steps};
use counterfoil_kernel::record::Flags;
use counterfoil_kernel::sums::QUANTITY_ONE;

use super::columns::{Numbers, PLACEHOLDER_BIT};

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
    /// Its record tells how it was written.
    pub is_spelt: bool,
}

/// The serial of a record without one.
pub const BLANK_SERIAL: Serial = Serial { class: SerialClass::Blank, key: 0, layout: 0, steps: Steps(0), is_spelt: false };

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
    /// Numbers of settings, once they have one.
    pub settings: Vec<u32>,
}

impl Columns {
    /// Tells whether filters keep a row.
    #[inline]
    pub fn is_kept(&self, row: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept[row])
    }

    /// Gives the quantity of a row, in millionths.
    #[inline]
    pub fn quantity(&self, row: usize) -> i64 {
        self.quantities.as_ref().and_then(|quantities| quantities[row]).unwrap_or(QUANTITY_ONE)
    }

    /// Gives the flags of a row's record.
    #[inline]
    pub fn flags(&self, row: usize, serial: &Serial) -> Flags {
        let SerialClass::Usable { digits } = serial.class else { return Flags::default() };
        let mut flags = Flags(if digits { Flags::DIGITS } else { 0 } | if serial.is_spelt { Flags::SPELT } else { 0 });
        if self.quantity(row) != QUANTITY_ONE {
            flags.set(Flags::QUANTITY);
        }
        flags
    }
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

    /// Tells whether some item or lot is a placeholder.
    pub fn has_placeholders(&self) -> bool {
        let columns = [&self.items, &self.lots, &self.supplier_lots];
        columns.into_iter().flatten().fold(0, |bits, number| bits | number) & PLACEHOLDER_BIT != 0
    }
}

impl Serials {
    /// Gives the raw text of a row, where each row has a text of its own.
    pub fn raw(&self, row: usize) -> Option<&str> {
        match self {
            Self::Values(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Strings(values) => values.is_valid(row).then(|| values.value(row)),
            Self::None | Self::One(_) | Self::Keys(..) => None,
        }
    }

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
