//! Proves that the engine says what the naive oracle says: random small messy data sets, written as files and run whole.
//!
//! `PROPTEST_CASES` sets how many data sets are tried.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use counterfoil::config::plan::{FilePlan, Mapped, Origin, Plan, RuleSettings, SourcePlan, Tiers};
use counterfoil::engine::assemble::{Row, assemble};
use counterfoil::engine::evidence::{self, Evidence};
use counterfoil::engine::local::{self, Found, file_name, files_of};
use counterfoil::engine::{Watch, tables};
use counterfoil::ingest::{InputFile, OpenOptions};
use counterfoil_kernel::map::Set;
use counterfoil_kernel::model::{Disposition, Field, FieldKind, Grain, Source};
use counterfoil_kernel::parameter::{PERCENT, Thresholds};
use counterfoil_kernel::rules::CATALOGUE;
use counterfoil_kernel::testing::case::{Case, cases_in_markdown};
use counterfoil_kernel::testing::naive::{NaiveFinding, NaiveRecord, NaiveSettings, NaiveSource, day, judge};
use counterfoil_kernel::testing::strategies::data_sets;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Data sets of a plain test.
const CASES_DEFAULT: u32 = 300;

/// The engine's minimum for LOT006 and the widespread SER003.
const UNITS_MIN: usize = 1_000;

/// What a run says, as text lines in one order.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    findings: Vec<String>,
    ledger: Vec<String>,
    not_evaluated: Vec<&'static str>,
}

#[test]
fn the_engine_agrees_with_the_naive_oracle() {
    let cases = std::env::var("PROPTEST_CASES").map_or(CASES_DEFAULT, |cases| cases.parse().expect("PROPTEST_CASES is a number"));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let checked = runner.run(&data_sets(), |(sources, settings)| check(&pool, fit(sources), &settings).map_err(TestCaseError::fail));
    if let Err(error) = checked {
        panic!("{error}");
    }
}

/// The examples of the rules' documentation give in the engine what they say.
#[test]
fn the_engine_agrees_on_the_examples_of_the_rules() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut checked = 0;
    for rule in CATALOGUE {
        for case in cases_in_markdown(rule.documentation).unwrap() {
            check(&pool, fit(case.sources), &case.settings).unwrap_or_else(|difference| panic!("{}: {difference}", rule.code));
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked} examples");
}

#[test]
fn digits_confirmed_elsewhere_are_placeholders_in_a_source_of_lots() {
    check_case(
        "[supplier a grain=lot]
        item,serial,lot
        P1,0000,L1
        P2, ０000,L1
        P1,1234,L1
        [erp e]
        item,serial,lot
        P1,0000,L1
        P1,0000,L1
        P1,0000,L1
        P1,SN1,L1",
    );
}

#[test]
fn digits_are_counted_clean_whatever_tiers_run() {
    check_case(
        "[erp e]
        item,serial
        P1,0000
        P1,\u{a0}0000
        P1,０000
        P1,9999
        P1,\u{a0}9999
        [warranty w]
        item,serial
        P2,0000\u{200b}
        P1,9999
        [settings]
        tiers = T0, T3",
    );
}

#[test]
fn an_ambiguous_shipment_does_not_make_a_claim_known() {
    check_case(
        "[supplier a]
        item,serial
        ,SN1
        [erp e]
        item,serial
        P1,SN9
        [warranty w grain=unit]
        item,serial
        P1,SN1
        P2,SN1",
    );
}

/// Checks that engine and oracle agree on a case, whatever its findings.
#[track_caller]
fn check_case(text: &str) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let case = Case::parse(text).unwrap();
    check(&pool, fit(case.sources), &case.settings).unwrap_or_else(|difference| panic!("{difference}"));
}

