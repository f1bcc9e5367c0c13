//! Proves that evidence shows serials as the files hold them, although most are not read a second time but told by their records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use counterfoil::config::{Request, resolve};
use counterfoil::engine::{Watch, local};
use counterfoil::ingest;
use counterfoil_kernel::rules::CATALOGUE;
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

/// Counts the files of a data set, and those whose raw serials are kept instead of read again.
fn kept_files(data: &Path) -> (usize, usize) {
    let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
    let request = Request { config: Some(data.join("counterfoil.toml")), endings: ingest::endings(), ..Request::default() };
    let plan = resolve(&request, &codes, &|path, options| ingest::open(path, options)).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let found = pool.install(|| local::run(&plan, Path::new(""), &Watch::default())).unwrap();
    (found.files.len(), (0..found.files.len() as u32).filter(|&file| found.raws.has(file)).count())
}

#[test]
fn serials_are_shown_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let spoilt = |row: usize, serial: &str| match row % 120 {
        0 => format!(" {serial}"),
        // Upper and lower case eight characters apart, and side by side.
        1 => format!("{}{}", serial.to_lowercase(), serial.to_uppercase()).chars().take(16).collect(),
        2 => format!("x{}", serial.to_uppercase()),
        3 => serial.to_lowercase(),
        4 => format!("=\"{serial}\""),
        _ => serial.to_owned(),
    };
    let often = |row: usize, serial: &str| if row.is_multiple_of(3) { format!(" {serial}") } else { serial.to_owned() };
    // Few are not told; the same by dictionary; and so many that the column is read again.
    type Change<'a> = &'a dyn Fn(usize, &str) -> String;
    for (run, by_dictionary, change, are_kept) in
        [("plain", false, &spoilt as Change<'_>, true), ("dictionary", true, &spoilt, false), ("odd", false, &often, false)]
    {
        let data = folder.path().join(run);
        call(&["synth", "--units", "30000", "--seed", "12", "--defects", "all=0.02", "--out", data.to_str().unwrap()]);
        inputs(&data).iter().for_each(|path| rewrite(path, by_dictionary, change));
        let (files, kept) = kept_files(&data);
        assert_eq!(kept, if are_kept { files } else { 0 }, "{run}: of {files} files");
        let (rows, odd) = compare(&data, "run");
        assert!(rows > 5_000 && odd > 500, "{run}: {rows} rows, {odd} of them odd");
    }
}
