//! `summary.json`: the counts of a run for programs; deterministic, so without times and run id.

use counterfoil_kernel::model::{Disposition, Severity};
use serde_json::{Value, json};

use super::totals::{ControlTotals, Totals, control_totals};
use super::unreadable::{Unreadable, unreadable};
use crate::outcome::Outcome;

/// Counts by code, severity, source and supplier; totals, verdict and ledger.
///
/// Quantities (in millionths) and digests (hex) are strings: JSON readers keep 53 bits of a number.
pub fn summary_json(outcome: &Outcome) -> Value {
    let totals = control_totals(outcome);
    json!({
        "schema": "counterfoil.summary/1",
        "name": outcome.name,
        "tool_version": outcome.tool_version,
        "config_digest": outcome.config_digest,
        "as_of": outcome.as_of,
        "grace_days": outcome.grace_days,
        "parameters": parameters(outcome),
        "scope": outcome.scope,
        "scope_reason": outcome.scope_reason,
        "verdict": verdict(outcome, &totals),
        "totals": {
            "records": totals.all.read,
            "rejected": outcome.rejected_total,
            "findings": outcome.findings_total,
            "findings_explained": outcome.findings_explained,
            "causes": outcome.findings_total.saturating_sub(outcome.findings_explained),
            "suppliers": outcome.suppliers_named,
        },
        "findings": {
            "by_severity": by_severity(severity_totals(outcome)),
            "by_code": by_code(outcome),
            "by_source": Value::Object(outcome.sources.iter().map(|source| (source.name.clone(), by_severity(source.findings))).collect()),
            "by_supplier": by_supplier(outcome),
        },
        "sources": sources(outcome, &totals),
        "ledger": ledger(outcome),
        "overlap": outcome.overlap.iter().map(|row| json!({
            "supplier": row.known_by[0], "erp": row.known_by[1], "warranty": row.known_by[2], "units": row.units,
        })).collect::<Vec<_>>(),
        "normalization": outcome.steps.iter().map(|step| json!({
            "step": step.step, "tier": step.tier, "changed": step.changed, "matches": step.matches, "merges": step.merges,
        })).collect::<Vec<_>>(),
        "notes": outcome.notes.iter().cloned().chain(unreadable(outcome).iter().map(Unreadable::text)).collect::<Vec<_>>(),
    })
}

/// Gives what the parameters were set to, by their keys in the configuration.
fn parameters(outcome: &Outcome) -> Value {
    let rows = outcome.parameters.iter().map(|parameter| {
        let value = serde_json::from_str(&parameter.value).expect("a parameter is written as a number");
        (parameter.key.clone(), value)
    });
    Value::Object(rows.collect())
}

/// Renders the file: indented, keys sorted, a line feed at the end.
pub fn render(outcome: &Outcome) -> Vec<u8> {
    canonical_bytes(&summary_json(outcome))
}

/// Adds up the findings of all rules by severity.
pub fn severity_totals(outcome: &Outcome) -> [u64; 4] {
    let mut totals = [0; 4];
    for rule in &outcome.rules {
        totals.iter_mut().zip(rule.counts).for_each(|(total, count)| *total += count);
    }
    totals
}

