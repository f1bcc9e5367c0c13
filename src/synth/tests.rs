//! Proves that a data set is the same for any threads, that every defect occurs, and that its truth is what the files say.
//!
//! The re-check reads the written files, normalizes their raw texts in its own plain way and counts again: it would see a
//! spelling whose form is not the one it was made with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use arrow::array::{Array, Date32Array, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn options(units: u64, out: &Path) -> Options {
    let mut rates = Rates::NONE;
    rates.set(["all=0.02", "LOT003/lot=0.05"]).expect("the codes are known");
    Options { rates, block_units: 512, ..Options::new(11, units, out.to_path_buf()) }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            found.insert(entry.to_string_lossy().rsplit("/set-").next().expect("a name").to_owned(), fs::read(&entry).expect("a file"));
        }
    }
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let made: Vec<Vec<Vec<u8>>> = [1, 2, 5]
        .into_iter()
        .map(|threads| {
            let out = folder.path().join(format!("set-{threads}"));
            let mut options = Options { threads, format: Format::Mixed, foreign_lots: true, numeric_column: true, ..options(5_000, &out) };
            options.repeated_file = true;
            options.rates.rejected_line = 0.001;
            generate(&options).expect("it is made");
            files(&out).into_values().collect()
        })
        .collect();
    assert!(made[0].len() > 12, "sources, configuration and truth are written");
    assert_eq!(made[0], made[1]);
    assert_eq!(made[0], made[2]);
}

#[test]
fn another_seed_gives_another_data_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = generate(&options(2_000, &folder.path().join("set-1"))).expect("it is made");
    let second = generate(&Options { seed: 12, ..options(2_000, &folder.path().join("set-2")) }).expect("it is made");
    assert_ne!(first.findings, second.findings);
}

#[test]
fn every_kind_of_defect_occurs_in_a_small_data_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let all =
        Options { foreign_lots: true, repeated_file: true, numeric_column: true, ..Options::new(1, 60_000, folder.path().join("set-1")) };
    let mut rates = Rates::default();
    rates.set(["RUN001=0.0005"]).expect("the code is known");
    let summary = generate(&Options { rates, format: Format::Mixed, ..all }).expect("it is made");
    let kinds: BTreeSet<String> = summary.findings.iter().map(|finding| format!("{} {}", finding.code, finding.subtype)).collect();
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.trim_end()).collect();
    let expected = "IDN001|IDN002|IDN005|IDN008|IDN011|LOT001 majority|LOT001 three-way|LOT001 two-way|LOT001 within-source|LOT002 here|\
                    LOT002 nowhere|LOT003 near|LOT003 other-item|LOT003 unknown|LOT006|ORP001|ORP001 in-transit|ORP002|\
                    ORP002 item-not-shipped|ORP003|ORP003 other-item|ORP004|RUN001|RUN003|SER001|SER001 after-normalization|SER002|SER003|SER004";
    assert_eq!(kinds.join("|"), expected);
}

#[test]
fn without_planted_defects_only_lawful_states_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let clean = Options { rates: Rates::NONE, ..Options::new(5, 40_000, folder.path().join("set-1")) };
    let summary = generate(&clean).expect("it is made");
    assert!(!summary.findings.is_empty());
    assert!(summary.findings.iter().all(|finding| ["in-transit", "item-not-shipped"].contains(&finding.subtype)));
    assert!((36_000..=40_000).contains(&summary.ledger.read(Feed::Supplier)), "{}", summary.ledger.read(Feed::Supplier));
    assert!((11_000..=13_500).contains(&summary.ledger.read(Feed::Warranty)), "{}", summary.ledger.read(Feed::Warranty));
}

#[test]
fn planted_shares_follow_the_rates() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rates = Rates::NONE;
    rates.set(["ORP004=0.01", "SER002=0.02"]).expect("the codes are known");
    let only = Options { rates, ..Options::new(5, 40_000, folder.path().join("set-1")) };
    let summary = generate(&only).expect("it is made");
    let count = |code: &str| summary.findings.iter().filter(|finding| finding.code == code).count();
    assert!((300..=450).contains(&count("ORP004")), "{}", count("ORP004"));
    assert!((650..=880).contains(&count("SER002")), "{}", count("SER002"));
    assert_eq!(count("SER001"), 0);
}

#[test]
fn shared_serials_over_one_percent_are_one_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = options(2_000, &folder.path().join("set-1"));
    options.rates.set(["SER003=0.1"]).expect("the code is known");
    let summary = generate(&options).expect("it is made");
    let shared: Vec<&Expected> = summary.findings.iter().filter(|finding| finding.code == "SER003").collect();
    assert_eq!(shared.len(), 1);
    assert_eq!((shared[0].subtype, shared[0].severity, shared[0].record_count), ("widespread", Severity::Info, 0));
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("kept"), "x").expect("a file");
    let error = generate(&options(1_000, folder.path())).expect_err("it is refused").to_string();
    assert_eq!(error, format!("{}: folder is not empty; give another with --out, or remove it", folder.path().display()));
    let none = Options::new(1, 0, folder.path().join("new"));
    assert_eq!(generate(&none).expect_err("it is refused").to_string(), "0 units asked for: give 1 to 499000000");
}

