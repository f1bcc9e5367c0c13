//! Outcomes for the tests of the renderers: an ordinary run, a clean one, and one far larger than any page.

use counterfoil_kernel::model::{Disposition, Field, Grain, Role, Severity};

use crate::outcome::{
    FileOutcome, LedgerRow, Outcome, OverlapRow, ParameterOutcome, RejectedRow, Resources, RuleOutcome, SampleFinding, SampleRecord,
    SourceOutcome, StepOutcome, SupplierOutcome,
};

/// A text that would do harm if it reached a page or a terminal as it is.
pub const HOSTILE: &str = "<script>alert('x')</script>\u{202E}=HYPERLINK(\"evil\")\u{1B}[2J";

/// The rules of the fixture: code, name, severity, findings by severity, explained, records, why not evaluated.
type RuleRow = (&'static str, &'static str, Severity, [u64; 4], u64, u64, Option<&'static str>, &'static str);

const RULES: &[RuleRow] = &[
    ("IDN001", "identifier-missing", Severity::Error, [0, 6, 0, 0], 0, 212, None, "Serials are blank where serials are tracked."),
    (
        "IDN002",
        "placeholder-identifier",
        Severity::Error,
        [0, 3, 0, 0],
        0,
        1_044,
        None,
        "A placeholder such as N/A stands for an identifier.",
    ),
    ("IDN008", "normalization-collision", Severity::Warning, [0, 0, 2, 0], 0, 8, None, "Two spellings of one key are different units."),
    ("LOT001", "lot-mismatch", Severity::Error, [0, 311, 0, 0], 40, 702, None, "The sources of one unit name different lots."),
    ("LOT002", "lot-missing", Severity::Warning, [0, 0, 1_204, 0], 0, 1_204, None, "A unit of a lot-tracked item has no lot in a source."),
    ("LOT006", "lots-not-comparable", Severity::Error, [0; 4], 0, 0, None, "Two sources keep different kinds of lots."),
    ("ORP001", "shipped-not-in-erp", Severity::Error, [0, 12_150, 0, 37], 1_100, 12_900, None, "A shipped unit never arrived in the ERP."),
    (
        "ORP002",
        "erp-not-shipped",
        Severity::Error,
        [0; 4],
        0,
        0,
        Some("no supplier source maps `shipped`"),
        "The ERP holds a unit that no supplier shipped.",
    ),
    (
        "ORP003",
        "claim-for-unknown-unit",
        Severity::Critical,
        [41, 0, 9, 0],
        9,
        55,
        None,
        "A claim is about a unit that nobody shipped or holds.",
    ),
    (
        "SER001",
        "duplicate-serial",
        Severity::Error,
        [0, 132, 0, 0],
        12,
        290,
        None,
        "One source lists one unit twice with different content.",
    ),
    (
        "SER004",
        "serial-from-several-suppliers",
        Severity::Critical,
        [4, 0, 0, 0],
        0,
        8,
        None,
        "Two suppliers shipped one unit: a counterfeit or clone suspect.",
    ),
    ("SRC002", "capture-incomplete", Severity::Info, [0; 4], 0, 0, Some("ignored"), "Capture time or place is missing."),
];

fn parameter(key: &str, value: &str, unit: &'static str, is_changed: bool) -> ParameterOutcome {
    ParameterOutcome { key: key.to_owned(), value: value.to_owned(), unit, is_changed }
}