/// LOT006 and the widespread SER003 at their defaults need many units: every data set stands so many times side by side, each copy with serials of its own.
#[test]
fn the_engine_agrees_on_many_units() {
    const COPIES: usize = 250;
    const SETS: usize = 5;
    let mut runner = TestRunner::deterministic();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for rule in ["LOT006", "SER003"] {
        for _ in 0..SETS {
            let (sources, settings) = set_with(rule, UNITS_MIN / COPIES, &mut runner);
            let mut sources = fit(sources);
            sources.iter_mut().for_each(|source| source.records = multiplied(&source.records, COPIES));
            let settings = NaiveSettings { comparable_units_min: UNITS_MIN, widespread_serials_min: UNITS_MIN, ..settings };
            for finding in judge(&sources, &settings).findings {
                *seen.entry(format!("{}:{}", finding.code, finding.subtype)).or_default() += 1;
            }
            if let Err(difference) = check(&pool, sources, &settings) {
                panic!("{difference}");
            }
        }
    }
    assert!(seen.contains_key("LOT006:"), "{seen:?}");
    assert!(seen.contains_key("SER003:widespread"), "{seen:?}");
}

/// Draws a data set in which LOT006 or the widespread SER003 fires from so many units on.
fn set_with(code: &str, minimum: usize, runner: &mut TestRunner) -> (Vec<NaiveSource>, NaiveSettings) {
    loop {
        let (sources, settings) = data_sets().new_tree(runner).unwrap().current();
        let settings = NaiveSettings { comparable_units_min: minimum, widespread_serials_min: minimum, ..settings };
        let fires =
            |finding: &NaiveFinding| finding.code == code && ["", "widespread"].contains(&finding.subtype) && finding.cited.is_empty();
        if judge(&fit(sources.clone()), &settings).findings.iter().any(fires) {
            return (sources, settings);
        }
    }
}

/// Tells whether a raw serial of a random data set is neither blank nor a placeholder.
fn names_a_unit(serial: &str) -> bool {
    let serial = serial.to_lowercase();
    serial.chars().any(char::is_alphabetic) && !["n/a", "unknown"].iter().any(|word| serial.contains(word))
}

/// Repeats records, each copy with serials of its own; blank and placeholder serials stay.
fn multiplied(records: &[NaiveRecord], copies: usize) -> Vec<NaiveRecord> {
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    let mut made = Vec::new();
    for copy in 0..copies {
        for record in records {
            let mut record = record.clone();
            if let Some(serial) = record.values.get_mut(&Field::Serial).filter(|serial| copy > 0 && names_a_unit(serial)) {
                let end = serial.char_indices().rfind(|(_, c)| c.is_alphanumeric()).map_or(0, |(at, c)| at + c.len_utf8());
                serial.insert_str(end, &format!("X{copy}"));
            }
            let number = numbers.entry(record.file.clone()).or_default();
            *number += 1;
            record.record = *number;
            made.push(record);
        }
    }
    made
}

/// Takes out what stops a run before it says anything: sources without records, and date columns that mostly can't be read.
fn fit(mut sources: Vec<NaiveSource>) -> Vec<NaiveSource> {
    sources.retain(|source| !source.records.is_empty());
    for source in &mut sources {
        for record in &mut source.records {
            record.values.iter_mut().filter(|(field, _)| field.kind() == FieldKind::Date).for_each(|(_, value)| {
                if day(value).is_none() && !["", "00000000"].contains(&value.as_str()) {
                    value.clear();
                }
            });
        }
        if !source.source.maps(Field::Serial) {
            source.source.grain = Grain::Lot;
        }
    }
    sources
}

