//! The decoder against the general one, on random columns: all rows and some, whole and damaged. Every message names the seed.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::concat;
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::column::page::{Page, PageMetadata};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::serialized_reader::SerializedPageReader;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::super::decode::is_all_dictionary;
use super::*;
use crate::ingest::value::TextColumn;

const SEEDS: u64 = 400;

/// A column, written, and what it was written from.
struct Written {
    bytes: Bytes,
    metadata: Arc<ParquetMetaData>,
    /// The rows of each row group, as the general decoder reads them.
    expected: Vec<ArrayRef>,
}

fn pick<'a, T>(random: &mut Pcg64Mcg, choices: &'a [T]) -> &'a T {
    &choices[random.random_range(0..choices.len())]
}

fn random_column(random: &mut Pcg64Mcg) -> ArrayRef {
    let rows = *pick(random, &[1, 7, 300, 3_000]);
    let null_share = *pick(random, &[0.0, 0.0, 0.01, 0.5, 1.0]);
    let distinct = *pick(random, &[1_u64, 2, 300, 100_000]);
    let run = *pick(random, &[1, 1, 20, 500]);
    let mut value = 0;
    let values: Vec<Option<u64>> = (0..rows)
        .map(|_| {
            if random.random_range(0..run) == 0 {
                value = random.random_range(0..distinct);
            }
            (!random.random_bool(null_share)).then(|| value.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        })
        .collect();
    let numbers = values.iter().copied();
    match random.random_range(0..8) {
        0 => Arc::new(numbers.map(|value| value.map(|value| value as i32)).collect::<Int32Array>()),
        1 => Arc::new(numbers.map(|value| value.map(|value| value as i64)).collect::<Int64Array>()),
        2 => Arc::new(numbers.map(|value| value.map(|value| value as u32)).collect::<UInt32Array>()),
        3 => Arc::new(numbers.map(|value| value.map(|value| (value % 50_000) as i32)).collect::<Date32Array>()),
        4 => Arc::new(numbers.map(|value| value.map(|value| (value >> 8) as i64)).collect::<TimestampMicrosecondArray>()),
        kind => {
            let texts = numbers.map(|value| {
                value.map(|value| match (kind, value % 4) {
                    (5, _) | (_, 0) => format!("{value:012X}"),
                    (_, 1) => String::new(),
                    (_, 2) => format!("\u{e9}\u{1f600}-{value}"),
                    _ => format!("{value:x}").repeat(1 + (value % 23) as usize),
                })
            });
            Arc::new(texts.collect::<StringArray>())
        }
    }
}

fn random_properties(random: &mut Pcg64Mcg) -> WriterProperties {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::BROTLI(Default::default()),
        Compression::LZ4_RAW,
        Compression::LZ4,
        Compression::ZSTD(Default::default()),
    ];
    let mut builder = WriterProperties::builder()
        .set_writer_version(*pick(random, &[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]))
        .set_dictionary_enabled(random.random_bool(0.7))
        .set_dictionary_page_size_limit(*pick(random, &[100, 2_000, 1 << 20]))
        .set_data_page_row_count_limit(*pick(random, &[1, 10, 64, 500, 20_000]))
        .set_data_page_size_limit(*pick(random, &[100, 5_000, 1 << 20]))
        .set_write_batch_size(*pick(random, &[1, 16, 1_000]))
        .set_max_row_group_row_count(Some(*pick(random, &[1_000, 1 << 20])))
        .set_compression(*pick(random, &codecs));
    if random.random_bool(0.8) {
        builder = builder.set_encoding(Encoding::PLAIN);
    }
    builder.build()
}

