//! Reading a replica. Everything here blocks.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::checksum::SUM;
use super::layout::failed;
use super::meta::SUMS_AT;
use super::recovery::Files;
use super::replica::View;
use super::store::BlockStore;
use super::{BlockError, BlockId};

/// A replica as it was when it was opened; what is appended later is not seen.
#[derive(Debug)]
pub(crate) struct ReplicaReader {
    store: Arc<BlockStore>,
    files: Files,
    view: View,
    opened_as: (BlockId, bool),
}

impl ReplicaReader {
    pub(crate) fn new(store: Arc<BlockStore>, files: Files, view: View) -> Self {
        Self { store, files, view, opened_as: (view.block, view.finalized) }
    }

    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// Reads data; `from` is a chunk's begin, and the end is one too or the replica's end.
    pub(crate) fn read_data(&self, from: u64, data: &mut [u8]) -> Result<(), BlockError> {
        let path = || self.store.layout().data(self.view.block.id);
        self.files.data.read_exact_at(data, from).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.view.corrupt(format!("{} ends early", path().display())),
            _ => failed("read", &path())(error),
        })
    }

    /// Reads the checksums of the chunks from the one that begins at `from`.
    pub(crate) fn read_sums(&self, from: u64, sums: &mut [u8]) -> Result<(), BlockError> {
        let path = || self.store.layout().meta(self.opened_as.0, self.opened_as.1);
        let chunk = from / self.view.checksum.chunk();
        self.files.meta.read_exact_at(sums, SUMS_AT + chunk * SUM as u64).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.view.corrupt(format!("{} ends early", path().display())),
            _ => failed("read", &path())(error),
        })?;
        let end = chunk + (sums.len() / SUM) as u64;
        let has_partial = !self.view.len.is_multiple_of(self.view.checksum.chunk());
        if has_partial && end == self.view.checksum.chunks(self.view.len) {
            let at = sums.len() - SUM;
            sums[at..].copy_from_slice(&self.view.tail.to_be_bytes());
        }
        Ok(())
    }

    /// Compares data that begins at `from` with its checksums.
    pub(crate) fn verify(&self, from: u64, data: &[u8], sums: &[u8]) -> Result<(), BlockError> {
        self.view.checksum.mismatch(data, sums).map_or(Ok(()), |found| {
            let at = from + found.chunk as u64 * self.view.checksum.chunk();
            let (computed, stored) = (found.computed, found.stored);
            Err(self.view.corrupt(format!("the chunk at {at} has checksum {computed:08x}, stored is {stored:08x}")))
        })
    }
}
