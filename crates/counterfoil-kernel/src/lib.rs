//! Normalization, keys, partitions, rules and findings of counterfoil.
//!
//! The kernel is pure: no I/O, threads, clocks, environment or data-frame library. Any engine that can hand it
//! records can run it.

pub mod cogroup;
pub mod error;
pub mod evaluate;
pub mod finding;
pub mod guards;
pub mod key;
pub mod ledger;
pub mod limits;
pub mod lots;
pub mod map;
pub mod model;
pub mod nearby;
pub mod normalize;
pub mod number_set;
pub mod parameter;
pub mod record;
pub mod rules;
pub mod settled;
pub mod shown;
pub mod spelling;
pub mod sums;
pub mod tally;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
