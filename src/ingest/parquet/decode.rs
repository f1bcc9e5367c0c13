//! One column of one row group, decoded in pieces.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryViewArray, FixedSizeBinaryArray, StringViewBuilder};
use memchr::memchr;
use parquet::arrow::FieldLevels;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::basic::Encoding;
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::columns::{Column, Decoding, TextDecoding, decodable};
use super::defects::{Defect, Inspector, InvalidText};
use super::flat::{FlatChunk, Output};
use super::guard::guarded;
use super::rows::Rows;
use super::source::FileWindow;
use super::{PIECE_RECORDS_MAX, ParquetFile};
use crate::ingest::Cells;

/// A column chunk that is being decoded.
pub(super) struct ColumnPieces<'a> {
    file: &'a ParquetFile,
    column: &'a Column,
    row_group: usize,
    rows: Rows<'a>,
    reader: Reader,
    mode: Mode<'a>,
    /// How the general decoder is to read the column.
    levels: &'a FieldLevels,
    pieces_done: usize,
    inspector: Inspector,
}

enum Reader {
    /// Reads what it can, and leaves the rest of the chunk to the general decoder.
    Flat(Box<FlatChunk>),
    General(Box<ParquetRecordBatchReader>),
}

#[derive(Clone, Copy)]
enum Mode<'a> {
    /// Text that the decoder checks; on bytes that are no UTF-8 the column is read again by [`Mode::Raw`].
    Checked(&'a TextDecoding),
    Raw,
    FixedText,
    Uuid,
    Native,
}

/// Rows of a column.
pub(super) struct Piece {
    /// The cells; invalid text stands there with its bytes escaped.
    pub(super) cells: Cells,
    /// The cells that are no text.
    pub(super) invalid: Vec<InvalidText>,
}

impl<'a> ColumnPieces<'a> {
    /// Starts to decode `rows` of `column` in `row_group`.
    pub(super) fn open(file: &'a ParquetFile, column: &'a Column, row_group: usize, rows: Rows<'a>) -> Result<Self, String> {
        let decoding = guarded(|| decodable(column))?;
        let chunk = file.metadata.row_group(row_group).column(column.leaf);
        let (levels, mode, output) = match decoding {
            Decoding::Text(text) if is_all_dictionary(chunk) => (&text.dictionary, Mode::Checked(text), Some(Output::Keys)),
            Decoding::Text(text) => (&text.view, Mode::Checked(text), Some(Output::Texts)),
            Decoding::FixedText(levels) => (levels, Mode::FixedText, None),
            Decoding::Uuid(levels) => (levels, Mode::Uuid, None),
            Decoding::Native(levels, data_type) => (levels, Mode::Native, Some(Output::Numbers(data_type.clone()))),
        };
        let pages = OneColumn { file, row_group, leaf: column.leaf };
        let flat = output.and_then(|output| guarded(|| Ok(FlatChunk::new(chunk, output, pages.reader()?))).ok().flatten());
        let reader = match flat {
            Some(flat) => Reader::Flat(Box::new(flat)),
            None => Reader::General(Box::new(open_reader(file, column, row_group, levels, rows)?)),
        };
        Ok(Self { file, column, row_group, rows, reader, mode, levels, pieces_done: 0, inspector: Inspector::default() })
    }

    /// Gives the next piece; of a whole column with the cells that are no text.
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, String> {
        let mut piece = self.decode_piece()?;
        if let Some(piece) = piece.as_mut().filter(|_| self.rows.is_all()) {
            let known = piece.invalid.len();
            let found = self.inspector.inspect(&piece.cells).into_iter();
            // Bytes that are no UTF-8 stand escaped in the array, longer than they are.
            piece
                .invalid
                .extend(found.filter(|cell| !piece.invalid[..known].iter().any(|other| other.row == cell.row)).collect::<Vec<_>>());
        }
        Ok(piece)
    }

    /// Decodes the next piece: [`PIECE_RECORDS_MAX`] rows, fewer at the end, none when all is read.
    fn decode_piece(&mut self) -> Result<Option<Piece>, String> {
        let reader = match &mut self.reader {
            Reader::General(reader) => reader,
            Reader::Flat(flat) => {
                let (piece, rows) = (self.pieces_done, self.rows.piece_rows(self.pieces_done));
                if rows == 0 && (!self.rows.is_all() || guarded(|| Ok(flat.is_at_end())) == Ok(Some(true))) {
                    return Ok(None);
                }
                if rows > 0
                    && let Ok(Some(cells)) = guarded(|| Ok(flat.piece(self.rows.ranges(piece), rows)))
                {
                    self.pieces_done += 1;
                    return Ok(Some(Piece { cells, invalid: Vec::new() }));
                }
                self.read_generally()?
            }
        };
        let batch = match guarded(|| Ok(reader.next().transpose()?)) {
            Ok(batch) => batch,
            Err(cause) => match self.mode {
                Mode::Checked(text) if cause.contains("UTF-8") => {
                    // Goes on without the decoder's check, which refuses a whole page for one cell.
                    (self.levels, self.mode) = (&text.raw, Mode::Raw);
                    self.read_generally()?;
                    return self.decode_piece();
                }
                _ => return Err(cause),
            },
        };
        let Some(batch) = batch else { return Ok(None) };
        self.pieces_done += 1;
        let array = batch.column(0).clone();
        Ok(Some(match self.mode {
            Mode::Checked(_) | Mode::Native => Piece { cells: array.into(), invalid: Vec::new() },
            Mode::Raw => text_of_views(array.as_binary_view()),
            Mode::FixedText => text_of_fixed(array.as_fixed_size_binary()),
            Mode::Uuid => text_of_uuids(array.as_fixed_size_binary()),
        }))
    }

