//! LOT001, LOT002, LOT003, LOT006, and what is compared with what.

use crate::testing::case::check_case;

#[test]
fn lot001_two_way_and_blank_lots() {
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,L7
        P1,SN2,L-7
        P1,SN3,L7
        [erp e]
        item,serial,lot
        P1,SN1,L9
        P1,SN2,l7
        P1,SN3,n/a
        [findings]
        IDN002 error e/lot/N/A e:3
        LOT001:two-way error P1/SN1 a:1 e:1
        LOT003:unknown error e/P1/L9 e:1
        LOT002:here warning P1/SN3 e:3",
    );
}

#[test]
fn lot001_three_sources() {
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,L1
        P1,SN2,L1
        P1,SN3,L1
        [supplier b]
        item,serial,lot
        P1,SN3,L1
        [erp e]
        item,serial,lot
        P1,SN1,L2
        P1,SN2,L1
        P1,SN3,L2
        [warranty w]
        item,serial,lot
        P1,SN1,L3
        P1,SN2,L2
        P1,SN3,L2
        [findings]
        SER004 critical P1/SN3 a:3 b:1
        LOT001:three-way error P1/SN1 a:1 e:1 w:1
        LOT001:majority error P1/SN2 a:2 e:2 w:2
        LOT001:two-way error P1/SN3 a:3 b:1 e:3 w:3
        LOT003:unknown error e/P1/L2 e:1 e:3
        LOT003:unknown error w/P1/L2 w:2 w:3
        LOT003:unknown error w/P1/L3 w:1",
    );
}

#[test]
fn lot001_within_one_source() {
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,L1
        P1,SN1,L2
        [erp e]
        item,serial,lot
        P1,SN1,L2
        [findings]
        LOT001:within-source error P1/SN1 a:1 a:2 e:1
        SER001 error a/P1/SN1 a:1 a:2",
    );
}

#[test]
fn lot001_compares_supplier_lots_with_supplier_lots() {
    // The internal lot of the ERP is another kind than the supplier's lot; two internal lots are of one kind. SN1: only e and w differ
    // (I1, I2), but a and e, two of the three compared sources, hold A1. SN2: a and e differ, a and w hold A1.
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,A1
        P1,SN2,A1
        [erp e]
        item,serial,lot,supplier_lot
        P1,SN1,I1,A1
        P1,SN2,I1,A2
        [warranty w]
        item,serial,lot,supplier_lot
        P1,SN1,I2,
        P1,SN2,,A1
        [findings]
        LOT001:majority error P1/SN1 a:1 e:1 w:1
        LOT001:majority error P1/SN2 a:2 e:2 w:2
        LOT003:unknown error e/P1/A2 e:2",
    );
}

#[test]
fn lot002_only_for_lot_tracked_items_and_unit_grain() {
    // P1: 2 of 4 records carry a lot, P2: 1 of 3. The claim without a lot is not listed.
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,L1
        P1,SN2,
        P2,SN3,L1
        [erp e]
        item,serial,lot
        P1,SN1,L1
        P1,SN2,
        P2,SN3,
        [warranty w]
        item,serial
        P1,SN1
        [supplier b]
        item,serial,lot
        P2,SN4,
        [erp f]
        item,serial
        P2,SN4
        [findings]
        LOT002:nowhere warning P1/SN2 a:2 e:2",
    );
}

#[test]
fn lot002_a_blank_item_is_tracked_only_where_none_is_mapped() {
    check_case(
        "[erp e]
        item,serial,lot
        ,SN1,L1
        ,SN2,
        [findings]",
    );
    check_case(
        "[erp e]
        serial,lot
        SN1,L1
        SN2,
        [findings]
        LOT002:nowhere warning SN2 e:2",
    );
}

#[test]
fn lot002_not_when_one_record_has_a_lot() {
    check_case(
        "[erp e]
        item,serial,lot,supplier_lot
        P1,SN1,L1,
        P1,SN1,,
        P1,SN2,,L2
        [findings]
        SER001 error e/P1/SN1 e:1 e:2",
    );
}

#[test]
fn lot003_subtypes_and_items_never_shipped() {
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,L10
        P2,SN2,L30
        [erp e]
        item,serial,lot
        P1,SN1,
        P1,SN3,L30
        P1,SN4,LI0
        P1,SN5,L40
        P1,unknown,L-40
        P1,,L50
        P1,SN6,L10
        P9,SN7,L40
        ,SN8,L60
        [settings]
        grace_days = 0
        [findings]
        IDN001 error e/P1 e:6
        IDN002 error e/serial/UNKNOWN e:5
        LOT003:other-item error e/P1/L30 e:2
        LOT003:unknown error e/P1/L40 e:4 e:5
        LOT003:unknown error e/P1/L50 e:6
        LOT003:near error e/P1/LI0 e:3
        ORP001 error P2/SN2 a:2
        ORP002 error P1/SN3 e:2
        ORP002 error P1/SN4 e:3
        ORP002 error P1/SN5 e:4
        ORP002 error P1/SN6 e:7
        ORP002 error SN8 e:9
        LOT002:here warning P1/SN1 e:1
        ORP002:item-not-shipped info P9 e:8",
    );
}

#[test]
fn lot003_without_any_item_the_blank_one_counts() {
    check_case(
        "[supplier a]
        serial,lot
        SN1,L1
        [erp e]
        serial,lot
        SN1,L1
        [warranty w]
        serial,lot,supplier_lot
        SN1,L1,L8
        [findings]
        LOT001:majority error SN1 a:1 e:1 w:1
        LOT003:unknown error w/L8 w:1",
    );
}

#[test]
fn lot006_replaces_the_other_two_for_its_pair() {
    // Of 3 comparable units of a and e, 2 differ; the claims agree with the ERP, and differ from the supplier in 1 of 1.
    let data = "[supplier a]
        item,serial,lot
        P1,SN1,A1
        P1,SN2,A1
        P1,SN3,A1
        P1,SN4,
        [erp e]
        item,serial,lot
        P1,SN1,E1
        P1,SN2,E1
        P1,SN3,A1
        P1,SN4,E1
        [warranty w]
        item,serial,lot
        P1,SN1,E2
        [settings]
        rules.LOT006.units_min = ";
    check_case(&format!(
        "{data}3
        [findings]
        LOT001:three-way error P1/SN1 a:1 e:1 w:1
        LOT003:unknown error w/P1/E2 w:1
        LOT006 error a/e
        LOT002:here warning P1/SN4 a:4"
    ));
    check_case(&format!(
        "{data}4
        [findings]
        LOT001:three-way error P1/SN1 a:1 e:1 w:1
        LOT001:two-way error P1/SN2 a:2 e:2
        LOT003:unknown error e/P1/E1 e:1 e:2 e:4
        LOT003:unknown error w/P1/E2 w:1
        LOT002:here warning P1/SN4 a:4"
    ));
    // With a minimum of 1 every pair is under LOT006: e and w differ in their 1 unit.
    check_case(&format!(
        "{data}1
        [findings]
        LOT006 error a/e
        LOT006 error a/w
        LOT006 error e/w
        LOT002:here warning P1/SN4 a:4"
    ));
}

#[test]
fn lot006_not_when_just_half_differ() {
    check_case(
        "[supplier a]
        item,serial,lot
        P1,SN1,A1
        P1,SN2,A1
        [erp e]
        item,serial,lot
        P1,SN1,A2
        P1,SN2,A1
        [settings]
        rules.LOT006.units_min = 2
        [findings]
        LOT001:two-way error P1/SN1 a:1 e:1
        LOT003:unknown error e/P1/A2 e:1",
    );
}
