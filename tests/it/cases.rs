//! Text cases: the naive oracle and the engine must both give exactly the findings that a case lists.
//!
//! They exist because a page of semantics can be misread twice in the same way by one program; here two programs that share no code read it, and
//! a person reads the case. `UPDATE=1` rewrites the findings from the oracle: read the difference before you keep it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use counterfoil_kernel::rules::CATALOGUE;
use counterfoil_kernel::testing::case::{Case, cases_in_markdown};
use parquet::arrow::ArrowWriter;

use crate::harness::{run_case, run_folder};

/// Codes whose findings come from reading files: a text case has no files.
const OF_THE_READER: [&str; 3] = ["IDN005", "RUN001", "RUN003"];

fn folder(name: &str) -> PathBuf {
    crate::root().join(name)
}

/// Lists what is in a folder, sorted.
fn entries(name: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Compares the engine with what a case lists.
fn check_engine(case: &Case, name: &str) {
    let expected = &case.findings;
    let found = run_case(case);
    assert!(found == *expected, "{name}: the engine\nexpected:\n{expected}found:\n{found}");
}

#[test]
fn oracle_and_engine_give_what_the_cases_list() {
    let paths = entries("tests/cases");
    assert!(paths.len() >= 25, "{} cases", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut case = Case::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        if std::env::var_os("UPDATE").is_some() {
            case.findings = case.judged();
            let (data, _) = text.split_once("[findings]").expect("a case ends with its findings");
            std::fs::write(&path, format!("{data}[findings]\n{}", case.findings)).unwrap();
        }
        let oracle = case.judged();
        if oracle != case.findings {
            wrong.push(format!("{name}: the oracle\nexpected:\n{}found:\n{oracle}", case.findings));
        }
        let found = run_case(&case);
        if found != case.findings {
            wrong.push(format!("{name}: the engine\nexpected:\n{}found:\n{found}", case.findings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rules_example_gives_its_findings_in_the_engine() {
    for rule in CATALOGUE {
        let cases = cases_in_markdown(rule.documentation).unwrap();
        assert_eq!(cases.is_empty(), OF_THE_READER.contains(&rule.code), "{} has {} examples", rule.code, cases.len());
        for case in cases {
            check_engine(&case, rule.code);
        }
    }
}

/// Every subtype that a rule can give.
const SUBTYPES: &[&str] = &[
    "SER001:after-normalization",
    "SER003:widespread",
    "LOT001:two-way",
    "LOT001:three-way",
    "LOT001:majority",
    "LOT001:within-source",
    "LOT002:here",
    "LOT002:nowhere",
    "LOT003:unknown",
    "LOT003:other-item",
    "LOT003:near",
    "ORP001:in-transit",
    "ORP002:item-not-shipped",
    "ORP003:other-item",
];

#[test]
fn tiny_folders_give_what_they_list() {
    let mut fired: Vec<&str> = Vec::new();
    let mut silent_subtypes = SUBTYPES.to_vec();
    let mut records = 0;
    for folder in entries("data/tiny").iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if std::env::var_os("UPDATE").is_some() && name == "files" {
            write_numeric_stock(&folder.join("stock.parquet"));
        }
        let found = run_folder(folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let golden = folder.join("findings.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
        assert!(found == expected, "data/tiny/{name}\nexpected:\n{expected}found:\n{found}");
        fired.extend(CATALOGUE.iter().map(|rule| rule.code).filter(|code| found.contains(code)));
        silent_subtypes.retain(|subtype| !found.contains(&format!("{subtype} ")));
        records += lines_of_tables(folder);
    }
    assert!(records <= 400, "data/tiny has {records} records");
    let silent: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).filter(|code| !fired.contains(code)).collect();
    assert!(silent.is_empty(), "rules that no folder of data/tiny fires: {silent:?}");
    assert!(silent_subtypes.is_empty(), "subtypes that no folder of data/tiny gives: {silent_subtypes:?}");
}

/// Writes an ERP file whose serials are whole numbers: `00815` lost its zeros on the way.
fn write_numeric_stock(path: &Path) {
    let items: ArrayRef = Arc::new(StringArray::from(vec!["DISK"; 3]));
    let serials: ArrayRef = Arc::new(Int64Array::from(vec![4711, 815, 5001]));
    let batch = RecordBatch::try_from_iter([("item", items), ("serial", serials)]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Counts the records of a folder's delimited files, at any depth; the one Parquet file has three.
fn lines_of_tables(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().map(|extension| extension.to_string_lossy().into_owned()).as_deref() {
            None => count += lines_of_tables(&path),
            Some("csv") => count += std::fs::read(&path).unwrap().split(|&byte| byte == b'\n').count().saturating_sub(2),
            Some("parquet") => count += 3,
            _ => {}
        }
    }
    count
}

/// Where other files of a source have the column, the source's name does not stand in for it.
#[test]
fn a_file_without_the_supplier_column_names_no_supplier() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "version = 1\nas_of = 2026-06-30\n[sources.hub]\nrole = \"supplier\"\npaths = [\"a.csv\", \"b.csv\"]\n\
                         [sources.erp]\nrole = \"erp\"\npaths = [\"erp.csv\"]\n";
    for (name, text) in [
        ("counterfoil.toml", configuration),
        ("a.csv", "item,serial,supplier\nP1,SN1,Acme\n"),
        ("b.csv", "item,serial\nP1,SN1\n"),
        ("erp.csv", "item,serial\nP1,SN1\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    assert_eq!(run_folder(folder.path()).unwrap(), "SER001 error hub/P1/SN1 hub/a.csv:1 hub/b.csv:1\n");
}
