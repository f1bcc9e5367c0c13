//! Proves that a run says the same whatever the threads, and whatever the order, split and kind of files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use counterfoil::cli::reconcile::execute;
use counterfoil::config::{Request, resolve};
use counterfoil::engine::Watch;
use counterfoil::engine::partitions::SLAB_BYTES;
use counterfoil::fault::{Cause, cause_of};
use counterfoil::ingest::value::TextColumn;
use counterfoil::ingest::{self, Morsel, OpenOptions, Progress, Wanted};
use counterfoil::memory::Memory;
use counterfoil_kernel::rules::CATALOGUE;
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

/// Runs what a configuration asks for with two threads and room for so many slabs of records and so many bytes of rows.
fn run_in_slabs(data: &Path, out: &Path, (slabs, rows): (u64, u64), watch: Watch) -> anyhow::Result<()> {
    let request = Request {
        config: Some(data.join("counterfoil.toml")),
        out: Some(out.to_owned()),
        endings: ingest::endings(),
        ..Request::default()
    };
    let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
    let plan = resolve(&request, &codes, &|path, options| ingest::open(path, options)).unwrap();
    let memory = Some(Arc::new(Memory::counted(slabs * SLAB_BYTES as u64, rows)));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| execute(&plan, &Watch { memory, ..watch })).map(|_| ())
}

/// Records that memory has no room for are kept on the disk, and tell the same.
#[test]
fn memory_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["parquet", "csv"] {
        let data = folder.path().join(format);
        let text = data.to_str().unwrap();
        call(&["synth", "--seed", "29", "--units", "100000", "--format", format, "--defects", "all=0.01", "--out", text]);
        let run = |slabs: u64, rows: u64| {
            let out = data.join(format!("run-{slabs}-{rows}"));
            let watch = Watch::default();
            let records = watch.evidence.records_done.clone();
            run_in_slabs(&data, &out, (slabs, rows), watch)?;
            let spilled = manifest_of(&out)["execution"]["spilled_bytes"].as_u64().unwrap();
            Ok::<_, anyhow::Error>((out.clone(), spilled, records.load(Ordering::Relaxed)))
        };
        let (whole, spilled, looked_at) = run(1000, u64::MAX).unwrap();
        assert_eq!(spilled, 0, "{format}");
        let mut most = 0;
        // What is written takes 32 MiB, the rows of all findings some 15.
        for (slabs, rows) in [(8, u64::MAX), (1000, 42), (6, 38), (4, 36), (3, 34)] {
            let (out, spilled, own) = run(slabs, rows.saturating_mul(1 << 20)).unwrap();
            assert!(rows == u64::MAX || own > looked_at, "{format}: one batch of evidence for {rows} MiB");
            // How many bytes it takes is up to which thread comes first; up to six slabs do not hold all records.
            assert!(spilled > 0 || slabs == 8, "{format}: nothing was spilled with {slabs} slabs");
            most = spilled.max(most);
            for name in ["findings.parquet", "evidence.parquet", "ledger.parquet", "rejected.parquet", "summary.json", "report.html"] {
                assert!(
                    fs::read(whole.join(name)).unwrap() == fs::read(out.join(name)).unwrap(),
                    "{format}, {slabs} slabs: {name} differs"
                );
            }
        }
        assert!(most >= 2_000_000, "{format}: {most} bytes spilled with the least memory");
        let error = run(2, u64::MAX).unwrap_err();
        assert_eq!(cause_of(&error), Cause::Incomplete, "{error:#}");
        assert!(
            error.root_cause().to_string().starts_with("the memory limit of 2 MiB is too small for this run, about 3 MiB would do"),
            "{error:#}"
        );
        assert!(!data.join(format!("run-2-{}", u64::MAX)).exists());
    }
}

/// What the process holds is what counts: memory that one phase gives back must be there for the next.
// Other systems do not tell what a process holds.
#[cfg(target_os = "linux")]
#[test]
fn a_memory_limit_holds_and_changes_no_byte() {
    for format in ["parquet", "csv"] {
        a_memory_limit_holds(format);
    }
}

#[cfg(target_os = "linux")]
fn a_memory_limit_holds(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    call(&["synth", "--seed", "37", "--units", "1000000", "--format", format, "--out", data.to_str().unwrap()]);
    let config = data.join("counterfoil.toml");
    let run = |mebibytes: u64| {
        let out = data.join(format!("run-{mebibytes}"));
        let arguments =
            ["reconcile", "--exit-zero", "--threads", "2", "--progress", "none", "--memory-limit", &format!("{mebibytes}MiB"), "-c"];
        let program = Command::new(env!("CARGO_BIN_EXE_counterfoil")).args(arguments).arg(&config).arg("-o").arg(&out).output().unwrap();
        (program.status.code().unwrap(), out, String::from_utf8_lossy(&program.stderr).into_owned())
    };
    let (code, whole, talk) = run(1 << 20);
    assert_eq!(code, 0, "{talk}");
    let execution = |out: &Path, name: &str| manifest_of(out)["execution"][name].as_u64().unwrap();
    let peak = execution(&whole, "peak_bytes");
    let (mut kept, mut most) = (0, 0);
    for percent in (60..100).step_by(5) {
        let limit = (peak * percent / 100) >> 20;
        let (code, out, talk) = run(limit);
        if code == 4 {
            assert!(talk.contains("is too small for this run, about "), "{talk}");
            continue;
        }
        assert_eq!(code, 0, "{talk}");
        let held = execution(&out, "peak_bytes");
        assert!(held <= limit << 20, "{format}: {held} bytes held of {limit} MiB");
        kept += 1;
        most = most.max(execution(&out, "spilled_bytes"));
        for name in ["findings.parquet", "evidence.parquet", "ledger.parquet", "summary.json", "report.html"] {
            assert!(fs::read(whole.join(name)).unwrap() == fs::read(out.join(name)).unwrap(), "{format}, {percent} %: {name} differs");
        }
    }
    assert!(kept > 1 && most > 0, "{format}: {kept} limits were kept, with {most} bytes spilled at most");
}

/// Numbers of items and lots hold for the whole run: a file that is not what it was must not be read on.
#[test]
fn inputs_that_change_between_two_reads_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["parquet", "csv"] {
        let data = folder.path().join(format);
        call(&["synth", "--seed", "31", "--units", "50000", "--format", format, "--defects", "all=0.01", "--out", data.to_str().unwrap()]);
        let file = fs::read_dir(data.join("erp")).unwrap().next().unwrap().unwrap().path();
        for phase in ["judge", "evidence"] {
            let out = data.join("run");
            let changed = file.clone();
            let on_phase = move |name| {
                if name == phase {
                    let now = fs::metadata(&changed).unwrap().modified().unwrap();
                    fs::File::options().write(true).open(&changed).unwrap().set_modified(now + Duration::from_secs(1)).unwrap();
                }
            };
            let run = run_in_slabs(&data, &out, (4, u64::MAX), Watch { on_phase: Box::new(on_phase), ..Watch::default() });
            let Err(error) = run else { panic!("{format}, {phase}: the run ended well") };
            assert_eq!(cause_of(&error), Cause::Input, "{error:#}");
            assert!(
                format!("{error:#}").ends_with("the file changed while it was read; keep input files unchanged during a run"),
                "{error:#}"
            );
            assert!(!out.exists());
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
    let columns: Vec<TextColumn> = morsel.columns.iter().map(|cells| TextColumn::new(cells).unwrap()).collect();
    (0..morsel.row_count).map(|row| columns.iter().map(|column| column.get(row).unwrap_or_default().to_owned()).collect()).collect()
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
