//! A table as a Parquet file: same rows, same bytes, whatever the number of threads that encode its columns.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field as ArrowField, Int32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

/// Rows of one row group.
pub const GROUP_ROWS: usize = 256 * 1024;
/// Row groups that are encoded before the first of them is written: a bound on memory.
const GROUPS_AT_ONCE: usize = 8;
/// Rows that are handed to an encoder together: few enough to stay in the cache.
const PIECE_ROWS: usize = 8 * 1024;
/// Rows after which the encoder looks at the size of a page. Pieces are multiples of it, so that pages do not depend on pieces.
const STEP_ROWS: usize = 1024;
/// The same where all cells are null, or none is.
const UNIFORM_STEP_ROWS: usize = 20_000;

/// The first error of a file that is written: the writer of tables keeps but its text, and a full disk has an exit code of its own.
type Failure = Arc<Mutex<Option<io::Error>>>;

/// A file that is written, and that remembers why it could not be.
struct Output {
    file: File,
    failure: Failure,
}

impl Output {
    fn note<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            let kind = error.kind();
            self.failure.lock().expect("no thread panics while it holds the lock").get_or_insert(error);
            kind.into()
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.file.write(bytes);
        self.note(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.file.flush();
        self.note(outcome)
    }
}

/// Makes the values of some rows.
type Values<'a> = Box<dyn Fn(Range<usize>) -> Result<ArrayRef> + Sync + 'a>;

/// A column of a table: it makes the values of rows when they are written.
pub struct TableColumn<'a> {
    field: ArrowField,
    values: Values<'a>,
    /// Tells for a nullable column whether some rows have null and others have not.
    is_mixed: Box<dyn Fn(Range<usize>) -> bool + Sync + 'a>,
    /// Columns that take long are begun first.
    pub weight: u8,
}

impl<'a> TableColumn<'a> {
    /// Makes a column without nulls from a function of rows.
    pub fn new(name: &str, kind: DataType, values: impl Fn(Range<usize>) -> Result<ArrayRef> + Sync + 'a) -> Self {
        Self { field: ArrowField::new(name, kind, false), values: Box::new(values), is_mixed: Box::new(|_| false), weight: 0 }
    }

    /// Makes a column of texts; where it is `nullable`, blank is null.
    pub fn texts(name: &str, nullable: bool, text: impl Fn(usize) -> &'a str + Sync + Copy + 'a) -> Self {
        // First where the texts are, then the texts: the processor waits for many places of memory at once.
        let values = move |rows: Range<usize>| -> Result<ArrayRef> {
            let texts: Vec<&str> = rows.map(text).collect();
            let mut builder = StringBuilder::with_capacity(texts.len(), texts.iter().map(|text| text.len()).sum());
            if nullable {
                texts.iter().for_each(|text| builder.append_option(Some(text).filter(|text| !text.is_empty())));
            } else {
                texts.iter().for_each(|text| builder.append_value(text));
            }
            Ok(Arc::new(builder.finish()))
        };
        let is_mixed = move |mut rows: Range<usize>| {
            let first = rows.next().map(|row| text(row).is_empty());
            nullable && rows.any(|row| Some(text(row).is_empty()) != first)
        };
        Self { field: ArrowField::new(name, DataType::Utf8, nullable), values: Box::new(values), is_mixed: Box::new(is_mixed), weight: 1 }
    }

    /// Says that all cells are null, or none is.
    pub fn uniform(self) -> Self {
        Self { is_mixed: Box::new(|_| false), ..self }
    }