/// An ordinary run with findings of many kinds.
pub fn rich() -> Outcome {
    let sources = sources();
    Outcome {
        name: "monthly-integrity-audit".to_owned(),
        run_id: "2026-11-22T142144Z-7f3a9c".to_owned(),
        tool_version: "0.1.0".to_owned(),
        as_of: "2026-11-22".to_owned(),
        grace_days: 14,
        parameters: vec![
            parameter("rules.LOT006.units_min", "500", "units", true),
            parameter("guards.overlap_percent_min", "0.5", "percent", true),
            parameter("rules.SER003.serials_min", "1000", "serials", false),
        ],
        resolved: "{\n  \"as_of\": \"2026-11-22\",\n  \"scope\": [\n    \"item\"\n  ]\n}".to_owned(),
        scope: "[\"item\"]".to_owned(),
        scope_reason: "every supplier and ERP source maps an item".to_owned(),
        config_digest: "7f3a9c0e51b2d4688899aabbccddeeff00112233445566778899aabbccddeeff".to_owned(),
        fail_on: "error".to_owned(),
        failing: 12_647,
        notes: vec!["erp: lot column \"CHARG\" taken for the internal lot; supplier lots come from \"LICHA\"".to_owned()],
        ledger: ledger(&sources),
        sources,
        rules: rules(),
        suppliers: suppliers(),
        suppliers_total: 5,
        suppliers_named: 5,
        sample: sample(),
        findings_total: 13_899,
        findings_explained: 1_161,
        steps: steps(),
        overlap: overlap(),
        rejected: rejected(3),
        rejected_total: 41,
        resources: Resources {
            started: "2026-11-22T14:21:44Z".to_owned(),
            wall_s: 41.7,
            cpu_s: 402.1,
            peak_bytes: 6_123_456_789,
            threads: 16,
            spilled_bytes: 0,
            phases: vec![("open", 0.4), ("read", 18.2), ("evaluate", 23.1)],
        },
    }
}

/// A run without any finding.
pub fn clean() -> Outcome {
    let mut outcome = rich();
    outcome.failing = 0;
    outcome.findings_total = 0;
    outcome.findings_explained = 0;
    outcome.sample.clear();
    outcome.suppliers.clear();
    outcome.suppliers_total = 0;
    outcome.suppliers_named = 0;
    outcome.rejected.clear();
    outcome.rejected_total = 0;
    for rule in &mut outcome.rules {
        rule.counts = [0; 4];
        rule.explained = 0;
        rule.records = 0;
    }
    for row in &mut outcome.ledger {
        if row.disposition == Disposition::Rejected {
            row.records = 0;
        }
    }
    for source in &mut outcome.sources {
        source.findings = [0; 4];
        for file in &mut source.files {
            file.unreadable_dates.clear();
            file.unreadable_quantities = None;
            let ended = outcome.ledger.iter().filter(|row| row.source == source.name && row.file == file.path);
            file.records = ended.map(|row| row.records).sum();
        }
    }
    outcome
}

/// A run with 10,000 files, 1,000 suppliers and 5,000 sample findings of long, hostile text.
pub fn huge() -> Outcome {
    let mut outcome = rich();
    let long = HOSTILE.repeat(12);
    let file = outcome.sources[0].files[0].clone();
    outcome.sources[0].files = (0..10_000)
        .map(|index| FileOutcome {
            path: format!("{index:05}-{long}"),
            mapping: file.mapping.iter().map(|(field, column, _)| (*field, format!("{column}{index}"), long.clone())).collect(),
            ..file.clone()
        })
        .collect();
    outcome.resolved = "      \"path\": \"inbox/file.csv\"\n".repeat(400_000);
    outcome.ledger = ledger(&outcome.sources);
    let supplier = outcome.suppliers[0].clone();
    outcome.suppliers = (0..1_000).map(|index| SupplierOutcome { supplier: format!("{index:04} {long}"), ..supplier.clone() }).collect();
    outcome.suppliers_total = 48_112;
    outcome.suppliers_named = 48_112;
    let seeds = outcome.sample.clone();
    outcome.sample = (0..5_000).map(|index| blown_up(&seeds[index * seeds.len() / 5_000], index, &long)).collect();
    outcome.rejected = rejected(5_000);
    outcome.rejected_total = 5_000_000;
    outcome.notes = vec![long; 3_000];
    outcome
}

fn blown_up(seed: &SampleFinding, index: usize, long: &str) -> SampleFinding {
    let mut finding = seed.clone();
    finding.finding_id = format!("F-{index:026}");
    finding.message = long.to_owned();
    finding.item = long.to_owned();
    for record in &mut finding.evidence {
        record.values.iter_mut().for_each(|(_, value)| value.push_str(long));
    }
    let record = finding.evidence[0].clone();
    finding.evidence.extend(std::iter::repeat_n(record, 6));
    finding
}

