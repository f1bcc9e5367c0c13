//! The tables of a run as Parquet: findings, evidence, ledger, rejected records.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::Result;
use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Decimal128Array, ListBuilder, StringBuilder, UInt64Array};
use arrow::datatypes::{DataType, Field as ArrowField};
use counterfoil_kernel::model::{Disposition, Field, Severity};
use counterfoil_kernel::normalize::Steps;
use counterfoil_kernel::rules::{CATALOGUE, Rule};

use super::assemble::Row;
use super::evidence::Form;
use super::local::{Found, file_name, files_of};
use super::numbered::Known;
use super::sentences::Sentences;
use super::table::{Table, TableColumn, WrittenTable};
use crate::config::plan::Plan;

/// The tables that have rows of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A row for each finding.
    Findings,
    /// A row for each record of each finding.
    Evidence,
}

impl Kind {
    /// Gives the name of the file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Findings => "findings.parquet",
            Self::Evidence => "evidence.parquet",
        }
    }
}

/// Writes `findings.parquet`; rows are counted in `done`.
///
/// # Errors
/// When the disk does not take it.
pub fn write_findings(path: &Path, rows: &[&Row<'_>], sentences: Sentences<'_>, done: &AtomicU64) -> Result<WrittenTable> {
    let columns = FindingColumns::new(rows);
    let FindingColumns { rules, severities, subtypes, shown } = &columns;
    let shown = |name, at: usize| TableColumn::texts(name, true, move |row| shown[at][row]);
    let rule = |name, text: fn(&'static Rule) -> &'static str| {
        TableColumn::numbered(name, false, Known::Nothing, |own| rules[own].to_vec(), move |rule| text(CATALOGUE[rule]))
    };
    let severity = |severity: usize| Severity::ALL[severity].name();
    let explained_by = |row: usize| rows[row].explained_by.as_deref().map_or(&b""[..], |id| id.as_bytes());
    let list = DataType::List(Arc::new(ArrowField::new("item", DataType::Utf8, false)));
    let columns = vec![
        TableColumn::texts("finding_id", false, |row| rows[row].finding_id.as_bytes()).distinct(),
        rule("code", |rule| rule.code),
        rule("name", |rule| rule.name),
        TableColumn::texts("subtype", true, |row| subtypes[row]),
        TableColumn::numbered("severity", false, Known::Nothing, |own| severities[own].to_vec(), severity),
        TableColumn::constant("state", false, "new"),
        TableColumn::texts("explained_by", true, explained_by),
        shown("item", 0),
        shown("serial", 1).distinct(),
        shown("lot", 2),
        shown("supplier", 3),
        shown("site", 4),
        TableColumn::new("sources", list, |own| Ok(sources(&rows[own], sentences.found))),
        TableColumn::new("record_count", DataType::UInt64, |own| {
            Ok(Arc::new(UInt64Array::from_iter_values(rows[own].iter().map(|row| row.record_count))))
        }),
        TableColumn::new("message", DataType::Utf8, move |own| Ok(messages(&rows[own], &sentences))).distinct(),
    ];
    Table::whole(path, &columns, rows.len(), done)
}

/// What several columns of findings take from rows, taken once: a row is large, and to go over all of them takes long.
struct FindingColumns<'a> {
    rules: Vec<u32>,
    severities: Vec<u32>,
    subtypes: Vec<&'static str>,
    shown: [Vec<&'a str>; 5],
}

impl<'a> FindingColumns<'a> {
    fn new(rows: &[&Row<'a>]) -> Self {
        let list = || Vec::with_capacity(rows.len());
        let mut columns = Self {
            rules: Vec::with_capacity(rows.len()),
            severities: Vec::with_capacity(rows.len()),
            subtypes: Vec::with_capacity(rows.len()),
            shown: [(); 5].map(|()| list()),
        };
        for row in rows {
            columns.rules.push(u32::from(row.rule));
            columns.severities.push(row.severity as u32);
            columns.subtypes.push(row.subtype);
            columns.shown.iter_mut().zip(row.shown).for_each(|(texts, text)| texts.push(text));
        }
        columns
    }
}

fn sources(rows: &[&Row<'_>], found: &Found) -> ArrayRef {
    let mut sources = ListBuilder::new(StringBuilder::new()).with_field(ArrowField::new("item", DataType::Utf8, false));
    for row in rows {
        row.sources().for_each(|source| sources.values().append_value(&found.context.sources[source].name));
        sources.append(true);
    }
    Arc::new(sources.finish())
}

fn messages(rows: &[&Row<'_>], sentences: &Sentences<'_>) -> ArrayRef {
    const SENTENCE_BYTES: usize = 128;
    let mut messages = StringBuilder::with_capacity(rows.len(), SENTENCE_BYTES * rows.len());
    for row in rows {
        write!(messages, "{}", sentences.sentence(row)).expect("writing to memory can't fail");
        messages.append_value("");
    }
    Arc::new(messages.finish())
}

/// The columns of forms in `evidence.parquet`.
const FORM_COLUMNS: [(&str, Form); 8] = [
    ("item_form", Form::Item),
    ("serial_form", Form::Serial),
    ("serial_key", Form::SerialKey),
    ("lot_form", Form::Lot),
    ("lot_key", Form::LotKey),
    ("supplier_lot_form", Form::SupplierLot),
    ("supplier_lot_key", Form::SupplierLotKey),
    ("supplier_form", Form::Supplier),
];

/// Fields whose raw column is named `<field>_raw`, because a form stands beside it.
const RAW_FIELDS: [Field; 4] = [Field::Item, Field::Serial, Field::Lot, Field::SupplierLot];

/// Writes `evidence.parquet`; rows are counted in `done`.
///
/// # Errors
/// When the disk does not take it.
pub fn write_evidence(path: &Path, rows: &[&Row<'_>], sentences: Sentences<'_>, done: &AtomicU64) -> Result<WrittenTable> {
    assert!(u32::try_from(rows.len()).is_ok_and(|count| count < 1 << 31), "there are fewer than 2^31 findings");
    let mut records = Vec::with_capacity(rows.iter().map(|row| row.records.len()).sum());
    for (finding, row) in rows.iter().enumerate() {
        let finding = finding as u32;
        records.extend(row.records.iter().map(|&(row, is_cited)| EvidenceRecord { finding: finding | u32::from(is_cited) << 31, row }));
    }
    let names = Names::new(sentences.plan);
    Table::whole(path, &EvidenceColumns { rows, records: &records, names: &names, sentences }.all(), records.len(), done)
}

/// A row of `evidence.parquet`: small, because every column goes over all of them.
#[derive(Clone, Copy)]
struct EvidenceRecord {
    /// The finding, and the highest bit where it cites the record.
    finding: u32,
    /// The row of the evidence.
    row: u32,
}

impl EvidenceRecord {
    const fn finding(self) -> usize {
        (self.finding & !(1 << 31)) as usize
    }

    const fn is_cited(self) -> bool {
        self.finding >> 31 == 1
    }
}

/// Texts that are not those of records.
struct Names {
    /// By file.
    files: Vec<String>,
    /// By steps: a flag byte has 256 values.
    steps: Vec<String>,
}

impl Names {
    fn new(plan: &Plan) -> Self {
        Self {
            files: files_of(plan).iter().map(|(_, file)| file_name(file)).collect(),
            steps: (0..=u8::MAX).map(|flags| Steps(flags).names().collect::<Vec<_>>().join(", ")).collect(),
        }
    }
}

struct EvidenceColumns<'a> {
    rows: &'a [&'a Row<'a>],
    records: &'a [EvidenceRecord],
    names: &'a Names,
    sentences: Sentences<'a>,
}

impl<'a> EvidenceColumns<'a> {
    fn all(&self) -> Vec<TableColumn<'a>> {
        let Self { rows, records, names, sentences: Sentences { found, evidence, .. } } = *self;
        let row_of = |record: &EvidenceRecord| record.row as usize;
        let sources = &found.context.sources;
        let file_of = move |record: &EvidenceRecord| evidence.file(record.row as usize) as u32;
        let source_of = move |record: &EvidenceRecord| u32::from(found.context.file_source[file_of(record) as usize]);
        let numbers =
            move |own: Range<usize>| records[own].iter().map(move |record| u64::from(evidence.references[row_of(record)] as u32) + 1);
        let mut columns = vec![
            self.numbered(
                "finding_id",
                false,
                Known::OfNumbers,
                |record| record.finding() as u32,
                |finding| rows[finding].finding_id.as_bytes(),
            ),
            self.numbered("source", false, Known::Nothing, source_of, |source| sources[source].name.as_str()),
            self.numbered("file", false, Known::Nothing, file_of, |file| names.files[file].as_str()),
            TableColumn::new("record", DataType::UInt64, move |own| Ok(Arc::new(UInt64Array::from_iter_values(numbers(own))))).distinct(),
            TableColumn::new("cited", DataType::Boolean, move |own| {
                Ok(Arc::new(records[own].iter().map(|record| Some(record.is_cited())).collect::<BooleanArray>()))
            }),
        ];
        columns.extend(RAW_FIELDS.map(|field| self.texts(&format!("{field}_raw"), field, None)));
        columns.extend(FORM_COLUMNS.map(|(name, form)| {
            let (field, form) = form.place();
            self.texts(name, field, Some(form))
        }));
        let steps = move |record: &EvidenceRecord| u32::from(evidence.steps(record.row as usize).0);
        columns.push(self.numbered("tier", false, Known::Nothing, steps, |flags| Steps(flags as u8).tier()));
        columns.push(self.numbered("steps", true, Known::Nothing, steps, |flags| names.steps[flags].as_str()));
        let others = Field::ALL.into_iter().filter(|field| !RAW_FIELDS.contains(field));
        columns.extend(others.map(|field| self.texts(field.name(), field, None)));
        columns.push(match evidence.carried() {
            Some(carried) => TableColumn::texts("carried", true, move |at| carried.get(row_of(&records[at]))),
            None => TableColumn::constant("carried", true, ""),
        });
        columns
    }

    /// A column of texts that records have a number of.
    fn numbered<T: AsRef<[u8]> + ?Sized + 'a>(
        &self,
        name: &str,
        nullable: bool,
        texts: Known,
        number: impl Fn(&EvidenceRecord) -> u32 + Sync + 'a,
        text: impl Fn(usize) -> &'a T + Sync + 'a,
    ) -> TableColumn<'a> {
        let records = self.records;
        TableColumn::numbered(name, nullable, texts, move |own| records[own].iter().map(&number).collect(), text)
    }

    /// The raw texts of a field, or one of its forms.
    fn texts(&self, name: &str, field: Field, form: Option<usize>) -> TableColumn<'a> {
        let (records, column) = (self.records, self.sentences.evidence.column(field));
        let numbers = move |own: Range<usize>| column.numbers(records[own].iter().map(|record| record.row as usize));
        let texts = match form {
            _ if column.is_distinct() => Known::OfRows,
            _ if column.is_constant() => Known::OfAll,
            // Every text has one number; forms of different texts may be the same.
            None => Known::OfNumbers,
            Some(_) => Known::Nothing,
        };
        TableColumn::numbered(name, true, texts, numbers, move |number| column.bytes(form, number))
    }
}

/// Writes `ledger.parquet`.
///
/// # Errors
/// When the disk does not take it.
pub fn write_ledger(path: &Path, rows: &[crate::outcome::LedgerRow]) -> Result<WrittenTable> {
    let quantity = DataType::Decimal128(38, 6);
    let digests: Vec<String> = rows.iter().map(|row| format!("{:032x}", row.digest)).collect();
    let columns = vec![
        TableColumn::texts("source", false, |row| rows[row].source.as_str()),
        TableColumn::texts("file", false, |row| rows[row].file.as_str()),
        TableColumn::texts("disposition", false, |row| rows[row].disposition.name()),
        TableColumn::new("records", DataType::UInt64, |own| {
            Ok(Arc::new(UInt64Array::from_iter_values(rows[own].iter().map(|row| row.records))))
        }),
        TableColumn::new("quantity", quantity.clone(), |own| {
            let values = Decimal128Array::from_iter_values(rows[own].iter().map(|row| row.quantity_millionths));
            Ok(Arc::new(values.with_data_type(quantity.clone())))
        }),
        TableColumn::texts("digest", false, |row| digests[row].as_str()),
    ];
    Table::whole(path, &columns, rows.len(), &AtomicU64::default())
}

/// Writes `rejected.parquet`.
///
/// # Errors
/// When the disk does not take it.
pub fn write_rejected(path: &Path, plan: &Plan, found: &Found) -> Result<WrittenTable> {
    let files = files_of(plan);
    let names: Vec<String> = files.iter().map(|(_, file)| file_name(file)).collect();
    let rejected = &found.rejected;
    let numbers = |name, number: fn(&crate::ingest::RejectedRecord) -> u64| {
        TableColumn::new(name, DataType::UInt64, move |own| {
            Ok(Arc::new(UInt64Array::from_iter_values(rejected[own].iter().map(|(_, record)| number(record)))))
        })
    };
    let columns = vec![
        TableColumn::texts("source", false, |row| plan.sources[files[rejected[row].0 as usize].0].source.name.as_str()),
        TableColumn::texts("file", false, |row| names[rejected[row].0 as usize].as_str()),
        numbers("record", |record| record.record + 1),
        numbers("line", |record| record.line),
        numbers("byte_offset", |record| record.byte_offset),
        TableColumn::texts("reason", false, |row| rejected[row].1.reason),
        TableColumn::texts("detail", false, |row| rejected[row].1.detail.as_str()),
        TableColumn::new("raw", DataType::Binary, |own| {
            Ok(Arc::new(BinaryArray::from_iter_values(rejected[own].iter().map(|(_, record)| &record.raw))))
        }),
    ];
    Table::whole(path, &columns, rejected.len(), &AtomicU64::default())
}

/// Lists the ledger: all five dispositions of every file.
pub fn ledger_rows(plan: &Plan, found: &Found) -> Vec<crate::outcome::LedgerRow> {
    let files = files_of(plan);
    let rows = found.ledger.files.iter().zip(&files).flat_map(|(dispositions, (source, file))| {
        Disposition::ALL.into_iter().map(move |disposition| {
            let sums = &dispositions[disposition as usize];
            crate::outcome::LedgerRow {
                source: plan.sources[*source].source.name.clone(),
                file: file_name(file),
                disposition,
                records: sums.records,
                quantity_millionths: sums.quantity,
                digest: sums.digest,
            }
        })
    });
    rows.collect()
}
