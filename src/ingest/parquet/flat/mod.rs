//! The decoder for what nearly every file holds: text and integers, plain or by dictionary, one value per record.
//!
//! It reads a column chunk into pieces without a detour over levels and padded copies, passes over pages without a wanted row, and keeps
//! nothing of a page once its rows are read. `None` from any part of it means: this is nothing for it, be it an encoding of another
//! kind, text that is no UTF-8, or damage. The caller then takes the general decoder, which can read it or says what is wrong.

mod gather;
mod hybrid;
mod page;
mod plain;
mod texts;

#[cfg(test)]
mod tests;

use std::ops::Range;

use arrow::datatypes::DataType;
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::column::page::PageReader;
use parquet::file::metadata::ColumnChunkMetaData;

use self::gather::{Dictionary, Gathered};
use self::page::DataPage;
use crate::ingest::Cells;

/// How the values come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Text by keys: every page refers to the dictionary.
    Keys,
    /// Text, packed.
    Texts,
    /// Numbers as this type, whose values have the bits that the file holds.
    Numbers(DataType),
}

/// Says whether values of `data_type` are the bits of `physical`, so that they need no conversion.
pub(super) fn is_same_bits(physical: PhysicalType, data_type: &DataType) -> bool {
    match physical {
        PhysicalType::INT32 => matches!(data_type, DataType::Int32 | DataType::UInt32 | DataType::Date32 | DataType::Time32(_)),
        PhysicalType::INT64 => {
            matches!(data_type, DataType::Int64 | DataType::UInt64 | DataType::Timestamp(_, _) | DataType::Time64(_))
        }
        _ => false,
    }
}

/// A column chunk that is being decoded.
pub(super) struct FlatChunk {
    pages: Box<dyn PageReader>,
    physical: PhysicalType,
    is_optional: bool,
    output: Output,
    dictionary: Option<Dictionary>,
    page: Option<DataPage>,
    /// The row that is read next.
    row: usize,
    /// Keys on their way to values.
    keys: Vec<i32>,
}

impl FlatChunk {
    /// Starts to decode `pages`, those of `chunk`.
    pub(super) fn new(chunk: &ColumnChunkMetaData, output: Output, pages: Box<dyn PageReader>) -> Option<Self> {
        let description = chunk.column_descr();
        let physical = chunk.column_type();
        let is_fitting = match &output {
            Output::Keys | Output::Texts => physical == PhysicalType::BYTE_ARRAY,
            Output::Numbers(data_type) => is_same_bits(physical, data_type),
        };
        let is_flat = description.max_rep_level() == 0 && description.max_def_level() <= 1;
        if !is_fitting || !is_flat || !chunk.encodings().all(is_known) {
            return None;
        }
        let is_optional = description.max_def_level() == 1;
        Some(Self { pages, physical, is_optional, output, dictionary: None, page: None, row: 0, keys: Vec::new() })
    }

    /// Reads the rows of `ranges`, `rows` in all; they ascend from piece to piece.
    pub(super) fn piece(&mut self, ranges: impl Iterator<Item = Range<usize>>, rows: usize) -> Option<Cells> {
        let mut gathered = Gathered::new(&self.output, self.physical, rows);
        for range in ranges {
            self.skip(range.start.checked_sub(self.row)?)?;
            self.read(range.len(), &mut gathered)?;
        }
        gathered.finish(&self.output, self.dictionary.as_ref(), rows)
    }

    /// Says whether no row is left; `None` where the pages don't tell.
    pub(super) fn is_at_end(&mut self) -> Option<bool> {
        if self.page.as_ref().is_some_and(|page| page.rows_left() > 0) {
            return Some(false);
        }
        while let Some(next) = self.pages.peek_next_page().ok()? {
            if next.is_dict || next.num_levels.or(next.num_rows) != Some(0) {
                return Some(false);
            }
            self.pages.skip_next_page().ok()?;
        }
        Some(true)
    }

    fn skip(&mut self, mut count: usize) -> Option<()> {
        self.row += count;
        while count > 0 {
            let Some(page) = self.page.as_mut().filter(|page| page.rows_left() > 0) else {
                count -= self.next_page(count)?;
                continue;
            };
            let taken = page.rows_left().min(count);
            page.skip(taken, self.physical)?;
            count -= taken;
        }
        Some(())
    }

    fn read(&mut self, mut count: usize, gathered: &mut Gathered) -> Option<()> {
        self.row += count;
        while count > 0 {
            let Some(page) = self.page.as_mut().filter(|page| page.rows_left() > 0) else {
                self.next_page(0)?;
                continue;
            };
            let taken = page.rows_left().min(count);
            page.read(taken, gathered, self.dictionary.as_ref(), &mut self.keys)?;
            count -= taken;
        }
        Some(())
    }

    /// Goes on to the next data page that has more than `skippable` rows, and counts the rows of the pages that it passed over instead.
    fn next_page(&mut self, skippable: usize) -> Option<usize> {
        // Released before the next one is made, which then takes its place in memory.
        self.page = None;
        let mut skipped = 0;
        loop {
            let next = self.pages.peek_next_page().ok()??;
            if !next.is_dict
                && let Some(rows) = next.num_levels.or(next.num_rows)
                && skipped + rows <= skippable
            {
                self.pages.skip_next_page().ok()?;
                skipped += rows;
                if skipped == skippable && skippable > 0 {
                    return Some(skipped);
                }
                continue;
            }
            let page = self.pages.get_next_page().ok()??;
            if page.is_dictionary_page() {
                self.dictionary = Some(Dictionary::decode(&page, self.physical)?);
                continue;
            }
            self.page = Some(DataPage::new(page, self.is_optional)?);
            return Some(skipped);
        }
    }
}

/// Names the encodings that this decoder reads, and those of levels, which old files name in the same list.
#[expect(deprecated, reason = "old files name the encoding of their levels so")]
fn is_known(encoding: Encoding) -> bool {
    use Encoding::{BIT_PACKED, PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
    matches!(encoding, PLAIN | PLAIN_DICTIONARY | RLE_DICTIONARY | RLE | BIT_PACKED)
}
