//! Named maxima: every queue, batch and table of the kernel has one.

/// The most sources of one run. A source index fits in seven bits of a record.
pub const SOURCES_MAX: usize = 127;

/// The most records of one file: a record number fits in 32 bits.
pub const FILE_RECORDS_MAX: u64 = u32::MAX as u64;
