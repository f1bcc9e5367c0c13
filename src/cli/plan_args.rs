//! The arguments that say what is reconciled and how: those of `reconcile`, which `validate` checks.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use counterfoil_kernel::rules::CATALOGUE;

use crate::config::plan::Plan;
use crate::config::{Request, resolve};

/// What is reconciled, and how.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanArgs {
    /// Supplier shipments: a file, folder or glob; NAME=PATH names the source.
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Inputs")]
    pub supplier: Vec<String>,
    /// ERP units.
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Inputs")]
    pub erp: Vec<String>,
    /// Warranty claims.
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Inputs")]
    pub warranty: Vec<String>,
    /// Configuration file [default: the nearest counterfoil.toml upward].
    #[arg(long, short, value_name = "FILE", help_heading = "Inputs")]
    pub config: Option<PathBuf>,
    /// Settle one field: SOURCE.FIELD=COLUMN, with @FORMAT for a date, nothing after = to leave it unmapped.
    #[arg(long, value_name = "SOURCE.FIELD=COLUMN", help_heading = "Inputs")]
    pub map: Vec<String>,
    /// Fields inside which a serial is unique; an empty text for none.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', help_heading = "Inputs")]
    pub scope: Option<Vec<String>>,
    /// Records that may be rejected, for each source.
    #[arg(long, value_name = "N", help_heading = "Inputs")]
    pub rejected_max: Option<u64>,
    /// Let sources that share almost no unit pass.
    #[arg(long, help_heading = "Inputs")]
    pub allow_disjoint: bool,
    /// Let unit-grain sources whose units recur pass.
    #[arg(long, help_heading = "Inputs")]
    pub allow_recurring: bool,
    /// Day against which grace is judged [default: today, UTC].
    #[arg(long, value_name = "DATE", help_heading = "Rules")]
    pub as_of: Option<String>,
    /// Days that a shipment may be under way.
    #[arg(long, value_name = "N", help_heading = "Rules")]
    pub grace_days: Option<i32>,
    /// Tiers of normalization that run.
    #[arg(long, value_name = "T0,T1,T3,T4", help_heading = "Rules")]
    pub tiers: Option<String>,
    /// Rules that run: codes or their beginnings.
    #[arg(long, value_name = "CODES", value_delimiter = ',', help_heading = "Rules")]
    pub select: Vec<String>,
    /// Rules that don't.
    #[arg(long, value_name = "CODES", value_delimiter = ',', help_heading = "Rules")]
    pub ignore: Vec<String>,
    /// Severity of a rule; subtypes with a severity of their own, such as ORP001 in-transit, keep it.
    #[arg(long, value_name = "CODE=LEVEL", help_heading = "Rules")]
    pub severity: Vec<String>,
    /// Findings from this severity on make the exit code 1: critical, error, warning, info, never [default: error].
    #[arg(long, value_name = "LEVEL", help_heading = "Rules")]
    pub fail_on: Option<String>,
    /// Threads [default: one per processor].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub threads: Option<usize>,
    /// The most memory, with its unit or as a share of what there is; records that do not fit are kept on the disk meanwhile [default: 60%].
    #[arg(long, value_name = "8GiB|50%", help_heading = "Limits")]
    pub memory_limit: Option<String>,
    /// Folder for records that do not fit into memory; nothing stays in it [default: beside the outputs].
    #[arg(long, value_name = "DIR", help_heading = "Limits")]
    pub spill_dir: Option<PathBuf>,
    /// The most that may be kept there, with its unit [default: no limit].
    #[arg(long, value_name = "100GiB", help_heading = "Limits")]
    pub spill_limit: Option<String>,
}

impl PlanArgs {
    /// Finds out what they mean; `out` is where the run directory goes.
    ///
    /// # Errors
    /// Configuration that makes no sense, and inputs that are not there.
    pub fn resolved(&self, out: Option<PathBuf>) -> Result<Plan> {
        let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
        let args = self.clone();
        let request = Request {
            config: args.config,
            supplier: args.supplier,
            erp: args.erp,
            warranty: args.warranty,
            map: args.map,
            scope: args.scope,
            as_of: args.as_of,
            grace_days: args.grace_days,
            tiers: args.tiers,
            select: args.select,
            ignore: args.ignore,
            severity: args.severity,
            fail_on: args.fail_on,
            allow_disjoint: args.allow_disjoint,
            allow_recurring: args.allow_recurring,
            threads: args.threads,
            memory_limit: args.memory_limit,
            spill_dir: args.spill_dir,
            spill_limit: args.spill_limit,
            out,
            rejected_max: args.rejected_max,
            today: today(),
            endings: crate::ingest::endings(),
            ..Request::default()
        };
        Ok(resolve(&request, &codes, &crate::ingest::open)?)
    }
}

fn today() -> i32 {
    let seconds = jiff::Timestamp::now().as_second();
    i32::try_from(seconds.div_euclid(86_400)).expect("the clock shows a day of this age")
}

/// How the reason of a mapping ends that the configuration or a flag names.
const AS_ASKED: &str = "was asked for";

/// Says how columns were mapped, and why, where that was found out and not told.
pub fn mapping_text(plan: &Plan) -> String {
    let mut text = String::new();
    for source in &plan.sources {
        let Some(file) = source.files.first() else { continue };
        let files = source.files.len();
        text += &format!(
            "{} ({}, grain {}): {} file{}\n",
            source.source.name,
            source.source.role,
            source.source.grain,
            files,
            if files == 1 { "" } else { "s" }
        );
        // What was told needs no reason; what was found out does.
        for mapped in file.mapping.iter().filter(|mapped| !mapped.reason.ends_with(AS_ASKED)) {
            text += &format!("  {:<16} {}\n", mapped.field.name(), mapped.reason);
        }
    }
    text += &format!("scope {:?}: {}\n", plan.scope.iter().map(|field| field.name()).collect::<Vec<_>>(), plan.scope_reason);
    plan.notes.iter().for_each(|note| text += &format!("note: {note}\n"));
    text
}
