//! Assembly: findings with their records become rows with ids and displays, in their final order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::Result;
use counterfoil_kernel::error::KernelError;
use counterfoil_kernel::finding::{Finding, FindingId, Subject, finding_id};
use counterfoil_kernel::map::Set;
use counterfoil_kernel::model::{Field, FieldKind, Role, Severity, Source};
use counterfoil_kernel::normalize::{Tiers, identifier_form};
use counterfoil_kernel::rules::{CATALOGUE, rule_index};
use rayon::prelude::*;

use super::evidence::{Evidence, Form, cleaned};
use super::local::{Found, file_name, file_of};
use crate::config::plan::{FilePlan, Origin, Plan};
use crate::ingest::value::{BLANK_DAY, DateFormat, WrittenDate, WrittenNumber};

/// An evidence row, and whether the finding cites it.
pub type Cited = (u32, bool);

/// A finding as `findings.parquet` holds it; texts stay where the evidence has them, and the sentence is made when it is written.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The id.
    pub finding_id: FindingId,
    /// The rule's index in the catalogue.
    pub rule: u16,
    /// The subtype, or empty.
    pub subtype: &'static str,
    /// The severity.
    pub severity: Severity,
    /// What it is about.
    pub about: Subject,
    /// A figure of the finding, such as a count where no records are cited.
    pub figure: u64,
    /// The id of the finding that explains it; few have one.
    pub explained_by: Option<Box<FindingId>>,
    /// Item, serial, lot, supplier, site as shown; empty where there is none.
    pub shown: [&'a str; 5],
    /// Sources of the cited records, or those of the subject, one bit each.
    pub sources: u128,
    /// Records cited.
    pub record_count: u64,
    /// The normalized subject, for the order.
    pub subject: Vec<Cow<'a, str>>,
    /// Evidence rows, cited or not, by source, file and record.
    pub records: Cow<'a, [Cited]>,
}

impl Row<'_> {
    /// Lists its sources by index.
    pub fn sources(&self) -> impl Iterator<Item = usize> {
        let mut rest = self.sources;
        std::iter::from_fn(move || {
            let source = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (source < 128).then_some(source)
        })
    }
}

/// All findings, and what assembling told of normalization.
pub struct Assembled<'a> {
    /// The rows in order, [`TASK_FINDINGS`] together; each of them is there.
    rows: Vec<Vec<OnceLock<Row<'a>>>>,
    /// Units of a unit-grain source in which records with different raw serials met, by the rank of the last step; 0: none.
    pub merges: [u64; 9],
}

impl<'a> Assembled<'a> {
    /// Lists the rows in order.
    pub fn rows(&self) -> Vec<&Row<'a>> {
        self.rows.iter().flatten().map(|row| row.get().expect("every place has its row")).collect()
    }
}

/// Findings that one task makes rows of.
const TASK_FINDINGS: usize = 1024;

/// Makes the rows of findings; `explaining` are the ids of findings that may explain them, and gets those of these.
///
/// # Errors
/// [`KernelError::KeyCollision`] when two serials share a hashed key.
pub fn assemble<'a>(
    plan: &'a Plan,
    found: &'a Found,
    findings: &[Finding],
    evidence: &'a Evidence,
    explaining: &mut Set<FindingId>,
) -> Result<Assembled<'a>> {
    let assembler = Assembler::new(plan, found, evidence);
    // By record: neighbours in a file share what is looked up, and what stands near it.
    let mut order: Vec<(u32, u32)> =
        findings.par_iter().zip(0_u32..findings.len() as u32).map(|(finding, at)| (evidence.first_row(finding), at)).collect();
    order.par_sort_unstable();
    let tasks = order.par_chunks(TASK_FINDINGS).map(|order| {
        let mut made = Made { rows: Vec::with_capacity(order.len()), merges: [0; 9] };
        // Taken together, because they stand apart: many are then on their way from memory at once.
        let own: Vec<Finding> = order.iter().map(|&(_, at)| findings[at as usize]).collect();
        own.iter().try_for_each(|finding| assembler.make(finding, &mut made))?;
        Ok(made)
    });
    let mut made: Vec<Made> = tasks.collect::<Result<_, KernelError>>()?;
    let mut merges = [0; 9];
    for made in &made {
        merges.iter_mut().zip(made.merges).for_each(|(sum, own)| *sum += own);
    }
    explain(&mut made, explaining);
    let rows = in_order(made);
    Ok(Assembled { rows, merges })
}

