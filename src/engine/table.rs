//! A table as a Parquet file: same rows, same bytes, whatever the number of threads that encode its columns.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};
use rayon::prelude::*;

use super::numbered::{Known, Numbered, NumberedChunk, ZSTD_LEVEL};

/// Rows of one row group.
pub const GROUP_ROWS: usize = 256 * 1024;
/// Row groups that are encoded before the first of them is written: a bound on memory.
const GROUPS_AT_ONCE: usize = 8;
/// Rows that are handed to an encoder together, by row number, so that pages do not depend on threads: few enough to stay in the cache.
const PIECE_ROWS: usize = 8 * 1024;
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

/// Makes the values of rows when they are written.
enum Values<'a> {
    Array(Box<dyn Fn(Range<usize>) -> Result<ArrayRef> + Sync + 'a>),
    Numbered(Numbered<'a>),
}

/// A column of a row group that is encoded.
enum Chunk {
    Array(ArrowColumnChunk),
    Numbered(NumberedChunk),
}

impl Chunk {
    fn append(self, group: &mut SerializedRowGroupWriter<'_, Output>) -> Result<()> {
        match self {
            Self::Array(chunk) => chunk.append_to_row_group(group)?,
            Self::Numbered(chunk) => group.append_column(&chunk.bytes, chunk.close)?,
        }
        Ok(())
    }
}

/// A column of a table.
pub struct TableColumn<'a> {
    field: ArrowField,
    values: Values<'a>,
    /// Nearly every row has a value of its own: a dictionary would be work for nothing, and the column takes longest.
    is_distinct: bool,
}

impl<'a> TableColumn<'a> {
    /// Makes a column without nulls from a function of rows.
    pub fn new(name: &str, kind: DataType, values: impl Fn(Range<usize>) -> Result<ArrayRef> + Sync + 'a) -> Self {
        Self { field: ArrowField::new(name, kind, false), values: Values::Array(Box::new(values)), is_distinct: false }
    }

    /// Makes a column of texts; where it is `nullable`, blank is null.
    pub fn texts<T: AsRef<[u8]> + ?Sized + 'a>(name: &str, nullable: bool, text: impl Fn(usize) -> &'a T + Sync + 'a) -> Self {
        Self::numbered(name, nullable, Known::Nothing, |rows| rows.map(|row| row as u32).collect(), text)
    }

    /// Makes a column of texts that have numbers: `numbers` gives those of rows, `text` the text of each; where it is `nullable`, blank is
    /// null.
    pub fn numbered<T: AsRef<[u8]> + ?Sized + 'a>(
        name: &str,
        nullable: bool,
        texts: Known,
        numbers: impl Fn(Range<usize>) -> Vec<u32> + Sync + 'a,
        text: impl Fn(usize) -> &'a T + Sync + 'a,
    ) -> Self {
        let text = Box::new(move |number| text(number).as_ref());
        let numbered = Numbered { is_nullable: nullable, numbers: Box::new(numbers), text, texts };
        let field = ArrowField::new(name, DataType::Utf8, nullable);
        Self { field, values: Values::Numbered(numbered), is_distinct: texts == Known::OfRows }
    }

    /// Makes a column with one text in all rows.
    pub fn constant(name: &str, nullable: bool, text: &'a str) -> Self {
        Self::numbered(name, nullable, Known::OfAll, |_| Vec::new(), move |_| text)
    }

    /// Says that nearly every row has a value of its own.
    pub fn distinct(mut self) -> Self {
        self.is_distinct = true;
        if let Values::Numbered(numbered) = &mut self.values {
            numbered.texts = Known::OfRows;
        }
        self
    }

    /// Tells what it is.
    pub fn shape(&self) -> Shape {
        Shape { field: self.field.clone(), is_numbered: matches!(self.values, Values::Numbered(_)), is_distinct: self.is_distinct }
    }

    /// Encodes the rows of one row group.
    fn encode(&self, mut writer: ArrowColumnWriter, description: ColumnDescPtr, group: &Range<usize>) -> Result<Chunk> {
        let values = match &self.values {
            Values::Numbered(numbered) => return Ok(Chunk::Numbered(numbered.encode(group.clone(), description)?)),
            Values::Array(values) => values,
        };
        for start in group.clone().step_by(PIECE_ROWS) {
            let array = values(start..group.end.min(start + PIECE_ROWS))?;
            for leaf in compute_leaves(&self.field, &array)? {
                writer.write(&leaf)?;
            }
        }
        Ok(Chunk::Array(writer.close()?))
    }
}

/// What a column is, whatever its values.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Name, type, and whether it has nulls.
    pub field: ArrowField,
    /// Its texts are encoded by their numbers.
    pub is_numbered: bool,
    /// Nearly every row has a value of its own.
    pub is_distinct: bool,
}

/// Shows a column, by its place among all, to what encodes it.
pub type Show<'s> = dyn Fn(usize, &mut dyn FnMut(&TableColumn<'_>) -> Result<()>) -> Result<()> + Sync + 's;

/// A table that is being written.
pub struct Table {
    writer: SerializedFileWriter<Output>,
    factory: ArrowRowGroupWriterFactory,
    path: PathBuf,
    failure: Failure,
    shapes: Vec<Shape>,
    rows: usize,
    groups: usize,
}

