//! A column of numbered texts as a column chunk of a Parquet file: rows are numbers throughout, and each text is looked at once.
//!
//! The writer of the `parquet` crate hashes the text of every row to find out which it has seen; here the numbers say so.

use std::ops::Range;

use anyhow::Result;
use bytes::Bytes;
use counterfoil_kernel::map::Map;
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

/// The compression of all tables: the quickest that zstd has without giving up much.
pub const ZSTD_LEVEL: i32 = 1;
/// Rows of one page, and bytes of its texts where it holds them itself.
const PAGE_ROWS: usize = 16 * 1024;
const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// A dictionary is read as a whole.
const DICTIONARY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A longer text is no bound that is worth its place in the footer.
const BOUND_BYTES_MAX: usize = 64;
/// The bytes of the length in front of a text, and of levels.
const LENGTH_BYTES: usize = size_of::<u32>();
/// Values that are packed together.
const PACK: usize = 8;
/// The key of a blank cell.
const BLANK: u32 = u32::MAX;

/// Gives the numbers of the texts of some rows.
type NumbersOf<'a> = Box<dyn Fn(Range<usize>) -> Vec<u32> + Sync + 'a>;
/// Gives the text of a number: UTF-8, which is not looked at again.
type TextOf<'a> = Box<dyn Fn(usize) -> &'a [u8] + Sync + 'a>;

/// A column whose texts have numbers.
pub struct Numbered<'a> {
    /// Blank is null.
    pub is_nullable: bool,
    /// The number of each row's text.
    pub numbers: NumbersOf<'a>,
    /// The text of each number.
    pub text: TextOf<'a>,
    /// What is known of the texts.
    pub texts: Known,
}

/// What is known of texts that have numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Several numbers may have the same text.
    Nothing,
    /// Each number that is not blank has a text of its own.
    OfNumbers,
    /// Nearly each row has a text of its own: a dictionary would be work for nothing.
    OfRows,
    /// All rows have the text of number 0.
    OfAll,
}

/// A column chunk that is encoded.
pub struct NumberedChunk {
    /// Its pages.
    pub bytes: Bytes,
    /// What the footer says of it.
    pub close: ColumnCloseResult,
}

/// The rows of a row group by key: keys number the distinct texts by their first rows.
struct Keyed<'a> {
    keys: Vec<u32>,
    texts: Vec<&'a [u8]>,
    nulls: usize,
}

impl<'a> Numbered<'a> {
    /// Encodes the rows of one row group.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub fn encode(&self, rows: Range<usize>, column: ColumnDescPtr) -> Result<NumberedChunk> {
        let mut pages = Pages::new(self.is_nullable)?;
        if self.texts == Known::OfAll {
            pages.add_constant((self.text)(0), rows.len())?;
            return pages.finish(column);
        }
        let numbers = (self.numbers)(rows);
        if self.texts == Known::OfRows {
            let texts: Vec<&[u8]> = numbers.iter().map(|&number| (self.text)(number as usize)).collect();
            pages.add_texts(&texts)?;
            return pages.finish(column);
        }
        let Keyed { keys, texts, nulls } = self.keyed(numbers);
        let dictionary: usize = texts.iter().map(|text| LENGTH_BYTES + text.len()).sum();
        let width = width_of(texts.len());
        // What the texts of all rows would take, if all come equally often.
        let bytes = dictionary * (keys.len() - nulls) / texts.len().max(1);
        let is_plain = dictionary > DICTIONARY_BYTES_MAX || dictionary + keys.len() * width / 8 >= bytes;
        if is_plain && !texts.is_empty() {
            let texts: Vec<&[u8]> = keys.iter().map(|&key| if key == BLANK { b"" } else { texts[key as usize] }).collect();
            pages.add_texts(&texts)?;
        } else {
            pages.add_dictionary(&texts)?;
            keys.chunks(PAGE_ROWS).try_for_each(|keys| pages.add_keys(keys, nulls > 0, width))?;
        }
        pages.finish(column)
    }

    /// Replaces numbers by keys.
    fn keyed(&self, mut numbers: Vec<u32>) -> Keyed<'a> {
        const UNKNOWN: u32 = BLANK - 1;
        let first = numbers.iter().copied().min().unwrap_or(0);
        let last = numbers.iter().copied().max().unwrap_or(0);
        let mut keys_of = vec![UNKNOWN; (last - first) as usize + 1];
        let is_known = self.texts == Known::OfNumbers;
        let mut known: Map<&[u8], u32> = Map::default();
        let mut texts = Vec::new();
        let mut new_key = |number: u32| {
            let text = (self.text)(number as usize);
            if self.is_nullable && text.is_empty() {
                return BLANK;
            }
            let next = texts.len() as u32;
            let key = if is_known { next } else { *known.entry(text).or_insert(next) };
            if key == next {
                texts.push(text);
            }
            key
        };
        if first == last && !numbers.is_empty() {
            numbers.fill(new_key(first));
        } else {
            for number in &mut numbers {
                let key = &mut keys_of[(*number - first) as usize];
                if *key == UNKNOWN {
                    *key = new_key(*number);
                }
                *number = *key;
            }
        }
        let nulls = numbers.iter().filter(|&&key| key == BLANK).count();
        Keyed { keys: numbers, texts, nulls }
    }
}

