//! Ctrl-C and termination: the first asks the run to stop, the second ends it at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::engine::Watch;

/// The signal that came last; 0 for none.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Makes the first signal cancel reading, and the second end the program.
///
/// # Errors
/// When the system takes no handlers.
pub fn cancel_on_signal(ingest: &Arc<AtomicBool>, evidence: &Arc<AtomicBool>) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        let register = || -> std::io::Result<()> {
            // Conditional first: it looks at the flag that the ones below set.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(ingest))?;
            signal_hook::flag::register(signal, Arc::clone(ingest))?;
            signal_hook::flag::register(signal, Arc::clone(evidence))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&SIGNAL), signal as usize)?;
            Ok(())
        };
        register().context("signals can't be handled")?;
    }
    Ok(())
}

/// Ends the run between phases when a signal came.
///
/// # Errors
/// When a signal came.
pub fn check(watch: &Watch) -> Result<()> {
    if watch.ingest.cancelled.load(Ordering::Relaxed) {
        anyhow::bail!("stopped by a signal");
    }
    Ok(())
}

/// Gives the exit code of the signal that stopped the run, if one did.
pub fn exit_code() -> Option<u8> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        signal => Some(128 + signal as u8),
    }
}
