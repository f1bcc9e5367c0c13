//! Integration tests: one binary, one module per subject.

#![allow(clippy::unwrap_used, reason = "a test stops where it can't go on")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod cases;
mod csv;
mod csv_reference;
mod csv_vectors;
mod demo;
mod determinism;
mod docs;
mod evidence;
mod faults;
mod harness;
mod ledger;
mod parity;
mod parquet;
mod tidy;
mod truth;
mod validate;
mod values;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The folder of the project. It is asked for when tests run: two checkouts may share a build folder, and the paths that were compiled in are those of one.
fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests").into());
    &ROOT
}