fn sources() -> Vec<SourceOutcome> {
    let file = |path: &str, description: &str, records: u64, mapping: &[(Field, &str, &str)]| FileOutcome {
        path: path.to_owned(),
        bytes: records * 61,
        sha256: format!("{:064x}", records * 7_919),
        description: description.to_owned(),
        records,
        mapping: mapping.iter().map(|&(field, column, reason)| (field, column.to_owned(), reason.to_owned())).collect(),
        unreadable_dates: Vec::new(),
        unreadable_quantities: None,
        repeats: None,
    };
    let supplier = [
        (Field::Item, "Part", "header \"Part\" is a generic name for item"),
        (Field::Serial, "Serial No.", "header \"Serial No.\" is a generic name for serial"),
        (Field::Lot, "Batch", "header \"Batch\" is a generic name for lot"),
        (Field::Supplier, "\"ACME\" (constant)", "set in the configuration"),
        (Field::Shipped, "Ship Date", "header \"Ship Date\" is a generic name for shipped"),
    ];
    let erp = [
        (Field::Item, "MATNR", "header \"MATNR\" is an SAP name for item"),
        (Field::Serial, "SERNR", "header \"SERNR\" is an SAP name for serial"),
        (Field::Lot, "CHARG", "header \"CHARG\" is an SAP name for lot"),
        (Field::SupplierLot, "LICHA", "header \"LICHA\" is an SAP name for supplier lot"),
        (Field::Site, "WERKS", "header \"WERKS\" is an SAP name for site"),
    ];
    let warranty = [
        (Field::Serial, "sn", "header \"sn\" is a generic name for serial"),
        (Field::Claim, "claim_no", "header \"claim_no\" is a generic name for claim"),
    ];
    let mut damaged = file("inbox/acme_2026-11.csv", "csv, ';', windows line ends, utf-8", 400_100, &supplier);
    damaged.unreadable_dates = vec![(Field::Shipped, 12, "31/31/2026".to_owned())];
    let mut repeated = file("inbox/acme_2026-11_copy.csv", "csv, ';', windows line ends, utf-8", 400_100, &supplier);
    repeated.repeats = Some("inbox/acme_2026-11.csv".to_owned());
    let source = |name: &str, role: Role, files: Vec<FileOutcome>, units: u64, findings: [u64; 4]| SourceOutcome {
        name: name.to_owned(),
        role,
        grain: role.grain_default(),
        rank: role.rank_default(),
        files,
        units,
        without_lot: (role.grain_default() == Grain::Event).then_some(310),
        findings,
    };
    vec![
        source(
            "supplier",
            Role::Supplier,
            vec![file("inbox/acme_2026-10.csv", "csv, ';', utf-8", 381_200, &supplier), damaged, repeated],
            780_912,
            [4, 12_400, 1_100, 37],
        ),
        source(
            "erp",
            Role::Erp,
            vec![file("exports/erp.parquet", "parquet, 12 row groups, zstd", 790_311, &erp)],
            790_144,
            [0, 340, 900, 0],
        ),
        source(
            "warranty",
            Role::Warranty,
            vec![file("crm/claims.csv.gz", "csv, ',', utf-8, gzip", 61_204, &warranty)],
            52_001,
            [41, 90, 20, 0],
        ),
    ]
}

fn ledger(sources: &[SourceOutcome]) -> Vec<LedgerRow> {
    let mut rows = Vec::new();
    for source in sources {
        for file in &source.files {
            let out_of_scope = if file.repeats.is_some() { file.records } else { 0 };
            let rejected = if file.path == "inbox/acme_2026-11.csv" { 41 } else { 0 };
            let unusable = (file.records - out_of_scope) / 300;
            let unmatched = (file.records - out_of_scope) / 60;
            let matched = file.records - out_of_scope - rejected - unusable - unmatched;
            for (disposition, records) in Disposition::ALL.into_iter().zip([rejected, out_of_scope, unusable, matched, unmatched]) {
                rows.push(LedgerRow {
                    source: source.name.clone(),
                    file: file.path.clone(),
                    disposition,
                    records,
                    quantity_millionths: i128::from(records) * 1_000_000,
                    digest: u128::from(records) * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834,
                });
            }
        }
    }
    rows
}

fn rules() -> Vec<RuleOutcome> {
    RULES
        .iter()
        .map(|&(code, name, severity, counts, explained, records, not_evaluated, about)| RuleOutcome {
            code,
            name,
            severity,
            counts,
            explained,
            records,
            not_evaluated: not_evaluated.map(str::to_owned),
            about: about.to_owned(),
        })
        .collect()
}

