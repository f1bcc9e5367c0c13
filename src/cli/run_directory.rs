//! The run directory: written under a partial name, renamed when it is complete.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::engine::digests::{hex, sha256_of};
use crate::fault::Fault;
use crate::report::manifest::{MANIFEST_FILE, OutputFile};

/// A run directory that is being written. Dropped before it is finished, it leaves nothing.
pub struct RunDirectory {
    partial: PathBuf,
    complete: PathBuf,
    files: Vec<OutputFile>,
    finished: bool,
}

impl RunDirectory {
    /// Makes the partial directory beside the final one.
    ///
    /// # Errors
    /// When the final one exists, or the place can't be written.
    pub fn create(complete: &Path) -> Result<Self> {
        if complete.exists() {
            return Err(Fault::input(format!("{}: exists already; name another folder with --out, or remove it", complete.display())));
        }
        let name = complete.file_name().with_context(|| format!("{}: is no name of a folder", complete.display()))?.to_string_lossy();
        let parent = complete.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent)
            .with_context(|| format!("{}: the folder can't be made; name another place with --out", parent.display()))?;
        let partial = parent.join(format!(".partial-{name}"));
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("{}: the rest of a broken run can't be removed", partial.display()))?;
        }
        fs::create_dir(&partial).with_context(|| format!("{}: can't be written; name another place with --out", parent.display()))?;
        Ok(Self { partial, complete: complete.to_owned(), files: Vec::new(), finished: false })
    }

    /// Gives the path of a file that a table writer fills.
    pub fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Lists a file that was written, with its digest.
    ///
    /// # Errors
    /// When it can't be read back.
    pub fn list(&mut self, name: &str, rows: Option<u64>) -> Result<()> {
        let path = self.path(name);
        let bytes = fs::metadata(&path).with_context(|| format!("{}: can't be read", path.display()))?.len();
        self.files.push(OutputFile { name: name.to_owned(), bytes, sha256: hex(&sha256_of(&path)?), rows });
        Ok(())
    }

    /// Writes a file whole and lists it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.put(name, content)?;
        self.list(name, None)
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path(name);
        let failed = || format!("{}: can't be written", path.display());
        let mut file = fs::File::create_new(&path).with_context(failed)?;
        file.write_all(content).and_then(|()| file.sync_all()).with_context(failed)
    }

    /// Gives the files listed so far.
    pub fn files(&self) -> &[OutputFile] {
        &self.files
    }

    /// Writes manifest and digests, and gives the directory its name: from now on it is complete.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn finish(mut self, manifest: &[u8]) -> Result<()> {
        self.put(MANIFEST_FILE, manifest)?;
        let digest = hex(&sha256_of(&self.path(MANIFEST_FILE))?);
        self.put(crate::report::manifest::DIGESTS_FILE, crate::report::manifest::digests(&digest, &self.files).as_bytes())?;
        fs::rename(&self.partial, &self.complete).with_context(|| format!("{}: can't be given its name", self.complete.display()))?;
        self.finished = true;
        Ok(())
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

/// Finds the digest of the newest complete run in a folder of runs, for the chain of manifests.
pub fn previous_manifest(runs: &Path) -> Option<String> {
    let mut names: Vec<PathBuf> = fs::read_dir(runs).ok()?.filter_map(|entry| Some(entry.ok()?.path().join(MANIFEST_FILE))).collect();
    names.retain(|path| path.is_file() && !path.to_string_lossy().contains(".partial-"));
    names.sort();
    sha256_of(names.last()?).ok().map(|digest| hex(&digest))
}