/// Puts rows in order. All that is written goes over them again and again, and they are large: where they stood anywhere, each look would wait for memory.
fn in_order(made: Vec<Made<'_>>) -> Vec<Vec<OnceLock<Row<'_>>>> {
    let order = order_of(&listed(&made));
    let mut places = vec![0; order.len()];
    (0..).zip(order).for_each(|(place, at)| places[at as usize] = place);
    let rows: Vec<Vec<OnceLock<Row<'_>>>> =
        places.par_chunks(TASK_FINDINGS).map(|places| places.iter().map(|_| OnceLock::new()).collect()).collect();
    let mut rest = places.as_slice();
    let places: Vec<&[usize]> = made.iter().map(|made| rest.split_off(..made.rows.len()).expect("each row has a place")).collect();
    made.into_par_iter().zip(places).for_each(|(made, places)| {
        for (row, &place) in made.rows.into_iter().zip(places) {
            assert!(rows[place / TASK_FINDINGS][place % TASK_FINDINGS].set(row).is_ok(), "no two rows have one place");
        }
    });
    rows
}

/// Lists all rows as they were made.
fn listed<'m, 'a>(made: &'m [Made<'a>]) -> Vec<&'m Row<'a>> {
    made.iter().flat_map(|made| &made.rows).collect()
}

/// Puts rows in order: gives their numbers.
fn order_of(rows: &[&Row<'_>]) -> Vec<u32> {
    let key = |at: u32| {
        let row = rows[at as usize];
        (row.severity, row.rule, &row.subject, &row.finding_id, row.subtype)
    };
    let mut order: Vec<([u128; 2], u32)> = rows.par_iter().zip(0..rows.len() as u32).map(|(row, at)| (prefix(row), at)).collect();
    order.par_sort_unstable_by(|left, right| left.0.cmp(&right.0).then_with(|| key(left.1).cmp(&key(right.1))));
    order.into_par_iter().map(|(_, at)| at).collect()
}

/// Gives a row's place in the order as bytes, which are compared one by one: where rows of several batches are put together.
pub fn sort_key(row: &Row<'_>) -> Vec<u8> {
    let mut key = vec![row.severity as u8];
    key.extend(row.rule.to_be_bytes());
    for part in &row.subject {
        // A subject stands before those that go on, and a part before its continuations.
        key.push(1);
        for byte in part.bytes() {
            if byte < 2 {
                key.push(1);
            }
            key.push(if byte < 2 { byte + 1 } else { byte });
        }
        key.push(0);
    }
    key.push(0);
    key.extend(row.finding_id.as_bytes());
    key.extend(row.subtype.as_bytes());
    key
}

/// Gives the first 32 bytes of a row's place in the order: severity, rule, and as much of the subject as fits.
///
/// Parts end with a zero, so that a part stands before its continuations; zeros and ones inside are written as two bytes.
fn prefix(row: &Row<'_>) -> [u128; 2] {
    let mut bytes = [0; 32];
    bytes[0] = row.severity as u8;
    bytes[1..3].copy_from_slice(&row.rule.to_be_bytes());
    let mut places = bytes[3..].iter_mut();
    'full: for part in &row.subject {
        for byte in part.bytes() {
            let symbols = if byte < 2 { &[1, byte + 1][..] } else { &[byte][..] };
            for &symbol in symbols {
                let Some(place) = places.next() else { break 'full };
                *place = symbol;
            }
        }
        // The zero at the end of the part is there.
        places.next();
    }
    [0, 16].map(|at| u128::from_be_bytes(bytes[at..at + 16].try_into().expect("16 bytes")))
}

/// Drops explanations whose finding does not exist.
fn explain(made: &mut [Made<'_>], known: &mut Set<FindingId>) {
    let serial_rule = rule_index("SER003");
    let rows = made.iter().flat_map(|made| &made.rows);
    known.extend(rows.filter(|row| Some(row.rule) == serial_rule).map(|row| row.finding_id));
    for row in made.iter_mut().flat_map(|made| &mut made.rows) {
        row.explained_by = row.explained_by.take().filter(|id| known.contains(&**id));
    }
}

/// What some findings became.
struct Made<'a> {
    rows: Vec<Row<'a>>,
    merges: [u64; 9],
}

/// The place of a record's source by rank, the source, and the evidence row.
type Ranked = (usize, u8, u32);

struct Assembler<'a> {
    plan: &'a Plan,
    found: &'a Found,
    evidence: &'a Evidence,
    /// Position of each source by rank, then name.
    source_order: Vec<usize>,
    severities: Vec<Option<Severity>>,
    duplicate: u16,
    repeated: u16,
}