/// The pages of a column chunk while they are added.
struct Pages<'a> {
    is_nullable: bool,
    compressor: Compressor<'static>,
    sink: TrackedWrite<Vec<u8>>,
    /// What is encoded of the next page.
    page: Vec<u8>,
    values: Vec<u32>,
    dictionary_offset: Option<i64>,
    data_offset: Option<i64>,
    data_pages: i32,
    rows: u64,
    nulls: u64,
    uncompressed: i64,
    compressed: i64,
    offsets: OffsetIndexBuilder,
    /// The least and the greatest of its texts.
    bounds: Option<[Bound<'a>; 2]>,
}

/// The first eight bytes of a text, which most often decide, and the text.
type Bound<'a> = (u64, &'a [u8]);

impl<'a> Pages<'a> {
    fn new(is_nullable: bool) -> Result<Self> {
        Ok(Self {
            is_nullable,
            compressor: Compressor::new(ZSTD_LEVEL)?,
            sink: TrackedWrite::new(Vec::new()),
            page: Vec::new(),
            values: Vec::new(),
            dictionary_offset: None,
            data_offset: None,
            data_pages: 0,
            rows: 0,
            nulls: 0,
            uncompressed: 0,
            compressed: 0,
            offsets: OffsetIndexBuilder::new(),
            bounds: None,
        })
    }

