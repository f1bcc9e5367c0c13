//! Rows on their way to records: some hundred at a time, column by column.

use std::ops::Range;

use arrow::array::{Array, Int32Array, StringViewArray};
use counterfoil_kernel::key::{Key, digest, mix};
use counterfoil_kernel::model::Field;
use counterfoil_kernel::normalize::{SerialClass, Steps};
use counterfoil_kernel::record::{Flags, Setting};
use counterfoil_kernel::sums::{QUANTITY_ONE, Sums};

use super::columns::{Numbers, PLACEHOLDER_BIT};
use super::settings::Words;
use crate::ingest::PackedTexts;

/// Rows of one block: what is known of them stays in the nearest cache.
pub const BLOCK_ROWS: usize = 256;

/// A serial with its interned layout or placeholder value.
#[derive(Clone, Copy)]
pub struct Serial {
    /// Its key.
    pub key: Key,
    /// Its layout; the value of a placeholder.
    pub layout: u32,
    /// What kind of value it is.
    pub class: SerialClass,
    /// The steps that changed it.
    pub steps: Steps,
    /// What its record is marked with.
    pub flags: Flags,
}

impl Serial {
    /// Tells whether it names a unit.
    #[inline]
    pub fn is_usable(&self) -> bool {
        self.class == SerialClass::Usable
    }
}

/// The serial of a record without one.
pub const BLANK_SERIAL: Serial = Serial { key: 0, layout: 0, class: SerialClass::Blank, steps: Steps(0), flags: Flags(0) };

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
    Packed(PackedTexts),
    /// By dictionary key, normalized once each.
    Keys(Int32Array, Vec<Serial>),
}

/// What is known of the rows of a block: one value of each a row.
#[derive(Default)]
pub struct Block {
    /// Rows of the morsel.
    pub rows: Vec<u32>,
    /// Numbers of records in their file.
    pub records: Vec<u32>,
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
    /// Quantities in millionths, where some is not one; else empty.
    pub quantities: Vec<i64>,
    /// Mixed keys.
    pub mixed: Vec<u64>,
    /// Runs of rows of one setting.
    pub runs: Vec<Run>,
    /// Numbers of settings, once they have one.
    pub settings: Vec<u32>,
}

/// Rows of one setting that stand together.
pub struct Run {
    /// The setting.
    pub words: Words,
    /// One past its last row.
    pub end: usize,
}

/// A placeholder among the identifiers of a block.
pub struct Marked {
    /// What it stands for.
    pub field: Field,
    /// Where it stands in the block.
    pub at: usize,
    /// Its number.
    pub value: u32,
}

impl Block {
    /// Takes some rows of a morsel, whose serials are there; `records` are the numbers of their records.
    pub fn fill(&mut self, columns: &Columns, rows: Range<usize>, records: impl Iterator<Item = u32>) {
        assert_eq!(self.serials.len(), rows.len(), "serials are those of the same rows");
        self.rows.clear();
        self.rows.extend(rows.start as u32..rows.end as u32);
        self.records.clear();
        self.records.extend(records);
        columns.item.copy(rows.clone(), &mut self.items);
        columns.lot.copy(rows.clone(), &mut self.lots);
        columns.supplier_lot.copy(rows.clone(), &mut self.supplier_lots);
        columns.supplier.copy(rows.clone(), &mut self.suppliers);
        self.places.clear();
        self.days.clear();
        self.days.resize(rows.len(), 0);
        if let Some(days) = &columns.days {
            self.days.iter_mut().zip(&days[rows.clone()]).for_each(|(own, &day)| *own = u16::try_from(day).unwrap_or(0));
        }
        self.quantities.clear();
        if let Some(quantities) = &columns.quantities {
            self.quantities.extend(quantities[rows].iter().map(|quantity| quantity.unwrap_or(QUANTITY_ONE)));
        }
        self.mixed.clear();
        self.mixed.extend(self.serials.iter().map(|serial| mix(serial.key)));
    }

    /// Gives the quantity of a row, in millionths.
    #[inline]
    pub fn quantity(&self, at: usize) -> i64 {
        self.quantities.get(at).copied().unwrap_or(QUANTITY_ONE)
    }

    /// Gives the digest of a row's record.
    pub fn digest(&self, at: usize, file_digest: u64) -> u128 {
        digest(self.mixed[at], file_digest, self.records[at])
    }

    /// Sums up the records of all rows.
    pub fn sums(&self, file_digest: u64) -> Sums {
        let count = self.records.len();
        let ones = (count - self.quantities.len()) as i128 * i128::from(QUANTITY_ONE);
        let pairs = self.mixed.iter().zip(&self.records);
        Sums {
            records: count as u64,
            quantity: self.quantities.iter().map(|&quantity| i128::from(quantity)).sum::<i128>() + ones,
            digest: pairs.fold(0, |sum, (&mixed, &record)| sum.wrapping_add(digest(mixed, file_digest, record))),
        }
    }

    /// Keeps the rows at these places alone, before they have settings.
    pub fn pick(&mut self, at: &[usize]) {
        fn pick<T: Copy>(values: &mut Vec<T>, at: &[usize]) {
            if !values.is_empty() {
                *values = at.iter().map(|&at| values[at]).collect();
            }
        }
        let Self { rows, records, serials, items, lots, supplier_lots, suppliers, places, days, quantities, mixed, .. } = self;
        [rows, records, items, lots, supplier_lots, suppliers, places].into_iter().for_each(|values| pick(values, at));
        pick(serials, at);
        pick(days, at);
        pick(quantities, at);
        pick(mixed, at);
    }

    /// Cuts the rows into runs of one setting, once placeholders are taken out.
    pub fn find_runs(&mut self, file: u32) {
        let Self { serials, items, lots, supplier_lots, suppliers, places, runs, .. } = self;
        let places = if places.is_empty() { &*items } else { &*places };
        runs.clear();
        let mut current = Words::NOTHING;
        let columns = places.iter().zip(&*lots).zip(&*supplier_lots).zip(&*suppliers).zip(&*serials);
        for (at, ((((&place, &lot), &supplier_lot), &supplier), serial)) in columns.enumerate() {
            let words = Words::of(&Setting { place, lot, supplier_lot, supplier, layout: serial.layout, file });
            if !words.is(&current) {
                if at > 0 {
                    runs.push(Run { words: current, end: at });
                }
                current = words;
            }
        }
        if !serials.is_empty() {
            runs.push(Run { words: current, end: serials.len() });
        }
    }

    /// Takes the placeholders out of items and lots, which are blank then.
    pub fn take_placeholders(&mut self) -> Vec<Marked> {
        let mut marked = Vec::new();
        let columns = [(Field::Item, &mut self.items), (Field::Lot, &mut self.lots), (Field::SupplierLot, &mut self.supplier_lots)];
        for (field, numbers) in columns {
            // One look at all of them together: nearly no block has any.
            if numbers.iter().fold(0, |bits, number| bits | number) & PLACEHOLDER_BIT != 0 {
                for (at, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number & PLACEHOLDER_BIT != 0) {
                    marked.push(Marked { field, at, value: std::mem::take(number) & !PLACEHOLDER_BIT });
                }
            }
        }
        marked
    }
}

impl Serials {
    /// Gives the UTF-8 of the raw text of a row, where each row has a text of its own.
    pub fn raw(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Values(values) => values.is_valid(row).then(|| values.value(row).as_bytes()),
            Self::Packed(texts) => texts.is_valid(row).then(|| texts.utf8(row)),
            Self::None | Self::One(_) | Self::Keys(..) => None,
        }
    }
}
