//! SHA-256 of inputs, and which files repeat others.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::config::plan::Plan;

const BLOCK_BYTES: usize = 1 << 20;

/// Hashes a file's bytes.
///
/// # Errors
/// When the file can't be read.
pub fn sha256_of(path: &Path) -> Result<[u8; 32]> {
    let unreadable = || format!("{}: can't be read", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut hasher = Sha256::new();
    loop {
        let count = file.read(&mut block).with_context(unreadable)?;
        if count == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&block[..count]);
    }
}

/// Writes bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    bytes.iter().for_each(|byte| write!(text, "{byte:02x}").expect("writing to a string can't fail"));
    text
}

/// Finds for each file (in the order of the plan) the earlier file of its source with the same bytes.
///
/// Only files of equal size are hashed here; files of a source are in path order, so the least path is kept.
///
/// # Errors
/// When a file can't be read.
pub fn repeated_files(plan: &Plan) -> Result<Vec<Option<u32>>> {
    let files: Vec<(usize, u32, u64, &Path)> = plan
        .sources
        .iter()
        .enumerate()
        .flat_map(|(source, of)| of.files.iter().map(move |file| (source, file)))
        .enumerate()
        .map(|(index, (source, file))| (source, index as u32, file.input.bytes, file.input.path.as_path()))
        .collect();
    let mut order = files.clone();
    order.sort_by_key(|&(source, index, bytes, _)| (source, bytes, index));
    let mut repeats = vec![None; files.len()];
    for same_size in order.chunk_by(|left, right| (left.0, left.2) == (right.0, right.2)).filter(|run| run.len() > 1) {
        let digests: Vec<[u8; 32]> = same_size.par_iter().map(|&(_, _, _, path)| sha256_of(path)).collect::<Result<_>>()?;
        for later in 1..same_size.len() {
            let first = (0..later).find(|&earlier| digests[earlier] == digests[later]);
            repeats[same_size[later].1 as usize] = first.map(|earlier| same_size[earlier].1);
        }
    }
    Ok(repeats)
}
