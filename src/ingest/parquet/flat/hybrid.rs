//! The run-length and bit-packed hybrid of Parquet: levels and dictionary keys.
//!
//! A length read from the page is checked before it is used. `None` means: the bytes are not what they should be.

use std::ops::Range;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;
use arrow::util::bit_chunk_iterator::UnalignedBitChunk;
use bytes::Bytes;

/// The most bits that a value can take.
const WIDTH_MAX: usize = 32;

/// A run of values is packed in groups of so many.
const GROUP: usize = 8;

/// Values in runs, read from the front.
pub(super) struct Hybrid {
    bytes: Bytes,
    position: usize,
    width: usize,
    run: Run,
}

/// What is left of the run that is being read.
enum Run {
    Repeated { value: i32, left: usize },
    Packed { start: usize, index: usize, left: usize },
}

impl Hybrid {
    /// Starts to read `bytes`, whose values take `width` bits each.
    pub(super) fn new(bytes: Bytes, width: usize) -> Option<Self> {
        (width <= WIDTH_MAX).then_some(Self { bytes, position: 0, width, run: Run::Repeated { value: 0, left: 0 } })
    }

    /// Appends the next `count` values.
    pub(super) fn read(&mut self, mut count: usize, values: &mut Vec<i32>) -> Option<()> {
        while count > 0 {
            let taken = self.left_of_run()?.min(count);
            match self.run {
                Run::Repeated { value, .. } => values.resize(values.len() + taken, value),
                Run::Packed { start, index, .. } => unpack(&self.bytes[start..], self.width, index..index + taken, values)?,
            }
            self.take(taken);
            count -= taken;
        }
        Some(())
    }

    /// Passes over the next `count` values.
    pub(super) fn skip(&mut self, mut count: usize) -> Option<()> {
        while count > 0 {
            let taken = self.left_of_run()?.min(count);
            self.take(taken);
            count -= taken;
        }
        Some(())
    }

    /// Appends the next `count` values, levels of 0 and 1, to `validity`, and counts the ones.
    pub(super) fn read_levels(&mut self, count: usize, validity: &mut Validity) -> Option<usize> {
        self.levels(count, |run| match run {
            LevelRun::Repeated(valid, count) => validity.append(count, valid),
            LevelRun::Packed(bits, range) => validity.append_packed(range, bits),
        })
    }

    /// Passes over the next `count` values, levels of 0 and 1, and counts the ones.
    pub(super) fn skip_levels(&mut self, count: usize) -> Option<usize> {
        self.levels(count, |_| {})
    }

    fn levels(&mut self, mut count: usize, mut seen: impl FnMut(LevelRun<'_>)) -> Option<usize> {
        let mut ones = 0;
        while count > 0 {
            let taken = self.left_of_run()?.min(count);
            match self.run {
                Run::Repeated { value: value @ (0 | 1), .. } => {
                    seen(LevelRun::Repeated(value == 1, taken));
                    ones += taken * value as usize;
                }
                Run::Packed { start, index, .. } if self.width == 1 => {
                    let bits = &self.bytes[start..];
                    seen(LevelRun::Packed(bits, index..index + taken));
                    ones += UnalignedBitChunk::new(bits, index, taken).count_ones();
                }
                _ => return None,
            }
            self.take(taken);
            count -= taken;
        }
        Some(ones)
    }

    /// Counts what is left of the run, after going on to the next one that holds a value.
    #[inline]
    fn left_of_run(&mut self) -> Option<usize> {
        loop {
            let (Run::Repeated { left, .. } | Run::Packed { left, .. }) = self.run;
            if left > 0 {
                return Some(left);
            }
            self.start_run()?;
        }
    }

    fn start_run(&mut self) -> Option<()> {
        let header = self.variable_length_number()?;
        let count = usize::try_from(header >> 1).ok()?;
        if header & 1 == 1 {
            let bytes = count.checked_mul(self.width)?;
            let end = self.position.checked_add(bytes).filter(|&end| end <= self.bytes.len())?;
            self.run = Run::Packed { start: self.position, index: 0, left: count.checked_mul(GROUP)? };
            self.position = end;
            return Some(());
        }
        let bytes = self.bytes.get(self.position..self.position + self.width.div_ceil(8))?;
        let mut value = [0; 4];
        value[..bytes.len()].copy_from_slice(bytes);
        self.run = Run::Repeated { value: i32::try_from(u32::from_le_bytes(value)).ok()?, left: count };
        self.position += bytes.len();
        Some(())
    }

    /// Reads a number of seven bits per byte, lowest first, of at most 32 bits.
    fn variable_length_number(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = *self.bytes.get(self.position)?;
            self.position += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).ok();
            }
        }
        None
    }

    fn take(&mut self, taken: usize) {
        match &mut self.run {
            Run::Repeated { left, .. } => *left -= taken,
            Run::Packed { index, left, .. } => {
                *index += taken;
                *left -= taken;
            }
        }
    }
}

