//! The configuration: `counterfoil.toml`, flags, and what both resolve to.

pub mod diagnostic;
pub mod discover;
pub mod file;
pub mod files;
mod mapping;
pub mod parameters;
pub mod plan;
pub mod reference;
pub mod resolve;
mod resolved;
mod settings;
mod sources;
pub mod vocabulary;

#[cfg(test)]
mod tests;

pub use diagnostic::{Code, ConfigError, ErrorKind};
pub use resolve::{Request, resolve};
