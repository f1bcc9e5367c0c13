//! Evidence: the second, narrow read. All mapped columns, only for records that findings refer to.

use std::sync::Mutex;

use anyhow::{Context as _, Result};
use arrow::array::{Array, ArrayRef, StringViewArray, StringViewBuilder};
use counterfoil_kernel::finding::{CITED, FindingSink};
use counterfoil_kernel::model::{Field, FieldKind, Role};
use counterfoil_kernel::normalize::{
    Scratch, SerialClass, Steps, Tiers, identifier_form, item_form, lot_key_form, name_form, remove_separators, serial_key, text_form,
};
use rayon::prelude::*;

use super::Watch;
use super::keying::{constant_text, read_days};
use super::local::{Found, files_of};
use crate::config::plan::{FilePlan, Origin, Plan, SourcePlan};
use crate::ingest::value::{QuantityColumn, TextColumn};
use crate::ingest::{Morsel, Wanted};

/// A text made from a record's raw values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Form {
    /// The item's form; empty for a placeholder.
    Item,
    /// The serial's form.
    Serial,
    /// The serial's key form.
    SerialKey,
    /// The lot's form; empty for a placeholder.
    Lot,
    /// The lot's key form.
    LotKey,
    /// The supplier lot's form; empty for a placeholder.
    SupplierLot,
    /// The supplier lot's key form.
    SupplierLotKey,
    /// The supplier's name, upper case; for a supplier source without that field the source's name.
    Supplier,
}

/// How many forms there are.
pub const FORMS: usize = 8;

/// The records that findings refer to, one row each, ordered by reference.
pub struct Evidence {
    /// References, ascending.
    pub references: Vec<u64>,
    /// Raw text by field; `None` where no source maps it. Blank cells are empty.
    pub raw: Vec<Option<StringViewArray>>,
    /// Forms, by [`Form`].
    pub forms: Vec<StringViewArray>,
    /// Days by field, for dates; 0 for none.
    pub days: Vec<Option<Vec<i32>>>,
    /// Quantities in millionths.
    pub quantities: Vec<Option<i64>>,
    /// Steps that changed the serial.
    pub steps: Vec<Steps>,
    /// Carried columns as JSON objects; empty where there are none.
    pub carried: StringViewArray,
}

impl Evidence {
    /// Gives the raw text of a field; empty when blank or unmapped.
    pub fn raw(&self, field: Field, row: usize) -> &str {
        self.raw[field as usize].as_ref().map_or("", |values| values.value(row))
    }

    /// Gives a form.
    pub fn form(&self, form: Form, row: usize) -> &str {
        self.forms[form as usize].value(row)
    }
}

/// Rows of one morsel.
struct Part {
    file: u32,
    records: Vec<u32>,
    raw: Vec<Option<StringViewArray>>,
    forms: Vec<StringViewArray>,
    days: Vec<Option<Vec<i32>>>,
    quantities: Vec<Option<i64>>,
    steps: Vec<Steps>,
    carried: StringViewArray,
}

/// Reads the records that findings refer to.
///
/// # Errors
/// When a file can't be read a second time, or does not give the records asked for.
pub fn read(plan: &Plan, found: &Found, watch: &Watch) -> Result<Evidence> {
    watch.phase("evidence");
    let references = distinct_references(&found.findings);
    let files = files_of(plan);
    let parts = Mutex::new(Vec::new());
    let wanted: Vec<(u32, Vec<u32>)> = references
        .chunk_by(|left, right| left >> 32 == right >> 32)
        .map(|run| ((run[0] >> 32) as u32, run.iter().map(|&reference| reference as u32).collect()))
        .collect();
    wanted.par_iter().try_for_each(|(file, records)| {
        let (source, file_plan) = files[*file as usize];
        let reader = PartReader::new(plan, &plan.sources[source], file_plan, *file);
        let sink = |morsel: Morsel| {
            let part = reader.part(morsel)?;
            parts.lock().expect("no worker panics while it adds a part").push(part);
            Ok(())
        };
        found.files[*file as usize]
            .scan(&reader.columns, Wanted::Records(records), &watch.evidence, &sink)
            .with_context(|| format!("source {}, second read", plan.sources[source].source.name))
    })?;
    let mut parts = parts.into_inner().expect("no worker panics while it adds a part");
    parts.sort_unstable_by_key(|part: &Part| (part.file, part.records.first().copied()));
    let read: Vec<u64> =
        parts.iter().flat_map(|part| part.records.iter().map(|&record| u64::from(part.file) << 32 | u64::from(record))).collect();
    if read != references {
        anyhow::bail!("a file changed between the first and the second read: {} records asked for, {} found", references.len(), read.len());
    }
    join(references, parts)
}