impl<'a> Assembler<'a> {
    fn new(plan: &'a Plan, found: &'a Found, evidence: &'a Evidence) -> Self {
        let sources = &found.context.sources;
        let mut by_rank: Vec<usize> = (0..sources.len()).collect();
        by_rank.sort_by_key(|&source| (sources[source].rank, &sources[source].name));
        let mut source_order = vec![0; sources.len()];
        by_rank.into_iter().enumerate().for_each(|(order, source)| source_order[source] = order);
        let overriding = |code: &str| plan.rules.severity.iter().find(|(other, _)| other == code).map(|&(_, severity)| severity);
        Self {
            plan,
            found,
            evidence,
            source_order,
            severities: CATALOGUE.iter().map(|rule| overriding(rule.code)).collect(),
            duplicate: rule_index("SER001").expect("SER001 stands in the catalogue"),
            repeated: rule_index("SER002").expect("SER002 stands in the catalogue"),
        }
    }

    fn make(&self, finding: &Finding, made: &mut Made<'a>) -> Result<(), KernelError> {
        let mut finding = *finding;
        let records = self.evidence.records_of(&finding);
        if finding.subject == Subject::Documents {
            self.by_document(&finding, &records, made);
            return Ok(());
        }
        if finding.rule == self.duplicate {
            let cited = || records.iter().filter(|(_, cited)| *cited).map(|&(row, _)| row as usize);
            let first = cited().next().expect("a duplicate cites records");
            if let Some(rank) = self.merged(first, cited()) {
                made.merges[usize::from(rank)] += 1;
            }
            if cited().skip(1).all(|row| self.is_equal(first, row)) {
                finding = Finding { rule: self.repeated, subtype: "", severity: CATALOGUE[usize::from(self.repeated)].severity, ..finding };
            }
        }
        if self.found.enabled.has(finding.rule) {
            self.confirm_keys(finding.subject, &records)?;
            let subject = self.subject(&finding, &records);
            made.rows.push(self.row(&finding, subject, records));
        }
        Ok(())
    }

    /// An in-transit finding for each source and document of the records.
    fn by_document(&self, finding: &Finding, records: &[Cited], made: &mut Made<'a>) {
        if !self.found.enabled.has(finding.rule) {
            return;
        }
        let mut by_document: BTreeMap<(u8, Cow<'a, str>), Vec<Cited>> = BTreeMap::new();
        for &(row, cited) in records {
            let document = cleaned(self.evidence.raw(Field::Document, row as usize));
            by_document.entry((self.source_of(row), document)).or_default().push((row, cited));
        }
        made.rows.extend(by_document.into_iter().map(|((source, document), records)| {
            let subject = vec![Cow::Borrowed(self.sources()[usize::from(source)].name.as_str()), document];
            self.row(finding, subject, Cow::Owned(records))
        }));
    }

    fn sources(&self) -> &'a [Source] {
        &self.found.context.sources
    }

    fn source_of(&self, row: u32) -> u8 {
        self.found.context.file_source[(self.evidence.references[row as usize] >> 32) as usize]
    }

