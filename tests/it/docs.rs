//! The reference pages are written from the code: they can't say anything else than what the program does.
//!
//! `docs/rules/`, `docs/cli.md`, `docs/config.md` and `docs/outputs.md` are compared with what the code gives; `UPDATE=1` (`just docs`) rewrites them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use counterfoil_kernel::model::{Field, Severity};
use counterfoil_kernel::rules::{CATALOGUE, Rule};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::root;

/// Compares a page with the committed one, or writes it.
#[track_caller]
fn check_page(name: &str, page: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(page.lines()).position(|(left, right)| left != right);
    assert!(
        committed == page,
        "docs/{name} is not what the code gives, first at line {}; run `just docs` and read the difference",
        differs.unwrap_or_else(|| committed.lines().count().min(page.lines().count())) + 1
    );
}

fn needs(rule: &Rule) -> String {
    let lacking: Vec<String> = rule.needs.iter().map(|need| need.lacking()).collect();
    if lacking.is_empty() { "always".to_owned() } else { format!("unless there is {}", lacking.join(", or ")) }
}

#[test]
fn rule_pages() {
    let mut index = String::from(
        "# Rules\n\nEach page is the text that `counterfoil explain CODE` prints. Which findings exist, about what, and what they cite stands in one table in\n[semantics.md](../guide/semantics.md#rules-subjects-conditions-records).\n\n| code | name | severity | finds |\n|---|---|---|---|\n",
    );
    for rule in CATALOGUE {
        let page = format!(
            "# {} {}\n\nSeverity: {}. Evaluated: {}.\n\n{}\n{}",
            rule.code,
            rule.name,
            rule.severity,
            needs(rule),
            rule.documentation.trim_end(),
            if rule.parameters.is_empty() { String::new() } else { format!("\n{}", rule.parameters_markdown()) }
        );
        check_page(&format!("rules/{}.md", rule.code), &page);
        writeln!(index, "| [{0}]({0}.md) | {1} | {2} | {3}. |", rule.code, rule.name, rule.severity, rule.about()).unwrap();
    }
    index.push_str("\nSeverities, most severe first: ");
    index.push_str(&Severity::ALL.map(|severity| severity.name()).join(", "));
    index.push_str(".\n");
    check_page("rules/README.md", &index);
}

#[test]
fn every_rule_page_belongs_to_a_rule() {
    let names = std::fs::read_dir(root().join("docs/rules")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut codes: Vec<String> = names.filter(|name| name != "README.md").map(|name| name.replace(".md", "")).collect();
    codes.sort();
    assert_eq!(codes, CATALOGUE.map(|rule| rule.code.to_owned()));
}

#[test]
fn configuration_page() {
    check_page("config.md", &counterfoil::config::reference::reference_markdown());
}

#[test]
fn command_line_page() {
    let mut command = counterfoil::cli::command().term_width(100).disable_help_subcommand(true);
    command.build();
    let mut page = String::from("# Command line\n\nWhat `counterfoil --help` and `counterfoil COMMAND --help` print.\n");
    write_help(&mut page, &mut command.clone(), "counterfoil");
    for name in command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect::<Vec<_>>() {
        let sub = command.find_subcommand_mut(&name).unwrap();
        write_help(&mut page, &mut sub.clone().term_width(100), &format!("counterfoil {name}"));
    }
    check_page("cli.md", &page);
}

fn write_help(page: &mut String, command: &mut clap::Command, name: &str) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
}

/// What the columns of the tables mean; a column without an entry fails the test.
const COLUMNS: [(&str, &str, &str); 44] = [
    ("findings", "finding_id", "`F-` and 26 characters: BLAKE3 of code and subject; the same subject has the same id in every run"),
    ("findings", "code", "the rule, see [rules](rules/README.md)"),
    ("findings", "name", "the rule's name"),
    ("findings", "subtype", "the kind of finding within the rule, or null"),
    ("findings", "severity", "`critical`, `error`, `warning`, `info`"),
    ("findings", "state", "`new`: this version compares no runs"),
    ("findings", "explained_by", "the finding that this one is a symptom of, or null"),
    ("findings", "item", "the item as shown"),
    ("findings", "serial", "the serial as shown"),
    ("findings", "lot", "the lot as shown"),
    ("findings", "supplier", "the supplier as shown, upper case"),
    ("findings", "site", "the site as shown"),
    ("findings", "sources", "the sources of the cited records, or those of the subject"),
    ("findings", "record_count", "how many records are cited"),
    ("findings", "message", "one sentence"),
    ("evidence", "finding_id", "the finding"),
    ("evidence", "source", "the record's source"),
    ("evidence", "file", "its file"),
    ("evidence", "record", "its number in the file, from 1, header not counted"),
    ("evidence", "cited", "the finding is about this record; otherwise it belongs to the same unit"),
    ("evidence", "item_raw", "the item as the file has it"),
    ("evidence", "serial_raw", "the serial as the file has it"),
    ("evidence", "lot_raw", "the lot as the file has it"),
    ("evidence", "supplier_lot_raw", "the supplier lot as the file has it"),
    ("evidence", "item_form", "the item after cleaning; null for a placeholder"),
    ("evidence", "serial_form", "the serial after cleaning and case"),
    ("evidence", "serial_key", "the same without blank and `- _ . /`: what joins"),
    ("evidence", "lot_form", "the lot after cleaning and case; null for a placeholder"),
    ("evidence", "lot_key", "the same without blank and `- _ . /`"),
    ("evidence", "supplier_lot_form", "as `lot_form`, of the supplier lot"),
    ("evidence", "supplier_lot_key", "as `lot_key`, of the supplier lot"),
    ("evidence", "supplier_form", "the supplier in upper case; of a supplier source without that field the source's name"),
    ("evidence", "tier", "the tier of the last step that changed the serial: `T0`, `T1`, `T3`, `T4`"),
    ("evidence", "steps", "the steps that changed the serial, in order, or null"),
    ("evidence", "carried", "the columns listed under `carry`, as a JSON object"),
    ("ledger", "source", "the source"),
    ("ledger", "file", "the file"),
    ("ledger", "disposition", "`rejected`, `out_of_scope`, `unusable_key`, `matched` or `unmatched`: every record read has exactly one"),
    ("ledger", "records", "how many records"),
    ("ledger", "quantity", "the sum of their mapped quantities, 1 where there is none"),
    ("ledger", "digest", "sum of a 128-bit digest of each record's serial and reference, hexadecimal: it does not depend on order"),
    ("rejected", "byte_offset", "where the record begins in the decompressed file"),
    ("rejected", "line", "its first line, from 1, header counted; 0 where the format has no lines"),
    ("rejected", "raw", "its bytes, at most 64 KiB"),
];