fn distinct_references(findings: &FindingSink) -> Vec<u64> {
    let mut references: Vec<u64> = findings.references.iter().map(|reference| reference & !CITED).collect();
    references.par_sort_unstable();
    references.dedup();
    references
}

fn join(references: Vec<u64>, parts: Vec<Part>) -> Result<Evidence> {
    let rows = references.len();
    let concat = |arrays: Vec<StringViewArray>| -> Result<StringViewArray> {
        if arrays.is_empty() {
            return Ok(StringViewArray::from(Vec::<&str>::new()));
        }
        let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array as &dyn Array).collect();
        let joined = arrow::compute::concat(&arrays).context("evidence can't be joined")?;
        Ok(arrow::array::AsArray::as_string_view(&joined).clone())
    };
    let raw = (0..Field::ALL.len()).into_par_iter().map(|field| {
        if parts.iter().all(|part| part.raw[field].is_none()) {
            return Ok(None);
        }
        let arrays = parts.iter().map(|part| part.raw[field].clone().unwrap_or_else(|| empty_texts(part.records.len())));
        concat(arrays.collect()).map(Some)
    });
    let raw: Vec<Option<StringViewArray>> = raw.collect::<Result<_>>()?;
    let forms = (0..FORMS).into_par_iter().map(|form| concat(parts.iter().map(|part| part.forms[form].clone()).collect()));
    let forms: Vec<StringViewArray> = forms.collect::<Result<_>>()?;
    let days = (0..Field::ALL.len()).map(|field| {
        parts.iter().any(|part| part.days[field].is_some()).then(|| {
            let mut days = Vec::with_capacity(rows);
            for part in &parts {
                match &part.days[field] {
                    Some(own) => days.extend_from_slice(own),
                    None => days.resize(days.len() + part.records.len(), 0),
                }
            }
            days
        })
    });
    Ok(Evidence {
        raw,
        forms,
        days: days.collect(),
        quantities: parts.iter().flat_map(|part| part.quantities.iter().copied()).collect(),
        steps: parts.iter().flat_map(|part| part.steps.iter().copied()).collect(),
        carried: concat(parts.iter().map(|part| part.carried.clone()).collect())?,
        references,
    })
}

fn empty_texts(rows: usize) -> StringViewArray {
    StringViewArray::from_iter_values(std::iter::repeat_n("", rows))
}

/// Reads the rows of one file.
struct PartReader<'a> {
    tiers: Tiers,
    source: &'a SourcePlan,
    plan: &'a FilePlan,
    file: u32,
    columns: Vec<usize>,
}

