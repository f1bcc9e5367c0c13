//! Gives a file as chunks of whole records: slices of a mapped file, or blocks of a stream that is inflated and transcoded on the way.

use std::path::Path;

use anyhow::{Result, bail};
use arrow::buffer::Buffer;
use bytes::Bytes;

use super::encoding::{Encoding, Transcoder};
use super::fields::Signposts;
use super::scan::CHUNKS_PER_THREAD;
use super::split::{Cut, LINE_BYTES_MAX, LineTooLong, cut};
use super::walk::{Dialect, SPAN_BYTES_MAX, Span, Text};
use crate::ingest::decompress::Content;
use crate::pages::FileMap;

/// Whole records with their place in the file.
pub(super) struct Chunk<'a> {
    /// The text: the records, and behind them what the walk may have to look at.
    pub(super) buffer: Buffer,
    /// Where the records end.
    pub(super) end: usize,
    /// The file ends with the buffer.
    pub(super) is_end: bool,
    /// Offset of the first byte in the (decompressed) file.
    pub(super) origin: u64,
    /// Number of the first line, from 1.
    pub(super) first_line: u64,
    /// Number of the first record, from 0.
    pub(super) first_record: u64,
    /// Records as the splitter counts them.
    pub(super) record_count: u64,
    /// Bytes of the file on disk.
    pub(super) disk_bytes: u64,
    /// Its signposts, where it was read before.
    pub(super) signposts: Option<&'a [u32]>,
}

/// A chunk of a mapped file that was read before.
pub(super) struct Known {
    /// Offset of its first byte in the file.
    at: usize,
    /// Its bytes.
    length: usize,
    first_line: u64,
    first_record: u64,
    record_count: u64,
    signposts: Signposts,
}

impl Known {
    /// Takes what a read of the chunk of a mapped file told.
    pub(super) fn new(chunk: &Chunk<'_>, signposts: Signposts) -> Self {
        let Chunk { origin, end, first_line, first_record, record_count, .. } = *chunk;
        Self { at: origin as usize, length: end, first_line, first_record, record_count, signposts }
    }

    /// Gives the number of its first record.
    pub(super) const fn first_record(&self) -> u64 {
        self.first_record
    }

    /// Tells whether it holds one of some records, given in order.
    fn holds(&self, wanted: &[u32]) -> bool {
        let before = wanted.partition_point(|number| u64::from(*number) < self.first_record);
        wanted.get(before).is_some_and(|&number| u64::from(number) < self.first_record + self.record_count)
    }
}

/// Where the first record begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    /// Length of the byte order mark.
    pub(super) mark: usize,
    /// Bytes of text (UTF-8, after the mark) before the first record.
    pub(super) text_before: usize,
    /// Bytes of the decompressed file before it, the mark included.
    pub(super) origin: u64,
    /// Number of its line.
    pub(super) line: u64,
}

/// Counts on from chunk to chunk.
struct Place {
    origin: u64,
    line: u64,
    record: u64,
}

impl Place {
    fn new(body: &Body) -> Self {
        Self { origin: body.origin, line: body.line, record: 0 }
    }

    fn chunk(&mut self, buffer: Buffer, is_end: bool, cut: Cut, original_bytes: u64, disk_bytes: u64) -> Chunk<'static> {
        let chunk = Chunk {
            buffer,
            end: cut.end,
            is_end,
            origin: self.origin,
            first_line: self.line,
            first_record: self.record,
            record_count: cut.records,
            disk_bytes,
            signposts: None,
        };
        self.origin += original_bytes;
        self.line += cut.lines;
        self.record += cut.records;
        chunk
    }

    fn too_long(&self, path: &Path, error: LineTooLong) -> anyhow::Error {
        anyhow::anyhow!(
            "{}: line {} is longer than {LINE_BYTES_MAX} bytes; is the file delimited text, and its encoding as declared?",
            path.display(),
            self.line + error.lines_before
        )
    }
}

/// Chunks of a mapped file.
pub(super) struct Mapped<'a> {
    path: &'a Path,
    map: FileMap,
    buffer: Buffer,
    /// What lies before was released: it counts as memory of the process as long as it is mapped.
    released: usize,
    dialect: Dialect,
    chunk_bytes: usize,
    at: usize,
    disk_at: usize,
    place: Place,
    spans: Vec<Span>,
}

impl<'a> Mapped<'a> {
    /// Starts at the first record.
    pub(super) fn new(path: &'a Path, map: FileMap, dialect: Dialect, body: &Body, chunk_bytes: usize) -> Self {
        let buffer = Buffer::from(Bytes::from_owner(map.clone()));
        let at = (body.mark + body.text_before).min(buffer.len());
        Self { path, map, buffer, released: 0, dialect, chunk_bytes, at, disk_at: 0, place: Place::new(body), spans: Vec::new() }
    }

    /// Gives the chunk of so many bytes at `at`, and behind it what the walk of its last record may need; says whether the file ends with that.
    fn view(&self, at: usize, length: usize) -> (Buffer, bool) {
        let seen = (length + SPAN_BYTES_MAX + 1).min(self.buffer.len() - at);
        (self.buffer.slice_with_length(at, seen), at + seen == self.buffer.len())
    }

