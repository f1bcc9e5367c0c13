//! `counterfoil reconcile`: run the audit.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use super::outputs::{Outputs, Put};
use super::plan_args::{PlanArgs, mapping_text};
use super::run_directory::{RunDirectory, folder_of, previous_manifest};
use crate::config::plan::Plan;
use crate::engine::evidence::Evidence;
use crate::engine::local::Found;
use crate::engine::{PHASES, Watch, local};
use crate::outcome::Outcome;
use crate::progress::{Gauges, Mode, Progress, Unit};
use crate::report::manifest::{ManifestInput, manifest};

const EXAMPLES: &str = "Examples:
  counterfoil reconcile --supplier shipments.parquet --erp stock.csv --warranty claims.csv
  counterfoil reconcile -c counterfoil.toml -o runs/november
  counterfoil reconcile -c counterfoil.toml --select SER,LOT001 --fail-on critical";

/// Arguments of `counterfoil reconcile`.
#[derive(Clone, Debug, Default, Args)]
#[command(before_help = EXAMPLES)]
pub struct ReconcileArgs {
    /// What is reconciled, and how.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Make exit code 1 a 0.
    #[arg(long, help_heading = "Rules")]
    pub exit_zero: bool,
    /// Folder of the run; it must not exist [default: runs/<UTC time>-<digest>].
    #[arg(long, short, value_name = "DIR", help_heading = "Outputs")]
    pub out: Option<PathBuf>,
    /// Write the summary to standard output as well.
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Outputs")]
    pub format: Format,
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
    let plan = args.plan.resolved(args.out.clone())?;
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

/// Connects the counters of the engine with the progress display.
fn watch(mode: Mode, plan: &Plan) -> Watch {
    let mut watch = Watch::default();
    let gauges = Gauges { memory_limit: plan.memory_limit, spilled: Arc::clone(&watch.spilled) };
    let progress = Progress::start(mode, &PHASES, gauges);
    let bytes: u64 = plan.sources.iter().flat_map(|source| &source.files).map(|file| file.input.bytes).sum();
    let phases = [
        (Arc::new(AtomicU64::new(bytes)), Unit::Bytes, &watch.ingest.bytes_done),
        (Arc::clone(&watch.partitions_total), Unit::Partitions, &watch.partitions_done),
        (Arc::clone(&watch.mentions_total), Unit::Records, &watch.mentions_read),
        (Arc::clone(&watch.rows_total), Unit::Rows, &watch.rows_written),
    ];
    let phases = phases.map(|(total, unit, done)| (total, unit, Arc::clone(done)));
    watch.on_phase = Box::new(move |name| {
        let Some(index) = PHASES.iter().position(|phase| *phase == name) else { return };
        let (total, unit, done) = &phases[index];
        progress.phase(index, total.load(Ordering::Relaxed), *unit, Arc::clone(done));
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
