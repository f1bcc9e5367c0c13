//! Assembly: findings with their records become rows with ids, displays and sentences, in their final order.

use anyhow::Result;
use counterfoil_kernel::error::KernelError;
use counterfoil_kernel::finding::{CITED, Finding, Subject, finding_id};
use counterfoil_kernel::map::Set;
use counterfoil_kernel::model::{Field, FieldKind, Role, Severity, Source};
use counterfoil_kernel::normalize::{Tiers, identifier_form};
use counterfoil_kernel::rules::{CATALOGUE, rule_index};
use counterfoil_kernel::shown::Shown;
use rayon::prelude::*;

use super::evidence::{Evidence, Form, cleaned};
use super::local::{Found, file_name, files_of};
use crate::config::plan::Plan;

/// A finding as `findings.parquet` holds it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The id.
    pub finding_id: String,
    /// The rule's index in the catalogue.
    pub rule: u16,
    /// The subtype, or empty.
    pub subtype: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The id of the finding that explains it.
    pub explained_by: Option<String>,
    /// Item, serial, lot, supplier, site as shown; empty where there is none.
    pub shown: [String; 5],
    /// Sources of the cited records, by index, or those of the subject.
    pub sources: Vec<u8>,
    /// Records cited.
    pub record_count: u64,
    /// One sentence.
    pub message: String,
    /// The normalized subject, for the order.
    pub subject: Vec<String>,
    /// Evidence rows, cited or not, by source, file and record.
    pub records: Vec<(u32, bool)>,
}

/// All findings in order, and what assembling told of normalization.
pub struct Assembled {
    /// The rows.
    pub rows: Vec<Row>,
    /// Units of a unit-grain source in which records with different raw serials met, by the rank of the last step; 0: none.
    pub merges: [u64; 9],
}

/// Makes the rows of all findings.
///
/// # Errors
/// [`KernelError::KeyCollision`] when two serials share a hashed key.
pub fn assemble(plan: &Plan, found: &Found, evidence: &Evidence) -> Result<Assembled> {
    let assembler = Assembler::new(plan, found, evidence);
    let positions = positions(found, evidence);
    let made: Vec<Made> = found
        .findings
        .findings
        .par_iter()
        .map(|finding| assembler.make(finding, &positions[finding.start as usize..][..finding.length as usize]))
        .collect::<Result<_, KernelError>>()?;
    let mut merges = [0; 9];
    let mut rows = Vec::with_capacity(made.len());
    for made in made {
        if let Some(rank) = made.merged {
            merges[usize::from(rank)] += 1;
        }
        rows.extend(made.rows);
    }
    explain(&mut rows);
    sort(&mut rows);
    Ok(Assembled { rows, merges })
}

/// Orders the rows by numbers, and moves each row once: a row is large.
fn sort(rows: &mut [Row]) {
    let key = |at: u32| {
        let row = &rows[at as usize];
        (row.severity, row.rule, &row.subject, &row.finding_id, row.subtype)
    };
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    order.par_sort_unstable_by(|&left, &right| key(left).cmp(&key(right)));
    for at in 0..rows.len() {
        // A row that stood at an earlier place was swapped from there to where its successor stood.
        let mut from = order[at] as usize;
        while from < at {
            from = order[from] as usize;
        }
        rows.swap(at, from);
    }
}

/// Finds for every reference its row of evidence, with the cited bit.
fn positions(found: &Found, evidence: &Evidence) -> Vec<(u32, bool)> {
    let references = &found.findings.references;
    let mut order: Vec<(u64, u32)> = references.par_iter().enumerate().map(|(at, &reference)| (reference & !CITED, at as u32)).collect();
    order.par_sort_unstable();
    let mut positions = vec![(0, false); references.len()];
    let mut row = 0;
    for (reference, at) in order {
        while evidence.references[row] < reference {
            row += 1;
        }
        positions[at as usize] = (row as u32, references[at as usize] & CITED != 0);
    }
    positions
}

/// Drops explanations whose finding does not exist.
fn explain(rows: &mut [Row]) {
    let serial_rule = rule_index("SER003");
    let known: Set<String> = rows.iter().filter(|row| Some(row.rule) == serial_rule).map(|row| row.finding_id.clone()).collect();
    for row in rows {
        row.explained_by = row.explained_by.take().filter(|id| known.contains(id));
    }
}

