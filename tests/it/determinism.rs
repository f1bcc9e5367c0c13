//! Proves that a run says the same whatever the threads, and whatever the order, split and kind of files.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use counterfoil::ingest::{self, Morsel, OpenOptions, Progress, Wanted};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::truth::call;

/// Files that one file is split into.
const SPLIT: usize = 5;

/// A file as texts.
struct Sheet {
    source: String,
    name: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

#[test]
fn threads_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["parquet", "csv"] {
        let data = folder.path().join(format);
        synth(&data, format, "all=0.02,RUN001=0.002");
        let outs: Vec<_> = ["1", "2", "8"].map(|threads| run(&data, &format!("run-{threads}"), threads)).into();
        for other in &outs[1..] {
            for name in ["findings.parquet", "evidence.parquet", "ledger.parquet", "rejected.parquet", "summary.json", "report.html"] {
                assert!(fs::read(outs[0].join(name)).unwrap() == fs::read(other.join(name)).unwrap(), "{format}: {name} differs");
            }
            let (mut left, mut right) = (manifest_of(&outs[0]), manifest_of(other));
            assert_ne!(left["execution"].take(), right["execution"].take(), "{format}: two runs are told apart");
            assert_eq!(left, right, "{format}: the manifests differ beside the execution");
        }
    }
}

#[test]
fn order_and_split_of_files_and_their_kind_change_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    synth(&data, "csv", "all=0.02");
    let expected = fs::read(run(&data, "run", "2").join("findings.parquet")).unwrap();
    let sheets = sheets(&data);
    assert!(sheets.len() > 3, "{} files", sheets.len());
    let configuration = fs::read_to_string(data.join("counterfoil.toml")).unwrap();
    let write = |name: &str, sheets: &[Sheet], put: fn(&Path, &Sheet)| {
        let data = folder.path().join(name);
        fs::create_dir(&data).unwrap();
        let of_any_kind: String = configuration.lines().filter(|line| !line.starts_with("csv =")).map(|line| format!("{line}\n")).collect();
        fs::write(data.join("counterfoil.toml"), of_any_kind).unwrap();
        for sheet in sheets {
            fs::create_dir_all(data.join(&sheet.source)).unwrap();
            put(&data.join(&sheet.source), sheet);
        }
        let findings = fs::read(run(&data, "run", "2").join("findings.parquet")).unwrap();
        assert!(findings == expected, "{name}: the findings differ");
    };
    write("written-again", &sheets, put_csv);
    write("text-typed-parquet", &sheets, put_parquet);
    write("other-order", &renamed(&sheets), put_csv);
    write("split", &split(&sheets), put_csv);
    write("split-parquet", &split(&sheets), put_parquet);
}

#[test]
fn the_order_in_which_files_are_listed_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    synth(&data, "csv", "all=0.02");
    let mut paths: Vec<String> =
        fs::read_dir(data.join("supplier")).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    paths.sort();
    let listed = |name: &str, paths: &[String]| {
        let out = folder.path().join(name);
        let (erp, warranty) = (data.join("erp"), data.join("warranty"));
        let mut arguments = vec!["reconcile", "-q", "--exit-zero", "--as-of", "2026-06-30", "-o", out.to_str().unwrap(), "--supplier"];
        arguments.extend(paths.iter().map(String::as_str));
        arguments.extend(["--erp", erp.to_str().unwrap(), "--warranty", warranty.to_str().unwrap()]);
        call(&arguments);
        ["findings.parquet", "evidence.parquet", "summary.json"].map(|name| fs::read(out.join(name)).unwrap())
    };
    let forward = listed("forward", &paths);
    paths.reverse();
    assert!(paths.len() > 2 && forward == listed("backward", &paths), "the outputs differ");
}

fn synth(data: &Path, format: &str, defects: &str) {
    call(&["synth", "--seed", "21", "--units", "8000", "--format", format, "--defects", defects, "--out", data.to_str().unwrap()]);
}

/// Runs the configuration of a folder.
#[track_caller]
fn run(data: &Path, name: &str, threads: &str) -> std::path::PathBuf {
    let (configuration, out) = (data.join("counterfoil.toml"), data.join(name));
    let (configuration, out_text) = (configuration.to_str().unwrap(), out.to_str().unwrap());
    call(&["reconcile", "-q", "--exit-zero", "-c", configuration, "-o", out_text, "--threads", threads]);
    out
}

fn manifest_of(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap()
}

/// Reads the CSV files of a data set as texts.
fn sheets(data: &Path) -> Vec<Sheet> {
    let mut sheets = Vec::new();
    for source in ["supplier", "erp", "warranty"] {
        let mut paths: Vec<_> = fs::read_dir(data.join(source)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let file = ingest::open(&path, &OpenOptions::default()).unwrap();
            let header: Vec<String> = file.columns().iter().map(|column| column.name.clone()).collect();
            let columns: Vec<usize> = (0..header.len()).collect();
            let morsels = Mutex::new(Vec::new());
            let sink = |morsel: Morsel| {
                morsels.lock().unwrap().push(morsel);
                Ok(())
            };
            file.scan(&columns, Wanted::All, &Progress::default(), &sink).unwrap();
            let mut morsels = morsels.into_inner().unwrap();
            morsels.sort_by_key(|morsel| morsel.first_record);
            let rows = morsels.iter().flat_map(rows_of).collect();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            sheets.push(Sheet { source: source.to_owned(), name, header, rows });
        }
    }
    sheets
}

fn rows_of(morsel: &Morsel) -> Vec<Vec<String>> {
    assert!(morsel.rejected.is_empty(), "{:?}", morsel.rejected);
    let columns: Vec<ArrayRef> = morsel.columns.iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
    (0..morsel.row_count).map(|row| columns.iter().map(|column| column.as_string::<i32>().value(row).to_owned()).collect()).collect()
}

/// Gives files names in the reverse order.
fn renamed(sheets: &[Sheet]) -> Vec<Sheet> {
    let named = |(index, sheet): (usize, &Sheet)| Sheet {
        source: sheet.source.clone(),
        name: format!("part-{:02}", 99 - index),
        header: sheet.header.clone(),
        rows: sheet.rows.iter().rev().cloned().collect(),
    };
    sheets.iter().enumerate().map(named).collect()
}

/// Deals the records of each file out to several.
fn split(sheets: &[Sheet]) -> Vec<Sheet> {
    let part = |sheet: &Sheet, part: usize| Sheet {
        source: sheet.source.clone(),
        name: format!("{}-{part}", sheet.name),
        header: sheet.header.clone(),
        rows: sheet.rows.iter().skip(part).step_by(SPLIT).cloned().collect(),
    };
    sheets.iter().flat_map(|sheet| (0..SPLIT).map(move |index| part(sheet, index))).collect()
}

fn put_csv(folder: &Path, sheet: &Sheet) {
    let line =
        |row: &Vec<String>| row.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n";
    let text: String = std::iter::once(&sheet.header).chain(&sheet.rows).map(line).collect();
    fs::write(folder.join(format!("{}.csv", sheet.name)), text).unwrap();
}

/// Writes a file whose columns are all text, with null for a blank.
fn put_parquet(folder: &Path, sheet: &Sheet) {
    let fields: Vec<Field> = sheet.header.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let column = |index: usize| -> ArrayRef {
        let values = sheet.rows.iter().map(|row| Some(row[index].as_str()).filter(|value| !value.is_empty()));
        Arc::new(values.collect::<StringArray>())
    };
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), (0..sheet.header.len()).map(column).collect()).unwrap();
    let file = fs::File::create(folder.join(format!("{}.parquet", sheet.name))).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(700)).build();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
