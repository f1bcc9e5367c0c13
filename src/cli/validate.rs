//! `counterfoil validate`: check what a run would read, and estimate what it would take.

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::plan_args::{PlanArgs, mapping_text};
use crate::config::plan::Plan;
use crate::engine::estimate::{Estimate, estimate};
use crate::engine::local::check_quality;
use crate::memory::too_small;

const EXAMPLES: &str = "Examples:
  counterfoil validate -c counterfoil.toml
  counterfoil validate -c counterfoil.toml --memory-limit 8GiB --format json";

/// Arguments of `counterfoil validate`.
#[derive(Clone, Debug, Default, Args)]
#[command(before_help = EXAMPLES)]
pub struct ValidateArgs {
    /// What would be reconciled, and how.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// How the estimate is printed.
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Outputs")]
    pub format: Format,
}

/// How the estimate is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line for each figure.
    #[default]
    Text,
    /// One object.
    Json,
}

/// Runs the command.
///
/// # Errors
/// What would stop the run itself: configuration, inputs that are not there or can't be read, more unreadable records in the sample than are allowed, a memory limit
/// below what any run takes.
pub fn run(args: &ValidateArgs) -> Result<()> {
    let plan = args.plan.resolved(None)?;
    super::say(&mapping_text(&plan));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(plan.threads).build().context("the thread pool can't be started")?;
    let estimate = pool.install(|| estimate(&plan))?;
    let text = match args.format {
        Format::Text => told(&plan, &estimate),
        Format::Json => format!("{:#}\n", as_json(&plan, &estimate)),
    };
    super::print(text.as_bytes())?;
    check_quality(&plan, &estimate.counted, &estimate.rejected_counts, &estimate.rejected, &estimate.unreadable)?;
    if estimate.memory_bytes > plan.memory_limit {
        return Err(too_small(plan.memory_limit, estimate.memory_bytes));
    }
    Ok(())
}

fn as_json(plan: &Plan, estimate: &Estimate) -> serde_json::Value {
    let sources = plan.sources.iter().zip(&estimate.records).map(|(source, records)| {
        let bytes: u64 = source.files.iter().map(|file| file.input.bytes).sum();
        json!({ "source": source.source.name, "files": source.files.len(), "bytes": bytes, "records": records })
    });
    json!({
        "sources": sources.collect::<Vec<_>>(),
        "records": estimate.records.iter().sum::<u64>(),
        "records_sampled": estimate.sampled,
        "records_sampled_rejected": estimate.rejected_counts.iter().sum::<u64>(),
        "threads": plan.threads,
        "seconds": (estimate.seconds * 1e3).round() / 1e3,
        "memory_bytes": estimate.memory_bytes,
        "memory_limit_bytes": plan.memory_limit,
        "spilled_bytes": estimate.spilled_bytes,
        "spill_limit_bytes": (plan.spill_limit != u64::MAX).then_some(plan.spill_limit),
    })
}

fn told(plan: &Plan, estimate: &Estimate) -> String {
    let bytes = |bytes: u64| indicatif::BinaryBytes(bytes).to_string();
    let count = |count: u64| indicatif::HumanCount(count).to_string();
    let mut text = String::new();
    for (source, records) in plan.sources.iter().zip(&estimate.records) {
        let size = source.files.iter().map(|file| file.input.bytes).sum();
        text += &format!("{}: {} records, {}\n", source.source.name, count(*records), bytes(size));
    }
    text +=
        &format!("sample: {} records read, {} of them unreadable\n", count(estimate.sampled), count(estimate.rejected_counts.iter().sum()));
    text += &format!("time: about {:.1} s with {} threads\n", estimate.seconds, plan.threads);
    text += &format!("memory: about {} of {}\n", bytes(estimate.memory_bytes), bytes(plan.memory_limit));
    let is_over = estimate.spilled_bytes > plan.spill_limit;
    let over = if is_over {
        format!(", more than the limit of {}: the run would end with exit code 4", bytes(plan.spill_limit))
    } else {
        String::new()
    };
    text + &format!("disk meanwhile: about {}{over}\n", bytes(estimate.spilled_bytes))
}
