//! Evidence: the second, narrow read. All mapped columns, only for records that findings refer to.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use counterfoil_kernel::finding::{CITED, Finding, Findings, Mention};
use counterfoil_kernel::model::{Field, FieldKind, Role};
use counterfoil_kernel::normalize::{
    Scratch, SerialClass, Steps, Tiers, identifier_form, item_form, lot_key_form, name_form, remove_separators, serial_key, supplier_form,
    text_form,
};
use counterfoil_kernel::rules::rule_index;
use counterfoil_kernel::spelling::{Spelling, Told};
use rayon::prelude::*;

use super::Watch;
use super::keying::{constant_text, read_days};
use super::local::{Found, files_of};
use super::raws::AllRaws;
use super::table::GROUP_ROWS;
use super::texts::{Column, Texts};
use crate::config::plan::{FilePlan, Origin, Plan, SourcePlan};
use crate::ingest::value::{QuantityColumn, TextColumn};
use crate::ingest::{Cells, Morsel, Wanted};

/// A text made from a record's raw values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The site, cleaned.
    Site,
}

impl Form {
    /// The field that it is made from, and its place among the forms of that field.
    pub const fn place(self) -> (Field, usize) {
        match self {
            Self::Item => (Field::Item, 0),
            Self::Serial => (Field::Serial, 0),
            Self::SerialKey => (Field::Serial, 1),
            Self::Lot => (Field::Lot, 0),
            Self::LotKey => (Field::Lot, 1),
            Self::SupplierLot => (Field::SupplierLot, 0),
            Self::SupplierLotKey => (Field::SupplierLot, 1),
            Self::Supplier => (Field::Supplier, 0),
            Self::Site => (Field::Site, 0),
        }
    }
}

/// Fields that most often have a text of their own in every record.
const DISTINCT_FIELDS: [Field; 2] = [Field::Serial, Field::Claim];

/// The records that findings refer to, one row each, ordered by reference.
pub struct Evidence {
    /// References, ascending.
    pub references: Vec<u64>,
    /// For each reference of the findings its row, and whether it is cited; those of a finding stand in any order.
    positions: Vec<(u32, bool)>,
    /// By field; blank where no source maps it.
    columns: Vec<Column>,
    /// Days by field, for dates; empty where no source maps it.
    days: Vec<Vec<i32>>,
    quantities: Vec<Option<i64>>,
    steps: Vec<Steps>,
    /// The carried columns as JSON objects; none where no source has any.
    carried: Option<Texts>,
}

impl Evidence {
    /// Gives the raw text of a field; empty when blank or unmapped.
    pub fn raw(&self, field: Field, row: usize) -> &str {
        self.columns[field as usize].raw(row)
    }

    /// Gives a form.
    pub fn form(&self, form: Form, row: usize) -> &str {
        let (field, at) = form.place();
        self.columns[field as usize].form(at, row)
    }

    /// Gives the texts of a field.
    pub fn column(&self, field: Field) -> &Column {
        &self.columns[field as usize]
    }

    /// Gives the day of a date field; 0 for none.
    pub fn day(&self, field: Field, row: usize) -> i32 {
        self.days[field as usize].get(row).copied().unwrap_or(0)
    }

    /// Gives the file of a row.
    pub fn file(&self, row: usize) -> usize {
        (self.references[row] >> 32) as usize
    }

    /// Gives the quantity in millionths.
    pub fn quantity(&self, row: usize) -> Option<i64> {
        self.quantities.get(row).copied().flatten()
    }

    /// Gives the steps that changed the serial.
    pub fn steps(&self, row: usize) -> Steps {
        self.steps[row]
    }

    /// Gives the carried columns of all records as JSON objects, empty where there are none; nothing where no file has any.
    pub fn carried(&self) -> Option<&Texts> {
        self.carried.as_ref()
    }

    /// Gives the first row of a finding, whichever it is.
    pub fn first_row(&self, finding: &Finding) -> u32 {
        let first = self.positions.get(finding.start as usize).filter(|_| finding.length > 0);
        first.map_or(0, |&(row, _)| row)
    }

