//! Sources as they are asked for, by the configuration and the flags, before any file is looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterfoil_kernel::limits::SOURCES_MAX;
use counterfoil_kernel::model::{Field, FieldKind, FieldSet, Grain, Role};
use counterfoil_kernel::rules::REJECTED_MAX;
use regex::Regex;
use toml::Spanned;

use super::diagnostic::{Code, ConfigError, Given, Place};
use super::file::{ConfigFile, FILE_NAME, FilterTable, SourceTable};
use super::files::{Pattern, literal_part};
use super::plan::Filter;
use super::resolve::Request;
use super::settings;
use crate::ingest::{CsvOptions, OpenOptions};

/// A column that is asked for by name.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) column: String,
    pub(super) formats: Vec<String>,
    pub(super) place: Place,
}

/// A source as it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) role: Role,
    /// Where its role or first path was written.
    pub(super) place: Place,
    pub(super) patterns: Vec<Pattern>,
    pub(super) grain: Option<Given<Grain>>,
    pub(super) rank: u32,
    pub(super) columns: BTreeMap<Field, Asked>,
    /// Fields that are not to be mapped.
    pub(super) cleared: FieldSet,
    /// The columns are the whole mapping: nothing is recognized.
    pub(super) whole: bool,
    pub(super) constants: BTreeMap<Field, String>,
    pub(super) from_path: Option<Given<Regex>>,
    pub(super) carry: Vec<Given<String>>,
    pub(super) filters: Vec<Given<Filter>>,
    pub(super) rejected_max: u64,
    pub(super) open: OpenOptions,
}

impl Draft {
    fn new(name: &str, role: Role, place: Place) -> Self {
        Self {
            name: name.into(),
            role,
            place,
            patterns: Vec::new(),
            grain: None,
            rank: role.rank_default(),
            columns: BTreeMap::new(),
            cleared: FieldSet::default(),
            whole: false,
            constants: BTreeMap::new(),
            from_path: None,
            carry: Vec::new(),
            filters: Vec::new(),
            rejected_max: REJECTED_MAX.default,
            open: OpenOptions::default(),
        }
    }

    /// Lists the fields that the path gives.
    pub(super) fn path_fields(&self) -> Vec<Field> {
        let names = self.from_path.iter().flat_map(|given| given.value.capture_names().flatten());
        names.filter_map(Field::from_name).collect()
    }
}

/// Collects the sources, ordered by role, then name.
pub(super) fn collect(request: &Request, file: Option<&ConfigFile>) -> Result<Vec<Draft>, ConfigError> {
    let mut drafts = Vec::new();
    if let Some(file) = file {
        for (name, table) in &file.table.sources {
            drafts.push(from_table(file, name, table)?);
        }
    }
    apply_paths(request, &mut drafts)?;
    apply_maps(request, &mut drafts)?;
    if let Some(most) = request.rejected_max {
        drafts.iter_mut().for_each(|draft| draft.rejected_max = most);
    }
    if drafts.is_empty() {
        return Err(no_sources(file));
    }
    if drafts.len() > SOURCES_MAX {
        return Err(ConfigError::new(Code::BadValue, format!("{} sources are too many: a run takes {SOURCES_MAX}", drafts.len()))
            .help("give files of one kind to one source"));
    }
    drafts.sort_by(|left, right| (left.role, &left.name).cmp(&(right.role, &right.name)));
    Ok(drafts)
}

fn no_sources(file: Option<&ConfigFile>) -> ConfigError {
    let help = "counterfoil reconcile --supplier shipments.csv --erp units.csv --warranty claims.csv";
    match file {
        Some(file) => {
            ConfigError::new(Code::NoSources, format!("{} has no [sources.NAME]", file.path)).help(format!("add one, or run: {help}"))
        }
        None => ConfigError::new(Code::NoSources, "nothing to reconcile: no --supplier, --erp or --warranty is given")
            .note(format!("looked for {FILE_NAME} in this folder and those above it"))
            .help(format!("run: {help}")),
    }
}

