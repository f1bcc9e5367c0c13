//! Proves that a run finds exactly what was planted: synthetic data sets with every kind of defect, against their truth.
//!
//! Generator and engine were written apart; `COUNTERFOIL_TRUTH_UNITS` adds one data set of so many units.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Units of a data set of the plain test.
const UNITS: u64 = 20_000;

/// Seeds of the plain test, each with another kind of file.
const SETS: [(u64, &str); 5] = [(1, "parquet"), (2, "csv"), (3, "mixed"), (4, "parquet"), (5, "mixed")];

/// The most differing lines that a failure shows.
const SHOWN_MAX: usize = 40;

#[test]
fn a_run_finds_what_was_planted() {
    for (seed, format) in SETS {
        check(seed, UNITS, format);
    }
}

#[test]
fn a_large_run_finds_what_was_planted() {
    match std::env::var("COUNTERFOIL_TRUTH_UNITS") {
        Ok(units) => check(7, units.parse().expect("COUNTERFOIL_TRUTH_UNITS is a number"), "parquet"),
        Err(_) => println!("skipped: COUNTERFOIL_TRUTH_UNITS is not set"),
    }
}

/// Makes a data set, runs it, and compares findings and ledger with the truth.
#[track_caller]
fn check(seed: u64, units: u64, format: &str) {
    let directory = tempfile::tempdir().unwrap();
    let (data, run) = (directory.path().join("data"), directory.path().join("run"));
    let (seed_text, units_text) = (seed.to_string(), units.to_string());
    let mut synth = vec!["synth", "--seed", &seed_text, "--units", &units_text, "--format", format, "--defects", "all=0.01,RUN001=0.001"];
    synth.extend(["--foreign-lots", "--numeric-column", "--repeated-file", "--out", data.to_str().unwrap()]);
    call(&synth);
    let configuration = data.join("counterfoil.toml");
    call(&["reconcile", "-q", "--exit-zero", "-c", configuration.to_str().unwrap(), "-o", run.to_str().unwrap()]);
    let what = format!("seed {seed}, {units} units, {format}");
    let expected = planted(&data.join("truth.parquet"));
    assert!(expected.len() > 100, "{what}: few defects were planted");
    compare(&what, &expected, &found(&run.join("findings.parquet")));
    compare(&what, &ledger(&data.join("truth_ledger.parquet")), &ledger(&run.join("ledger.parquet")));
}

/// Runs the binary.
#[track_caller]
pub fn call(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_counterfoil")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Compares lines with how often each stands.
#[track_caller]
pub fn compare(what: &str, expected: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) {
    let mut differences = Vec::new();
    for (line, count) in expected {
        let other = found.get(line).copied().unwrap_or(0);
        if other != *count {
            differences.push(format!("planted {count}, found {other}: {line}"));
        }
    }
    for (line, count) in found.iter().filter(|(line, _)| !expected.contains_key(*line)) {
        differences.push(format!("planted 0, found {count}: {line}"));
    }
    let shown = &differences[..differences.len().min(SHOWN_MAX)];
    assert!(differences.is_empty(), "{what}: {} lines differ\n{}", differences.len(), shown.join("\n"));
}

/// Reads the truth; a placeholder's value stands in its subject, a run shows it in the column of its field.
pub fn planted(path: &Path) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    for batch in batches(path) {
        let texts = |name: &str| texts(&batch, name);
        let (codes, subtypes, severities, sources) = (texts("code"), texts("subtype"), texts("severity"), texts("sources"));
        let (items, serials, lots, subjects) = (texts("item"), texts("serial"), texts("lot"), texts("subject"));
        let counts = batch.column_by_name("record_count").unwrap().as_primitive::<UInt64Type>();
        for row in 0..batch.num_rows() {
            let mut shown = [items[row].clone(), serials[row].clone(), lots[row].clone()];
            if codes[row] == "IDN002" {
                let parts: Vec<&str> = subjects[row].splitn(3, '/').collect();
                shown[["item", "serial", "lot", "supplier_lot"].iter().position(|field| *field == parts[1]).unwrap().min(2)] =
                    parts[2].to_owned();
            }
            let named: Vec<&str> = sources[row].split('+').filter(|name| !name.is_empty()).collect();
            let line = line(&codes[row], &subtypes[row], &severities[row], &shown, &named, counts.value(row));
            *lines.entry(line).or_default() += 1;
        }
    }
    lines
}

/// Reads the findings of a run.
pub fn found(path: &Path) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    for batch in batches(path) {
        let texts = |name: &str| texts(&batch, name);
        let (codes, subtypes, severities) = (texts("code"), texts("subtype"), texts("severity"));
        let (items, serials, lots) = (texts("item"), texts("serial"), texts("lot"));
        let sources = batch.column_by_name("sources").unwrap().as_list::<i32>();
        let counts = batch.column_by_name("record_count").unwrap().as_primitive::<UInt64Type>();
        for row in 0..batch.num_rows() {
            let names = sources.value(row);
            let mut named: Vec<&str> = names.as_string::<i32>().iter().flatten().collect();
            named.sort_unstable();
            let shown = [items[row].clone(), serials[row].clone(), lots[row].clone()];
            let line = line(&codes[row], &subtypes[row], &severities[row], &shown, &named, counts.value(row));
            *lines.entry(line).or_default() += 1;
        }
    }
    lines
}

fn line(code: &str, subtype: &str, severity: &str, shown: &[String; 3], sources: &[&str], record_count: u64) -> String {
    let [item, serial, lot] = shown;
    format!("{code}:{subtype} {severity} {item:?} {serial:?} {lot:?} {} {record_count}", sources.join("+"))
}

/// Adds up the records of a ledger by source and disposition.
pub fn ledger(path: &Path) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for batch in batches(path) {
        let (sources, dispositions) = (texts(&batch, "source"), texts(&batch, "disposition"));
        let records = batch.column_by_name("records").unwrap().as_primitive::<UInt64Type>();
        for row in 0..batch.num_rows() {
            *sums.entry(format!("{} {}", sources[row], dispositions[row])).or_default() += records.value(row);
        }
    }
    sums
}

/// Reads a table.
pub fn batches(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.collect::<Result<_, _>>().unwrap()
}

/// Reads a text column; null is empty.
pub fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = arrow::compute::cast(batch.column_by_name(name).unwrap(), &arrow::datatypes::DataType::Utf8).unwrap();
    let texts = column.as_string::<i32>();
    (0..texts.len()).map(|row| if texts.is_null(row) { String::new() } else { texts.value(row).to_owned() }).collect()
}