    /// Gives the rows of a finding, by source, file and record; `true` for those that it cites.
    pub fn records_of(&self, finding: &Finding) -> Cow<'_, [(u32, bool)]> {
        let records = &self.positions[finding.start as usize..][..finding.length as usize];
        if records.is_sorted() {
            return Cow::Borrowed(records);
        }
        let mut records = records.to_vec();
        records.sort_unstable();
        Cow::Owned(records)
    }
}

/// Rows of one morsel.
struct Part {
    file: u32,
    /// Record numbers.
    records: Vec<u32>,
    /// By field; `None` where the source does not map it.
    columns: Vec<Option<Column>>,
    /// Days by field, for dates.
    days: Vec<Option<Vec<i32>>>,
    quantities: Option<Vec<Option<i64>>>,
    /// Steps by number of the serial's text.
    steps: Vec<Steps>,
    carried: Option<Texts>,
}

/// What a record takes until its rows are written, about.
///
/// # Source
/// Measured on synthetic data with 25 mapped columns: 325 MB held at most for 561,383 records in 642,350 rows, 579 bytes a record; what records tell of their
/// serials takes 24 bytes a row and 24 a record more.
const RECORD_BYTES: u64 = 420;

/// What a finding takes beside its records, about: its row stands twice while rows are put in order.
const FINDING_BYTES: u64 = 400;

/// What a row takes while batches are merged, about: each thread has one column of a row group, as it is read, in order, and encoded.
const MERGED_ROW_BYTES: u64 = 200;

/// What a batch takes while it is merged with others, about: a page of each column, as it is in the file and as it is read.
const MERGED_BATCH_BYTES: u64 = 20 << 20;

/// What else it takes to merge batches.
const MERGING_BYTES: u64 = 20 << 20;

/// What tables and the report take while they are written, however few records there are, about.
///
/// # Source
/// Measured on synthetic data of a million units with two threads: with 40 to 45 MiB held before and 35 MiB for records, 98 MiB were held at most. With eight
/// threads no run held more than its limit either.
const WRITING_BYTES: u64 = 32 << 20;

/// The least that a batch of findings takes.
const BATCH_BYTES_LEAST: u64 = 1 << 20;

/// How often the texts of a record stand in memory at most: as they are read, put together, and written.
///
/// # Source
/// 150,000 records of 6 KB took 3.3 GB.
const TEXT_COPIES: u64 = 4;

/// Gives by file what a record takes until its rows are written, about.
pub fn record_weights(plan: &Plan, found: &Found) -> Vec<u64> {
    let of = |(number, (source, file)): (usize, (usize, &FilePlan))| {
        let columns = PartReader::new(plan, &plan.sources[source], file, number as u32, None).columns;
        let records = found.ledger.files[number].iter().map(|sums| sums.records).sum::<u64>().max(1);
        let bytes = found.files[number].text_bytes(&columns).unwrap_or(file.input.bytes);
        (bytes / records).saturating_mul(TEXT_COPIES).max(RECORD_BYTES)
    };
    files_of(plan).into_iter().enumerate().map(of).collect()
}

