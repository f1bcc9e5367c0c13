//! The configuration: `counterfoil.toml`, flags, and what both resolve to.

pub mod diagnostic;
pub mod file;
pub mod plan;
