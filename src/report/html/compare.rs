//! Both sides side by side: the records of a finding as columns, their fields as rows, with what differs marked.

use std::collections::BTreeMap;

use counterfoil_kernel::model::{Field, FieldKind, Role};

use super::super::safe_text::{Shown, hides};
use crate::outcome::{Outcome, SampleFinding, SampleRecord};

/// The most records that stand side by side.
const RECORDS_MAX: usize = 6;

/// The most characters of a value that are compared one by one.
const COMPARED_MAX: usize = 96;

/// The records of a finding, ready to be shown.
#[derive(Debug, Default)]
pub(super) struct Sides {
    /// One column per record.
    pub(super) columns: Vec<Column>,
    /// Rows that differ or identify.
    pub(super) rows: Vec<Row>,
    /// The other rows.
    pub(super) others: Vec<Row>,
    /// Records that are not shown.
    pub(super) hidden: u64,
}

/// A record as the head of a column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) source: Shown,
    pub(super) file: Shown,
    pub(super) record: String,
    pub(super) cited: bool,
    pub(super) steps: Shown,
}

/// A field of all shown records.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) label: &'static str,
    pub(super) difference: Difference,
    pub(super) cells: Vec<Option<Cell>>,
}

/// How the values of a row relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Equal, or not to be compared.
    None,
    /// Only spelling: case, separators and hidden characters.
    Spelling,
    /// The values differ.
    Value,
}

impl Difference {
    /// Gives the class and the word that the page shows.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Spelling => "spelling",
            Self::Value => "differs",
        }
    }
}

/// A value in pieces.
#[derive(Debug)]
pub(super) struct Cell {
    /// The column's own field where the row is named otherwise.
    pub(super) note: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A stretch of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: Shown,
    /// These characters are not in the value it is compared with.
    pub(super) differs: bool,
}

/// Where the values of a field stand in the shown records.
type Values<'a> = Vec<Option<(&'a str, Field)>>;

/// Lays out the records of a finding.
pub(super) fn sides(outcome: &Outcome, finding: &SampleFinding, bytes_max: usize) -> Sides {
    let shown = &finding.evidence[..finding.evidence.len().min(RECORDS_MAX)];
    let mut sides = Sides { hidden: hidden(finding, shown), ..Sides::default() };
    let supplier_lots = compares_supplier_lots(outcome, shown);
    let mut fields: BTreeMap<usize, Values<'_>> = BTreeMap::new();
    for (index, record) in shown.iter().enumerate() {
        sides.columns.push(column(record, bytes_max));
        for (field, value) in &record.values {
            let row = if *field == Field::Lot && supplier_lots && role(outcome, record) == Some(Role::Supplier) {
                Field::SupplierLot
            } else {
                *field
            };
            let place = Field::ALL.iter().position(|&other| other == row).expect("ALL lists every field");
            fields.entry(place).or_insert_with(|| vec![None; shown.len()])[index] = Some((value, *field));
        }
    }
    for (place, values) in fields {
        let field = Field::ALL[place];
        let row = row(field, &values, shown, bytes_max);
        let identifies = matches!(field, Field::Item | Field::Serial | Field::Lot | Field::SupplierLot);
        if row.difference == Difference::None && !identifies { sides.others.push(row) } else { sides.rows.push(row) }
    }
    sides
}

/// Counts the cited records that are not shown.
fn hidden(finding: &SampleFinding, shown: &[SampleRecord]) -> u64 {
    let cited = shown.iter().filter(|record| record.cited).count() as u64;
    finding.record_count.saturating_sub(cited).max((finding.evidence.len() - shown.len()) as u64)
}

fn column(record: &SampleRecord, bytes_max: usize) -> Column {
    Column {
        source: Shown::new(&record.source, bytes_max),
        file: Shown::new(&record.file, bytes_max),
        record: super::super::figures::grouped(record.record),
        cited: record.cited,
        steps: Shown::new(&record.steps, bytes_max),
    }
}

fn role(outcome: &Outcome, record: &SampleRecord) -> Option<Role> {
    outcome.sources.iter().find(|source| source.name == record.source).map(|source| source.role)
}

