//! How much memory a run may take, and how much it holds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use anyhow::Result;

use crate::fault::Fault;
use crate::pages::give_back_unused;

/// The share of the limit that records on their way to the rules may fill, in percent; the rest is for what comes after them.
pub const FILLED_PERCENT_MAX: u64 = 62;

/// The share of the limit from which on records make room again, in percent: what else a run holds grows while records come.
const CROWDED_PERCENT: u64 = 72;

/// The share of the memory there is that a run may fill unless it is told otherwise, in percent.
pub const PERCENT_DEFAULT: u64 = 60;

/// How much records may grow until the system is asked again what the process holds.
const ASKED_EVERY: u64 = 8 << 20;

/// After how many bytes that were read it is looked whether the process is inside the limit.
const CHECKED_EVERY: u64 = 8 << 20;

/// The limit of a run.
#[derive(Debug)]
pub struct Memory {
    limit: u64,
    /// What the process held at the start; `None`: only what is counted does.
    at_start: Option<u64>,
    /// What rows of findings may take where only what is counted does.
    rows: u64,
    /// What records take.
    taken: AtomicU64,
    /// What was read, about.
    read: AtomicU64,
    known: Mutex<Known>,
}

/// What is known of the memory of the process.
#[derive(Debug)]
struct Known {
    /// What it held when the system was asked last, and what records took then.
    asked: Option<(u64, u64)>,
    /// The allocator may keep memory that nothing is in.
    keeps_unused: bool,
}

impl Memory {
    /// Limits what the process holds to so many bytes.
    pub fn new(limit: u64) -> Self {
        Self { at_start: Some(held_bytes().unwrap_or(0)), ..Self::counted(limit, u64::MAX) }
    }

    /// Limits the bytes of records, and those that rows of findings are thought to take, whatever the process holds.
    pub const fn counted(limit: u64, rows: u64) -> Self {
        Self {
            limit,
            at_start: None,
            rows,
            taken: AtomicU64::new(0),
            read: AtomicU64::new(0),
            known: Mutex::new(Known { asked: None, keeps_unused: true }),
        }
    }

    /// Gives what counts against the limit, and the most of it that records may fill.
    fn held_and_most(&self) -> (u64, u64) {
        let taken = self.taken.load(Ordering::Relaxed);
        if self.at_start.is_none() {
            return (taken, self.limit);
        }
        let mut known = self.known();
        let (held, then) = match known.asked {
            Some((held, then)) if taken.abs_diff(then) < ASKED_EVERY => (held, then),
            _ => *known.asked.insert((held_bytes().unwrap_or(taken), taken)),
        };
        ((held + taken).saturating_sub(then), self.limit / 100 * FILLED_PERCENT_MAX)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no thread panics while it asks the system")
    }

    /// Has the allocator give back what it keeps of records that are gone, before there is said to be no room: once for each time that records go, because
    /// to ask it takes long, and there is no room again and again.
    fn claim_unused(&self) {
        let mut known = self.known();
        if std::mem::take(&mut known.keeps_unused) && self.at_start.is_some() {
            give_back_unused();
            known.asked = None;
        }
    }

    /// Tells whether so much is held, with all that is not records, that records must make room.
    pub fn is_crowded(&self) -> bool {
        let most = self.limit / 100 * CROWDED_PERCENT;
        self.at_start.is_some() && held_bytes().is_some_and(|held| held > most) && {
            give_back_unused();
            held_bytes().is_some_and(|held| held > most)
        }
    }

    /// Takes bytes for records if there is room for them.
    pub fn take(&self, bytes: u64) -> bool {
        let has_room = || {
            let (held, most) = self.held_and_most();
            held + bytes <= most
        };
        let has_room = has_room() || {
            self.claim_unused();
            has_room()
        };
        if has_room {
            self.taken.fetch_add(bytes, Ordering::Relaxed);
        }
        has_room
    }

