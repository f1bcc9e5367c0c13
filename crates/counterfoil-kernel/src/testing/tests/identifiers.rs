//! IDN001, IDN002, IDN008, IDN011, records without scope, lot-only items, the ledger.

use crate::model::Disposition::{self, Matched, Unmatched, UnusableKey};
use crate::testing::case::{Case, check_case};
use crate::testing::naive::judge;

/// Checks where the records of each source of a case end.
#[track_caller]
fn check_dispositions(text: &str, expected: &[&[Disposition]]) {
    check_case(text);
    let case = Case::parse(text).expect("it was just read");
    assert_eq!(judge(&case.sources, &case.settings).dispositions, expected);
}

#[test]
fn idn001_by_item_and_not_for_lot_only_items() {
    // In e, P3 has no serial at all: lot-only. The blank item is never lot-only where items are mapped.
    check_dispositions(
        "[erp e]
        item,serial,lot
        P1,SN1,L1
        P1, ,L1
        P2,\u{200b},L1
        P2,SN2,L1
        P3,,L1
        P3,n/a,
        ,,L1
        [findings]
        IDN001 error e e:7
        IDN001 error e/P1 e:2
        IDN001 error e/P2 e:3
        IDN002 error e/serial/N/A e:6",
        &[&[Unmatched, UnusableKey, UnusableKey, Unmatched, Unmatched, UnusableKey, UnusableKey]],
    );
}

#[test]
fn idn001_in_a_source_without_items_the_blank_one_may_be_lot_only() {
    check_dispositions(
        "[supplier a]
        serial,lot
        ,L1
        ,L2
        [erp e]
        serial,lot
        SN1,L1
        [findings]
        ORP002 error SN1 e:1",
        &[&[Matched, Unmatched], &[Unmatched]],
    );
}

#[test]
fn a_lot_only_item_may_have_one_serial_in_a_hundred() {
    // 99 of 100 records lack a serial: lot-only, and the record with a serial is a unit. 98 of 99: serials are tracked.
    let case = |blanks: usize, found: &str| {
        let blanks = "P1,\n".repeat(blanks);
        format!("[erp e]\nitem,serial\n{blanks}P1,SN1\n[warranty w]\nitem,serial\nP1,SN1\n[findings]\n{found}")
    };
    check_case(&case(99, ""));
    let cited: String = (1..=98).map(|record| format!(" e:{record}")).collect();
    check_case(&case(98, &format!("IDN001 error e/P1{cited}")));
}

#[test]
fn idn002_words_in_four_fields() {
    check_dispositions(
        "[erp e]
        item,serial,lot,supplier_lot
        P1,unknown,tbd,L1
        P1,ＵＮＫＮＯＷＮ,L1,tbd
        n/a,SN1,L1,
        P1,/,L1,
        P1,SN2,L1,L1
        [findings]
        IDN002 error e/item/N/A e:3
        IDN002 error e/lot/TBD e:1
        IDN002 error e/serial// e:4
        IDN002 error e/serial/UNKNOWN e:1 e:2
        IDN002 error e/supplier_lot/TBD e:2",
        &[&[UnusableKey, UnusableKey, Unmatched, UnusableKey, Unmatched]],
    );
}

#[test]
fn idn002_digits_count_from_three_under_one_item_of_one_unit_source() {
    // 0000 stands three times under P1 of e, so it counts in w too; 9999 stands twice under P1 and once under P2. Lots never count.
    check_dispositions(
        "[erp e]
        item,serial,lot,received
        P1,0000,0000,2026-01-01
        P1,0000,0000,2026-01-02
        P1, ００００,0000,2026-01-03
        P1,9999,0000,2026-01-01
        P1,9999,0000,2026-01-01
        P2,9999,0000,2026-01-01
        [warranty w]
        item,serial
        P2,0000
        P2,1234
        P2,1234
        P2,1234
        [findings]
        ORP003 critical P2/1234 w:2 w:3 w:4
        IDN002 error e/serial/0000 e:1 e:2 e:3
        IDN002 error w/serial/0000 w:1
        SER002 warning e/P1/9999 e:4 e:5
        SER003 warning 9999 e:4 e:5 e:6",
        &[&[UnusableKey, UnusableKey, UnusableKey, Unmatched, Unmatched, Unmatched], &[UnusableKey, Unmatched, Unmatched, Unmatched]],
    );
}

