//! ORP001 to ORP004: grace, windows, items never shipped, units of suppliers that send no data.

use crate::testing::case::{Case, check_case};
use crate::testing::naive::judge;

#[test]
fn orp001_after_grace_and_in_transit() {
    // Shipped on the 16th, 14 days of grace end on the 30th: on that day the unit is still in transit.
    check_case(
        "[supplier a]
        item,serial,document,shipped
        P1,SN1,D1,2026-06-15
        P1,SN2,D1,2026-06-16
        P1,SN3,D2,2026-06-29
        P1,SN4, D1,2026-07-20
        P1,SN5,D1,
        P1,SN6,,2026-06-20
        P1,SN7,D1,2026-06-29
        [erp e]
        item,serial
        P1,SN7
        [findings]
        ORP001 error P1/SN1 a:1
        ORP001 error P1/SN5 a:5
        ORP001:in-transit info a a:6
        ORP001:in-transit info a/D1 a:2 a:4
        ORP001:in-transit info a/D2 a:3",
    );
}

#[test]
fn orp001_the_latest_date_counts() {
    check_case(
        "[supplier a]
        item,serial,shipped
        P1,SN1,2026-01-01
        [supplier b]
        item,serial,shipped
        P1,SN1,2026-06-29
        [erp e]
        item,serial
        P1,SN9
        [settings]
        grace_days = 1
        [findings]
        SER004 critical P1/SN1 a:1 b:1
        ORP002 error P1/SN9 e:1
        ORP001:in-transit info a a:1
        ORP001:in-transit info b b:1",
    );
}

#[test]
fn orphans_need_their_sources() {
    check_case(
        "[supplier a]
        item,serial
        P1,SN1
        [warranty w]
        item,serial
        P1,SN1
        [findings]",
    );
    check_case(
        "[erp e]
        item,serial
        P1,SN1
        [findings]",
    );
    check_case(
        "[warranty w]
        item,serial
        P1,SN1
        [findings]",
    );
}

#[test]
fn orp002_window_of_the_item() {
    // P1 was shipped from 01-10 to 03-01, plus 14 days: to 03-15. The date after as_of is not valid. P2 has no date: always judged.
    check_case(
        "[supplier a]
        item,serial,shipped
        P1,A1,2026-01-10
        P1,A2,2026-03-01
        P1,A3,2026-07-20
        P2,A4,soon
        [erp e]
        item,serial,received
        P1,A1,2026-01-12
        P1,A2,2026-03-02
        P1,A3,2026-03-02
        P2,A4,2026-03-02
        P1,SN1,2026-01-09
        P1,SN2,2026-01-10
        P1,SN3,2026-03-15
        P1,SN4,2026-03-16
        P1,SN5,
        P2,SN6,2001-01-01
        P3,SN7,2026-02-01
        P3,SN8,2001-01-01
        [findings]
        ORP002 error P1/SN2 e:6
        ORP002 error P1/SN3 e:7
        ORP002 error P1/SN5 e:9
        ORP002 error P2/SN6 e:10
        ORP002:item-not-shipped info P3 e:11 e:12",
    );
}

#[test]
fn orp002_without_item_all_dates_count() {
    // The first date of any item is 01-10, the last 03-01.
    check_case(
        "[supplier a]
        item,serial,shipped
        P1,A1,2026-01-10
        P2,A2,2026-03-01
        [erp e]
        item,serial,received
        P1,A1,
        P2,A2,
        ,SN1,2026-01-09
        ,SN2,2026-02-01
        [findings]
        ORP002 error SN2 e:4",
    );
}

#[test]
fn orp002_suppliers_that_name_no_item_ship_every_item() {
    check_case(
        "[supplier a]
        serial,shipped
        A1,2026-01-10
        A2,2026-03-01
        [erp e]
        item,serial,received
        P1,A1,
        P1,A2,
        P2,SN1,2026-01-09
        P2,SN2,2026-02-01
        ,SN3,
        [settings]
        scope =
        [findings]
        ORP002 error P2/SN2 e:4
        ORP002 error SN3 e:5",
    );
}