/// Shares findings out over batches whose rows fit into memory, by number: one batch where all do.
///
/// `record_weights` are those of [`record_weights`]. Findings that explain others come first. Within that they are ordered by record, so that a batch needs few parts of most files.
///
/// # Errors
/// When memory has no room for the records of a single finding, with the limit that would do.
pub fn batches(found: &Found, record_weights: &[u64]) -> Result<Vec<Vec<u32>>> {
    let findings = &found.findings.findings;
    let mut weights = found.findings.weights(|reference| record_weights[(reference >> 32) as usize]);
    weights.iter_mut().for_each(|bytes| *bytes += FINDING_BYTES);
    let (of_all, largest) = (weights.iter().sum::<u64>(), weights.iter().copied().max().unwrap_or(0));
    let room = found.memory.room(WRITING_BYTES + of_all).saturating_sub(WRITING_BYTES);
    if of_all <= room {
        return Ok(vec![(0..findings.len() as u32).collect()]);
    }
    // What is copied of a batch, the list of all findings, and what a batch leaves to the allocator.
    let listed = 16 * findings.len() as u64;
    let of_batch = |room: u64| (room / 10 * 6).saturating_sub(listed);
    let records: u64 = findings.iter().map(|finding| u64::from(finding.length)).sum();
    // Wide texts are wide while they are merged, too.
    let of_row = MERGED_ROW_BYTES + (of_all / records.max(1)).saturating_sub(RECORD_BYTES + FINDING_BYTES) / 4 * 3;
    // Batches have to hold the largest finding, and to be so few that there is room to merge them.
    let fits = |room: u64| {
        let bytes = of_batch(room);
        let merging = || MERGING_BYTES + of_all / bytes * MERGED_BATCH_BYTES + records.min(GROUP_ROWS as u64) * of_row;
        bytes >= largest.max(BATCH_BYTES_LEAST) && merging() <= room
    };
    let mut needed = room;
    while !fits(needed) {
        needed += needed / 20 + BATCH_BYTES_LEAST;
    }
    found.memory.check(WRITING_BYTES + needed)?;
    let room_of_batch = of_batch(room);
    let explaining = rule_index("SER003");
    let firsts = found.findings.first_references();
    let mut order: Vec<(bool, u64, u32)> =
        (0..).zip(firsts).map(|(number, first)| (Some(findings[number as usize].rule) != explaining, first, number)).collect();
    order.par_sort_unstable();
    let (mut batches, mut taken) = (vec![Vec::new()], 0);
    for (.., number) in order {
        let bytes = weights[number as usize];
        if taken + bytes > room_of_batch && taken > 0 {
            batches.push(Vec::new());
            taken = 0;
        }
        taken += bytes;
        batches.last_mut().expect("there is one").push(number);
    }
    Ok(batches)
}

/// Reads the records that findings refer to.
///
/// # Errors
/// When a file can't be read a second time, or does not give the records asked for.
pub fn read(plan: &Plan, found: &Found, findings: &Findings, record_weights: &[u64], watch: &Watch) -> Result<Evidence> {
    let Rows { references, spellings, positions } = rows_of(&findings.mentions);
    let files = files_of(plan);
    let parts = Mutex::new(Vec::new());
    let mut rest = spellings.as_slice();
    let wanted: Vec<(u32, Vec<u32>, &[SpellingWords])> = references
        .chunk_by(|left, right| left >> 32 == right >> 32)
        .map(|run| {
            let spellings = rest.split_off(..run.len()).expect("each reference has a spelling");
            ((run[0] >> 32) as u32, run.iter().map(|&reference| reference as u32).collect(), spellings)
        })
        .collect();
    wanted.par_iter().try_for_each(|(file, records, spellings)| {
        let (source, file_plan) = files[*file as usize];
        let serials = found.raws.has(*file).then_some(Serials { records, spellings, raws: &found.raws });
        let reader = PartReader::new(plan, &plan.sources[source], file_plan, *file, serials);
        let sink = |morsel: Morsel| {
            let part = reader.part(morsel)?;
            watch.mentions_read.fetch_add(part.records.len() as u64, Ordering::Relaxed);
            found.memory.check_read(part.records.len() as u64 * record_weights[*file as usize])?;
            parts.lock().expect("no worker panics while it adds a part").push(part);
            Ok(())
        };
        found.files[*file as usize]
            .scan(&reader.columns, Wanted::Records(records), &watch.evidence, &sink)
            .with_context(|| format!("source {}, second read", plan.sources[source].source.name))
    })?;
    let parts = parts.into_inner().expect("no worker panics while it adds a part");
    join(references, positions, parts)
}

/// The words of a spelling: threads write those of records as they meet them, and all that mention a record write the same.
type SpellingWords = [AtomicU64; 3];

/// The records that findings refer to.
struct Rows {
    /// Their references, ascending.
    references: Vec<u64>,
    /// What they tell of their raw serials.
    spellings: Vec<SpellingWords>,
    /// For each record that a finding refers to its row, and whether it is cited.
    positions: Vec<(u32, bool)>,
}

/// The serials of a file whose records tell them, but for those that are kept.
#[derive(Clone, Copy)]
struct Serials<'a> {
    /// The records that are read.
    records: &'a [u32],
    /// What they tell.
    spellings: &'a [SpellingWords],
    raws: &'a AllRaws,
}