    /// The last step by which records with different raw serials met; `None` when they are written alike.
    fn merged(&self, first: usize, rows: impl Iterator<Item = usize> + Clone) -> Option<u8> {
        let raw = |row: usize| self.evidence.raw(Field::Serial, row);
        let differs = rows.clone().any(|row| raw(row) != raw(first));
        differs.then(|| rows.map(|row| self.evidence.steps(row).last_rank()).max().unwrap_or(0))
    }

    /// Tells whether two records of one source are equal in every mapped field.
    fn is_equal(&self, left: usize, right: usize) -> bool {
        let source = &self.sources()[usize::from(self.source_of(left as u32))];
        let tiers = Tiers { clean: self.plan.tiers.clean, case: self.plan.tiers.case, separators: self.plan.tiers.separators };
        let evidence = self.evidence;
        source.fields.iter().all(|field| match (field, field.kind()) {
            (Field::Serial, _) => evidence.form(Form::Serial, left) == evidence.form(Form::Serial, right),
            (Field::Item, _) => evidence.form(Form::Item, left) == evidence.form(Form::Item, right),
            (Field::Lot, _) => evidence.form(Form::Lot, left) == evidence.form(Form::Lot, right),
            (Field::SupplierLot, _) => evidence.form(Form::SupplierLot, left) == evidence.form(Form::SupplierLot, right),
            (Field::Supplier, _) => evidence.form(Form::Supplier, left) == evidence.form(Form::Supplier, right),
            (_, FieldKind::Date) => match (evidence.day(field, left), evidence.day(field, right)) {
                (BLANK_DAY, BLANK_DAY) => self.is_equal_beyond_days(field, left, right),
                (left, right) => left == right,
            },
            (_, FieldKind::Number) => match (evidence.quantity(left), evidence.quantity(right)) {
                (None, None) => WrittenNumber::new(evidence.raw(field, left)) == WrittenNumber::new(evidence.raw(field, right)),
                (left, right) => left == right,
            },
            (_, FieldKind::Identifier) => {
                let form = |row| {
                    let mut form = String::new();
                    identifier_form(evidence.raw(field, row), tiers, &mut form);
                    form
                };
                evidence.raw(field, left) == evidence.raw(field, right) || form(left) == form(right)
            }
            (_, FieldKind::Text) => {
                let (left, right) = (evidence.raw(field, left), evidence.raw(field, right));
                left == right || cleaned(left) == cleaned(right)
            }
        })
    }

    /// Tells whether two dates that have no day are equal: both blank, one day beyond those that count, or one text that is no date.
    fn is_equal_beyond_days(&self, field: Field, left: usize, right: usize) -> bool {
        let texts = [left, right].map(|row| self.evidence.raw(field, row));
        if texts[0] == texts[1] {
            return true;
        }
        let [left, right] = [left, right].map(|row| date_formats(file_of(self.plan, self.evidence.file(row)).1, field));
        WrittenDate::new(texts[0], &left) == WrittenDate::new(texts[1], &right)
    }

    /// Confirms on text that records of one key have one serial.
    fn confirm_keys(&self, subject: Subject, records: &[Cited]) -> Result<(), KernelError> {
        let is_about_one_serial = matches!(
            subject,
            Subject::Unit
                | Subject::SplitUnit
                | Subject::UnitInSource(_)
                | Subject::SplitUnitInSource(_)
                | Subject::Serial
                | Subject::SerialInScope
                | Subject::SerialValue(_)
        );
        let Some(&(first, _)) = records.first().filter(|_| is_about_one_serial) else { return Ok(()) };
        let key = |row: u32| self.evidence.form(Form::SerialKey, row as usize);
        match records.iter().find(|(row, _)| key(*row) != key(first)) {
            Some(&(other, _)) => Err(KernelError::KeyCollision { left: key(first).to_owned(), right: key(other).to_owned() }),
            None => Ok(()),
        }
    }

