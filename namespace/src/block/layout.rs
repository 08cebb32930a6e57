//! The directory that holds the replicas.
//!
//! ```text
//! VERSION          format and pool; another format or pool is refused
//! in_use.lock      locked while a process serves the directory
//! 000/ … 3ff/      made when needed; a replica is in the directory of its id modulo 1024:
//!   blk_<id>                       the data
//!   blk_<id>_<generation>.open     its checksums, while the block is written
//!   blk_<id>_<generation>.meta     its checksums, once the block is finalized
//! ```
//!
//! State and generation are in the name of the checksum file alone, so that one rename changes both atomically.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{BlockError, BlockId};

/// Number of directories; fixed by the format.
pub(crate) const SHARDS: u64 = 1024;
/// First word of `VERSION`, with the format's number.
const FORMAT: &str = "anabranch-blocks 1";

/// An opened directory of replicas. While it lives, no other process opens it.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
    _lock: File,
}

/// What a file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The data of the block with this number.
    Data(u64),
    /// The checksums of a block, and whether it is finalized.
    Meta(BlockId, bool),
}

impl Name {
    /// Reads a file's name; `None` if it is not of this format.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("blk_")?;
        let Some((id, rest)) = rest.split_once('_') else { return number(rest).map(Self::Data) };
        let (generation, state) = rest.split_once('.')?;
        let finalized = match state {
            "open" => false,
            "meta" => true,
            _ => return None,
        };
        Some(Self::Meta(BlockId { id: number(id)?, generation: number(generation)? }, finalized))
    }
}

/// A decimal number in its only spelling, so that no two names mean the same block.
fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}

impl Layout {
    /// Opens the directory, and formats it if it is new and `may_format`.
    ///
    /// # Errors
    /// When another process serves it, when it is of another format or pool, and when the file system fails.
    pub(crate) fn open(root: &Path, pool: &str, may_format: bool) -> Result<Self, BlockError> {
        std::fs::create_dir_all(root).map_err(failed("create", root))?;
        let lock_path = root.join("in_use.lock");
        let lock = File::create(&lock_path).map_err(failed("create", &lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => failed("lock", &lock_path)(io::Error::other("another process serves it")),
            TryLockError::Error(source) => failed("lock", &lock_path)(source),
        })?;
        let version_path = root.join("VERSION");
        let expected = format!("{FORMAT}\npool {pool}\n");
        match std::fs::read_to_string(&version_path) {
            Ok(found) if found == expected => {}
            Ok(found) => {
                let reason = format!("it says {found:?}, accepted is {expected:?}");
                return Err(failed("use", &version_path)(io::Error::other(reason)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_format => format_directory(root, &expected)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = "it is absent, but there are blocks in the metadata; is the volume mounted?";
                return Err(failed("use", &version_path)(io::Error::other(reason)));
            }
            Err(error) => return Err(failed("read", &version_path)(error)),
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of the blocks whose number modulo [`SHARDS`] is that of `id`.
    pub(crate) fn shard(&self, id: u64) -> PathBuf {
        self.root.join(format!("{:03x}", id % SHARDS))
    }

    /// Makes the directory of a block if none of its neighbours was there before.
    pub(crate) fn make_shard(&self, id: u64) -> Result<(), BlockError> {
        let path = self.shard(id);
        match std::fs::create_dir(&path) {
            Ok(()) => sync_dir(&self.root),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed("create", &path)(error)),
        }
    }

    /// The data of a block.
    pub(crate) fn data(&self, id: u64) -> PathBuf {
        self.shard(id).join(format!("blk_{id}"))
    }

    /// The checksums of a block.
    pub(crate) fn meta(&self, block: BlockId, finalized: bool) -> PathBuf {
        let state = if finalized { "meta" } else { "open" };
        self.shard(block.id).join(format!("{block}.{state}"))
    }

    /// Makes created, renamed and removed files of a block's directory durable.
    pub(crate) fn sync_shard(&self, id: u64) -> Result<(), BlockError> {
        sync_dir(&self.shard(id))
    }
}

/// Writes `VERSION`, whole or not at all.
fn format_directory(root: &Path, version: &str) -> Result<(), BlockError> {
    let (draft, path) = (root.join("VERSION.new"), root.join("VERSION"));
    let mut file = File::create(&draft).map_err(failed("create", &draft))?;
    file.write_all(version.as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write", &draft))?;
    std::fs::rename(&draft, &path).map_err(failed("rename", &draft))?;
    sync_dir(root)
}

fn sync_dir(path: &Path) -> Result<(), BlockError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(failed("sync", path))
}

/// Names the action and the file in a file system's error.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlockError {
    let path = path.to_owned();
    move |source| BlockError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path(), "BP-1", true).unwrap();
        let block = BlockId { id: 1_073_741_825, generation: 1001 };
        let name = |path: PathBuf| Name::parse(path.file_name().unwrap().to_str().unwrap());
        assert_eq!(name(layout.data(block.id)), Some(Name::Data(block.id)));
        assert_eq!(name(layout.meta(block, false)), Some(Name::Meta(block, false)));
        assert_eq!(name(layout.meta(block, true)), Some(Name::Meta(block, true)));
        for other in
            ["blk_", "blk_1_2", "blk_1_2.tmp", "blk_01", "blk_1_+2.meta", "VERSION", "blk_99999999999999999999"]
        {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_volume_that_is_not_mounted_is_not_taken_for_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let refused = Layout::open(dir.path(), "BP-1", false).unwrap_err().to_string();
        assert!(refused.contains("mounted"), "{refused}");
        drop(Layout::open(dir.path(), "BP-1", true).unwrap());
        Layout::open(dir.path(), "BP-1", false).unwrap();
    }

    #[test]
    fn a_directory_is_served_once_and_for_one_pool() {
        let dir = tempfile::tempdir().unwrap();
        let first = Layout::open(dir.path(), "BP-1", true).unwrap();
        let second = Layout::open(dir.path(), "BP-1", true).unwrap_err().to_string();
        assert!(second.contains("another process serves it"), "{second}");
        drop(first);
        let other = Layout::open(dir.path(), "BP-2", true).unwrap_err().to_string();
        assert!(other.contains("BP-1") && other.contains("BP-2"), "{other}");
        Layout::open(dir.path(), "BP-1", true).unwrap();
    }
}
