//! Inputs, mappings with their reasons, and rejected records.

use std::collections::BTreeMap;

use super::super::figures::{counted, grouped, size};
use super::super::safe_text::Shown;
use super::{Limits, more};
use crate::outcome::{FileOutcome, Outcome, SourceOutcome};

/// The inputs of a source.
#[derive(Debug)]
pub(super) struct SourceInputs {
    pub(super) source: Shown,
    pub(super) role: &'static str,
    pub(super) mappings: Vec<MappingView>,
    pub(super) more_mappings: String,
    pub(super) open: bool,
    pub(super) file_count: String,
    pub(super) files: Vec<InputView>,
    pub(super) more: String,
}

/// A mapping that one or more files share.
#[derive(Debug)]
pub(super) struct MappingView {
    pub(super) caption: Shown,
    pub(super) rows: Vec<(&'static str, Shown, Shown)>,
}

/// A file as a row.
#[derive(Debug)]
pub(super) struct InputView {
    pub(super) path: Shown,
    pub(super) size: String,
    pub(super) records: String,
    pub(super) description: Shown,
    pub(super) sha256: Shown,
    pub(super) remarks: Vec<Shown>,
}

/// Lays out the inputs. The limit of files is shared by the sources.
pub(super) fn inputs(outcome: &Outcome, limits: Limits) -> Vec<SourceInputs> {
    let files_max = (limits.files / outcome.sources.len().clamp(1, limits.sources)).max(1);
    let view = |source: &SourceOutcome| {
        let (mappings, mappings_total) = mappings(source, limits);
        SourceInputs {
            source: Shown::new(&source.name, limits.text_bytes),
            role: source.role.name(),
            mappings,
            more_mappings: more(mappings_total, limits.mappings, "mapping", "manifest.json"),
            open: source.files.len() <= 12,
            file_count: counted(source.files.len() as u64, "file"),
            files: source.files.iter().take(files_max).map(|file| input(file, limits)).collect(),
            more: more(source.files.len(), files_max, "file", "manifest.json"),
        }
    };
    outcome.sources.iter().take(limits.sources).map(view).collect()
}

/// A mapping as field, column and reason, in field order.
type MappingKey<'a> = Vec<(&'a str, &'a str, &'a str)>;

/// Groups the files of a source by mapping, in the order of their first file; gives how many groups there are beside those shown.
fn mappings(source: &SourceOutcome, limits: Limits) -> (Vec<MappingView>, usize) {
    let mut first_by_mapping: BTreeMap<MappingKey<'_>, (usize, usize)> = BTreeMap::new();
    for (index, file) in source.files.iter().enumerate() {
        let key = file.mapping.iter().map(|(field, column, reason)| (field.name(), column.as_str(), reason.as_str())).collect();
        first_by_mapping.entry(key).or_insert((index, 0)).1 += 1;
    }
    let mut groups: Vec<(usize, usize)> = first_by_mapping.into_values().collect();
    groups.sort_unstable();
    let alone = groups.len() == 1;
    let view = |&(first, files): &(usize, usize)| {
        let file = &source.files[first];
        let caption = match (alone, files) {
            (true, 1) => file.path.clone(),
            (true, _) => format!("all {} files", grouped(files as u64)),
            (false, 1) => file.path.clone(),
            (false, _) => format!("{} and {} more", file.path, counted(files as u64 - 1, "file")),
        };
        let text = |text: &str| Shown::new(text, limits.text_bytes);
        let rows = file.mapping.iter().map(|(field, column, reason)| (field.name(), text(column), text(reason)));
        MappingView { caption: text(&caption), rows: rows.collect() }
    };
    (groups.iter().take(limits.mappings).map(view).collect(), groups.len())
}

fn input(file: &FileOutcome, limits: Limits) -> InputView {
    let text = |text: &str| Shown::new(text, limits.text_bytes);
    let mut remarks = Vec::new();
    if let Some(path) = &file.repeats {
        remarks.push(text(&format!("same content as {path}: out of scope")));
    }
    for (field, count, first) in file.unreadable_dates.iter().take(8) {
        remarks.push(text(&format!("{} in {field} unreadable, first: {first}", counted(*count, "date"))));
    }
    if let Some((count, first)) = &file.unreadable_quantities {
        let noun = if *count == 1 { "quantity" } else { "quantities" };
        remarks.push(text(&format!("{} {noun} unreadable, first: {first}", grouped(*count))));
    }
    InputView {
        path: text(&file.path),
        size: size(file.bytes),
        records: grouped(file.records),
        description: text(&file.description),
        sha256: Shown::new(&file.sha256, 64),
        remarks,
    }
}

/// A rejected record as a row.
#[derive(Debug)]
pub(super) struct RejectedView {
    pub(super) source: Shown,
    pub(super) file: Shown,
    pub(super) record: String,
    pub(super) line: String,
    pub(super) reason: Shown,
    pub(super) detail: Shown,
}

/// Lays out the first rejected records.
pub(super) fn rejected(outcome: &Outcome, limits: Limits) -> Vec<RejectedView> {
    let text = |text: &str| Shown::new(text, limits.text_bytes);
    let view = |row: &crate::outcome::RejectedRow| RejectedView {
        source: text(&row.source),
        file: text(&row.file),
        record: grouped(row.record),
        line: if row.line == 0 { "–".to_owned() } else { grouped(row.line) },
        reason: text(&row.reason),
        detail: text(&row.detail),
    };
    outcome.rejected.iter().take(limits.rejected).map(view).collect()
}

/// Says how many rejected records are shown.
pub(super) fn rejected_shown(outcome: &Outcome, limits: Limits) -> String {
    if outcome.rejected_total == 0 {
        return "Every record could be read.".to_owned();
    }
    let shown = outcome.rejected.len().min(limits.rejected) as u64;
    format!("{} of {}, all with their raw bytes in rejected.parquet.", grouped(shown), counted(outcome.rejected_total, "rejected record"))
}