/// A record as the re-check reads it.
struct Row {
    feed: Feed,
    item: String,
    serial: String,
    lot: String,
    date: Option<i32>,
    all: Vec<String>,
}

/// Cleans a text plainly.
fn clean(text: &str) -> String {
    let text = text.trim_matches(|symbol: char| symbol.is_whitespace() || matches!(symbol, '\u{200b}' | '\u{feff}'));
    let text = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let text = text.strip_prefix('\'').unwrap_or(text);
    let plain: String = text
        .chars()
        .filter(|symbol| !matches!(symbol, '\u{200b}' | '\u{feff}'))
        .map(|symbol| match symbol {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(symbol as u32 - 0xfee0).expect("an ASCII character"),
            '\u{2013}' => '-',
            other => other,
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn key(form: &str) -> String {
    form.chars().filter(|symbol| !"-_./ ".contains(*symbol)).collect()
}

fn read(out: &Path, feed: Feed) -> Vec<Row> {
    const LISTED: [&str; 10] = ["N/A", "UNKNOWN", "TBD", "NONE", "SEE LABEL", "--", "NOT AVAILABLE", "NULL", "UNK", ""];
    let mut rows = Vec::new();
    for path in fs::read_dir(out.join(feed.name())).expect("the folder is there").map(|entry| entry.expect("an entry").path()) {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).expect("a file")).expect("a footer").build().expect("a reader");
        for batch in reader {
            let batch = batch.expect("a batch");
            let text = |name: &str, row: usize| {
                let column = batch.column_by_name(name).expect("the column").as_any().downcast_ref::<StringArray>().expect("text");
                if column.is_null(row) { String::new() } else { clean(column.value(row)) }
            };
            let identifier = |name: &str, row: usize| {
                let value = text(name, row);
                let value = if name == "item" { value } else { value.to_uppercase() };
                if LISTED.contains(&value.to_uppercase().as_str()) { String::new() } else { value }
            };
            let date_name = ["shipped", "received", "claimed"][feed as usize];
            let dates = batch.column_by_name(date_name).expect("the column").as_any().downcast_ref::<Date32Array>().expect("dates").clone();
            for row in 0..batch.num_rows() {
                let (item, serial, lot) = (identifier("item", row), identifier("serial", row), identifier("lot", row));
                let schema = batch.schema();
                let texts = schema.fields().iter().filter(|field| field.data_type() == &arrow::datatypes::DataType::Utf8);
                let others =
                    texts.filter(|field| !["item", "serial", "lot"].contains(&field.name().as_str())).map(|field| text(field.name(), row));
                let date = dates.is_valid(row).then(|| dates.value(row));
                let all = others.chain([item.clone(), serial.clone(), lot.clone(), format!("{date:?}")]).collect();
                rows.push(Row { feed, item, serial, lot, date, all });
            }
        }
    }
    rows
}

/// Drops digits-only serials that one source holds three times under one item.
fn drop_digit_placeholders(rows: &mut [Row]) {
    let entries = ["0000", "999999", "12345", "0123456789", "00", "000", "9999", "1234", "123456", "111111"];
    let mut counts: BTreeMap<(Feed, String, String), u32> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.feed != Feed::Warranty && entries.contains(&row.serial.as_str())) {
        *counts.entry((row.feed, row.item.clone(), row.serial.clone())).or_default() += 1;
    }
    let dropped: BTreeSet<String> = counts.into_iter().filter(|(_, count)| *count >= 3).map(|((_, _, serial), _)| serial).collect();
    rows.iter_mut().filter(|row| dropped.contains(&row.serial)).for_each(|row| row.serial.clear());
}

/// Places the records of one serial into units by item; none where forms collide or a record is ambiguous.
fn units_of(group: &[&Row]) -> Option<Vec<(String, Vec<usize>)>> {
    let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut forms: BTreeMap<(&str, &str), BTreeSet<Feed>> = BTreeMap::new();
    for (at, row) in group.iter().enumerate() {
        units.entry(row.item.clone()).or_default().push(at);
        forms.entry((&row.item, &row.serial)).or_default().insert(row.feed);
    }
    let confirmed: Vec<&str> = forms.iter().filter(|(_, feeds)| feeds.len() > 1).map(|((item, _), _)| *item).collect();
    if confirmed.iter().collect::<BTreeSet<_>>().len() < confirmed.len() {
        return None;
    }
    let without_item = units.remove("").unwrap_or_default();
    let mut hosts: Vec<&mut Vec<usize>> =
        units.values_mut().filter(|unit| unit.iter().any(|&at| group[at].feed != Feed::Warranty)).collect();
    match (without_item.is_empty(), hosts.len()) {
        (true, _) => {}
        (_, 0) => {
            units.insert(String::new(), without_item);
        }
        (_, 1) => hosts[0].extend(without_item),
        _ => return None,
    }
    Some(units.into_iter().collect())
}

