//! Plain values of a page: texts with their lengths in front, and numbers.
//!
//! `None` means: the bytes are not what they should be.

use arrow::datatypes::ArrowNativeType;
use bytes::Bytes;

use super::texts::Texts;

/// The bytes of the length in front of a text.
const LENGTH_BYTES: usize = 4;

/// Plain values, read from the front.
pub(super) struct Plain {
    bytes: Bytes,
    position: usize,
}

impl Plain {
    /// Starts to read `bytes`.
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, position: 0 }
    }

    /// Appends the next `count` texts.
    pub(super) fn read_texts(&mut self, count: usize, texts: &mut Texts) -> Option<()> {
        let mut rest = self.bytes.get(self.position..)?;
        for _ in 0..count {
            let (&length, following) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            rest = texts.push_first(following, u32::from_le_bytes(length) as usize)?;
        }
        self.position = self.bytes.len() - rest.len();
        Some(())
    }

    /// Passes over the next `count` texts.
    pub(super) fn skip_texts(&mut self, count: usize) -> Option<()> {
        let (mut position, mut left) = (self.position, count);
        while left > 0 {
            let length = text_length(&self.bytes, position)?;
            // Texts of one length stand at known places: without waiting for each length to find the next one.
            let step = LENGTH_BYTES + length;
            position += step;
            left -= 1;
            while left > 0 && text_length(&self.bytes, position) == Some(length) {
                position += step;
                left -= 1;
            }
        }
        self.position = position;
        // Each length was found inside the page, what the last one covers was not looked at.
        (position <= self.bytes.len()).then_some(())
    }

    /// Appends the next `count` numbers.
    pub(super) fn read_numbers<N: Number>(&mut self, count: usize, numbers: &mut Vec<N>) -> Option<()> {
        let from = self.position;
        self.skip_numbers::<N>(count)?;
        numbers.extend(self.bytes[from..self.position].chunks_exact(N::BYTES).map(N::from_bytes));
        Some(())
    }

    /// Passes over the next `count` numbers.
    pub(super) fn skip_numbers<N: Number>(&mut self, count: usize) -> Option<()> {
        let end = count.checked_mul(N::BYTES)?.checked_add(self.position)?;
        self.position = (end <= self.bytes.len()).then_some(end)?;
        Some(())
    }
}

fn text_length(bytes: &[u8], position: usize) -> Option<usize> {
    let length = bytes.get(position..)?.first_chunk::<LENGTH_BYTES>()?;
    Some(u32::from_le_bytes(*length) as usize)
}

/// A number as Parquet stores it: little-endian.
pub(super) trait Number: ArrowNativeType {
    /// How many bytes it takes.
    const BYTES: usize;

    /// Reads it from exactly so many bytes.
    fn from_bytes(bytes: &[u8]) -> Self;
}

impl Number for i32 {
    const BYTES: usize = 4;

    fn from_bytes(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().expect("the caller cuts to the size"))
    }
}

impl Number for i64 {
    const BYTES: usize = 8;

    fn from_bytes(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().expect("the caller cuts to the size"))
    }
}
