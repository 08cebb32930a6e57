//! The files of a directory.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where objects are read from: a directory, or one file.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
}

/// A file with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as the user would write it.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Why files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// File or directory.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// There is nothing to read.
    #[error("{path} has no files that end in .yaml, .yml or .json; `examples/quickstart` shows what they look like")]
    Empty {
        /// The directory.
        path: String,
    },
    /// A file is larger than any manifest.
    #[error("{path} has {size} bytes; expected at most {MAX_SIZE}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
}

/// No object larger than this fits into a cluster's store, so a file of some hundred objects does not reach it.
const MAX_SIZE: u64 = 16 << 20;
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

impl Source {
    /// A directory or a file; it is not looked at yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory or file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory to watch: editors replace files, so a file is watched by way of its directory.
    pub(super) fn directory(&self) -> PathBuf {
        match (self.path.is_dir(), self.path.parent()) {
            (false, Some(parent)) if parent.as_os_str().is_empty() => PathBuf::from("."),
            (false, Some(parent)) => parent.to_owned(),
            _ => self.path.clone(),
        }
    }

    /// Reads all files, sorted by name. Directories below and files that start with a dot are left out.
    ///
    /// # Errors
    /// Names the file or directory.
    pub fn read(&self) -> Result<Vec<SourceFile>, ReadError> {
        if !self.path.is_dir() {
            return Ok(vec![read(&self.path)?]);
        }
        let failed = |source| ReadError::Io { path: self.path.display().to_string(), source };
        let entries = fs::read_dir(&self.path).map_err(failed)?;
        let mut paths: Vec<_> =
            entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().map_err(failed)?;
        paths.retain(|path| is_manifest(path));
        paths.sort();
        if paths.is_empty() {
            return Err(ReadError::Empty { path: self.path.display().to_string() });
        }
        paths.iter().map(|path| read(path)).collect()
    }
}

fn is_manifest(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let known = path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known));
    known && !hidden && path.is_file()
}

fn read(path: &Path) -> Result<SourceFile, ReadError> {
    let name = path.display().to_string();
    let failed = |source| ReadError::Io { path: name.clone(), source };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MAX_SIZE {
        return Err(ReadError::TooLarge { path: name, size });
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    Ok(SourceFile { name, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_in_the_order_of_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", ".c.yaml.swp", ".d.yaml", "notes.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::create_dir(dir.path().join("e.yaml")).unwrap();
        let files = Source::new(dir.path()).read().unwrap();
        assert_eq!(files.iter().map(|file| file.text.as_str()).collect::<Vec<_>>(), ["a.yml", "b.yaml"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let empty = Source::new(dir.path()).read().unwrap_err().to_string();
        assert!(empty.starts_with(&format!("{} has no files", dir.path().display())), "{empty}");
        let missing = Source::new(dir.path().join("x")).read().unwrap_err().to_string();
        assert!(missing.starts_with("cannot read ") && missing.contains("/x: No such file"), "{missing}");
    }
}
