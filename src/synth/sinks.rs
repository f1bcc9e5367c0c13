//! The files of a data set: which record goes where, and the writers.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use super::encode::{header, schema};
use super::record::Feed;

/// Records of a row group.
const ROW_GROUP_RECORDS: usize = 1 << 20;

/// The kind of files to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet.
    Parquet,
    /// Delimited text.
    Csv,
    /// Parquet, every third file of a source delimited text.
    Mixed,
}

/// A file of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileKey {
    /// Its source.
    pub feed: Feed,
    /// Its number in the source, from 0.
    pub number: usize,
    /// It stores serials as numbers.
    pub numeric_serial: bool,
}

/// Part of a file, encoded.
pub enum Encoded {
    /// For Parquet.
    Batch(RecordBatch),
    /// For delimited text.
    Text(Vec<u8>),
}

impl Format {
    /// Tells whether a file is delimited text.
    pub const fn is_text(self, file: FileKey) -> bool {
        !file.numeric_serial
            && match self {
                Self::Parquet => false,
                Self::Csv => true,
                Self::Mixed => file.number % 3 == 1,
            }
    }

    /// Gives a file's name without its folder.
    pub fn file_name(self, file: FileKey) -> String {
        let ending = if self.is_text(file) { "csv" } else { "parquet" };
        let kind = if file.numeric_serial { "-numeric" } else { "" };
        format!("{}{kind}-{:02}.{ending}", file.feed.name(), file.number)
    }
}

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Text(BufWriter<File>),
}

/// An open file.
struct Sink {
    file: FileKey,
    path: PathBuf,
    writer: Writer,
}

/// The open files of a data set.
pub struct Sinks {
    sinks: Vec<Sink>,
}

impl Sinks {
    /// Creates files and their folders.
    ///
    /// # Errors
    /// When a file can't be created.
    pub fn create(out: &Path, format: Format, files: &[FileKey]) -> Result<Self> {
        let sinks = files.iter().map(|&file| {
            let folder = out.join(file.feed.name());
            fs::create_dir_all(&folder).with_context(|| format!("{}: folder not created", folder.display()))?;
            let path = folder.join(format.file_name(file));
            let writer = create(&path, file, format.is_text(file)).with_context(|| format!("{}: not created", path.display()))?;
            Ok(Sink { file, path, writer })
        });
        Ok(Self { sinks: sinks.collect::<Result<_>>()? })
    }

    /// Appends parts of one block, each to its file; files are written side by side.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn append(&mut self, parts: &[Vec<(FileKey, Encoded)>]) -> Result<()> {
        self.sinks.par_iter_mut().try_for_each(|sink| {
            let file = sink.file;
            for (_, part) in parts.iter().flatten().filter(|(other, _)| *other == file) {
                sink.append(part).with_context(|| format!("{}: not written", sink.path.display()))?;
            }
            Ok(())
        })
    }

    /// Finishes all files.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn close(self) -> Result<()> {
        self.sinks.into_par_iter().try_for_each(|sink| {
            let closed = match sink.writer {
                Writer::Parquet(writer) => writer.close().map(|_| ()).map_err(anyhow::Error::from),
                Writer::Text(mut writer) => writer.flush().map_err(anyhow::Error::from),
            };
            closed.with_context(|| format!("{}: not finished", sink.path.display()))
        })
    }
}

impl Sink {
    fn append(&mut self, part: &Encoded) -> Result<()> {
        match (&mut self.writer, part) {
            (Writer::Parquet(writer), Encoded::Batch(batch)) => writer.write(batch)?,
            (Writer::Text(writer), Encoded::Text(text)) => writer.write_all(text)?,
            _ => unreachable!("parts are encoded for the format of their file"),
        }
        Ok(())
    }
}

fn create(path: &Path, file: FileKey, is_text: bool) -> Result<Writer> {
    let mut target = File::create(path)?;
    if is_text {
        target.write_all(header(file.feed).as_bytes())?;
        return Ok(Writer::Text(BufWriter::with_capacity(1 << 20, target)));
    }
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_RECORDS))
        // Serials and claims are nearly unique: a dictionary of them would only be thrown away.
        .set_column_dictionary_enabled(ColumnPath::from("serial"), false)
        .set_column_dictionary_enabled(ColumnPath::from("claim"), false)
        .build();
    Ok(Writer::Parquet(Box::new(ArrowWriter::try_new(target, schema(file.feed, file.numeric_serial), Some(properties))?)))
}
