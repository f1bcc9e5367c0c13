//! Partitions: records by the hash of their serial key, in chunks that workers fill alone.

use counterfoil_kernel::cogroup::PARTITION_BITS_SKIPPED;
use counterfoil_kernel::key::mix;
use counterfoil_kernel::ledger::Quantities;
use counterfoil_kernel::record::Record;

/// Records of one chunk: 12 KiB.
const CHUNK_RECORDS: usize = 256;

/// The chunks that one worker fills.
pub struct Scatter {
    shift: u32,
    open: Vec<Vec<Record>>,
    full: Vec<Vec<Vec<Record>>>,
    quantities: Vec<Vec<(u64, i64)>>,
}

/// Chooses the number of partitions, as a power of two, so that one fits the cache.
pub fn partition_bits(records_expected: u64) -> u32 {
    const PARTITION_RECORDS: u64 = 16 * 1024;
    (records_expected / PARTITION_RECORDS).max(1).next_power_of_two().trailing_zeros().clamp(1, PARTITION_BITS_SKIPPED)
}

impl Scatter {
    /// Makes empty partitions.
    pub fn new(bits: u32) -> Self {
        let count = 1 << bits;
        Self {
            shift: 64 - bits,
            open: vec![Vec::new(); count],
            full: vec![Vec::new(); count],
            quantities: vec![Vec::new(); count],
        }
    }

    /// Adds a record; `quantity` is its quantity where that is not one.
    #[inline]
    pub fn push(&mut self, record: Record, quantity: Option<i64>) {
        let partition = (mix(record.key) >> self.shift) as usize;
        let open = &mut self.open[partition];
        if open.len() == open.capacity() {
            let filled = std::mem::replace(open, Vec::with_capacity(CHUNK_RECORDS));
            if !filled.is_empty() {
                self.full[partition].push(filled);
            }
        }
        open.push(record);
        if let Some(quantity) = quantity {
            self.quantities[partition].push((record.reference(), quantity));
        }
    }
}

/// The records of one partition.
#[derive(Default)]
pub struct Partition {
    /// Its records, in chunks.
    pub chunks: Vec<Vec<Record>>,
    /// Their quantities that are not one.
    pub quantities: Quantities,
}

impl Partition {
    /// Writes the records back in another order.
    pub fn rewrite(&mut self, records: &[Record]) {
        let mut rest = records;
        for chunk in &mut self.chunks {
            let (own, more) = rest.split_at(chunk.len());
            chunk.copy_from_slice(own);
            rest = more;
        }
        assert!(rest.is_empty(), "a partition keeps its records");
    }

    /// Gathers the records into one slice.
    pub fn gather(&self, out: &mut Vec<Record>) {
        out.clear();
        self.chunks.iter().for_each(|chunk| out.extend_from_slice(chunk));
    }
}

/// Takes the partitions of all workers together.
pub fn collect(workers: Vec<Scatter>, bits: u32) -> Vec<Partition> {
    let mut partitions: Vec<Partition> = (0..1_usize << bits).map(|_| Partition::default()).collect();
    for worker in workers {
        for (index, (open, full)) in worker.open.into_iter().zip(worker.full).enumerate() {
            let partition = &mut partitions[index];
            partition.chunks.extend(full);
            if !open.is_empty() {
                partition.chunks.push(open);
            }
        }
        for (index, quantities) in worker.quantities.into_iter().enumerate() {
            partitions[index].quantities.0.extend(quantities);
        }
    }
    partitions.iter_mut().for_each(|partition| partition.quantities.sort());
    partitions
}
