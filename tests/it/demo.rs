//! The demo gives exactly what was planted in it: the first thing that a new user sees is right to the last finding.

use std::process::Command;

use crate::root;
use crate::truth::{compare, found, ledger, planted};

#[test]
fn the_demo_finds_what_was_planted() {
    let demo = root().join("data/demo");
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
    let truth = planted(&demo.join("truth.parquet"));
    assert_eq!(truth.values().sum::<u64>(), 1_156, "the read me and data/demo/README.md state this figure");
    compare("demo", &truth, &found(&run.join("findings.parquet")));
    compare("demo", &ledger(&demo.join("truth_ledger.parquet")), &ledger(&run.join("ledger.parquet")));
}
