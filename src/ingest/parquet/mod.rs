//! Parquet: row groups in parallel, only the columns that are asked for, dictionaries kept, every page checksum checked.
//!
//! Text is `BYTE_ARRAY` and `FIXED_LEN_BYTE_ARRAY` of any annotation that can be text; a cell that is no UTF-8, has a NUL character or is too long rejects its record.
//! `UUID` comes as its standard text. `INT96` timestamps come to the microsecond. Types that an embedded Arrow schema claims are not
//! looked at: the Parquet schema alone says what a column is.
//!
//! Two decoders: `flat` for the usual encodings of text and integers, and the general one of the `parquet` crate for everything else.
//! Where the first can't read on, the second takes over and has the last word, also on what is wrong with a damaged file.

mod columns;
mod decode;
mod defects;
mod flat;
mod guard;
mod rows;
mod scan;
mod source;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
    RowGroupMetaData,
};

use self::columns::Column;
use self::guard::guarded;
use self::source::FileWindow;
use super::unchanged::Unchanged;
use super::{ColumnInfo, Format, MorselSink, OpenOptions, Progress, TableFile, Wanted};

/// Parquet files.
pub static FORMAT: Format = Format { name: "parquet", extensions: &["parquet", "pq", "parq"], open };

/// The most records handed over at once: a piece and the pages that it comes from stay in the cache of a core, and its memory serves again.
pub const PIECE_RECORDS_MAX: usize = 16 * 1024;

/// What to do about a damaged file.
const DAMAGED: &str = "the file is damaged or was cut short: copy or write it again";

/// What to do where pages can't be told apart from encrypted ones: only the footer of such a file is plain.
const DAMAGED_OR_ENCRYPTED: &str = "the file is damaged or its column is encrypted: copy or write it again, without encryption";

/// The bytes at both ends of a file, and of one whose footer is encrypted.
const MAGIC: &[u8; 4] = b"PAR1";
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";

/// The least size: magic, an empty footer, its length, magic.
const FILE_BYTES_MIN: u64 = 12;

/// An opened file.
struct ParquetFile {
    path: PathBuf,
    file: Arc<File>,
    /// The file when it was opened.
    unchanged: Unchanged,
    metadata: Arc<ParquetMetaData>,
    columns: Vec<Column>,
    infos: Vec<ColumnInfo>,
    /// Number of the first record of each row group, then the number of all records.
    first_records: Vec<u64>,
}

fn open(path: &Path, _options: &OpenOptions) -> Result<Box<dyn TableFile>> {
    Ok(Box::new(ParquetFile::open(path)?))
}

impl ParquetFile {
    fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let unchanged = Unchanged::new(path)?;
        let file = Arc::new(File::open(path).with_context(|| format!("{shown}: can't be opened"))?);
        let length = unchanged.bytes();
        check_magic(path, &file, length)?;
        let options = ParquetMetaDataOptions::new()
            .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let window = FileWindow::new(file.clone(), length, length);
        let metadata = guarded(|| {
            let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Skip);
            reader.with_metadata_options(Some(options)).parse_and_finish(&window)
        })
        .map_err(|cause| anyhow::anyhow!("{shown}: the footer can't be read: {cause}; {DAMAGED}"))?;
        let first_records = first_records(&metadata).map_err(|cause| anyhow::anyhow!("{shown}: {cause}; {DAMAGED}"))?;
        let columns = columns::list(metadata.file_metadata().schema_descr());
        let infos = columns.iter().map(|column| column.info.clone()).collect();
        let file = Self { path: path.to_path_buf(), file, unchanged, metadata: Arc::new(metadata), columns, infos, first_records };
        file.check_chunks()?;
        Ok(file)
    }

    /// Checks that every row group lists a chunk for every column, and that the chunks lie inside the file.
    fn check_chunks(&self) -> Result<()> {
        let leaves = self.metadata.file_metadata().schema_descr().num_columns();
        for (number, row_group) in self.metadata.row_groups().iter().enumerate() {
            if row_group.num_columns() != leaves {
                let found = row_group.num_columns();
                bail!("{}: row group {number} lists {found} columns, expected {leaves}; {DAMAGED}", self.path.display());
            }
            for column in self.columns.iter().filter(|column| column.decoding.is_some()) {
                let chunk = row_group.column(column.leaf);
                if let Err(cause) = check_chunk(chunk, row_group.num_rows(), self.unchanged.bytes()) {
                    return Err(self.damaged(number, &column.info.name, &cause));
                }
            }
        }
        Ok(())
    }

    /// Makes the error for a place that can't be read.
    fn damaged(&self, row_group: usize, column: &str, cause: &str) -> anyhow::Error {
        anyhow::anyhow!("{}: row group {row_group}, column \"{column}\": {cause}; {}", self.path.display(), remedy(cause))
    }
}

