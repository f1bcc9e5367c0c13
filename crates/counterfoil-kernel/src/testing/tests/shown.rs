//! What a finding shows beside its subject: item, serial, lot, supplier, site.

use crate::testing::case::Case;
use crate::testing::naive::judge;

/// Checks the values shown by the findings of a case: code, item, serial, lot, supplier, site, joined by `|`.
#[track_caller]
fn check_shown(text: &str, expected: &[&str]) {
    let case = Case::parse(text).expect("the case is well-formed");
    let findings = judge(&case.sources, &case.settings).findings;
    let shown = |f: crate::testing::naive::NaiveFinding| [f.code, &f.item, &f.serial, &f.lot, &f.supplier, &f.site].join("|");
    assert_eq!(findings.into_iter().map(shown).collect::<Vec<_>>(), expected);
}

#[test]
fn a_unit_is_shown_by_its_best_ranked_source() {
    // The ERP ranks first and has the byte-least of its own spellings; it has no lot and a blank site, so those come from the supplier.
    // The supplier is named by supplier sources only.
    let data = "[supplier acme RANK]
        item,serial,lot,site
        P1,A B1,L-7,S9
        P1,AB1,L-7,S8
        [erp e]
        item,serial,supplier,site
        P1,ab1,Other,
        P1,ab-1,Other,
        [findings]";
    let (serials, shown) = ("SER001|P1", "L-7|ACME|S8");
    check_shown(&data.replace(" RANK", ""), &[&format!("{serials}|AB-1|{shown}"), &format!("{serials}|AB-1|{shown}")]);
    check_shown(&data.replace("RANK", "rank=0"), &[&format!("{serials}|A B1|{shown}"), &format!("{serials}|A B1|{shown}")]);
}

#[test]
fn equal_ranks_go_by_the_name_of_the_source() {
    check_shown(
        "[erp b]
        item,serial,lot
        P1,ab1,L1
        [erp a]
        item,serial,lot
        P1,ab-1,L2
        [findings]",
        &["LOT001|P1|AB-1|L2||"],
    );
}

#[test]
fn the_supplier_is_the_shipper_else_what_the_best_source_says() {
    check_shown(
        "[supplier hub]
        item,serial,supplier
        P1,SN1,Core
        P1,SN1,Bolt
        P1,SN2,
        P1,SN2,n/a
        [erp e]
        item,serial,supplier
        P1,SN1,Acme
        P1,SN2,Acme
        [findings]",
        &["SER004|P1|SN1||BOLT|", "SER001|P1|SN1||BOLT|", "SER002|P1|SN2||ACME|"],
    );
    check_shown(
        "[supplier hub]
        item,serial,supplier,site
        P1,SN1,,S1
        P1,SN1,,S2
        [erp e]
        item,serial,supplier
        P1,SN1,Acme
        [findings]",
        &["SER001|P1|SN1||ACME|S1"],
    );
}

#[test]
fn findings_about_no_single_unit_show_their_subject_only() {
    check_shown(
        "[supplier a]
        item,serial,lot,document,shipped,supplier,site
        P1,SN-1,L1,D1,2026-06-29,Acme,S1
        P2,SN-1,L1,D1,2026-06-29,Acme,S1
        P1,,L1,D1,2026-06-29,Acme,S1
        P1,tbd,TBD,D1,2026-06-29,Acme,S1
        [erp e]
        item,serial,lot,supplier,site
        P1,SN2,L-2,Acme,S1
        P9,SN3,L2,Acme,S1
        [warranty w]
        serial,lot
        sn1,
        [findings]",
        &[
            "IDN001|P1||||",
            "IDN002|||TBD||",
            "IDN002||TBD|||",
            "LOT003|P1||L2||",
            "ORP002|P1|SN2|L-2|ACME|S1",
            "IDN011||SN1|||",
            "SER003||SN1|||",
            "ORP001|||||",
            "ORP002|P9||||",
        ],
    );
}

#[test]
fn a_collision_shows_the_item_of_its_scope() {
    let data = "[supplier a]
        item,serial
        P1,AB-1
        P1,AB1
        [erp e]
        item,serial
        P1,AB-1
        P1,AB1
        [settings]
        scope = SCOPE
        [findings]";
    check_shown(&data.replace("SCOPE", "item"), &["IDN008|P1|AB1|||"]);
    check_shown(&data.replace("SCOPE", ""), &["IDN008||AB1|||"]);
}
