//! The hash map and set of the project: ahash in memory, never in anything stored or compared between machines.

/// A hash map with the project's in-memory hasher. Never iterate it into an output.
#[expect(clippy::disallowed_types, reason = "the one place that names the std map, to give it our hasher")]
pub type Map<K, V> = std::collections::HashMap<K, V, ahash::RandomState>;

/// A hash set with the project's in-memory hasher. Never iterate it into an output.
#[expect(clippy::disallowed_types, reason = "the one place that names the std set, to give it our hasher")]
pub type Set<K> = std::collections::HashSet<K, ahash::RandomState>;