fn write(random: &mut Pcg64Mcg) -> Written {
    let column = random_column(random);
    let is_optional = column.null_count() > 0 || random.random_bool(0.7);
    let schema = Arc::new(Schema::new(vec![Field::new("column", column.data_type().clone(), is_optional)]));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema.clone(), Some(random_properties(random))).unwrap();
    writer.write(&RecordBatch::try_new(schema, vec![column]).unwrap()).unwrap();
    writer.close().unwrap();
    let bytes = Bytes::from(bytes);
    let builder = || {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).unwrap()
    };
    let metadata = builder().metadata().clone();
    let expected = (0..metadata.num_row_groups()).map(|group| {
        let batches = builder().with_row_groups(vec![group]).build().unwrap();
        let arrays: Vec<ArrayRef> = batches.map(|batch| batch.unwrap().column(0).clone()).collect();
        concat(&arrays.iter().map(|array| array.as_ref()).collect::<Vec<_>>()).unwrap()
    });
    Written { expected: expected.collect(), metadata, bytes }
}

impl Written {
    fn pages(&self, group: usize) -> SerializedPageReader<Bytes> {
        let chunk = self.metadata.row_group(group).column(0);
        SerializedPageReader::new(Arc::new(self.bytes.clone()), chunk, self.expected[group].len(), None).unwrap()
    }

    /// The ways in which a row group's column can come out; none where its encodings are of another kind.
    fn outputs(&self, group: usize) -> Vec<Output> {
        let chunk = self.metadata.row_group(group).column(0);
        match self.expected[group].data_type() {
            _ if chunk.encodings().any(|encoding| !is_known(encoding)) => Vec::new(),
            DataType::Utf8 if is_all_dictionary(chunk) => vec![Output::Keys, Output::Texts],
            DataType::Utf8 => vec![Output::Texts],
            number => vec![Output::Numbers(number.clone())],
        }
    }
}

/// Draws rows to read: all, or some.
fn random_ranges(random: &mut Pcg64Mcg, rows: usize) -> Vec<Range<usize>> {
    let share = *pick(random, &[1.0, 1.0, 0.5, 0.01]);
    let (longest, mut at, mut ranges) = (*pick(random, &[1, 40, 1_000]), 0, Vec::new());
    while at < rows {
        let end = rows.min(at + random.random_range(1..=longest));
        if random.random_bool(share) {
            ranges.push(at..end);
        }
        at = end;
    }
    ranges
}

fn rows_of(array: &ArrayRef, ranges: &[Range<usize>]) -> Option<ArrayRef> {
    let parts: Vec<ArrayRef> = ranges.iter().map(|range| array.slice(range.start, range.len())).collect();
    (!parts.is_empty()).then(|| concat(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>()).unwrap())
}

fn assert_same(found: &Cells, expected: &ArrayRef, output: &Output, context: &str) {
    match output {
        Output::Numbers(_) => assert_eq!(found.array(), Some(expected), "{context}"),
        Output::Keys | Output::Texts => {
            assert_eq!(matches!(found, Cells::Keys { .. }), *output == Output::Keys, "{context}");
            let (found, expected) = (TextColumn::new(found).unwrap(), TextColumn::new(&expected.clone().into()).unwrap());
            assert!(found.iter().eq(expected.iter()), "{context}");
        }
    }
}

/// Makes sure that every text is UTF-8, and every key that of a text.
fn assert_sound(cells: &Cells, seed: u64) {
    let is_sound = |array: &ArrayRef| array.to_data().validate_full().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    match cells {
        Cells::Array(array) => is_sound(array),
        Cells::Packed(texts) => {
            for row in 0..texts.len() {
                let is_valid = texts.nulls().is_none_or(|nulls| nulls.is_valid(row));
                assert!(std::str::from_utf8(texts.utf8(row)).is_ok() && (is_valid || texts.utf8(row).is_empty()), "seed {seed}, row {row}");
            }
        }
        Cells::Keys { keys, texts } => {
            is_sound(texts);
            assert!(keys.iter().flatten().all(|key| (0..texts.len() as i32).contains(&key)), "seed {seed}");
        }
    }
}

