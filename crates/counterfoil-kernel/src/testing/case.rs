//! Text cases: csv blocks and the findings they must give, for rule documentation and `tests/cases`.
//!
//! ```text
//! [supplier acme]                 role, source name; grain=event rank=2 may follow
//! item,serial,lot,shipped
//! P1,SN1,L7,2026-01-02
//! [erp sap]
//! item,serial,lot
//! P1,SN1,L9
//! [settings]                      optional: as_of, grace_days, scope, tiers, rules.CODE.PARAMETER
//! as_of = 2026-06-30
//! scope = item, site
//! [findings]
//! LOT001:two-way error P1/SN1 acme:1 sap:1
//! ```
//!
//! A finding is its code and subtype, its severity, its subject (in quotes when it holds a blank), the cited records, and
//! `<CODE` when another finding explains it. Lines that start with `//` are comments.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::model::{Field, FieldSet, Grain, Role, Source};

use super::naive::{NaiveFinding, NaiveRecord, NaiveSettings, NaiveSource, NaiveTiers, day, default_scope, judge};

/// A data set with what it must give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The sources, ordered by role, then name, as in a run.
    pub sources: Vec<NaiveSource>,
    /// The settings; the scope is the default one unless the case gives it.
    pub settings: NaiveSettings,
    /// The findings, one to a line, as [`render`] writes them.
    pub findings: String,
}

/// What is wrong with the text of a case.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum CaseError {
    #[error(
        "line {line}: section [{found}] not known; expected [ROLE NAME ...], [settings] or [findings], with role supplier, erp or warranty"
    )]
    Section { line: usize, found: String },
    #[error("line {line}: option {found:?} of a source not known; expected grain=unit|event|lot or rank=NUMBER")]
    Option { line: usize, found: String },
    #[error("line {line}: source {name:?} stands twice; give each source one section")]
    Repeated { line: usize, name: String },
    #[error("line {line}: field {found:?} not known; expected a field of the model, such as serial")]
    Field { line: usize, found: String },
    #[error("line {line}: {found} values where the header names {expected} fields")]
    Width { line: usize, found: usize, expected: usize },
    #[error("line {line}: setting {found:?} not known or its value not readable")]
    Setting { line: usize, found: String },
    #[error("line {line}: text before the first section; start with [ROLE NAME]")]
    Outside { line: usize },
}

/// Where the reader of a case stands.
enum Section {
    None,
    Source(Box<NaiveSource>, Vec<Field>),
    Settings,
    Findings,
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// [`CaseError`] names the first line that can't be read.
    pub fn parse(text: &str) -> Result<Self, CaseError> {
        let mut case = Self { sources: Vec::new(), settings: NaiveSettings::default(), findings: String::new() };
        let mut scope = None;
        let mut section = Section::None;
        for (index, line) in text.lines().enumerate() {
            let (line, number) = (line.trim(), index + 1);
            if line.is_empty() || line.starts_with("//") {
                continue;
            }
            if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                case.close(std::mem::replace(&mut section, Section::None));
                section = open(title, number, &case.sources)?;
                continue;
            }
            match &mut section {
                Section::None => return Err(CaseError::Outside { line: number }),
                Section::Source(source, header) => read_row(source, header, line, number)?,
                Section::Settings => read_setting(&mut case.settings, &mut scope, line)
                    .ok_or_else(|| CaseError::Setting { line: number, found: line.to_owned() })?,
                Section::Findings => case.findings.push_str(&format!("{}\n", line.split_whitespace().collect::<Vec<_>>().join(" "))),
            }
        }
        case.close(section);
        case.sources.sort_by(|a, b| (a.source.role, &a.source.name).cmp(&(b.source.role, &b.source.name)));
        case.settings.scope = scope.unwrap_or_else(|| default_scope(case.sources.iter().map(|source| &source.source)));
        Ok(case)
    }

    /// Keeps a finished section.
    fn close(&mut self, section: Section) {
        if let Section::Source(source, _) = section {
            self.sources.push(*source);
        }
    }

    /// Gives the findings that the naive oracle gives, rendered.
    pub fn judged(&self) -> String {
        render(&self.sources, &judge(&self.sources, &self.settings).findings)
    }
}

/// Starts a section.
fn open(title: &str, line: usize, sources: &[NaiveSource]) -> Result<Section, CaseError> {
    let mut words = title.split_whitespace();
    let unknown = || CaseError::Section { line, found: title.to_owned() };
    let first = words.next().ok_or_else(unknown)?;
    match first {
        "settings" => return Ok(Section::Settings),
        "findings" => return Ok(Section::Findings),
        _ => {}
    }
    let role = Role::ALL.into_iter().find(|role| role.name() == first).ok_or_else(unknown)?;
    let name = words.next().ok_or_else(unknown)?.to_owned();
    if sources.iter().any(|source| source.source.name == name) {
        return Err(CaseError::Repeated { line, name });
    }
    let mut source = Source { name, role, grain: role.grain_default(), rank: role.rank_default(), fields: FieldSet::default() };
    for option in words {
        let unknown = || CaseError::Option { line, found: option.to_owned() };
        match option.split_once('=').ok_or_else(unknown)? {
            ("grain", name) => source.grain = Grain::ALL.into_iter().find(|grain| grain.name() == name).ok_or_else(unknown)?,
            ("rank", rank) => source.rank = rank.parse().map_err(|_| unknown())?,
            _ => return Err(unknown()),
        }
    }
    Ok(Section::Source(Box::new(NaiveSource { source, records: Vec::new() }), Vec::new()))
}