#[test]
fn orp002_units_of_other_suppliers_are_not_judged() {
    // Acme is common to both sides, so Bolt is a supplier that sends no data. The item of SN4 is never shipped, but SN4 is not judged.
    check_case(
        "[supplier a]
        item,serial,supplier
        P1,A1,ACME
        [erp e]
        item,serial,supplier
        P1,A1,Acme
        P1,SN1,acme
        P1,SN2,Bolt
        P1,SN3,
        P9,SN4,Bolt
        P9,SN5,acme
        [findings]
        ORP002 error P1/SN1 e:2
        ORP002 error P1/SN3 e:4
        ORP002:item-not-shipped info P9 e:6",
    );
}

#[test]
fn orp002_vocabularies_that_do_not_meet_judge_all() {
    check_case(
        "[supplier a]
        item,serial,supplier
        P1,A1,100234
        [erp e]
        item,serial,supplier
        P1,A1,Acme
        P1,SN1,Bolt
        [findings]
        ORP002 error P1/SN1 e:2",
    );
    check_case(
        "[supplier a]
        item,serial,supplier
        P1,A1,Acme
        [supplier b]
        item,serial
        P1,A2
        [erp e]
        item,serial,supplier
        P1,A1,Acme
        P1,A2,Bolt
        P1,SN1,Bolt
        [findings]
        ORP002 error P1/SN1 e:3",
    );
}

#[test]
fn orp003_claims_for_unknown_units() {
    check_case(
        "[supplier a]
        item,serial
        P1,A1
        [erp e]
        item,serial
        P1,A1
        [warranty w]
        item,serial
        P1,A1
        P1,SN1
        P1,SN1
        P2,A-1
        ,SN2
        ,A1
        [findings]
        ORP003 critical P1/SN1 w:2 w:3
        ORP003 critical SN2 w:5
        ORP003:other-item warning P2/A-1 w:4 <SER003
        SER003 warning A1 a:1 e:1 w:1 w:4",
    );
}

#[test]
fn orp004_shipped_claimed_and_not_in_the_erp() {
    check_case(
        "[supplier a]
        item,serial,shipped
        P1,SN1,2026-01-01
        P1,SN2,2026-06-29
        P1,SN3,2026-01-01
        [erp e]
        item,serial
        P1,SN3
        [warranty w]
        item,serial
        P1,SN1
        P1,SN2
        P1,SN3
        [findings]
        ORP001 error P1/SN1 a:1
        ORP004 warning P1/SN1 w:1
        ORP004 warning P1/SN2 w:2
        ORP001:in-transit info a a:2",
    );
}

#[test]
fn rules_without_their_inputs_are_not_evaluated() {
    let not_evaluated = |text: &str| {
        let case = Case::parse(text).expect("the case is well-formed");
        judge(&case.sources, &case.settings).not_evaluated.join(" ")
    };
    assert_eq!(not_evaluated("[erp e]\nserial"), "LOT001 LOT002 LOT003 LOT006 ORP001 ORP002 ORP003 ORP004 SER003 SER004");
    assert_eq!(not_evaluated("[erp e]\nitem,serial,lot\n[warranty w]\nserial,lot"), "LOT003 ORP001 ORP002 ORP004 SER004");
    assert_eq!(not_evaluated("[supplier a]\nitem,serial\n[erp e]\nserial,lot"), "LOT003 LOT006 ORP003 ORP004");
    assert_eq!(
        not_evaluated("[erp e grain=event]\nitem,serial,lot"),
        "LOT002 LOT003 LOT006 ORP001 ORP002 ORP003 ORP004 SER001 SER002 SER004"
    );
    // A source of lot grain holds no units that could be missing elsewhere or whose lots could differ.
    assert_eq!(not_evaluated("[supplier a]\nitem,serial,lot\n[erp e]\nitem,lot"), "LOT006 ORP001 ORP002 ORP003 ORP004");
    assert_eq!(
        not_evaluated("[erp e]\nitem,lot"),
        "IDN001 LOT001 LOT002 LOT003 LOT006 ORP001 ORP002 ORP003 ORP004 SER001 SER002 SER003 SER004"
    );
    assert_eq!(not_evaluated("[supplier a]\nitem,serial,lot\n[erp e]\nserial,supplier_lot\n[warranty w]\nserial"), "");
}
