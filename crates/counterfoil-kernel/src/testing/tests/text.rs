//! The text of cases: what is read, what is refused, and that random findings render to distinct lines.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::model::{Field, Grain, Role};
use crate::testing::case::{Case, cases_in_markdown, render};
use crate::testing::naive::judge;
use crate::testing::strategies::data_sets;

#[test]
fn sources_options_and_settings_are_read() {
    let case = Case::parse(
        "// A comment.
        [warranty w grain=unit rank=9]
        serial,failure
        \"SN,\"\"1\",
        [supplier a]
        serial,item
        SN2,P1
        [settings]
        as_of = 1970-01-03
        grace_days = 3
        tiers = T0,T4
        rules.LOT006.units_min = 5
        rules.LOT006.differing_percent = 33.3
        rules.SER003.serials_min = 6
        rules.SER003.widespread_percent = 0.05
        rules.IDN001.lot_only_percent = 80
        rules.IDN002.digits_repeats = 2
        rules.LOT002.tracked_percent = 12.34
        [findings]
        RUN001   error  x",
    )
    .expect("the case is well-formed");
    assert_eq!(case.sources.iter().map(|source| source.source.name.as_str()).collect::<Vec<_>>(), ["a", "w"]);
    let claims = &case.sources[1];
    assert_eq!((claims.source.role, claims.source.grain, claims.source.rank), (Role::Warranty, Grain::Unit, 9));
    assert_eq!(claims.source.fields.iter().collect::<Vec<_>>(), [Field::Serial, Field::Failure]);
    assert_eq!(claims.records[0].values.clone().into_iter().collect::<Vec<_>>(), [(Field::Serial, "SN,\"1".to_owned())]);
    assert_eq!((claims.records[0].file.as_str(), claims.records[0].record), ("w.csv", 1));
    let settings = &case.settings;
    assert_eq!((settings.as_of, settings.grace_days, settings.comparable_units_min, settings.widespread_serials_min), (2, 3, 5, 6));
    assert_eq!((settings.differing_share, settings.widespread_share, settings.lot_only_share), (3_330, 5, 8_000));
    assert_eq!((settings.digits_repeats, settings.lot_tracked_share), (2, 1_234));
    assert_eq!((settings.tiers.clean, settings.tiers.case, settings.tiers.separators), (false, false, true));
    // The claims are no supplier or ERP source, so their lack of an item does not make the scope global.
    assert_eq!(settings.scope, [Field::Item]);
    assert_eq!(case.findings, "RUN001 error x\n");
}

#[test]
fn scope_is_global_when_a_unit_source_lacks_the_item() {
    let scope = |text: &str| Case::parse(text).expect("the case is well-formed").settings.scope;
    assert_eq!(scope("[supplier a]\nserial,item\n[erp e]\nserial"), []);
    // Without serials a source is of lot grain; of event grain it does not count either.
    assert_eq!(scope("[supplier a]\nserial,item\n[erp e]\nlot"), [Field::Item]);
    assert_eq!(scope("[supplier a]\nserial,item\n[erp e grain=event]\nserial"), [Field::Item]);
    assert_eq!(scope("[supplier a]\nserial,item\n[settings]\nscope =\n"), []);
}

#[test]
fn wrong_text_is_refused_with_its_line() {
    for (text, message) in [
        ("serial", "line 1: text before the first section; start with [ROLE NAME]"),
        (
            "[vendor a]",
            "line 1: section [vendor a] not known; expected [ROLE NAME ...], [settings] or [findings], with role supplier, erp or warranty",
        ),
        ("[erp e grain=box]", "line 1: option \"grain=box\" of a source not known; expected grain=unit|event|lot or rank=NUMBER"),
        ("[erp e]\nserial\n\n[erp e]", "line 4: source \"e\" stands twice; give each source one section"),
        ("[erp e]\nsernr", "line 2: field \"sernr\" not known; expected a field of the model, such as serial"),
        ("[erp e]\nserial,lot\nSN1", "line 3: 1 values where the header names 2 fields"),
        ("[settings]\nas_of = soon", "line 2: setting \"as_of = soon\" not known or its value not readable"),
        ("[settings]\ntiers = T2", "line 2: setting \"tiers = T2\" not known or its value not readable"),
    ] {
        assert_eq!(Case::parse(text).expect_err(text).to_string(), message);
    }
}

#[test]
fn markdown_holds_several_cases() {
    let doc = "# Title\n```csv erp e\nserial\nSN1\nSN1\n```\nwords\n```sh\nls\n```\n```findings\nSER002 warning e/SN1 e:1 e:2\n```\n```csv erp f\nserial\n```\n```settings\ngrace_days = 1\n```\n```findings\n```\n";
    let cases = cases_in_markdown(doc).expect("the cases are well-formed");
    assert_eq!(cases.len(), 2);
    assert_eq!(cases[0].judged(), cases[0].findings);
    assert_eq!(cases[0].findings, "SER002 warning e/SN1 e:1 e:2\n");
    assert_eq!((cases[1].sources.len(), cases[1].settings.grace_days, cases[1].findings.as_str()), (1, 1, ""));
}

/// One finding per subject: code, subtype and subject never repeat, whatever the data.
#[test]
fn subjects_are_unique() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..500 {
        let (sources, settings) = data_sets().new_tree(&mut runner).expect("the strategy rejects few sets").current();
        let findings = judge(&sources, &settings).findings;
        let mut subjects: Vec<_> = findings.iter().map(|finding| (finding.code, finding.subtype, &finding.subject)).collect();
        subjects.sort_unstable();
        let count = subjects.len();
        subjects.dedup();
        assert_eq!(subjects.len(), count, "{}", render(&sources, &findings));
    }
}
