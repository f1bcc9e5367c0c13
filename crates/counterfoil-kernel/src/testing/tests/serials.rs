//! SER001 to SER004: fires, does not fire, subtypes, nulls.

use crate::testing::case::check_case;

#[test]
fn ser001_differs_in_a_mapped_field() {
    check_case(
        "[erp e]
        item,serial,lot,quantity,received
        P1,SN1,L7,1,2026-01-02
        P1,SN1,L7,2,2026-01-02
        [findings]
        SER001 error e/P1/SN1 e:1 e:2",
    );
}

#[test]
fn ser002_typed_values_are_equal() {
    // Dates by day, quantities by number, identifiers by form, other text after T1; a placeholder lot is a blank one.
    check_case(
        "[erp e]
        item,serial,lot,quantity,received,site
        P1,SN1,N/A,1,2026-01-02,S1
        P1,sn1,,1.0,20260102 10:00, S1
        [findings]
        IDN002 error e/lot/N/A e:1
        SER002 warning e/P1/SN1 e:1 e:2",
    );
}

#[test]
fn ser001_other_text_keeps_its_case_and_a_supplier_does_not() {
    check_case(
        "[erp e]
        serial,site,supplier
        SN1,s1,Acme
        SN1,S1,ACME
        SN2,S1,Acme
        SN2, S1,ACME
        [findings]
        SER001 error e/SN1 e:1 e:2
        SER002 warning e/SN2 e:3 e:4",
    );
}

#[test]
fn ser001_after_normalization_when_no_two_share_a_form() {
    check_case(
        "[erp e]
        item,serial
        P1,AB-1
        P1,AB1
        P2,CD-1
        P2,CD1
        P2,CD1
        [findings]
        SER001:after-normalization error e/P1/AB-1 e:1 e:2
        SER001 error e/P2/CD-1 e:3 e:4 e:5",
    );
}

#[test]
fn ser001_not_for_event_grain_nor_across_sources_nor_across_items() {
    // Two claims on a unit are lawful; one record in each source is the normal case; items make different units.
    check_case(
        "[supplier a]
        item,serial,shipped
        P1,SN1,2026-01-01
        P2,SN2,2026-01-01
        [erp e]
        item,serial
        P1,SN1
        P2,SN2
        [warranty w]
        item,serial,claim
        P1,SN1,C1
        P1,SN1,C2
        [findings]",
    );
}

#[test]
fn ser001_without_tier_four_the_spellings_are_two_units() {
    check_case(
        "[erp e]
        item,serial
        P1,AB-1
        P1,AB1
        [settings]
        tiers = T0,T1,T3
        [findings]",
    );
}

#[test]
fn ser001_counts_records_without_scope_that_join() {
    check_case(
        "[erp e]
        item,serial
        P1,SN1
        ,SN1
        [findings]
        SER001 error e/P1/SN1 e:1 e:2",
    );
}

#[test]
fn ser003_one_serial_under_two_items() {
    check_case(
        "[erp e]
        item,serial
        P1,SN1
        P2,SN-1
        P1,SN2
        p1,SN3
        ,SN4
        [warranty w]
        item,serial
        P1,SN3
        [findings]
        ORP003:other-item warning P1/SN3 w:1 <SER003
        SER003 warning SN1 e:1 e:2
        SER003 warning SN3 e:4 w:1",
    );
}

#[test]
fn ser003_is_an_error_in_global_scope() {
    check_case(
        "[erp e]
        item,serial
        P1,SN1
        P2,SN1
        [settings]
        scope =
        [findings]
        SER001 error e/P1/SN1 e:1 e:2
        SER003 error SN1 e:1 e:2",
    );
}

#[test]
fn ser003_widespread_is_one_finding_and_explains_nothing() {
    // 1 of 3 serials is more than 1 %; with a minimum of 4 the data set is too small for that.
    let data = "[erp e]
        item,serial
        P1,SN1
        P1,SN2
        P1,SN3
        [warranty w]
        item,serial
        P2,SN1
        [settings]
        rules.SER003.serials_min = ";
    check_case(&format!("{data}3\n[findings]\nORP003:other-item warning P2/SN1 w:1\nSER003:widespread info all"));
    check_case(&format!("{data}4\n[findings]\nORP003:other-item warning P2/SN1 w:1 <SER003\nSER003 warning SN1 e:1 w:1"));
}

#[test]
fn ser003_counts_ambiguous_records_but_not_placeholders() {
    check_case(
        "[erp e]
        item,site,serial
        P1,S1,SN1
        P1,S2,SN1
        P1,S1,unknown
        P2,S1,UNKNOWN
        [warranty w]
        item,serial
        P2,SN1
        [settings]
        scope = item, site
        [findings]
        IDN002 error e/serial/UNKNOWN e:3 e:4
        IDN011 warning SN1 w:1
        SER003 warning SN1 e:1 e:2 w:1",
    );
}

#[test]
fn ser004_two_names_shipped_one_unit() {
    // Names compare without case; a blank in a mapped field names none; an unmapped field gives the source's name.
    check_case(
        "[supplier acme]
        item,serial
        P1,SN1
        P1,SN2
        P1,SN3
        [supplier hub]
        item,serial,supplier
        P1,SN1,ACME
        P1,SN2,Bolt
        P1,SN3,
        [findings]
        SER004 critical P1/SN2 acme:2 hub:2",
    );
}

#[test]
fn ser004_within_one_source() {
    check_case(
        "[supplier hub]
        item,serial,supplier
        P1,SN1,Bolt
        P1,SN1,Core
        P1,SN1,
        [erp e]
        item,serial,supplier
        P1,SN1,Dart
        [findings]
        SER004 critical P1/SN1 hub:1 hub:2
        SER001 error hub/P1/SN1 hub:1 hub:2 hub:3",
    );
}
