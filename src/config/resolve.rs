//! From flags and `counterfoil.toml` to the plan of a run. Only headers are read here, never records.

use std::path::{Path, PathBuf};

use counterfoil_kernel::model::{Field, FieldSet, Grain, Role, Severity, Source};
use counterfoil_kernel::rules::GRACE_DAYS;
use toml::Spanned;

use super::diagnostic::{Code, ConfigError, Given, Place};
use super::file::{ConfigFile, NumberValue};
use super::files::expand;
use super::mapping::{map_file, no_serial_recognized, nothing_recognized};
use super::plan::{FilePlan, Mapped, Origin, Plan, RuleSettings, SourcePlan, Tiers};
use super::sources::{Draft, collect, find_configuration};
use super::vocabulary::{normalize_header, speaks_of_serials};
use super::{parameters, resolved, settings};
use crate::ingest::{ColumnInfo, InputFile, OpenOptions, TableFile};
use crate::memory::{PERCENT_DEFAULT, available_bytes};

/// The name of a run that has none.
const NAME_DEFAULT: &str = "reconciliation";

/// What the command line gives.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The configuration; where it is `None` and no source is given by a flag, the nearest `counterfoil.toml` upward is taken.
    pub config: Option<PathBuf>,
    /// What the paths of flags are relative to, and where the search for a configuration starts; empty: the current directory.
    pub directory: PathBuf,
    /// Paths, folders and patterns of supplier sources, with or without `NAME=`.
    pub supplier: Vec<String>,
    /// The same for ERP sources.
    pub erp: Vec<String>,
    /// The same for warranty sources.
    pub warranty: Vec<String>,
    /// `SOURCE.FIELD=COLUMN`, `SOURCE.FIELD=COLUMN@FORMAT` for dates, `SOURCE.FIELD=` to leave a field unmapped.
    pub map: Vec<String>,
    /// Fields of the scope; an empty list is the global scope.
    pub scope: Option<Vec<String>>,
    /// The day of the audit, `YYYY-MM-DD`.
    pub as_of: Option<String>,
    /// Days of grace.
    pub grace_days: Option<i32>,
    /// Tiers that run, with commas.
    pub tiers: Option<String>,
    /// Codes or beginnings of codes that run.
    pub select: Vec<String>,
    /// Codes or beginnings of codes that do not.
    pub ignore: Vec<String>,
    /// `CODE=LEVEL`.
    pub severity: Vec<String>,
    /// The severity from which the run fails, or `never`.
    pub fail_on: Option<String>,
    /// Let sources that share almost no key pass.
    pub allow_disjoint: bool,
    /// Let unit-grain sources whose units recur pass.
    pub allow_recurring: bool,
    /// Threads of the pool.
    pub threads: Option<usize>,
    /// `--memory-limit`.
    pub memory_limit: Option<String>,
    /// `--spill-dir`.
    pub spill_dir: Option<PathBuf>,
    /// `--spill-limit`.
    pub spill_limit: Option<String>,
    /// Where the run directory goes.
    pub out: Option<PathBuf>,
    /// The most rejected records of each source.
    pub rejected_max: Option<u64>,
    /// Today in UTC, in days from 1970-01-01: the configuration has no clock.
    pub today: i32,
    /// File name endings that can be read, without the leading dot.
    pub endings: Vec<&'static str>,
}

/// Opens a file: reads its header, no records.
pub type Open<'a> = dyn Fn(&Path, &OpenOptions) -> anyhow::Result<Box<dyn TableFile>> + 'a;

