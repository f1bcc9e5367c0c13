//! Random small messy data sets in which every finding occurs often.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::{Field, FieldSet, Grain, Role, Source};

use super::naive::{NaiveRecord, NaiveSettings, NaiveSource, NaiveTiers};

/// The most records of one source of a random data set, before one is repeated.
const RECORDS_MAX: usize = 9;

/// Makes data sets of two to five sources with up to nine records each, or ten when one is repeated, and settings for them.
///
/// Few serials, items, lots and suppliers in many spellings, dates around the edges of windows, several grains, scopes
/// `[]`, `["item"]` and `["item", "site"]`, and low minimums for the rules that need many units.
pub fn data_sets() -> impl Strategy<Value = (Vec<NaiveSource>, NaiveSettings)> {
    (sources(), settings())
}

/// Makes sources, ordered by role, then name, as in a run.
fn sources() -> impl Strategy<Value = Vec<NaiveSource>> {
    // Most sets have a source of each role: without it most orphan rules are not evaluated.
    let roles = vec(prop_oneof![3 => Just(true), 1 => Just(false)], 5);
    (
        roles,
        source(Role::Supplier, "acme"),
        source(Role::Supplier, "bolt"),
        source(Role::Erp, "erp"),
        source(Role::Erp, "mes"),
        source(Role::Warranty, "claims"),
    )
        .prop_map(|(present, acme, bolt, erp, mes, claims)| {
            let all = [acme, bolt, erp, mes, claims].into_iter().zip(present);
            all.filter(|(_, is_present)| *is_present).map(|(source, _)| source).collect::<Vec<_>>()
        })
        .prop_filter("a run needs two sources", |sources| sources.len() >= 2)
}

/// Makes a source of one role with its records.
fn source(role: Role, name: &'static str) -> impl Strategy<Value = NaiveSource> {
    let grain = prop_oneof![12 => Just(role.grain_default()), 1 => select(vec![Grain::Unit, Grain::Event, Grain::Lot])];
    let rank = prop_oneof![3 => Just(role.rank_default()), 1 => 1_u32..4];
    (grain, rank, fields(role)).prop_flat_map(move |(grain, rank, fields)| {
        let source = Source { name: name.to_owned(), role, grain, rank, fields };
        vec(values(fields), 0..=RECORDS_MAX)
            .prop_map(move |records| NaiveSource { records: numbered(name, records), source: source.clone() })
    })
}

/// Puts records into the two files of a source, turn and turn about; one time in three the first record stands there twice.
fn numbered(name: &str, mut records: Vec<BTreeMap<Field, String>>) -> Vec<NaiveRecord> {
    if records.len() % 3 == 1 {
        records.push(records[0].clone());
    }
    let numbered = |(index, values): (usize, BTreeMap<Field, String>)| NaiveRecord {
        file: if index % 2 == 0 { format!("{name}.csv") } else { format!("{name}-2.csv") },
        record: index as u64 / 2 + 1,
        values,
    };
    records.into_iter().enumerate().map(numbered).collect()
}

/// Makes the fields that a source of a role maps.
fn fields(role: Role) -> impl Strategy<Value = FieldSet> {
    // The field, and how many of twenty sources map it.
    let menu: &'static [(Field, u32)] = match role {
        Role::Supplier => &[
            (Field::Serial, 19),
            (Field::Item, 18),
            (Field::Lot, 17),
            (Field::Supplier, 8),
            (Field::Document, 10),
            (Field::Shipped, 16),
            (Field::Site, 8),
        ],
        Role::Erp => &[
            (Field::Serial, 19),
            (Field::Item, 18),
            (Field::Lot, 16),
            (Field::SupplierLot, 8),
            (Field::Supplier, 8),
            (Field::Received, 16),
            (Field::Site, 12),
            (Field::Quantity, 6),
        ],
        Role::Warranty => &[
            (Field::Serial, 19),
            (Field::Item, 15),
            (Field::Lot, 12),
            (Field::SupplierLot, 3),
            (Field::Claim, 10),
            (Field::Site, 6),
            (Field::Failure, 4),
        ],
    };
    let chosen: Vec<_> = menu.iter().map(|&(field, share)| (0_u32..20).prop_map(move |draw| (draw < share).then_some(field))).collect();
    chosen.prop_map(|fields| fields.into_iter().flatten().collect())
}

/// Makes the values of a record.
fn values(fields: FieldSet) -> impl Strategy<Value = BTreeMap<Field, String>> {
    fields
        .iter()
        .map(|field| value(field).prop_map(move |value| (field, value)))
        .collect::<Vec<_>>()
        .prop_map(|values| values.into_iter().collect())
}

