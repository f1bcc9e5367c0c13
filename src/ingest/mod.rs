//! Readers: a file in, morsels of columns out, every record with its number.
//!
//! A reader reads only what is asked for, never infers a type of text, and never drops a record in silence: what it can't
//! read leaves as [`RejectedRecord`].

mod cells;
pub mod csv;
pub mod decompress;
pub mod parquet;
mod unchanged;
pub mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use anyhow::Result;
use arrow::array::{Array, ArrayRef};

pub use cells::{Cells, PackedTexts};

/// One column as a file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The name in the header, with outer blanks and a byte order mark removed.
    pub name: String,
    /// The type in the words of the format, such as `text` or `INT64`.
    pub type_name: String,
    /// The file holds the column as a number: an identifier in it may have lost zeros.
    pub is_number: bool,
    /// Why the column can't be mapped (nested, unsupported type), if so.
    pub unsupported: Option<String>,
}

/// How to read a delimited text file. `None` means: find out, and say what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The delimiter: one of `,`, `;`, tab, `|`.
    pub delimiter: Option<u8>,
    /// The encoding: `utf-8`, `utf-16le`, `utf-16be`, `latin-1`.
    pub encoding: Option<String>,
    /// The line of the header, from 1 (default 1).
    pub header_line: Option<u64>,
}

/// What a reader needs to know to open a file.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// For delimited text.
    pub csv: CsvOptions,
}

/// Which records of a file are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All of them.
    All,
    /// The records with these numbers (from 0, ascending, distinct): the second, narrow read.
    Records(&'a [u32]),
}

/// Part of a file: one row group, or one chunk of text.
#[derive(Debug)]
pub struct Morsel {
    /// The number (from 0) of the part's first record in the file; rejected records count.
    pub first_record: u64,
    /// How many records of the file the part stands for, rejected ones included, as footer or splitter count them.
    pub record_count: u64,
    /// For each row of `columns` the number of its record, relative to `first_record`; `None`: row n is record n.
    pub record_offsets: Option<Vec<u32>>,
    /// How many rows `columns` have.
    pub row_count: usize,
    /// The cells of each asked column. Null where the cell is null; text from delimited files has no nulls.
    pub columns: Vec<Cells>,
    /// The records that could not be read.
    pub rejected: Vec<RejectedRecord>,
    /// Bytes of the file that the part took, for progress.
    pub bytes: u64,
}

/// Tells whether two arrays are the same memory: the parts of one row group share their dictionaries.
pub fn is_same_memory(left: &ArrayRef, right: &ArrayRef) -> bool {
    let (left, right) = (left.to_data(), right.to_data());
    left.len() == right.len() && !left.buffers().is_empty() && left.ptr_eq(&right)
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Number in the file, from 0.
    pub record: u64,
    /// First physical line, from 1, header counted; 0 where the format has no lines.
    pub line: u64,
    /// Offset of its first byte in the (decompressed) file.
    pub byte_offset: u64,
    /// A short fixed name of the reason, such as `ragged`; part of a finding's subject.
    pub reason: &'static str,
    /// What was found and what was expected.
    pub detail: String,
    /// The bytes, at most [`RAW_BYTES_MAX`].
    pub raw: Vec<u8>,
}

/// The most bytes kept of a rejected record.
pub const RAW_BYTES_MAX: usize = 64 * 1024;

/// The most bytes of one cell of text.
pub const FIELD_BYTES_MAX: usize = 1024 * 1024;

/// Takes morsels, from several threads at once and in no order.
pub type MorselSink<'a> = dyn Fn(Morsel) -> Result<()> + Sync + 'a;

/// An opened file.
pub trait TableFile: Send + Sync {
    /// Lists the columns in the order of the file. Duplicate names are kept; mapping refuses them.
    fn columns(&self) -> &[ColumnInfo];

    /// Gives the bytes of some columns before they are compressed, where the file states them; texts that are listed once count once.
    fn text_bytes(&self, _columns: &[usize]) -> Option<u64> {
        None
    }

    /// Gives the number of records where the file states it without being read.
    fn record_count(&self) -> Option<u64>;

    /// Says whether columns that are not asked for cost nothing.
    fn is_columnar(&self) -> bool {
        false
    }

    /// Describes what was found out, such as `csv, ';', utf-16le, gzip`, for the manifest and the report.
    fn description(&self) -> String;

    /// Reads columns (by index) in parallel on the current rayon pool and hands every part to `sink`.
    ///
    /// With [`Wanted::Records`] only parts with wanted records are handed over, their rows are exactly the wanted ones, and `rejected` is empty.
    ///
    /// # Errors
    /// When the file can't be read on: corrupt, truncated, unsupported. The text says file, place, cause and remedy.
    fn scan(&self, columns: &[usize], wanted: Wanted<'_>, progress: &Progress, sink: &MorselSink<'_>) -> Result<()>;
}

/// Counters that readers bump once per part; one thread reads them to draw.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of input done.
    pub bytes_done: Arc<AtomicU64>,
    /// Records done.
    pub records_done: Arc<AtomicU64>,
    /// Set to stop early: readers look at it between parts and end with an error.
    pub cancelled: Arc<AtomicBool>,
}

/// A kind of file that can be read.
pub struct Format {
    /// The name in configuration and reports.
    pub name: &'static str,
    /// File name endings, without the leading dot; compression endings are taken off first.
    pub extensions: &'static [&'static str],
    /// Opens a file: reads footer or header, no records.
    pub open: fn(&Path, &OpenOptions) -> Result<Box<dyn TableFile>>,
}

/// A file of a source, resolved from the patterns of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// The path as it stands in outputs.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Every kind of file that can be read.
pub static FORMATS: &[&Format] = &[&parquet::FORMAT, &csv::FORMAT];

/// Endings of compressed files; only delimited text is read through them.
const COMPRESSED: [&str; 5] = ["", ".gz", ".gzip", ".zst", ".zstd"];

/// Lists the endings of file names that can be read, without the leading dot.
pub fn endings() -> Vec<&'static str> {
    static ENDINGS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        let of = |format: &&'static Format| {
            let compressed = if format.name == csv::FORMAT.name { &COMPRESSED[..] } else { &COMPRESSED[..1] };
            let extensions = format.extensions.iter();
            extensions.flat_map(|extension| compressed.iter().map(move |ending| format!("{extension}{ending}"))).collect::<Vec<_>>()
        };
        FORMATS.iter().flat_map(of).collect()
    });
    ENDINGS.iter().map(String::as_str).collect()
}

/// Opens a file by the ending of its name.
///
/// # Errors
/// When no format has the ending, or the file can't be read.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn TableFile>> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain = COMPRESSED[1..].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let extension = plain.rsplit_once('.').map_or("", |(_, extension)| extension);
    let Some(format) = FORMATS.iter().find(|format| format.extensions.contains(&extension)) else {
        let known: Vec<String> = FORMATS.iter().flat_map(|format| format.extensions).map(|extension| format!(".{extension}")).collect();
        anyhow::bail!("{}: the ending of the name tells no known format; expected one of {}", path.display(), known.join(" "));
    };
    (format.open)(path, options)
}
