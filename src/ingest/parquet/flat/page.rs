//! A data page: levels, then values.

use bytes::Bytes;
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::column::page::Page;

use super::gather::{Dictionary, Gathered, Values};
use super::hybrid::Hybrid;
use super::plain::Plain;

/// The bytes of the length in front of the levels of a page of the first version.
const LENGTH_BYTES: usize = 4;

/// A data page that is being read.
pub(super) struct DataPage {
    rows_left: usize,
    /// `None`: every row holds a value.
    levels: Option<Hybrid>,
    values: PageValues,
}

enum PageValues {
    Plain(Plain),
    Keys(Hybrid),
}

impl DataPage {
    /// Starts to read a data page of a column with one value per row, or with at most one if `is_optional`.
    pub(super) fn new(page: Page, is_optional: bool) -> Option<Self> {
        let (rows, encoding) = (page.num_values() as usize, page.encoding());
        let (levels, values) = match page {
            Page::DataPage { buf, .. } if !is_optional => (None, buf),
            Page::DataPage { buf, def_level_encoding: Encoding::RLE, .. } => {
                let end = LENGTH_BYTES.checked_add(u32::from_le_bytes(*buf.first_chunk::<LENGTH_BYTES>()?) as usize)?;
                (Some(cut(&buf, LENGTH_BYTES, end)?), cut(&buf, end, buf.len())?)
            }
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let start = rep_levels_byte_len as usize;
                let end = start.checked_add(def_levels_byte_len as usize)?;
                let levels = cut(&buf, start, end)?;
                (is_optional.then_some(levels), cut(&buf, end, buf.len())?)
            }
            _ => return None,
        };
        let values = match encoding {
            Encoding::PLAIN => PageValues::Plain(Plain::new(values)),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                // A page of nulls alone may lack the width of its keys, of which it has none.
                let width = values.first().copied().unwrap_or(0);
                PageValues::Keys(Hybrid::new(values.slice(values.len().min(1)..), usize::from(width))?)
            }
            _ => return None,
        };
        let levels = match levels {
            Some(levels) => Some(Hybrid::new(levels, 1)?),
            None => None,
        };
        Some(Self { rows_left: rows, levels, values })
    }

    /// Counts the rows that are not read yet.
    pub(super) fn rows_left(&self) -> usize {
        self.rows_left
    }

    /// Passes over the next `count` rows; there are so many.
    pub(super) fn skip(&mut self, count: usize, physical: PhysicalType) -> Option<()> {
        self.rows_left -= count;
        let held = match &mut self.levels {
            Some(levels) => levels.skip_levels(count)?,
            None => count,
        };
        match &mut self.values {
            PageValues::Keys(keys) => keys.skip(held),
            PageValues::Plain(plain) => match physical {
                PhysicalType::INT32 => plain.skip_numbers::<i32>(held),
                PhysicalType::INT64 => plain.skip_numbers::<i64>(held),
                _ => plain.skip_texts(held),
            },
        }
    }

    /// Reads the next `count` rows; there are so many. `buffer` is for keys whose values are looked up.
    pub(super) fn read(
        &mut self,
        count: usize,
        gathered: &mut Gathered,
        dictionary: Option<&Dictionary>,
        buffer: &mut Vec<i32>,
    ) -> Option<()> {
        self.rows_left -= count;
        let start = gathered.validity.rows();
        let held = match &mut self.levels {
            Some(levels) => levels.read_levels(count, &mut gathered.validity)?,
            None => {
                gathered.validity.append(count, true);
                count
            }
        };
        match (&mut self.values, &mut gathered.values) {
            (PageValues::Keys(keys), Values::Keys(values)) => keys.read(held, values),
            (PageValues::Keys(keys), _) => {
                buffer.clear();
                keys.read(held, buffer)?;
                gathered.look_up(start, dictionary?, buffer)
            }
            (PageValues::Plain(plain), Values::Int32(numbers)) => plain.read_numbers(held, numbers),
            (PageValues::Plain(plain), Values::Int64(numbers)) => plain.read_numbers(held, numbers),
            (PageValues::Plain(plain), Values::Texts(_)) => {
                let (texts, runs) = gathered.text_runs(start)?;
                for (count, is_valid) in runs {
                    if is_valid {
                        plain.read_texts(count, texts)?;
                    } else {
                        texts.push_blanks(count);
                    }
                }
                Some(())
            }
            // The footer said that every page refers to the dictionary.
            (PageValues::Plain(_), Values::Keys(_)) => None,
        }
    }
}

fn cut(bytes: &Bytes, start: usize, end: usize) -> Option<Bytes> {
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}
