//! Row groups in parallel, and the work on their pieces wherever a thread is idle; where there are fewer row groups than threads, the columns in parallel too.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use arrow::array::BooleanArray;
use rayon::prelude::*;

use super::columns::Column;
use super::decode::{ColumnPieces, Piece};
use super::defects::{Defect, InvalidText};
use super::rows::Rows;
use super::{PIECE_RECORDS_MAX, ParquetFile};
use crate::ingest::{Cells, Morsel, MorselSink, Progress, RejectedRecord, Wanted};

/// What every row group of a scan needs.
struct Scan<'a> {
    file: &'a ParquetFile,
    columns: Vec<&'a Column>,
    progress: &'a Progress,
    sink: &'a MorselSink<'a>,
}

/// The part of a scan that falls on one row group.
struct Task<'w> {
    row_group: usize,
    /// Wanted records, by number in the file; `None`: all.
    wanted: Option<&'w [u32]>,
}

/// Reads `columns` of `file` and hands every piece to `sink`.
pub(super) fn scan(file: &ParquetFile, columns: &[usize], wanted: Wanted<'_>, progress: &Progress, sink: &MorselSink<'_>) -> Result<()> {
    let mut asked = Vec::with_capacity(columns.len());
    for &index in columns {
        let Some(column) = file.columns.get(index) else {
            bail!("{}: column {index} asked for, the file has {}", file.path.display(), file.columns.len());
        };
        if let Some(reason) = &column.info.unsupported {
            bail!("{}: column \"{}\" ({}) can't be used: {reason}", file.path.display(), column.info.name, column.info.type_name);
        }
        asked.push(column);
    }
    let tasks = tasks(file, wanted);
    let are_few = tasks.len() < rayon::current_num_threads();
    let scan = Scan { file, columns: asked, progress, sink };
    tasks.par_iter().with_max_len(1).try_for_each(|task| scan.read_spread(task, are_few && scan.columns.len() > 1))
}

/// Lists the row groups with wanted records.
fn tasks<'w>(file: &ParquetFile, wanted: Wanted<'w>) -> Vec<Task<'w>> {
    let mut tasks = Vec::new();
    for (row_group, bounds) in file.first_records.windows(2).enumerate() {
        let wanted = match wanted {
            Wanted::All => None,
            Wanted::Records(records) => {
                let from = records.partition_point(|&record| u64::from(record) < bounds[0]);
                let to = records.partition_point(|&record| u64::from(record) < bounds[1]);
                Some(&records[from..to])
            }
        };
        if bounds[0] < bounds[1] && wanted.is_none_or(|records| !records.is_empty()) {
            tasks.push(Task { row_group, wanted });
        }
    }
    tasks
}

