//! The tables of a run as Parquet: findings, evidence, ledger, rejected records.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, StringViewArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field as ArrowField, Int32Type, Schema};
use counterfoil_kernel::model::{Disposition, Field};
use counterfoil_kernel::rules::CATALOGUE;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::assemble::Row;
use super::evidence::{Evidence, Form};
use super::local::{Found, file_name, files_of};
use crate::config::plan::Plan;

/// Rows of one row group.
const GROUP_ROWS: usize = 256 * 1024;

/// The first error of a file that is written: the writer of tables keeps but its text, and a full disk has an exit code of its own.
type Failure = Arc<Mutex<Option<io::Error>>>;

/// A file that is written, and that remembers why it could not be.
struct Output {
    file: File,
    failure: Failure,
}

impl Output {
    fn note<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            let kind = error.kind();
            self.failure.lock().expect("no thread panics while it holds the lock").get_or_insert(error);
            kind.into()
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.file.write(bytes);
        self.note(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.file.flush();
        self.note(outcome)
    }
}

/// A table's writer: same rows, same bytes.
struct Table {
    writer: ArrowWriter<Output>,
    path: PathBuf,
    failure: Failure,
    schema: Arc<Schema>,
    rows: u64,
}

impl Table {
    fn new(path: &Path, columns: &[(&str, DataType, bool)]) -> Result<Self> {
        let fields: Vec<ArrowField> =
            columns.iter().map(|(name, kind, nullable)| ArrowField::new(*name, kind.clone(), *nullable)).collect();
        let schema = Arc::new(Schema::new(fields));
        let level = ZstdLevel::try_new(1).context("zstd level")?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by(concat!("counterfoil ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = File::create_new(path).with_context(|| format!("{}: can't be written", path.display()))?;
        let failure = Failure::default();
        let output = Output { file, failure: Arc::clone(&failure) };
        let writer = ArrowWriter::try_new_with_options(output, schema.clone(), options)?;
        Ok(Self { writer, path: path.to_owned(), failure, schema, rows: 0 })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.rows += batch.num_rows() as u64;
        let written = self.writer.write(&batch);
        written.map_err(|error| failed(&self.path, &self.failure, error.into()))
    }

    /// Writes the end of the file, to the disk.
    fn close(self) -> Result<u64> {
        let rows = self.rows;
        let written = self.writer.into_inner().map_err(anyhow::Error::from).and_then(|output| Ok(output.file.sync_all()?));
        written.map_err(|error| failed(&self.path, &self.failure, error))?;
        Ok(rows)
    }
}

/// Says which table could not be written, and why the disk did not take it.
fn failed(path: &Path, failure: &Failure, error: anyhow::Error) -> anyhow::Error {
    let cause = failure.lock().expect("no thread panics while it holds the lock").take();
    cause.map_or(error, anyhow::Error::from).context(format!("{}: can't be written", path.display()))
}

/// Writes `findings.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_findings(path: &Path, rows: &[Row], found: &Found) -> Result<u64> {
    let text = DataType::Utf8;
    let list = DataType::List(Arc::new(ArrowField::new("item", DataType::Utf8, false)));
    let mut table = Table::new(
        path,
        &[
            ("finding_id", text.clone(), false),
            ("code", DataType::Utf8, false),
            ("name", DataType::Utf8, false),
            ("subtype", DataType::Utf8, true),
            ("severity", DataType::Utf8, false),
            ("state", DataType::Utf8, false),
            ("explained_by", text.clone(), true),
            ("item", text.clone(), true),
            ("serial", text.clone(), true),
            ("lot", text.clone(), true),
            ("supplier", text.clone(), true),
            ("site", text.clone(), true),
            ("sources", list, false),
            ("record_count", DataType::UInt64, false),
            ("message", text, false),
        ],
    )?;
    for rows in rows.chunks(GROUP_ROWS) {
        table.write(finding_columns(rows, found))?;
    }
    table.close()
}

fn finding_columns(rows: &[Row], found: &Found) -> Vec<ArrayRef> {
    let rule = |row: &Row| CATALOGUE[usize::from(row.rule)];
    let shown = |at: usize| -> ArrayRef { Arc::new(StringArray::from_iter(rows.iter().map(|row| filled(&row.shown[at])))) };
    let mut sources = ListBuilder::new(StringBuilder::new()).with_field(ArrowField::new("item", DataType::Utf8, false));
    for row in rows {
        row.sources.iter().for_each(|&source| sources.values().append_value(&found.context.sources[usize::from(source)].name));
        sources.append(true);
    }
    let texts = |values: &mut dyn Iterator<Item = &str>| -> ArrayRef { Arc::new(StringArray::from_iter_values(values)) };
    vec![
        texts(&mut rows.iter().map(|row| row.finding_id.as_str())),
        texts(&mut rows.iter().map(|row| rule(row).code)),
        texts(&mut rows.iter().map(|row| rule(row).name)),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| filled(row.subtype)))),
        texts(&mut rows.iter().map(|row| row.severity.name())),
        texts(&mut rows.iter().map(|_| "new")),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.explained_by.as_deref()))),
        shown(0),
        shown(1),
        shown(2),
        shown(3),
        shown(4),
        Arc::new(sources.finish()),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.record_count))),
        texts(&mut rows.iter().map(|row| row.message.as_str())),
    ]
}