/// Tells whether a supplier's lot is compared with another source's supplier lot here.
fn compares_supplier_lots(outcome: &Outcome, records: &[SampleRecord]) -> bool {
    records
        .iter()
        .any(|record| role(outcome, record) != Some(Role::Supplier) && record.values.iter().any(|(field, _)| *field == Field::SupplierLot))
}

/// Tells whether two sources should agree on a field. Documents, sites, states and the like are each party's own.
const fn shared_by_sources(field: Field) -> bool {
    matches!(field.kind(), FieldKind::Identifier) || matches!(field, Field::Supplier | Field::Made | Field::Expires)
}

fn row(field: Field, values: &[Option<(&str, Field)>], records: &[SampleRecord], bytes_max: usize) -> Row {
    let mut difference = Difference::None;
    let mut cells = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let Some((text, own)) = *value else {
            cells.push(None);
            continue;
        };
        let rival = rival(field, values, records, index, text);
        if let Some(rival) = rival {
            difference = stronger(difference, relation(field, text, rival));
        }
        let pieces =
            rival.map_or_else(|| vec![Piece { text: Shown::new(text, bytes_max), differs: false }], |rival| pieces(text, rival, bytes_max));
        cells.push(Some(Cell { note: if own == field { "" } else { own.name() }, pieces }));
    }
    Row { label: field.name(), difference, cells }
}

/// Finds the value that a cell is compared with: the first other value; for identifiers one of another key before one of another spelling.
fn rival<'a>(field: Field, values: &[Option<(&'a str, Field)>], records: &[SampleRecord], index: usize, text: &str) -> Option<&'a str> {
    let comparable = |other: usize| shared_by_sources(field) || records[other].source == records[index].source;
    let different: Vec<&str> = values
        .iter()
        .enumerate()
        .filter(|&(other, _)| comparable(other))
        .filter_map(|(_, value)| value.map(|(value, _)| value))
        .filter(|&value| value != text)
        .collect();
    different.iter().find(|&&other| relation(field, text, other) == Difference::Value).or(different.first()).copied()
}

fn relation(field: Field, left: &str, right: &str) -> Difference {
    let identifier = matches!(field.kind(), FieldKind::Identifier) && field != Field::Item;
    if identifier && skeleton(left).eq(skeleton(right)) { Difference::Spelling } else { Difference::Value }
}

/// Gives the characters of an identifier that count once case, separators and hidden characters are put aside.
fn skeleton(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|&character| !hides(character) && !matches!(character, ' ' | '-' | '_' | '.' | '/')).flat_map(char::to_uppercase)
}

const fn stronger(left: Difference, right: Difference) -> Difference {
    match (left, right) {
        (Difference::Value, _) | (_, Difference::Value) => Difference::Value,
        (Difference::Spelling, _) | (_, Difference::Spelling) => Difference::Spelling,
        _ => Difference::None,
    }
}