/// Runs a data set and compares what is said of it.
fn check(pool: &rayon::ThreadPool, sources: Vec<NaiveSource>, settings: &NaiveSettings) -> Result<(), String> {
    if sources.is_empty() {
        return Ok(());
    }
    let directory = tempfile::tempdir().unwrap();
    let plan = write(directory.path(), &sources, settings);
    let ran = pool.install(|| {
        let watch = Watch::default();
        let found = local::run(&plan, Path::new(""), &watch)?;
        let evidence = evidence::read(&plan, &found, &found.findings, &evidence::record_weights(&plan, &found), &watch)?;
        let assembled = assemble(&plan, &found, &found.findings.findings, &evidence, &mut Set::default())?;
        anyhow::Ok(said_by_engine(&plan, &found, &evidence, &assembled.rows()))
    });
    let ran = ran.map_err(|error| format!("{error:#}\n{sources:#?}"))?;
    let naive = said_by_naive(&sources, settings);
    if ran == naive {
        return Ok(());
    }
    let mut text = String::new();
    for (name, ran, naive) in [("findings", &ran.findings, &naive.findings), ("ledger", &ran.ledger, &naive.ledger)] {
        for line in ran.iter().filter(|line| !naive.contains(line)) {
            writeln!(text, "{name}: only the engine: {line}").unwrap();
        }
        for line in naive.iter().filter(|line| !ran.contains(line)) {
            writeln!(text, "{name}: only the oracle: {line}").unwrap();
        }
    }
    if ran.not_evaluated != naive.not_evaluated {
        writeln!(text, "not evaluated: engine {:?}, oracle {:?}", ran.not_evaluated, naive.not_evaluated).unwrap();
    }
    write!(text, "settings: {settings:?}\n{}", shown(&sources)).unwrap();
    Err(text)
}

/// Shows a data set, at most so much that it can be read.
fn shown(sources: &[NaiveSource]) -> String {
    let mut text = String::new();
    for source in sources {
        let Source { name, role, grain, rank, .. } = &source.source;
        writeln!(text, "[{role} {name} grain={grain} rank={rank}] {:?}", source.source.fields.iter().collect::<Vec<_>>()).unwrap();
        for record in source.records.iter().take(12) {
            writeln!(text, "  {}:{} {:?}", record.file, record.record, record.values).unwrap();
        }
    }
    text
}

/// Writes the files of a data set and plans their run.
fn write(directory: &Path, sources: &[NaiveSource], settings: &NaiveSettings) -> Plan {
    let tiers = Tiers { clean: settings.tiers.clean, case: settings.tiers.case, separators: settings.tiers.separators };
    Plan {
        name: "parity".to_owned(),
        sources: sources.iter().map(|source| write_source(directory, source)).collect(),
        scope: settings.scope.clone(),
        scope_reason: String::new(),
        as_of: settings.as_of,
        grace_days: settings.grace_days,
        tiers,
        rules: RuleSettings::default(),
        thresholds: Thresholds {
            lot_only_percent: settings.lot_only_share as u64,
            digits_repeats: settings.digits_repeats as u64,
            lot_tracked_percent: settings.lot_tracked_share as u64,
            lot_pair_units_min: settings.comparable_units_min as u64,
            lot_pair_differing_percent: settings.differing_share as u64,
            widespread_serials_min: settings.widespread_serials_min as u64,
            widespread_percent: settings.widespread_share as u64,
            ..Thresholds::default()
        },
        unreadable_share_max: 50 * PERCENT,
        fail_on: None,
        allow_disjoint: true,
        allow_recurring: true,
        threads: 1,
        memory_limit: u64::MAX,
        spill_dir: None,
        spill_limit: u64::MAX,
        out: None,
        resolved: serde_json::Value::Null,
        notes: Vec::new(),
    }
}

fn write_source(directory: &Path, source: &NaiveSource) -> SourcePlan {
    let fields: Vec<Field> = source.source.fields.iter().collect();
    let mut files: BTreeMap<&str, Vec<&NaiveRecord>> = BTreeMap::new();
    source.records.iter().for_each(|record| files.entry(&record.file).or_default().push(record));
    let written = files.into_iter().map(|(name, mut records)| {
        records.sort_by_key(|record| record.record);
        // The first column tells files apart: two files of one source with the same bytes would count once.
        let mut text = format!("from{}\r\n", fields.iter().map(|field| format!(",{field}")).collect::<String>());
        for (index, record) in records.iter().enumerate() {
            assert_eq!(record.record, index as u64 + 1);
            text.push_str(name);
            for field in &fields {
                let value = record.values.get(field).map_or("", String::as_str);
                write!(text, ",\"{}\"", value.replace('"', "\"\"")).unwrap();
            }
            text.push_str("\r\n");
        }
        let path = directory.join(name);
        fs::write(&path, &text).unwrap();
        let mapped = |(index, &field): (usize, &Field)| Mapped {
            field,
            origin: Origin::Column { index: index + 1, name: field.name().to_owned(), date_formats: Vec::new() },
            reason: String::new(),
        };
        FilePlan {
            input: InputFile { path, bytes: text.len() as u64 },
            mapping: fields.iter().enumerate().map(mapped).collect(),
            carry: Vec::new(),
            filters: Vec::new(),
        }
    });
    SourcePlan {
        files: written.collect(),
        source: source.source.clone(),
        carry: Vec::new(),
        filters: Vec::new(),
        rejected_max: 0,
        open: OpenOptions::default(),
    }
}

