//! Directories of tests.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;

/// A temporary directory that is deleted with the value, unless the test is failing: then it stays, and its path is
/// printed.
pub struct Scratch {
    dir: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Scratch {
    /// Makes a directory whose name starts with `name`.
    pub fn new(name: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix(&format!("anabranch-{name}-")).tempdir()?;
        Ok(Self { path: dir.path().to_owned(), dir: Some(dir) })
    }

    /// Makes a directory of this very name, which must not exist.
    pub fn named(name: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir()?;
        Ok(Self { path: dir.path().to_owned(), dir: Some(dir) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the directory for whoever looks into a failure.
    #[allow(clippy::print_stderr, reason = "the reader of a failed test needs it")]
    pub fn keep(&mut self) {
        if let Some(dir) = self.dir.take() {
            eprintln!("kept for a look: {}", dir.keep().display());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep();
        }
    }
}