    fn add_dictionary(&mut self, texts: &[&'a [u8]]) -> Result<()> {
        self.page.clear();
        texts.iter().for_each(|text| put_text(text, &mut self.page));
        self.bounds = bounds(self.bounds, texts.iter().copied());
        let page =
            Page::DictionaryPage { buf: self.compress()?, num_values: texts.len() as u32, encoding: Encoding::PLAIN, is_sorted: false };
        self.dictionary_offset = Some(self.write(page)?.0);
        Ok(())
    }

    /// Adds the pages of rows that all have one text.
    fn add_constant(&mut self, text: &'a [u8], rows: usize) -> Result<()> {
        let is_null = self.is_nullable && text.is_empty();
        if rows == 1 && !is_null {
            return self.add_texts(&[text]);
        }
        let texts = [text];
        self.add_dictionary(if is_null { &[] } else { &texts })?;
        let keys = vec![if is_null { BLANK } else { 0 }; rows.min(PAGE_ROWS)];
        (0..rows).step_by(PAGE_ROWS).try_for_each(|start| self.add_keys(&keys[..PAGE_ROWS.min(rows - start)], is_null, width_of(1)))
    }

    /// Adds a page of keys.
    fn add_keys(&mut self, keys: &[u32], has_nulls: bool, width: usize) -> Result<()> {
        self.page.clear();
        let is_null = |at: usize| keys[at] == BLANK;
        let nulls = if has_nulls { keys.iter().filter(|&&key| key == BLANK).count() } else { 0 };
        self.put_levels(keys.len(), nulls, is_null);
        self.page.push(width as u8);
        if nulls > 0 {
            // Written whether it counts or not: which rows are blank can't be foreseen.
            self.values.resize(keys.len(), 0);
            let mut count = 0;
            for &key in keys {
                self.values[count] = key;
                count += usize::from(key != BLANK);
            }
            put_hybrid(&self.values[..count], width, &mut self.page);
        } else {
            put_hybrid(keys, width, &mut self.page);
        }
        self.add_page(keys.len(), nulls, Encoding::RLE_DICTIONARY)
    }

    /// Adds pages that hold the texts themselves.
    fn add_texts(&mut self, texts: &[&'a [u8]]) -> Result<()> {
        let mut rest = texts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take(PAGE_ROWS).take_while(|text| {
                bytes += LENGTH_BYTES + text.len();
                bytes <= PAGE_BYTES_MAX
            });
            let (texts, left) = rest.split_at(fitting.count().max(1));
            self.page.clear();
            let is_nullable = self.is_nullable;
            let is_null = |text: &[u8]| is_nullable && text.is_empty();
            let nulls = texts.iter().filter(|text| is_null(text)).count();
            self.put_levels(texts.len(), nulls, |at| is_null(texts[at]));
            let held = texts.iter().copied().filter(|text| !is_null(text));
            held.clone().for_each(|text| put_text(text, &mut self.page));
            // While the page is in the cache.
            self.bounds = bounds(self.bounds, held);
            self.add_page(texts.len(), nulls, Encoding::PLAIN)?;
            rest = left;
        }
        Ok(())
    }

    /// Writes which rows hold a value, where there may be nulls.
    fn put_levels(&mut self, rows: usize, nulls: usize, is_null: impl Fn(usize) -> bool) {
        if !self.is_nullable {
            return;
        }
        self.page.extend_from_slice(&[0; LENGTH_BYTES]);
        if nulls == 0 || nulls == rows {
            put_run(u32::from(nulls == 0), rows, 1, &mut self.page);
        } else {
            self.values.clear();
            self.values.extend((0..rows).map(|at| u32::from(!is_null(at))));
            put_hybrid(&self.values, 1, &mut self.page);
        }
        let levels = (self.page.len() - LENGTH_BYTES) as u32;
        self.page[..LENGTH_BYTES].copy_from_slice(&levels.to_le_bytes());
    }

    fn add_page(&mut self, rows: usize, nulls: usize, encoding: Encoding) -> Result<()> {
        let page = Page::DataPage {
            buf: self.compress()?,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (offset, size) = self.write(page)?;
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(offset, size);
        self.data_offset.get_or_insert(offset);
        self.data_pages += 1;
        self.rows += rows as u64;
        self.nulls += nulls as u64;
        Ok(())
    }

    fn compress(&mut self) -> Result<Bytes> {
        Ok(self.compressor.compress(&self.page)?.into())
    }

    /// Writes a page, and gives its offset and its size.
    fn write(&mut self, page: Page) -> Result<(i64, i32)> {
        let written = SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, self.page.len()))?;
        self.uncompressed += written.uncompressed_size as i64;
        self.compressed += written.compressed_size as i64;
        Ok((written.offset as i64, i32::try_from(written.compressed_size)?))
    }

    /// Makes the chunk.
    fn finish(self, column: ColumnDescPtr) -> Result<NumberedChunk> {
        let encoding = if self.dictionary_offset.is_some() { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let mut pages = vec![PageEncodingStats { page_type: PageType::DATA_PAGE, encoding, count: self.data_pages }];
        if self.dictionary_offset.is_some() {
            pages.insert(0, PageEncodingStats { page_type: PageType::DICTIONARY_PAGE, encoding: Encoding::PLAIN, count: 1 });
        }
        let bound = |at: usize| self.bounds.map(|bounds| bounds[at].1).filter(|text| text.len() <= BOUND_BYTES_MAX).map(ByteArray::from);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, encoding])
            .set_page_encoding_stats(pages)
            .set_statistics(Statistics::new(bound(0), bound(1), None, Some(self.nulls), false))
            .set_total_compressed_size(self.compressed)
            .set_total_uncompressed_size(self.uncompressed)
            .set_num_values(self.rows as i64)
            .set_dictionary_page_offset(self.dictionary_offset)
            .set_data_page_offset(self.data_offset.unwrap_or(0))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: self.compressed as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(self.offsets.build()),
        };
        Ok(NumberedChunk { bytes: self.sink.into_inner()?.into(), close })
    }
}

