//! Partitions: records by the hash of their serial key, in chunks that workers fill alone.
//!
//! Chunks lie in slabs whose pages the system provides all at once: a fault for each page costs more than to clear it (22 million records: 5.96 CPU s for a run
//! with faults, 5.61 without). Huge pages are cleared far ahead of their use, outside the cache, and on virtual machines the host may have to find them first: 1.1 s of
//! system time instead of 0.8 s. Slabs come from the allocator, so that evidence and tables get their pages once all is judged: 3.41 CPU s, not 3.52.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow};
use bytemuck::Zeroable;
use counterfoil_kernel::cogroup::Piece;
use counterfoil_kernel::record::{CompactRecord, Record, Setting};
use counterfoil_kernel::sums::Quantities;

use crate::memory::Memory;
use crate::pages::populate;

/// Records of one chunk: 7 KiB.
const CHUNK_RECORDS: usize = 256;
/// Chunks of one slab: 896 KiB.
const SLAB_CHUNKS: usize = 128;
/// Bytes of one slab: the least that a worker takes.
pub const SLAB_BYTES: usize = SLAB_CHUNKS * size_of::<Chunk>();
/// Records that wait for a partition before they go to its chunk together: writes to hundreds of places at once would miss the nearest cache. So many fill
/// cache lines of 64 bytes to the end.
const WAITING_RECORDS: usize = 16;
const BATCH_BYTES: usize = WAITING_RECORDS * size_of::<CompactRecord>();

/// The partitions that a read keeps: all, or those of one group. What all workers share.
pub struct Kept {
    start: usize,
    /// One past the last: it falls when memory runs out, and then the rest is left to another read.
    end: AtomicUsize,
    memory: Arc<Memory>,
}

impl Kept {
    /// Keeps the partitions of `range` as far as memory lasts.
    pub const fn new(range: Range<usize>, memory: Arc<Memory>) -> Self {
        Self { start: range.start, end: AtomicUsize::new(range.end), memory }
    }

    /// Gives the partitions that are kept by now.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end.load(Ordering::Relaxed)
    }

    /// Tells whether these are all partitions.
    pub fn is_all(&self, bits: u32) -> bool {
        self.range() == (0..1 << bits)
    }

    /// Gives up half of the partitions that a worker knew to be kept, unless another worker has done so.
    fn give_up_half(&self, known: &Range<usize>) -> Result<()> {
        let half = known.start + known.len() / 2;
        if half == known.start {
            return Err(self.memory.exhausted(2 * SLAB_BYTES as u64));
        }
        self.end.fetch_min(half, Ordering::Relaxed);
        Ok(())
    }
}

/// Records of one partition that stand together, from the first byte of a cache line on.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Chunk([CompactRecord; CHUNK_RECORDS]);

/// The memory of one worker's chunks.
struct Slabs {
    memory: Arc<Memory>,
    slabs: Vec<Box<[Chunk]>>,
    used: usize,
    /// Chunks of partitions that were given up.
    free: Vec<u32>,
}

impl Slabs {
    /// Takes the first slab, without which a worker can keep nothing: another might take all.
    fn new(memory: Arc<Memory>) -> Result<Self> {
        let mut slabs = Self { memory, slabs: Vec::new(), used: 0, free: Vec::new() };
        if slabs.grow()? { Ok(slabs) } else { Err(slabs.memory.exhausted(SLAB_BYTES as u64)) }
    }

    /// Takes another slab, if there is memory for it.
    fn grow(&mut self) -> Result<bool> {
        let has_room = self.memory.take(SLAB_BYTES as u64);
        if has_room {
            let slab = bytemuck::allocation::try_zeroed_slice_box(SLAB_CHUNKS);
            let mut slab: Box<[Chunk]> = slab.map_err(|()| anyhow!("no memory for more records"))?;
            populate(bytemuck::cast_slice_mut(&mut slab));
            self.slabs.push(slab);
        }
        Ok(has_room)
    }

    /// Takes a chunk; `None` when memory runs out.
    fn chunk(&mut self) -> Result<Option<u32>> {
        if let Some(chunk) = self.free.pop() {
            return Ok(Some(chunk));
        }
        if self.used == self.slabs.len() * SLAB_CHUNKS && !self.grow()? {
            return Ok(None);
        }
        self.used += 1;
        Ok(Some((self.used - 1) as u32))
    }

