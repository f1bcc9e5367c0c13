//! Integration tests: one binary, one module per subject.

mod csv;
mod csv_reference;
