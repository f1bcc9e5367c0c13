//! Delimited text: detected, cut exactly at record boundaries, parsed in parallel, never silently different.
//!
//! - What a record is, and what becomes of a line that is none: `walk.rs`. What is not read exactly is rejected by name: `reject.rs`.
//! - Cells are raw: neither trimmed nor typed, and never null. Names in the header are trimmed.
//! - A blank line is no record, except in a file of one column, where it is a record with a blank value.
//! - Lines end with LF or CR LF; with CR where the first part of the file has no LF outside quotes. Any other CR is content.
//! - A first line `sep=;` and blank lines before the header are passed over, unless the line of the header is given.
//! - Bytes that are not UTF-8 are never guessed at: the record is rejected until the encoding is declared. UTF-16 shows by itself.
//! - Numbers, lines, offsets and texts of rejected records don't depend on chunks or threads.

mod block;
mod chunks;
mod dialect;
mod encoding;
mod fields;
mod reject;
mod scan;
mod split;
mod walk;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Result, bail};

use self::chunks::{Body, Known, Mapped, Streamed};
use self::dialect::{Given, Head};
use self::encoding::{Encoding, Transcoder};
use self::walk::Text;
use super::decompress::{Compression, Content};
use super::unchanged::Unchanged;
use super::{ColumnInfo, CsvOptions, Format, MorselSink, OpenOptions, Progress, TableFile, Wanted};
use crate::pages::FileMap;

/// Delimited text.
pub static FORMAT: Format = Format { name: "csv", extensions: &["csv", "tsv", "txt", "tab", "psv", "dat"], open };

/// Bytes of text per chunk: a few milliseconds of parsing, so that threads end together, and little beside the memory of a run.
pub const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// Bytes looked at to find out delimiter and header.
const HEAD_BYTES: usize = 256 * 1024;

/// The most bytes in which the header must end.
const HEAD_BYTES_MAX: usize = 16 * 1024 * 1024;

fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn TableFile>> {
    Ok(Box::new(CsvFile::open(path, &options.csv)?))
}

/// An opened file of delimited text.
pub struct CsvFile {
    path: PathBuf,
    compression: Compression,
    encoding: Encoding,
    head: Head,
    columns: Vec<ColumnInfo>,
    body: Body,
    /// The file when it was opened.
    unchanged: Unchanged,
    /// The chunks that a read of the whole file told, in order: a second, narrow read need not look for them.
    known: OnceLock<Vec<Known>>,
}

impl CsvFile {
    /// Opens a file: finds out what was not told, and reads the header.
    ///
    /// # Errors
    /// When the file can't be read, is empty, has no readable header, or contradicts what was told.
    pub fn open(path: &Path, options: &CsvOptions) -> Result<Self> {
        let unchanged = Unchanged::new(path)?;
        if unchanged.bytes() == 0 {
            bail!("{}: the file is empty; expected a header line", path.display());
        }
        let mut wanted = HEAD_BYTES;
        loop {
            let mut content = Content::open(path)?;
            let mut bytes = Vec::new();
            let is_end = content.read_up_to(path, wanted, &mut bytes)? < wanted;
            let (encoding, mark) = Encoding::detect(&bytes, options.encoding.as_deref()).with_context(|| path.display().to_string())?;
            let mut text = Vec::new();
            Transcoder::new(encoding).push(&bytes[mark..], is_end, &mut text);
            let given = Given { delimiter: options.delimiter, header_line: options.header_line, encoding };
            let head = dialect::read(Text { bytes: &text, is_end }, &given).with_context(|| path.display().to_string())?;
            if let Some(head) = head {
                let origin = mark as u64 + encoding.original_bytes(&text[..head.body]);
                let body = Body { mark, text_before: head.body, origin, line: head.lines + 1 };
                let columns = head.names.iter().map(|name| text_column(name)).collect();
                return Ok(Self {
                    path: path.to_path_buf(),
                    compression: content.compression(),
                    encoding,
                    head,
                    columns,
                    body,
                    unchanged,
                    known: OnceLock::new(),
                });
            }
            if wanted >= HEAD_BYTES_MAX {
                bail!("{}: no header within the first {wanted} bytes; is the file delimited text?", path.display());
            }
            wanted *= 8;
        }
    }

