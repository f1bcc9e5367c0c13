//! The configuration: `counterfoil.toml`, flags, and what both resolve to.

pub mod plan;