/// Resolves a run: flags go before the configuration, the configuration before the defaults.
///
/// `codes` are the rules that exist; `open` opens a file, so that its header can be mapped.
///
/// # Errors
/// [`ConfigError`], which knows its exit code and renders itself.
pub fn resolve(request: &Request, codes: &[&str], open: &Open<'_>) -> Result<Plan, ConfigError> {
    let file = find_configuration(request).map(|path| ConfigFile::read(&path)).transpose()?;
    let file = file.as_ref();
    let mut notes: Vec<String> = file.iter().map(|file| format!("configuration {}", file.path)).collect();
    let table = file.map(|file| (file, &file.table));
    let rules = rules(request, file, codes)?;
    let thresholds = parameters::thresholds(file, codes)?;
    let unreadable_share_max = parameters::unreadable_share_max(file)?;
    let fail_on = fail_on(request, file)?;
    let tiers = tiers(request, file)?;
    let (as_of, grace_days) = (as_of(request, file)?, grace_days(request, file)?);
    let threads = threads(request, file)?;
    let memory_limit = memory_limit(request, file)?;
    let spill_limit = spill_limit(request, file)?;
    let scope_given = scope_given(request, file)?;
    let drafts = collect(request, file)?;
    let sources = drafts.iter().map(|draft| source_plan(draft, request, open, &mut notes)).collect::<Result<Vec<_>, _>>()?;
    check_serials(&drafts, &sources, open)?;
    let (scope, scope_reason) = scope(scope_given, &sources)?;
    let mut plan = Plan {
        name: table.and_then(|(_, table)| table.name.as_ref()).map_or_else(|| NAME_DEFAULT.into(), |name| name.get_ref().clone()),
        sources,
        scope,
        scope_reason,
        as_of,
        grace_days,
        tiers,
        rules,
        thresholds,
        unreadable_share_max,
        fail_on,
        allow_disjoint: request.allow_disjoint,
        allow_recurring: request.allow_recurring,
        threads,
        memory_limit,
        spill_dir: spill_dir(request, file)?,
        spill_limit,
        out: out(request, file),
        resolved: serde_json::Value::Null,
        notes,
    };
    plan.resolved = resolved::to_json(&plan);
    Ok(plan)
}

/// Splits the words of a flag at commas, each with its place.
fn flag_words(flag: &str, values: &[String]) -> Vec<Given<String>> {
    let mut words = Vec::new();
    for value in values {
        let text = format!("{flag} {value}");
        let mut at = flag.len() + 1;
        for word in value.split(',') {
            let trimmed = word.trim();
            let start = at + (word.len() - word.trim_start().len());
            at += word.len() + 1;
            if !trimmed.is_empty() {
                let place = Place::new("command line".into(), text.as_str().into(), start..start + trimmed.len());
                words.push(Given { value: trimmed.into(), place });
            }
        }
    }
    words
}

fn file_words(file: &ConfigFile, words: &[Spanned<String>]) -> Vec<Given<String>> {
    words.iter().map(|word| file.given(word)).collect()
}

fn rules(request: &Request, file: Option<&ConfigFile>, codes: &[&str]) -> Result<RuleSettings, ConfigError> {
    let table = file.map(|file| (file, &file.table.rules));
    let listed = |flag: &str, values: &[String], key: fn(&super::file::RulesTable) -> Option<&Vec<Spanned<String>>>| {
        let words = match table {
            _ if !values.is_empty() => flag_words(flag, values),
            Some((file, table)) => key(table).map(|words| file_words(file, words)).unwrap_or_default(),
            None => Vec::new(),
        };
        words.iter().map(|word| settings::code(word, codes, false)).collect::<Result<Vec<_>, _>>()
    };
    let select = listed("--select", &request.select, |table| table.select.as_ref())?;
    let ignore = listed("--ignore", &request.ignore, |table| table.ignore.as_ref())?;
    let has = |list: &[String], code: &str| list.iter().any(|prefix| code.starts_with(prefix.as_str()));
    if !codes.iter().any(|code| (select.is_empty() || has(&select, code)) && !has(&ignore, code)) {
        return Err(ConfigError::new(Code::Contradiction, "no rule is left: everything that is selected is ignored").note(format!(
            "selected: {}; ignored: {}",
            super::diagnostic::list(&select),
            super::diagnostic::list(&ignore)
        )));
    }
    let mut severity: Vec<(String, Severity)> = Vec::new();
    for (file, (code, level)) in table.iter().flat_map(|(file, table)| table.severity.iter().map(move |entry| (file, entry))) {
        severity.push((settings::code(&file.given(code), codes, true)?, settings::severity(&file.given(level))?));
    }
    for word in flag_words("--severity", &request.severity) {
        let Some((code, level)) = word.value.split_once('=') else {
            return Err(ConfigError::new(Code::BadValue, format!("`{}` does not say a severity", word.value))
                .at(&word.place, "expected CODE=LEVEL, such as SER001=warning"));
        };
        let code = settings::code(&Given { value: code.into(), place: word.place.clone() }, codes, true)?;
        let level = settings::severity(&Given { value: level.into(), place: word.place.clone() })?;
        severity.retain(|(known, _)| *known != code);
        severity.push((code, level));
    }
    severity.sort();
    Ok(RuleSettings { select, ignore, severity })
}

