//! counterfoil reconciles the records that different parties keep of the same serialized and lot-tracked goods.

pub mod cli;
pub mod config;
pub mod ingest;
pub mod outcome;
pub mod synth;