/// Writes JSON with sorted keys whatever order the map type keeps, indented, with a line feed at the end.
pub(super) fn canonical_bytes(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(&sorted(value)).expect("a value without foreign types serializes");
    bytes.push(b'\n');
    bytes
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|&(key, _)| key);
            Value::Object(entries.into_iter().map(|(key, inner)| (key.clone(), sorted(inner))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn verdict(outcome: &Outcome, totals: &ControlTotals) -> Value {
    let not_reconciled = outcome.not_reconciled();
    json!({
        "result": match (outcome.failing, &not_reconciled) {
            (0, None) => "pass",
            (0, Some(_)) => "not_reconciled",
            _ => "fail",
        },
        "not_reconciled": not_reconciled,
        "fail_on": outcome.fail_on,
        "failing": outcome.failing,
        "balanced": totals.balanced,
    })
}

fn by_severity(counts: [u64; 4]) -> Value {
    Value::Object(Severity::ALL.iter().zip(counts).map(|(severity, count)| (severity.name().to_owned(), count.into())).collect())
}

fn by_code(outcome: &Outcome) -> Value {
    let rows = outcome.rules.iter().map(|rule| {
        let row = json!({
            "name": rule.name,
            "severity": rule.severity.name(),
            // A rule that was not evaluated has no count: zero would read as clean.
            "findings": rule.not_evaluated.is_none().then(|| rule.counts.iter().sum::<u64>()),
            "by_severity": by_severity(rule.counts),
            "explained": rule.explained,
            "records": rule.records,
            "not_evaluated": rule.not_evaluated,
        });
        (rule.code.to_owned(), row)
    });
    Value::Object(rows.collect())
}

fn by_supplier(outcome: &Outcome) -> Value {
    let row = |supplier: &crate::outcome::SupplierOutcome| {
        let codes = supplier.by_code.iter().map(|(code, count)| (code.clone(), Value::from(*count)));
        json!({
            "supplier": supplier.supplier,
            "findings": supplier.counts.iter().sum::<u64>(),
            "by_severity": by_severity(supplier.counts),
            "by_code": Value::Object(codes.collect()),
        })
    };
    outcome.suppliers.iter().map(row).collect()
}

fn sources(outcome: &Outcome, totals: &ControlTotals) -> Value {
    let rows = outcome.sources.iter().zip(&totals.sources).map(|(source, total)| {
        let mut row = totals_json(total);
        row["name"] = source.name.clone().into();
        row["role"] = source.role.name().into();
        row["grain"] = source.grain.name().into();
        row["rank"] = source.rank.into();
        row["files"] = source.files.len().into();
        row["units"] = source.units.into();
        row["without_lot"] = source.without_lot.into();
        row
    });
    rows.collect()
}

fn totals_json(totals: &Totals) -> Value {
    let dispositions =
        Disposition::ALL.iter().zip(totals.records).map(|(disposition, records)| (disposition.name().to_owned(), records.into()));
    json!({
        "read": totals.read,
        "dispositions": Value::Object(dispositions.collect()),
        "balanced": totals.balanced(),
        "quantity_millionths": totals.quantity_millionths.to_string(),
        "digest": format!("{:032x}", totals.digest),
    })
}

/// The ledger as JSON: one row per file and disposition.
pub(super) fn ledger(outcome: &Outcome) -> Value {
    let row = |row: &crate::outcome::LedgerRow| {
        json!({
            "source": row.source,
            "file": row.file,
            "disposition": row.disposition.name(),
            "records": row.records,
            "quantity_millionths": row.quantity_millionths.to_string(),
            "digest": format!("{:032x}", row.digest),
        })
    };
    outcome.ledger.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn counts_agree_with_the_outcome() {
        let outcome = fixture::rich();
        let summary = summary_json(&outcome);
        assert_eq!(summary["totals"]["findings"], 13_899);
        assert_eq!(summary["findings"]["by_severity"]["critical"], 45);
        assert_eq!(summary["findings"]["by_code"]["LOT001"]["findings"], 311);
        assert_eq!(summary["findings"]["by_source"]["erp"]["error"], 340);
        assert_eq!(summary["findings"]["by_supplier"][0]["by_code"]["ORP001"], 9_030);
        assert_eq!(summary["verdict"]["result"], "fail");
        assert_eq!(summary["sources"][0]["balanced"], true);
        let by_severity: u64 = severity_totals(&outcome).iter().sum();
        assert_eq!(by_severity, outcome.findings_total, "the fixture is consistent");
    }

    #[test]
    fn a_run_that_compares_nothing_does_not_pass() {
        let mut outcome = fixture::clean();
        assert_eq!(summary_json(&outcome)["verdict"]["result"], "pass");
        assert_eq!(summary_json(&outcome)["verdict"]["not_reconciled"], Value::Null);
        outcome.sources.truncate(1);
        assert_eq!(summary_json(&outcome)["verdict"]["result"], "not_reconciled");
        assert_eq!(summary_json(&outcome)["verdict"]["not_reconciled"], "only supplier sources were given");
    }

    #[test]
    fn unreadable_values_are_notes() {
        let mut outcome = fixture::clean();
        outcome.sources[0].files[0].unreadable_quantities = Some((3, "three".to_owned()));
        let notes = summary_json(&outcome)["notes"].as_array().unwrap().clone();
        assert_eq!(notes.last().unwrap(), "supplier: 3 values of quantity could not be read as a quantity, first \"three\"");
    }

    #[test]
    fn a_rule_that_was_not_evaluated_is_null_and_never_zero() {
        let summary = summary_json(&fixture::rich());
        assert_eq!(summary["findings"]["by_code"]["ORP002"]["findings"], Value::Null);
        assert_eq!(summary["findings"]["by_code"]["LOT006"]["findings"], 0);
    }

    #[test]
    fn big_numbers_are_strings_and_keys_are_sorted() {
        let mut outcome = fixture::rich();
        outcome.ledger[0].digest = u128::MAX;
        outcome.ledger[0].quantity_millionths = i128::MIN;
        let text = String::from_utf8(render(&outcome)).unwrap();
        assert!(text.contains(&format!("\"digest\": \"{:032x}\"", u128::MAX)));
        assert!(text.contains(&format!("\"quantity_millionths\": \"{}\"", i128::MIN)));
        let first = ["\"as_of\"", "\"config_digest\"", "\"findings\"", "\"ledger\"", "\"verdict\""];
        let places: Vec<_> = first.iter().map(|key| text.find(&format!("\n  {key}")).unwrap()).collect();
        assert!(places.is_sorted());
        assert!(!text.contains(&outcome.run_id) && !text.contains(&outcome.resources.started));
    }
}