fn said_by_engine(plan: &Plan, found: &Found, evidence: &Evidence, rows: &[&Row<'_>]) -> Said {
    let files = files_of(plan);
    let code = |row: &Row<'_>| CATALOGUE[usize::from(row.rule)].code;
    let codes: BTreeMap<&str, &str> = rows.iter().map(|row| (row.finding_id.as_str(), code(row))).collect();
    let finding = |row: &Row<'_>| {
        let cited = row.records.iter().filter(|(_, cited)| *cited).map(|&(record, _)| {
            let reference = evidence.references[record as usize];
            let (source, file) = files[(reference >> 32) as usize];
            (source, base_name(&file_name(file)), u64::from(reference as u32) + 1)
        });
        let mut cited: Vec<_> = cited.collect();
        cited.sort();
        assert_eq!(row.record_count, cited.len() as u64);
        let explained = row.explained_by.as_ref().map_or("", |id| codes[id.as_str()]);
        finding_line(code(row), row.subtype, row.severity.name(), row.shown, explained, &cited)
    };
    let ledger = tables::ledger_rows(plan, found).into_iter().filter(|row| row.records > 0);
    let mut said = Said {
        findings: rows.iter().map(|row| finding(row)).collect(),
        ledger: ledger.map(|row| format!("{} {} {} {}", row.source, base_name(&row.file), row.disposition.name(), row.records)).collect(),
        not_evaluated: CATALOGUE.iter().filter(|rule| rule.lacks(&found.context.sources).is_some()).map(|rule| rule.code).collect(),
    };
    said.findings.sort();
    said.ledger.sort();
    said
}

fn base_name(path: &str) -> String {
    Path::new(path).file_name().unwrap().to_string_lossy().into_owned()
}

fn said_by_naive(sources: &[NaiveSource], settings: &NaiveSettings) -> Said {
    let verdict = judge(sources, settings);
    let finding = |found: &NaiveFinding| {
        let shown = [&found.item, &found.serial, &found.lot, &found.supplier, &found.site].map(String::as_str);
        let explained = found.explained_by_code.unwrap_or("");
        finding_line(found.code, found.subtype, found.severity.name(), shown, explained, &found.cited)
    };
    let mut ledger: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for (source, dispositions) in sources.iter().zip(&verdict.dispositions) {
        for (record, disposition) in source.records.iter().zip(dispositions) {
            *ledger.entry((&source.source.name, &record.file, Disposition::name(*disposition))).or_default() += 1;
        }
    }
    let mut said = Said {
        findings: verdict.findings.iter().map(finding).collect(),
        ledger: ledger.into_iter().map(|((source, file, end), records)| format!("{source} {file} {end} {records}")).collect(),
        not_evaluated: verdict.not_evaluated,
    };
    said.findings.sort();
    said.ledger.sort();
    said
}

fn finding_line(code: &str, subtype: &str, severity: &str, shown: [&str; 5], explained: &str, cited: &[(usize, String, u64)]) -> String {
    let [item, serial, lot, supplier, site] = shown;
    format!("{code}:{subtype} {severity} {item:?} {serial:?} {lot:?} {supplier:?} {site:?} <{explained:?} {cited:?}")
}
