//! Times the Parquet reader against the bare decoder on the same text columns: `parquet_speed FILE COLUMN...`.
//!
//! The bare side decodes with one reader of all columns per row group, types as the reader asks for them (`Utf8View`, and dictionaries for
//! columns whose name ends in `lot` or `item`), row groups in parallel. Rounds alternate; the least time of each side is printed.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arrow::datatypes::{DataType, Field, Schema};
use counterfoil::ingest::{OpenOptions, Progress, Wanted, parquet as reader};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;

const ROUNDS: usize = 9;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, names) = arguments.split_first().context("usage: parquet_speed FILE COLUMN...")?;
    let (mut bare_least, mut reader_least) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let bare_rows = bare(Path::new(path), names)?;
        bare_least = bare_least.min(start.elapsed());
        let start = Instant::now();
        let reader_rows = ours(Path::new(path), names)?;
        reader_least = reader_least.min(start.elapsed());
        assert_eq!(bare_rows, reader_rows);
    }
    let percent = (reader_least.as_secs_f64() / bare_least.as_secs_f64() - 1.0) * 100.0;
    anstream::println!("bare {bare_least:?}, reader {reader_least:?}, {percent:+.1} %");
    Ok(())
}

fn bare(path: &Path, names: &[String]) -> Result<usize> {
    let fields: Vec<Field> = {
        let plain = ArrowReaderMetadata::load(&File::open(path)?, ArrowReaderOptions::new().with_skip_arrow_metadata(true))?;
        let wanted = |field: &Field| match field.name().ends_with("lot") || field.name().ends_with("item") {
            true => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            false if *field.data_type() == DataType::Utf8 => DataType::Utf8View,
            false => field.data_type().clone(),
        };
        plain.schema().fields().iter().map(|field| field.as_ref().clone().with_data_type(wanted(field))).collect()
    };
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    let metadata = ArrowReaderMetadata::load(&File::open(path)?, options)?;
    let mask = ProjectionMask::columns(metadata.parquet_schema(), names.iter().map(String::as_str));
    let groups: Vec<usize> = (0..metadata.metadata().num_row_groups()).collect();
    let rows: Result<Vec<usize>> = groups
        .par_iter()
        .with_max_len(1)
        .map(|&group| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path)?, metadata.clone());
            let batches =
                builder.with_projection(mask.clone()).with_row_groups(vec![group]).with_batch_size(reader::PIECE_RECORDS_MAX).build()?;
            batches.map(|batch| Ok(batch?.num_rows())).sum()
        })
        .collect();
    Ok(rows?.iter().sum())
}

fn ours(path: &Path, names: &[String]) -> Result<usize> {
    let table = (reader::FORMAT.open)(path, &OpenOptions::default())?;
    let index = |name: &String| table.columns().iter().position(|info| info.name == *name).context("no such column");
    let columns: Vec<usize> = names.iter().map(index).collect::<Result<_>>()?;
    let progress = Progress::default();
    table.scan(&columns, Wanted::All, &progress, &|morsel| {
        assert_eq!(morsel.columns.len(), columns.len());
        Ok(())
    })?;
    Ok(progress.records_done.load(std::sync::atomic::Ordering::Relaxed) as usize)
}