    /// Makes a column of few distinct texts by number; where it is `nullable`, blank is null.
    pub fn numbered(name: &str, nullable: bool, texts: &[&str], number: impl Fn(usize) -> usize + Sync + Copy + 'a) -> Self {
        let is_blank: Vec<bool> = texts.iter().map(|text| nullable && text.is_empty()).collect();
        let texts: ArrayRef = Arc::new(texts.iter().map(|text| (!(nullable && text.is_empty())).then_some(*text)).collect::<StringArray>());
        let values = move |rows: Range<usize>| -> Result<ArrayRef> {
            let keys = Int32Array::from_iter_values(rows.map(|row| number(row) as i32));
            Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&texts))?))
        };
        let is_mixed = move |mut rows: Range<usize>| {
            let first = rows.next().map(|row| is_blank[number(row)]);
            nullable && rows.any(|row| Some(is_blank[number(row)]) != first)
        };
        Self {
            field: ArrowField::new(name, text_dictionary(), nullable),
            values: Box::new(values),
            is_mixed: Box::new(is_mixed),
            weight: 0,
        }
    }

    /// Makes a column that is null in every row.
    pub fn nulls(name: &str) -> Self {
        let values = |rows: Range<usize>| -> Result<ArrayRef> { Ok(Arc::new(StringArray::new_null(rows.len()))) };
        Self { field: ArrowField::new(name, DataType::Utf8, true), values: Box::new(values), is_mixed: Box::new(|_| false), weight: 0 }
    }

    /// Gives the column a weight.
    pub fn weighing(self, weight: u8) -> Self {
        Self { weight, ..self }
    }

    /// Encodes the rows of one row group. Pages are ended as if each segment were handed over whole.
    fn encode(&self, mut writer: ArrowColumnWriter, segments: &[Range<usize>]) -> Result<ArrowColumnChunk> {
        let mut write =
            |array: &ArrayRef| -> Result<()> { compute_leaves(&self.field, array)?.iter().try_for_each(|leaf| Ok(writer.write(leaf)?)) };
        for segment in segments {
            let is_mixed = (self.is_mixed)(segment.clone());
            let step = match self.field.data_type() {
                // Levels of lists are no rows.
                DataType::List(_) => segment.len(),
                _ if self.field.is_nullable() && !is_mixed => UNIFORM_STEP_ROWS,
                _ => PIECE_ROWS,
            };
            for start in segment.clone().step_by(step) {
                let array = (self.values)(start..segment.end.min(start + step))?;
                let nulls = array.logical_null_count();
                if is_mixed && (nulls == 0 || nulls == array.len()) {
                    let slices = (0..array.len()).step_by(STEP_ROWS);
                    slices.map(|at| array.slice(at, STEP_ROWS.min(array.len() - at))).try_for_each(|slice| write(&slice))?;
                } else {
                    write(&array)?;
                }
            }
        }
        Ok(writer.close()?)
    }
}

/// The type of a column whose values are handed over as dictionaries of texts.
pub fn text_dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// A table that is being written.
pub struct Table<'a> {
    writer: SerializedFileWriter<Output>,
    factory: ArrowRowGroupWriterFactory,
    path: PathBuf,
    failure: Failure,
    columns: Vec<TableColumn<'a>>,
    rows: usize,
}

impl<'a> Table<'a> {
    /// Begins a table.
    ///
    /// # Errors
    /// When the file can't be made.
    pub fn new(path: &Path, columns: Vec<TableColumn<'a>>) -> Result<Self> {
        let schema = Arc::new(Schema::new(columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>()));
        let level = ZstdLevel::try_new(1).context("zstd level")?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by(concat!("counterfoil ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = File::create_new(path).with_context(|| format!("{}: can't be written", path.display()))?;
        let failure = Failure::default();
        let output = Output { file, failure: Arc::clone(&failure) };
        let (writer, factory) = ArrowWriter::try_new_with_options(output, schema, options)?.into_serialized_writer()?;
        Ok(Self { writer, factory, path: path.to_owned(), failure, columns, rows: 0 })
    }

    /// Writes rows `0..rows`; `breaks` are row numbers at which a page may end, ascending.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn write(&mut self, rows: usize, breaks: &[usize]) -> Result<()> {
        self.rows = rows;
        let groups: Vec<Range<usize>> = (0..rows).step_by(GROUP_ROWS).map(|start| start..rows.min(start + GROUP_ROWS)).collect();
        let numbered: Vec<(usize, Range<usize>)> = groups.into_iter().enumerate().collect();
        for groups in numbered.chunks(GROUPS_AT_ONCE) {
            let mut chunks = self.encode(groups, breaks)?.into_iter();
            for _ in groups {
                let own = chunks.by_ref().take(self.columns.len()).collect();
                self.append(own).map_err(|error| failed(&self.path, &self.failure, error))?;
            }
        }
        Ok(())
    }

    /// Encodes row groups, all columns at once; gives the columns of each group in order.
    fn encode(&self, groups: &[(usize, Range<usize>)], breaks: &[usize]) -> Result<Vec<ArrowColumnChunk>> {
        let segments: Vec<Vec<Range<usize>>> = groups.iter().map(|(_, group)| segments(group, breaks)).collect();
        let mut tasks = Vec::with_capacity(groups.len() * self.columns.len());
        for ((number, _), segments) in groups.iter().zip(&segments) {
            let writers = self.factory.create_column_writers(*number)?;
            tasks.extend(writers.into_iter().zip(&self.columns).map(|(writer, column)| (writer, column, segments)));
        }
        let mut tasks: Vec<(usize, _)> = tasks.into_iter().enumerate().collect();
        tasks.sort_by_key(|(_, (_, column, _))| std::cmp::Reverse(column.weight));
        let encoded =
            tasks.into_par_iter().with_max_len(1).map(|(at, (writer, column, segments))| Ok((at, column.encode(writer, segments)?)));
        let mut chunks: Vec<(usize, ArrowColumnChunk)> = encoded.collect::<Result<_>>()?;
        chunks.sort_unstable_by_key(|(at, _)| *at);
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }

    fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
        group.close()?;
        Ok(())
    }