impl Scan<'_> {
    /// Reads a row group piece by piece, handing each to `deliver`.
    fn read(&self, task: &Task<'_>, deliver: &dyn Fn(Morsel) -> Result<()>, columns_in_parallel: bool) -> Result<()> {
        let first = self.file.first_records[task.row_group];
        let records = self.file.first_records[task.row_group + 1] - first;
        let rows = Rows::new(task.wanted, first, records as usize);
        let mut readers = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let reader = ColumnPieces::open(self.file, column, task.row_group, rows);
            readers.push(reader.map_err(|cause| self.file.damaged(task.row_group, &column.info.name, &cause))?);
        }
        let rows = rows.count();
        let mut layout = Layout { task, first, records, bytes: self.row_group_bytes(task.row_group), rows, row: 0 };
        while layout.row < rows {
            self.check_cancelled()?;
            let expected = PIECE_RECORDS_MAX.min(rows - layout.row);
            let pieces = self.next_pieces(&mut readers, task.row_group, expected, columns_in_parallel)?;
            deliver(self.morsel(layout.next(expected), pieces)?)?;
        }
        self.check_ends(&mut readers, task.row_group)
    }

    /// Reads a row group while threads that have none work on its pieces.
    fn read_spread(&self, task: &Task<'_>, columns_in_parallel: bool) -> Result<()> {
        let waiting = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let read = rayon::in_place_scope(|scope| {
            let deliver = |morsel: Morsel| {
                if let Some(error) = lock(&failure).take() {
                    return Err(error);
                }
                // Bounded: with a piece waiting for every thread the reader works on this one itself.
                if waiting.fetch_add(1, Ordering::Relaxed) + 1 >= rayon::current_num_threads() {
                    waiting.fetch_sub(1, Ordering::Relaxed);
                    return self.deliver(morsel);
                }
                scope.spawn(|_| {
                    let delivered = self.deliver(morsel);
                    waiting.fetch_sub(1, Ordering::Relaxed);
                    if let Err(error) = delivered {
                        lock(&failure).get_or_insert(error);
                    }
                });
                Ok(())
            };
            self.read(task, &deliver, columns_in_parallel)
        });
        read?;
        lock(&failure).take().map_or(Ok(()), Err)
    }

    fn next_pieces(&self, readers: &mut [ColumnPieces<'_>], row_group: usize, expected: usize, in_parallel: bool) -> Result<Vec<Piece>> {
        let next = |(reader, column): (&mut ColumnPieces<'_>, &&Column)| -> Result<Piece> {
            let damaged = |cause: &str| self.file.damaged(row_group, &column.info.name, cause);
            let piece = reader.next_piece().map_err(|cause| damaged(&cause))?;
            match piece {
                Some(piece) if piece.cells.len() == expected => Ok(piece),
                Some(piece) => Err(damaged(&format!("{} records decoded, expected {expected}", piece.cells.len()))),
                None => Err(damaged(&format!("no record left, expected {expected} more"))),
            }
        };
        if in_parallel {
            readers.par_iter_mut().zip(&self.columns).map(next).collect()
        } else {
            readers.iter_mut().zip(&self.columns).map(next).collect()
        }
    }

    /// Makes sure that no column holds more records than the footer says.
    fn check_ends(&self, readers: &mut [ColumnPieces<'_>], row_group: usize) -> Result<()> {
        for (reader, column) in readers.iter_mut().zip(&self.columns) {
            let more = reader.next_piece().map_err(|cause| self.file.damaged(row_group, &column.info.name, &cause))?;
            if more.is_some() {
                return Err(self.file.damaged(row_group, &column.info.name, "holds more records than the footer states"));
            }
        }
        Ok(())
    }

    fn morsel(&self, place: Place, pieces: Vec<Piece>) -> Result<Morsel> {
        let mut columns: Vec<Cells> = pieces.iter().map(|piece| piece.cells.clone()).collect();
        let mut record_offsets = place.offsets;
        let mut row_count = place.row_count;
        let mut rejected = Vec::new();
        // A narrow read gives exactly the wanted rows: there, bytes that are no UTF-8 stay in the cell, escaped.
        if record_offsets.is_none() && pieces.iter().any(|piece| !piece.invalid.is_empty()) {
            let keep = self.reject(&pieces, place.first_record, row_count, &mut rejected);
            let mask = BooleanArray::from(keep.clone());
            columns = columns.iter().map(|cells| Ok(cells.filter(&mask)?)).collect::<Result<_>>()?;
            let kept: Vec<u32> = (0_u32..).zip(keep).filter_map(|(row, keep)| keep.then_some(row)).collect();
            row_count = kept.len();
            record_offsets = Some(kept);
        }
        let (first_record, record_count, bytes) = (place.first_record, place.record_count, place.bytes);
        Ok(Morsel { first_record, record_count, record_offsets, row_count, columns, rejected, bytes })
    }

    /// Lists records with a cell that is no text, once each by the gravest, and gives the rows to keep.
    fn reject(&self, pieces: &[Piece], first_record: u64, row_count: usize, rejected: &mut Vec<RejectedRecord>) -> Vec<bool> {
        let mut keep = vec![true; row_count];
        let mut cells: Vec<(usize, u8, usize, &InvalidText)> = pieces
            .iter()
            .enumerate()
            .flat_map(|(at, piece)| piece.invalid.iter().map(move |cell| (cell.row, gravity(cell.defect), at, cell)))
            .collect();
        cells.sort_by_key(|&(row, gravity, column, _)| (row, gravity, column));
        for (row, _, column, cell) in cells {
            if std::mem::replace(&mut keep[row], false) {
                rejected.push(rejected_record(cell, &self.columns[column].info.name, first_record));
            }
        }
        keep
    }

    fn deliver(&self, morsel: Morsel) -> Result<()> {
        let (records, bytes) = (morsel.record_count, morsel.bytes);
        (self.sink)(morsel)?;
        self.progress.records_done.fetch_add(records, Ordering::Relaxed);
        self.progress.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.progress.cancelled.load(Ordering::Relaxed) {
            bail!("{}: reading was cancelled", self.file.path.display());
        }
        Ok(())
    }

    /// The size of a row group with all its columns, so that the bytes of a whole scan come near the size of the file.
    fn row_group_bytes(&self, row_group: usize) -> u64 {
        self.file.metadata.row_group(row_group).columns().iter().map(|chunk| u64::try_from(chunk.compressed_size()).unwrap_or(0)).sum()
    }
}

fn rejected_record(cell: &InvalidText, column: &str, first_record: u64) -> RejectedRecord {
    let (reason, detail) = cell.defect.described(column);
    let record = first_record + cell.row as u64;
    RejectedRecord { record, line: 0, byte_offset: 0, reason, detail, raw: cell.raw.clone() }
}

/// The gravest counts, as in delimited text.
const fn gravity(defect: Defect) -> u8 {
    match defect {
        Defect::Nul(_) => 0,
        Defect::InvalidUtf8(_) => 1,
        Defect::TooLong(_) => 2,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Where the pieces of a row group stand in the file.
struct Layout<'w> {
    task: &'w Task<'w>,
    /// The row group's first record, its records and its bytes.
    first: u64,
    records: u64,
    bytes: u64,
    /// Rows to read, and rows read.
    rows: usize,
    row: usize,
}

/// Where a piece stands in the file.
struct Place {
    first_record: u64,
    record_count: u64,
    offsets: Option<Vec<u32>>,
    row_count: usize,
    bytes: u64,
}

impl Layout<'_> {
    /// Gives the place of the next `row_count` rows. The places of a row group join without gap, and so do their bytes.
    fn next(&mut self, row_count: usize) -> Place {
        let from = self.record_before(self.row);
        self.row += row_count;
        let to = self.record_before(self.row);
        let offsets = self.task.wanted.map(|wanted| {
            let rows = &wanted[self.row - row_count..self.row];
            rows.iter().map(|&record| (u64::from(record) - self.first - from) as u32).collect()
        });
        let share = |record: u64| (u128::from(self.bytes) * u128::from(record) / u128::from(self.records)) as u64;
        Place { first_record: self.first + from, record_count: to - from, offsets, row_count, bytes: share(to) - share(from) }
    }

    /// The record, in the row group, at which the piece that starts with `row` begins.
    fn record_before(&self, row: usize) -> u64 {
        match self.task.wanted {
            _ if row == 0 => 0,
            _ if row == self.rows => self.records,
            None => row as u64,
            Some(wanted) => u64::from(wanted[row]) - self.first,
        }
    }
}
