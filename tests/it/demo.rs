//! The demo gives exactly what was planted in it: the first thing that a new user sees is right to the last finding.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn batches(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

/// Gives the text of a cell; null is empty, a list is joined by commas.
fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("no column {column}"));
    if array.is_null(row) {
        return String::new();
    }
    if let Some(lists) = array.as_list_opt::<i32>() {
        let values = lists.value(row);
        return values.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join(",");
    }
    let plain = arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8).unwrap();
    plain.as_string::<i32>().value(row).to_owned()
}

/// Counts equal rows of some columns.
fn rows(path: &Path, columns: &[&str]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for batch in batches(path) {
        for row in 0..batch.num_rows() {
            let line = columns.iter().map(|column| text(&batch, column, row)).collect::<Vec<_>>().join(" | ");
            *counts.entry(line).or_default() += 1;
        }
    }
    counts
}

/// Adds up records by source and disposition.
fn ledger(path: &Path) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for batch in batches(path) {
        let records = batch.column_by_name("records").unwrap().as_primitive::<UInt64Type>().clone();
        for row in 0..batch.num_rows() {
            *sums.entry(format!("{} {}", text(&batch, "source", row), text(&batch, "disposition", row))).or_default() += records.value(row);
        }
    }
    sums.retain(|_, records| *records > 0);
    sums
}

#[track_caller]
fn check_equal(what: &str, planted: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) {
    let only = |left: &BTreeMap<String, u64>, right: &BTreeMap<String, u64>| {
        let lines = left.iter().filter(|(line, count)| right.get(*line) != Some(count)).take(10);
        lines.map(|(line, count)| format!("  {count} x {line}\n")).collect::<String>()
    };
    assert!(planted == found, "{what}: planted\n{}found\n{}", only(planted, found), only(found, planted));
}

#[test]
fn the_demo_finds_what_was_planted() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo");
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let program = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .args(["reconcile", "--progress", "none", "-c"])
        .arg(demo.join("counterfoil.toml"))
        .arg("-o")
        .arg(&run)
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&program.stderr);
    assert_eq!(program.status.code(), Some(1), "the demo has findings: {talk}");
    assert!(talk.contains(&run.join("report.html").display().to_string()), "the path of the report is shown: {talk}");
    let columns = ["code", "subtype", "severity", "item", "serial", "lot", "sources", "record_count"];
    check_equal("findings", &rows(&demo.join("truth.parquet"), &columns), &rows(&run.join("findings.parquet"), &columns));
    check_equal("ledger", &ledger(&demo.join("truth_ledger.parquet")), &ledger(&run.join("ledger.parquet")));
}
