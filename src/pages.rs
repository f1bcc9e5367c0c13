//! Pages of memory: those of files, and those of large buffers.

#![expect(unsafe_code, reason = "maps, advice about them and calls of C are unsafe by nature; this file holds the only ones")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A whole file, mapped for reading.
#[derive(Clone)]
pub struct FileMap(Arc<memmap2::Mmap>);

impl FileMap {
    /// Maps a file.
    ///
    /// # Errors
    /// When the operating system can't map it, as for pipes and some network file systems: read it as a stream then.
    pub fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is private and only read. Nothing in this program writes to input files. Readers compare the file's
        // size and time of change before and after a scan and refuse a file that changed, so that no result rests on changed bytes.
        // A file that another program truncates meanwhile ends the process with a signal, like a broken disk.
        Ok(Self(Arc::new(unsafe { memmap2::Mmap::map(file)? })))
    }

    /// Takes bytes that have been read out of the memory of the process; who looks at them again gets them from the file. Does nothing where the system knows no
    /// such advice.
    pub fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        // SAFETY: the mapping is of a file and only read: its pages come back with the bytes of the file, which are those that they had, as above.
        let _ = unsafe { self.0.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len()) };
        #[cfg(not(unix))]
        let _ = range;
    }
}

impl AsRef<[u8]> for FileMap {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Gives a buffer its pages before they are written: a fault for each costs more than all together. Does nothing where the system knows no such advice.
pub fn populate(buffer: &mut [u8]) {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};
        let page = rustix::param::page_size();
        let start = buffer.as_ptr().addr();
        let pages = buffer.get_mut(start.next_multiple_of(page) - start..).unwrap_or_default();
        let length = pages.len() / page * page;
        // SAFETY: the pages are those of a buffer that is lent mutably, and what is written in them stays.
        let _: Result<(), _> = unsafe { madvise(pages.as_mut_ptr().cast(), length, Advice::LinuxPopulateWrite) };
        // A kernel that does not know the advice, or has no page left, gives pages as they are touched.
    }
    #[cfg(not(target_os = "linux"))]
    let _ = buffer;
}

/// Has the allocator give the system pages that nothing is in, which it keeps for a while: those of this thread, and those of large buffers of any.
pub fn give_back_unused() {
    // SAFETY: the call takes nothing from anyone, and may come from any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// The option of the allocator that says after how many milliseconds it gives back pages that nothing is in, and what it is unless the user sets it.
///
/// # Source
/// `mi_option_purge_delay` in `mimalloc.h`; the crate has no name for it.
const PURGE_DELAY: (libmimalloc_sys::mi_option_t, std::ffi::c_long) = (15, 1_000);

/// Has the allocator keep pages that nothing is in until it is asked for them: what one phase of a run frees, the next takes. To be called before other
/// threads start.
pub fn keep_unused() {
    const AN_HOUR: std::ffi::c_long = 3_600_000;
    let (option, default) = PURGE_DELAY;
    // SAFETY: the option is a number, which no other thread reads or sets yet.
    unsafe {
        if libmimalloc_sys::mi_option_get(option) == default {
            libmimalloc_sys::mi_option_set(option, AN_HOUR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Were options numbered anew, another would be set.
    #[test]
    fn the_option_is_the_one_that_is_meant() {
        let (option, default) = PURGE_DELAY;
        // SAFETY: the option is a number, which no test sets.
        assert_eq!(unsafe { libmimalloc_sys::mi_option_get(option) }, default, "or MIMALLOC_PURGE_DELAY is set");
    }

    #[test]
    fn bytes_that_are_released_come_back() {
        let content: Vec<u8> = (0..300_000).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &content).unwrap();
        let map = FileMap::new(&file).unwrap();
        for range in [0..300_000, 5_000..5_000, 4_097..100_000, 299_999..300_000] {
            assert!(map.as_ref() == content);
            map.release(range);
        }
        assert!(map.as_ref() == content);
    }

    #[test]
    fn a_buffer_keeps_what_it_holds() {
        for length in [0, 1, 4_095, 300_000] {
            let mut buffer: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let start = length.min(7);
            populate(&mut buffer[start..]);
            assert!(buffer.iter().enumerate().all(|(at, &byte)| byte == at as u8));
        }
    }
}
