//! counterfoil reconciles the records that different parties keep of the same serialized and lot-tracked goods.

pub mod cli;
pub mod config;
pub mod engine;
pub mod fault;
pub mod frames;
pub mod ingest;
pub mod memory;
pub mod outcome;
pub mod pages;
pub mod positioned;
pub mod progress;
pub mod report;
pub mod synth;