fn suppliers() -> Vec<SupplierOutcome> {
    let row = |supplier: &str, counts: [u64; 4], by_code: &[(&str, u64)]| SupplierOutcome {
        supplier: supplier.to_owned(),
        counts,
        by_code: by_code.iter().map(|&(code, count)| (code.to_owned(), count)).collect(),
    };
    vec![
        row("ACME", [4, 9_120, 800, 30], &[("LOT001", 120), ("LOT002", 800), ("ORP001", 9_030), ("SER004", 4)]),
        row("Borealis Pumps & Söhne", [4, 2_400, 210, 7], &[("LOT001", 191), ("ORP001", 2_246), ("SER004", 4)]),
        row("株式会社サンプル", [0, 911, 90, 0], &[("ORP001", 911)]),
        row(HOSTILE, [0, 4, 1, 0], &[("IDN002", 3), ("LOT002", 1)]),
        row("", [41, 0, 112, 0], &[("ORP003", 50)]),
    ]
}

fn record(source: &str, file: &str, number: u64, cited: bool, values: &[(Field, &str)], steps: &str) -> SampleRecord {
    SampleRecord {
        source: source.to_owned(),
        file: file.to_owned(),
        record: number,
        cited,
        values: values.iter().map(|&(field, value)| (field, value.to_owned())).collect(),
        steps: steps.to_owned(),
    }
}

fn finding(code: &str, index: u64, severity: Severity, subject: [&str; 3], message: &str, evidence: Vec<SampleRecord>) -> SampleFinding {
    let name = RULES.iter().find(|rule| rule.0 == code).expect("the code is in the table").1;
    let mut sources: Vec<String> = evidence.iter().filter(|record| record.cited).map(|record| record.source.clone()).collect();
    sources.sort();
    sources.dedup();
    SampleFinding {
        finding_id: format!("F-{code}{index:020}"),
        code: code.to_owned(),
        name: name.to_owned(),
        subtype: String::new(),
        severity,
        explained_by: None,
        item: subject[0].to_owned(),
        serial: subject[1].to_owned(),
        lot: subject[2].to_owned(),
        supplier: "ACME".to_owned(),
        site: String::new(),
        sources,
        record_count: evidence.iter().filter(|record| record.cited).count() as u64,
        message: message.to_owned(),
        evidence,
    }
}

fn sample() -> Vec<SampleFinding> {
    let mut findings = Vec::new();
    for index in 0..3 {
        findings.push(claim_for_unknown_unit(index));
    }
    findings.push(several_suppliers());
    for index in 0..4 {
        findings.push(lot_mismatch(index));
    }
    findings.push(duplicate());
    let mut orphan = claim_for_unknown_unit(9);
    orphan.subtype = "other-item".to_owned();
    orphan.severity = Severity::Warning;
    orphan.explained_by = Some(findings[0].finding_id.clone());
    findings.push(orphan);
    findings
}

fn claim_for_unknown_unit(index: u64) -> SampleFinding {
    let serial = format!("WX9-00{index}-4471");
    let values = [(Field::Serial, serial.as_str()), (Field::Customer, HOSTILE), (Field::Claimed, "2026-10-02"), (Field::Claim, "C-88120")];
    let evidence = vec![record("warranty", "crm/claims.csv.gz", 5_102 + index, true, &values, "")];
    finding(
        "ORP003",
        index,
        Severity::Critical,
        ["", &serial, ""],
        "1 claim for a unit that no supplier shipped and the ERP does not hold",
        evidence,
    )
}

fn several_suppliers() -> SampleFinding {
    let evidence = vec![
        record(
            "supplier",
            "inbox/acme_2026-10.csv",
            41_007,
            true,
            &[
                (Field::Item, "PMP-200"),
                (Field::Serial, "P200-7781"),
                (Field::Lot, "L24-07"),
                (Field::Supplier, "ACME"),
                (Field::Shipped, "2026-10-01"),
            ],
            "",
        ),
        record(
            "supplier",
            "inbox/acme_2026-11.csv",
            88_123,
            true,
            &[
                (Field::Item, "PMP-200"),
                (Field::Serial, "p200-7781 "),
                (Field::Lot, "L24-07"),
                (Field::Supplier, "Borealis Pumps & Söhne"),
                (Field::Shipped, "2026-11-03"),
            ],
            "trim, case",
        ),
    ];
    finding("SER004", 1, Severity::Critical, ["PMP-200", "P200-7781", "L24-07"], "shipped by ACME and by Borealis Pumps & Söhne", evidence)
}

