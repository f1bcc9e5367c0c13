//! Random data sets reach every finding and subtype, and the oracle does not depend on the order of records.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::testing::naive::judge;
use crate::testing::strategies::data_sets;

/// Every code and subtype that the oracle gives.
const EVERY_FINDING: [&str; 27] = [
    "IDN001",
    "IDN002",
    "IDN008",
    "IDN011",
    "LOT001:majority",
    "LOT001:three-way",
    "LOT001:two-way",
    "LOT001:within-source",
    "LOT002:here",
    "LOT002:nowhere",
    "LOT003:near",
    "LOT003:other-item",
    "LOT003:unknown",
    "LOT006",
    "ORP001",
    "ORP001:in-transit",
    "ORP002",
    "ORP002:item-not-shipped",
    "ORP003",
    "ORP003:other-item",
    "ORP004",
    "SER001",
    "SER001:after-normalization",
    "SER002",
    "SER003",
    "SER003:widespread",
    "SER004",
];

#[test]
fn every_finding_occurs_often() {
    let mut runner = TestRunner::deterministic();
    let mut sets_with: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..2_000 {
        let (sources, settings) = data_sets().new_tree(&mut runner).expect("the strategy rejects few sets").current();
        let found = judge(&sources, &settings).findings;
        let mut names: Vec<String> =
            found.iter().map(|finding| [finding.code, finding.subtype].join(":").trim_end_matches(':').to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().for_each(|name| *sets_with.entry(name).or_default() += 1);
    }
    println!("{sets_with:#?}");
    assert_eq!(sets_with.keys().collect::<Vec<_>>(), EVERY_FINDING.iter().collect::<Vec<_>>());
    for (name, sets) in sets_with {
        assert!(sets >= 20, "{name} occurs in {sets} of 2000 sets");
    }
}

#[test]
fn the_order_of_records_does_not_matter() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..300 {
        let (mut sources, settings) = data_sets().new_tree(&mut runner).expect("the strategy rejects few sets").current();
        let forward = judge(&sources, &settings);
        sources.iter_mut().for_each(|source| source.records.reverse());
        let mut backward = judge(&sources, &settings);
        backward.dispositions.iter_mut().for_each(|of_source| of_source.reverse());
        assert_eq!(forward, backward);
    }
}
