//! Proves that evidence shows serials as the files hold them, although most are not read a second time but told by their records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::truth::{batches, call};

/// The texts of a column, blank where null.
fn texts(batches: &[RecordBatch], name: &str) -> Vec<String> {
    let texts = batches.iter().flat_map(|batch| {
        let column = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let column = column.as_string::<i32>().clone();
        (0..column.len())
            .map(move |row| if column.is_valid(row) { column.value(row).to_owned() } else { String::new() })
            .collect::<Vec<_>>()
    });
    texts.collect()
}

/// The Parquet files below a folder of synthetic data.
fn inputs(data: &Path) -> Vec<PathBuf> {
    let files = |source: &str| std::fs::read_dir(data.join(source)).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    ["supplier", "erp", "warranty"]
        .into_iter()
        .flat_map(files)
        .filter(|path| path.extension().is_some_and(|kind| kind == "parquet"))
        .collect()
}

/// Runs a data set and compares the serials of its evidence with the files; gives how many rows were compared and how many were not plain.
fn compare(data: &Path, run: &str) -> (usize, usize) {
    let out = data.join(run);
    call(&["reconcile", "-q", "--exit-zero", "-c", data.join("counterfoil.toml").to_str().unwrap(), "-o", out.to_str().unwrap()]);
    let serials: BTreeMap<String, Vec<String>> =
        inputs(data).into_iter().map(|path| (path.display().to_string(), texts(&batches(&path), "serial"))).collect();
    let evidence = batches(&out.join("evidence.parquet"));
    let (files, raws, keys) = (texts(&evidence, "file"), texts(&evidence, "serial_raw"), texts(&evidence, "serial_key"));
    let records = evidence.iter().flat_map(|batch| batch.column_by_name("record").unwrap().as_primitive::<UInt64Type>().values().to_vec());
    let mut odd = 0;
    for (at, record) in records.enumerate() {
        assert_eq!(raws[at], serials[&files[at]][record as usize - 1], "{} record {record}", files[at]);
        odd += usize::from(raws[at] != keys[at]);
    }
    (files.len(), odd)
}

/// Writes a file again with its serials changed, plain or by dictionary.
fn rewrite(path: &Path, by_dictionary: bool, change: impl Fn(usize, &str) -> String) {
    let batches = batches(path);
    let schema = batches[0].schema();
    let properties = WriterProperties::builder().set_column_dictionary_enabled("serial".into(), by_dictionary).build();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), Arc::clone(&schema), Some(properties)).unwrap();
    let mut row = 0;
    for batch in batches {
        let serials = texts(std::slice::from_ref(&batch), "serial");
        let changed = serials.iter().map(|serial| {
            row += 1;
            if serial.is_empty() { None } else { Some(change(row, serial)) }
        });
        let changed: ArrayRef = Arc::new(changed.collect::<StringArray>());
        let at = schema.index_of("serial").unwrap();
        let mut columns = batch.columns().to_vec();
        columns[at] = cast(&changed, schema.field(at).data_type()).unwrap();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn serials_are_shown_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    call(&["synth", "--units", "30000", "--seed", "12", "--defects", "all=0.02", "--out", data.to_str().unwrap()]);
    // Few are not told; the same by dictionary; and so many that the column is read again.
    for (run, by_dictionary, every) in [("plain", false, usize::MAX), ("dictionary", true, usize::MAX), ("odd", false, 3)] {
        for path in inputs(&data) {
            rewrite(&path, by_dictionary, |row, serial| if row % every == 0 { format!(" {serial}") } else { serial.to_owned() });
        }
        let (rows, odd) = compare(&data, run);
        assert!(rows > 5_000 && odd > 500, "{run}: {rows} rows, {odd} of them odd");
    }
}