fn lot_mismatch(index: u64) -> SampleFinding {
    let serial = format!("P100-000{index}");
    let evidence = vec![
        record(
            "supplier",
            "inbox/acme_2026-10.csv",
            12 + index,
            true,
            &[
                (Field::Item, "PMP-100"),
                (Field::Serial, &serial),
                (Field::Lot, "L24-07-B"),
                (Field::Shipped, "2026-10-01"),
                (Field::Document, "ASN-100"),
            ],
            "",
        ),
        record(
            "erp",
            "exports/erp.parquet",
            700_012 + index,
            true,
            &[
                (Field::Item, "PMP-100"),
                (Field::Serial, &serial.replace('-', "")),
                (Field::Lot, "1000442"),
                (Field::SupplierLot, "L24-01-B"),
                (Field::Site, "1000"),
            ],
            "separators",
        ),
        record(
            "warranty",
            "crm/claims.csv.gz",
            77 + index,
            false,
            &[(Field::Serial, &serial), (Field::Lot, "L24-07-B"), (Field::Claim, "C-1")],
            "",
        ),
    ];
    let mut found = finding(
        "LOT001",
        index,
        Severity::Error,
        ["PMP-100", &serial, "L24-01-B"],
        "supplier: L24-07-B, erp: L24-01-B, warranty: L24-07-B",
        evidence,
    );
    found.subtype = "majority".to_owned();
    found
}

fn duplicate() -> SampleFinding {
    let evidence = vec![
        record(
            "erp",
            "exports/erp.parquet",
            4_001,
            true,
            &[(Field::Item, "PMP-300"), (Field::Serial, "S\u{200B}77120"), (Field::Site, "1000"), (Field::Received, "2026-09-01")],
            "invisible",
        ),
        record(
            "erp",
            "exports/erp.parquet",
            4_977,
            true,
            &[(Field::Item, "PMP-300"), (Field::Serial, "S77120"), (Field::Site, "2000"), (Field::Received, "2026-09-14")],
            "",
        ),
    ];
    finding("SER001", 1, Severity::Error, ["PMP-300", "S77120", ""], "2 records of one unit in erp that differ in received, site", evidence)
}

fn steps() -> Vec<StepOutcome> {
    let step = |step, tier, changed, matches, merges, examples: &[(&str, &str)]| StepOutcome {
        step,
        tier,
        changed,
        matches,
        merges,
        examples: examples.iter().map(|&(before, after)| (before.to_owned(), after.to_owned())).collect(),
    };
    vec![
        step("none", "T0", 0, 741_000, 0, &[]),
        step("invisible", "T1", 12, 12, 1, &[("S\u{200B}77120", "S77120")]),
        step("trim", "T1", 4_410, 4_202, 2, &[(" P200-7781", "P200-7781")]),
        step("case", "T3", 30_120, 29_870, 14, &[("p200-7781", "P200-7781")]),
        step("separators", "T4", 120_331, 9_944, 31, &[("P100-0001", "P1000001"), (HOSTILE, "X")]),
    ]
}

fn overlap() -> Vec<OverlapRow> {
    let row = |supplier, erp, warranty, units| OverlapRow { known_by: [supplier, erp, warranty], units };
    vec![
        row(true, true, true, 50_310),
        row(true, true, false, 718_402),
        row(true, false, true, 50),
        row(true, false, false, 12_150),
        row(false, true, true, 1_600),
        row(false, true, false, 19_832),
        row(false, false, true, 41),
    ]
}

fn rejected(count: u64) -> Vec<RejectedRow> {
    (0..count)
        .map(|index| RejectedRow {
            source: "supplier".to_owned(),
            file: "inbox/acme_2026-11.csv".to_owned(),
            record: 88_000 + index,
            line: 88_123 + index,
            reason: "ragged".to_owned(),
            detail: format!("12 fields, expected 11 {HOSTILE}"),
        })
        .collect()
}
