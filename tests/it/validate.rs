//! `validate` says what a run would read and take, and refuses what the run would refuse.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::truth::call;

/// Validates the configuration of a folder: exit code, what is printed, what is said.
fn validate(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .args(["validate", "-c", data.join("counterfoil.toml").to_str().unwrap()])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Footers state records exactly; delimited text of this size is read whole, so that it is counted.
#[test]
fn records_are_counted_and_spilling_is_foreseen() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["parquet", "csv"] {
        let data = folder.path().join(format);
        call(&["synth", "--seed", "3", "--units", "20000", "--format", format, "--defects", "RUN001=0", "--out", data.to_str().unwrap()]);
        let (code, text, said) = validate(&data, &["--format", "json"]);
        assert_eq!(code, 0, "{said}");
        let estimate: serde_json::Value = serde_json::from_str(&text).unwrap();
        let out = data.join("run");
        call(&["reconcile", "-q", "--exit-zero", "-c", data.join("counterfoil.toml").to_str().unwrap(), "-o", out.to_str().unwrap()]);
        let summary: serde_json::Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
        let read: Vec<u64> = summary["sources"].as_array().unwrap().iter().map(|source| source["read"].as_u64().unwrap()).collect();
        let expected: Vec<u64> = estimate["sources"].as_array().unwrap().iter().map(|source| source["records"].as_u64().unwrap()).collect();
        for (read, expected) in read.iter().zip(&expected) {
            assert!(
                read.abs_diff(*expected) <= if format == "csv" { read / 50 } else { 0 },
                "{format}: {read} records, {expected} expected"
            );
        }
        assert_eq!((estimate["spilled_bytes"].as_u64(), estimate["records_sampled_rejected"].as_u64()), (Some(0), Some(0)));
        let seconds = estimate["seconds"].as_f64().unwrap();
        assert!(seconds > 0.0 && seconds < 600.0 && estimate["memory_bytes"].as_u64().unwrap() > 1 << 20, "{text}");
        let (code, text, _) = validate(&data, &["--memory-limit", "100MiB"]);
        assert_eq!((code, text.lines().count()), (0, 7), "{text}");
        assert!(text.contains("of 100.00 MiB\n") && !text.contains("about 0 B"), "{text}");
    }
}

/// Writes files with the header `serial,item`, and a configuration that reads those of `e*.csv` as ERP and of `s*.csv` as supplier.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = |role: &str, glob: &str| format!("[sources.{role}]\nrole = \"{role}\"\npaths = [\"{glob}\"]\n");
    let configuration = format!("version = 1\n{}{}", source("erp", "e*.csv"), source("supplier", "s*.csv"));
    fs::write(folder.path().join("counterfoil.toml"), configuration).unwrap();
    files.iter().for_each(|(name, records)| fs::write(folder.path().join(name), format!("serial,item\n{records}")).unwrap());
    folder
}

#[test]
fn what_a_run_would_refuse_is_refused() {
    let folder = project(&[("e.csv", "A1,I\nA2,I\n"), ("s.csv", "A1,I\nA2,I,too,many\n")]);
    let (code, text, said) = validate(folder.path(), &[]);
    assert_eq!(code, 3, "{said}");
    assert!(text.contains("sample: 4 records read, 1 of them unreadable"), "{text}");
    assert!(said.contains("s.csv: record 2 at line 3"), "{said}");
    assert_eq!(validate(folder.path(), &["--rejected-max", "1"]).0, 0);
    assert_eq!(validate(folder.path(), &["--scope", "site"]).0, 2);
    assert!(!folder.path().join("runs").exists(), "a check writes nothing");
}

#[test]
fn a_file_with_a_header_alone_is_no_riddle() {
    let records: String = (0..300).map(|number| format!("SN{number},I\n")).collect();
    let folder = project(&[("e.csv", &records), ("s1.csv", ""), ("s2.csv", &records)]);
    let (code, text, said) = validate(folder.path(), &["--format", "json"]);
    assert_eq!(code, 0, "{said}");
    let estimate: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(estimate["records"], 600, "{text}");
    assert!(estimate["seconds"].as_f64().unwrap() < 60.0, "{text}");
}

#[test]
fn a_limit_below_what_any_run_takes_is_refused() {
    let folder = project(&[("e.csv", "A1,I\n"), ("s.csv", "A1,I\n")]);
    let (code, _, said) = validate(folder.path(), &["--memory-limit", "32MiB"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("the memory limit of 32 MiB is too small"), "{said}");
}
