//! Proves that every record ends once, and that a run in which one got lost or was judged twice ends without a report.

use std::fs;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, UInt64Type};
use counterfoil::cli::reconcile::execute;
use counterfoil::config::{Request, resolve};
use counterfoil::engine::{Sabotage, Watch};
use counterfoil::fault::{Cause, cause_of};
use counterfoil::ingest;
use counterfoil_kernel::normalize::{Scratch, Steps, Tiers, serial_key};
use counterfoil_kernel::record::{Flags, Record, file_digest};
use counterfoil_kernel::rules::CATALOGUE;

use super::truth::{batches, call, texts};

/// Every disposition, with quantities, in a folder of four files.
const FILES: [(&str, &str); 4] = [
    ("a.csv", "item,serial,lot,quantity\nA1,S1,L1,2.5\nA1,S2,L1,\nA1,,L1,4\nA1,S4,L1\nA1,S5,L1,1\n"),
    ("b.csv", "item,serial,lot,quantity\nA1,S6,L1,0.000001\nA1,n/a,L1,3\n"),
    ("c.csv", "item,serial,lot,quantity\nA1,S6,L1,0.000001\nA1,n/a,L1,3\n"),
    ("erp.csv", "item,serial,lot\nA1,s-1,L1\nA1,S6,L1\nA1,S9,L1\n"),
];

#[test]
fn each_file_balances_in_counts_quantities_and_digests() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    FILES.iter().for_each(|(name, content)| fs::write(path(name), content).unwrap());
    let (a, b, c, erp, out) = (path("a.csv"), path("b.csv"), path("c.csv"), path("erp.csv"), path("out"));
    let limits = ["--rejected-max", "1", "--as-of", "2024-06-30"];
    call(&[&["reconcile", "-q", "--exit-zero", "--supplier", &a, &b, &c, "--erp", &erp, "-o", &out], &limits[..]].concat());
    let mut lines = ledger(&Path::new(&out).join("ledger.parquet"));
    lines.iter_mut().for_each(|line| *line = line.replace(&format!("{}/", folder.path().display()), ""));
    let sum = |source: &str, file: &str, records: &[(u32, &str)]| {
        let own = file_digest(source, &path(file));
        let digests = records.iter().map(|&(number, serial)| digest(own, number, serial));
        format!("{:032x}", digests.fold(0, u128::wrapping_add))
    };
    let expected = [
        format!("supplier a.csv rejected 1 1000000 {}", sum("supplier", "a.csv", &[(3, "")])),
        format!("supplier a.csv unusable_key 1 4000000 {}", sum("supplier", "a.csv", &[(2, "")])),
        format!("supplier a.csv matched 1 2500000 {}", sum("supplier", "a.csv", &[(0, "S1")])),
        format!("supplier a.csv unmatched 2 2000000 {}", sum("supplier", "a.csv", &[(1, "S2"), (4, "S5")])),
        format!("supplier b.csv unusable_key 1 3000000 {}", sum("supplier", "b.csv", &[(1, "")])),
        format!("supplier b.csv matched 1 1 {}", sum("supplier", "b.csv", &[(0, "S6")])),
        format!("supplier c.csv out_of_scope 2 3000001 {}", sum("supplier", "c.csv", &[(0, "S6"), (1, "")])),
        format!("erp erp.csv matched 2 2000000 {}", sum("erp", "erp.csv", &[(0, "S1"), (1, "S6")])),
        format!("erp erp.csv unmatched 1 1000000 {}", sum("erp", "erp.csv", &[(2, "S9")])),
    ];
    lines.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn a_lost_morsel_is_an_internal_error_without_a_report() {
    for format in ["csv", "parquet"] {
        let error = sabotaged(format, Sabotage::DropMorsel);
        let numbers: Vec<u64> = error.split([' ', ':']).filter_map(|word| word.parse().ok()).collect();
        assert!(matches!(numbers[..], [counted, keyed] if counted > keyed), "{format}: {error}");
        assert!(error.ends_with(" were keyed"), "{format}: {error}");
    }
}

#[test]
fn a_partition_judged_twice_is_an_internal_error_without_a_report() {
    for format in ["csv", "parquet"] {
        let error = sabotaged(format, Sabotage::JudgeTwice);
        assert!(error.contains("ledger"), "{format}: {error}");
    }
}

/// Runs a data set that balances with a bug, and gives the error.
#[track_caller]
fn sabotaged(format: &str, sabotage: Sabotage) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    call(&["synth", "--seed", "31", "--units", "5000", "--format", format, "--out", data.to_str().unwrap()]);
    let run = |name: &str, sabotage: Option<Sabotage>| {
        let request = Request {
            config: Some(data.join("counterfoil.toml")),
            out: Some(folder.path().join(name)),
            endings: ingest::endings(),
            ..Request::default()
        };
        let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
        let plan = resolve(&request, &codes, &|path, options| ingest::open(path, options)).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| execute(&plan, &Watch { sabotage, ..Watch::default() }))
    };
    assert!(run("sound", None).is_ok(), "{format}: the data set does not balance");
    let Err(error) = run("broken", Some(sabotage)) else { panic!("{format}: {sabotage:?} went unnoticed") };
    assert_eq!(cause_of(&error), Cause::Internal, "{error:#}");
    assert_eq!(cause_of(&error).exit_code(), 5);
    let mut left: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    left.sort();
    assert_eq!(left, ["data", "sound"], "{format}: {sabotage:?} left something");
    format!("{error:#}")
}

/// Reads the lines of a ledger that hold records.
fn ledger(path: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches(path) {
        let (sources, files, dispositions) = (texts(&batch, "source"), texts(&batch, "file"), texts(&batch, "disposition"));
        let (records, digests) = (batch.column_by_name("records").unwrap().as_primitive::<UInt64Type>(), texts(&batch, "digest"));
        let quantities = batch.column_by_name("quantity").unwrap().as_primitive::<Decimal128Type>();
        for row in (0..batch.num_rows()).filter(|&row| records.value(row) > 0) {
            let sums = format!("{} {} {}", records.value(row), quantities.value(row), digests[row]);
            lines.push(format!("{} {} {} {sums}", sources[row], files[row], dispositions[row]));
        }
    }
    lines
}

/// The digest of one record: its serial key and where it stands.
fn digest(file: u64, number: u32, serial: &str) -> u128 {
    let key = if serial.is_empty() { 0 } else { serial_key(serial, Tiers::ALL, &mut Scratch::default()).key };
    let (steps, flags) = (Steps(0), Flags(0));
    Record { key, place: 0, lot: 0, supplier_lot: 0, supplier: 0, layout: 0, file: 0, record: number, day: 0, steps, flags }.digest(file)
}