impl<'a> Serials<'a> {
    /// Gives what some of the records, which stand together, tell.
    fn spellings_of(&self, records: &[u32]) -> impl Iterator<Item = Spelling> + use<'a> {
        let start = records.first().map_or(0, |first| self.records.partition_point(|record| record < first));
        self.spellings[start..].iter().map(|words| Spelling::of_words(words.each_ref().map(|word| word.load(Ordering::Relaxed))))
    }
}

/// The file and the record of a reference.
fn place(reference: u64) -> (usize, usize) {
    (((reference & !CITED) >> 32) as usize, reference as u32 as usize)
}

/// Gives by file how many records there are up to the last that is mentioned.
fn record_counts(mentions: &[&[Mention]]) -> Vec<usize> {
    let note = |mut counts: Vec<usize>, mention: &Mention| {
        let (file, record) = place(mention.reference);
        if file >= counts.len() {
            counts.resize(file + 1, 0);
        }
        counts[file] = counts[file].max(record + 1);
        counts
    };
    let greater = |mut left: Vec<usize>, right: Vec<usize>| {
        left.resize(left.len().max(right.len()), 0);
        left.iter_mut().zip(right).for_each(|(own, other)| *own = (*own).max(other));
        left
    };
    mentions.par_iter().fold(Vec::new, |counts, mentions| mentions.iter().fold(counts, note)).reduce(Vec::new, greater)
}

/// Mentions that a thread looks at in one go.
const MENTIONS_AT_ONCE: usize = 8 * 1024;

/// Lists the distinct references, and gives for each mention its place among them, with the cited bit.
///
/// Cost: a bit for each record up to the last one of a file that a finding refers to; to sort takes several times as long.
fn rows_of(mentions: &[Vec<Mention>]) -> Rows {
    const WORD_BITS: usize = u64::BITS as usize;
    let mentions: Vec<&[Mention]> = mentions.iter().flat_map(|mentions| mentions.chunks(MENTIONS_AT_ONCE)).collect();
    let count = mentions.iter().map(|mentions| mentions.len()).sum();
    let words = |count: usize| (0..count.div_ceil(WORD_BITS)).map(|_| AtomicU64::new(0)).collect();
    let marks: Vec<Vec<AtomicU64>> = record_counts(&mentions).into_iter().map(words).collect();
    mentions.par_iter().for_each(|mentions| {
        for (file, record) in mentions.iter().map(|mention| place(mention.reference)) {
            marks[file][record / WORD_BITS].fetch_or(1 << (record % WORD_BITS), Ordering::Relaxed);
        }
    });
    let marks: Vec<Vec<u64>> = marks.into_iter().map(|marks| marks.into_iter().map(AtomicU64::into_inner).collect()).collect();
    let mut references: Vec<u64> = Vec::with_capacity(count);
    // For each word how many references stand before it.
    let mut before: Vec<Vec<u32>> = Vec::with_capacity(marks.len());
    for (file, marks) in marks.iter().enumerate() {
        let words = marks.iter().enumerate().map(|(word, &marks)| {
            let count = references.len() as u32;
            let mut rest = marks;
            while rest != 0 {
                references.push((file << 32 | (word * WORD_BITS + rest.trailing_zeros() as usize)) as u64);
                rest &= rest - 1;
            }
            count
        });
        before.push(words.collect());
    }
    let spellings: Vec<SpellingWords> = references.iter().map(|_| SpellingWords::default()).collect();
    let mut positions = vec![(0, false); count];
    let mut rest = positions.as_mut_slice();
    let places: Vec<&mut [(u32, bool)]> =
        mentions.iter().map(|mentions| rest.split_off_mut(..mentions.len()).expect("each mention has a place")).collect();
    mentions.par_iter().zip(places).for_each(|(mentions, places)| {
        for (&Mention { reference, spelling }, position) in mentions.iter().zip(places) {
            let (file, record) = place(reference);
            let (word, bit) = (record / WORD_BITS, record % WORD_BITS);
            let lower = marks[file][word] & ((1 << bit) - 1);
            let row = before[file][word] + lower.count_ones();
            for (kept, word) in spellings[row as usize].iter().zip(spelling.words()) {
                assert!([0, word].contains(&kept.load(Ordering::Relaxed)), "all that mention a record tell the same of it");
                kept.store(word, Ordering::Relaxed);
            }
            *position = (row, reference & CITED != 0);
        }
    });
    Rows { references, spellings, positions }
}

