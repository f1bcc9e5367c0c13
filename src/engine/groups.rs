//! Groups of partitions: those that fit into memory together. Where not all do, the inputs are read again for each group.
//!
//! Reading again needs no room on a disk, and gives the same records in the same form as the first read.

use std::ops::Range;
use std::sync::Arc;

use anyhow::Result;

use super::partitions::{Filled, Kept, Partition, collect};
use crate::memory::Memory;

/// The most groups: with more, a run would take so long that the limit is rather called too small.
const GROUPS_MAX: usize = 64;

/// Reads the inputs and keeps the records of some partitions.
pub type Reader<'a> = dyn Fn(&Arc<Kept>) -> Result<Vec<Filled>> + 'a;

/// The partitions of a run, group by group.
pub struct Groups<'a> {
    read: &'a Reader<'a>,
    memory: Arc<Memory>,
    partition_count: usize,
    /// The groups known by now; more follow where the last does not end with the last partition.
    ranges: Vec<Range<usize>>,
    /// How often the inputs were read.
    reads: u64,
    /// The group in memory, and what workers filled with it.
    loaded: (usize, Vec<Filled>),
}

/// A group in memory.
pub struct Group<'a> {
    /// Its partitions.
    pub partitions: Vec<Partition<'a>>,
    /// What each worker filled.
    pub filled: &'a [Filled],
    /// It begins with the first partition.
    pub is_first: bool,
}

impl<'a> Groups<'a> {
    /// Goes on from the first group, which is in memory.
    ///
    /// # Errors
    /// When it is so small that there would be too many groups.
    pub fn new(
        read: &'a Reader<'a>,
        memory: Arc<Memory>,
        partition_count: usize,
        first: Range<usize>,
        filled: Vec<Filled>,
    ) -> Result<Self> {
        let groups = Self { read, memory, partition_count, ranges: vec![first], reads: 1, loaded: (0, filled) };
        groups.check_width(0)?;
        Ok(groups)
    }

    /// Makes sure that the partitions make no more than [`GROUPS_MAX`] groups like the one in memory.
    fn check_width(&self, index: usize) -> Result<()> {
        let (range, least) = (&self.ranges[index], self.partition_count.div_ceil(GROUPS_MAX));
        if range.len() >= least || range.end == self.partition_count {
            return Ok(());
        }
        let bytes_of_one = self.memory.taken() / range.len() as u64;
        Err(self.memory.exhausted(bytes_of_one * (least - range.len()) as u64))
    }

    /// Counts the partitions of all groups.
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// Counts how often the inputs were read by now.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// Shows the first partitions: so many, or as many as the first group has.
    ///
    /// # Errors
    /// Those of `show`, and of reading again.
    pub fn first<T>(&mut self, partitions: usize, show: impl FnOnce(&Group<'_>) -> Result<T>) -> Result<T> {
        self.load(0)?;
        show(&self.group(partitions))
    }

    /// Shows every group.
    ///
    /// # Errors
    /// Those of `show`, and of reading again.
    pub fn each(&mut self, mut show: impl FnMut(&Group<'_>) -> Result<()>) -> Result<()> {
        let mut index = 0;
        loop {
            self.load(index)?;
            show(&self.group(self.partition_count))?;
            if self.ranges[index].end == self.partition_count {
                return Ok(());
            }
            index += 1;
        }
    }

    /// Gives what is in memory.
    pub fn into_filled(self) -> Vec<Filled> {
        self.loaded.1
    }

    /// Gives the group in memory, or so many of its partitions.
    fn group(&self, partitions: usize) -> Group<'_> {
        let (index, filled) = &self.loaded;
        let Range { start, end } = self.ranges[*index];
        Group { partitions: collect(filled, start..end.min(start + partitions)), filled, is_first: *index == 0 }
    }

    /// Brings a group into memory: one that is known, or the one behind them.
    fn load(&mut self, index: usize) -> Result<()> {
        if self.loaded.0 == index {
            return Ok(());
        }
        // The one in memory makes room.
        self.loaded.1.clear();
        let range = self.ranges.get(index).cloned().unwrap_or_else(|| {
            let last = &self.ranges[index - 1];
            last.end..self.partition_count.min(last.end + last.len())
        });
        let kept = Arc::new(Kept::new(range, Arc::clone(&self.memory)));
        let filled = (self.read)(&kept)?;
        self.reads += 1;
        // Other things may have taken memory since: then the group is smaller than it was.
        self.ranges.truncate(index);
        self.ranges.push(kept.range());
        self.loaded = (index, filled);
        self.check_width(index)
    }
}
