//! The format's own test files: every file and column either reads as recorded or is refused as recorded.
//!
//! The table `parquet_outcomes.txt` is written by this test (`UPDATE=1`), and `tests/oracle/parquet_conformance.py` proves its digests against
//! pyarrow. So this test needs no Python, and a change of a single value or message shows in the table.

#![allow(clippy::unwrap_used, reason = "the exemption for tests does not reach the functions beside them")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use counterfoil::ingest::value::TextColumn;
use counterfoil::ingest::{OpenOptions, Progress, TableFile, Wanted, parquet};
use sha2::{Digest, Sha256};

const OUTCOMES: &str = "tests/it/parquet_outcomes.txt";

#[test]
fn the_formats_test_files_read_as_recorded() {
    let Some(vectors) = std::env::var_os("COUNTERFOIL_VECTORS") else {
        println!("skipped: COUNTERFOIL_VECTORS names no folder");
        return;
    };
    let folder = Path::new(&vectors).join("parquet_testing");
    let mut found = String::from(
        "# What the reader makes of the format's test files. Written by the test with UPDATE=1; the digests are proved against pyarrow by\n\
         # tests/oracle/parquet_conformance.py, which also lists where the two differ in what they refuse.\n",
    );
    for (name, path) in files(&folder) {
        found.push_str(&outcome(&name, &path).replace(&format!("{}/", folder.display()), ""));
    }
    let table = crate::root().join(OUTCOMES);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&table, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&table).unwrap();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

/// Every Parquet file below `folder`, by name.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for part in ["data", "data/aes256", "data/geospatial", "bad_data"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().to_string();
            if name.ends_with(".parquet") || name.ends_with(".parquet.encrypted") {
                files.insert(format!("{part}/{name}"), path);
            }
        }
    }
    assert!(files.len() > 90, "{} files in {}", files.len(), folder.display());
    files
}

fn outcome(name: &str, path: &Path) -> String {
    let table = match (parquet::FORMAT.open)(path, &OpenOptions::default()) {
        Ok(table) => table,
        Err(error) => return format!("{name}: refused: {error:#}\n"),
    };
    let mut text = format!("{name}: {} records, {}\n", table.record_count().unwrap(), table.description());
    for (index, info) in table.columns().iter().enumerate() {
        let outcome = match &info.unsupported {
            Some(reason) => format!("unsupported: {reason}"),
            None => read(table.as_ref(), index).unwrap_or_else(|error| format!("refused: {error:#}")),
        };
        let number = if info.is_number { ", a number" } else { "" };
        writeln!(text, "  {index} {} ({}{number}): {outcome}", info.name, info.type_name).unwrap();
    }
    text
}

/// Reads a column and gives its count of values, nulls and rejected records, and the digest that the oracle computes too.
fn read(table: &dyn TableFile, index: usize) -> Result<String> {
    let lines = Mutex::new(Vec::new());
    table.scan(&[index], Wanted::All, &Progress::default(), &|morsel| {
        let text = TextColumn::new(&morsel.columns[0])?;
        let mut lines = lines.lock().unwrap();
        for (row, value) in text.iter().enumerate() {
            let offset = morsel.record_offsets.as_ref().map_or(row as u64, |offsets| u64::from(offsets[row]));
            lines.push((morsel.first_record + offset, value.map_or("n".to_string(), |value| format!("v\t{}", escaped(value)))));
        }
        for rejected in &morsel.rejected {
            let raw: String = rejected.raw.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push((rejected.record, format!("r\t{}\t{raw}", rejected.reason)));
        }
        Ok(())
    })?;
    let mut lines = lines.into_inner().unwrap();
    lines.sort();
    assert!((0..).zip(&lines).all(|(record, line)| line.0 == record), "record numbers have gaps");
    let mut digest = Sha256::new();
    for (_, line) in &lines {
        digest.update(line);
        digest.update("\n");
    }
    let hex: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let count = |kind: char| lines.iter().filter(|(_, line)| line.starts_with(kind)).count();
    Ok(format!("{} values, {} nulls, {} rejected, {hex}", count('v'), count('n'), count('r')))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}