/// Columns of `rejected.parquet` that mean what they mean in other tables, and the words of a reason.
const REJECTED: [(&str, &str); 5] = [
    ("source", "the source"),
    ("file", "the file"),
    ("record", "the number of the record in its file, from 1, header not counted"),
    ("reason", "a fixed short name: a finding RUN001 stands for each source, file and reason"),
    ("detail", "what was found and what was expected"),
];

fn meaning(table: &str, column: &str) -> String {
    let listed = COLUMNS.iter().find(|(of, name, _)| *of == table && *name == column).map(|(_, _, meaning)| (*meaning).to_owned());
    let rejected = || REJECTED.iter().find(|(name, _)| table == "rejected" && *name == column).map(|(_, meaning)| (*meaning).to_owned());
    let field =
        || (table == "evidence").then(|| Field::from_name(column)).flatten().map(|_| "the mapped field, as the file has it".to_owned());
    listed.or_else(rejected).or_else(field).unwrap_or_else(|| panic!("{table}.parquet: column {column} has no meaning in tests/it/docs.rs"))
}

/// Runs the program on a folder of `data/tiny` and gives the run directory.
fn run_tiny(out: &Path) -> PathBuf {
    let run = out.join("run");
    let configuration = root().join("data/tiny/files/counterfoil.toml");
    let program = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .args(["reconcile", "--exit-zero", "--quiet", "-c"])
        .arg(configuration)
        .arg("-o")
        .arg(&run)
        .output()
        .unwrap();
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
    run
}

#[test]
fn outputs_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_tiny(folder.path());
    let mut page = String::from(OUTPUTS);
    for (table, about) in [
        ("findings", "One row per finding, ordered by severity, code and subject. Complete, never a sample."),
        ("evidence", "One row per finding and record of its unit, in the order of the findings."),
        ("ledger", "One row per file and disposition, all five of every file."),
        ("rejected", "One row per record that could not be read."),
    ] {
        let file = std::fs::File::open(run.join(format!("{table}.parquet"))).unwrap();
        let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
        write!(page, "\n## `{table}.parquet`\n\n{about}\n\n| column | type | null | meaning |\n|---|---|---|---|\n").unwrap();
        for field in schema.fields() {
            let kind = field.data_type().to_string().replace("non-null ", "");
            let nullable = if field.is_nullable() { "yes" } else { "" };
            writeln!(page, "| `{}` | {kind} | {nullable} | {} |", field.name(), meaning(table, field.name())).unwrap();
        }
    }
    for (file, about) in [
        ("summary.json", "Counts for programs. No times and no run id, so the same inputs give the same bytes."),
        ("manifest.json", "What went in and what came out. Only `execution` differs between two runs over the same files."),
    ] {
        let value: Value = serde_json::from_slice(&std::fs::read(run.join(file)).unwrap()).unwrap();
        write!(page, "\n## `{file}`\n\n{about}\n\n| key | holds |\n|---|---|\n").unwrap();
        for (key, value) in value.as_object().unwrap() {
            writeln!(page, "| `{key}` | {} |", shape(value)).unwrap();
        }
    }
    check_page("outputs.md", &page);
}

const OUTPUTS: &str = "# Outputs

A run writes one directory (`--out`, else `runs/<UTC time>-<digest>`), under a partial name until it is whole. Besides the tables below it holds
`report.html`, which needs no network and can be read without scripts, and `manifest.sha256`, which `sha256sum --check` reads.

`findings.parquet` is the same, byte for byte, for any number of threads, any order and split of files, and for CSV against text-typed Parquet of the same
data (RUN findings and IDN005 aside). `evidence.parquet` is the same for the same files.
";

/// Says what a JSON value is made of: keys of objects, and of the first row of lists.
fn shape(value: &Value) -> String {
    let keys = |map: &serde_json::Map<String, Value>| map.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    match value {
        Value::Object(map) => keys(map),
        Value::Array(rows) => match rows.first() {
            Some(Value::Object(map)) => format!("rows of {}", keys(map)),
            _ => "a list of texts".to_owned(),
        },
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a text".to_owned(),
        Value::Null => "a text or null".to_owned(),
    }
}