    /// Goes on with the general decoder: it starts at the front and passes over the pieces that are done.
    fn read_generally(&mut self) -> Result<&mut ParquetRecordBatchReader, String> {
        let mut reader = open_reader(self.file, self.column, self.row_group, self.levels, self.rows)?;
        for _ in 0..self.pieces_done {
            guarded(|| Ok(reader.next().transpose()?))?;
        }
        self.reader = Reader::General(Box::new(reader));
        match &mut self.reader {
            Reader::General(reader) => Ok(reader),
            Reader::Flat(_) => Err("it is read by the wrong decoder".to_string()),
        }
    }
}

fn open_reader(
    file: &ParquetFile,
    column: &Column,
    row_group: usize,
    levels: &FieldLevels,
    rows: Rows<'_>,
) -> Result<ParquetRecordBatchReader, String> {
    let chunk = OneColumn { file, row_group, leaf: column.leaf };
    let piece_records = PIECE_RECORDS_MAX.min(chunk.num_rows());
    guarded(|| ParquetRecordBatchReader::try_new_with_row_groups(levels, &chunk, piece_records, rows.selection()))
}

/// Says whether every data page refers to the dictionary page, so that the dictionary can be kept as it is.
///
/// Where pages fall back to plain text in the middle of a chunk, the decoder would build a new dictionary by hashing every value.
pub(super) fn is_all_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    if chunk.dictionary_page_offset().is_none() {
        return false;
    }
    if let Some(data_pages) = chunk.page_encoding_stats_mask() {
        return data_pages.is_only(Encoding::RLE_DICTIONARY) || data_pages.is_only(Encoding::PLAIN_DICTIONARY);
    }
    // Without page counts PLAIN may stand for the dictionary page or for data pages; only its absence proves something.
    let mut encodings = chunk.encodings();
    encodings.all(|encoding| {
        #[expect(deprecated, reason = "old files name the encoding of their levels so")]
        let is_level = matches!(encoding, Encoding::RLE | Encoding::BIT_PACKED);
        is_level || matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
    })
}

/// One column chunk, shown to the decoder as a file of one column and one row group.
struct OneColumn<'a> {
    file: &'a ParquetFile,
    row_group: usize,
    leaf: usize,
}

impl OneColumn<'_> {
    fn reader(&self) -> ParquetResult<Box<dyn PageReader>> {
        let chunk = self.file.metadata.row_group(self.row_group).column(self.leaf);
        let (start, length) = chunk.byte_range();
        let window = FileWindow::new(self.file.file.clone(), self.file.unchanged.bytes(), start.saturating_add(length));
        Ok(Box::new(SerializedPageReader::new(Arc::new(window), chunk, self.num_rows(), None)?))
    }
}

impl RowGroups for OneColumn<'_> {
    fn num_rows(&self) -> usize {
        usize::try_from(self.file.metadata.row_group(self.row_group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, _column: usize) -> ParquetResult<Box<dyn PageIterator>> {
        Ok(Box::new(OneChunk(Some(self.reader()?))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.file.metadata.row_group(self.row_group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.file.metadata
    }
}

struct OneChunk(Option<Box<dyn PageReader>>);

impl Iterator for OneChunk {
    type Item = ParquetResult<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneChunk {}

fn text_of_views(array: &BinaryViewArray) -> Piece {
    text_of(array.len(), array.iter())
}

/// Zero bytes at the end of a cell of one length fill it up and are no part of the text.
fn text_of_fixed(array: &FixedSizeBinaryArray) -> Piece {
    let text = |bytes: &'_ [u8]| bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    text_of(array.len(), array.iter().map(|cell| cell.map(|bytes| &bytes[..text(bytes)])))
}

fn text_of<'b>(count: usize, cells: impl Iterator<Item = Option<&'b [u8]>>) -> Piece {
    let mut builder = StringViewBuilder::with_capacity(count);
    let mut invalid = Vec::new();
    for (row, cell) in cells.enumerate() {
        let Some(bytes) = cell else {
            builder.append_null();
            continue;
        };
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => builder.append_value(text),
            Err(error) => {
                builder.append_value(escaped(bytes));
                let defect = memchr(0, bytes).map_or(Defect::InvalidUtf8(error.valid_up_to()), Defect::Nul);
                invalid.push(InvalidText::new(row, defect, bytes));
            }
        }
    }
    Piece { cells: Cells::Array(Arc::new(builder.finish())), invalid }
}

/// Shows bytes that are no UTF-8 without losing any: `caf\xE9`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

fn text_of_uuids(array: &FixedSizeBinaryArray) -> Piece {
    let mut builder = StringViewBuilder::with_capacity(array.len());
    for cell in array.iter() {
        builder.append_option(cell.map(uuid_text));
    }
    Piece { cells: Cells::Array(Arc::new(builder.finish())), invalid: Vec::new() }
}

/// Writes a UUID as its standard does: lower case, in groups of 8, 4, 4, 4 and 12 digits (RFC 9562, section 4).
fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::value::TextColumn;

    #[test]
    fn zero_bytes_at_the_end_of_a_fixed_length_are_no_text() {
        let cells = [b"AB\0\0", b"\0\0\0\0", b"A\0B\0"];
        let piece = text_of_fixed(&FixedSizeBinaryArray::try_from_iter(cells.into_iter()).unwrap());
        assert_eq!(TextColumn::new(&piece.cells).unwrap().iter().collect::<Vec<_>>(), [Some("AB"), Some(""), Some("A\0B")]);
        let found = Inspector::default().inspect(&piece.cells);
        assert_eq!(found.iter().map(|cell| (cell.row, cell.defect)).collect::<Vec<_>>(), [(2, Defect::Nul(1))]);
    }
}
