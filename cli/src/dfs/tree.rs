//! What a copy has to do: directories to make, then files, each from somewhere to somewhere.

use super::output::Output;
use super::remote::Error;
use crate::human::bytes as human;

/// How a tree is copied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// Replace files that exist.
    pub(super) force: bool,
    /// Files under way at once.
    pub(super) parallel: usize,
}

/// One file of a copy.
#[derive(Debug)]
pub(super) struct File<From, To> {
    pub(super) from: From,
    pub(super) to: To,
    pub(super) length: u64,
}

/// A copy, planned before the first byte moves. Directories come before what they hold.
#[derive(Debug)]
pub(super) struct Plan<From, To> {
    pub(super) directories: Vec<To>,
    pub(super) files: Vec<File<From, To>>,
}

impl<From, To> Plan<From, To> {
    pub(super) fn new() -> Self {
        Self { directories: Vec::new(), files: Vec::new() }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }

    /// Says what was copied.
    pub(super) fn report(&self, verb: &str, to: &str, out: &Output) -> Result<(), Error> {
        let (files, bytes) = (self.files.len(), self.bytes());
        out.print(
            || serde_json::json!({ "to": to, "files": files, "bytes": bytes }),
            || format!("{verb} {files} file{} ({}) to {to}", if files == 1 { "" } else { "s" }, human(bytes)),
        )
    }
}
