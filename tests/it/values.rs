//! What a cell means does not depend on the file type, or on whether a column or a constant holds it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use crate::harness::run_folder;

/// Columns: names with their cells.
type Columns<'a> = &'a [(&'a str, &'a [Option<&'a str>])];

fn write_parquet(path: &Path, columns: Columns<'_>) {
    let arrays = columns.iter().map(|(name, cells)| (*name, Arc::new(StringArray::from(cells.to_vec())) as ArrayRef));
    let batch = RecordBatch::try_from_iter_with_nullable(arrays.map(|(name, array)| (name, array, true))).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn write_csv(path: &Path, columns: Columns<'_>) {
    let mut text = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",") + "\n";
    for row in 0..columns[0].1.len() {
        let cells: Vec<&str> = columns.iter().map(|(_, cells)| cells[row].unwrap_or("")).collect();
        text.push_str(&(cells.join(",") + "\n"));
    }
    std::fs::write(path, text).unwrap();
}

/// Runs one supplier file, as CSV and as Parquet, beside an ERP file; both must say the same.
fn judged(shipped: Columns<'_>, supplier: &str, erp: &str, erp_columns: &str) -> Result<String, String> {
    let said = ["csv", "parquet"].map(|ending| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("acme.{ending}"));
        if ending == "csv" {
            write_csv(&path, shipped)
        } else {
            write_parquet(&path, shipped)
        }
        std::fs::write(folder.path().join("sap.csv"), erp).unwrap();
        let toml = format!(
            "version = 1\nas_of = 2026-06-30\n[sources.acme]\nrole = \"supplier\"\npaths = [\"acme.{ending}\"]\n{supplier}\n\
             [sources.sap]\nrole = \"erp\"\npaths = [\"sap.csv\"]\n{erp_columns}\n"
        );
        std::fs::write(folder.path().join("counterfoil.toml"), toml).unwrap();
        let place = format!("{}/", folder.path().display());
        let plain = |text: String| text.replace(&place, "").replace(&format!("acme.{ending}"), "acme").replace("acme/acme", "acme");
        run_folder(folder.path()).map(plain).map_err(plain)
    });
    assert_eq!(said[0], said[1], "CSV and Parquet differ");
    said.into_iter().next().unwrap()
}

const SAP: &str = "item,serial\nP1,SN9\n";
const SAP_COLUMNS: &str = "columns = { item = \"item\", serial = \"serial\" }";

#[test]
fn filters_judge_a_null_as_a_blank() {
    let shipped: Columns<'_> = &[
        ("item", &[Some("P1"); 4]),
        ("serial", &[Some("SN1"), Some("SN2"), Some("SN3"), Some("SN4")]),
        ("status", &[None, Some("X"), Some("OK"), None]),
    ];
    let serials = |filter: &str| {
        let supplier = format!("columns = {{ item = \"item\", serial = \"serial\" }}\nwhere = [{{ column = \"status\", {filter} }}]");
        let said = judged(shipped, &supplier, SAP, SAP_COLUMNS).unwrap();
        ["SN1", "SN2", "SN3", "SN4"].into_iter().filter(|serial| said.contains(&format!("ORP001 error P1/{serial} "))).collect::<Vec<_>>()
    };
    assert_eq!(serials("not_in = [\"X\"]"), ["SN1", "SN3", "SN4"]);
    assert_eq!(serials("not_in = [\"\"]"), ["SN2", "SN3"]);
    assert_eq!(serials("in = [\"\"]"), ["SN1", "SN4"]);
    assert_eq!(serials("in = [\"\", \"OK\"]"), ["SN1", "SN3", "SN4"]);
    assert_eq!(serials("in = [\"OK\"]"), ["SN3"]);
}

#[test]
fn a_constant_date_is_a_date_to_the_rules() {
    let shipped: Columns<'_> = &[("item", &[Some("P1"); 2]), ("serial", &[Some("SN1"), Some("SN2")])];
    let said = |day: &str, erp: &str| {
        let supplier = format!("columns = {{ item = \"item\", serial = \"serial\" }}\nconstants = {{ shipped = \"{day}\" }}");
        let erp_columns = "columns = { item = \"item\", serial = \"serial\", received = \"received\" }";
        judged(shipped, &supplier, erp, erp_columns)
    };
    // Shipped on the day before: within grace.
    let erp = "item,serial,received\nP1,SN1,2026-06-29\n";
    assert_eq!(said("2026-06-29", erp).unwrap(), "ORP001:in-transit info acme acme:2\n");
    assert_eq!(said("2026-01-05", erp).unwrap(), "ORP001 error P1/SN2 acme:2\n");
    // Received long before the first shipment of the item: not expected in any delivery.
    let erp = "item,serial,received\nP1,SN1,2026-01-05\nP1,SN2,2026-01-05\nP1,SN8,2020-01-05\nP1,SN9,2026-01-06\n";
    assert_eq!(said("2026-01-05", erp).unwrap(), "ORP002 error P1/SN9 sap:4\n");
    let error = said("soon", erp).unwrap_err();
    assert!(error.contains("shipped can't be the constant `soon`"), "{error}");
}

#[test]
fn every_format_reads_its_own_values() {
    let days: &[Option<&str>] = &[Some("20260629"), Some("01.01.1900"), Some("soon"), Some("29.06.2026"), None];
    let serials = ["SN1", "SN2", "SN3", "SN4", "SN5"].map(Some);
    let shipped: Columns<'_> = &[("item", &[Some("P1"); 5]), ("serial", &serials), ("shipped", days)];
    let supplier = |formats: &str| {
        format!("columns = {{ item = \"item\", serial = \"serial\", shipped = {{ name = \"shipped\", format = [{formats}] }} }}")
    };
    let said = judged(shipped, &supplier("\"%d.%m.%Y\", \"%Y%m%d\""), SAP, SAP_COLUMNS).unwrap();
    assert!(said.contains("ORP001:in-transit info acme acme:1 acme:4\n"), "{said}");
    let error = judged(shipped, &supplier("\"%Y/%m/%d\", \"%Y%m%d\""), SAP, SAP_COLUMNS).unwrap_err();
    assert!(error.contains("3 of 4 values of shipped are not a date, first \"01.01.1900\" in record 2"), "{error}");
}

#[test]
fn cells_that_are_no_text_reject_their_record() {
    let long = "x".repeat((1 << 20) + 1);
    let serials = [Some("SN1"), Some("S\0N2"), Some("SN3"), Some("SN4"), Some("SN5 with a \0 behind twelve bytes"), None];
    let lots = [Some("L1"), Some("L1"), Some(long.as_str()), Some("L\0-1"), Some(long.as_str()), Some("L1")];
    let shipped: Columns<'_> = &[("item", &[Some("P1"); 6]), ("serial", &serials), ("lot", &lots)];
    let supplier = |most: u32| format!("columns = {{ item = \"item\", serial = \"serial\", lot = \"lot\" }}\nrejected_max = {most}");
    let said = judged(shipped, &supplier(4), SAP, SAP_COLUMNS).unwrap();
    let of_file: Vec<&str> = said.lines().filter(|line| line.starts_with("RUN001")).collect();
    assert_eq!(of_file, ["RUN001 error acme/nul", "RUN001 error acme/too-long"], "{said}");
    assert!(said.contains("ORP001 error P1/SN1 acme:1\n") && said.contains("IDN001 error acme/P1 acme:6\n"), "{said}");
    assert!(!said.contains("SN2") && !said.contains("SN4"), "{said}");
}