enum LevelRun<'b> {
    Repeated(bool, usize),
    Packed(&'b [u8], Range<usize>),
}

/// Appends the packed values of `range`. Only loads look beyond the run; what they find there is masked away.
fn unpack(bytes: &[u8], width: usize, range: Range<usize>, values: &mut Vec<i32>) -> Option<()> {
    values.reserve(range.len());
    let mut index = range.start;
    let aligned = index.next_multiple_of(GROUP).min(range.end);
    while index < aligned {
        values.push(unpack_one(bytes, width, index)?);
        index += 1;
    }
    let groups = index / GROUP..range.end.max(index) / GROUP;
    let unpacked = match width {
        0..=8 => unpack_groups::<8>(bytes, width, groups, values),
        9..=16 => unpack_groups::<4>(bytes, width, groups, values),
        17..=29 => unpack_groups::<2>(bytes, width, groups, values),
        _ => 0,
    };
    for index in index + unpacked * GROUP..range.end {
        values.push(unpack_one(bytes, width, index)?);
    }
    Some(())
}

/// Appends groups of values, so many from each load that they fit into it from any bit on; stops where a load would leave `bytes`.
fn unpack_groups<const PER_LOAD: usize>(bytes: &[u8], width: usize, groups: Range<usize>, values: &mut Vec<i32>) -> usize {
    let mask = (1_u64 << width) - 1;
    let count = groups.len();
    for (done, group) in groups.enumerate() {
        let mut unpacked = [0_i32; GROUP];
        for (load, lane) in unpacked.chunks_exact_mut(PER_LOAD).enumerate() {
            let bit = load * PER_LOAD * width;
            let start = group * width + bit / 8;
            let Some(word) = bytes.get(start..start + 8) else { return done };
            let mut word = u64::from_le_bytes(word.try_into().expect("eight bytes were taken")) >> (bit % 8);
            for value in lane {
                *value = (word & mask) as i32;
                word >>= width;
            }
        }
        values.extend_from_slice(&unpacked);
    }
    count
}

fn unpack_one(bytes: &[u8], width: usize, index: usize) -> Option<i32> {
    let bit = index * width;
    let rest = bytes.get(bit / 8..)?;
    let mut word = [0; 8];
    let count = rest.len().min(8);
    word[..count].copy_from_slice(&rest[..count]);
    let value = (u64::from_le_bytes(word) >> (bit % 8)) & ((1_u64 << width) - 1);
    i32::try_from(value).ok()
}

/// Which rows of a piece hold a value; takes no memory until the first null.
#[derive(Default)]
pub(super) struct Validity {
    rows: usize,
    bits: Option<BooleanBufferBuilder>,
}

impl Validity {
    /// Counts the rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Says whether a row holds a value, and up to which row before `end` the rows after it do as it does.
    pub(super) fn run(&self, from: usize, end: usize) -> (bool, usize) {
        const BYTE: usize = u8::BITS as usize;
        let Some(bits) = self.bits.as_ref().map(BooleanBufferBuilder::as_slice) else { return (true, end) };
        let is_valid = bits[from / BYTE] >> (from % BYTE) & 1 == 1;
        let same = if is_valid { u8::MAX } else { 0 };
        let mut row = from;
        while row < end {
            let differing = (bits[row / BYTE] ^ same) >> (row % BYTE);
            if differing != 0 {
                return (is_valid, end.min(row + differing.trailing_zeros() as usize));
            }
            row += BYTE - row % BYTE;
        }
        (is_valid, end)
    }

    /// Appends `count` rows that all hold a value, or none.
    pub(super) fn append(&mut self, count: usize, valid: bool) {
        if !valid || self.bits.is_some() {
            self.bits().append_n(count, valid);
        }
        self.rows += count;
    }

    /// Appends rows by the bits of `range`.
    fn append_packed(&mut self, range: Range<usize>, bits: &[u8]) {
        let count = range.len();
        self.bits().append_packed_range(range, bits);
        self.rows += count;
    }