impl Table {
    /// Writes a table of so many rows; those that are written are counted in `done`.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn whole(path: &Path, columns: &[TableColumn<'_>], rows: usize, done: &AtomicU64) -> Result<WrittenTable> {
        let mut table = Self::new(path, &columns.iter().map(TableColumn::shape).collect::<Vec<_>>())?;
        table.write(rows, &|at, encode| encode(&columns[at]), done)?;
        table.close()
    }

    /// Begins a table.
    ///
    /// # Errors
    /// When the file can't be made.
    pub fn new(path: &Path, columns: &[Shape]) -> Result<Self> {
        let schema = Arc::new(Schema::new(columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>()));
        let level = ZstdLevel::try_new(ZSTD_LEVEL).context("zstd level")?;
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            // Rows are ordered by rule and subject: least and greatest value of a page exclude little that those of the row group do not.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("counterfoil ", env!("CARGO_PKG_VERSION")).to_owned());
        for column in columns.iter().filter(|column| column.is_distinct) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.field.name().as_str()), false);
        }
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        let file = File::create_new(path).with_context(|| format!("{}: can't be written", path.display()))?;
        let failure = Failure::default();
        let output = Output { file, failure: Arc::clone(&failure) };
        let (writer, factory) = ArrowWriter::try_new_with_options(output, schema, options)?.into_serialized_writer()?;
        Ok(Self { writer, factory, path: path.to_owned(), failure, shapes: columns.to_vec(), rows: 0, groups: 0 })
    }

    /// Writes the next `rows` rows; all that were written before filled their row groups. `show` is asked for each column, and its rows `0..rows` are encoded; those
    /// that are written are counted in `done`.
    ///
    /// # Errors
    /// When the disk does not take them, and those of `show`.
    pub fn write(&mut self, rows: usize, show: &Show<'_>, done: &AtomicU64) -> Result<()> {
        assert!(self.rows.is_multiple_of(GROUP_ROWS), "row groups are filled");
        self.rows += rows;
        let groups: Vec<Range<usize>> = (0..rows).step_by(GROUP_ROWS).map(|start| start..rows.min(start + GROUP_ROWS)).collect();
        let numbered: Vec<(usize, Range<usize>)> = (self.groups..).zip(groups).collect();
        self.groups += numbered.len();
        for groups in numbered.chunks(GROUPS_AT_ONCE) {
            let mut chunks = self.encode(groups, show)?.into_iter();
            for (_, group) in groups {
                let own = chunks.by_ref().take(self.shapes.len()).collect();
                self.append(own).map_err(|error| failed(&self.path, &self.failure, error))?;
                done.fetch_add(group.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Encodes row groups, all columns at once; gives the columns of each group in order.
    fn encode(&self, groups: &[(usize, Range<usize>)], show: &Show<'_>) -> Result<Vec<Chunk>> {
        let mut tasks = Vec::with_capacity(groups.len() * self.shapes.len());
        for (number, group) in groups {
            let writers = self.factory.create_column_writers(*number)?;
            let descriptions = self.writer.schema_descr().columns();
            tasks.extend(
                writers
                    .into_iter()
                    .zip(descriptions)
                    .enumerate()
                    .map(|(at, (writer, description))| (writer, Arc::clone(description), at, group)),
            );
        }
        let mut tasks: Vec<(usize, _)> = tasks.into_iter().enumerate().collect();
        // What takes long is begun first.
        tasks.sort_by_key(|&(_, (_, _, at, _))| !self.shapes[at].is_distinct);
        let encoded = tasks.into_par_iter().with_max_len(1).map(|(place, (writer, description, at, group))| {
            let (mut writer, mut chunk) = (Some((writer, description)), None);
            show(at, &mut |column| {
                let (writer, description) = writer.take().expect("a column is encoded once");
                chunk = Some(column.encode(writer, description, group)?);
                Ok(())
            })?;
            Ok((place, chunk.expect("a column that is shown is encoded")))
        });
        let mut chunks: Vec<(usize, Chunk)> = encoded.collect::<Result<_>>()?;
        chunks.sort_unstable_by_key(|(at, _)| *at);
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }

    fn append(&mut self, chunks: Vec<Chunk>) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        chunks.into_iter().try_for_each(|chunk| chunk.append(&mut group))?;
        group.close()?;
        Ok(())
    }

    /// Writes the end of the file.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn close(self) -> Result<WrittenTable> {
        let written = self.writer.into_inner().map_err(anyhow::Error::from);
        let output = written.map_err(|error| failed(&self.path, &self.failure, error))?;
        Ok(WrittenTable { rows: self.rows as u64, file: output.file, shapes: self.shapes })
    }
}

/// A table whose rows are all written.
pub struct WrittenTable {
    /// How many rows it has.
    pub rows: u64,
    /// The file, which the disk may not have yet: only who wrote it learns of every failure.
    pub file: File,
    /// Its columns.
    pub shapes: Vec<Shape>,
}

/// Says which table could not be written, and why the disk did not take it.
fn failed(path: &Path, failure: &Failure, error: anyhow::Error) -> anyhow::Error {
    let cause = failure.lock().expect("no thread panics while it holds the lock").take();
    cause.map_or(error, anyhow::Error::from).context(format!("{}: can't be written", path.display()))
}