impl<'a> PartReader<'a> {
    fn new(plan: &Plan, source: &'a SourcePlan, file_plan: &'a FilePlan, file: u32) -> Self {
        let mapped = file_plan.mapping.iter().filter_map(|mapped| match mapped.origin {
            Origin::Column { index, .. } => Some(index),
            Origin::Constant(_) => None,
        });
        let mut columns: Vec<usize> = mapped.chain(file_plan.carry.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        let tiers = Tiers { clean: plan.tiers.clean, case: plan.tiers.case, separators: plan.tiers.separators };
        Self { tiers, source, plan: file_plan, file, columns }
    }

    fn part(&self, morsel: Morsel) -> Result<Part> {
        let records = (0..morsel.row_count)
            .map(|row| (morsel.first_record + morsel.record_offsets.as_ref().map_or(row as u64, |offsets| u64::from(offsets[row]))) as u32)
            .collect();
        let mut part = Part {
            file: self.file,
            records,
            raw: vec![None; Field::ALL.len()],
            forms: Vec::new(),
            days: vec![None; Field::ALL.len()],
            quantities: vec![None; morsel.row_count],
            steps: vec![Steps::default(); morsel.row_count],
            carried: self.carried(&morsel)?,
        };
        for mapped in &self.plan.mapping {
            let constant;
            let (array, formats): (&ArrayRef, &[String]) = match &mapped.origin {
                Origin::Column { index, date_formats, .. } => (self.column(&morsel, *index), date_formats),
                Origin::Constant(value) => {
                    constant = constant_text(value, morsel.row_count);
                    (&constant, &[])
                }
            };
            match mapped.field.kind() {
                FieldKind::Date => part.days[mapped.field as usize] = Some(read_days(array, formats)?.days),
                FieldKind::Number => part.quantities = QuantityColumn::new(array)?.millionths,
                _ => {}
            }
            part.raw[mapped.field as usize] = Some(texts(&TextColumn::new(array)?));
        }
        self.add_forms(&mut part);
        Ok(part)
    }

    fn column<'m>(&self, morsel: &'m Morsel, index: usize) -> &'m ArrayRef {
        &morsel.columns[self.columns.binary_search(&index).expect("a mapped column is read")]
    }

    fn carried(&self, morsel: &Morsel) -> Result<StringViewArray> {
        if self.plan.carry.is_empty() {
            return Ok(empty_texts(morsel.row_count));
        }
        let columns: Vec<TextColumn> =
            self.plan.carry.iter().map(|&index| Ok(TextColumn::new(self.column(morsel, index))?)).collect::<Result<_>>()?;
        let mut builder = StringViewBuilder::with_capacity(morsel.row_count);
        for row in 0..morsel.row_count {
            let values = self.source.carry.iter().zip(&columns);
            let object: serde_json::Map<String, serde_json::Value> =
                values.map(|(name, column)| (name.clone(), column.get(row).map_or(serde_json::Value::Null, Into::into))).collect();
            builder.append_value(serde_json::Value::Object(object).to_string());
        }
        Ok(builder.finish())
    }

    fn add_forms(&self, part: &mut Part) {
        let mut builders: Vec<StringViewBuilder> =
            (0..FORMS).map(|_| StringViewBuilder::with_capacity(part.records.len()).with_fixed_block_size(64 * 1024)).collect();
        let (mut scratch, mut text, mut key) = (Scratch::default(), String::new(), String::new());
        let stands_for_supplier = self.source.source.role == Role::Supplier && !self.source.source.maps(Field::Supplier);
        for row in 0..part.records.len() {
            let raw = |field: Field| part.raw[field as usize].as_ref().map_or("", |values| values.value(row));
            let is_placeholder = item_form(raw(Field::Item), self.tiers, &mut scratch, &mut text);
            builders[Form::Item as usize].append_value(if is_placeholder { "" } else { &text });
            part.steps[row] = self.add_serial(raw(Field::Serial), &mut scratch, (&mut text, &mut key), &mut builders);
            for (field, form, key_form) in
                [(Field::Lot, Form::Lot, Form::LotKey), (Field::SupplierLot, Form::SupplierLot, Form::SupplierLotKey)]
            {
                let is_placeholder = lot_key_form(raw(field), self.tiers, &mut scratch, &mut text);
                builders[key_form as usize].append_value(if is_placeholder { "" } else { &text });
                builders[form as usize].append_value(if is_placeholder || text.is_empty() { "" } else { &scratch.form });
            }
            name_form(if stands_for_supplier { &self.source.source.name } else { raw(Field::Supplier) }, &mut text);
            builders[Form::Supplier as usize].append_value(&text);
        }
        part.forms = builders.iter_mut().map(StringViewBuilder::finish).collect();
    }

    /// Adds form and key form of a serial; both empty when blank. A placeholder keeps its form and has no key.
    fn add_serial(
        &self,
        raw: &str,
        scratch: &mut Scratch,
        (form, key): (&mut String, &mut String),
        builders: &mut [StringViewBuilder],
    ) -> Steps {
        let serial = serial_key(raw, self.tiers, scratch);
        let tiers = if serial.class == (SerialClass::Usable { digits: true }) { Tiers::ALL } else { self.tiers };
        form.clear();
        key.clear();
        if serial.class != SerialClass::Blank {
            identifier_form(raw, tiers, form);
        }
        if matches!(serial.class, SerialClass::Usable { .. }) {
            if tiers.separators {
                remove_separators(form, key);
            } else {
                key.clone_from(form);
            }
        }
        builders[Form::Serial as usize].append_value(form.as_str());
        builders[Form::SerialKey as usize].append_value(key.as_str());
        serial.steps
    }
}

fn texts(column: &TextColumn) -> StringViewArray {
    let mut builder = StringViewBuilder::with_capacity(column.len()).with_fixed_block_size(64 * 1024);
    column.iter().for_each(|value| builder.append_value(value.unwrap_or("")));
    builder.finish()
}

/// Cleans a text for comparison and display (T1).
pub fn cleaned(raw: &str) -> String {
    let mut form = String::new();
    text_form(raw, Tiers::ALL, &mut form);
    form
}
