//! SHA-256 of inputs, and which files repeat others.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::config::plan::Plan;
use crate::ingest::{self, Morsel, OpenOptions, Progress, Wanted};

/// Hashed at a time: what was copied from the system stays in the cache until it is hashed.
const BLOCK_BYTES: usize = 128 << 10;

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
/// Files without records repeat nothing: two empty exports are not one delivery that came twice.
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
        let digested = same_size.par_iter().map(|&(_, index, _, path)| Ok((sha256_of(path)?, index)));
        let mut digests: Vec<([u8; 32], u32)> = digested.collect::<Result<_>>()?;
        digests.sort_unstable();
        for same in digests.chunk_by(|left, right| left.0 == right.0) {
            same[1..].iter().for_each(|&(_, later)| repeats[later as usize] = Some(same[0].1));
        }
    }
    drop_empty(plan, &files, &mut repeats)?;
    Ok(repeats)
}

/// Takes back what was found about files without records.
fn drop_empty(plan: &Plan, files: &[(usize, u32, u64, &Path)], repeats: &mut [Option<u32>]) -> Result<()> {
    let mut firsts: Vec<u32> = repeats.iter().flatten().copied().collect();
    firsts.sort_unstable();
    firsts.dedup();
    let holds = |&first: &u32| {
        let (source, _, _, path) = files[first as usize];
        holds_records(path, &plan.sources[source].open)
    };
    let holding: Vec<bool> = firsts.par_iter().map(holds).collect::<Result<_>>()?;
    for repeated in repeats.iter_mut() {
        let at = repeated.and_then(|first| firsts.binary_search(&first).ok());
        *repeated = repeated.filter(|_| at.is_some_and(|at| holding[at]));
    }
    Ok(())
}

/// Tells whether a file holds any record; reading ends with the first part of it.
fn holds_records(path: &Path, options: &OpenOptions) -> Result<bool> {
    let file = ingest::open(path, options)?;
    if let Some(records) = file.record_count() {
        return Ok(records > 0);
    }
    let found = AtomicBool::new(false);
    let sink = |morsel: Morsel| {
        if morsel.record_count > 0 {
            found.store(true, Ordering::Relaxed);
            anyhow::bail!("enough was read");
        }
        Ok(())
    };
    let scanned = file.scan(&[0], Wanted::All, &Progress::default(), &sink);
    if found.into_inner() { Ok(true) } else { scanned.map(|()| false) }
}