/// Puts the parts into the order of references, and checks that all records are there.
fn join(references: Vec<u64>, positions: Vec<(u32, bool)>, mut parts: Vec<Part>) -> Result<Evidence> {
    parts.sort_unstable_by_key(|part: &Part| (part.file, part.records.first().copied()));
    let read = || parts.iter().flat_map(|part| part.records.iter().map(|&record| u64::from(part.file) << 32 | u64::from(record)));
    if !read().eq(references.iter().copied()) {
        let count = read().count();
        anyhow::bail!("a file changed between the first and the second read: {} records asked for, {count} found", references.len());
    }
    let steps = parts.iter().flat_map(|part| {
        let serials = part.columns[Field::Serial as usize].as_ref();
        (0..part.records.len()).map(move |row| serials.map_or_else(Steps::default, |serials| part.steps[serials.number(row)]))
    });
    let steps: Vec<Steps> = steps.collect();
    // What was read of a field goes as soon as it is joined, so that only few fields take memory twice.
    let rows: Vec<usize> = parts.iter().map(|part| part.records.len()).collect();
    let mut of_fields: Vec<Vec<Column>> = Field::ALL.iter().map(|_| Vec::with_capacity(parts.len())).collect();
    for part in &mut parts {
        let columns = std::mem::take(&mut part.columns).into_iter().map(|column| column.unwrap_or_else(|| Column::constant("")));
        of_fields.iter_mut().zip(columns).for_each(|(of_field, column)| of_field.push(column));
    }
    let columns = Field::ALL.par_iter().zip(of_fields).with_max_len(1).map(|(field, columns)| {
        let columns = rows.iter().copied().zip(&columns);
        if DISTINCT_FIELDS.contains(field) { Column::chain(columns) } else { Column::join(columns) }
    });
    let days = Field::ALL.par_iter().map(|&field| values(&parts, |part| part.days[field as usize].as_deref()));
    let (columns, days) = rayon::join(|| columns.collect(), || days.collect());
    let carried = parts.iter().any(|part| part.carried.is_some()).then(|| {
        let mut carried = Texts::default();
        for part in &parts {
            match &part.carried {
                Some(texts) => carried.append(texts),
                None => part.records.iter().for_each(|_| carried.push("")),
            }
        }
        carried
    });
    Ok(Evidence { columns, days, quantities: values(&parts, |part| part.quantities.as_deref()), steps, carried, references, positions })
}

/// Joins values of parts, with defaults for parts that have none; nothing where no part has any.
fn values<T: Clone + Default>(parts: &[Part], of: impl Fn(&Part) -> Option<&[T]>) -> Vec<T> {
    let mut values = Vec::new();
    let mut rows = 0;
    for part in parts {
        if let Some(own) = of(part) {
            if values.is_empty() {
                values.reserve_exact(parts.iter().map(|part| part.records.len()).sum());
            }
            values.resize(rows, T::default());
            values.extend_from_slice(own);
        }
        rows += part.records.len();
    }
    values
}

/// Reads the rows of one file.
struct PartReader<'a> {
    tiers: Tiers,
    source: &'a SourcePlan,
    plan: &'a FilePlan,
    file: u32,
    columns: Vec<usize>,
    /// The serials, where their column is not read.
    serials: Option<Serials<'a>>,
    /// The form of the supplier where it is not mapped: a supplier source stands for its supplier.
    supplier: String,
}