/// Blank is null.
const fn filled(text: &str) -> Option<&str> {
    if text.is_empty() { None } else { Some(text) }
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

/// Writes `evidence.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_evidence(path: &Path, plan: &Plan, rows: &[Row], found: &Found, evidence: &Evidence) -> Result<u64> {
    let mut columns: Vec<(String, DataType, bool)> = vec![
        ("finding_id".into(), DataType::Utf8, false),
        ("source".into(), DataType::Utf8, false),
        ("file".into(), DataType::Utf8, false),
        ("record".into(), DataType::UInt64, false),
        ("cited".into(), DataType::Boolean, false),
    ];
    columns.extend(RAW_FIELDS.map(|field| (format!("{field}_raw"), DataType::Utf8View, true)));
    columns.extend(FORM_COLUMNS.map(|(name, _)| (name.to_owned(), DataType::Utf8View, true)));
    columns.extend([("tier".to_owned(), DataType::Utf8, false), ("steps".to_owned(), DataType::Utf8, true)]);
    columns.extend(other_fields().map(|field| (field.name().to_owned(), DataType::Utf8View, true)));
    columns.push(("carried".to_owned(), DataType::Utf8View, true));
    let named: Vec<(&str, DataType, bool)> =
        columns.iter().map(|(name, kind, nullable)| (name.as_str(), dictionary_of(name, kind), *nullable)).collect();
    let mut table = Table::new(path, &named)?;
    let writer = EvidenceWriter::new(plan, found, evidence);
    let mut start = 0;
    while start < rows.len() {
        let mut records = 0;
        let count = rows[start..].iter().take_while(|row| {
            let more = records < GROUP_ROWS;
            records += row.records.len();
            more
        });
        let end = start + count.count().max(1);
        table.write(writer.columns(&rows[start..end])?)?;
        start = end;
    }
    table.close()
}

/// Columns of few distinct values are handed over as dictionaries.
fn dictionary_of(name: &str, kind: &DataType) -> DataType {
    if matches!(name, "finding_id" | "source" | "file" | "tier" | "steps") {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    } else {
        kind.clone()
    }
}

fn other_fields() -> impl Iterator<Item = Field> {
    Field::ALL.into_iter().filter(|field| !RAW_FIELDS.contains(field))
}

struct EvidenceWriter<'a> {
    found: &'a Found,
    evidence: &'a Evidence,
    files: Vec<String>,
    sources: Vec<String>,
    raw: Vec<Option<StringViewArray>>,
    forms: Vec<StringViewArray>,
    carried: StringViewArray,
}

impl<'a> EvidenceWriter<'a> {
    fn new(plan: &Plan, found: &'a Found, evidence: &'a Evidence) -> Self {
        Self {
            found,
            evidence,
            files: files_of(plan).iter().map(|(_, file)| file_name(file)).collect(),
            sources: found.context.sources.iter().map(|source| source.name.clone()).collect(),
            raw: evidence.raw.iter().map(|values| values.as_ref().map(null_where_blank)).collect(),
            forms: evidence.forms.iter().map(null_where_blank).collect(),
            carried: null_where_blank(&evidence.carried),
        }
    }

    fn columns(&self, rows: &[Row]) -> Result<Vec<ArrayRef>> {
        let records = || rows.iter().flat_map(|row| row.records.iter().copied());
        let reference = |record: u32| self.evidence.references[record as usize];
        let ids = StringArray::from_iter_values(rows.iter().map(|row| row.finding_id.as_str()));
        let id_keys = rows.iter().enumerate().flat_map(|(at, row)| std::iter::repeat_n(at as i32, row.records.len()));
        let file_of = |record: u32| (reference(record) >> 32) as usize;
        let source_keys = records().map(|(record, _)| i32::from(self.found.context.file_source[file_of(record)]));
        let mut columns: Vec<ArrayRef> = vec![
            keyed(id_keys, ids)?,
            keyed(source_keys, StringArray::from_iter_values(&self.sources))?,
            keyed(records().map(|(record, _)| file_of(record) as i32), StringArray::from_iter_values(&self.files))?,
            Arc::new(UInt64Array::from_iter_values(records().map(|(record, _)| u64::from(reference(record) as u32) + 1))),
            Arc::new(BooleanArray::from_iter(records().map(|(_, cited)| Some(cited)))),
        ];
        let indices = UInt32Array::from_iter_values(records().map(|(record, _)| record));
        let take = |values: &StringViewArray| arrow::compute::take(values, &indices, None).context("evidence can't be gathered");
        let raw = |field: Field| match &self.raw[field as usize] {
            Some(values) => take(values),
            None => Ok(arrow::array::new_null_array(&DataType::Utf8View, indices.len())),
        };
        for field in RAW_FIELDS {
            columns.push(raw(field)?);
        }
        for (_, form) in FORM_COLUMNS {
            columns.push(take(&self.forms[form as usize])?);
        }
        columns.extend(self.step_columns(&indices)?);
        for field in other_fields() {
            columns.push(raw(field)?);
        }
        columns.push(take(&self.carried)?);
        Ok(columns)
    }