fn fail_on(request: &Request, file: Option<&ConfigFile>) -> Result<Option<Severity>, ConfigError> {
    if let Some(word) = &request.fail_on {
        return settings::fail_on(&Given { value: word.clone(), place: Place::flag("--fail-on", word) });
    }
    match file.and_then(|file| Some((file, file.table.fail_on.as_ref()?))) {
        Some((file, word)) => settings::fail_on(&file.given(word)),
        None => Ok(Some(Severity::Error)),
    }
}

fn tiers(request: &Request, file: Option<&ConfigFile>) -> Result<Tiers, ConfigError> {
    if let Some(words) = &request.tiers {
        return settings::tiers(&flag_words("--tiers", std::slice::from_ref(words)));
    }
    match file.and_then(|file| Some((file, file.table.tiers.as_ref()?))) {
        Some((file, words)) => settings::tiers(&file_words(file, words.get_ref())),
        None => Ok(Tiers { clean: true, case: true, separators: true }),
    }
}

fn as_of(request: &Request, file: Option<&ConfigFile>) -> Result<i32, ConfigError> {
    if let Some(text) = &request.as_of {
        return settings::as_of(&Given { value: text.clone(), place: Place::flag("--as-of", text) });
    }
    match file.and_then(|file| Some((file, file.table.as_of.as_ref()?))) {
        Some((file, date)) => settings::as_of(&Given { value: date.get_ref().to_string(), place: file.place(date) }),
        None => Ok(request.today),
    }
}

/// Reads a number that a flag or a key gives.
fn number(
    flag: &str,
    given: Option<i64>,
    file: Option<&ConfigFile>,
    key: fn(&super::file::ConfigTable) -> Option<&Spanned<i64>>,
) -> Option<Given<i64>> {
    if let Some(value) = given {
        return Some(Given { value, place: Place::flag(flag, &value.to_string()) });
    }
    file.and_then(|file| Some(file.given(key(&file.table)?)))
}

fn grace_days(request: &Request, file: Option<&ConfigFile>) -> Result<i32, ConfigError> {
    let given = number("--grace-days", request.grace_days.map(i64::from), file, |table| table.grace_days.as_ref());
    let days = given.map_or(Ok(GRACE_DAYS.default), |given| settings::parameter(&whole(given), &GRACE_DAYS))?;
    Ok(i32::try_from(days).expect("the bounds fit"))
}

fn whole(given: Given<i64>) -> Given<NumberValue> {
    Given { value: NumberValue::Whole(given.value), place: given.place }
}

fn threads(request: &Request, file: Option<&ConfigFile>) -> Result<usize, ConfigError> {
    /// More threads than any machine this runs on; a typing error else.
    const THREADS_MAX: i64 = 4096;
    let flag = request.threads.map(|threads| i64::try_from(threads).unwrap_or(i64::MAX));
    let Some(given) = number("--threads", flag, file, |table| table.limits.threads.as_ref()) else {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from));
    };
    let threads = settings::number(&given, "threads", 1, THREADS_MAX)?;
    Ok(usize::try_from(threads).expect("the bounds fit"))
}