/// Finds the least and the greatest of the texts that `known` stands for and of `texts`.
fn bounds<'a>(known: Option<[Bound<'a>; 2]>, texts: impl Iterator<Item = &'a [u8]>) -> Option<[Bound<'a>; 2]> {
    const HEAD_BYTES: usize = size_of::<u64>();
    texts.fold(known, |known, text| {
        let short = || text.iter().zip((0..HEAD_BYTES).rev()).fold(0, |head, (&byte, place)| head | u64::from(byte) << (8 * place));
        let bound = (text.first_chunk::<HEAD_BYTES>().map_or_else(short, |head| u64::from_be_bytes(*head)), text);
        Some(known.map_or([bound, bound], |[least, greatest]| [least.min(bound), greatest.max(bound)]))
    })
}

/// Counts the bits that keys of so many texts take.
fn width_of(texts: usize) -> usize {
    (usize::BITS - texts.saturating_sub(1).leading_zeros()).max(1) as usize
}

fn put_text(text: &[u8], page: &mut Vec<u8>) {
    match text.len() {
        8..=16 => put_short_text::<8, 20>(text, page),
        17..=32 => put_short_text::<16, 36>(text, page),
        length => {
            page.extend_from_slice(&(length as u32).to_le_bytes());
            page.extend_from_slice(text);
        }
    }
}

/// Writes a text of `HALF` to twice as many characters, which are `ROOM` bytes with its length: copies of known length need no call.
#[inline(always)]
fn put_short_text<const HALF: usize, const ROOM: usize>(text: &[u8], page: &mut Vec<u8>) {
    let mut place = [0; ROOM];
    place[..LENGTH_BYTES].copy_from_slice(&(text.len() as u32).to_le_bytes());
    let halves = text.first_chunk::<HALF>().zip(text.last_chunk::<HALF>());
    let (first, last) = halves.expect("the text is as long");
    place[LENGTH_BYTES..LENGTH_BYTES + HALF].copy_from_slice(first);
    let end = page.len() + LENGTH_BYTES + text.len();
    page.extend_from_slice(&place);
    page.truncate(end);
    page[end - HALF..].copy_from_slice(last);
}

/// Writes values of `width` bits as runs of one value and packs of eight, the RLE/bit-packing hybrid of Parquet.
fn put_hybrid(values: &[u32], width: usize, page: &mut Vec<u8>) {
    let is_run = |values: &[u32]| {
        let pack = values.first_chunk::<PACK>();
        pack.is_some_and(|pack| pack.iter().fold(0, |differing, value| differing | (value ^ pack[0])) == 0)
    };
    let mut rest = values;
    while !rest.is_empty() {
        if is_run(rest) {
            let count = rest.iter().take_while(|value| **value == rest[0]).count();
            put_run(rest[0], count, width, page);
            rest = &rest[count..];
        } else {
            let packs = rest.chunks(PACK).take_while(|pack| !is_run(pack)).count();
            put_number((packs as u64) << 1 | 1, page);
            let (packed, left) = rest.split_at(rest.len().min(packs * PACK));
            packed.chunks(PACK).for_each(|pack| put_pack(pack, width, page));
            rest = left;
        }
    }
}

/// Writes that a value comes `count` times.
fn put_run(value: u32, count: usize, width: usize, page: &mut Vec<u8>) {
    put_number((count as u64) << 1, page);
    page.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8)]);
}