#[test]
fn random_columns_come_out_as_the_general_decoder_reads_them() {
    let mut columns = [0; 3];
    for seed in 0..SEEDS {
        let random = &mut Pcg64Mcg::seed_from_u64(seed);
        let written = write(random);
        for group in 0..written.expected.len() {
            let (chunk, expected) = (written.metadata.row_group(group).column(0), &written.expected[group]);
            for output in written.outputs(group) {
                let context = format!("seed {seed}, row group {group}, {output:?}");
                let mut flat = FlatChunk::new(chunk, output.clone(), Box::new(written.pages(group))).expect(&context);
                let ranges = random_ranges(random, expected.len());
                for piece in ranges.chunks(random.random_range(1..=ranges.len().max(1))) {
                    let rows = piece.iter().map(ExactSizeIterator::len).sum();
                    let found = flat.piece(piece.iter().cloned(), rows).expect(&context);
                    assert_same(&found, &rows_of(expected, piece).expect("not empty"), &output, &context);
                }
                let is_read = ranges.last().is_some_and(|range| range.end == expected.len());
                assert_eq!(flat.is_at_end(), Some(is_read), "{context}");
                columns[match output {
                    Output::Keys => 0,
                    Output::Texts => 1,
                    Output::Numbers(_) => 2,
                }] += 1;
            }
        }
    }
    assert!(columns.iter().all(|&count| count > 50), "{columns:?}");
}

/// Pages out of memory.
struct Pages(VecDeque<Page>);

impl Iterator for Pages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front().map(Ok)
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        Ok(self.0.pop_front())
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        Ok(self.0.front().map(|page| {
            let num_levels = page.is_data_page().then_some(page.num_values() as usize);
            PageMetadata { num_rows: None, num_levels, is_dict: page.is_dictionary_page() }
        }))
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.0.pop_front();
        Ok(())
    }
}

fn damaged(page: Page, random: &mut Pcg64Mcg) -> Page {
    let mut bytes = page.buffer().to_vec();
    if random.random_bool(0.2) {
        bytes.truncate(random.random_range(0..=bytes.len()));
    }
    for _ in 0..random.random_range(0..3) {
        if !bytes.is_empty() {
            let front = *pick(random, &[8, 1 << 20]);
            let place = random.random_range(0..bytes.len().min(front));
            bytes[place] = *pick(random, &[0, 1, 2, 0x7f, 0x80, 0xff]);
        }
    }
    let buf = Bytes::from(bytes);
    match page {
        Page::DataPage { num_values, encoding, def_level_encoding, rep_level_encoding, statistics, .. } => {
            let num_values = if random.random_bool(0.1) { num_values + 1 } else { num_values };
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics }
        }
        Page::DataPageV2 {
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed,
            statistics,
            ..
        } => {
            let def_levels_byte_len = if random.random_bool(0.1) { u32::MAX } else { def_levels_byte_len };
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                statistics,
            }
        }
        Page::DictionaryPage { num_values, encoding, is_sorted, .. } => {
            let num_values = if random.random_bool(0.1) { u32::MAX } else { num_values };
            Page::DictionaryPage { buf, num_values, encoding, is_sorted }
        }
    }
}

#[test]
fn damaged_pages_never_panic() {
    let (mut refused, mut read) = (0, 0);
    for seed in 0..SEEDS {
        let random = &mut Pcg64Mcg::seed_from_u64(seed);
        let written = write(random);
        for output in written.outputs(0) {
            let rows = written.expected[0].len();
            for _ in 0..8 {
                let pages: VecDeque<Page> = written.pages(0).map(|page| damaged(page.unwrap(), random)).collect();
                let chunk = written.metadata.row_group(0).column(0);
                let mut flat = FlatChunk::new(chunk, output.clone(), Box::new(Pages(pages))).unwrap();
                let ranges = random_ranges(random, rows);
                let count = ranges.iter().map(ExactSizeIterator::len).sum();
                match flat.piece(ranges.into_iter(), count) {
                    Some(cells) => {
                        assert_eq!(cells.len(), count, "seed {seed}");
                        assert_sound(&cells, seed);
                        read += 1;
                    }
                    None => refused += 1,
                }
            }
        }
    }
    assert!(refused > 200 && read > 200, "{refused} refused, {read} read");
}
