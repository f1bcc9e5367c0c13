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