/// Makes the raw text of a field.
fn value(field: Field) -> BoxedStrategy<String> {
    let texts = |texts: &[&str]| select(texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
    match field {
        Field::Serial => prop_oneof![
            10 => spelled(&["SN1", "SN2", "AB123", "X9"], &["AB-123", "AB 123", "SN-1", "Xß9", "XSS9"]),
            1 => texts(&["N/A", " unknown", "--", "/", "０", "-"]),
            2 => texts(&["0000", "0000 ", "9999"]),
            1 => texts(&["", " ", "\u{200b}", "=\"\""]),
        ]
        .boxed(),
        Field::Item => prop_oneof![12 => spelled_item(), 1 => texts(&["", " \u{a0}", "n/a", "tbd"])].boxed(),
        Field::Lot | Field::SupplierLot => prop_oneof![
            12 => spelled(&["L1", "L1", "LI", "L2", "B80"], &["L-1", "0000"]),
            2 => texts(&["", "", "N/A", "."]),
        ]
        .boxed(),
        Field::Supplier => texts(&["ACME", "Acme ", "acme", "BOLT", "Bolt", "Groß", "GROSS", "CORE", "n/a", ""]).boxed(),
        // Grace is 14 days before 2026-06-30 unless set; some dates are blank, in the future or unreadable.
        Field::Shipped | Field::Received => texts(&[
            "2026-01-05",
            "2026-06-15",
            "2026-06-16",
            "20260617",
            "2026-06-29T10:00:00",
            "2026-07-20",
            "2025-01-01",
            "",
            "00000000",
            "soon",
        ])
        .boxed(),
        Field::Document => texts(&["D1", " D1", "D2", ""]).boxed(),
        Field::Site => texts(&["S1", "S1", "S2", ""]).boxed(),
        Field::Quantity => texts(&["1", "1.0", "2", ""]).boxed(),
        _ => texts(&["A", "A ", ""]).boxed(),
    }
}

/// Makes an identifier in one of many spellings, or one of some spellings as they stand.
fn spelled(words: &'static [&'static str], others: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = || select(words).prop_map(str::to_owned);
    prop_oneof![
        8 => word(),
        4 => select(others).prop_map(str::to_owned),
        1 => word().prop_map(|word| word.to_lowercase()),
        1 => word().prop_map(|word| format!(" {word}\u{a0}")),
        1 => word().prop_map(|word| format!("{}\u{200b}{}", &word[..1], &word[1..])),
        1 => word().prop_map(|word| word.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).expect("printable ASCII has full-width forms")).collect()),
        1 => word().prop_map(|word| format!("=\"{word}\"")),
        1 => word().prop_map(|word| format!("'{word}")),
        1 => word().prop_map(|word| format!("{}\u{2010}{}", &word[..2], &word[2..])),
        1 => word().prop_map(|word| format!("{}_{}", &word[..1], &word[1..])),
    ]
}

/// Makes an item: case and separators count, cleaning does not.
fn spelled_item() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just("P1".to_owned()),
        4 => Just("P2".to_owned()),
        1 => Just("P3".to_owned()),
        1 => Just("p1".to_owned()),
        1 => Just(" P1".to_owned()),
        1 => Just("Ｐ1\u{feff}".to_owned()),
    ]
}

/// Makes settings; each parameter differs from its default at times, so that LOT006 and the widespread SER003 occur.
fn settings() -> impl Strategy<Value = NaiveSettings> {
    let scope = prop_oneof![
        5 => Just(vec![Field::Item]),
        2 => Just(Vec::new()),
        1 => Just(vec![Field::Item, Field::Site]),
    ];
    let on = || prop_oneof![9 => Just(true), 1 => Just(false)];
    let minimum = || prop_oneof![3 => Just(1_000_usize), 1 => 1_usize..6];
    let share = |default: usize| prop_oneof![3 => Just(default), 1 => 0_usize..=10_000];
    let grace = prop_oneof![3 => Just(14), 1 => Just(0)];
    let repeats = prop_oneof![3 => Just(3_usize), 1 => 1_usize..5];
    let minima = (minimum(), minimum(), repeats);
    let shares = (share(5_000), share(100), share(9_900), share(5_000));
    (scope, grace, (on(), on(), on()), minima, shares).prop_map(|(scope, grace_days, tiers, minima, shares)| NaiveSettings {
        scope,
        grace_days,
        tiers: NaiveTiers { clean: tiers.0, case: tiers.1, separators: tiers.2 },
        comparable_units_min: minima.0,
        widespread_serials_min: minima.1,
        digits_repeats: minima.2,
        differing_share: shares.0,
        widespread_share: shares.1,
        lot_only_share: shares.2.max(1),
        lot_tracked_share: shares.3,
        ..NaiveSettings::default()
    })
}
