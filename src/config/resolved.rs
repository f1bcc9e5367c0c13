//! The resolved configuration as canonical JSON: what the manifest records and run names are made from.

use std::collections::BTreeMap;

use counterfoil_kernel::rules::CATALOGUE;
use serde_json::{Value, json};

use super::file::FORMAT_VERSION;
use super::parameters::{self, UNREADABLE_PERCENT_MAX};
use super::plan::{FilePlan, Origin, Plan, SourcePlan};
use super::settings::iso;

/// Writes everything that can change a finding or a verdict; threads, output path and display are left out.
pub(super) fn to_json(plan: &Plan) -> Value {
    let severity = plan.rules.severity.iter().map(|(code, severity)| (code.as_str(), json!(severity.name())));
    let tiers = [("T0", true), ("T1", plan.tiers.clean), ("T3", plan.tiers.case), ("T4", plan.tiers.separators)];
    let codes = CATALOGUE.iter().map(|rule| (rule.code, parameters::values(&plan.thresholds, &format!("rules.{}", rule.code))));
    let by_rule = codes.filter(|(_, values)| values.as_object().is_some_and(|values| !values.is_empty()));
    object([
        ("version", json!(FORMAT_VERSION)),
        ("name", json!(plan.name)),
        ("as_of", json!(iso(plan.as_of))),
        ("grace_days", json!(plan.grace_days)),
        ("scope", json!(plan.scope.iter().map(|field| field.name()).collect::<Vec<_>>())),
        ("tiers", json!(tiers.iter().filter(|(_, runs)| *runs).map(|(name, _)| *name).collect::<Vec<_>>())),
        ("fail_on", json!(plan.fail_on.map_or("never", |severity| severity.name()))),
        ("allow_disjoint", json!(plan.allow_disjoint)),
        ("allow_recurring", json!(plan.allow_recurring)),
        ("guards", parameters::values(&plan.thresholds, "guards")),
        ("limits", object([("unreadable_percent_max", parameters::value(&UNREADABLE_PERCENT_MAX, plan.unreadable_share_max))])),
        (
            "rules",
            object(
                [("select", json!(plan.rules.select)), ("ignore", json!(plan.rules.ignore)), ("severity", object(severity))]
                    .into_iter()
                    .chain(by_rule),
            ),
        ),
        ("sources", object(plan.sources.iter().map(|source| (source.source.name.as_str(), source_json(source))))),
    ])
}

fn source_json(plan: &SourcePlan) -> Value {
    let filters = plan.filters.iter().map(|filter| {
        let key = if filter.keep { "in" } else { "not_in" };
        object([("column", json!(filter.column)), (key, json!(filter.values))])
    });
    let csv = &plan.open.csv;
    let delimiter = csv.delimiter.map(|delimiter| char::from(delimiter).to_string());
    object([
        ("role", json!(plan.source.role.name())),
        ("grain", json!(plan.source.grain.name())),
        ("rank", json!(plan.source.rank)),
        ("carry", json!(plan.carry)),
        ("where", filters.collect()),
        ("rejected_max", json!(plan.rejected_max)),
        ("csv", object([("delimiter", json!(delimiter)), ("encoding", json!(csv.encoding)), ("header_line", json!(csv.header_line))])),
        ("files", plan.files.iter().map(file_json).collect()),
    ])
}

fn file_json(file: &FilePlan) -> Value {
    let fields = file.mapping.iter().map(|mapped| {
        let origin = match &mapped.origin {
            Origin::Column { name, date_formats, .. } if date_formats.is_empty() => object([("column", json!(name))]),
            Origin::Column { name, date_formats, .. } => object([("column", json!(name)), ("format", json!(date_formats))]),
            Origin::Constant(value) => object([("constant", json!(value))]),
        };
        (mapped.field.name(), origin)
    });
    object([("path", json!(file.input.path.to_string_lossy())), ("columns", object(fields))])
}

/// Makes an object whose keys are sorted, whether or not the JSON library keeps the order of insertion.
fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let sorted: BTreeMap<&str, Value> = entries.into_iter().collect();
    Value::Object(sorted.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