    /// Gives the bytes that records take.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Gives bytes of records back.
    pub fn give_back(&self, bytes: u64) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
        self.known().keeps_unused = true;
    }

    /// Makes the error for a limit that leaves no room for so many bytes of records.
    pub fn exhausted(&self, bytes: u64) -> anyhow::Error {
        let (held, _) = self.held_and_most();
        // What is read yet brings more texts, so the figure leaves a quarter for them.
        self.too_small(if self.at_start.is_some() { (held + bytes) * 125 / FILLED_PERCENT_MAX } else { held + bytes })
    }

    /// Gives what is held by now, once records are given back; without what the allocator keeps for itself, where `bytes` more do not fit with it. `None` where
    /// only records count.
    fn held_beside(&self, bytes: u64) -> Option<u64> {
        let at_start = self.at_start?;
        let held = || held_bytes().unwrap_or(0).saturating_sub(self.taken()).max(at_start);
        if held() + bytes > self.limit {
            give_back_unused();
        }
        Some(held())
    }

    /// Gives how many bytes fit beside what is held by now, once records are given back, and at least whether `bytes` do.
    pub fn room(&self, bytes: u64) -> u64 {
        self.held_beside(bytes).map_or(self.rows, |held| self.limit.saturating_sub(held))
    }

    /// Makes sure that so many bytes fit beside what is held by now, once the records are given back.
    ///
    /// # Errors
    /// When they do not, with the limit that would do.
    pub fn check(&self, bytes: u64) -> Result<()> {
        let needed = self.held_beside(bytes).map_or(0, |held| held + bytes);
        // What is held differs a little from run to run: the limit that is named is to do in the next.
        if needed > self.limit { Err(self.too_small(needed + needed / 20)) } else { Ok(()) }
    }

    /// Makes sure that the process holds no more than the limit.
    ///
    /// # Errors
    /// When it holds more, with the limit that would do.
    pub fn check_held(&self) -> Result<()> {
        let is_over = || self.at_start.is_some() && held_bytes().is_some_and(|held| held > self.limit);
        if is_over() {
            give_back_unused();
        }
        if is_over() {
            self.known().asked = None;
            return Err(self.exhausted(0));
        }
        Ok(())
    }

    /// The same before each batch and before they are merged: of what was freed, each thread keeps what the next may have no use for.
    ///
    /// # Errors
    /// As above.
    pub fn check_batch(&self) -> Result<()> {
        if self.at_start.is_some() {
            rayon::broadcast(|_| give_back_unused());
        }
        self.check_held()
    }

    /// The same, once for some megabytes of those that are read: to ask the system takes as long as to read some kilobytes.
    ///
    /// # Errors
    /// As above.
    pub fn check_read(&self, bytes: u64) -> Result<()> {
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        if before / CHECKED_EVERY == (before + bytes) / CHECKED_EVERY { Ok(()) } else { self.check_held() }
    }

    fn too_small(&self, would_do: u64) -> anyhow::Error {
        too_small(self.limit, would_do)
    }
}

/// Makes the error for a limit that is too small, with what would do.
pub fn too_small(limit: u64, would_do: u64) -> anyhow::Error {
    let (limit, would_do) = (limit.div_ceil(1 << 20), (would_do.max(limit) >> 20) + 1);
    Fault::limit(format!("the memory limit of {limit} MiB is too small for this run, about {would_do} MiB would do: raise --memory-limit"))
}

/// Gives what this process holds in memory; `None` where the system does not tell.
pub fn held_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// Gives the most that this process held in memory; `None` where the system does not tell.
pub fn peak_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

fn status_bytes(name: &str) -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, name)
}

fn kilobytes(table: &str, name: &str) -> Option<u64> {
    let value = table.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Gives the memory that this process may fill: that of the machine, or of its control group where that is less; `None` where neither is known.
pub fn available_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|table| kilobytes(&table, "MemTotal:"));
    machine.into_iter().chain(group_bytes()).min()
}

/// Gives the least limit of the control groups that hold this process.
fn group_bytes() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().flat_map(limit_files).filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok()).min()
}

/// Lists the files that may hold the limit of a control group, from a line of `/proc/self/cgroup`, its own first.
///
/// # Source
/// The kernel's `cgroup-v2` and `cgroup-v1/memory` documents; a group without a limit holds the word `max`, or a number beyond any memory.
fn limit_files(line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { return Vec::new() };
    let (root, name) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|controller| controller == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return Vec::new(),
    };
    let group = Path::new(group.trim_start_matches('/'));
    group.ancestors().map(|group| Path::new(root).join(group).join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_taken_and_given_back() {
        for memory in [Memory::counted(1 << 40, u64::MAX), Memory::new((held_bytes().unwrap_or(0) + (1 << 40)) / FILLED_PERCENT_MAX * 100)]
        {
            assert!(memory.take(1 << 39));
            // Twice the limit, because the system is asked again, and does not know of what is taken here.
            assert!(!memory.take(1 << 41));
            memory.give_back(1 << 39);
            assert!(memory.take(1 << 39));
        }
        assert!(!Memory::new(1 << 10).take(1), "this process alone holds more");
    }

    #[test]
    fn a_limit_that_is_too_small_names_one_that_is_not() {
        let would_do = |error: anyhow::Error| {
            let text = error.to_string();
            assert!(text.starts_with("the memory limit of 1 MiB is too small for this run, about "), "{text}");
            text.split(' ').rev().find_map(|word| word.parse::<u64>().ok()).unwrap()
        };
        let memory = Memory::new(1 << 20);
        assert!(would_do(memory.exhausted(100 << 20)) > 100);
        assert!(would_do(memory.check(100 << 20).unwrap_err()) > 100);
        assert!(Memory::new(u64::MAX / 2).check(100 << 20).is_ok());
        assert!(Memory::counted(1, u64::MAX).check(2).is_ok());
    }

    #[test]
    fn tables_and_groups_of_the_system_are_read() {
        assert_eq!(kilobytes("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(kilobytes("VmRSS:\t12\n", "VmRSS:"), None);
        let files = |line| limit_files(line).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        assert_eq!(files("0::/a/b"), ["/sys/fs/cgroup/a/b/memory.max", "/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/memory.max"]);
        assert_eq!(files("5:cpu,memory:/"), ["/sys/fs/cgroup/memory/memory.limit_in_bytes"]);
        assert!(files("4:cpu:/").is_empty());
        assert!(files("").is_empty());
    }
}
