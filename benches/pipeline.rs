//! Whole runs, from files to a run directory, with synthetic records: `cargo bench --bench pipeline`, or `-- 1e5` for the small ones alone.
//!
//! The data is made once and kept in the build folder.

#![allow(missing_docs, reason = "the macros of criterion make functions without")]

use std::path::{Path, PathBuf};

use counterfoil::cli::reconcile::{Written, execute};
use counterfoil::config::plan::Plan;
use counterfoil::config::{Request, resolve};
use counterfoil::engine::Watch;
use counterfoil::ingest;
use counterfoil::synth::{Format, Options, generate};
use counterfoil_kernel::rules::CATALOGUE;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Records of a thousand units: some more than two, because some have claims and some are told twice.
const RECORDS_OF_1000_UNITS: u64 = 2_243;

/// Makes a data set of about so many records, unless it is there.
fn data(records: u64, format: Format, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pipeline-{records}-{name}"));
    if !folder.join("counterfoil.toml").exists() {
        let _ = std::fs::remove_dir_all(&folder);
        let options = Options { format, ..Options::new(1, records * 1_000 / RECORDS_OF_1000_UNITS, folder.clone()) };
        generate(&options).expect("the build folder takes the data");
    }
    folder
}

fn plan(data: &Path) -> Plan {
    let request = Request { config: Some(data.join("counterfoil.toml")), endings: ingest::endings(), ..Request::default() };
    let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.code).collect();
    resolve(&request, &codes, &|path, options| ingest::open(path, options)).expect("the configuration is that of the data")
}

/// Runs a plan into a folder that is gone with what is given.
fn run(plan: &Plan) -> (Written, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("there is a place for the outputs");
    let plan = Plan { out: Some(folder.path().join("run")), ..plan.clone() };
    (execute(&plan, &Watch::default()).expect("the data is sound"), folder)
}

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.sample_size(10);
    for records in [100_000, 1_000_000, 10_000_000_u64] {
        for (format, name) in [(Format::Parquet, "parquet"), (Format::Csv, "csv")] {
            group.throughput(Throughput::Elements(records));
            group.bench_function(format!("{:.0e}/{name}", records as f64), |bencher| {
                let plan = plan(&data(records, format, name));
                bencher.iter_with_large_drop(|| run(&plan));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
