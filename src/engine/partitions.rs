//! Partitions: records by the hash of their serial key, in chunks that workers fill alone.
//!
//! Chunks lie in slabs whose pages the system provides all at once: a fault for each page costs more than to clear it (22 million records: 5.96 CPU s for a run
//! with faults, 5.61 without). Huge pages are cleared far ahead of their use, outside the cache, and on virtual machines the host may have to find them first: 1.1 s of
//! system time instead of 0.8 s. Slabs come from the allocator, so that evidence and tables get their pages once all is judged: 3.41 CPU s, not 3.52.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow};
use bytemuck::Zeroable;
use counterfoil_kernel::cogroup::Piece;
use counterfoil_kernel::record::{CompactRecord, Record, Setting};
use counterfoil_kernel::sums::Quantities;

use super::spill::{Spill, SpillFile, Stretch, pack, put_quantities, quantities_of, unpack};
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

/// How many partitions ahead the disk is told what will be read: it has stretches of some hundred kilobytes, and is faster with many of them to choose from.
const ANNOUNCED: usize = 8;

/// What the workers of a run share: the memory for records, and which partitions stay in it where it does not hold all.
pub struct Room {
    /// The limit of the run.
    pub memory: Arc<Memory>,
    /// One past the last partition that stays in memory: it falls when memory runs out.
    end: AtomicUsize,
    spill: Arc<Spill>,
}

impl Room {
    /// Keeps all of so many partitions in memory as far as it lasts.
    pub const fn new(partitions: usize, memory: Arc<Memory>, spill: Arc<Spill>) -> Self {
        Self { memory, end: AtomicUsize::new(partitions), spill }
    }