    fn write(&mut self, chunk: u32, at: usize, records: &[CompactRecord]) {
        let (slab, index) = (chunk as usize / SLAB_CHUNKS, chunk as usize % SLAB_CHUNKS);
        let place: &mut [u8] = bytemuck::cast_slice_mut(&mut self.slabs[slab][index].0[at..at + records.len()]);
        let bytes: &[u8] = bytemuck::cast_slice(records);
        // Nearly all batches are full: their length is known, and so the copy needs no call.
        match (place.first_chunk_mut::<BATCH_BYTES>(), bytes.first_chunk::<BATCH_BYTES>()) {
            (Some(place), Some(bytes)) => *place = *bytes,
            _ => place.copy_from_slice(bytes),
        }
    }

    /// Lends all chunks, by number.
    fn chunks(&self) -> impl Iterator<Item = &[CompactRecord]> {
        self.slabs.iter().flatten().map(|chunk| &chunk.0[..])
    }
}

impl Drop for Slabs {
    fn drop(&mut self) {
        let bytes = (self.slabs.len() * SLAB_BYTES) as u64;
        self.slabs.clear();
        self.memory.give_back(bytes);
    }
}

/// What one worker has of one partition.
#[derive(Clone, Default)]
struct Filling {
    /// Its chunks; all but the last are full.
    chunks: Vec<u32>,
    /// Records in the last chunk.
    in_last: u32,
}

/// The chunks that one worker fills.
pub struct Scatter {
    shift: u32,
    kept: Arc<Kept>,
    /// The partitions that are kept, as this worker knows.
    range: Range<usize>,
    slabs: Slabs,
    fillings: Vec<Filling>,
    waiting: Vec<[CompactRecord; WAITING_RECORDS]>,
    /// By partition, how many wait: apart from the rest, so that all of them stay in the nearest cache.
    waiting_counts: Vec<u8>,
    quantities: Vec<Vec<(u64, i64)>>,
}

/// Chooses the number of partitions, as a power of two: enough for many threads, and beyond that few, because those that fill at the same time
/// lie apart in memory. Co-grouping cuts those that don't fit the cache into parts.
pub fn partition_bits(records_expected: u64) -> u32 {
    const RECORDS_LEAST: u64 = 16 * 1024;
    const RECORDS: u64 = 64 * 1024;
    const COUNT: u64 = 512;
    const BITS_MAX: u32 = 12;
    let count = (records_expected / RECORDS_LEAST).min(COUNT).max(records_expected / RECORDS).max(1);
    count.next_power_of_two().trailing_zeros().clamp(1, BITS_MAX)
}

impl Scatter {
    /// Makes empty partitions.
    ///
    /// # Errors
    /// When there is no memory for any record.
    pub fn new(bits: u32, kept: Arc<Kept>) -> Result<Self> {
        let count = 1 << bits;
        Ok(Self {
            shift: 64 - bits,
            range: kept.range(),
            slabs: Slabs::new(Arc::clone(&kept.memory))?,
            kept,
            fillings: vec![Filling::default(); count],
            waiting: vec![[CompactRecord::zeroed(); WAITING_RECORDS]; count],
            waiting_counts: vec![0; count],
            quantities: vec![Vec::new(); count],
        })
    }

    /// Adds a record, given the mixed key of its serial.
    ///
    /// # Errors
    /// When there is no memory for more records.
    #[inline]
    pub fn push(&mut self, record: CompactRecord, mixed: u64) -> Result<()> {
        let partition = (mixed >> self.shift) as usize;
        if !self.range.contains(&partition) {
            return Ok(());
        }
        let waiting = &mut self.waiting_counts[partition];
        // There is always room for one more: a full batch does not wait.
        self.waiting[partition][usize::from(*waiting) % WAITING_RECORDS].set(&record);
        *waiting += 1;
        if usize::from(*waiting) == WAITING_RECORDS { self.flush(partition) } else { Ok(()) }
    }

    /// Notes the quantity of a record, given the mixed key of its serial and its reference.
    pub fn push_quantity(&mut self, mixed: u64, reference: u64, quantity: i64) {
        let partition = (mixed >> self.shift) as usize;
        if self.range.contains(&partition) {
            self.quantities[partition].push((reference, quantity));
        }
    }