impl<'a> PartReader<'a> {
    fn new(plan: &Plan, source: &'a SourcePlan, file_plan: &'a FilePlan, file: u32, serials: Option<Serials<'a>>) -> Self {
        let mapped = file_plan.mapping.iter().filter_map(|mapped| match mapped.origin {
            Origin::Column { index, .. } => Some(index),
            Origin::Constant(_) => None,
        });
        let mut columns: Vec<usize> = mapped.chain(file_plan.carry.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        if serials.is_some() {
            columns.retain(|&column| Some(column) != file_plan.serial_column_alone());
        }
        let tiers = Tiers { clean: plan.tiers.clean, case: plan.tiers.case, separators: plan.tiers.separators };
        let mut supplier = String::new();
        if source.source.role == Role::Supplier && !source.source.maps(Field::Supplier) {
            name_form(&source.source.name, &mut supplier);
        }
        Self { tiers, source, plan: file_plan, file, columns, serials, supplier }
    }

    fn part(&self, morsel: Morsel) -> Result<Part> {
        let records = (0..morsel.row_count)
            .map(|row| (morsel.first_record + morsel.record_offsets.as_ref().map_or(row as u64, |offsets| u64::from(offsets[row]))) as u32)
            .collect();
        let mut part = Part {
            file: self.file,
            records,
            columns: Field::ALL.map(|_| None).into(),
            days: vec![None; Field::ALL.len()],
            quantities: None,
            steps: Vec::new(),
            carried: self.carried(&morsel)?,
        };
        if let Some(serials) = self.serials {
            part.columns[Field::Serial as usize] = Some(self.told(serials, &part.records, &mut part.steps));
        }
        for mapped in self.plan.mapping.iter().filter(|mapped| self.serials.is_none() || mapped.field != Field::Serial) {
            let constant;
            let (cells, formats): (&Cells, &[String]) = match &mapped.origin {
                Origin::Column { index, date_formats, .. } => (self.column(&morsel, *index), date_formats),
                Origin::Constant(value) => {
                    constant = constant_text(value, morsel.row_count);
                    (&constant, &[])
                }
            };
            match mapped.field.kind() {
                FieldKind::Date => part.days[mapped.field as usize] = Some(read_days(cells, formats)?.into_days()),
                FieldKind::Number => part.quantities = Some(QuantityColumn::new(cells)?.millionths),
                _ => {}
            }
            let mut column = match &mapped.origin {
                Origin::Column { .. } => Column::new(cells)?,
                Origin::Constant(value) => Column::constant(value),
            };
            self.add_forms(mapped.field, &mut column, &mut part.steps);
            part.columns[mapped.field as usize] = Some(column);
        }
        if !self.supplier.is_empty() {
            let mut column = Column::constant("");
            column.make_forms(false, |_, form, _| {
                form.clone_from(&self.supplier);
                true
            });
            part.columns[Field::Supplier as usize] = Some(column);
        }
        Ok(part)
    }

    fn column<'m>(&self, morsel: &'m Morsel, index: usize) -> &'m Cells {
        &morsel.columns[self.columns.binary_search(&index).expect("a mapped column is read")]
    }

    fn carried(&self, morsel: &Morsel) -> Result<Option<Texts>> {
        if self.plan.carry.is_empty() {
            return Ok(None);
        }
        let columns: Vec<TextColumn> =
            self.plan.carry.iter().map(|&index| Ok(TextColumn::new(self.column(morsel, index))?)).collect::<Result<_>>()?;
        let mut texts = Texts::default();
        for row in 0..morsel.row_count {
            let values = self.source.carry.iter().zip(&columns);
            let object: serde_json::Map<String, serde_json::Value> =
                values.map(|(name, column)| (name.clone(), column.get(row).map_or(serde_json::Value::Null, Into::into))).collect();
            texts.push(&serde_json::Value::Object(object).to_string());
        }
        Ok(Some(texts))
    }

    /// Makes the forms of each text of a column once.
    fn add_forms(&self, field: Field, column: &mut Column, steps: &mut Vec<Steps>) {
        let mut scratch = Scratch::default();
        match field {
            Field::Item => column.make_forms(false, |raw, form, _| {
                if item_form(raw, self.tiers, &mut scratch, form) {
                    form.clear();
                }
                true
            }),
            Field::Serial => column.make_forms(true, |raw, form, key| {
                let (serial_steps, are_made) = self.serial_forms(raw, &mut scratch, form, key);
                steps.push(serial_steps);
                are_made
            }),
            Field::Lot | Field::SupplierLot => column.make_forms(true, |raw, form, key| {
                form.clear();
                if lot_key_form(raw, self.tiers, &mut scratch, key) {
                    key.clear();
                } else if !key.is_empty() {
                    form.push_str(&scratch.form);
                }
                true
            }),
            Field::Supplier => column.make_forms(false, |raw, form, _| {
                supplier_form(raw, form);
                true
            }),
            Field::Site => column.make_forms(false, |raw, form, _| {
                text_form(raw, Tiers::ALL, form);
                true
            }),
            _ => {}
        }
    }

    /// Makes the column of serials of some records, from what they tell or from what is kept of them.
    fn told(&self, serials: Serials<'_>, records: &[u32], steps: &mut Vec<Steps>) -> Column {
        let (mut told, mut scratch, mut form, mut key) = (Told::default(), Scratch::default(), String::new(), String::new());
        let mut column = Column::with_capacity(records.len());
        // Records that were not asked for tell nothing here: they end the run when parts are joined.
        for (spelling, &record) in serials.spellings_of(records).zip(records) {
            if let Some(told) = spelling.tell(&mut told) {
                steps.push(spelling.steps());
                column.add(told.raw(), [told.form(), told.key_form()]);
                continue;
            }
            let raw = serials.raws.get(self.file, record);
            let (serial_steps, are_made) = self.serial_forms(raw, &mut scratch, &mut form, &mut key);
            steps.push(serial_steps);
            column.add(raw, if are_made { [&form, &key] } else { [raw, raw] });
        }
        column
    }

    /// Makes form and key form of a serial, both empty when blank; a placeholder keeps its form and has no key. Gives the steps that changed
    /// the serial; where it says no, both forms are the raw text and are not made.
    fn serial_forms(&self, raw: &str, scratch: &mut Scratch, form: &mut String, key: &mut String) -> (Steps, bool) {
        let serial = serial_key(raw, self.tiers, scratch);
        // A serial that no step changes is form and key form itself.
        if serial.class == SerialClass::Usable && !serial.is_digits && serial.steps == Steps::default() {
            return (serial.steps, false);
        }
        let tiers = if serial.is_digits { Tiers::ALL } else { self.tiers };
        form.clear();
        key.clear();
        if serial.class != SerialClass::Blank {
            identifier_form(raw, tiers, form);
        }
        if serial.class == SerialClass::Usable {
            if tiers.separators {
                remove_separators(form, key);
            } else {
                key.clone_from(form);
            }
        }
        (serial.steps, true)
    }
}

