//! The files that the operations work on.

use std::net::SocketAddr;

use thiserror::Error;

use crate::load::{Goal, Load, LoadError};
use crate::op::{ADD_BLOCK, CREATE, DELETE, MKDIRS, Subject, named};
use crate::record::Shape;
use crate::session::{Session, SessionError};

/// Files in the listed directory: `dfs.ls.limit`, the most that a NameNode puts in one page.
const FILES: u64 = 1000;

/// The files could not be made.
#[derive(Debug, Error)]
pub enum TreeError {
    /// A call failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The listed directory could not be filled.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Some of its files were refused.
    #[error("of {FILES} files in {directory}, {made} were made: {reasons}")]
    Incomplete {
        /// The directory.
        directory: String,
        /// Files that exist.
        made: u64,
        /// Exceptions, with how often each came.
        reasons: String,
    },
}

/// A directory for one comparison, below the root of each server. All paths are relative to that root.
#[derive(Debug, Clone)]
pub struct Tree {
    name: String,
}

impl Tree {
    /// A tree of its own, so that comparisons can share a server.
    pub fn new() -> Self {
        Self { name: format!("bench-{:08x}", rand::random::<u32>()) }
    }

    /// What an operation of run number `run` works on, below `root`.
    pub fn path(&self, root: &str, subject: Subject, run: usize) -> String {
        let root = root.trim_end_matches('/');
        match subject {
            Subject::File => format!("{root}/{}/file", self.name),
            Subject::Directory => format!("{root}/{}/directory", self.name),
            Subject::Fresh | Subject::Swap => format!("{root}/{}/run-{run}", self.name),
        }
    }

    /// Makes the tree below `root` of a server.
    pub fn plant(&self, address: SocketAddr, root: &str, user: &str) -> Result<(), TreeError> {
        let mut session = Session::open(address, user)?;
        let directory = self.path(root, Subject::Directory, 0);
        session.call(&MKDIRS, &directory)?;
        // The file keeps its writer: so it has a block with a place on a DataNode, and no data must be written.
        let file = self.path(root, Subject::File, 0);
        session.call(&CREATE, &file)?;
        session.call(&ADD_BLOCK, &file)?;
        fill(address, directory, user)
    }

    /// Makes the directory that run number `run` writes in.
    pub fn open_run(&self, address: SocketAddr, root: &str, user: &str, run: usize) -> Result<(), TreeError> {
        Ok(Session::open(address, user)?.call(&MKDIRS, &self.path(root, Subject::Fresh, run))?)
    }

    /// Deletes it, so that the NameNode does not grow from run to run.
    pub fn close_run(&self, address: SocketAddr, root: &str, user: &str, run: usize) -> Result<(), TreeError> {
        Ok(Session::open(address, user)?.call(&DELETE, &self.path(root, Subject::Fresh, run))?)
    }

    /// Deletes the whole tree.
    pub fn fell(&self, address: SocketAddr, root: &str, user: &str) -> Result<(), TreeError> {
        let path = format!("{}/{}", root.trim_end_matches('/'), self.name);
        Ok(Session::open(address, user)?.call(&DELETE, &path)?)
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

fn fill(address: SocketAddr, directory: String, user: &str) -> Result<(), TreeError> {
    let Ok(op) = named("create") else { unreachable!("`create` is one of the operations") };
    let shape = Shape { connections: 1, pipelined: 50 };
    let (path, user) = (directory.clone(), user.to_owned());
    let load = Load { address, op, path, shape, user, users: 1, goal: Goal::Count(FILES) };
    let outcome = load.drive(&[])?;
    if outcome.operations == FILES {
        return Ok(());
    }
    let reasons: Vec<_> = outcome.failures.iter().map(|(reason, count)| format!("{reason} ×{count}")).collect();
    Err(TreeError::Incomplete { directory, made: outcome.operations, reasons: reasons.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_below_the_root_and_runs_apart() {
        let tree = Tree { name: "t".to_owned() };
        assert_eq!(tree.path("/", Subject::File, 3), "/t/file");
        assert_eq!(tree.path("/mount/", Subject::Directory, 3), "/mount/t/directory");
        assert_eq!(tree.path("/mount", Subject::Swap, 3), "/mount/t/run-3");
    }
}
