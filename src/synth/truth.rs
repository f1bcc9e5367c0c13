//! The truth of a synthetic data set: the findings that a run must give, and where its records must end.
//!
//! `truth.parquet` has one row per expected finding:
//!
//! | column | content |
//! |---|---|
//! | `code`, `subtype`, `severity` | as in `findings.parquet`; no subtype: empty |
//! | `item`, `serial`, `lot` | as `findings.parquet` shows the subject: of a unit its item, the byte-least serial form of its best-ranked source and the byte-least lot form of the best-ranked source that states one; SER003 and IDN011: the serial's key form alone; IDN008: key form and item; LOT003: item and the lot's key form; ORP002 `item-not-shipped` and IDN001: the item; IDN002: the value, in the column of its field; else empty |
//! | `sources` | the sources of the cited records, sorted, joined with `+`; where none is cited, the sources that the subject names |
//! | `record_count` | how many records are cited; 0 where none is |
//! | `subject` | what else the subject names: SER001, SER002, LOT003 and IDN001 `source`; ORP001 `in-transit` `source/document`; IDN002 `source/field/value`; LOT006 `source/source`; IDN005 `source/file/column`; RUN001 `source/file/reason`; RUN003 `source/file` of the file that is kept; files by name without folder; else empty |
//!
//! `truth_ledger.parquet` has one row per source and disposition, zeros included: `source`, `disposition`, `records`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use counterfoil_kernel::model::{Disposition, Severity};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::record::Feed;

/// A finding that a run must give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// The code.
    pub code: &'static str,
    /// The item shown.
    pub item: String,
    /// The serial shown.
    pub serial: String,
    /// The lot shown.
    pub lot: String,
    /// What else the subject names.
    pub subject: String,
    /// The subtype, or empty.
    pub subtype: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The sources of the cited records.
    pub sources: String,
    /// How many records are cited.
    pub record_count: u64,
}

impl Expected {
    /// Starts a finding that shows and cites nothing.
    pub fn new(code: &'static str, subtype: &'static str, severity: Severity) -> Self {
        Self {
            code,
            item: String::new(),
            serial: String::new(),
            lot: String::new(),
            subject: String::new(),
            subtype,
            severity,
            sources: String::new(),
            record_count: 0,
        }
    }

    /// Shows an item, a serial and a lot.
    pub fn showing(mut self, item: &str, serial: &str, lot: &str) -> Self {
        self.item = item.to_owned();
        self.serial = serial.to_owned();
        self.lot = lot.to_owned();
        self
    }

    /// Names what else the subject names.
    pub fn about(mut self, subject: String) -> Self {
        self.subject = subject;
        self
    }

    /// Cites records by their sources, one entry per record.
    pub fn citing(self, feeds: impl IntoIterator<Item = Feed>) -> Self {
        let feeds: Vec<Feed> = feeds.into_iter().collect();
        let record_count = feeds.len() as u64;
        Self { record_count, ..self.naming(&feeds) }
    }

    /// Names sources without citing a record of them.
    pub fn naming(mut self, feeds: &[Feed]) -> Self {
        let mut names: Vec<&str> = feeds.iter().map(|feed| feed.name()).collect();
        names.sort_unstable();
        names.dedup();
        self.sources = names.join("+");
        self
    }
}

/// Records per source and disposition, in the order of [`Disposition::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    counts: [[u64; 5]; Feed::ALL.len()],
}

impl Ledger {
    /// Adds records of a source that end in a disposition.
    pub fn add(&mut self, feed: Feed, disposition: Disposition, records: u64) {
        self.counts[feed as usize][disposition as usize] += records;
    }

    /// Adds another ledger.
    pub fn merge(&mut self, other: &Self) {
        for (feed, counts) in other.counts.iter().enumerate() {
            for (disposition, count) in counts.iter().enumerate() {
                self.counts[feed][disposition] += count;
            }
        }
    }

    /// Gives how many records of a source end in a disposition.
    pub fn records(&self, feed: Feed, disposition: Disposition) -> u64 {
        self.counts[feed as usize][disposition as usize]
    }

    /// Gives how many records of a source there are, repeated files and rejected records included.
    pub fn read(&self, feed: Feed) -> u64 {
        self.counts[feed as usize].iter().sum()
    }
}

/// Writes `truth.parquet`.
///
/// # Errors
/// When the file can't be written.
pub fn write_findings(path: &Path, findings: &[Expected]) -> Result<()> {
    let text = |get: fn(&Expected) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(findings.iter().map(get))) };
    let batch = RecordBatch::try_from_iter([
        ("code", text(|finding| finding.code)),
        ("subtype", text(|finding| finding.subtype)),
        ("severity", text(|finding| finding.severity.name())),
        ("item", text(|finding| &finding.item)),
        ("serial", text(|finding| &finding.serial)),
        ("lot", text(|finding| &finding.lot)),
        ("sources", text(|finding| &finding.sources)),
        ("record_count", Arc::new(UInt64Array::from_iter_values(findings.iter().map(|finding| finding.record_count))) as ArrayRef),
        ("subject", text(|finding| &finding.subject)),
    ])?;
    write_batch(path, &batch)
}

/// Writes `truth_ledger.parquet`.
///
/// # Errors
/// When the file can't be written.
pub fn write_ledger(path: &Path, ledger: &Ledger, feeds: &[Feed]) -> Result<()> {
    let rows: Vec<(Feed, Disposition)> = feeds.iter().flat_map(|&feed| Disposition::ALL.map(|disposition| (feed, disposition))).collect();
    let batch = RecordBatch::try_from_iter([
        ("source", Arc::new(StringArray::from_iter_values(rows.iter().map(|(feed, _)| feed.name()))) as ArrayRef),
        ("disposition", Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, disposition)| disposition.name())))),
        ("records", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|&(feed, disposition)| ledger.records(feed, disposition))))),
    ])?;
    write_batch(path, &batch)
}

fn write_batch(path: &Path, batch: &RecordBatch) -> Result<()> {
    let written = || -> Result<()> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
        writer.write(batch)?;
        writer.close()?;
        Ok(())
    };
    written().with_context(|| format!("{}: not written", path.display()))
}