#[test]
fn idn008_two_confirmed_forms_stay_apart() {
    // Both forms stand in a and e. The claim joins the unit of its own form; a third form is a unit of its own.
    check_case(
        "[supplier a]
        item,serial
        P1,AB-123
        P1,AB123
        [erp e]
        item,serial
        P1,ab-123
        P1,AB123
        P1,AB 123
        [warranty w]
        serial
        ab123
        AB.123
        [findings]
        ORP003 critical AB.123 w:2
        ORP002 error \"P1/AB 123\" e:3
        IDN008 warning P1/AB123 a:1 a:2 e:1 e:2 e:3",
    );
}

#[test]
fn idn008_not_when_only_one_form_is_confirmed() {
    check_case(
        "[supplier a]
        item,serial
        P1,AB-123
        [erp e]
        item,serial
        P1,AB-123
        P1,AB123
        [findings]
        SER001:after-normalization error e/P1/AB-123 e:1 e:2",
    );
}

#[test]
fn idn008_in_the_blank_scope() {
    // No unit holds a unit-grain record, so the claims form units of their own, and their forms are confirmed by two sources each.
    check_case(
        "[supplier a]
        item,serial
        P1,SN1
        [warranty w]
        serial
        AB-1
        AB1
        [warranty x]
        serial
        AB-1
        AB1
        [findings]
        ORP003 critical AB-1 w:1 x:1
        ORP003 critical AB1 w:2 x:2
        IDN008 warning AB1 w:1 w:2 x:1 x:2",
    );
}

#[test]
fn idn011_two_units_could_be_meant() {
    // SN1 is a unit under two items; SN2 under one; SN3 under none with a unit-grain record.
    check_dispositions(
        "[erp e]
        item,serial
        P1,SN1
        P2,SN1
        P1,SN2
        [warranty w]
        item,serial
        ,SN1
        ,sn-1
        N/A,SN2
        ,SN3
        P1,SN3
        [findings]
        ORP003 critical P1/SN3 w:5
        ORP003 critical SN3 w:4
        IDN002 error w/item/N/A w:3
        IDN011 warning SN1 w:1 w:2
        SER003 warning SN1 e:1 e:2",
        &[&[Unmatched, Unmatched, Matched], &[Unmatched, Unmatched, Matched, Unmatched, Unmatched]],
    );
}

#[test]
fn ledger_of_lots() {
    // g maps no serial: lot grain. Its lots meet records of other roles with or without a serial, under the same item only.
    check_dispositions(
        "[supplier a]
        item,serial,lot
        P1,SN1,A1
        P1,SN2,A2
        [erp e]
        item,serial,lot
        P1,SN1,A1
        P1,SN2,A2
        [erp g]
        item,lot,supplier_lot,quantity
        P1,I1,A-1,10
        P1,I1,A3,10
        P2,I1,A1,10
        P1,A1,,10
        P1,,,10
        [findings]
        LOT003:unknown error g/P1/A3 g:2",
        &[&[Matched, Matched], &[Matched, Matched], &[Matched, Unmatched, Unmatched, Unmatched, UnusableKey]],
    );
}

#[test]
fn scope_of_item_and_site() {
    check_case(
        "[supplier a]
        item,serial
        P1,SN1
        P1,SN2
        [erp e]
        item,site,serial
        P1,S1,SN1
        P1,S2,SN1
        P1,S1,SN2
        [settings]
        scope = item, site
        [findings]
        ORP002 error P1/S1/SN1 e:1
        ORP002 error P1/S2/SN1 e:2
        IDN011 warning SN1 a:1",
    );
}
