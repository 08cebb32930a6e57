//! The data directory: made, proved writable, and held by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anabranch_federation::NameserviceId;

/// The directory, for as long as this lives.
#[derive(Debug)]
pub(super) struct Data {
    root: PathBuf,
    /// Locked; the system lets go when the process ends, however it ends.
    _lock: File,
}

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DataError {
    #[error("cannot write to the data directory {path}: {source}; choose another with --data")]
    Unwritable { path: String, source: io::Error },
    #[error(
        "the data directory {path} is in use by another `anabranch local` (process {holder}); stop that one, or choose \
         another directory with --data"
    )]
    Locked { path: String, holder: String },
}

impl Data {
    pub(super) fn open(root: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Unwritable { path: root.display().to_string(), source };
        fs::create_dir_all(root).map_err(failed)?;
        let path = root.join("lock");
        let mut lock =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
                return Err(DataError::Locked { path: root.display().to_string(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// Where the state store keeps its records.
    pub(super) fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Where a subcluster keeps its metadata and blocks.
    pub(super) fn subcluster(&self, id: &NameserviceId) -> PathBuf {
        self.root.join("subclusters").join(id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_it_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = Data::open(&dir.path().join("new/data")).unwrap();
        let second = Data::open(&dir.path().join("new/data")).unwrap_err().to_string();
        assert!(second.contains(&format!("(process {})", std::process::id())), "{second}");
        drop(held);
        Data::open(&dir.path().join("new/data")).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = Data::open(&dir.path().join("file/data")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write to the data directory "), "{error}");
        assert!(error.ends_with("choose another with --data"), "{error}");
    }
}
