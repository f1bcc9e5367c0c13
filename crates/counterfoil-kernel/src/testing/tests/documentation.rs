//! The rule texts in `src/rules/docs`: headings, length, and examples that give exactly their findings.

use std::path::PathBuf;

use crate::testing::case::cases_in_markdown;

const HEADINGS: [&str; 5] = ["## What it finds", "## Why it matters", "## Example", "## What to do", "## Source"];

/// Codes whose finding comes from reading files, so that text cases can't show it.
const OF_THE_READER: [&str; 3] = ["idn005", "run001", "run003"];

/// Gives the code in lower case and the text of every rule.
fn documents() -> Vec<(String, String)> {
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests")).join("src/rules/docs");
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of rule texts is in the crate") {
        let path = entry.expect("the folder can be listed").path();
        let code = path.file_stem().expect("rule texts have names").to_string_lossy().into_owned();
        documents.push((code, std::fs::read_to_string(&path).expect("rule texts are UTF-8")));
    }
    documents.sort();
    documents
}

#[test]
fn every_rule_has_its_text_with_exact_headings() {
    let documents = documents();
    let codes: Vec<&str> = documents.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "idn001", "idn002", "idn005", "idn008", "idn011", "lot001", "lot002", "lot003", "lot006", "orp001", "orp002", "orp003",
            "orp004", "run001", "run003", "ser001", "ser002", "ser003", "ser004"
        ]
    );
    for (code, text) in &documents {
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings, HEADINGS, "{code}");
        let lines = text.lines().count();
        assert!((25..=50).contains(&lines), "{code} has {lines} lines");
        let first = text.lines().find(|line| !line.is_empty() && !line.starts_with('#')).expect("a text has sentences");
        assert!(first.contains(". ") || first.ends_with('.'), "{code}: the first sentence is the description: keep it on one line");
    }
}

#[test]
fn every_example_gives_exactly_its_findings() {
    for (code, text) in documents() {
        let cases = cases_in_markdown(&text).unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(cases.is_empty(), OF_THE_READER.contains(&code.as_str()), "{code} has {} cases", cases.len());
        for case in cases {
            assert_eq!(case.judged(), case.findings, "{code}");
            assert!(case.findings.contains(&code.to_uppercase()), "{code} is not among its own findings");
            assert!(case.sources.iter().all(|source| source.records.len() < 8), "{code} has a block of 8 rows or more");
        }
    }
}
