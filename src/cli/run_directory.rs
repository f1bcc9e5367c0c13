//! The run directory: written under a partial name of its own, renamed when it is complete.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::engine::digests::{hex, sha256_of};
use crate::fault::Fault;
use crate::report::manifest::{DIGESTS_FILE, MANIFEST_FILE, OutputFile, SCHEMA};

/// How the name of a directory begins that is being written, or that a broken run left.
const PARTIAL: &str = ".partial-";

/// Characters of the final name that the partial one repeats, so that it is no longer than names may be.
const NAME_CHARACTERS: usize = 48;

/// A file of a run directory whose content is written.
pub struct WrittenFile {
    /// Its name in the directory.
    pub name: &'static str,
    /// Its rows, if it is a table.
    pub rows: Option<u64>,
    /// The file, which the disk may not have yet.
    pub file: File,
}

/// A run directory that is being written. Dropped before it is finished, it leaves nothing.
pub struct RunDirectory {
    partial: PathBuf,
    complete: PathBuf,
    files: Vec<OutputFile>,
    finished: bool,
}

impl RunDirectory {
    /// Makes the partial directory beside the final one. Its name is its own: runs that overlap never touch each other's.
    ///
    /// # Errors
    /// When the final one exists, or the place can't be written.
    pub fn create(complete: &Path) -> Result<Self> {
        if complete.exists() {
            return Err(Fault::input(format!("{}: exists already; name another folder with --out, or remove it", complete.display())));
        }
        let name = complete.file_name().with_context(|| format!("{}: is no name of a folder", complete.display()))?.to_string_lossy();
        let parent = folder_of(complete);
        fs::create_dir_all(parent)
            .with_context(|| format!("{}: the folder can't be made; name another place with --out", parent.display()))?;
        let name: String = name.chars().take(NAME_CHARACTERS).collect();
        let partial = parent.join(format!("{PARTIAL}{name}-{}-{}", std::process::id(), Timestamp::now().as_nanosecond()));
        fs::create_dir(&partial).with_context(|| format!("{}: can't be written; name another place with --out", parent.display()))?;
        Ok(Self { partial, complete: complete.to_owned(), files: Vec::new(), finished: false })
    }

    /// Gives the directory as long as it is written.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the path of a file that a table writer fills.
    pub fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Waits until the disk has a file, and describes it with its digest.
    ///
    /// # Errors
    /// When the disk does not take it, or it can't be read back.
    pub fn described(&self, file: WrittenFile) -> Result<OutputFile> {
        let WrittenFile { name, rows, file } = file;
        let path = self.path(name);
        // The disk works meanwhile.
        let (sha256, synced) = rayon::join(|| sha256_of(&path), || file.sync_all());
        synced.with_context(|| format!("{}: can't be written", path.display()))?;
        let bytes = file.metadata().with_context(|| format!("{}: can't be read", path.display()))?.len();
        Ok(OutputFile { name: name.to_owned(), bytes, sha256: hex(&sha256?), rows })
    }