    fn bits(&mut self) -> &mut BooleanBufferBuilder {
        let rows = self.rows;
        self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(rows);
            bits.append_n(rows, true);
            bits
        })
    }

    /// Gives the nulls, if any.
    pub(super) fn finish(self) -> Option<NullBuffer> {
        self.bits.map(|mut bits| NullBuffer::new(bits.finish())).filter(|nulls| nulls.null_count() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs values as the format does: lowest bit first.
    fn packed(values: &[u32], width: usize) -> Vec<u8> {
        let mut bytes = vec![0_u8; (values.len() * width).div_ceil(8)];
        for (index, value) in values.iter().enumerate() {
            for bit in (0..width).filter(|bit| value >> bit & 1 == 1) {
                bytes[(index * width + bit) / 8] |= 1 << ((index * width + bit) % 8);
            }
        }
        bytes
    }

    #[test]
    fn runs_of_every_width_are_read_and_skipped() {
        for width in 0..=31_usize {
            let mask = ((1_u64 << width) - 1) as u32;
            let values: Vec<u32> = (0..80_u32).map(|index| index.wrapping_mul(2_654_435_761) & mask).collect();
            // Ten groups of eight, then 300 times the last value.
            let mut bytes = vec![10 << 1 | 1];
            bytes.extend(packed(&values, width));
            bytes.extend([0b1101_1000, 0b0000_0100]);
            bytes.extend(&values[79].to_le_bytes()[..width.div_ceil(8)]);
            let expected: Vec<i32> = values.iter().chain([&values[79]; 300]).map(|&value| value as i32).collect();
            for from in [0, 1, 8, 13, 79, 80, 200, 380] {
                let mut hybrid = Hybrid::new(Bytes::from(bytes.clone()), width).unwrap();
                hybrid.skip(from).unwrap();
                let mut read = Vec::new();
                hybrid.read((380 - from) / 2, &mut read).unwrap();
                hybrid.read(380 - from - (380 - from) / 2, &mut read).unwrap();
                assert_eq!(read, expected[from..], "width {width} from {from}");
                assert_eq!(hybrid.read(1, &mut read), None);
            }
        }
    }

    #[test]
    fn levels_become_bits_and_are_counted() {
        let levels = Bytes::from(vec![3 << 1, 1, 2 << 1 | 1, 0b1010_1010, 0b0000_1111, 5 << 1, 0]);
        let expected = "111".to_string() + "01010101" + "11110000" + "00000";
        for cut in 0..=expected.len() {
            let mut hybrid = Hybrid::new(levels.clone(), 1).unwrap();
            let mut validity = Validity::default();
            let ones = hybrid.read_levels(cut, &mut validity).unwrap() + hybrid.skip_levels(expected.len() - cut).unwrap();
            assert_eq!(ones, 11);
            for from in 0..=cut {
                let mut row = from;
                let runs = std::iter::from_fn(|| {
                    let start = row;
                    let (is_valid, end) = (start < cut).then(|| validity.run(start, cut))?;
                    row = end;
                    Some(if is_valid { "1" } else { "0" }.repeat(end - start))
                });
                let runs: Vec<String> = runs.collect();
                assert_eq!(runs.concat(), expected[from..cut]);
                assert!(runs.windows(2).all(|pair| pair[0][..1] != pair[1][..1]), "{runs:?}: no run stops short");
            }
            assert_eq!(validity.finish().map_or(0, |nulls| nulls.null_count()), expected[..cut].matches('0').count());
        }
    }

    #[test]
    fn damaged_runs_are_refused() {
        let refused: [(&[u8], usize); 8] = [
            (&[], 3),
            (&[0x80], 3),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 3),
            (&[2 << 1 | 1, 0, 0, 0, 0, 0], 3),
            (&[2 << 1, 1], 9),
            (&[2 << 1, 0xff, 0xff, 0xff, 0xff], 32),
            (&[0xfe, 0xff, 0xff, 0xff, 0x7f, 0], 3),
            (&[0, 0, 0, 0], 8),
        ];
        for (bytes, width) in refused {
            let mut hybrid = Hybrid::new(Bytes::copy_from_slice(bytes), width).unwrap();
            assert_eq!(hybrid.read(4, &mut Vec::new()), None, "{bytes:?}");
        }
        assert!(Hybrid::new(Bytes::new(), 33).is_none());
        let mut levels = Hybrid::new(Bytes::from_static(&[2 << 1, 2]), 1).unwrap();
        assert_eq!(levels.skip_levels(2), None);
    }
}
