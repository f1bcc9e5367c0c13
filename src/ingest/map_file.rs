//! Maps a file into memory; the only unsafe call of the workspace.

#![expect(unsafe_code, reason = "mapping a file is unsafe by nature; this file holds the only call")]

use std::fs::File;
use std::io;

use bytes::Bytes;

/// Maps a whole file for reading.
///
/// # Errors
/// When the operating system can't map it, as for pipes and some network file systems: read it as a stream then.
pub(super) fn map_file(file: &File) -> io::Result<Bytes> {
    // SAFETY: the mapping is private and only read. Nothing in this program writes to input files. Readers compare the file's
    // size and time of change before and after a scan and refuse a file that changed, so that no result rests on changed bytes.
    // A file that another program truncates meanwhile ends the process with a signal, like a broken disk.
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}
