//! `manifest.json` and `manifest.sha256`: what went in, what came out, and the proof that neither was changed since.

use counterfoil_kernel::model::Severity;
use serde_json::{Value, json};

use super::summary::{canonical_bytes, ledger};
use super::totals::control_totals;
use crate::outcome::{FileOutcome, Outcome};

/// The manifest's name in the run directory.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The kind of document that a manifest is.
pub const SCHEMA: &str = "counterfoil.manifest/1";

/// The name of the digests' file in the run directory.
pub const DIGESTS_FILE: &str = "manifest.sha256";

/// A file that the run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// The path inside the run directory, with `/`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Rows, for tables.
    pub rows: Option<u64>,
}

/// What a manifest states beside the outcome.
#[derive(Clone, Copy, Debug)]
pub struct ManifestInput<'a> {
    /// The resolved configuration.
    pub resolved: &'a Value,
    /// The other files of the run directory.
    pub outputs: &'a [OutputFile],
    /// SHA-256 of the manifest of the run before, hex, where there is one.
    pub previous: Option<&'a str>,
    /// The exit code of the run.
    pub exit_code: i32,
}

/// Renders the manifest. Everything but the `execution` block depends on inputs and configuration alone.
pub fn manifest(outcome: &Outcome, input: &ManifestInput<'_>) -> Vec<u8> {
    let mut outputs: Vec<_> = input.outputs.iter().collect();
    outputs.sort_by(|left, right| left.name.cmp(&right.name));
    canonical_bytes(&json!({
        "schema": SCHEMA,
        "name": outcome.name,
        "complete": true,
        "tool": { "name": "counterfoil", "version": outcome.tool_version },
        "configuration": { "digest": outcome.config_digest, "resolved": input.resolved },
        "inputs": inputs(outcome),
        "ledger": ledger(outcome),
        "balanced": control_totals(outcome).balanced,
        "rules": rules(outcome),
        "verdict": { "fail_on": outcome.fail_on, "failing": outcome.failing, "not_reconciled": outcome.not_reconciled(), "exit_code": input.exit_code },
        "outputs": outputs.into_iter().map(output).collect::<Vec<_>>(),
        "execution": execution(outcome, input.previous),
    }))
}

/// Renders the digests of the manifest (first) and of every output, as `sha256sum --check` reads them.
pub fn digests(manifest_sha256: &str, outputs: &[OutputFile]) -> String {
    let mut outputs: Vec<_> = outputs.iter().collect();
    outputs.sort_by(|left, right| left.name.cmp(&right.name));
    let mut text = format!("{manifest_sha256}  {MANIFEST_FILE}\n");
    for file in outputs {
        text.push_str(&format!("{}  {}\n", file.sha256, file.name));
    }
    text
}

fn inputs(outcome: &Outcome) -> Value {
    let files = outcome.sources.iter().flat_map(|source| {
        source.files.iter().map(move |file| {
            let mut row = input_file(file);
            row["source"] = source.name.clone().into();
            row["role"] = source.role.name().into();
            row["grain"] = source.grain.name().into();
            row
        })
    });
    files.collect()
}

fn input_file(file: &FileOutcome) -> Value {
    let mapping = file.mapping.iter().map(|(field, column, reason)| json!({ "field": field.name(), "column": column, "reason": reason }));
    let dates = file.unreadable_dates.iter().map(|(field, count, first)| json!({ "field": field.name(), "count": count, "first": first }));
    json!({
        "path": file.path,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "records": file.records,
        "format": file.description,
        "mapping": mapping.collect::<Vec<_>>(),
        "unreadable_dates": dates.collect::<Vec<_>>(),
        "unreadable_quantities": file.unreadable_quantities.as_ref().map(|(count, first)| json!({ "count": count, "first": first })),
        "repeats": file.repeats,
    })
}

fn rules(outcome: &Outcome) -> Value {
    let rows = outcome.rules.iter().map(|rule| {
        let counts = Severity::ALL.iter().zip(rule.counts).map(|(severity, count)| (severity.name().to_owned(), Value::from(count)));
        let row = json!({ "counts": Value::Object(counts.collect()), "explained": rule.explained, "not_evaluated": rule.not_evaluated });
        (rule.code.to_owned(), row)
    });
    Value::Object(rows.collect())
}

fn output(file: &OutputFile) -> Value {
    json!({ "name": file.name, "bytes": file.bytes, "sha256": file.sha256, "rows": file.rows })
}

/// Times, run id, resources and the run before: the only part that differs between two runs over the same data.
fn execution(outcome: &Outcome, previous: Option<&str>) -> Value {
    let resources = &outcome.resources;
    json!({
        "run_id": outcome.run_id,
        "previous_manifest_sha256": previous,
        "started": resources.started,
        "wall_s": resources.wall_s,
        "cpu_s": resources.cpu_s,
        "peak_bytes": resources.peak_bytes,
        "threads": resources.threads,
        "spilled_bytes": resources.spilled_bytes,
        "phases": resources.phases.iter().map(|(name, wall_s)| json!({ "name": name, "wall_s": wall_s })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn outputs() -> Vec<OutputFile> {
        let file = |name: &str, rows| OutputFile { name: name.to_owned(), bytes: 10, sha256: "ab".repeat(32), rows };
        vec![file("report.html", None), file("findings.parquet", Some(13_899))]
    }

    fn parsed(outcome: &Outcome) -> Value {
        let resolved = json!({ "scope": ["item"] });
        let outputs = outputs();
        let input = ManifestInput { resolved: &resolved, outputs: &outputs, previous: Some("cd"), exit_code: 1 };
        serde_json::from_slice(&manifest(outcome, &input)).unwrap()
    }

    #[test]
    fn states_inputs_outputs_and_chain() {
        let manifest = parsed(&fixture::rich());
        assert_eq!(manifest["inputs"].as_array().unwrap().len(), 5);
        assert_eq!(manifest["inputs"][2]["repeats"], "inbox/acme_2026-11.csv");
        assert_eq!(manifest["outputs"][0]["name"], "findings.parquet");
        assert_eq!(manifest["outputs"][0]["rows"], 13_899);
        assert_eq!(manifest["execution"]["previous_manifest_sha256"], "cd");
        assert_eq!(manifest["balanced"], true);
        assert_eq!(manifest["verdict"]["exit_code"], 1);
        assert_eq!(manifest["configuration"]["resolved"]["scope"][0], "item");
    }

    #[test]
    fn only_the_execution_block_knows_the_run() {
        let mut other = fixture::rich();
        other.run_id = "another".to_owned();
        other.resources.wall_s = 1.0;
        let (mut left, mut right) = (parsed(&fixture::rich()), parsed(&other));
        assert_ne!(left["execution"], right["execution"]);
        left["execution"].take();
        right["execution"].take();
        assert_eq!(left, right);
    }

    #[test]
    fn digests_are_lines_that_sha256sum_checks() {
        assert_eq!(digests("ef", &outputs()), format!("ef  manifest.json\n{0}  findings.parquet\n{0}  report.html\n", "ab".repeat(32)));
    }
}