fn memory_limit(request: &Request, file: Option<&ConfigFile>) -> Result<u64, ConfigError> {
    let given = match (&request.memory_limit, file) {
        (Some(value), _) => Some(Given { value: value.clone(), place: Place::flag("--memory-limit", value) }),
        (None, Some(file)) => file.table.limits.memory.as_ref().map(|memory| file.given(memory)),
        (None, None) => None,
    };
    let available = available_bytes();
    given.map_or_else(
        || Ok(available.map_or(u64::MAX, |available| available / 100 * PERCENT_DEFAULT)),
        |given| settings::memory(&given, available),
    )
}

fn spill_limit(request: &Request, file: Option<&ConfigFile>) -> Result<u64, ConfigError> {
    let given = match (&request.spill_limit, file) {
        (Some(value), _) => Some(Given { value: value.clone(), place: Place::flag("--spill-limit", value) }),
        (None, Some(file)) => file.table.limits.spill.as_ref().map(|spill| file.given(spill)),
        (None, None) => None,
    };
    given.map_or(Ok(u64::MAX), |given| settings::bytes(&given, "spill", "100GiB or 500MB"))
}

/// Gives the folder for what memory has no room for, if one was named; it must be there, because it would be missed only when memory is full.
fn spill_dir(request: &Request, file: Option<&ConfigFile>) -> Result<Option<PathBuf>, ConfigError> {
    let (folder, place) = match (&request.spill_dir, file) {
        (Some(folder), _) => (request.directory.join(folder), Place::flag("--spill-dir", &folder.display().to_string())),
        (None, Some(file)) => {
            let Some(folder) = &file.table.limits.spill_dir else { return Ok(None) };
            (Path::new(&*file.path).parent().unwrap_or(Path::new("")).join(folder.get_ref()), file.place(folder))
        }
        (None, None) => return Ok(None),
    };
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let text = format!("spill_dir can't be {:?}", folder.display().to_string());
    Err(ConfigError::new(Code::BadValue, text).at(&place, "expected a folder that exists"))
}

fn out(request: &Request, file: Option<&ConfigFile>) -> Option<PathBuf> {
    if let Some(out) = &request.out {
        return Some(request.directory.join(out));
    }
    let file = file?;
    let base = Path::new(&*file.path).parent().unwrap_or(Path::new(""));
    file.table.out.as_ref().map(|out| base.join(out.get_ref()))
}

/// A scope that was given, and by what.
struct ScopeGiven {
    fields: Vec<Field>,
    by: String,
    place: Option<Place>,
}

fn scope_given(request: &Request, file: Option<&ConfigFile>) -> Result<Option<ScopeGiven>, ConfigError> {
    if let Some(values) = &request.scope {
        let place = Place::flag("--scope", &values.join(","));
        let mut words = flag_words("--scope", &[values.join(",")]);
        // `--scope []` reads like the key and means the same.
        words.retain(|word| word.value != "[]");
        let fields = settings::scope(&words)?;
        return Ok(Some(ScopeGiven { fields, by: "--scope".into(), place: Some(place) }));
    }
    let Some((file, words)) = file.and_then(|file| Some((file, file.table.scope.as_ref()?))) else { return Ok(None) };
    let fields = settings::scope(&file_words(file, words.get_ref()))?;
    Ok(Some(ScopeGiven { fields, by: file.path.to_string(), place: Some(file.place(words)) }))
}