/// Cleans a text for comparison and display (T1).
pub fn cleaned(raw: &str) -> Cow<'_, str> {
    let mut form = String::new();
    text_form(raw, Tiers::ALL, &mut form);
    if form == raw { Cow::Borrowed(raw) } else { Cow::Owned(form) }
}

#[cfg(test)]
mod tests {
    use counterfoil_kernel::record::{Record, reference};

    use super::*;

    #[test]
    fn rows_are_the_distinct_records_in_order_and_each_mention_has_its_own() {
        let mention = |file: u32, record: u32, is_cited: bool| {
            Mention::new(&Record { key: u128::from(record), file, record, ..bytemuck::Zeroable::zeroed() }, is_cited)
        };
        let long = (0..MENTIONS_AT_ONCE as u32 + 10).rev().map(|record| mention(2, 3 * record, record % 2 == 0)).collect::<Vec<_>>();
        let lists =
            vec![vec![mention(4, 64, true), mention(0, 5, true), mention(4, 63, false)], Vec::new(), long, vec![mention(4, 64, false)]];
        let Rows { references, spellings, positions } = rows_of(&lists);
        let mentions = lists.concat();
        let mut expected: Vec<u64> = mentions.iter().map(|mention| mention.reference & !CITED).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(references, expected);
        assert_eq!((references[0], *references.last().unwrap()), (reference(0, 5), reference(4, 64)));
        assert_eq!(positions.len(), mentions.len());
        for (mention, &(row, is_cited)) in mentions.iter().zip(&positions) {
            assert_eq!(references[row as usize] | if is_cited { CITED } else { 0 }, mention.reference);
            let words = spellings[row as usize].each_ref().map(|word| word.load(Ordering::Relaxed));
            assert_eq!(Spelling::of_words(words), mention.spelling);
        }
        let Rows { references, positions, .. } = rows_of(&[Vec::new()]);
        assert!(references.is_empty() && positions.is_empty());
    }
}