    /// Scans like [`TableFile::scan`], in chunks of about `chunk_bytes`. Results don't depend on that number.
    ///
    /// # Errors
    /// See [`TableFile::scan`].
    pub fn scan_in_chunks(
        &self,
        columns: &[usize],
        wanted: Wanted<'_>,
        progress: &Progress,
        sink: &MorselSink<'_>,
        chunk_bytes: usize,
    ) -> Result<()> {
        if let Some(column) = columns.iter().find(|column| **column >= self.columns.len()) {
            bail!("internal error: {}: column {column} asked, there are {}", self.path.display(), self.columns.len());
        }
        let (dialect, encoding) = (self.head.dialect, self.encoding);
        let job = scan::Job { dialect, encoding, columns, wanted, progress, sink, known: None };
        self.unchanged.during(|| self.scan_job(&job, chunk_bytes))
    }

    fn scan_job(&self, job: &scan::Job<'_>, chunk_bytes: usize) -> Result<()> {
        let scan::Job { dialect, encoding, .. } = *job;
        let map = match (self.compression, encoding) {
            (Compression::None, Encoding::Utf8) => {
                let file = File::open(&self.path).with_context(|| format!("{}: can't be opened", self.path.display()))?;
                // What can't be mapped is read as a stream.
                FileMap::new(&file).ok()
            }
            _ => None,
        };
        match map {
            Some(map) => {
                let mut chunks = Mapped::new(&self.path, map, dialect, &self.body, chunk_bytes);
                match (job.wanted, self.known.get()) {
                    (Wanted::Records(numbers), Some(known)) => {
                        let mut known = known.iter();
                        scan::scan(job, || Ok(chunks.next_known(&mut known, numbers)))
                    }
                    (Wanted::Records(_), None) => scan::scan(job, || chunks.next()),
                    (Wanted::All, _) => self.scan_all(job, &mut chunks),
                }
            }
            None => {
                let mut chunks = Streamed::new(&self.path, encoding, dialect, &self.body, chunk_bytes)?;
                scan::scan(job, || chunks.next())
            }
        }
        .with_context(|| format!("{}: can't be read to the end", self.path.display()))
    }
}

impl CsvFile {
    /// Scans a mapped file as a whole, and keeps what its chunks told.
    fn scan_all(&self, job: &scan::Job<'_>, chunks: &mut Mapped<'_>) -> Result<()> {
        let known = Mutex::new(Vec::new());
        scan::scan(&scan::Job { known: Some(&known), ..*job }, || chunks.next())?;
        let mut known = known.into_inner().expect("the scan has ended");
        known.sort_by_key(Known::first_record);
        // What was kept of a scan before is as good.
        let _: Result<(), _> = self.known.set(known);
        Ok(())
    }
}

fn text_column(name: &str) -> ColumnInfo {
    ColumnInfo { name: name.to_string(), type_name: "text".to_string(), is_number: false, unsupported: None }
}

impl TableFile for CsvFile {
    fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    fn record_count(&self) -> Option<u64> {
        None
    }

    fn description(&self) -> String {
        let mut parts = vec!["csv".to_string()];
        parts.push(match self.columns.len() {
            1 => "one column".to_string(),
            _ => dialect::delimiter_name(self.head.dialect.delimiter),
        });
        parts.push(self.encoding.name().to_string());
        if self.compression != Compression::None {
            parts.push(self.compression.name().to_string());
        }
        if self.head.dialect.line_end == b'\r' {
            parts.push("lines end with carriage returns".to_string());
        }
        if self.head.header_line != 1 {
            parts.push(format!("header on line {}", self.head.header_line));
        }
        parts.join(", ")
    }

    fn scan(&self, columns: &[usize], wanted: Wanted<'_>, progress: &Progress, sink: &MorselSink<'_>) -> Result<()> {
        self.scan_in_chunks(columns, wanted, progress, sink, CHUNK_BYTES)
    }
}