/// Decides the scope: as given, else `["item"]` when every unit-grain source of role supplier or erp has an item, else global.
fn scope(given: Option<ScopeGiven>, sources: &[SourcePlan]) -> Result<(Vec<Field>, String), ConfigError> {
    if let Some(given) = given {
        for source in sources.iter().map(|plan| &plan.source).filter(|source| source.grain == Grain::Unit) {
            if let Some(lacking) = given.fields.iter().find(|field| !source.maps(**field)) {
                return Err(ConfigError::new(
                    Code::Contradiction,
                    format!("source {} does not map {lacking}, which the scope needs", source.name),
                )
                .at_some(given.place.as_ref(), "")
                .help(format!("map it with --map {}.{lacking}=COLUMN, or leave it out of the scope", source.name)));
            }
        }
        return Ok((given.fields, format!("given by {}", given.by)));
    }
    let judged = || sources.iter().map(|plan| &plan.source).filter(|source| source.grain == Grain::Unit && source.role != Role::Warranty);
    let lacking: Vec<&str> = judged().filter(|source| !source.maps(Field::Item)).map(|source| source.name.as_str()).collect();
    if !lacking.is_empty() {
        return Ok((Vec::new(), format!("no item is mapped in {}: a serial counts as unique everywhere", lacking.join(", "))));
    }
    if !sources.iter().any(|plan| plan.source.maps(Field::Item)) {
        return Ok((Vec::new(), "no source maps an item: a serial counts as unique everywhere".into()));
    }
    Ok((vec![Field::Item], "every unit-grain supplier and erp source has an item: a serial is unique within its item".into()))
}

/// Makes sure that a source without serials is meant, where another has them or a header speaks of them: a header that is not known would turn an audit of
/// units into one of quantities.
fn check_serials(drafts: &[Draft], sources: &[SourcePlan], open: &Open<'_>) -> Result<(), ConfigError> {
    let having = sources.iter().find(|plan| plan.source.maps(Field::Serial)).map(|plan| plan.source.name.as_str());
    let is_meant = |draft: &Draft| draft.whole || draft.grain.is_some() || draft.cleared.contains(Field::Serial);
    for (draft, plan) in drafts.iter().zip(sources).filter(|(draft, plan)| !plan.source.maps(Field::Serial) && !is_meant(draft)) {
        let input = &plan.files[0].input;
        let columns = open(&input.path, &draft.open).map(|opened| opened.columns().to_vec()).unwrap_or_default();
        let path = input.path.display().to_string();
        if let Some(having) = having {
            return Err(no_serial_recognized(draft, &path, &columns, &format!("source {having} has serials")));
        }
        let is_used = |index: usize| {
            plan.files[0].mapping.iter().any(|mapped| matches!(mapped.origin, Origin::Column { index: used, .. } if used == index))
        };
        let mut unused = columns.iter().enumerate().filter(|&(index, _)| !is_used(index)).map(|(_, column)| &column.name);
        if let Some(name) = unused.find(|name| speaks_of_serials(&normalize_header(name))) {
            return Err(no_serial_recognized(draft, &path, &columns, &format!("column \"{name}\" may be one")));
        }
    }
    Ok(())
}

fn source_plan(draft: &Draft, request: &Request, open: &Open<'_>, notes: &mut Vec<String>) -> Result<SourcePlan, ConfigError> {
    let inputs = expand(&draft.name, &draft.patterns, &request.endings, notes)?;
    let mut files: Vec<FilePlan> = Vec::with_capacity(inputs.len());
    for input in &inputs {
        files.push(file_plan(draft, input, open, notes)?);
    }
    level(draft, &mut files, notes)?;
    let fields: FieldSet = files.iter().flat_map(|file| file.mapping.iter().map(|mapped| mapped.field)).collect();
    let grain = grain(draft, fields, notes)?;
    Ok(SourcePlan {
        source: Source { name: draft.name.clone(), role: draft.role, grain, rank: draft.rank, fields },
        files,
        carry: draft.carry.iter().map(|given| given.value.clone()).collect(),
        filters: draft.filters.iter().map(|given| given.value.clone()).collect(),
        rejected_max: draft.rejected_max,
        open: draft.open.clone(),
    })
}

fn is_permission(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}

