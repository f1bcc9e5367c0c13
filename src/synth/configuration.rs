//! The `counterfoil.toml` beside a synthetic data set.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::calendar::Day;
use super::encode::columns;
use super::record::Feed;
use super::{Format, Options};

/// Writes a configuration that runs the data set: every column mapped, the day fixed.
pub(super) fn render(options: &Options, feeds: &[Feed], rejected: &BTreeMap<Feed, u64>, grace_days: i32) -> String {
    let mut text = format!(
        "# Synthetic data: seed {}, {} units. What a run must find stands in truth.parquet.\n\
         version = 1\nname = \"synthetic\"\nas_of = \"{}\"\ngrace_days = {grace_days}\nscope = [\"item\"]\n",
        options.seed,
        options.units,
        Day::of(options.as_of).iso()
    );
    for feed in feeds {
        let name = feed.name();
        let mapped: Vec<String> = columns(*feed).iter().map(|(column, _)| format!("{column} = \"{column}\"")).collect();
        let added = write!(
            text,
            "\n[sources.{name}]\nrole = \"{}\"\npaths = [\"{name}/*\"]\ncolumns = {{ {} }}\n",
            feed.role().name(),
            mapped.join(", ")
        );
        added.expect("writing to a string does not fail");
        if options.format != Format::Parquet {
            // An unreadable byte must not make a reader believe in another encoding.
            text.push_str("csv = { delimiter = \",\", encoding = \"utf-8\" }\n");
        }
        if let Some(count) = rejected.get(feed).filter(|count| **count > 0) {
            writeln!(text, "rejected_max = {count}").expect("writing to a string does not fail");
        }
    }
    text
}