    /// Lists files of which the manifest is to tell.
    pub fn list(&mut self, files: Vec<OutputFile>) {
        self.files.extend(files);
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn put(&self, name: &'static str, content: &[u8]) -> Result<WrittenFile> {
        let path = self.path(name);
        let failed = || format!("{}: can't be written", path.display());
        let mut file = File::create_new(&path).with_context(failed)?;
        file.write_all(content).with_context(failed)?;
        Ok(WrittenFile { name, rows: None, file })
    }

    /// Gives the files listed so far.
    pub fn files(&self) -> &[OutputFile] {
        &self.files
    }

    /// Writes manifest and digests, and gives the directory its name: from now on it is complete.
    ///
    /// # Errors
    /// When the disk does not take them, or the directory has appeared meanwhile.
    pub fn finish(mut self, manifest: &[u8]) -> Result<()> {
        let own = self.described(self.put(MANIFEST_FILE, manifest)?)?;
        let digests = crate::report::manifest::digests(&own.sha256, &self.files);
        self.described(self.put(DIGESTS_FILE, digests.as_bytes())?)?;
        self.publish()?;
        self.finished = true;
        Ok(())
    }

    /// Renames the directory, which the system refuses where another run has published meanwhile.
    fn publish(&self) -> Result<()> {
        sync_folder(&self.partial)?;
        let Err(error) = fs::rename(&self.partial, &self.complete) else { return sync_folder(folder_of(&self.complete)) };
        let place = self.complete.display();
        if self.complete.symlink_metadata().is_ok() {
            return Err(Fault::input(format!(
                "{place}: has appeared while this run was under way; this run was not written; name another folder with --out"
            )));
        }
        Err(error).with_context(|| format!("{place}: can't be given its name"))
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if !self.finished {
            // The run already ends with an error; a rest that can't be removed keeps its partial name.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Waits until the disk has the names in a folder: without them its files are there and can't be found.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems know no such thing, and need none.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced.with_context(|| format!("{}: can't be written", folder.display())),
    }
}

/// Elsewhere folders are no files.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Gives the folder that a run directory stands in.
pub fn folder_of(complete: &Path) -> &Path {
    complete.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Finds the digest of the manifest of the newest run in a folder of runs that started before a moment, for the chain of manifests.
///
/// What holds no manifest of ours is no run, and neither is a partial directory.
pub fn previous_manifest(runs: &Path, before: Timestamp) -> Option<String> {
    let entries = fs::read_dir(runs).ok()?.filter_map(std::result::Result::ok);
    let complete = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with(PARTIAL));
    let started = complete.filter_map(|entry| started(&entry.path().join(MANIFEST_FILE))).filter(|(started, _)| *started < before);
    started.max().map(|(_, digest)| digest)
}

/// Reads when the run of a manifest started, and the manifest's digest; nothing where the file is no manifest of a run.
fn started(path: &Path) -> Option<(Timestamp, String)> {
    let bytes = fs::read(path).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let started = manifest["execution"]["started"].as_str()?.parse().ok()?;
    (manifest["schema"] == SCHEMA).then(|| (started, hex(&Sha256::digest(&bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_overlap_leave_each_other_alone_and_the_first_to_end_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let (first, second) = (RunDirectory::create(&out).unwrap(), RunDirectory::create(&out).unwrap());
        first.put("table", b"first").unwrap();
        second.put("table", b"second").unwrap();
        second.put("more", b"second").unwrap();
        first.finish(b"{}").unwrap();
        let error = second.finish(b"{}").unwrap_err();
        assert_eq!(crate::fault::cause_of(&error), crate::fault::Cause::Input);
        let message = "out: has appeared while this run was under way; this run was not written; name another folder with --out";
        assert!(error.to_string().ends_with(message), "{error:#}");
        assert_eq!(fs::read(out.join("table")).unwrap(), b"first");
        assert!(!out.join("more").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a partial directory was left");
    }

    #[test]
    fn what_a_broken_run_left_is_left_and_long_names_fit() {
        let folder = tempfile::tempdir().unwrap();
        let rest = folder.path().join(".partial-out");
        fs::create_dir(&rest).unwrap();
        RunDirectory::create(&folder.path().join("out")).unwrap().finish(b"{}").unwrap();
        assert!(rest.exists());
        RunDirectory::create(&folder.path().join("o".repeat(255))).unwrap().finish(b"{}").unwrap();
    }

    #[test]
    fn the_chain_holds_the_newest_run_before_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, schema: &str, started: &str| {
            fs::create_dir(folder.path().join(name)).unwrap();
            let text = format!("{{\"schema\": \"{schema}\", \"execution\": {{\"started\": \"{started}\"}}}}");
            fs::write(folder.path().join(name).join(MANIFEST_FILE), &text).unwrap();
            Some(hex(&Sha256::digest(text.as_bytes())))
        };
        let before: Timestamp = "2026-06-30T12:00:00Z".parse().unwrap();
        assert_eq!(previous_manifest(folder.path(), before), None);
        let older = put("z", SCHEMA, "2026-06-30T11:00:00Z");
        assert_eq!(previous_manifest(folder.path(), before), older);
        let newest = put("a", SCHEMA, "2026-06-30T11:00:00.5Z");
        put("y-later", SCHEMA, "2026-06-30T12:00:00.1Z");
        put("y-other", "other.manifest/1", "2026-06-30T11:30:00Z");
        put("y-no-time", SCHEMA, "today");
        put(".partial-y", SCHEMA, "2026-06-30T11:30:00Z");
        fs::create_dir(folder.path().join("y-no-json")).unwrap();
        fs::write(folder.path().join("y-no-json").join(MANIFEST_FILE), "x").unwrap();
        assert_eq!(previous_manifest(folder.path(), before), newest);
    }
}
