//! Texts of a piece, one after the other in one buffer: copied once, checked all at once.

use arrow::buffer::NullBuffer;

use crate::ingest::PackedTexts;

/// What the buffer has room for at first, per text.
const BYTES_PER_TEXT: usize = 16;

/// The most bytes of all texts of a piece: more are left to the general decoder, which refers to a text that comes again instead of copying it.
const BYTES_MAX: usize = i32::MAX as usize;

/// A text of at most so many bytes is copied together with what follows it: a copy of known length needs no call.
const COPIED_BYTES: usize = 32;

/// Texts, not known to be UTF-8 yet.
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text begins, and where the last one ends.
    offsets: Vec<u32>,
}

impl Texts {
    /// Makes room for so many texts.
    pub(super) fn with_capacity(count: usize) -> Self {
        let mut offsets = Vec::with_capacity(count + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(count * BYTES_PER_TEXT), offsets }
    }

    /// Appends the first `length` bytes of `bytes` as a text, and gives the rest; `None` where there are fewer.
    #[inline]
    pub(super) fn push_first<'b>(&mut self, bytes: &'b [u8], length: usize) -> Option<&'b [u8]> {
        let (text, rest) = bytes.split_at_checked(length)?;
        match bytes.first_chunk::<COPIED_BYTES>() {
            Some(copied) if length <= COPIED_BYTES => {
                let end = self.bytes.len() + length;
                self.bytes.extend_from_slice(copied);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(text),
        }
        self.end_text()?;
        Some(rest)
    }

    /// Appends a text; `None` where they become too many.
    pub(super) fn push(&mut self, text: &[u8]) -> Option<()> {
        if text.len() > BYTES_MAX - self.bytes.len() {
            return None;
        }
        self.bytes.extend_from_slice(text);
        self.end_text()
    }

    /// Appends blank texts, for rows without one.
    pub(super) fn push_blanks(&mut self, count: usize) {
        let end = self.offsets[self.offsets.len() - 1];
        self.offsets.extend(std::iter::repeat_n(end, count));
    }

    #[inline]
    fn end_text(&mut self) -> Option<()> {
        self.offsets.push(self.bytes.len() as u32);
        (self.bytes.len() <= BYTES_MAX).then_some(())
    }

    /// Ends them; `None` where some text is no UTF-8.
    pub(super) fn finish(self, nulls: Option<NullBuffer>) -> Option<PackedTexts> {
        PackedTexts::new(self.bytes, self.offsets, nulls)
    }
}
