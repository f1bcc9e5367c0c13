//! What a run cost, as the system tells.

use std::time::Instant;

use crate::memory::peak_bytes;
use crate::outcome::Resources;

/// Ticks of processor time in a second, as Linux reports them to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Gathers what the run cost so far; what the system does not tell is 0.
pub fn resources(started: String, clock: Instant, threads: usize, spilled_bytes: u64, phases: Vec<(&'static str, f64)>) -> Resources {
    Resources {
        started,
        wall_s: clock.elapsed().as_secs_f64(),
        cpu_s: cpu_seconds(),
        peak_bytes: peak_bytes().unwrap_or(0),
        threads,
        spilled_bytes,
        phases,
    }
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in parentheses and may hold blanks; time is the 12th and 13th field after it.
    let ticks = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>());
    ticks.unwrap_or(0) as f64 / TICKS_PER_SECOND
}
