//! Sentences: what a finding says, made from its row and the evidence when it is written.

use std::fmt::{self, Display};

use counterfoil_kernel::finding::Subject;
use counterfoil_kernel::rules::CATALOGUE;
use counterfoil_kernel::shown::{Held, Shown};

use super::assemble::Row;
use super::evidence::{Evidence, Form};
use super::local::{Found, file_name, file_of};
use crate::config::plan::Plan;

/// What sentences are made from.
#[derive(Clone, Copy)]
pub struct Sentences<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What was found.
    pub found: &'a Found,
    /// The evidence of the rows.
    pub evidence: &'a Evidence,
}

impl Sentences<'_> {
    /// Gives the sentence of a finding.
    pub fn sentence<'s>(&'s self, row: &'s Row<'_>) -> impl Display + use<'s> {
        fmt::from_fn(move |out| {
            let shown = Shown {
                subtype: row.subtype,
                item: row.shown[0],
                serial: row.shown[1],
                lot: row.shown[2],
                record_count: row.record_count,
                figure: row.figure,
                held: &Records { sentences: self, row },
            };
            (CATALOGUE[usize::from(row.rule)].message)(&shown, out)
        })
    }

    fn source_of(&self, row: usize) -> usize {
        usize::from(self.found.context.file_source[(self.evidence.references[row] >> 32) as usize])
    }
}

/// The records of one finding.
struct Records<'a> {
    sentences: &'a Sentences<'a>,
    row: &'a Row<'a>,
}

impl Records<'_> {
    fn cited(&self) -> impl Iterator<Item = usize> {
        self.row.records.iter().filter(|(_, cited)| *cited).map(|&(row, _)| row as usize)
    }

    fn distinct(&self, form: Form) -> Vec<&str> {
        let mut values: Vec<&str> =
            self.cited().map(|row| self.sentences.evidence.form(form, row)).filter(|value| !value.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    fn source_name(&self, source: usize) -> &str {
        &self.sentences.found.context.sources[source].name
    }
}

impl Held for Records<'_> {
    fn sources(&self) -> Vec<&str> {
        self.row.sources().map(|source| self.source_name(source)).collect()
    }

    fn lots(&self) -> Vec<(&str, &str)> {
        let lots = self.row.records.iter().filter_map(|&(row, _)| {
            let lots = [Form::Lot, Form::SupplierLot].into_iter().map(|form| self.sentences.evidence.form(form, row as usize));
            Some((self.sentences.source_of(row as usize), lots.into_iter().find(|lot| !lot.is_empty())?))
        });
        let mut lots: Vec<(usize, &str)> = lots.collect();
        lots.sort_unstable();
        lots.dedup();
        lots.into_iter().map(|(source, lot)| (self.source_name(source), lot)).collect()
    }

    fn items(&self) -> Vec<&str> {
        self.distinct(Form::Item)
    }

    fn serials_with_sources(&self) -> Vec<(&str, usize)> {
        let held = |row: usize| (self.sentences.evidence.form(Form::Serial, row), self.sentences.source_of(row));
        let mut values: Vec<(&str, usize)> = self.cited().map(held).filter(|(serial, _)| !serial.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        values.chunk_by(|left, right| left.0 == right.0).map(|sources| (sources[0].0, sources.len())).collect()
    }

    fn suppliers(&self) -> Vec<&str> {
        self.distinct(Form::Supplier)
    }

    fn day(&self) -> String {
        let day = |row: usize| {
            let role = self.sentences.found.context.sources[self.sentences.source_of(row)].role;
            self.sentences.evidence.day(super::keying::day_field(role), row)
        };
        let latest = self.cited().map(day).max().unwrap_or(0);
        if latest > 0 { super::iso_day(latest) } else { String::new() }
    }

    fn file(&self) -> String {
        match self.row.about {
            Subject::File(file, _) => file_name(file_of(self.sentences.plan, file as usize).1),
            _ => String::new(),
        }
    }

    fn part(&self, at: usize) -> &str {
        self.row.subject.get(at).map_or("", |part| &**part)
    }
}
