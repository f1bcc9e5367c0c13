//! Rows of several batches, put together in order: each batch writes its tables to the disk, and the tables of the run are merged from them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatchReader as _, make_array, new_empty_array};
use arrow::compute::{concat, interleave};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::{ChunkReader, Length};

use super::assemble::{Row, sort_key};
use super::sentences::Sentences;
use super::spill::Spill;
use super::table::{GROUP_ROWS, Shape, Show, Table, TableColumn, WrittenTable};
use super::tables::{Kind, write_evidence, write_findings};
use crate::positioned::{read_at, read_exact_at};

/// Rows that are read of a batch at once.
const READ_ROWS: usize = 8 * 1024;

/// The tables of the batches of a run. Dropped, they are gone from the disk.
pub struct Batches {
    folder: tempfile::TempDir,
    spill: Arc<Spill>,
    batches: Vec<Batch>,
    /// Columns of findings and evidence; where one was told apart in any batch, it is in the whole.
    shapes: [Vec<Shape>; 2],
}

/// What one batch wrote.
struct Batch {
    /// By finding: its place in the order, and how many records it has.
    order: Arc<File>,
    /// Findings and evidence.
    tables: [PathBuf; 2],
}

impl Batches {
    /// Starts without any, in a folder of its own where records are spilled.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn new(spill: &Arc<Spill>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(".counterfoil-").tempdir_in(spill.folder()).with_context(|| spill.failed())?;
        Ok(Self { folder, spill: Arc::clone(spill), batches: Vec::new(), shapes: [Vec::new(), Vec::new()] })
    }

    /// Writes the rows of a batch, which are in order.
    ///
    /// # Errors
    /// When the disk does not take them, or the limit of the spill is reached.
    pub fn add(&mut self, rows: &[&Row<'_>], sentences: Sentences<'_>) -> Result<()> {
        let number = self.batches.len();
        let tables = ["findings", "evidence"].map(|name| self.folder.path().join(format!("{name}-{number}.parquet")));
        let [findings, evidence] = &tables;
        // These rows are not yet where they are to be.
        let done = AtomicU64::default();
        let (findings, evidence) =
            rayon::join(|| write_findings(findings, rows, sentences, &done), || write_evidence(evidence, rows, sentences, &done));
        for (shapes, table) in self.shapes.iter_mut().zip([findings?, evidence?]) {
            self.spill.take(table.file.metadata().with_context(|| self.spill.failed())?.len())?;
            if shapes.is_empty() {
                *shapes = table.shapes;
            } else {
                shapes.iter_mut().zip(table.shapes).for_each(|(shape, own)| shape.is_distinct |= own.is_distinct);
            }
        }
        let order = self.write_order(rows).with_context(|| self.spill.failed())?;
        self.batches.push(Batch { order, tables });
        Ok(())
    }

    fn write_order(&self, rows: &[&Row<'_>]) -> Result<Arc<File>> {
        let mut order = BufWriter::new(tempfile::tempfile_in(self.folder.path())?);
        for row in rows {
            let key = sort_key(row);
            order.write_all(&(key.len() as u32).to_le_bytes())?;
            order.write_all(&key)?;
            order.write_all(&(row.records.len() as u32).to_le_bytes())?;
        }
        let mut order = order.into_inner()?;
        self.spill.take(order.stream_position()?)?;
        Ok(Arc::new(order))
    }

    /// Writes a table of the run; rows are counted in `done`.
    ///
    /// # Errors
    /// When the disk does not take it, or does not give the batches back.
    pub fn write(&self, kind: Kind, path: &Path, done: &AtomicU64) -> Result<WrittenTable> {
        let shapes = &self.shapes[kind as usize];
        let mut order = Order::new(&self.batches, kind).with_context(|| self.spill.failed())?;
        let readers = self.readers(kind).with_context(|| self.spill.failed())?;
        let mut table = Table::new(path, shapes)?;
        loop {
            let places = order.next_rows(GROUP_ROWS, self.batches.len()).with_context(|| self.spill.failed())?;
            if places.places.is_empty() {
                return table.close();
            }
            let show: &Show<'_> = &|at, encode| {
                let mut readers = readers[at].lock().expect("a worker that panicked ended the run");
                let array = in_order(&places, &mut readers, &shapes[at]).with_context(|| self.spill.failed())?;
                encode(&column(&shapes[at], &array))
            };
            table.write(places.places.len(), show, done)?;
        }
    }

    /// Opens the tables of all batches, column by column: a whole row group of all columns would take much memory.
    fn readers(&self, kind: Kind) -> Result<Vec<Mutex<Vec<Reader>>>> {
        let mut readers: Vec<Vec<Reader>> = self.shapes[kind as usize].iter().map(|_| Vec::new()).collect();
        for batch in &self.batches {
            let file = Shared::open(&batch.tables[kind as usize])?;
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
            for (at, readers) in readers.iter_mut().enumerate() {
                readers.push(Reader::new(file.clone(), metadata.clone(), at)?);
            }
        }
        Ok(readers.into_iter().map(Mutex::new).collect())
    }
}

/// The next rows of the order.
struct Places {
    /// The batch of each, and which of the rows that it gives this is.
    places: Vec<(usize, usize)>,
    /// By batch, how many rows it gives.
    counts: Vec<usize>,
}

