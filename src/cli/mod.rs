//! The command line: one file per subcommand.

pub mod explain;
pub mod outputs;
pub mod plan_args;
pub mod reconcile;
pub mod resources;
pub mod run_directory;
pub mod signals;
pub mod synth;
pub mod validate;

use std::io::{IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context as _, Result};
use clap::{CommandFactory, Parser, Subcommand};

use crate::config::ConfigError;
use crate::fault::{Cause, cause_of};

const ABOUT: &str = "Reconciles supplier, ERP and warranty records: duplicate serials, mismatched lots, orphaned units.";
const EXAMPLES: &str = "Examples:
  counterfoil reconcile --supplier shipments.parquet --erp stock.csv --warranty claims.csv
  counterfoil explain SER001
  counterfoil synth --units 100000 --out demo";
const EXIT_CODES: &str =
    "Exit codes: 0 clean; 1 findings at or above --fail-on; 2 usage or configuration; 3 input; 4 incomplete; 5 internal; 130, 143 signals.
No network, no telemetry.";

#[derive(Parser)]
#[command(name = "counterfoil", version, about = ABOUT, before_help = EXAMPLES, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the audit: read all sources, judge, and write a run directory.
    #[command(alias = "run")]
    Reconcile(Box<reconcile::ReconcileArgs>),
    /// Check configuration, headers and samples, and estimate time, memory and disk of a run.
    Validate(Box<validate::ValidateArgs>),
    /// Tell what a rule finds, why it matters, and what to do.
    Explain(explain::ExplainArgs),
    /// Make synthetic sources with planted, labelled defects and their truth.
    Synth(synth::SynthArgs),
}

/// Gives the command line as clap knows it, for the documentation.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program and gives its exit code.
pub fn main() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is no error.
            let _ = error.print();
            return error.exit_code() as u8;
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| match &arguments.command {
        Command::Reconcile(args) => reconcile::run(args),
        Command::Validate(args) => validate::run(args).map(|()| 0),
        Command::Explain(args) => explain::run(args),
        Command::Synth(args) => synth::run(args).map(|()| 0),
    }));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => failed(&error),
        Err(_) => {
            say("counterfoil: internal error: the run stopped and wrote no report; please report it with the lines above\n");
            Cause::Internal.exit_code()
        }
    }
}

/// Says an error once, and gives its exit code.
fn failed(error: &anyhow::Error) -> u8 {
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        say(&format!("{}\n", config.render(is_coloured()).trim_end()));
        return config.exit_code();
    }
    if let Some(code) = signals::exit_code() {
        say("counterfoil: stopped by a signal; nothing was written\n");
        return code;
    }
    if is_closed_pipe(error) {
        return 0;
    }
    say(&format!("counterfoil: {error:#}\n"));
    cause_of(error).exit_code()
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Talks: to standard error. A closed one is no error.
pub fn say(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Hands data over: to standard output.
///
/// # Errors
/// When it is closed or full.
pub fn print(data: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(data).and_then(|()| stdout.flush()).context("standard output can't be written")
}

/// Tells whether talk may be coloured.
pub fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
