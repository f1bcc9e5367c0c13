//! Inputs stay as they are while a run reads them: numbers of records, and texts that were numbered, would mean others.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A file as it was when it was opened.
pub(super) struct Unchanged {
    path: PathBuf,
    state: Metadata,
}

impl Unchanged {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it is missing, or a folder.
    pub(super) fn new(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_path_buf(), state: state_of(path)? })
    }

    /// Gives the size in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.state.len()
    }

    /// Reads the file by `scan`, and refuses one that changed before or meanwhile: what `scan` says of it then is no matter.
    ///
    /// # Errors
    /// When the file changed, or those of `scan`.
    pub(super) fn during<T>(&self, scan: impl FnOnce() -> Result<T>) -> Result<T> {
        self.check()?;
        let scanned = scan();
        self.check()?;
        scanned
    }

    fn check(&self) -> Result<()> {
        let state = state_of(&self.path)?;
        if state.len() != self.state.len() || state.modified().ok() != self.state.modified().ok() {
            bail!("{}: the file changed while it was read; keep input files unchanged during a run", self.path.display());
        }
        Ok(())
    }
}

fn state_of(path: &Path) -> Result<Metadata> {
    let state = std::fs::metadata(path).with_context(|| format!("{}: can't be opened", path.display()))?;
    if state.is_dir() {
        bail!("{}: is a folder; expected a file", path.display());
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_file_that_changes_in_size_or_time_is_refused_and_what_was_read_of_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let fresh = || {
            fs::write(&path, "1").unwrap();
            Unchanged::new(&path).unwrap()
        };
        let in_place = || {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(2)).unwrap();
        };
        let changed = format!("{}: the file changed while it was read; keep input files unchanged during a run", path.display());
        assert_eq!(fresh().during(|| Ok(7)).unwrap(), 7);
        let grown = fresh().during(|| fs::write(&path, "22").map_err(Into::into));
        assert_eq!(grown.unwrap_err().to_string(), changed);
        let edited = fresh().during(|| {
            in_place();
            Ok(())
        });
        assert_eq!(edited.unwrap_err().to_string(), changed);
        // That the file changed explains what the reader stumbled over.
        let stumbled = fresh().during(|| -> Result<()> {
            in_place();
            bail!("damaged")
        });
        assert_eq!(stumbled.unwrap_err().to_string(), changed);
        let before = fresh();
        in_place();
        assert_eq!(before.during(|| -> Result<()> { panic!("it is not read at all") }).unwrap_err().to_string(), changed);
        let gone = fresh();
        fs::remove_file(&path).unwrap();
        assert_eq!(gone.during(|| Ok(())).unwrap_err().to_string(), format!("{}: can't be opened", path.display()));
        assert!(Unchanged::new(folder.path()).is_err(), "a folder is no file");
    }
}
