//! Runs text cases and folders through the engine, and writes what it finds the way text cases write it.
//!
//! A case becomes CSV files and a `counterfoil.toml` in a folder of its own, so that the configuration, the readers, the engine and
//! the assembly of findings are all on the path; only the command line and the tables are not.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use counterfoil::config::plan::Plan;
use counterfoil::config::{Request, resolve};
use counterfoil::engine::assemble::{Row, assemble};
use counterfoil::engine::{Watch, evidence, iso_day, local};
use counterfoil::ingest;
use counterfoil_kernel::map::Set;
use counterfoil_kernel::model::{Field, Severity};
use counterfoil_kernel::rules::CATALOGUE;
use counterfoil_kernel::testing::case::Case;
use counterfoil_kernel::testing::naive::{NaiveSettings, NaiveSource};

/// The least day that a configuration without `as_of` would be judged on: a test has no clock.
const TODAY: i32 = 20_634;

/// Judges a case with the engine and writes its findings as [`counterfoil_kernel::testing::case::render`] does.
pub fn run_case(case: &Case) -> String {
    let folder = tempfile::tempdir().unwrap();
    write_case(case, folder.path());
    run_folder(folder.path()).unwrap_or_else(|error| panic!("{error}\n{}", toml_of(case)))
}

/// Judges what a folder's `counterfoil.toml` says; the error is the whole text a user would read.
pub fn run_folder(folder: &Path) -> Result<String, String> {
    let request = Request { config: Some(folder.join("counterfoil.toml")), today: TODAY, endings: ingest::endings(), ..Request::default() };
    let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
    let plan = resolve(&request, &codes, &|path, options| ingest::open(path, options)).map_err(|error| error.to_string())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let lines = pool.install(|| judge(&plan, folder));
    lines.map_err(|error| format!("{error:#}"))
}

fn judge(plan: &Plan, folder: &Path) -> anyhow::Result<String> {
    let watch = Watch::default();
    let found = local::run(plan, Path::new(""), &watch)?;
    let evidence = evidence::read(plan, &found, &found.findings, &evidence::record_weights(plan, &found), &watch)?;
    let assembled = assemble(plan, &found, &found.findings.findings, &evidence, &mut Set::default())?;
    let rows = assembled.rows();
    let files: Vec<(String, String)> = local::files_of(plan)
        .into_iter()
        .map(|(source, file)| (plan.sources[source].source.name.clone(), relative(&local::file_name(file), folder)))
        .collect();
    let codes: BTreeMap<&str, &str> = rows.iter().map(|row| (row.finding_id.as_str(), CATALOGUE[usize::from(row.rule)].code)).collect();
    let mut lines: Vec<(Severity, &str, String, &str, String)> = Vec::new();
    for &row in &rows {
        let mut cited: Vec<u64> = row.records.iter().filter(|(_, cited)| *cited).map(|&(at, _)| evidence.references[at as usize]).collect();
        cited.sort_unstable();
        assert_eq!(cited.len() as u64, row.record_count, "{}: record_count is not the number of cited records", row.finding_id);
        let mut tail = String::new();
        for reference in cited {
            let (source, file) = &files[(reference >> 32) as usize];
            let place = if *file == format!("{source}.csv") { source.clone() } else { format!("{source}/{file}") };
            write!(tail, " {place}:{}", (reference & u64::from(u32::MAX)) + 1).unwrap();
        }
        if let Some(id) = &row.explained_by {
            write!(tail, " <{}", codes[id.as_str()]).unwrap();
        }
        lines.push((row.severity, CATALOGUE[usize::from(row.rule)].code, subject(plan, row, folder), row.subtype, tail));
    }
    lines.sort();
    Ok(lines.iter().map(|(severity, code, subject, subtype, tail)| line(*severity, code, subtype, subject, tail)).collect())
}

/// Writes one finding.
fn line(severity: Severity, code: &str, subtype: &str, subject: &str, tail: &str) -> String {
    let colon = if subtype.is_empty() { "" } else { ":" };
    let needs_quotes = subject.is_empty() || subject.contains([' ', '"']);
    let subject = if needs_quotes { format!("\"{}\"", subject.replace('"', "\"\"")) } else { subject.to_owned() };
    format!("{code}{colon}{subtype} {severity} {subject}{tail}\n")
}