/// Cuts a value into stretches that the other has too and stretches that it has not.
///
/// Values with less than a third in common, and very long ones, differ as a whole: marking stray letters would mislead.
fn pieces(text: &str, other: &str, bytes_max: usize) -> Vec<Piece> {
    let (left, right): (Vec<char>, Vec<char>) = (text.chars().collect(), other.chars().collect());
    if left.len() > COMPARED_MAX || right.len() > COMPARED_MAX {
        return vec![Piece { text: Shown::new(text, bytes_max), differs: true }];
    }
    let common = common_characters(&left, &right);
    let shared = common.iter().filter(|&&kept| kept).count();
    if shared * 3 < left.len().max(right.len()) {
        return vec![Piece { text: Shown::new(text, bytes_max), differs: true }];
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in 1..=left.len() {
        if end == left.len() || common[end] != common[start] {
            let stretch: String = left[start..end].iter().collect();
            pieces.push(Piece { text: Shown::new(&stretch, bytes_max), differs: !common[start] });
            start = end;
        }
    }
    pieces
}

/// Marks the characters of `left` that `right` has too.
///
/// Values of equal length go place by place (`-01` against `-14`), unless a shift explains clearly more.
fn common_characters(left: &[char], right: &[char]) -> Vec<bool> {
    let count = |common: &[bool]| common.iter().filter(|&&kept| kept).count();
    let shifted = common_subsequence(left, right);
    if left.len() != right.len() {
        return shifted;
    }
    let placed: Vec<bool> = left.iter().zip(right).map(|(left, right)| left == right).collect();
    if count(&placed) + 1 >= count(&shifted) { placed } else { shifted }
}

/// Marks the characters of `left` that belong to a longest common subsequence with `right`. Cost: O(left x right).
fn common_subsequence(left: &[char], right: &[char]) -> Vec<bool> {
    let width = right.len() + 1;
    let mut lengths = vec![0_u16; (left.len() + 1) * width];
    for row in (0..left.len()).rev() {
        for column in (0..right.len()).rev() {
            let here = row * width + column;
            lengths[here] =
                if left[row] == right[column] { lengths[here + width + 1] + 1 } else { lengths[here + width].max(lengths[here + 1]) };
        }
    }
    let mut common = vec![false; left.len()];
    let (mut row, mut column) = (0, 0);
    while row < left.len() && column < right.len() {
        let here = row * width + column;
        if left[row] == right[column] {
            common[row] = true;
            (row, column) = (row + 1, column + 1);
        } else if lengths[here + width] >= lengths[here + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture;
    use super::*;

    /// Writes pieces with what differs in brackets.
    fn marked(text: &str, other: &str) -> String {
        let stretch = |piece: Piece| if piece.differs { format!("[{}]", piece.text) } else { piece.text.to_string() };
        pieces(text, other, 100).into_iter().map(stretch).collect()
    }

    #[test]
    fn only_differing_characters_are_marked() {
        assert_eq!(marked("L24-07-B", "L24-01-B"), "L24-0[7]-B");
        assert_eq!(marked("P100-0001", "P1000001"), "P100[-]0001");
        assert_eq!(marked("P1000001", "P100-0001"), "P1000001");
        assert_eq!(marked("S\u{200B}77120", "S77120"), "S[‹U+200B›]77120");
        assert_eq!(marked("2026-09-01", "2026-09-14"), "2026-09-[01]");
        assert_eq!(marked("A1234", "1234B"), "[A]1234");
        assert_eq!(marked("ABC", "XYZ9"), "[ABC]");
        assert_eq!(marked("", "X"), "[]");
    }

    fn found(code: &str) -> Sides {
        let outcome = fixture::rich();
        sides(&outcome, outcome.sample.iter().find(|finding| finding.code == code).unwrap(), 200)
    }

    #[test]
    fn a_supplier_lot_stands_in_one_row_with_what_it_is_compared_with() {
        let sides = found("LOT001");
        let row = sides.rows.iter().find(|row| row.label == "supplier_lot").unwrap();
        assert_eq!(row.difference, Difference::Value);
        assert_eq!(row.cells[0].as_ref().unwrap().note, "lot");
        assert!(row.cells[1].as_ref().unwrap().pieces.iter().any(|piece| piece.differs));
        assert!(row.cells[2].is_none());
        let serial = sides.rows.iter().find(|row| row.label == "serial").unwrap();
        assert_eq!(serial.difference, Difference::Spelling);
        assert!(sides.others.iter().any(|row| row.label == "document"), "each party's own document does not differ");
    }

    #[test]
    fn within_one_source_every_field_counts() {
        let sides = found("SER001");
        let differing: Vec<_> = sides.rows.iter().filter(|row| row.difference == Difference::Value).map(|row| row.label).collect();
        assert_eq!(differing, ["site", "received"]);
    }

    #[test]
    fn records_beyond_the_most_are_counted() {
        let mut outcome = fixture::rich();
        let record = outcome.sample[0].evidence[0].clone();
        outcome.sample[0].evidence = vec![record; 9];
        outcome.sample[0].record_count = 40;
        let sides = sides(&outcome, &outcome.sample[0], 200);
        assert_eq!((sides.columns.len(), sides.hidden), (6, 34));
    }
}
