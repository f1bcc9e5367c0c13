//! The report as a whole: safe, bounded, complete and the same each time.

use super::super::fixture::{self, HOSTILE};
use super::*;

const SECTIONS: [&str; 9] = ["totals", "codes", "suppliers", "overlap", "findings", "proof", "inputs", "rejected", "method"];

/// The text of the page without its style and script.
fn body(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (middle, end) = rest.split_once("<script>").unwrap();
    let (_, end) = end.split_once("</script>").unwrap();
    format!("{head}{middle}{end}")
}

/// Checks that every element that must be closed is, in order.
#[track_caller]
fn check_nesting(page: &str) {
    let tag = regex::Regex::new(r"<(/?)([a-z0-9]+)[^>]*?(/?)>").unwrap();
    let mut open = Vec::new();
    for found in tag.captures_iter(&body(page)) {
        let name = found[2].to_owned();
        if ["meta", "br", "input", "link"].contains(&name.as_str()) || &found[3] == "/" {
            continue;
        }
        if &found[1] == "/" {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "closing tag");
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn every_section_is_there_and_well_formed() {
    for outcome in [fixture::rich(), fixture::clean(), Outcome::default()] {
        let page = html(&outcome);
        for section in SECTIONS {
            assert!(page.contains(&format!("<section id=\"{section}\">")), "{section}");
            assert!(page.contains(&format!("href=\"#{section}\"")), "no link to {section}");
        }
        assert!(page.contains("<html lang=\"en\">"));
        check_nesting(&page);
    }
}

#[test]
fn facts_of_the_run_are_on_the_page() {
    let page = html(&fixture::rich());
    for fact in [
        "FAIL",
        "12,647 findings at or above error",
        "12,738 causes in 2,032,915 records of 5 files from 3 sources. 13,899 findings in all: 1,161 are explained by another.",
        "✓ balanced",
        "4 of 50, all in findings.parquet.",
        "no supplier source maps `shipped`",
        "3 of 41 rejected records, all with their raw bytes in rejected.parquet.",
        "L24-0<mark>7</mark>-B",
        "same content as inbox/acme_2026-11.csv: out of scope",
        "<td><code>rules.LOT006.units_min</code></td><td class=\"n\">500</td><td>units</td><td><b>configured</b></td>",
        "<td><code>rules.SER003.serials_min</code></td><td class=\"n\">1000</td><td>serials</td><td>default</td>",
        "  &#34;scope&#34;: [\n    &#34;item&#34;\n  ]\n}",
        "12 dates in shipped unreadable, first: 31/31/2026",
        "header &#34;SERNR&#34; is an SAP name for serial",
    ] {
        assert!(page.contains(fact), "{fact}");
    }
    assert!(!page.contains("not balanced"));
}

#[test]
fn nothing_is_loaded_and_only_our_blocks_are_admitted() {
    for outcome in [fixture::rich(), fixture::huge()] {
        let page = html(&outcome);
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
        assert!(!page.contains(" src=") && !page.contains(" style=") && !page.contains(" onclick="));
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("<style").count(), 1);
        assert!(page.contains("default-src 'none'; style-src 'sha256-") && page.contains("script-src 'sha256-"));
    }
    assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
    assert!(SCRIPT.len() < 10 * 1024);
}

#[test]
fn the_policy_names_the_hash_of_the_block() {
    // The digest of the empty text as it stands in the policy's specification.
    assert_eq!(content_hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(base64(b"a"), "YQ==");
    assert_eq!(base64(b"ab"), "YWI=");
    assert_eq!(base64(b"abc"), "YWJj");
}

#[test]
fn hostile_text_is_shown_and_does_nothing() {
    let mut outcome = fixture::rich();
    outcome.name = HOSTILE.to_owned();
    outcome.scope_reason = HOSTILE.to_owned();
    outcome.resolved = format!("{HOSTILE}\n</code></pre><script>alert('x')</script>");
    outcome.sources[0].name = HOSTILE.to_owned();
    outcome.sample[0].finding_id = format!("F-1\" onmouseover=\"x {HOSTILE}");
    outcome.sample[0].code = HOSTILE.to_owned();
    let page = html(&outcome);
    let body = body(&page);
    assert!(!body.contains("<script>") && !body.contains("alert('x')"));
    assert!(!body.contains("\" onmouseover"));
    assert!(!body.contains('\u{202E}') && !body.contains('\u{1B}') && !body.contains('\u{200B}'));
    assert!(body.contains("‹U+202E›") && body.contains("S<mark>‹U+200B›</mark>77120"));
}

#[test]
fn the_page_stays_in_its_budget_whatever_the_data() {
    let outcome = fixture::huge();
    let page = html(&outcome);
    assert!(page.len() <= HTML_BYTES_MAX, "{}", page.len());
    assert!(page.len() > HTML_BYTES_MAX / 2, "the budget is used: {}", page.len());
    for code in ["ORP003", "SER004", "LOT001", "SER001"] {
        assert!(page.contains(&format!("<section class=\"group\" id=\"code-{code}\">")), "{code} has no room");
    }
    assert!(page.contains("48,112 suppliers shown, most findings first; all in findings.parquet."));
    assert!(page.contains("of 10,000 files shown, all in ledger.parquet."));
    assert!(page.contains("of 400,000 lines shown, all in manifest.json."));
    assert!(page.contains("of 5,000,000 rejected records"));
    check_nesting(&page);
}

#[test]
fn many_sources_stay_in_the_budget_too() {
    let mut outcome = fixture::huge();
    let source = outcome.sources[0].clone();
    outcome.sources = (0..127)
        .map(|index| {
            let mut copy = source.clone();
            copy.name = format!("{index} {}", HOSTILE.repeat(20));
            copy.files.truncate(100);
            copy
        })
        .collect();
    assert!(html(&outcome).len() <= HTML_BYTES_MAX);
    // More than any run has: the frame alone would fill the page.
    outcome.sources = std::iter::repeat_with(|| outcome.sources.clone()).take(20).flatten().collect();
    let page = html(&outcome);
    assert!(page.len() <= HTML_BYTES_MAX && HTML_BYTES_MAX <= 5_000_000, "{}", page.len());
    assert!(page.contains("of 2,540 sources shown, all in manifest.json."));
    check_nesting(&page);
}

#[test]
fn a_run_that_compares_nothing_does_not_pass() {
    let mut outcome = fixture::clean();
    outcome.rules.iter_mut().for_each(|rule| rule.not_evaluated = Some("ignored".to_owned()));
    let page = html(&outcome);
    assert!(page.contains("NOT RECONCILED") && !page.contains("PASS"));
    assert!(page.contains("no finding at or above error; nothing was reconciled: no rule that compares sources was evaluated"));
    let mut outcome = fixture::rich();
    outcome.sources.truncate(1);
    assert!(verdict(&outcome, true).why.ends_with("at or above error; nothing was reconciled: only supplier sources were given"));
    assert_eq!(verdict(&outcome, true).word, "FAIL");
}

#[test]
fn same_outcome_gives_the_same_page() {
    assert!(html(&fixture::huge()) == html(&fixture::huge()));
}

#[test]
fn a_clean_run_says_what_was_checked() {
    let page = html(&fixture::clean());
    assert!(page.contains("PASS") && page.contains("no finding at or above error"));
    assert!(page.contains("<strong>Nothing to report.</strong> 10 rules ran over"));
    assert!(page.contains("Every record could be read.") && page.contains("No supplier has findings."));
    assert!(!page.contains("id=\"filter\""));
}

#[test]
fn a_broken_ledger_is_no_pass() {
    let mut outcome = fixture::clean();
    outcome.ledger[3].records -= 1;
    let page = html(&outcome);
    assert!(page.contains("INVALID") && page.contains("role=\"alert\"") && page.contains("✗ not balanced"));
    assert!(!page.contains("PASS"));
}

/// Writes the pages where a browser can open them, for a person to look at.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("COUNTERFOIL_PAGES") else {
        println!("skipped: COUNTERFOIL_PAGES names no folder");
        return;
    };
    for (name, outcome) in [("rich", fixture::rich()), ("clean", fixture::clean()), ("huge", fixture::huge())] {
        std::fs::write(std::path::Path::new(&folder).join(name).with_extension("html"), html(&outcome)).unwrap();
    }
}