    /// Gives the next of chunks that are known which holds one of some records.
    pub(super) fn next_known<'k>(&mut self, known: &mut impl Iterator<Item = &'k Known>, wanted: &[u32]) -> Option<Chunk<'k>> {
        let chunk = known.find(|chunk| chunk.holds(wanted))?;
        let Known { at, length, first_line, first_record, record_count, ref signposts } = *chunk;
        self.at = at;
        self.release();
        let (buffer, is_end) = self.view(at, length);
        // What lies between the chunks that are read is done with too.
        let disk_bytes = (at + length - self.disk_at) as u64;
        self.disk_at = at + length;
        let signposts = Some(signposts.as_slice());
        Some(Chunk { buffer, end: length, is_end, origin: at as u64, first_line, first_record, record_count, disk_bytes, signposts })
    }

    /// Releases what no chunk under way needs.
    fn release(&mut self) {
        let under_way = (CHUNKS_PER_THREAD * rayon::current_num_threads() + 1) * self.chunk_bytes;
        let end = self.at.saturating_sub(under_way);
        if end > self.released + under_way {
            self.map.release(self.released..end);
            self.released = end;
        }
    }

    /// Gives the next chunk.
    pub(super) fn next(&mut self) -> Result<Option<Chunk<'static>>> {
        self.release();
        let bytes = self.buffer.as_slice();
        if self.at == bytes.len() {
            return Ok(None);
        }
        let text = Text { bytes: &bytes[self.at..], is_end: true };
        let cut = cut(text, &self.dialect, self.chunk_bytes, &mut self.spans).map_err(|error| self.place.too_long(self.path, error))?;
        assert!(cut.end > 0, "the end of the file ends a record");
        let (buffer, is_end) = self.view(self.at, cut.end);
        self.at += cut.end;
        let disk_bytes = (self.at - self.disk_at) as u64;
        self.disk_at = self.at;
        Ok(Some(self.place.chunk(buffer, is_end, cut, cut.end as u64, disk_bytes)))
    }
}

/// Chunks of a stream.
pub(super) struct Streamed<'a> {
    path: &'a Path,
    content: Content,
    encoding: Encoding,
    transcoder: Transcoder,
    dialect: Dialect,
    chunk_bytes: usize,
    /// Text to leave out at the start.
    skip: usize,
    /// Text that no chunk has given yet.
    rest: Vec<u8>,
    block: Vec<u8>,
    is_end: bool,
    disk_bytes: u64,
    place: Place,
    spans: Vec<Span>,
}

impl<'a> Streamed<'a> {
    /// Opens the stream again and starts at the first record.
    pub(super) fn new(path: &'a Path, encoding: Encoding, dialect: Dialect, body: &Body, chunk_bytes: usize) -> Result<Self> {
        let mut content = Content::open(path)?;
        content.read_up_to(path, body.mark, &mut Vec::new())?;
        Ok(Self {
            path,
            content,
            encoding,
            transcoder: Transcoder::new(encoding),
            dialect,
            chunk_bytes,
            skip: body.text_before,
            rest: Vec::new(),
            block: Vec::new(),
            is_end: false,
            disk_bytes: 0,
            place: Place::new(body),
            spans: Vec::new(),
        })
    }

    /// Gives the next chunk.
    pub(super) fn next(&mut self) -> Result<Option<Chunk<'static>>> {
        let mut want = self.chunk_bytes;
        loop {
            self.fill(want)?;
            let text = Text { bytes: &self.rest, is_end: self.is_end };
            let cut = cut(text, &self.dialect, usize::MAX, &mut self.spans).map_err(|error| self.place.too_long(self.path, error))?;
            if cut.end > 0 {
                return Ok(Some(self.give(cut)));
            }
            if self.is_end {
                return Ok(None);
            }
            want = self.rest.len() * 2;
            if want > 4 * LINE_BYTES_MAX {
                bail!("internal error: {} bytes of text without a record", self.rest.len());
            }
        }
    }

    /// Reads on until there are `want` bytes of text.
    fn fill(&mut self, want: usize) -> Result<()> {
        while !self.is_end && self.rest.len() < want {
            let count = want - self.rest.len();
            if self.encoding == Encoding::Utf8 {
                self.is_end = self.content.read_up_to(self.path, count, &mut self.rest)? < count;
            } else {
                self.block.clear();
                self.is_end = self.content.read_up_to(self.path, count, &mut self.block)? < count;
                self.transcoder.push(&self.block, self.is_end, &mut self.rest);
            }
            let skipped = self.skip.min(self.rest.len());
            self.rest.drain(..skipped);
            self.skip -= skipped;
        }
        Ok(())
    }

    fn give(&mut self, cut: Cut) -> Chunk<'static> {
        let mut next = Vec::with_capacity(self.chunk_bytes.max(self.rest.len() - cut.end));
        next.extend_from_slice(&self.rest[cut.end..]);
        let original = self.encoding.original_bytes(&self.rest[..cut.end]);
        let buffer = Buffer::from_vec(std::mem::replace(&mut self.rest, next));
        let disk_bytes = self.content.disk_bytes() - self.disk_bytes;
        self.disk_bytes += disk_bytes;
        self.place.chunk(buffer, self.is_end, cut, original, disk_bytes)
    }
}