    fn flush(&mut self, partition: usize) -> Result<()> {
        // Chunks hold a whole number of batches; a shorter batch comes last.
        if self.fillings[partition].chunks.is_empty() || self.fillings[partition].in_last as usize == CHUNK_RECORDS {
            let Some(chunk) = self.chunk_for(partition)? else { return Ok(()) };
            self.fillings[partition].chunks.push(chunk);
            self.fillings[partition].in_last = 0;
        }
        let filling = &mut self.fillings[partition];
        let count = std::mem::take(&mut self.waiting_counts[partition]);
        let waiting = &self.waiting[partition][..usize::from(count)];
        let chunk = *filling.chunks.last().expect("one was pushed");
        self.slabs.write(chunk, filling.in_last as usize, waiting);
        filling.in_last += u32::from(count);
        Ok(())
    }

    /// Takes a chunk for a partition; `None` when the partition had to be given up.
    fn chunk_for(&mut self, partition: usize) -> Result<Option<u32>> {
        loop {
            if let Some(chunk) = self.slabs.chunk()? {
                return Ok(Some(chunk));
            }
            if self.kept.range() == self.range
                && let Err(error) = self.kept.give_up_half(&self.range)
            {
                // What is on its way when a run ends still comes, and goes nowhere.
                self.keep_up_to(self.range.start);
                return Err(error);
            }
            self.keep_up_to(self.kept.range().end);
            if partition >= self.range.end {
                return Ok(None);
            }
        }
    }

    /// Gives up the partitions from `end` on; their memory goes to the others.
    fn keep_up_to(&mut self, end: usize) {
        for partition in end..self.range.end {
            self.slabs.free.append(&mut self.fillings[partition].chunks);
            self.waiting_counts[partition] = 0;
            self.quantities[partition] = Vec::new();
        }
        self.range.end = end;
    }

    /// Ends filling; `settings` are those of the records, by number.
    ///
    /// # Errors
    /// When there is no memory for the rest.
    pub fn finish(mut self, settings: Vec<Setting>) -> Result<Filled> {
        for partition in 0..self.fillings.len() {
            if self.waiting_counts[partition] > 0 {
                self.flush(partition)?;
            }
        }
        Ok(Filled { slabs: self.slabs, fillings: self.fillings, quantities: self.quantities, settings })
    }
}

/// What one worker filled.
pub struct Filled {
    slabs: Slabs,
    fillings: Vec<Filling>,
    quantities: Vec<Vec<(u64, i64)>>,
    /// The settings of its records, by number.
    pub settings: Vec<Setting>,
}

/// The records of one partition.
#[derive(Default)]
pub struct Partition<'a> {
    /// Its records, in pieces.
    pub pieces: Vec<Piece<'a>>,
    /// The worker that filled each piece.
    pub workers: Vec<u32>,
    /// Their quantities that are not one.
    pub quantities: Quantities,
}

impl Partition<'_> {
    /// Counts its records.
    pub fn count(&self) -> usize {
        self.pieces.iter().map(|piece| piece.records.len()).sum()
    }

    /// Gives every record, whole.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.pieces.iter().flat_map(|piece| piece.records.iter().map(|record| record.with(&piece.settings[record.setting as usize])))
    }
}

/// Takes the partitions of `range` of all workers together.
pub fn collect(workers: &[Filled], range: Range<usize>) -> Vec<Partition<'_>> {
    let mut partitions: Vec<Partition<'_>> = range.clone().map(|_| Partition::default()).collect();
    for (number, worker) in (0..).zip(workers) {
        let mut owners = vec![(0_usize, 0_usize); worker.slabs.used];
        for (partition, filling) in worker.fillings[range.clone()].iter().enumerate() {
            for (at, &chunk) in filling.chunks.iter().enumerate() {
                let is_last = at + 1 == filling.chunks.len();
                owners[chunk as usize] = (partition, if is_last { filling.in_last as usize } else { CHUNK_RECORDS });
            }
        }
        for (chunk, (partition, records)) in worker.slabs.chunks().zip(owners).filter(|(_, (_, records))| *records > 0) {
            partitions[partition].pieces.push(Piece { records: &chunk[..records], settings: &worker.settings });
            partitions[partition].workers.push(number);
        }
        for (partition, quantities) in partitions.iter_mut().zip(&worker.quantities[range.clone()]) {
            partition.quantities.0.extend_from_slice(quantities);
        }
    }
    partitions.iter_mut().for_each(|partition| partition.quantities.sort());
    partitions
}