    fn end(&self) -> usize {
        self.end.load(Ordering::Relaxed)
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
    /// Chunks whose records were spilled.
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

    /// Gives half of the memory back; no chunk holds records.
    fn give_half_back(&mut self) {
        let kept = self.slabs.len().div_ceil(2);
        self.memory.give_back(((self.slabs.len() - kept) * SLAB_BYTES) as u64);
        self.slabs.truncate(kept);
        self.used = kept * SLAB_CHUNKS;
        self.free = (0..self.used as u32).rev().collect();
    }

    /// Counts the chunks that hold records.
    const fn taken(&self) -> usize {
        self.used - self.free.len()
    }

    /// Gives the first records of a chunk.
    fn records(&self, chunk: u32, count: usize) -> &[CompactRecord] {
        &self.slabs[chunk as usize / SLAB_CHUNKS][chunk as usize % SLAB_CHUNKS].0[..count]
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
    /// Records that were spilled, and where.
    spilled: Vec<(usize, Stretch)>,
    /// Where quantities were spilled.
    spilled_quantities: Vec<Stretch>,
}

impl Filling {
    /// Lists its chunks with how many records each holds.
    fn held(&self) -> impl Iterator<Item = (u32, usize)> {
        let of = |(at, &chunk)| (chunk, if at + 1 == self.chunks.len() { self.in_last as usize } else { CHUNK_RECORDS });
        self.chunks.iter().enumerate().map(of)
    }
}

/// The chunks that one worker fills.
pub struct Scatter {
    shift: u32,
    room: Arc<Room>,
    slabs: Slabs,
    spilled: SpillFile,
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
    pub fn new(bits: u32, room: Arc<Room>) -> Result<Self> {
        let count = 1 << bits;
        Ok(Self {
            shift: 64 - bits,
            slabs: Slabs::new(Arc::clone(&room.memory))?,
            spilled: SpillFile::new(Arc::clone(&room.spill)),
            room,
            fillings: vec![Filling::default(); count],
            waiting: vec![[CompactRecord::zeroed(); WAITING_RECORDS]; count],
            waiting_counts: vec![0; count],
            quantities: vec![Vec::new(); count],
        })
    }

    /// Adds a record, given the mixed key of its serial.
    ///
    /// # Errors
    /// When there is no room for more records, in memory or on the disk.
    #[inline]
    pub fn push(&mut self, record: CompactRecord, mixed: u64) -> Result<()> {
        let partition = (mixed >> self.shift) as usize;
        let waiting = &mut self.waiting_counts[partition];
        // There is always room for one more: a full batch does not wait.
        self.waiting[partition][usize::from(*waiting) % WAITING_RECORDS].set(&record);
        *waiting += 1;
        if usize::from(*waiting) == WAITING_RECORDS { self.flush(partition) } else { Ok(()) }
    }

    /// Notes the quantity of a record, given the mixed key of its serial and its reference.
    pub fn push_quantity(&mut self, mixed: u64, reference: u64, quantity: i64) {
        self.quantities[(mixed >> self.shift) as usize].push((reference, quantity));
    }

    fn flush(&mut self, partition: usize) -> Result<()> {
        // Chunks hold a whole number of batches; a shorter batch comes last.
        if self.fillings[partition].chunks.is_empty() || self.fillings[partition].in_last as usize == CHUNK_RECORDS {
            let chunk = self.chunk()?;
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

    /// Takes a chunk, and spills records where there is none left.
    fn chunk(&mut self) -> Result<u32> {
        if let Some(chunk) = self.slabs.chunk()? {
            return Ok(chunk);
        }
        self.spill()?;
        Ok(self.slabs.chunk()?.expect("spilled records leave chunks"))
    }

    /// Spills the records of the partitions that do not stay in memory: more of them where those few have little by now, because many records that are
    /// spilled together are read together.
    #[cold]
    fn spill(&mut self) -> Result<()> {
        /// The least share of a worker's chunks to spill: one in so many.
        const SPILLED_SHARE: usize = 8;
        let is_crowded = self.room.memory.is_crowded();
        let mut end = if is_crowded { 0 } else { self.room.end() };
        let held = |end: usize| self.fillings[end..].iter().map(|filling| filling.chunks.len()).sum::<usize>();
        while held(end) * SPILLED_SHARE < self.slabs.taken() {
            let half = end / 2;
            end = self.room.end.fetch_min(half, Ordering::Relaxed).min(half);
        }
        for (filling, quantities) in self.fillings[end..].iter_mut().zip(&mut self.quantities[end..]) {
            let count = filling.held().map(|(_, count)| count).sum();
            if count > 0 {
                let stretch = self.spilled.append(|bytes| {
                    filling.held().for_each(|(chunk, count)| pack(self.slabs.records(chunk, count), bytes));
                })?;
                filling.spilled.push((count, stretch));
                self.slabs.free.append(&mut filling.chunks);
            }
            if !quantities.is_empty() {
                filling.spilled_quantities.push(self.spilled.append(|bytes| put_quantities(quantities, bytes))?);
                *quantities = Vec::new();
            }
        }
        if is_crowded {
            self.slabs.give_half_back();
        }
        Ok(())
    }

    /// Ends filling; `settings` are those of the records, by number.
    ///
    /// # Errors
    /// When there is no room for the rest.
    pub fn finish(mut self, settings: Vec<Setting>) -> Result<Filled> {
        for partition in 0..self.fillings.len() {
            if self.waiting_counts[partition] > 0 {
                self.flush(partition)?;
            }
        }
        self.spilled.write()?;
        Ok(Filled { slabs: self.slabs, spilled: self.spilled, fillings: self.fillings, quantities: self.quantities, settings })
    }
}

/// What one worker filled.
pub struct Filled {
    slabs: Slabs,
    spilled: SpillFile,
    fillings: Vec<Filling>,
    quantities: Vec<Vec<(u64, i64)>>,
    /// The settings of its records, by number.
    pub settings: Vec<Setting>,
}

/// The records of one partition, or those of them that are in memory.
#[derive(Clone, Default)]
pub struct Partition<'a> {
    /// Its number.
    pub number: usize,
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

/// All partitions, as the workers of a run filled them.
pub struct Partitions {
    workers: Vec<Filled>,
    count: usize,
}

/// Buffers for the records of a partition that were spilled.
#[derive(Default)]
pub struct Loaded {
    bytes: Vec<u8>,
    /// By worker.
    records: Vec<Vec<CompactRecord>>,
}

impl Partitions {
    /// Takes together what workers filled.
    pub const fn new(workers: Vec<Filled>, bits: u32) -> Self {
        Self { workers, count: 1 << bits }
    }

    /// Counts them.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Lends what each worker filled.
    pub fn workers(&self) -> &[Filled] {
        &self.workers
    }

    /// Gives of the first `count` partitions the records that are in memory.
    pub fn held(&self, count: usize) -> Vec<Partition<'_>> {
        let mut partitions: Vec<Partition<'_>> = (0..count).map(|number| Partition { number, ..Partition::default() }).collect();
        for (number, worker) in (0..).zip(&self.workers) {
            let mut owners = vec![(0_usize, 0_usize); worker.slabs.used];
            for (partition, filling) in worker.fillings[..count].iter().enumerate() {
                filling.held().for_each(|(chunk, records)| owners[chunk as usize] = (partition, records));
            }
            for (chunk, (partition, records)) in worker.slabs.chunks().zip(owners).filter(|(_, (_, records))| *records > 0) {
                partitions[partition].pieces.push(Piece { records: &chunk[..records], settings: &worker.settings });
                partitions[partition].workers.push(number);
            }
            for (partition, quantities) in partitions.iter_mut().zip(&worker.quantities) {
                partition.quantities.0.extend_from_slice(quantities);
            }
        }
        partitions.iter_mut().for_each(|partition| partition.quantities.sort());
        partitions
    }

    /// Shows a partition with all its records, given those in memory.
    ///
    /// # Errors
    /// When records were spilled, and the disk does not give them back.
    pub fn show<T>(&self, held: &Partition<'_>, loaded: &mut Loaded, look: impl FnOnce(&Partition<'_>) -> T) -> Result<T> {
        let spilled = |number: usize| self.workers.iter().map(move |worker| (worker, &worker.fillings[number]));
        if spilled(held.number).all(|(_, filling)| filling.spilled.is_empty() && filling.spilled_quantities.is_empty()) {
            return Ok(look(held));
        }
        // The disk works while this one and the next are looked at.
        if held.number + ANNOUNCED < self.count {
            for (worker, filling) in spilled(held.number + ANNOUNCED) {
                let quantities = filling.spilled_quantities.iter();
                filling.spilled.iter().map(|(_, stretch)| stretch).chain(quantities).for_each(|&stretch| worker.spilled.announce(stretch));
            }
        }
        let mut quantities = held.quantities.clone();
        let Loaded { bytes, records } = loaded;
        records.resize_with(self.workers.len(), Vec::new);
        for ((worker, filling), records) in spilled(held.number).zip(records.iter_mut()) {
            records.clear();
            for &(count, stretch) in &filling.spilled {
                let before = records.len();
                bytes.clear();
                worker.spilled.read(stretch, bytes)?;
                unpack(bytes, records);
                assert_eq!(records.len() - before, count, "what was spilled comes back");
            }
            for &stretch in &filling.spilled_quantities {
                bytes.clear();
                worker.spilled.read(stretch, bytes)?;
                quantities.0.extend(quantities_of(bytes));
            }
        }
        quantities.sort();
        let mut whole = Partition { number: held.number, pieces: held.pieces.clone(), workers: held.workers.clone(), quantities };
        for (number, (worker, records)) in (0..).zip(self.workers.iter().zip(records)).filter(|(_, (_, records))| !records.is_empty()) {
            whole.pieces.push(Piece { records, settings: &worker.settings });
            whole.workers.push(number);
        }
        Ok(look(&whole))
    }
}