    /// The normalized subject: what the id stands on.
    fn subject(&self, finding: &Finding, records: &[Cited]) -> Vec<Cow<'a, str>> {
        let (evidence, texts) = (self.evidence, &self.found.texts);
        let name = |source: u8| self.sources()[usize::from(source)].name.as_str();
        let first = records.first().map_or(0, |&(row, _)| row as usize);
        let unit = |split: bool, source: Option<u8>| {
            let mut parts = self.scope_values(records);
            parts.push(evidence.form(Form::SerialKey, first).into());
            if split {
                parts.push(evidence.form(Form::Serial, first).into());
            }
            parts.extend(source.map(|source| name(source).into()));
            parts
        };
        match finding.subject {
            Subject::Unit => unit(false, None),
            Subject::SplitUnit => unit(true, None),
            Subject::UnitInSource(source) => unit(false, Some(source)),
            Subject::SplitUnitInSource(source) => unit(true, Some(source)),
            Subject::SerialInScope => unit(false, None),
            Subject::Serial => borrowed([evidence.form(Form::SerialKey, first)]),
            Subject::Lot { source, item, lot } => borrowed([name(source), texts.items.get(item), texts.lots.get(lot)]),
            Subject::ItemInSource(source, item) => borrowed([name(source), texts.items.get(item)]),
            Subject::Item(item) => borrowed([texts.items.get(item)]),
            Subject::Value { source, field, value } => borrowed([name(source), field.name(), texts.placeholders.get(value)]),
            Subject::SerialValue(source) => borrowed([name(source), Field::Serial.name(), evidence.form(Form::SerialKey, first)]),
            Subject::Sources(left, right) => borrowed([name(left), name(right)]),
            Subject::File(file, number) => self.file_subject(finding.rule, file, number),
            Subject::Dataset => borrowed(["all"]),
            Subject::Documents => unreachable!("documents are told apart before"),
        }
    }

    fn file_subject(&self, rule: u16, file: u32, number: u32) -> Vec<Cow<'a, str>> {
        let (source, plan) = file_of(self.plan, file as usize);
        let source = self.sources()[source].name.as_str().into();
        let facts = &self.found.facts[file as usize];
        match CATALOGUE[usize::from(rule)].code {
            "RUN003" => vec![source, super::digests::hex(&self.found.digests[file as usize]).into()],
            "RUN001" => vec![source, file_name(plan).into(), facts.rejected[number as usize].0.into()],
            _ => vec![source, file_name(plan).into(), facts.numeric_columns[number as usize].as_str().into()],
        }
    }

    /// The scope values of a unit: those of a record that has them all, else blank; with room for the rest of the subject.
    fn scope_values(&self, records: &[Cited]) -> Vec<Cow<'a, str>> {
        let scope = &self.found.context.scope;
        let mut values = Vec::with_capacity(scope.len() + 3);
        for &(row, _) in records {
            values.extend(scope.iter().map(|&field| self.scope_value(field, row as usize)).take_while(|value| !value.is_empty()));
            if values.len() == scope.len() {
                return values;
            }
            values.clear();
        }
        values.resize(scope.len(), Cow::Borrowed(""));
        values
    }

    fn scope_value(&self, field: Field, row: usize) -> Cow<'a, str> {
        let form = |form: Form| Cow::Borrowed(self.evidence.form(form, row));
        match field {
            Field::Item => form(Form::Item),
            Field::Lot => form(Form::LotKey),
            Field::SupplierLot => form(Form::SupplierLotKey),
            Field::Supplier => form(Form::Supplier),
            _ => cleaned(self.evidence.raw(field, row)),
        }
    }

    fn row(&self, finding: &Finding, subject: Vec<Cow<'a, str>>, records: Cow<'a, [Cited]>) -> Row<'a> {
        let cited = || records.iter().filter(|(_, cited)| *cited);
        let sources = cited().fold(0_u128, |sources, &(row, _)| sources | 1 << self.source_of(row));
        let sources = match finding.subject {
            Subject::Sources(left, right) => sources | 1 << left | 1 << right,
            Subject::File(file, _) => sources | 1 << self.found.context.file_source[file as usize],
            _ => sources,
        };
        let explained_by = (finding.explained_by != 0).then(|| {
            let key = records.first().map_or("", |&(row, _)| self.evidence.form(Form::SerialKey, row as usize));
            Box::new(finding_id("SER003", std::iter::once(key)))
        });
        Row {
            finding_id: finding_id(CATALOGUE[usize::from(finding.rule)].code, subject.iter().map(|part| &**part)),
            rule: finding.rule,
            subtype: finding.subtype,
            severity: severity_of(finding, self.severities[usize::from(finding.rule)]),
            about: finding.subject,
            figure: finding.figure,
            explained_by,
            shown: self.shown(finding, &subject, &records),
            sources,
            record_count: cited().count() as u64,
            subject,
            records,
        }
    }

    /// Item, serial, lot, supplier and site as shown.
    fn shown(&self, finding: &Finding, subject: &[Cow<'a, str>], records: &[Cited]) -> [&'a str; 5] {
        let evidence = self.evidence;
        let texts = &self.found.texts;
        let key = || records.first().map_or("", |&(row, _)| evidence.form(Form::SerialKey, row as usize));
        match finding.subject {
            Subject::Unit | Subject::SplitUnit | Subject::UnitInSource(_) | Subject::SplitUnitInSource(_) => {
                let ranked = self.ranked(records);
                let [item, serial, lot, site] = [Form::Item, Form::Serial, Form::Lot, Form::Site].map(|form| self.best(&ranked, form));
                [item, serial, lot, self.supplier(&ranked), site]
            }
            Subject::Serial | Subject::SerialValue(_) => ["", key(), "", "", ""],
            Subject::SerialInScope => {
                let at = self.found.context.scope.iter().position(|&field| field == Field::Item);
                // The value that the subject has: that of the first record whose scope values are all there.
                let item = at.map_or("", |at| match &subject[at] {
                    Cow::Borrowed(item) => *item,
                    Cow::Owned(_) => unreachable!("an item's form is borrowed"),
                });
                [item, key(), "", "", ""]
            }
            Subject::Lot { item, lot, .. } => [texts.items.get(item), "", texts.lots.get(lot), "", ""],
            Subject::ItemInSource(_, item) | Subject::Item(item) => [texts.items.get(item), "", "", "", ""],
            Subject::Value { field, value, .. } => {
                let mut shown = [""; 5];
                let at = match field {
                    Field::Item => 0,
                    Field::Serial => 1,
                    _ => 2,
                };
                shown[at] = texts.placeholders.get(value);
                shown
            }
            Subject::Documents | Subject::Sources(..) | Subject::File(..) | Subject::Dataset => [""; 5],
        }
    }

    /// The records by the rank of their source.
    fn ranked(&self, records: &[Cited]) -> Vec<Ranked> {
        let ranked = records.iter().map(|&(row, _)| {
            let source = self.source_of(row);
            (self.source_order[usize::from(source)], source, row)
        });
        let mut ranked: Vec<Ranked> = ranked.collect();
        ranked.sort_unstable();
        ranked
    }

    /// The byte-least value of the best-ranked source that has one.
    fn best(&self, ranked: &[Ranked], form: Form) -> &'a str {
        let by_source = ranked.chunk_by(|left, right| left.0 == right.0);
        by_source.into_iter().find_map(|records| self.least(records.iter(), form)).unwrap_or("")
    }

    /// The byte-least supplier among supplier sources, else that of the best-ranked source that has one.
    fn supplier(&self, ranked: &[Ranked]) -> &'a str {
        let shipped = ranked.iter().filter(|(_, source, _)| self.sources()[usize::from(*source)].role == Role::Supplier);
        self.least(shipped, Form::Supplier).unwrap_or_else(|| self.best(ranked, Form::Supplier))
    }

    /// The byte-least value that is not blank; a value that comes again is looked at once.
    fn least<'r>(&self, records: impl Iterator<Item = &'r Ranked>, form: Form) -> Option<&'a str> {
        let (field, at) = form.place();
        let column = self.evidence.column(field);
        let (mut least, mut last) = (None, None);
        for &(_, _, row) in records {
            let number = column.number(row as usize);
            if last.replace(number) != Some(number) {
                let value = Some(column.text(Some(at), number)).filter(|value| !value.is_empty());
                least = value.into_iter().chain(least).min();
            }
        }
        least
    }
}