/// Takes the values of rows from their batches.
fn in_order(places: &Places, readers: &mut [Reader], shape: &Shape) -> Result<ArrayRef> {
    let parts: Vec<ArrayRef> = readers.iter_mut().zip(&places.counts).map(|(reader, &count)| reader.take(count)).collect::<Result<_>>()?;
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    let array = interleave(&parts, &places.places)?;
    if array.data_type() == shape.field.data_type() {
        return Ok(array);
    }
    // The file does not keep the name of what a list holds.
    Ok(make_array(array.to_data().into_builder().data_type(shape.field.data_type().clone()).build()?))
}

/// Makes a column of rows that are in memory.
fn column<'a>(shape: &Shape, array: &'a ArrayRef) -> TableColumn<'a> {
    let (name, is_nullable) = (shape.field.name(), shape.field.is_nullable());
    let column = if shape.is_numbered {
        let texts = array.as_string::<i32>();
        TableColumn::texts(name, is_nullable, move |row| if texts.is_null(row) { "" } else { texts.value(row) })
    } else {
        TableColumn::new(name, shape.field.data_type().clone(), move |own| Ok(array.slice(own.start, own.len())))
    };
    if shape.is_distinct { column.distinct() } else { column }
}

/// Rows of one batch that stand together in the order.
struct Run {
    batch: usize,
    rows: usize,
}

/// The order of all findings, merged from that of the batches.
struct Order {
    kind: Kind,
    batches: Vec<BufReader<From>>,
    /// By batch: its next finding and its rows.
    next: BinaryHeap<Reverse<(Vec<u8>, usize, usize)>>,
    /// What a row group did not take of a finding.
    rest: Option<Run>,
}

impl Order {
    fn new(batches: &[Batch], kind: Kind) -> Result<Self> {
        let start = |batch: &Batch| BufReader::new(From { file: Arc::clone(&batch.order), offset: 0 });
        let batches: Vec<BufReader<From>> = batches.iter().map(start).collect();
        let mut order = Self { kind, batches, next: BinaryHeap::new(), rest: None };
        (0..order.batches.len()).try_for_each(|batch| order.advance(batch))?;
        Ok(order)
    }

    /// Reads the next finding of a batch, if there is one.
    fn advance(&mut self, batch: usize) -> Result<()> {
        let reader = &mut self.batches[batch];
        let mut word = [0; 4];
        if reader.read(&mut word[..1])? == 0 {
            return Ok(());
        }
        reader.read_exact(&mut word[1..])?;
        let mut key = vec![0; u32::from_le_bytes(word) as usize];
        reader.read_exact(&mut key)?;
        reader.read_exact(&mut word)?;
        let rows = if self.kind == Kind::Findings { 1 } else { u32::from_le_bytes(word) as usize };
        self.next.push(Reverse((key, batch, rows)));
        Ok(())
    }

    /// Gives the next rows, `most` of them where there are so many.
    fn next_rows(&mut self, most: usize, batches: usize) -> Result<Places> {
        let mut places = Places { places: Vec::new(), counts: vec![0; batches] };
        while places.places.len() < most {
            let run = match self.rest.take() {
                Some(rest) => rest,
                None => {
                    let Some(Reverse((_, batch, rows))) = self.next.pop() else { break };
                    self.advance(batch)?;
                    Run { batch, rows }
                }
            };
            let rows = run.rows.min(most - places.places.len());
            if rows < run.rows {
                self.rest = Some(Run { rows: run.rows - rows, ..run });
            }
            let start = places.counts[run.batch];
            places.counts[run.batch] += rows;
            places.places.extend((start..start + rows).map(|at| (run.batch, at)));
        }
        Ok(places)
    }
}

/// A file that many readers share; each reads at its own place.
#[derive(Clone)]
struct Shared {
    file: Arc<File>,
    length: u64,
}

impl Shared {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        Ok(Self { length: file.metadata()?.len(), file: Arc::new(file) })
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Shared {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        // Heads of pages are read this way, and are short.
        const HEAD_BYTES: usize = 512;
        Ok(BufReader::with_capacity(HEAD_BYTES, From { file: Arc::clone(&self.file), offset: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A file from a place on.
struct From {
    file: Arc<File>,
    offset: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = read_at(&self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Reads a column of a batch from its first row to its last.
struct Reader {
    rows: ParquetRecordBatchReader,
    /// Rows that were read and not taken.
    rest: ArrayRef,
}

impl Reader {
    fn new(file: Shared, metadata: ArrowReaderMetadata, column: usize) -> Result<Self> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), [column]);
        let rows = builder.with_projection(mask).with_batch_size(READ_ROWS).build()?;
        let rest = new_empty_array(rows.schema().field(0).data_type());
        Ok(Self { rows, rest })
    }

    /// Takes so many rows.
    fn take(&mut self, count: usize) -> Result<ArrayRef> {
        let (mut taken, mut left) = (vec![self.rest.slice(0, 0)], count);
        while left > 0 {
            if self.rest.is_empty() {
                let rows = self.rows.next().context("a table of a batch ended before its last row")??;
                self.rest = Arc::clone(rows.column(0));
            }
            let own = left.min(self.rest.len());
            taken.push(self.rest.slice(0, own));
            self.rest = self.rest.slice(own, self.rest.len() - own);
            left -= own;
        }
        Ok(concat(&taken.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
    }
}
