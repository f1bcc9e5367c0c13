//! The naive oracle, text cases and random data sets, for the tests of this and other crates.
//!
//! The oracle follows `docs/guide/semantics.md` sentence by sentence and shares no code with the engine but the words of
//! [`crate::model`]: where the two disagree, one of them misreads the page.

pub mod case;
pub mod naive;
mod naive_identifiers;
mod naive_ledger;
mod naive_lots;
mod naive_normalize;
mod naive_orphans;
mod naive_placeholders;
mod naive_records;
mod naive_serials;
mod naive_units;
pub mod strategies;
#[cfg(test)]
mod tests;
