//! Normalization, keys, partitions, rules and findings of counterfoil.
//!
//! The kernel is pure: no I/O, threads, clocks, environment or data-frame library. Any engine that can hand it
//! records can run it.

pub mod limits;
pub mod map;
pub mod model;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