/// Reads the header or a record of a source.
fn read_row(source: &mut NaiveSource, header: &mut Vec<Field>, line: &str, number: usize) -> Result<(), CaseError> {
    let values = split_csv(line);
    if header.is_empty() {
        let field = |name: &String| Field::from_name(name).ok_or_else(|| CaseError::Field { line: number, found: name.clone() });
        *header = values.iter().map(field).collect::<Result<_, _>>()?;
        source.source.fields = header.iter().copied().collect();
        return Ok(());
    }
    if values.len() != header.len() {
        return Err(CaseError::Width { line: number, found: values.len(), expected: header.len() });
    }
    let values: BTreeMap<Field, String> = header.iter().copied().zip(values).filter(|(_, value)| !value.is_empty()).collect();
    let record = source.records.len() as u64 + 1;
    source.records.push(NaiveRecord { file: file_of(&source.source.name), record, values });
    Ok(())
}

/// Gives the name of the one file that a source of a case has.
fn file_of(source: &str) -> String {
    format!("{source}.csv")
}

/// Splits a line of csv: `""` inside quotes is a quote; a value starts quoted only when its first character is a quote.
fn split_csv(line: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let last = values.len() - 1;
        match c {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => values[last].push('"'),
            '"' if quoted => quoted = false,
            '"' if values[last].is_empty() => quoted = true,
            ',' if !quoted => values.push(String::new()),
            other => values[last].push(other),
        }
    }
    values
}

/// Reads a line of settings; `None` when it can't be read.
fn read_setting(settings: &mut NaiveSettings, scope: &mut Option<Vec<Field>>, line: &str) -> Option<()> {
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let words = || value.split([',', ' ']).filter(|word| !word.is_empty());
    match key.trim() {
        "as_of" => settings.as_of = day(value)?,
        "grace_days" => settings.grace_days = value.parse().ok()?,
        "scope" => *scope = Some(words().map(Field::from_name).collect::<Option<_>>()?),
        "rules.IDN001.lot_only_percent" => settings.lot_only_share = share(value)?,
        "rules.IDN002.digits_repeats" => settings.digits_repeats = value.parse().ok()?,
        "rules.LOT002.tracked_percent" => settings.lot_tracked_share = share(value)?,
        "rules.LOT006.units_min" => settings.comparable_units_min = value.parse().ok()?,
        "rules.LOT006.differing_percent" => settings.differing_share = share(value)?,
        "rules.SER003.serials_min" => settings.widespread_serials_min = value.parse().ok()?,
        "rules.SER003.widespread_percent" => settings.widespread_share = share(value)?,
        "tiers" => {
            let has = |tier| words().any(|word| word == tier);
            words().all(|word| ["T0", "T1", "T3", "T4"].contains(&word)).then_some(())?;
            settings.tiers = NaiveTiers { clean: has("T1"), case: has("T3"), separators: has("T4") };
        }
        _ => return None,
    }
    Some(())
}

/// Reads a share in percent, with at most two decimals, as hundredths of a percent.
fn share(value: &str) -> Option<usize> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let decimals = format!("{decimals:0<2}");
    (decimals.len() == 2).then_some(())?;
    Some(whole.parse::<usize>().ok()? * 100 + decimals.parse::<usize>().ok()?)
}

/// Writes findings one to a line, in the order given, as cases hold them.
///
/// A cited record is `source:record`, or `source/file:record` where the file is not the one of a case.
pub fn render(sources: &[NaiveSource], findings: &[NaiveFinding]) -> String {
    let mut text = String::new();
    for finding in findings {
        text.push_str(finding.code);
        if !finding.subtype.is_empty() {
            text.push_str(&format!(":{}", finding.subtype));
        }
        let needs_quotes = finding.subject.is_empty() || finding.subject.contains([' ', '"']);
        let subject = if needs_quotes { format!("\"{}\"", finding.subject.replace('"', "\"\"")) } else { finding.subject.clone() };
        text.push_str(&format!(" {} {subject}", finding.severity));
        for (source, file, record) in &finding.cited {
            let name = &sources[*source].source.name;
            let place = if *file == file_of(name) { name.clone() } else { format!("{name}/{file}") };
            text.push_str(&format!(" {place}:{record}"));
        }
        if let Some(code) = finding.explained_by_code {
            text.push_str(&format!(" <{code}"));
        }
        text.push('\n');
    }
    text
}

/// Finds the cases in a Markdown text: fenced blocks ` ```csv ROLE NAME ... `, ` ```settings ` and ` ```findings `; the findings end a case.
///
/// # Errors
/// [`CaseError`] when a case can't be read; its line counts from the start of that case's first block.
pub fn cases_in_markdown(doc: &str) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    let mut text = String::new();
    // Inside a fence: whether its lines belong to a case, and whether it ends one.
    let mut fence: Option<(bool, bool)> = None;
    for line in doc.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(_), Some((_, ends_case))) => {
                if ends_case {
                    cases.push(Case::parse(&text)?);
                    text.clear();
                }
                fence = None;
            }
            (Some(title), None) => {
                let section = title.strip_prefix("csv ").or((title == "settings" || title == "findings").then_some(title));
                if let Some(section) = section {
                    text.push_str(&format!("[{section}]\n"));
                }
                fence = Some((section.is_some(), section == Some("findings")));
            }
            (None, Some((true, _))) => text.push_str(&format!("{line}\n")),
            (None, _) => {}
        }
    }
    Ok(cases)
}

/// Checks that a case gives exactly its findings.
///
/// # Panics
/// When the text can't be read, or the oracle gives other findings: both lists are shown.
#[track_caller]
pub fn check_case(text: &str) {
    let case = Case::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let judged = case.judged();
    assert!(judged == case.findings, "expected:\n{}found:\n{judged}in:\n{text}", case.findings);
}