/// Says of a unit which of the re-checked findings it gives: code, subtype, cited records.
fn recount(unit: &[&Row], as_of: i32, elsewhere: bool) -> Vec<(&'static str, &'static str, u64)> {
    let of = |feed: Feed| unit.iter().filter(|row| row.feed == feed).collect::<Vec<_>>();
    let mut found = Vec::new();
    for feed in [Feed::Supplier, Feed::Erp] {
        let records = of(feed);
        if records.len() > 1 {
            let forms: BTreeSet<&str> = records.iter().map(|row| row.serial.as_str()).collect();
            let subtype = if forms.len() == records.len() { "after-normalization" } else { "" };
            let equal = records.iter().all(|row| row.all == records[0].all);
            found.push(if equal { ("SER002", "", records.len() as u64) } else { ("SER001", subtype, records.len() as u64) });
        }
    }
    let mut lots: BTreeMap<Feed, BTreeSet<String>> = BTreeMap::new();
    for row in unit.iter().filter(|row| !row.lot.is_empty()) {
        lots.entry(row.feed).or_default().insert(key(&row.lot));
    }
    let values: BTreeSet<&String> = lots.values().flatten().collect();
    if values.len() > 1 {
        let held = |value: &String| lots.values().filter(|lots| lots.contains(value)).count();
        let subtype = match (lots.values().any(|lots| lots.len() > 1), lots.len()) {
            (true, _) => "within-source",
            (_, 2) => "two-way",
            _ if values.iter().any(|value| held(value) > lots.len() / 2) => "majority",
            _ => "three-way",
        };
        found.push(("LOT001", subtype, unit.iter().filter(|row| !row.lot.is_empty()).count() as u64));
    }
    let (supplier, erp, claims) = (of(Feed::Supplier), of(Feed::Erp), of(Feed::Warranty));
    let is_late = supplier.iter().filter_map(|row| row.date).max().is_none_or(|day| as_of > day + 14);
    if !supplier.is_empty() && erp.is_empty() && is_late {
        found.push(("ORP001", "", supplier.len() as u64));
    }
    if supplier.is_empty() && erp.is_empty() {
        found.push(("ORP003", if elsewhere { "other-item" } else { "" }, claims.len() as u64));
    }
    if !supplier.is_empty() && erp.is_empty() && !claims.is_empty() {
        found.push(("ORP004", "", claims.len() as u64));
    }
    found
}

#[test]
fn a_plain_count_of_the_files_gives_the_truth() {
    for seed in 1..6 {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("set-1");
        let options = Options { seed, ..options(2_000, &out) };
        let summary = generate(&options).expect("it is made");
        let mut rows: Vec<Row> = Vec::new();
        for feed in [Feed::Supplier, Feed::Erp, Feed::Warranty] {
            let read = read(&out, feed);
            assert_eq!(read.len() as u64, summary.ledger.read(feed), "{}", feed.name());
            rows.extend(read);
        }
        drop_digit_placeholders(&mut rows);
        let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        rows.iter().filter(|row| !row.serial.is_empty()).for_each(|row| groups.entry(key(&row.serial)).or_default().push(row));
        let mut counted: BTreeMap<String, u32> = BTreeMap::new();
        let mut unclear: BTreeSet<&str> = BTreeSet::new();
        for (serial, group) in &groups {
            let Some(units) = units_of(group) else {
                unclear.insert(serial);
                continue;
            };
            let is_known = |unit: &[usize]| unit.iter().any(|&at| group[at].feed != Feed::Warranty);
            for (item, unit) in &units {
                let elsewhere = units
                    .iter()
                    .any(|(other, rival)| ![item, other].iter().any(|item| item.is_empty()) && other != item && is_known(rival));
                let records: Vec<&Row> = unit.iter().map(|&at| group[at]).collect();
                for (code, subtype, count) in recount(&records, options.as_of, elsewhere) {
                    *counted.entry(format!("{code} {subtype} {item} {serial} {count}")).or_default() += 1;
                }
            }
        }
        let checked = ["SER001", "SER002", "LOT001", "ORP001", "ORP003", "ORP004"];
        let mut expected: BTreeMap<String, u32> = BTreeMap::new();
        for finding in summary.findings.iter().filter(|finding| checked.contains(&finding.code) && finding.subtype != "in-transit") {
            let serial = key(&finding.serial);
            if !unclear.contains(serial.as_str()) {
                let shown = format!("{} {} {} {serial} {}", finding.code, finding.subtype, finding.item, finding.record_count);
                *expected.entry(shown).or_default() += 1;
            }
        }
        assert!(expected.len() > 150, "seed {seed}: {} findings are too few to prove anything", expected.len());
        assert_eq!(counted, expected, "seed {seed}");
    }
}