/// Names what a finding is about, as cases do: a unit by the values it is shown with, anything else by its normalized subject.
fn subject(plan: &Plan, row: &Row, folder: &Path) -> String {
    let code = CATALOGUE[usize::from(row.rule)].code;
    let scope = || plan.scope.iter().zip(&row.subject).filter(|(field, _)| **field != Field::Item).map(|(_, value)| &**value);
    let shown = |at: usize| row.shown[at];
    let parts: Vec<&str> = match (code, row.subtype) {
        ("ORP001", "in-transit") | ("ORP002", "item-not-shipped") => row.subject.iter().map(|part| &**part).collect(),
        ("SER001" | "SER002", _) => {
            let source = &**row.subject.last().unwrap();
            [source, shown(0)].into_iter().chain(scope()).chain([shown(1)]).collect()
        }
        ("SER004" | "LOT001" | "LOT002" | "ORP001" | "ORP002" | "ORP003" | "ORP004" | "IDN008", _) => {
            [shown(0)].into_iter().chain(scope()).chain([shown(1)]).collect()
        }
        // The digest of a repeated file is no figure to read: its source names it.
        ("RUN003", _) => vec![&row.subject[0]],
        _ => row.subject.iter().map(|part| &**part).collect(),
    };
    let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    text.replace(&format!("{}/", folder.display()), "")
}

fn relative(path: &str, folder: &Path) -> String {
    Path::new(path).strip_prefix(folder).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// Writes the files of a case and their configuration.
fn write_case(case: &Case, folder: &Path) {
    for source in &case.sources {
        std::fs::write(folder.join(format!("{}.csv", source.source.name)), csv_of(source)).unwrap();
    }
    std::fs::write(folder.join("counterfoil.toml"), toml_of(case)).unwrap();
}

/// Writes a source as CSV; every value is quoted, so that a blank one is a record too.
fn csv_of(source: &NaiveSource) -> String {
    let fields: Vec<Field> = source.source.fields.iter().collect();
    let mut text = fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(",") + "\n";
    for record in &source.records {
        let value = |field: &Field| format!("\"{}\"", record.values.get(field).map_or("", String::as_str).replace('"', "\"\""));
        text.push_str(&fields.iter().map(value).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

/// Writes the configuration of a case, with nothing left to be found out.
fn toml_of(case: &Case) -> String {
    let settings = &case.settings;
    let quoted = |words: &mut dyn Iterator<Item = &str>| words.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let scope = quoted(&mut settings.scope.iter().map(|field| field.name()));
    let chosen = [("T0", true), ("T1", settings.tiers.clean), ("T3", settings.tiers.case), ("T4", settings.tiers.separators)];
    let tiers = quoted(&mut chosen.into_iter().filter(|(_, runs)| *runs).map(|(tier, _)| tier));
    let mut text = format!(
        "version = 1\nas_of = {}\ngrace_days = {}\nscope = [{scope}]\ntiers = [{tiers}]\n",
        iso_day(settings.as_of),
        settings.grace_days
    );
    text.push_str(&parameters_of(settings));
    for NaiveSource { source, .. } in &case.sources {
        let name = &source.name;
        let columns: Vec<String> = source.fields.iter().map(|field| format!("{field} = \"{field}\"")).collect();
        let grain = if source.maps(Field::Serial) { format!("grain = \"{}\"\n", source.grain) } else { String::new() };
        write!(
            text,
            "\n[sources.{name}]\nrole = \"{}\"\npaths = [\"{name}.csv\"]\nrank = {}\n{grain}columns = {{ {} }}\n",
            source.role,
            source.rank,
            columns.join(", ")
        )
        .unwrap();
    }
    text
}

/// Writes the parameters that differ from their defaults, as keys of the configuration.
fn parameters_of(settings: &NaiveSettings) -> String {
    let usual = NaiveSettings::default();
    let count = |value: usize| value.to_string();
    let share = |value: usize| format!("{}.{:02}", value / 100, value % 100);
    [
        ("rules.IDN001.lot_only_percent", share(settings.lot_only_share), share(usual.lot_only_share)),
        ("rules.IDN002.digits_repeats", count(settings.digits_repeats), count(usual.digits_repeats)),
        ("rules.LOT002.tracked_percent", share(settings.lot_tracked_share), share(usual.lot_tracked_share)),
        ("rules.LOT006.units_min", count(settings.comparable_units_min), count(usual.comparable_units_min)),
        ("rules.LOT006.differing_percent", share(settings.differing_share), share(usual.differing_share)),
        ("rules.SER003.serials_min", count(settings.widespread_serials_min), count(usual.widespread_serials_min)),
        ("rules.SER003.widespread_percent", share(settings.widespread_share), share(usual.widespread_share)),
    ]
    .iter()
    .filter(|(_, value, usual)| value != usual)
    .map(|(key, value, _)| format!("{key} = {value}\n"))
    .collect()
}
