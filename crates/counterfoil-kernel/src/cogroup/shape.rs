//! The shape of a unit: what is counted of its records. There are few, and units of one shape are counted together.

use crate::record::Record;

/// What is counted of a record: its source, the rank of its last step, and whether it states a `lot`.
///
/// A mark, which is never 0, 7 bits of the source, 7 of the rank, and one of the lot.
#[derive(Clone, Copy)]
pub struct Brief(u16);

impl Brief {
    /// Takes what is counted of a record of a source.
    #[inline]
    pub fn new(mark: Mark, record: &Record) -> Self {
        Self(mark.0 | u16::from(record.steps.last_rank()) << 1 | u16::from(record.lot != 0))
    }

    /// Gives the source.
    pub const fn source(self) -> u8 {
        (self.0 >> 8 & 127) as u8
    }

    /// Gives the rank of the last step that changed the serial; 0: none.
    pub const fn rank(self) -> u8 {
        (self.0 >> 1 & 127) as u8
    }

    /// Tells whether the record states a `lot`.
    pub const fn states_lot(self) -> bool {
        self.0 & 1 != 0
    }
}

/// The part of a brief that all records of a source share.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u16);

impl Mark {
    /// Marks a source.
    pub const fn new(source: u8) -> Self {
        Self(1 << 15 | (source as u16) << 8)
    }
}

/// The briefs of up to [`Shape::RECORDS`] records, in order; of more, those of the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape(u64);

impl Shape {
    /// How many records a shape tells of.
    pub const RECORDS: usize = 4;

    /// Adds a record.
    #[inline]
    pub const fn push(&mut self, brief: Brief) {
        self.0 = self.0 << 16 | brief.0 as u64;
    }

    /// Lists the briefs of the records.
    pub fn briefs(self) -> impl Iterator<Item = Brief> {
        [48, 32, 16, 0].into_iter().map(move |shift| Brief((self.0 >> shift) as u16)).filter(|brief| brief.0 != 0)
    }
}

/// How many shapes are counted at a time: a power of two.
const SLOTS: usize = 128;

/// Spreads shapes over slots: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Counts units by shape.
#[derive(Debug)]
pub struct ShapeCounts {
    /// The only place where a shape is counted: one that comes to a taken place ends the count of the other.
    slots: [(Shape, u64); SLOTS],
    ended: Vec<(Shape, u64)>,
}

impl Default for ShapeCounts {
    fn default() -> Self {
        Self { slots: [(Shape::default(), 0); SLOTS], ended: Vec::new() }
    }
}

impl ShapeCounts {
    /// Starts anew.
    pub fn clear(&mut self) {
        self.slots = [(Shape::default(), 0); SLOTS];
        self.ended.clear();
    }

    /// Counts a unit.
    #[inline]
    pub fn count(&mut self, shape: Shape) {
        let slot = &mut self.slots[(shape.0.wrapping_mul(SPREAD) >> (u64::BITS - SLOTS.ilog2())) as usize];
        if slot.0 != shape {
            self.ended.push(*slot);
            *slot = (shape, 0);
        }
        slot.1 += 1;
    }

    /// Gives so many units of which shape were counted; a shape may come twice.
    pub fn counts(&self) -> impl Iterator<Item = (Shape, u64)> {
        self.ended.iter().chain(&self.slots).copied().filter(|&(_, count)| count > 0)
    }
}
