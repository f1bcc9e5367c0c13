//! The rows to read of a row group, cut into pieces.

use std::ops::Range;

use parquet::arrow::arrow_reader::RowSelection;

use super::PIECE_RECORDS_MAX;

/// The rows to read of a row group.
#[derive(Clone, Copy)]
pub(super) struct Rows<'w> {
    /// Wanted records, by number in the file; `None`: all.
    wanted: Option<&'w [u32]>,
    /// The row group's first record.
    first: u64,
    /// How many records the row group has.
    records: usize,
}

impl<'w> Rows<'w> {
    /// Makes the rows of a row group that starts with record `first`; `wanted` lie in it.
    pub(super) fn new(wanted: Option<&'w [u32]>, first: u64, records: usize) -> Self {
        Self { wanted, first, records }
    }

    /// Counts the rows.
    pub(super) fn count(&self) -> usize {
        self.wanted.map_or(self.records, <[u32]>::len)
    }

    /// Says whether every record is to be read.
    pub(super) fn is_all(&self) -> bool {
        self.wanted.is_none()
    }

    /// Counts the rows of a piece: none behind the last.
    pub(super) fn piece_rows(&self, piece: usize) -> usize {
        self.count().saturating_sub(piece.saturating_mul(PIECE_RECORDS_MAX)).min(PIECE_RECORDS_MAX)
    }

    /// Gives the rows of a piece as ranges inside the row group.
    pub(super) fn ranges(&self, piece: usize) -> impl Iterator<Item = Range<usize>> + use<'w> {
        let (start, count) = (piece * PIECE_RECORDS_MAX, self.piece_rows(piece));
        let all = self.wanted.is_none().then_some(start..start + count);
        let wanted = self.wanted.map_or(&[][..], |wanted| &wanted[start..start + count]);
        all.into_iter().chain(self.consecutive(wanted))
    }

    fn consecutive(&self, wanted: &'w [u32]) -> impl Iterator<Item = Range<usize>> + use<'w> {
        let first = self.first;
        wanted.chunk_by(|left, right| left + 1 == *right).map(move |run| {
            let start = (u64::from(run[0]) - first) as usize;
            start..start + run.len()
        })
    }

    /// Gives the rows in the form that the general decoder takes; `None`: all.
    pub(super) fn selection(&self) -> Option<RowSelection> {
        let wanted = self.wanted?;
        Some(RowSelection::from_consecutive_ranges(self.consecutive(wanted), self.records))
    }
}