/// Says what to do about `cause`.
fn remedy(cause: &str) -> &'static str {
    let lower = cause.to_lowercase();
    let is_unsupported = ["not supported", "unsupported", "disabled feature", "unimplemented"].iter().any(|word| lower.contains(word));
    if is_unsupported {
        "write the file again with another codec or encoding, such as zstd and the writer's defaults"
    } else if cause.contains("Required field") {
        DAMAGED_OR_ENCRYPTED
    } else {
        DAMAGED
    }
}

/// Tells a file that is no Parquet, one that was cut short and one that is encrypted apart, before any of it is decoded.
fn check_magic(path: &Path, file: &Arc<File>, length: u64) -> Result<()> {
    let shown = path.display();
    if length == 0 {
        bail!("{shown}: the file is empty, expected Parquet; write it again");
    }
    let ends = (length >= FILE_BYTES_MIN).then(|| -> parquet::errors::Result<_> {
        use parquet::file::reader::ChunkReader;
        let window = FileWindow::new(file.clone(), length, length);
        Ok((window.get_bytes(0, 4)?, window.get_bytes(length - 4, 4)?))
    });
    let Some(ends) = ends else {
        bail!("{shown}: {length} bytes are too few for a Parquet file (at least {FILE_BYTES_MIN}); {DAMAGED}");
    };
    let (head, tail) = ends.map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
    let is_magic = |bytes: &[u8]| bytes == MAGIC || bytes == MAGIC_ENCRYPTED;
    match (is_magic(&head), is_magic(&tail)) {
        (_, true) if tail == MAGIC_ENCRYPTED[..] => bail!("{shown}: the footer is encrypted; decrypt the file first"),
        (true, true) => Ok(()),
        (true, false) => bail!("{shown}: starts as a Parquet file and does not end as one; {DAMAGED}"),
        (false, _) => bail!(
            "{shown}: not a Parquet file: starts with {:?}, expected {:?}; if it is text, name it .csv",
            String::from_utf8_lossy(&head),
            String::from_utf8_lossy(MAGIC)
        ),
    }
}

/// Adds up the records of the row groups, and compares with the total that the footer states.
fn first_records(metadata: &ParquetMetaData) -> Result<Vec<u64>, String> {
    let mut firsts = vec![0_u64];
    let mut total = 0_u64;
    for (number, row_group) in metadata.row_groups().iter().enumerate() {
        let rows =
            u64::try_from(row_group.num_rows()).map_err(|_| format!("row group {number} states {} records", row_group.num_rows()))?;
        total = total.checked_add(rows).ok_or_else(|| format!("row group {number} states {rows} records"))?;
        firsts.push(total);
    }
    let stated = metadata.file_metadata().num_rows();
    if u64::try_from(stated) != Ok(total) {
        return Err(format!("the footer states {stated} records and its row groups {total}"));
    }
    Ok(firsts)
}

/// Checks what the footer says about a chunk of a column with one value per record.
fn check_chunk(chunk: &ColumnChunkMetaData, rows: i64, length: u64) -> Result<(), String> {
    let (start, bytes) = guarded(|| Ok(chunk.byte_range()))?;
    if start.checked_add(bytes).is_none_or(|end| end > length) {
        return Err(format!("its {bytes} bytes from byte {start} reach beyond the end of the file at {length}"));
    }
    if chunk.num_values() != rows {
        return Err(format!("holds {} values for {rows} records", chunk.num_values()));
    }
    Ok(())
}

impl TableFile for ParquetFile {
    fn columns(&self) -> &[ColumnInfo] {
        &self.infos
    }

    fn text_bytes(&self, columns: &[usize]) -> Option<u64> {
        let of = |group: &RowGroupMetaData| {
            columns.iter().map(|&column| group.column(self.columns[column].leaf).uncompressed_size().max(0) as u64).sum::<u64>()
        };
        Some(self.metadata.row_groups().iter().map(of).sum())
    }

    fn record_count(&self) -> Option<u64> {
        self.first_records.last().copied()
    }

    fn is_columnar(&self) -> bool {
        true
    }

    fn description(&self) -> String {
        let mut codecs: Vec<String> = Vec::new();
        for chunk in self.metadata.row_groups().iter().flat_map(|row_group| row_group.columns()) {
            let codec = chunk.compression().to_string();
            let name = codec.split('(').next().unwrap_or(&codec).to_lowercase();
            if !codecs.contains(&name) {
                codecs.push(name);
            }
        }
        codecs.sort_unstable();
        let groups = self.metadata.num_row_groups();
        let words = if groups == 1 { "row group" } else { "row groups" };
        std::iter::once(format!("parquet, {groups} {words}")).chain(codecs).collect::<Vec<_>>().join(", ")
    }

    fn scan(&self, columns: &[usize], wanted: Wanted<'_>, progress: &Progress, sink: &MorselSink<'_>) -> Result<()> {
        self.unchanged.during(|| scan::scan(self, columns, wanted, progress, sink))
    }
}
