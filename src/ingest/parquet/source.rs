//! Reads pieces of a file by position, so that threads share one open file without sharing a cursor.
//!
//! Positioned reads instead of a memory map: a file that shrinks while it is read gives an error and not a signal.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::positioned::{read_at, read_exact_at};

/// How much is read at once; pages inside are handed over without a copy.
///
/// Two pages of the usual 1 MiB: measured on uncompressed files, smaller windows copy more and larger ones stay in no cache.
const WINDOW_BYTES: usize = 2 * 1024 * 1024;

/// A file, read through a window that moves forward; one per column chunk that is being read.
pub(super) struct FileWindow {
    file: Arc<File>,
    length: u64,
    /// Where this reader may read up to: the end of its column chunk.
    end: u64,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    start: u64,
    bytes: Bytes,
}

impl FileWindow {
    /// Makes a window on `file`, which is `length` bytes long; reading ahead stops at `end`.
    pub(super) fn new(file: Arc<File>, length: u64, end: u64) -> Self {
        Self { file, length, end: end.min(length), window: Mutex::default() }
    }

    /// Gives what the window holds from `start` on, if anything.
    fn held(&self, start: u64) -> Bytes {
        let window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match start.checked_sub(window.start) {
            Some(offset) if offset < window.bytes.len() as u64 => window.bytes.slice(offset as usize..),
            _ => Bytes::new(),
        }
    }

    /// Moves the window to `start` and gives what it holds then.
    fn advance(&self, start: u64) -> Result<Bytes> {
        let rest = self.end.max(start + 1).min(self.length).saturating_sub(start);
        if rest == 0 {
            return Err(ParquetError::EOF(format!("the file ends at byte {}, wanted byte {start}", self.length)));
        }
        let bytes = Bytes::from(self.read(start, usize::try_from(rest).unwrap_or(usize::MAX).min(WINDOW_BYTES))?);
        let mut window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *window = Window { start, bytes: bytes.clone() };
        Ok(bytes)
    }

    fn read(&self, start: u64, length: usize) -> Result<Vec<u8>> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("the file ends at byte {}, wanted {length} bytes from byte {start}", self.length)));
        }
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, start).map_err(|error| ParquetError::EOF(format!("reading at byte {start}: {error}")))?;
        Ok(bytes)
    }
}

impl Length for FileWindow {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for FileWindow {
    type T = io::Chain<Reader<Bytes>, Tail>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let held = self.held(start);
        let head = if held.is_empty() { self.advance(start)? } else { held };
        let tail = Tail { file: self.file.clone(), offset: start + head.len() as u64 };
        Ok(io::Read::chain(head.reader(), tail))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let held = self.held(start);
        if held.len() >= length {
            return Ok(held.slice(..length));
        }
        Ok(Bytes::from(self.read(start, length)?))
    }
}

/// What lies behind the window, read as it is needed: a page header may straddle the end of a window.
pub(super) struct Tail {
    file: Arc<File>,
    offset: u64,
}

impl io::Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = read_at(&self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn windows_give_the_bytes_of_the_file_wherever_they_end() {
        let length = 2 * WINDOW_BYTES + 77;
        let content: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let window = FileWindow::new(Arc::new(file), length as u64, length as u64);
        for start in [0, 5, WINDOW_BYTES - 3, WINDOW_BYTES, WINDOW_BYTES + 1, length - 10] {
            let mut header = [0; 10];
            window.get_read(start as u64).unwrap().read_exact(&mut header).unwrap();
            assert_eq!(header, content[start..start + 10]);
            let wanted = (length - start).min(WINDOW_BYTES);
            assert_eq!(window.get_bytes(start as u64, wanted).unwrap(), content[start..start + wanted]);
        }
        let error = window.get_bytes(length as u64 - 1, 2).unwrap_err();
        assert_eq!(error.to_string(), format!("EOF: the file ends at byte {length}, wanted 2 bytes from byte {}", length - 1));
        assert!(window.get_read(length as u64).is_err());
    }
}