/// Gives the severity of a finding: the configured one, unless its subtype has one of its own that is not the rule's.
fn severity_of(finding: &Finding, configured: Option<Severity>) -> Severity {
    let has_own = !finding.subtype.is_empty() && finding.severity != CATALOGUE[usize::from(finding.rule)].severity;
    configured.filter(|_| !has_own).unwrap_or(finding.severity)
}

/// Gives the formats of a file's date column.
fn date_formats(file: &FilePlan, field: Field) -> Vec<DateFormat> {
    let mapped = file.mapping.iter().find(|mapped| mapped.field == field);
    match mapped.map(|mapped| &mapped.origin) {
        Some(Origin::Column { date_formats, .. }) => {
            date_formats.iter().map(|format| DateFormat::new(format).expect("the column was read with it")).collect()
        }
        Some(Origin::Constant(_)) | None => Vec::new(),
    }
}

fn borrowed<const COUNT: usize>(parts: [&str; COUNT]) -> Vec<Cow<'_, str>> {
    parts.into_iter().map(Cow::Borrowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &[&'static str]) -> Row<'static> {
        Row {
            finding_id: FindingId::default(),
            rule: 7,
            subtype: "",
            severity: Severity::Error,
            about: Subject::Unit,
            figure: 0,
            explained_by: None,
            shown: [""; 5],
            sources: 0,
            record_count: 0,
            subject: subject.iter().map(|part| Cow::Borrowed(*part)).collect(),
            records: Cow::Borrowed(&[]),
        }
    }

    #[test]
    fn a_configured_severity_leaves_subtypes_with_one_of_their_own() {
        let finding = |code: &str, subtype, severity| Finding {
            rule: rule_index(code).expect("the code is known"),
            subtype,
            severity,
            subject: Subject::Dataset,
            figure: 0,
            start: 0,
            length: 0,
            explained_by: 0,
        };
        for (code, subtype, own, configured, given) in [
            ("ORP001", "", Severity::Error, Severity::Warning, Severity::Warning),
            ("ORP001", "in-transit", Severity::Info, Severity::Error, Severity::Info),
            ("ORP001", "in-transit", Severity::Info, Severity::Critical, Severity::Info),
            ("ORP002", "item-not-shipped", Severity::Info, Severity::Error, Severity::Info),
            ("ORP003", "other-item", Severity::Warning, Severity::Critical, Severity::Warning),
            ("SER003", "widespread", Severity::Info, Severity::Error, Severity::Info),
            // In scope [] the rule itself is an error, and has no subtype.
            ("SER003", "", Severity::Error, Severity::Info, Severity::Info),
            // These subtypes have the severity of their rule.
            ("LOT001", "two-way", Severity::Error, Severity::Warning, Severity::Warning),
            ("SER001", "after-normalization", Severity::Error, Severity::Critical, Severity::Critical),
        ] {
            let finding = finding(code, subtype, own);
            assert_eq!(severity_of(&finding, Some(configured)), given, "{code}:{subtype}");
            assert_eq!(severity_of(&finding, None), own, "{code}:{subtype}");
        }
    }

    #[test]
    fn the_prefix_never_contradicts_the_order_of_subjects() {
        let parts =
            ["", "\0", "\0\0", "\u{1}", "\u{1}\u{2}", "\u{2}", "A", "A\0", "A\0B", "AB", "a part that is much longer than what fits", "Ä"];
        let mut rows: Vec<Row<'_>> = parts.iter().map(|part| row(&[part])).collect();
        for first in parts {
            rows.extend(parts.iter().map(|second| row(&[first, second])));
        }
        for left in &rows {
            for right in &rows {
                let by_prefix = prefix(left).cmp(&prefix(right));
                assert!(by_prefix.is_eq() || by_prefix == left.subject.cmp(&right.subject), "{:?} {:?}", left.subject, right.subject);
                assert_eq!(
                    sort_key(left).cmp(&sort_key(right)),
                    left.subject.cmp(&right.subject),
                    "{:?} {:?}",
                    left.subject,
                    right.subject
                );
            }
        }
        let severe = Row { severity: Severity::Critical, ..row(&["Z"]) };
        assert!(prefix(&severe) < prefix(&row(&["A"])));
    }
}