fn file_plan(draft: &Draft, input: &InputFile, open: &Open<'_>, notes: &mut Vec<String>) -> Result<FilePlan, ConfigError> {
    let path = input.path.display().to_string();
    let opened = open(&input.path, &draft.open).map_err(|error| {
        let cause = format!("{error:#}");
        // Readers say the path themselves.
        let cause = cause.strip_prefix(&format!("{path}: ")).unwrap_or(&cause);
        let cause = cause.strip_prefix("can't be opened: ").unwrap_or(cause);
        let refused = ConfigError::new(Code::Unreadable, format!("source {}: cannot open {path}: {cause}", draft.name));
        let is_closed = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(is_permission);
        if is_closed { refused.help("let the user that runs counterfoil read the file") } else { refused }
    })?;
    let columns: &[ColumnInfo] = opened.columns();
    let plan = map_file(draft, input, columns, notes)?;
    let maps = |field| plan.mapping.iter().any(|mapped| mapped.field == field);
    if !maps(Field::Serial) && !maps(Field::Lot) {
        if !draft.whole {
            return Err(nothing_recognized(draft, &path, columns));
        }
        return Err(ConfigError::new(Code::Contradiction, format!("source {} maps neither a serial nor a lot", draft.name))
            .at(&draft.place, "")
            .help("add `serial` or `lot` to its `columns`"));
    }
    Ok(plan)
}

/// Gives all files of a source the same fields: what one lacks is blank there, but an identifier that one lacks is refused.
fn level(draft: &Draft, files: &mut [FilePlan], notes: &mut Vec<String>) -> Result<(), ConfigError> {
    let maps = |file: &FilePlan, field| file.mapping.iter().any(|mapped| mapped.field == field);
    let all: FieldSet = files.iter().flat_map(|file| file.mapping.iter().map(|mapped| mapped.field)).collect();
    for field in all.iter() {
        let lacking: Vec<usize> = (0..files.len()).filter(|&index| !maps(&files[index], field)).collect();
        let Some(&first) = lacking.first() else { continue };
        let path = files[first].input.path.display().to_string();
        if matches!(field, Field::Item | Field::Serial | Field::Lot | Field::SupplierLot) {
            let having = files.iter().find(|file| maps(file, field)).expect("some file maps the field");
            return Err(files_differ(draft, field, &path, having));
        }
        notes.push(format!(
            "source {}: {field} is blank in {} of {} files, which have no column for it, such as {path}",
            draft.name,
            lacking.len(),
            files.len()
        ));
        for index in lacking {
            let reason = format!("no column of this file is recognized as {field}: blank");
            files[index].mapping.push(Mapped { field, origin: Origin::Constant(String::new()), reason });
            files[index].mapping.sort_by_key(|mapped| mapped.field);
        }
    }
    Ok(())
}

fn files_differ(draft: &Draft, field: Field, path: &str, having: &FilePlan) -> ConfigError {
    let name = &draft.name;
    let column = having.mapping.iter().find_map(|mapped| match &mapped.origin {
        Origin::Column { name, .. } if mapped.field == field => Some(name.as_str()),
        _ => None,
    });
    let message = format!("{path}: no column is recognized as {field} of source {name}, but {} has one", having.input.path.display());
    ConfigError::new(Code::FilesDiffer, message)
        .note(format!("there it is \"{}\"", column.unwrap_or_default()))
        .help(format!("make the files two sources, such as --{} other={path}", draft.role))
        .help(format!("or leave the field unmapped with --map {name}.{field}="))
}

/// Decides the grain: as configured, else by role; without a serial it is `lot`.
fn grain(draft: &Draft, fields: FieldSet, notes: &mut Vec<String>) -> Result<Grain, ConfigError> {
    let has_serial = fields.contains(Field::Serial);
    let contradiction = |given: &Given<Grain>, why: &str| {
        Err(ConfigError::new(Code::Contradiction, format!("source {} can't have the grain {}", draft.name, given.value))
            .at(&given.place, why))
    };
    match &draft.grain {
        Some(given) if given.value == Grain::Lot && has_serial => contradiction(given, "it maps a serial"),
        Some(given) if given.value != Grain::Lot && !has_serial => contradiction(given, "it maps no serial"),
        Some(given) => Ok(given.value),
        None if has_serial => Ok(draft.role.grain_default()),
        None => {
            notes.push(format!("source {}: no serial is mapped, so each record is a quantity of a lot (grain lot)", draft.name));
            Ok(Grain::Lot)
        }
    }
}