/// Writes eight values, zeros for those that are missing.
fn put_pack(values: &[u32], width: usize, page: &mut Vec<u8>) {
    const HALF: usize = PACK / 2;
    const WORD_BYTES: usize = size_of::<u128>();
    let mut pack = [0; PACK];
    match values.first_chunk() {
        Some(values) => pack = *values,
        None => pack[..values.len()].copy_from_slice(values),
    }
    // Eight values of so many bits are so many bytes.
    if width <= WORD_BYTES {
        let half = |values: &[u32]| values.iter().rev().fold(0_u64, |bits, &value| bits << width | u64::from(value));
        let word = u128::from(half(&pack[HALF..])) << (HALF * width) | u128::from(half(&pack[..HALF]));
        // A copy of known length needs no call.
        page.extend_from_slice(&word.to_le_bytes());
        page.truncate(page.len() - (WORD_BYTES - width));
        return;
    }
    let (mut bits, mut count) = (0_u64, 0);
    for value in pack {
        bits |= u64::from(value) << count;
        count += width;
        if count >= 32 {
            page.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            count -= 32;
        }
    }
    page.extend_from_slice(&bits.to_le_bytes()[..count / 8]);
}

/// Writes a number seven bits at a time, the lowest first.
fn put_number(mut number: u64, page: &mut Vec<u8>) {
    while number >= 0x80 {
        page.push(number as u8 | 0x80);
        number >>= 7;
    }
    page.push(number as u8);
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use arrow::array::{Array, AsArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::super::table::{GROUP_ROWS, Table, TableColumn};
    use super::*;

    /// Writes a column and reads it back with the reader of the crate.
    #[track_caller]
    fn check(numbers: &[u32], texts: &[&str], nullable: bool, known: Known, encoding: Encoding) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let column = TableColumn::numbered("text", nullable, known, |own| numbers[own].to_vec(), |number| texts[number]);
        assert_eq!(Table::whole(&path, &[column], numbers.len(), &Default::default()).unwrap().rows, numbers.len() as u64);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let chunk = reader.metadata().row_group(0).column(0).clone();
        assert!(chunk.encodings().any(|other| other == encoding), "{:?}", chunk.encodings().collect::<Vec<_>>());
        let expected = numbers.iter().map(|&number| Some(texts[number as usize]).filter(|text| !(nullable && text.is_empty())));
        let expected: Vec<Option<&str>> = expected.collect();
        let first = &expected[..expected.len().min(GROUP_ROWS)];
        let bounds = chunk.statistics().unwrap();
        assert_eq!(bounds.min_bytes_opt(), first.iter().flatten().min().map(|text| text.as_bytes()));
        assert_eq!(bounds.max_bytes_opt(), first.iter().flatten().max().map(|text| text.as_bytes()));
        assert_eq!(bounds.null_count_opt(), Some(first.iter().filter(|text| text.is_none()).count() as u64));
        let mut row = 0;
        for batch in reader.build().unwrap() {
            let values = batch.unwrap().column(0).clone();
            let values = values.as_string::<i32>();
            assert!(values.iter().eq(expected[row..row + values.len()].iter().copied()), "from row {row}");
            row += values.len();
        }
        assert_eq!(row, numbers.len());
    }

    #[test]
    fn columns_read_back_as_they_were() {
        let texts: Vec<String> = (0..70_000).map(|number| if number == 3 { String::new() } else { format!("T{}", number / 2) }).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let rows = |count: usize, number: fn(usize) -> usize| (0..count).map(|row| number(row) as u32).collect::<Vec<_>>();
        for nullable in [false, true] {
            for known in [Known::Nothing, Known::OfRows] {
                let few = if known == Known::OfRows { Encoding::PLAIN } else { Encoding::RLE_DICTIONARY };
                // Runs, packs, runs that begin inside a pack, and a rest that fills none.
                check(&rows(GROUP_ROWS + 77_777, |row| (row / 11 + row % 3) % 20), &texts, nullable, known, few);
                check(&rows(40_003, |row| row * 7 % 1_000), &texts, nullable, known, few);
                check(&rows(9, |row| row % 4), &texts, nullable, known, Encoding::PLAIN);
                check(&rows(70_000, |row| row), &texts, nullable, known, Encoding::PLAIN);
                check(&rows(20_000, |_| 5), &texts, nullable, known, few);
            }
        }
        // Blank in every row.
        check(&rows(20_000, |_| 3), &texts, true, Known::Nothing, Encoding::RLE_DICTIONARY);
        // The same by what is known of them, and a single row.
        check(&rows(GROUP_ROWS + 20_000, |_| 0), &["only", "other"], true, Known::OfAll, Encoding::RLE_DICTIONARY);
        check(&rows(20_000, |_| 0), &[""], true, Known::OfAll, Encoding::RLE_DICTIONARY);
        check(&rows(20_000, |_| 0), &[""], false, Known::OfAll, Encoding::RLE_DICTIONARY);
        check(&rows(1, |_| 0), &["only"], true, Known::OfAll, Encoding::PLAIN);
        let own = ["B", "A", "", "C"];
        check(&rows(20_000, |row| row % 4), &own, true, Known::OfNumbers, Encoding::RLE_DICTIONARY);
        let lengths: Vec<String> = (0..40).map(|length| "abcdefghijklmnopqrstuvwxyz0123456789ABCD"[..length].to_owned()).collect();
        let lengths: Vec<&str> = lengths.iter().map(String::as_str).collect();
        check(&rows(1_000, |row| row * 7 % 40), &lengths, true, Known::OfRows, Encoding::PLAIN);
        let long = "x".repeat(BOUND_BYTES_MAX);
        check(&rows(40_000, |row| row % 2), &["", &long], true, Known::OfRows, Encoding::PLAIN);
    }

    /// Reads the hybrid bit by bit.
    fn read_hybrid(page: &[u8], width: usize, count: usize) -> Vec<u32> {
        let bits = |start: usize, at: usize| {
            let bit = |bit: usize| u32::from(page[start + bit / 8] >> (bit % 8) & 1);
            (0..width).fold(0, |value, place| value | bit(at * width + place) << place)
        };
        let (mut values, mut at) = (Vec::new(), 0);
        while at < page.len() {
            let mut header = 0_usize;
            for shift in (0..).step_by(7) {
                header |= usize::from(page[at] & 0x7f) << shift;
                at += 1;
                if page[at - 1] < 0x80 {
                    break;
                }
            }
            let (packed, number) = (header & 1 == 1, header >> 1);
            values.extend((0..if packed { PACK * number } else { number }).map(|value| bits(at, if packed { value } else { 0 })));
            at += if packed { width * number } else { width.div_ceil(8) };
        }
        assert!(values[count..].iter().all(|&value| value == 0), "zeros stand for what is missing");
        values.truncate(count);
        values
    }

    #[test]
    fn keys_of_every_width_are_packed_and_run() {
        for width in 1..=31 {
            let key = |at: u32| at.wrapping_mul(2_654_435_761) >> (32 - width);
            // Packs, a run that begins inside one, and a rest that fills none.
            let keys: Vec<u32> = (0..43).map(key).chain([key(42); 30]).chain((0..13).map(key)).collect();
            let mut page = Vec::new();
            put_hybrid(&keys, width, &mut page);
            assert_eq!(read_hybrid(&page, width, keys.len()), keys, "{width} bits");
        }
    }

    #[test]
    fn bounds_are_those_of_whole_texts() {
        let texts =
            ["", "\0", "a", "a\0", "ab", "abcdefg", "abcdefgh", "abcdefgh\0", "abcdefghi", "b", "\u{e9}", "\u{1f600}"].map(str::as_bytes);
        for from in 0..texts.len() {
            for to in from + 1..=texts.len() {
                let some = &texts[from..to];
                let expected = some.iter().min().zip(some.iter().max()).map(|(least, greatest)| [*least, *greatest]);
                let found = |bounds: Option<[Bound<'static>; 2]>| bounds.map(|bounds| bounds.map(|(_, text)| text));
                assert_eq!(found(bounds(None, some.iter().copied())), expected);
                assert_eq!(found(bounds(bounds(None, some[1..].iter().copied()), some[..1].iter().copied())), expected);
            }
        }
        assert_eq!(bounds(None, [].into_iter()), None);
    }
}