    /// Writes the end of the file, to the disk, and gives the number of rows.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn close(self) -> Result<u64> {
        let written = self.writer.into_inner().map_err(anyhow::Error::from).and_then(|output| Ok(output.file.sync_all()?));
        written.map_err(|error| failed(&self.path, &self.failure, error))?;
        Ok(self.rows as u64)
    }
}

/// Cuts a row group at the breaks inside it.
fn segments(group: &Range<usize>, breaks: &[usize]) -> Vec<Range<usize>> {
    let inside = breaks.iter().copied().filter(|at| group.start < *at && *at < group.end);
    let mut start = group.start;
    let cuts = inside.chain(std::iter::once(group.end));
    cuts.map(|end| std::mem::replace(&mut start, end)..end).collect()
}

/// Says which table could not be written, and why the disk did not take it.
fn failed(path: &Path, failure: &Failure, error: anyhow::Error) -> anyhow::Error {
    let cause = failure.lock().expect("no thread panics while it holds the lock").take();
    cause.map_or(error, anyhow::Error::from).context(format!("{}: can't be written", path.display()))
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;

    use super::*;

    const ROWS: usize = GROUP_ROWS + 70_001;

    /// Checks that a column comes out as if the rows of each row group had been handed over at once, parted at the breaks.
    fn check(breaks: &[usize], column: impl Fn() -> TableColumn<'static>) {
        let folder = tempfile::tempdir().unwrap();
        let mut table = Table::new(&folder.path().join("own"), vec![column()]).unwrap();
        table.write(ROWS, breaks).unwrap();
        assert_eq!(table.close().unwrap(), ROWS as u64);

        let Table { writer, .. } = Table::new(&folder.path().join("whole"), vec![column()]).unwrap();
        let options = ArrowWriterOptions::new().with_properties(writer.properties().as_ref().clone()).with_skip_arrow_metadata(true);
        let schema = Arc::new(Schema::new(vec![column().field]));
        let mut whole = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options).unwrap();
        for segment in [0..GROUP_ROWS, GROUP_ROWS..ROWS].iter().flat_map(|group| segments(group, breaks)) {
            whole.write(&RecordBatch::try_new(schema.clone(), vec![(column().values)(segment).unwrap()]).unwrap()).unwrap();
        }
        let is_equal = std::fs::read(folder.path().join("own")).unwrap() == whole.into_inner().unwrap();
        assert!(is_equal, "{} with breaks at {breaks:?}", column().field.name());
    }

    #[test]
    fn pages_do_not_depend_on_pieces() {
        let words = ["", "a", "b", "a word that is longer"];
        for breaks in [&[][..], &[1], &[GROUP_ROWS - 3, GROUP_ROWS + 5, GROUP_ROWS + 30_000]] {
            check(breaks, || TableColumn::texts("mixed", true, move |row| words[row * 7 % 4]));
            check(breaks, || TableColumn::texts("full", true, move |row| words[1 + row % 3]));
            check(breaks, || TableColumn::texts("blank in stretches", true, move |row| words[row / 50_000 % 4]));
            check(breaks, || TableColumn::texts("required", false, move |row| words[row % 4]));
            check(breaks, || TableColumn::numbered("numbered", true, &words, move |row| row / 9_000 % 4));
            check(breaks, || TableColumn::nulls("nulls"));
        }
    }

    #[test]
    fn a_group_is_cut_at_the_breaks_inside_it() {
        assert_eq!(segments(&(10..20), &[5, 10, 12, 19, 20, 30]), [10..12, 12..19, 19..20]);
        assert_eq!(segments(&(10..20), &[]), std::slice::from_ref(&(10..20)));
    }
}