fn from_table(file: &ConfigFile, name: &Spanned<String>, spanned: &Spanned<SourceTable>) -> Result<Draft, ConfigError> {
    let name = file.given(name);
    settings::source_name(&name)?;
    let table = spanned.get_ref();
    let lacks = |key: &str| Err(ConfigError::new(Code::Contradiction, format!("source {} has no `{key}`", name.value)).at(&name.place, ""));
    let Some(role) = &table.role else {
        return lacks("role").map_err(|error| error.help("add `role = \"supplier\"`, \"erp\" or \"warranty\""));
    };
    let Some(paths) = table.paths.as_ref().filter(|paths| !paths.get_ref().is_empty()) else {
        return lacks("paths").map_err(|error| error.help("add `paths = [\"folder/*.csv\"]`: files, folders or patterns"));
    };
    let mut draft = Draft::new(&name.value, settings::role(&file.given(role))?, name.place.clone());
    let base = Path::new(&*file.path).parent().map(Path::to_path_buf).unwrap_or_default();
    draft.patterns =
        paths.get_ref().iter().map(|path| Pattern { text: path.get_ref().clone(), base: base.clone(), place: file.place(path) }).collect();
    if let Some(grain) = &table.grain {
        let given = file.given(grain);
        draft.grain = Some(Given { value: settings::grain(&given)?, place: given.place });
    }
    if let Some(rank) = &table.rank {
        let rank = settings::number(&file.given(rank), "rank", 0, i64::from(u32::MAX))?;
        draft.rank = u32::try_from(rank).expect("checked just before");
    }
    if let Some(most) = table.rejected_max.as_ref().or(file.table.limits.rejected_max.as_ref()) {
        draft.rejected_max = settings::number(&file.given(most), REJECTED_MAX.name, 0, i64::MAX)?.unsigned_abs();
    }
    add_columns(&mut draft, file, table)?;
    add_fixed(&mut draft, file, table)?;
    draft.carry = table.carry.iter().map(|column| file.given(column)).collect();
    draft.filters = table.r#where.iter().map(|entry| filter(file, entry)).collect::<Result<_, _>>()?;
    draft.open = OpenOptions { csv: csv_options(file, table)? };
    Ok(draft)
}

fn add_columns(draft: &mut Draft, file: &ConfigFile, table: &SourceTable) -> Result<(), ConfigError> {
    draft.whole = table.columns.is_some();
    for (key, value) in table.columns.iter().flatten() {
        let field = settings::field(&file.given(key))?;
        let place = file.place(value);
        let Some(column) = value.get_ref().name.clone() else {
            return Err(ConfigError::new(Code::Contradiction, format!("the column of {field} has no `name`")).at(&place, ""));
        };
        let formats = &value.get_ref().formats;
        for format in formats {
            let given = file.given(format);
            check_date_format(field, &given)?;
        }
        let formats = formats.iter().map(|format| format.get_ref().clone()).collect();
        draft.columns.insert(field, Asked { column, formats, place });
    }
    Ok(())
}

fn check_date_format(field: Field, given: &Given<String>) -> Result<(), ConfigError> {
    if field.kind() != FieldKind::Date {
        return Err(ConfigError::new(Code::Contradiction, format!("{field} is no date and has no format")).at(&given.place, ""));
    }
    settings::date_format(given)
}

/// Adds constants and fields from the path; each field has one origin.
fn add_fixed(draft: &mut Draft, file: &ConfigFile, table: &SourceTable) -> Result<(), ConfigError> {
    let twice = |field: Field, place: &Place, first: &str| {
        Err(ConfigError::new(Code::Contradiction, format!("source {}: {field} has two origins", draft.name))
            .at(place, format!("{first} gives it already")))
    };
    let mut constants = BTreeMap::new();
    for (key, value) in &table.constants {
        let key = file.given(key);
        let field = settings::field(&key)?;
        settings::constant(field, &file.given(value))?;
        if draft.columns.contains_key(&field) {
            return twice(field, &key.place, "`columns`");
        }
        constants.insert(field, value.get_ref().clone());
    }
    let Some(pattern) = &table.from_path else {
        draft.constants = constants;
        return Ok(());
    };
    let given = file.given(pattern);
    let regex = Regex::new(&given.value).map_err(|error| {
        let cause = error.to_string();
        let cause = cause.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        ConfigError::new(Code::BadValue, format!("`from_path` is no regular expression: {cause}")).at(&given.place, "")
    })?;
    let names: Vec<&str> = regex.capture_names().flatten().collect();
    if names.is_empty() {
        return Err(
            ConfigError::new(Code::BadValue, "`from_path` names no field").at(&given.place, "expected a group such as (?<supplier>[a-z]+)")
        );
    }
    for name in names {
        let field = settings::field(&Given { value: name.to_owned(), place: given.place.clone() })?;
        if draft.columns.contains_key(&field) {
            return twice(field, &given.place, "`columns`");
        }
        if constants.contains_key(&field) {
            return twice(field, &given.place, "`constants`");
        }
    }
    draft.constants = constants;
    draft.from_path = Some(Given { value: regex, place: given.place });
    Ok(())
}

