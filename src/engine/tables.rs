//! The tables of a run as Parquet: findings, evidence, ledger, rejected records.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, ListBuilder, StringArray, StringBuilder, UInt64Array,
};
use arrow::datatypes::{DataType, Field as ArrowField, Int32Type};
use counterfoil_kernel::model::{Disposition, Field};
use counterfoil_kernel::normalize::Steps;
use counterfoil_kernel::rules::CATALOGUE;

use super::assemble::Row;
use super::evidence::{Form, Place};
use super::local::{Found, file_name, files_of};
use super::sentences::Sentences;
use super::table::{Table, TableColumn, text_dictionary};
use super::texts::View;
use crate::config::plan::Plan;

/// Writes `findings.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_findings(path: &Path, rows: &[Row<'_>], sentences: Sentences<'_>) -> Result<u64> {
    let rule = |row: usize| CATALOGUE[usize::from(rows[row].rule)];
    let shown = |name, at: usize| TableColumn::texts(name, true, move |row| rows[row].shown[at]);
    let explained_by = |row: usize| rows[row].explained_by.as_deref().map_or("", |id| id.as_str());
    let list = DataType::List(Arc::new(ArrowField::new("item", DataType::Utf8, false)));
    let mut table = Table::new(
        path,
        vec![
            TableColumn::texts("finding_id", false, |row| rows[row].finding_id.as_str()).distinct(),
            TableColumn::texts("code", false, move |row| rule(row).code),
            TableColumn::texts("name", false, move |row| rule(row).name),
            TableColumn::texts("subtype", true, |row| rows[row].subtype),
            TableColumn::texts("severity", false, |row| rows[row].severity.name()),
            TableColumn::texts("state", false, |_| "new"),
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
        ],
    )?;
    table.write(rows.len())?;
    table.close()
}

fn sources(rows: &[Row<'_>], found: &Found) -> ArrayRef {
    let mut sources = ListBuilder::new(StringBuilder::new()).with_field(ArrowField::new("item", DataType::Utf8, false));
    for row in rows {
        row.sources().for_each(|source| sources.values().append_value(&found.context.sources[source].name));
        sources.append(true);
    }
    Arc::new(sources.finish())
}

fn messages(rows: &[Row<'_>], sentences: &Sentences<'_>) -> ArrayRef {
    const SENTENCE_BYTES: usize = 128;
    let mut messages = StringBuilder::with_capacity(rows.len(), SENTENCE_BYTES * rows.len());
    rows.iter().for_each(|row| messages.append_value(sentences.sentence(row)));
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

/// Fields that most often have a text of their own in every record.
const DISTINCT_FIELDS: [Field; 2] = [Field::Serial, Field::Claim];

/// Writes `evidence.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_evidence(path: &Path, rows: &[Row<'_>], sentences: Sentences<'_>) -> Result<u64> {
    let evidence = sentences.evidence;
    assert!(u32::try_from(rows.len()).is_ok_and(|count| count < 1 << 31), "there are fewer than 2^31 findings");
    let mut records = Vec::with_capacity(rows.iter().map(|row| row.records.len()).sum());
    for (finding, row) in rows.iter().enumerate() {
        records.extend(row.records.iter().map(|&(row, is_cited)| EvidenceRecord {
            finding: finding as u32 | u32::from(is_cited) << 31,
            place: evidence.place(row as usize),
        }));
    }
    let raw = Field::ALL.map(|field| Views(evidence.raw_views(field)));
    let forms = FORM_COLUMNS.map(|(_, form)| Views(evidence.form_views(form)));
    let columns = EvidenceColumns { rows, records: &records, raw: &raw, forms: &forms, sentences };
    let mut table = Table::new(path, columns.all())?;
    table.write(records.len())?;
    table.close()
}

/// A row of `evidence.parquet`: small, because every column goes over all of them.
#[derive(Clone, Copy)]
struct EvidenceRecord {
    /// The finding, and the highest bit where it cites the record.
    finding: u32,
    place: Place,
}

impl EvidenceRecord {
    const fn finding(self) -> usize {
        (self.finding & !(1 << 31)) as usize
    }

    const fn is_cited(self) -> bool {
        self.finding >> 31 == 1
    }
}

/// A column of the evidence, by part.
struct Views<'a>(Vec<View<'a>>);

impl Views<'_> {
    fn column<'b>(&'b self, name: &str, records: &'b [EvidenceRecord]) -> TableColumn<'b> {
        if self.0.iter().all(View::is_blank) {
            return TableColumn::nulls(name);
        }
        TableColumn::texts(name, true, move |at| self.0[records[at].place.part as usize].get(records[at].place.row as usize))
    }
}

