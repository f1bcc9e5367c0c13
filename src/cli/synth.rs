//! `counterfoil synth`: synthetic sources with planted, labelled defects and their truth.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::fault::Fault;
use crate::synth::{BLOCK_UNITS, Format, Options, Rates, check, days_of, generate};

/// The kind of files that `synth` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SynthFormat {
    /// Parquet.
    Parquet,
    /// Delimited text.
    Csv,
    /// Parquet, every third file of a source delimited text.
    Mixed,
}

/// An example for the help: the data set of `data/demo`, about 210,000 records in 6.7 MB with every kind of defect.
const EXAMPLE: &str = "Example, every kind of defect as delimited text and Parquet:\n  \
    counterfoil synth --seed 20260630 --units 88000 --format mixed --files-per-source 6 \\\n    \
    --defects RUN001=0.0003 --foreign-lots --numeric-column --repeated-file --out demo";

/// Arguments of `counterfoil synth`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct SynthArgs {
    /// Folder to write; it must not hold anything.
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
    /// Seed: the same seed and options give the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Physical units; about 2.3 records each.
    #[arg(long, short = 'n', default_value_t = 100_000)]
    pub units: u64,
    /// Kind of files.
    #[arg(long, value_enum, default_value_t = SynthFormat::Parquet)]
    pub format: SynthFormat,
    /// Share of units in which a defect is planted, by code; "all" for every code, LOT003/lot per lot, RUN001 per line.
    #[arg(long, alias = "rates", value_name = "CODE=RATE", value_delimiter = ',')]
    pub defects: Vec<String>,
    /// Suppliers [default: one per five items, 8 to 120].
    #[arg(long)]
    pub suppliers: Option<u32>,
    /// Items [default: one per 500 units, 20 to 2,000].
    #[arg(long)]
    pub items: Option<u32>,
    /// Files per source.
    #[arg(long, default_value_t = 4)]
    pub files_per_source: usize,
    /// Day of the run: nothing happens later.
    #[arg(long, value_name = "DATE", default_value = "2026-06-30")]
    pub as_of: String,
    /// Threads [default: one per processor].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Add a supplier and an ERP source whose lots are of different kinds (LOT006).
    #[arg(long)]
    pub foreign_lots: bool,
    /// Add an ERP file whose serials are stored as numbers (IDN005).
    #[arg(long)]
    pub numeric_column: bool,
    /// Deliver the last supplier file twice (RUN003).
    #[arg(long)]
    pub repeated_file: bool,
}

/// Makes a synthetic data set and says what it holds.
///
/// # Errors
/// When an argument is out of bounds, the folder holds something, or a file can't be written.
pub fn run(args: &SynthArgs) -> Result<()> {
    let usage = |error: anyhow::Error| Fault::usage(format!("{error:#}"));
    let no_day = || Fault::usage(format!("as-of date \"{}\" is no day: write YYYY-MM-DD", args.as_of));
    let as_of = days_of(&args.as_of).ok_or_else(no_day)?;
    let mut rates = Rates::default();
    rates.set(args.defects.iter().map(String::as_str)).map_err(usage)?;
    let options = Options {
        seed: args.seed,
        units: args.units,
        format: match args.format {
            SynthFormat::Parquet => Format::Parquet,
            SynthFormat::Csv => Format::Csv,
            SynthFormat::Mixed => Format::Mixed,
        },
        out: args.out.clone(),
        rates,
        suppliers: args.suppliers,
        items: args.items,
        files_per_source: args.files_per_source,
        as_of,
        threads: args.threads.unwrap_or_default(),
        foreign_lots: args.foreign_lots,
        numeric_column: args.numeric_column,
        repeated_file: args.repeated_file,
        block_units: BLOCK_UNITS,
    };
    check(&options).map_err(usage)?;
    let summary = generate(&options)?;
    for feed in &summary.feeds {
        eprintln!("{}: {} records", feed.name(), summary.ledger.read(*feed));
    }
    eprintln!("truth: {} findings", summary.findings.len());
    eprintln!("run it: counterfoil reconcile -c {}", args.out.join("counterfoil.toml").display());
    Ok(())
}