fn filter(file: &ConfigFile, entry: &Spanned<FilterTable>) -> Result<Given<Filter>, ConfigError> {
    let place = file.place(entry);
    let table = entry.get_ref();
    let lacks = |what: &str| Err(ConfigError::new(Code::Contradiction, format!("a filter {what}")).at(&place, ""));
    let Some(column) = &table.column else { return lacks("has no `column`") };
    let (values, keep) = match (&table.r#in, &table.not_in) {
        (Some(values), None) => (values, true),
        (None, Some(values)) => (values, false),
        _ => return lacks("has one of `in` and `not_in`"),
    };
    if values.is_empty() {
        return lacks("without values keeps all records or none");
    }
    Ok(Given { value: Filter { column: column.get_ref().clone(), values: values.clone(), keep }, place: file.place(column) })
}

fn csv_options(file: &ConfigFile, table: &SourceTable) -> Result<CsvOptions, ConfigError> {
    let csv = &table.csv;
    let header_line = csv.header_line.as_ref().map(|line| settings::number(&file.given(line), "header_line", 1, i64::MAX)).transpose()?;
    Ok(CsvOptions {
        delimiter: csv.delimiter.as_ref().map(|text| settings::delimiter(&file.given(text))).transpose()?,
        encoding: csv.encoding.as_ref().map(|text| settings::encoding(&file.given(text))).transpose()?,
        header_line: header_line.map(i64::unsigned_abs),
    })
}

/// Adds the paths of `--supplier`, `--erp` and `--warranty`. A source that the configuration has keeps its settings and gets these paths.
fn apply_paths(request: &Request, drafts: &mut Vec<Draft>) -> Result<(), ConfigError> {
    let configured: Vec<(String, Role)> = drafts.iter().map(|draft| (draft.name.clone(), draft.role)).collect();
    let mut replaced: Vec<String> = Vec::new();
    let flags = [(Role::Supplier, &request.supplier), (Role::Erp, &request.erp), (Role::Warranty, &request.warranty)];
    for (role, value) in flags.iter().flat_map(|&(role, values)| values.iter().map(move |value| (role, value))) {
        let place = Place::flag(&format!("--{role}"), value);
        let (name, text) = split_name(value, &request.directory);
        let name = match name {
            Some(name) => name.to_owned(),
            None => default_name(role, &configured, &place)?,
        };
        let pattern = Pattern { text: text.into(), base: request.directory.clone(), place: place.clone() };
        match drafts.iter_mut().find(|draft| draft.name == name) {
            Some(draft) if draft.role != role => {
                let message = format!("source {name} is given as {role} and as {}", draft.role);
                return Err(ConfigError::new(Code::Contradiction, message).at(&place, "").help("give the sources different names"));
            }
            Some(draft) => {
                if configured.iter().any(|(configured, _)| *configured == name) && !replaced.contains(&name) {
                    draft.patterns.clear();
                    replaced.push(name);
                }
                draft.patterns.push(pattern);
            }
            None => {
                let mut draft = Draft::new(&name, role, place);
                draft.patterns.push(pattern);
                drafts.push(draft);
            }
        }
    }
    Ok(())
}

/// Splits `NAME=PATH`. A path that has a `=` itself and exists, such as `year=2026/*.parquet`, is a path.
fn split_name<'a>(value: &'a str, directory: &Path) -> (Option<&'a str>, &'a str) {
    let literal = literal_part(value);
    if let Some((name, path)) = value.split_once('=')
        && settings::is_source_name(name)
        && (literal.is_empty() || !directory.join(literal).exists())
    {
        return (Some(name), path);
    }
    (None, value)
}