struct EvidenceColumns<'a> {
    rows: &'a [Row<'a>],
    records: &'a [EvidenceRecord],
    /// By field.
    raw: &'a [Views<'a>],
    /// As [`FORM_COLUMNS`].
    forms: &'a [Views<'a>],
    sentences: Sentences<'a>,
}

impl<'a> EvidenceColumns<'a> {
    fn all(&self) -> Vec<TableColumn<'a>> {
        let Self { rows, records, sentences: Sentences { plan, found, evidence }, .. } = *self;
        let file_of = move |at: usize| evidence.file_at(records[at].place);
        let source_of = move |at: usize| usize::from(found.context.file_source[file_of(at)]);
        let sources: Vec<&str> = found.context.sources.iter().map(|source| source.name.as_str()).collect();
        let files: Vec<String> = files_of(plan).iter().map(|(_, file)| file_name(file)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let numbers = move |own: Range<usize>| own.map(move |at| u64::from(evidence.reference_at(records[at].place) as u32) + 1);
        let mut columns = vec![
            TableColumn::new("finding_id", text_dictionary(), move |own| finding_ids(rows, &records[own])),
            TableColumn::numbered("source", false, &sources, source_of),
            TableColumn::numbered("file", false, &files, file_of),
            TableColumn::new("record", DataType::UInt64, move |own| Ok(Arc::new(UInt64Array::from_iter_values(numbers(own))))).distinct(),
            TableColumn::new("cited", DataType::Boolean, move |own| {
                Ok(Arc::new(records[own].iter().map(|record| Some(record.is_cited())).collect::<BooleanArray>()))
            }),
        ];
        columns.extend(RAW_FIELDS.map(|field| self.raw(&format!("{field}_raw"), field)));
        for ((name, form), views) in FORM_COLUMNS.iter().zip(self.forms) {
            let column = views.column(name, records);
            columns.push(if matches!(form, Form::Serial | Form::SerialKey) { column.distinct() } else { column });
        }
        columns.extend(self.steps());
        columns.extend(Field::ALL.into_iter().filter(|field| !RAW_FIELDS.contains(field)).map(|field| self.raw(field.name(), field)));
        columns.push(if evidence.has_carried() {
            TableColumn::texts("carried", true, move |at| evidence.carried_at(records[at].place))
        } else {
            TableColumn::nulls("carried")
        });
        columns
    }

    fn raw(&self, name: &str, field: Field) -> TableColumn<'a> {
        let column = self.raw[field as usize].column(name, self.records);
        if DISTINCT_FIELDS.contains(&field) { column.distinct() } else { column }
    }

    /// Tier and steps: a flag byte has 256 values, each written once.
    fn steps(&self) -> [TableColumn<'a>; 2] {
        let Self { records, sentences: Sentences { evidence, .. }, .. } = *self;
        let flags = move |at: usize| usize::from(evidence.steps_at(records[at].place).0);
        let all = || (0..=u8::MAX).map(Steps);
        let tiers: Vec<&str> = all().map(Steps::tier).collect();
        let names: Vec<String> = all().map(|steps| steps.names().collect::<Vec<_>>().join(", ")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        [TableColumn::numbered("tier", false, &tiers, flags), TableColumn::numbered("steps", true, &names, flags)]
    }
}

/// The id of each record's finding, as a dictionary: records of a finding stand together.
fn finding_ids(rows: &[Row<'_>], records: &[EvidenceRecord]) -> Result<ArrayRef> {
    let first = records.first().map_or(0, |record| record.finding());
    let last = records.last().map_or(0, |record| record.finding());
    let ids = StringArray::from_iter_values(rows[first..=last].iter().map(|row| row.finding_id.as_str()));
    let keys = Int32Array::from_iter_values(records.iter().map(|record| (record.finding() - first) as i32));
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(ids))?))
}

/// Writes `ledger.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_ledger(path: &Path, rows: &[crate::outcome::LedgerRow]) -> Result<u64> {
    let quantity = DataType::Decimal128(38, 6);
    let digests: Vec<String> = rows.iter().map(|row| format!("{:032x}", row.digest)).collect();
    let mut table = Table::new(
        path,
        vec![
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
        ],
    )?;
    table.write(rows.len())?;
    table.close()
}

/// Writes `rejected.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_rejected(path: &Path, plan: &Plan, found: &Found) -> Result<u64> {
    let files = files_of(plan);
    let names: Vec<String> = files.iter().map(|(_, file)| file_name(file)).collect();
    let rejected = &found.rejected;
    let numbers = |name, number: fn(&crate::ingest::RejectedRecord) -> u64| {
        TableColumn::new(name, DataType::UInt64, move |own| {
            Ok(Arc::new(UInt64Array::from_iter_values(rejected[own].iter().map(|(_, record)| number(record)))))
        })
    };
    let mut table = Table::new(
        path,
        vec![
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
        ],
    )?;
    table.write(rejected.len())?;
    table.close()
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
