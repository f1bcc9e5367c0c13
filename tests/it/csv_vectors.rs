//! Delimited text against files that others wrote to break readers.

use std::fs;
use std::path::{Path, PathBuf};

use counterfoil::ingest::csv::{CHUNK_BYTES, CsvFile};
use counterfoil::ingest::{CsvOptions, TableFile};

use crate::csv::read_file;

/// Gives a folder of the test vectors, or says that the test was skipped.
fn vectors(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("COUNTERFOIL_VECTORS") else {
        println!("SKIPPED: {folder} is read only where COUNTERFOIL_VECTORS names the folder of test vectors");
        return None;
    };
    Some(Path::new(&root).join(folder))
}

fn sorted_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every file of the spectrum reads equal to its JSON; the one that is no RFC 4180 (a quote in an unquoted field) is rejected by name.
#[test]
fn the_spectrum_reads_equal_to_its_json() {
    let Some(folder) = vectors("csv_spectrum") else { return };
    let mut equal = 0;
    for path in sorted_files(&folder.join("csvs")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let file = CsvFile::open(&path, &CsvOptions::default()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("json").join(format!("{name}.json"))).unwrap()).unwrap();
        let table = read_file(&file, 1, CHUNK_BYTES);
        if name == "location_coordinates" {
            assert_eq!(table.entries, [Err(("bad-quote", 2, 58))], "{name}");
            continue;
        }
        let records: Vec<serde_json::Value> = table
            .entries
            .iter()
            .map(|entry| {
                let cells = entry.as_ref().unwrap_or_else(|error| panic!("{name}: {error:?}"));
                let pairs = file
                    .columns()
                    .iter()
                    .zip(cells)
                    .map(|(column, cell)| (column.name.clone(), serde_json::Value::String(String::from_utf8(cell.clone()).unwrap())));
                serde_json::Value::Object(pairs.collect())
            })
            .collect();
        assert_eq!(serde_json::Value::Array(records), json, "{name}");
        equal += 1;
    }
    assert_eq!(equal, 11);
}

/// Gives what becomes of a file in a line.
fn outcome_of(path: &Path) -> String {
    let file = match CsvFile::open(path, &CsvOptions::default()) {
        Err(error) => {
            let text = format!("{error:#}").replace(&format!("{}: ", path.display()), "");
            return format!("refused: {}", text.split(", at byte").next().unwrap_or_default());
        }
        Ok(file) => file,
    };
    let table = read_file(&file, 1, CHUNK_BYTES);
    let mut reasons = std::collections::BTreeMap::new();
    for record in &table.rejected {
        *reasons.entry(record.reason).or_insert(0) += 1;
    }
    let read = table.entries.iter().filter(|entry| entry.is_ok()).count();
    let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!(", {count} {reason}")).collect();
    format!("{} columns, {read} read{}", file.columns().len(), reasons.concat())
}

/// What becomes of each polluted file; a name with `*` stands for those that end differently and fare alike.
const POLLUTED: &[(&str, &str)] = &[
    ("file_double_trailing_newline", "9 columns, 83 read"),
    ("file_escape_char_0x00", "9 columns, 77 read, 6 bad-quote"),
    ("file_escape_char_0x5C", "9 columns, 77 read, 6 bad-quote"),
    ("file_field_delimiter_0x20", "refused: the header on line 1 can't be read: bad-quote: quote inside field 1"),
    ("file_field_delimiter_0x2C_0x20", "refused: the header on line 1 can't be read: bad-quote: quote inside field 7"),
    ("file_field_delimiter_0x3B", "9 columns, 83 read"),
    ("file_field_delimiter_0x9", "9 columns, 83 read"),
    // Further header lines of the right width can't be told from records.
    ("file_header_multirow_2", "9 columns, 84 read"),
    ("file_header_multirow_3", "9 columns, 85 read"),
    ("file_header_only", "9 columns, 0 read"),
    ("file_multitable_less", "9 columns, 83 read, 1 bad-quote, 82 ragged"),
    ("file_multitable_more", "9 columns, 83 read, 1 bad-quote, 82 ragged"),
    ("file_multitable_same", "9 columns, 165 read, 1 bad-quote"),
    ("file_no_header", "9 columns, 82 read"),
    ("file_no_payload", "refused: the file is empty; expected a header line"),
    ("file_no_trailing_newline", "9 columns, 83 read"),
    ("file_one_data_row", "9 columns, 1 read"),
    ("file_preamble", "9 columns, 85 read"),
    ("file_quotation_char_0x27", "9 columns, 10 read, 6 bad-quote, 67 ragged"),
    ("file_record_delimiter_0xA", "9 columns, 83 read"),
    ("file_record_delimiter_0xD", "9 columns, 83 read"),
    ("row_extra_quote0_col0", "refused: the header on line 1 can't be read: bad-quote: text after the closing quote of field 1"),
    ("row_extra_quote0_col1", "refused: the header on line 1 can't be read: bad-quote: text after the closing quote of field 2"),
    ("row_extra_quote0_col2", "refused: the header on line 1 can't be read: bad-quote: text after the closing quote of field 3"),
    ("row_extra_quote0_col3", "refused: the header on line 1 can't be read: bad-quote: text after the closing quote of field 4"),
    ("row_extra_quote10_*", "9 columns, 82 read, 1 bad-quote"),
    ("row_field_delimiter_0_0x20", "refused: the header on line 1 can't be read: bad-quote: quote inside field 1"),
    ("row_field_delimiter_10_0x20", "9 columns, 82 read, 1 bad-quote"),
    ("row_less_sep_row0_*", "8 columns, 0 read, 83 ragged"),
    ("row_less_sep_row10_*", "9 columns, 82 read, 1 ragged"),
    ("row_more_sep_row0_*", "10 columns, 0 read, 83 ragged"),
    ("row_more_sep_row10_*", "9 columns, 82 read, 1 ragged"),
    ("source", "9 columns, 83 read"),
];

/// Every polluted file is read, its bad records rejected by name, or refused with a clear error. None panics.
#[test]
fn polluted_files_are_read_or_refused() {
    let Some(folder) = vectors("pollock/polluted_files/csv") else { return };
    let mut files = 0;
    for path in sorted_files(&folder) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (_, expected) = POLLUTED
            .iter()
            .find(|(pattern, _)| pattern.strip_suffix('*').map_or(*pattern == name, |start| name.starts_with(start)))
            .unwrap_or_else(|| panic!("{name} has no outcome yet: {}", outcome_of(&path)));
        assert_eq!(outcome_of(&path), *expected, "{name}");
        files += 1;
    }
    assert_eq!(files, 46);
}
