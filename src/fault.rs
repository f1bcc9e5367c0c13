//! What stops a run, and the exit code it means.

use counterfoil_kernel::error::KernelError;

/// Why a run stopped, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Usage or configuration: exit 2.
    Usage,
    /// Input: exit 3.
    Input,
    /// A limit was reached: exit 4.
    Incomplete,
    /// An invariant broke: exit 5.
    Internal,
}

impl Cause {
    /// Gives the exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Input => 3,
            Self::Incomplete => 4,
            Self::Internal => 5,
        }
    }
}

/// An error with a known cause.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// Why the run stopped.
    pub cause: Cause,
    /// What is said.
    pub text: String,
}

impl Fault {
    /// Makes an error about what was asked for.
    pub fn usage(text: impl Into<String>) -> anyhow::Error {
        Self { cause: Cause::Usage, text: text.into() }.into()
    }

    /// Makes an error about input.
    pub fn input(text: impl Into<String>) -> anyhow::Error {
        Self { cause: Cause::Input, text: text.into() }.into()
    }

    /// Makes an error about a limit that was reached.
    pub fn limit(text: impl Into<String>) -> anyhow::Error {
        Self { cause: Cause::Incomplete, text: text.into() }.into()
    }

    /// Makes an error about a broken invariant.
    pub fn internal(text: impl Into<String>) -> anyhow::Error {
        Self { cause: Cause::Internal, text: text.into() }.into()
    }
}

/// Finds the cause of an error: what it says itself, a broken invariant of the kernel, a full disk; else the input is to blame.
pub fn cause_of(error: &anyhow::Error) -> Cause {
    for cause in error.chain() {
        if let Some(fault) = cause.downcast_ref::<Fault>() {
            return fault.cause;
        }
        if cause.downcast_ref::<KernelError>().is_some() {
            return Cause::Internal;
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge)
        {
            return Cause::Incomplete;
        }
    }
    Cause::Input
}