/// What one finding became.
#[derive(Default)]
struct Made {
    rows: Vec<Row>,
    merged: Option<u8>,
}

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

    fn make(&self, finding: &Finding, records: &[(u32, bool)]) -> Result<Made, KernelError> {
        if finding.subject == Subject::Documents {
            return Ok(self.by_document(finding, records));
        }
        let mut finding = *finding;
        let mut merged = None;
        if finding.rule == self.duplicate {
            let cited: Vec<usize> = records.iter().filter(|(_, cited)| *cited).map(|&(row, _)| row as usize).collect();
            merged = self.merged(&cited);
            if cited[1..].iter().all(|&row| self.is_equal(cited[0], row)) {
                finding = Finding { rule: self.repeated, subtype: "", severity: CATALOGUE[usize::from(self.repeated)].severity, ..finding };
            }
        }
        if !self.found.enabled.has(finding.rule) {
            return Ok(Made { rows: Vec::new(), merged });
        }
        self.confirm_keys(finding.subject, records)?;
        let mut records = records.to_vec();
        records.sort_unstable();
        let subject = self.subject(&finding, &records);
        let row = self.row(&finding, subject, records);
        Ok(Made { rows: vec![row], merged })
    }

    /// An in-transit finding for each source and document of the records.
    fn by_document(&self, finding: &Finding, records: &[(u32, bool)]) -> Made {
        if !self.found.enabled.has(finding.rule) {
            return Made::default();
        }
        let mut by_document: std::collections::BTreeMap<(u8, String), Vec<(u32, bool)>> = Default::default();
        for &(row, cited) in records {
            let document = cleaned(self.evidence.raw(Field::Document, row as usize));
            by_document.entry((self.source_of(row), document)).or_default().push((row, cited));
        }
        let rows = by_document.into_iter().map(|((source, document), mut records)| {
            records.sort_unstable();
            self.row(finding, vec![self.sources()[usize::from(source)].name.clone(), document], records)
        });
        Made { rows: rows.collect(), merged: None }
    }

    fn sources(&self) -> &[Source] {
        &self.found.context.sources
    }

    fn source_of(&self, row: u32) -> u8 {
        self.found.context.file_source[(self.evidence.references[row as usize] >> 32) as usize]
    }

    /// The last step by which records with different raw serials met; `None` when they are written alike.
    fn merged(&self, rows: &[usize]) -> Option<u8> {
        let raw = |row: usize| self.evidence.raw(Field::Serial, row);
        let differs = rows.iter().any(|&row| raw(row) != raw(rows[0]));
        differs.then(|| rows.iter().map(|&row| self.evidence.steps[row].last_rank()).max().unwrap_or(0))
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
            (_, FieldKind::Date) => evidence.days[field as usize].as_ref().is_none_or(|days| days[left] == days[right]),
            (_, FieldKind::Number) => evidence.quantities[left] == evidence.quantities[right],
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

    /// Confirms on text that records of one key have one serial.
    fn confirm_keys(&self, subject: Subject, records: &[(u32, bool)]) -> Result<(), KernelError> {
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
    fn subject(&self, finding: &Finding, records: &[(u32, bool)]) -> Vec<String> {
        let name = |source: u8| self.sources()[usize::from(source)].name.clone();
        let texts = &self.found.texts;
        let first = records.first().map_or(0, |&(row, _)| row as usize);
        let key = || self.evidence.form(Form::SerialKey, first).to_owned();
        let unit = |split: bool, source: Option<u8>| {
            let mut parts = self.scope_values(records);
            parts.push(key());
            if split {
                parts.push(self.evidence.form(Form::Serial, first).to_owned());
            }
            parts.extend(source.map(name));
            parts
        };
        match finding.subject {
            Subject::Unit => unit(false, None),
            Subject::SplitUnit => unit(true, None),
            Subject::UnitInSource(source) => unit(false, Some(source)),
            Subject::SplitUnitInSource(source) => unit(true, Some(source)),
            Subject::SerialInScope => unit(false, None),
            Subject::Serial => vec![key()],
            Subject::Lot { source, item, lot } => {
                vec![name(source), texts.items[item as usize].to_string(), texts.lots[lot as usize].to_string()]
            }
            Subject::ItemInSource(source, item) => vec![name(source), texts.items[item as usize].to_string()],
            Subject::Item(item) => vec![texts.items[item as usize].to_string()],
            Subject::Value { source, field, value } => {
                vec![name(source), field.name().to_owned(), texts.placeholders[value as usize].to_string()]
            }
            Subject::SerialValue(source) => vec![name(source), Field::Serial.name().to_owned(), key()],
            Subject::Sources(left, right) => vec![name(left), name(right)],
            Subject::File(file, number) => self.file_subject(finding.rule, file, number),
            Subject::Dataset => vec!["all".to_owned()],
            Subject::Documents => unreachable!("documents are told apart before"),
        }
    }

    fn file_subject(&self, rule: u16, file: u32, number: u32) -> Vec<String> {
        let (source, plan) = files_of(self.plan)[file as usize];
        let source = self.sources()[source].name.clone();
        let facts = &self.found.facts[file as usize];
        match CATALOGUE[usize::from(rule)].code {
            "RUN003" => vec![source, super::digests::hex(&self.found.digests[file as usize])],
            "RUN001" => vec![source, file_name(plan), facts.rejected[number as usize].0.to_owned()],
            _ => vec![source, file_name(plan), facts.numeric_columns[number as usize].clone()],
        }
    }

    /// The scope values of a unit: those of a record that has them all, else blank.
    fn scope_values(&self, records: &[(u32, bool)]) -> Vec<String> {
        let scope = &self.found.context.scope;
        let of = |row: usize| -> Vec<String> { scope.iter().map(|&field| self.scope_value(field, row)).collect() };
        let whole = records.iter().map(|&(row, _)| of(row as usize)).find(|values| values.iter().all(|value| !value.is_empty()));
        whole.unwrap_or_else(|| vec![String::new(); scope.len()])
    }

    fn scope_value(&self, field: Field, row: usize) -> String {
        match field {
            Field::Item => self.evidence.form(Form::Item, row).to_owned(),
            Field::Lot => self.evidence.form(Form::LotKey, row).to_owned(),
            Field::SupplierLot => self.evidence.form(Form::SupplierLotKey, row).to_owned(),
            Field::Supplier => self.evidence.form(Form::Supplier, row).to_owned(),
            _ => cleaned(self.evidence.raw(field, row)),
        }
    }

    fn row(&self, finding: &Finding, subject: Vec<String>, records: Vec<(u32, bool)>) -> Row {
        let rule = CATALOGUE[usize::from(finding.rule)];
        let cited_count = records.iter().filter(|(_, cited)| *cited).count() as u64;
        let mut sources: Vec<u8> = records.iter().filter(|(_, cited)| *cited).map(|&(row, _)| self.source_of(row)).collect();
        match finding.subject {
            Subject::Sources(left, right) => sources.extend([left, right]),
            Subject::File(file, _) => sources.push(self.found.context.file_source[file as usize]),
            _ => {}
        }
        sources.sort_unstable();
        sources.dedup();
        let shown = self.shown(finding, &subject, &records);
        let record_count = cited_count;
        let explained_by = (finding.explained_by != 0).then(|| {
            let key = records.first().map_or("", |&(row, _)| self.evidence.form(Form::SerialKey, row as usize));
            finding_id("SER003", &[key])
        });
        let parts: Vec<&str> = subject.iter().map(String::as_str).collect();
        let mut row = Row {
            finding_id: finding_id(rule.code, &parts),
            rule: finding.rule,
            subtype: finding.subtype,
            severity: self.severities[usize::from(finding.rule)].unwrap_or(finding.severity),
            explained_by,
            shown,
            sources,
            record_count,
            message: String::new(),
            subject,
            records,
        };
        row.message = (rule.message)(&self.facts(finding, &row));
        row
    }

    /// Item, serial, lot, supplier and site as shown.
    fn shown(&self, finding: &Finding, subject: &[String], records: &[(u32, bool)]) -> [String; 5] {
        let mut shown: [String; 5] = Default::default();
        match finding.subject {
            Subject::Unit | Subject::SplitUnit | Subject::UnitInSource(_) | Subject::SplitUnitInSource(_) => {
                shown[0] = self.best(records, |row| self.evidence.form(Form::Item, row).to_owned());
                shown[1] = self.best(records, |row| self.evidence.form(Form::Serial, row).to_owned());
                shown[2] = self.best(records, |row| self.evidence.form(Form::Lot, row).to_owned());
                shown[3] = self.supplier(records);
                shown[4] = self.best(records, |row| cleaned(self.evidence.raw(Field::Site, row)));
            }
            Subject::Serial => shown[1].clone_from(&subject[0]),
            Subject::SerialInScope => {
                shown[1].clone_from(subject.last().expect("the key form ends the subject"));
                if let Some(at) = self.found.context.scope.iter().position(|&field| field == Field::Item) {
                    shown[0].clone_from(&subject[at]);
                }
            }
            Subject::Lot { .. } => {
                shown[0].clone_from(&subject[1]);
                shown[2].clone_from(&subject[2]);
            }
            Subject::ItemInSource(..) => shown[0].clone_from(&subject[1]),
            Subject::Item(_) => shown[0].clone_from(&subject[0]),
            Subject::Value { field, .. } => {
                let at = match field {
                    Field::Item => 0,
                    Field::Serial => 1,
                    _ => 2,
                };
                shown[at].clone_from(&subject[2]);
            }
            Subject::SerialValue(_) => shown[1].clone_from(&subject[2]),
            Subject::Documents | Subject::Sources(..) | Subject::File(..) | Subject::Dataset => {}
        }
        shown
    }

    /// The byte-least value of the best-ranked source that has one.
    fn best(&self, records: &[(u32, bool)], value: impl Fn(usize) -> String) -> String {
        let ranked = records.iter().map(|&(row, _)| (self.source_order[usize::from(self.source_of(row))], value(row as usize)));
        ranked.filter(|(_, value)| !value.is_empty()).min().map_or_else(String::new, |(_, value)| value)
    }

    /// The byte-least supplier among supplier sources, else that of the best-ranked source that has one.
    fn supplier(&self, records: &[(u32, bool)]) -> String {
        let named = |row: u32| self.evidence.form(Form::Supplier, row as usize);
        let shipped = records.iter().filter(|(row, _)| self.sources()[usize::from(self.source_of(*row))].role == Role::Supplier);
        let least = shipped.map(|&(row, _)| named(row)).filter(|name| !name.is_empty()).min();
        least.map_or_else(|| self.best(records, |row| named(row as u32).to_owned()), str::to_owned)
    }

    /// What the sentence is made from.
    fn facts<'r>(&'r self, finding: &Finding, row: &'r Row) -> Shown<'r> {
        let cited = || row.records.iter().filter(|(_, cited)| *cited).map(|&(row, _)| row as usize);
        let distinct = |form: Form| {
            let mut values: Vec<&str> = cited().map(|row| self.evidence.form(form, row)).filter(|value| !value.is_empty()).collect();
            values.sort_unstable();
            values.dedup();
            values.into_iter().map(str::to_owned).collect()
        };
        let day = |record: usize| {
            let role = self.sources()[usize::from(self.source_of(record as u32))].role;
            self.evidence.days[super::keying::day_field(role) as usize].as_ref().map_or(0, |days| days[record])
        };
        let latest = cited().map(day).max().unwrap_or(0);
        let part = |at: usize| row.subject.get(at).map_or("", String::as_str);
        let file = match finding.subject {
            Subject::File(file, _) => Some(file_name(files_of(self.plan)[file as usize].1)),
            _ => None,
        };
        Shown {
            subtype: row.subtype,
            item: &row.shown[0],
            serial: &row.shown[1],
            lot: &row.shown[2],
            record_count: row.record_count,
            figure: finding.figure,
            sources: row.sources.iter().map(|&source| self.sources()[usize::from(source)].name.as_str()).collect(),
            lots: self.lots_by_source(&row.records),
            items: distinct(Form::Item),
            serials: distinct(Form::Serial),
            suppliers: distinct(Form::Supplier),
            day: if latest > 0 { crate::engine::iso_day(latest) } else { String::new() },
            document: if finding.subject == Subject::Documents { part(1) } else { "" },
            value: part(2),
            field: part(1),
            file: file.unwrap_or_default(),
        }
    }

    fn lots_by_source(&self, records: &[(u32, bool)]) -> Vec<(&str, Vec<String>)> {
        let mut by_source: Vec<(u8, Vec<String>)> = Vec::new();
        for &(row, _) in records {
            let lot =
                [Form::Lot, Form::SupplierLot].map(|form| self.evidence.form(form, row as usize)).into_iter().find(|lot| !lot.is_empty());
            let Some(lot) = lot else { continue };
            let source = self.source_of(row);
            match by_source.iter_mut().find(|(other, _)| *other == source) {
                Some((_, lots)) => lots.push(lot.to_owned()),
                None => by_source.push((source, vec![lot.to_owned()])),
            }
        }
        let named = by_source.into_iter().map(|(source, mut lots)| {
            lots.sort_unstable();
            lots.dedup();
            (self.sources()[usize::from(source)].name.as_str(), lots)
        });
        named.collect()
    }
}