    /// Tier and steps: a flag byte has 256 values, each written once.
    fn step_columns(&self, indices: &UInt32Array) -> Result<[ArrayRef; 2]> {
        use counterfoil_kernel::normalize::Steps;
        let flags = || indices.values().iter().map(|&record| i32::from(self.evidence.steps[record as usize].0));
        let all = || (0..=u8::MAX).map(Steps);
        let tiers = keyed(flags(), StringArray::from_iter_values(all().map(Steps::tier)))?;
        let names = all().map(|steps| steps.names().collect::<Vec<_>>().join(", "));
        let steps = keyed(flags(), StringArray::from_iter(names.map(|names| (!names.is_empty()).then_some(names))))?;
        Ok([tiers, steps])
    }
}

fn keyed(keys: impl Iterator<Item = i32>, values: StringArray) -> Result<ArrayRef> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from_iter_values(keys), Arc::new(values))?))
}

fn null_where_blank(values: &StringViewArray) -> StringViewArray {
    let valid: arrow::buffer::NullBuffer = values.views().iter().map(|&view| view as u32 != 0).collect();
    StringViewArray::try_new(values.views().clone(), values.data_buffers().to_vec(), Some(valid))
        .expect("views of an array fit its buffers")
}

/// Writes `ledger.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_ledger(path: &Path, rows: &[crate::outcome::LedgerRow]) -> Result<u64> {
    let quantity = DataType::Decimal128(38, 6);
    let mut table = Table::new(
        path,
        &[
            ("source", DataType::Utf8, false),
            ("file", DataType::Utf8, false),
            ("disposition", DataType::Utf8, false),
            ("records", DataType::UInt64, false),
            ("quantity", quantity.clone(), false),
            ("digest", DataType::Utf8, false),
        ],
    )?;
    let texts = |values: &mut dyn Iterator<Item = String>| -> ArrayRef { Arc::new(StringArray::from_iter_values(values)) };
    let quantities = Decimal128Array::from_iter_values(rows.iter().map(|row| row.quantity_millionths)).with_data_type(quantity);
    table.write(vec![
        texts(&mut rows.iter().map(|row| row.source.clone())),
        texts(&mut rows.iter().map(|row| row.file.clone())),
        texts(&mut rows.iter().map(|row| row.disposition.name().to_owned())),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.records))),
        Arc::new(quantities),
        texts(&mut rows.iter().map(|row| format!("{:032x}", row.digest))),
    ])?;
    table.close()
}

/// Writes `rejected.parquet` and gives its number of rows.
///
/// # Errors
/// When the disk does not take it.
pub fn write_rejected(path: &Path, plan: &Plan, found: &Found) -> Result<u64> {
    let mut table = Table::new(
        path,
        &[
            ("source", DataType::Utf8, false),
            ("file", DataType::Utf8, false),
            ("record", DataType::UInt64, false),
            ("line", DataType::UInt64, false),
            ("byte_offset", DataType::UInt64, false),
            ("reason", DataType::Utf8, false),
            ("detail", DataType::Utf8, false),
            ("raw", DataType::Binary, false),
        ],
    )?;
    let files = files_of(plan);
    for rejected in found.rejected.chunks(GROUP_ROWS) {
        let mut raw = BinaryBuilder::new();
        rejected.iter().for_each(|(_, record)| raw.append_value(&record.raw));
        let texts = |values: &mut dyn Iterator<Item = String>| -> ArrayRef { Arc::new(StringArray::from_iter_values(values)) };
        let numbers = |values: &mut dyn Iterator<Item = u64>| -> ArrayRef { Arc::new(UInt64Array::from_iter_values(values)) };
        table.write(vec![
            texts(&mut rejected.iter().map(|(file, _)| plan.sources[files[*file as usize].0].source.name.clone())),
            texts(&mut rejected.iter().map(|(file, _)| file_name(files[*file as usize].1))),
            numbers(&mut rejected.iter().map(|(_, record)| record.record + 1)),
            numbers(&mut rejected.iter().map(|(_, record)| record.line)),
            numbers(&mut rejected.iter().map(|(_, record)| record.byte_offset)),
            texts(&mut rejected.iter().map(|(_, record)| record.reason.to_owned())),
            texts(&mut rejected.iter().map(|(_, record)| record.detail.clone())),
            Arc::new(raw.finish()),
        ])?;
    }
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
