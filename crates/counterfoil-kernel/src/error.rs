//! The kernel's one error type.

/// What stops the kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// Two different serials have one hashed key.
    #[error("the serials {left:?} and {right:?} have one key: no finding may rest on it")]
    KeyCollision {
        /// One key form.
        left: String,
        /// The other.
        right: String,
    },
    /// The records that ended are not the records that were read.
    #[error("the ledger of {file} does not balance: {read} records read, {ended} ended ({what} differ)")]
    Ledger {
        /// The file.
        file: String,
        /// Records read.
        read: u64,
        /// Records that ended in a disposition.
        ended: u64,
        /// Counts, quantities or digests.
        what: &'static str,
    },
}
