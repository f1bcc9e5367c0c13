//! Plain values of a page: texts with their lengths in front, and numbers.
//!
//! `None` means: the bytes are not what they should be, or are no UTF-8.

use arrow::array::StringViewBuilder;
use arrow::datatypes::ArrowNativeType;
use bytes::Bytes;

/// How many bytes are checked for UTF-8 at once: they stay in the fastest cache until they are used.
const WINDOW_BYTES: usize = 16 * 1024;

/// With fewer texts than this to read, each is checked for itself.
const WINDOW_TEXTS_MIN: usize = 64;

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
    pub(super) fn read_texts(&mut self, count: usize, texts: &mut StringViewBuilder) -> Option<()> {
        let mut done = 0;
        while done < count {
            if count - done >= WINDOW_TEXTS_MIN {
                done += self.read_window(count - done, texts);
            }
            if done < count {
                let value = text_at(&self.bytes, self.position)?;
                texts.append_value(std::str::from_utf8(value).ok()?);
                self.position += LENGTH_BYTES + value.len();
                done += 1;
            }
        }
        Some(())
    }

    /// Appends texts, at most `count`, as long as they lie inside a stretch that is UTF-8 together with the lengths between them.
    ///
    /// Lengths below 128 are UTF-8, so one check serves all of them; a text with a longer one ends the stretch.
    fn read_window(&mut self, count: usize, texts: &mut StringViewBuilder) -> usize {
        let window = valid_start(&self.bytes[self.position..]);
        let mut at = 0;
        for done in 0..count {
            let length = window.as_bytes().get(at..).and_then(|rest| rest.first_chunk::<LENGTH_BYTES>());
            let start = at + LENGTH_BYTES;
            let text = length.and_then(|&length| window.get(start..start.checked_add(u32::from_le_bytes(length) as usize)?));
            let Some(text) = text else {
                self.position += at;
                return done;
            };
            texts.append_value(text);
            at = start + text.len();
        }
        self.position += at;
        count
    }

    /// Passes over the next `count` texts.
    pub(super) fn skip_texts(&mut self, count: usize) -> Option<()> {
        let mut position = self.position;
        for _ in 0..count {
            position += LENGTH_BYTES + text_length(&self.bytes, position)?;
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

/// Gives the start of `bytes`, at most a window of it, as far as it is UTF-8.
fn valid_start(bytes: &[u8]) -> &str {
    let window = &bytes[..bytes.len().min(WINDOW_BYTES)];
    match simdutf8::compat::from_utf8(window) {
        Ok(text) => text,
        Err(error) => simdutf8::basic::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    }
}

fn text_at(bytes: &[u8], position: usize) -> Option<&[u8]> {
    let start = position + LENGTH_BYTES;
    bytes.get(start..start.checked_add(text_length(bytes, position)?)?)
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
