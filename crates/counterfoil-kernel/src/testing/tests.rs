//! Hand-written cases for every row of the rules table of the semantics, and proof that random data sets reach every finding.

mod documentation;
mod identifiers;
mod lots;
mod orphans;
mod reach;
mod serials;
mod shown;
mod text;
