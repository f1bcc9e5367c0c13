//! The configuration: `counterfoil.toml`, flags, and what both resolve to.

pub mod diagnostic;
pub mod discover;
pub mod file;
pub mod plan;
pub mod vocabulary;