/// Names the source of a path without a name: the only configured one of the role, else the role.
fn default_name(role: Role, configured: &[(String, Role)], place: &Place) -> Result<String, ConfigError> {
    let names: Vec<&str> = configured.iter().filter(|(_, of)| *of == role).map(|(name, _)| name.as_str()).collect();
    match names[..] {
        [] => Ok(role.name().into()),
        [name] => Ok(name.into()),
        _ => Err(ConfigError::new(Code::Contradiction, format!("the configuration has several {role} sources: {}", names.join(", ")))
            .at(place, "")
            .help(format!("say whose path this is: --{role} {}=PATH", names[0]))),
    }
}

/// Adds `--map SOURCE.FIELD=COLUMN`: it settles one field and leaves the others as they are.
fn apply_maps(request: &Request, drafts: &mut [Draft]) -> Result<(), ConfigError> {
    let mut seen: Vec<(String, Field)> = Vec::new();
    for value in &request.map {
        let given = Given { value: value.clone(), place: Place::flag("--map", value) };
        let split = value.split_once('=').and_then(|(target, column)| Some((target.split_once('.')?, column)));
        let Some(((source, field), column)) = split else {
            return Err(ConfigError::new(Code::BadValue, format!("`{value}` does not say what to map"))
                .at(&given.place, "expected SOURCE.FIELD=COLUMN, such as supplier.serial=SERNR"));
        };
        let field = settings::field(&Given { value: field.into(), place: given.place.clone() })?;
        let names: Vec<String> = drafts.iter().map(|draft| draft.name.clone()).collect();
        let Some(draft) = drafts.iter_mut().find(|draft| draft.name == source) else {
            return Err(settings::unknown_source(&given, source, &names.iter().map(String::as_str).collect::<Vec<_>>()));
        };
        if seen.contains(&(source.to_owned(), field)) {
            return Err(ConfigError::new(Code::Contradiction, format!("{source}.{field} is mapped twice")).at(&given.place, ""));
        }
        seen.push((source.to_owned(), field));
        if draft.constants.remove(&field).is_none() && draft.path_fields().contains(&field) {
            return Err(ConfigError::new(Code::Contradiction, format!("source {source}: {field} has two origins"))
                .at(&given.place, "`from_path` gives it already"));
        }
        map_field(draft, field, column, &given)?;
    }
    Ok(())
}

/// Maps one field to `COLUMN` or `COLUMN@FORMAT`; nothing leaves the field unmapped.
fn map_field(draft: &mut Draft, field: Field, column: &str, given: &Given<String>) -> Result<(), ConfigError> {
    draft.columns.remove(&field);
    if column.is_empty() {
        draft.cleared.insert(field);
        return Ok(());
    }
    let (column, formats) = match column.rfind("@%") {
        Some(at) => (&column[..at], vec![column[at + 1..].to_owned()]),
        None => (column, Vec::new()),
    };
    for format in &formats {
        check_date_format(field, &Given { value: format.clone(), place: given.place.clone() })?;
    }
    draft.columns.insert(field, Asked { column: column.into(), formats, place: given.place.clone() });
    Ok(())
}

/// Finds the configuration: the one that is asked for, else the nearest upward when no source is given by a flag.
pub(super) fn find_configuration(request: &Request) -> Option<PathBuf> {
    if let Some(path) = &request.config {
        return Some(request.directory.join(path));
    }
    let has_flags = [&request.supplier, &request.erp, &request.warranty].iter().any(|values| !values.is_empty());
    if has_flags {
        return None;
    }
    if !request.directory.as_os_str().is_empty() {
        return first_above(&request.directory, |folder, _| folder.join(FILE_NAME));
    }
    // Relative steps keep the paths in outputs free of where the project lies.
    let current = std::env::current_dir().ok()?;
    first_above(&current, |_, steps| PathBuf::from("../".repeat(steps)).join(FILE_NAME))
}

/// Looks in a folder and those above it, up to the root of a repository.
fn first_above(folder: &Path, path_in: impl Fn(&Path, usize) -> PathBuf) -> Option<PathBuf> {
    for (steps, folder) in folder.ancestors().enumerate() {
        if folder.join(FILE_NAME).is_file() {
            return Some(path_in(folder, steps));
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}
