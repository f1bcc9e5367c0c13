//! `counterfoil reconcile`: run the audit.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use counterfoil_kernel::rules::CATALOGUE;

use super::outputs::{Outputs, Put};
use super::run_directory::{RunDirectory, folder_of, previous_manifest};
use crate::config::plan::Plan;
use crate::config::{Request, resolve};
use crate::engine::evidence::Evidence;
use crate::engine::local::Found;
use crate::engine::{PHASES, Watch, local};
use crate::outcome::Outcome;
use crate::progress::{Mode, Progress, Unit};
use crate::report::manifest::{ManifestInput, manifest};

const EXAMPLES: &str = "Examples:
  counterfoil reconcile --supplier shipments.parquet --erp stock.csv --warranty claims.csv
  counterfoil reconcile -c counterfoil.toml -o runs/november
  counterfoil reconcile -c counterfoil.toml --select SER,LOT001 --fail-on critical";

/// Arguments of `counterfoil reconcile`.
#[derive(Clone, Debug, Default, Args)]
#[command(before_help = EXAMPLES)]
pub struct ReconcileArgs {
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
    /// Make exit code 1 a 0.
    #[arg(long, help_heading = "Rules")]
    pub exit_zero: bool,
    /// Folder of the run; it must not exist [default: runs/<UTC time>-<digest>].
    #[arg(long, short, value_name = "DIR", help_heading = "Outputs")]
    pub out: Option<PathBuf>,
    /// Write the summary to standard output as well.
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Outputs")]
    pub format: Format,
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
    /// How progress is shown.
    #[arg(long, value_enum, default_value_t = Mode::Auto, help_heading = "Display")]
    pub progress: Mode,
    /// Say nothing but errors.
    #[arg(long, short, help_heading = "Display")]
    pub quiet: bool,
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Nothing: the summary goes to standard error.
    #[default]
    Text,
    /// The content of summary.json.
    Json,
}

/// A run that was written.
pub struct Written {
    /// Its directory.
    pub directory: PathBuf,
    /// What it found.
    pub outcome: Outcome,
    /// The exit code, before `--exit-zero`.
    pub exit_code: u8,
    /// What the run held: to free it takes a while, which a process that ends need not wait for.
    rest: (Found, Option<Evidence>),
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Configuration, input, limits and broken invariants: see [`crate::fault::cause_of`].
pub fn run(args: &ReconcileArgs) -> Result<u8> {
    let plan = plan(args)?;
    let mode = if args.quiet { Mode::None } else { args.progress };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(plan.threads).build().context("the thread pool can't be started")?;
    if !args.quiet {
        super::say(&mapping_text(&plan));
    }
    let watch = watch(mode, &plan);
    super::signals::cancel_on_signal(&watch.ingest.cancelled, &watch.evidence.cancelled)?;
    let written = pool.install(|| execute(&plan, &watch));
    drop(watch);
    let written = written?;
    if !args.quiet {
        let report = written.directory.join("report.html");
        super::say(&crate::report::terminal::terminal(&written.outcome, &report, super::is_coloured()));
    }
    if args.format == Format::Json {
        let printed = super::print(&crate::report::summary::render(&written.outcome));
        printed.with_context(|| format!("the run is complete in {}, but its summary was not printed", written.directory.display()))?;
    }
    let exit_code = if args.exit_zero && written.exit_code == 1 { 0 } else { written.exit_code };
    std::mem::forget(written.rest);
    Ok(exit_code)
}

fn plan(args: &ReconcileArgs) -> Result<Plan> {
    let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
    let args = args.clone();
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
        out: args.out,
        rejected_max: args.rejected_max,
        today: today(),
        endings: crate::ingest::endings(),
        ..Request::default()
    };
    Ok(resolve(&request, &codes, &crate::ingest::open)?)
}

fn today() -> i32 {
    let seconds = jiff::Timestamp::now().as_second();
    i32::try_from(seconds.div_euclid(86_400)).expect("the clock shows a day of this age")
}

/// How the reason of a mapping ends that the configuration or a flag names.
const AS_ASKED: &str = "was asked for";

/// Says how columns were mapped, and why, where that was found out and not told.
fn mapping_text(plan: &Plan) -> String {
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

/// Connects the counters of the engine with the progress display.
fn watch(mode: Mode, plan: &Plan) -> Watch {
    let mut watch = Watch::default();
    let progress = Progress::start(mode, &PHASES);
    let bytes = plan.sources.iter().flat_map(|source| &source.files).map(|file| file.input.bytes).sum();
    let ingest = watch.ingest.bytes_done.clone();
    let (partitions, records) = (watch.partitions_done.clone(), watch.evidence.records_done.clone());
    let files = watch.files_written.clone();
    let total = watch.partitions_total.clone();
    watch.on_phase = Box::new(move |name| {
        let Some(index) = PHASES.iter().position(|phase| *phase == name) else { return };
        match index {
            0 => progress.phase(0, bytes, Unit::Bytes, ingest.clone()),
            1 => progress.phase(1, total.load(Ordering::Relaxed), Unit::Partitions, partitions.clone()),
            2 => progress.phase(2, 0, Unit::Records, records.clone()),
            _ => progress.phase(index, 0, Unit::Files, files.clone()),
        }
    });
    watch
}

/// Runs a plan and writes its directory, on the current rayon pool.
///
/// # Errors
/// As [`run`]; nothing that looks complete is left behind.
pub fn execute(plan: &Plan, watch: &Watch) -> Result<Written> {
    let started = jiff::Timestamp::now();
    let clock = Instant::now();
    let config_digest = blake3::hash(plan.resolved.to_string().as_bytes()).to_hex().to_string();
    let mut run_id = format!("{}-{}", started.strftime("%Y-%m-%dT%H%M%SZ"), &config_digest[..6]);
    let out = plan.out.clone().unwrap_or_else(|| {
        // A run of the same second has its own name.
        let mut names = std::iter::once(run_id.clone()).chain((2..).map(|number| format!("{run_id}-{number}")));
        run_id = names.find(|name| !Path::new("runs").join(name).exists()).expect("numbers do not end");
        Path::new("runs").join(&run_id)
    });
    let mut directory = RunDirectory::create(&out)?;

    let found = local::run(plan, plan.spill_dir.as_deref().unwrap_or_else(|| directory.partial()), watch)?;
    super::signals::check(watch)?;
    let outputs = Outputs { plan, found: &found, watch, directory: &directory, run_id, config_digest };
    let Put { files, mut outcome, evidence } = outputs.put()?;
    directory.list(files);
    outcome.resources = super::resources::resources(started.to_string(), clock, plan.threads, found.spill.taken(), watch.phases());
    let exit_code = u8::from(outcome.failing > 0);
    let previous = previous_manifest(folder_of(&out), started);
    let input = ManifestInput {
        resolved: &plan.resolved,
        outputs: directory.files(),
        previous: previous.as_deref(),
        exit_code: i32::from(exit_code),
    };
    let manifest = manifest(&outcome, &input);
    directory.finish(&manifest)?;
    Ok(Written { directory: out, outcome, exit_code, rest: (found, evidence) })
}
