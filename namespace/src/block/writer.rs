//! Writing a replica: packets in, durable bytes out. Everything here blocks.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::checksum::{Checksum, SUM, stored_sum};
use super::layout::failed;
use super::meta::SUMS_AT;
use super::recovery::{Files, normalize, tail_at};
use super::replica::{Turn, View};
use super::store::BlockStore;
use super::{BlockError, Replica};

/// The data of one packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// Where the data begins in the block.
    pub(crate) offset: u64,
    pub(crate) data: &'a [u8],
    /// A checksum for each chunk, counted from the begin of `data`.
    pub(crate) sums: &'a [u8],
}

/// Why a packet was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Data and checksums differ.
    #[error("checksum error in {0}")]
    Checksum(String),
    /// The packet makes no sense here.
    #[error("{0}")]
    Malformed(String),
    /// The replica could not be written.
    #[error(transparent)]
    Store(#[from] BlockError),
}

/// The only writer of an open replica. Bytes on disk are never written twice: what a client sends again is skipped, so that
/// readers see each byte change once.
#[derive(Debug)]
pub(crate) struct ReplicaWriter {
    store: Arc<BlockStore>,
    turn: Turn,
    files: Files,
    /// With the packets of the present batch; shown to readers when these are written.
    view: View,
    /// Checksums of the batch, from that of the chunk that held the first new byte.
    sums: Vec<u8>,
    sums_from: u64,
    /// Whether the files' names are on disk.
    is_named: bool,
}

impl ReplicaWriter {
    pub(crate) fn new(store: Arc<BlockStore>, turn: Turn, files: Files, view: View, is_named: bool) -> Self {
        Self { store, turn, files, view, sums: Vec::new(), sums_from: 0, is_named }
    }

    /// Cancelled when somebody else claims the replica.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.turn.cut.clone()
    }

    /// The replica as it is.
    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// Writes packets one after the other, verified against `wire`'s checksums (none if the client sends none), and shows
    /// them to readers. Returns how many were taken, and why the next one was not. If the file system fails, none is.
    pub(crate) fn write<'a>(
        &mut self,
        wire: Option<Checksum>,
        pieces: impl Iterator<Item = Piece<'a>>,
    ) -> (usize, Option<WriteError>) {
        let before = self.view;
        self.sums.clear();
        self.sums_from = before.len / before.checksum.chunk();
        let (mut taken, mut refused) = (0, None);
        for piece in pieces {
            match self.append(wire, piece) {
                Ok(()) => taken += 1,
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        if !matches!(refused, Some(WriteError::Store(_)))
            && let Err(error) = self.write_sums()
        {
            refused = Some(error.into());
        }
        if matches!(refused, Some(WriteError::Store(_))) {
            self.view = before;
            if let Err(error) = normalize(self.store.layout(), &self.files, &before) {
                tracing::warn!(block = %before.block, %error, "what was not acknowledged stays until the next writer");
            }
            return (0, refused);
        }
        if self.view != before {
            self.turn.entry.publish(self.view);
        }
        (taken, refused)
    }

    fn append(&mut self, wire: Option<Checksum>, piece: Piece<'_>) -> Result<(), WriteError> {
        verify(wire, piece)?;
        let View { checksum, len, .. } = self.view;
        let Some(skip) = len.checked_sub(piece.offset) else {
            return Err(WriteError::Malformed(format!("a packet begins at {}, after the end at {len}", piece.offset)));
        };
        let fresh = match usize::try_from(skip).ok().and_then(|skip| piece.data.get(skip..)) {
            Some(fresh) if !fresh.is_empty() => fresh,
            _ => return Ok(()),
        };
        self.store.check_space()?;
        let is_aligned = wire == Some(checksum) && piece.offset.is_multiple_of(checksum.chunk());
        let sent_sum = |chunk: u64| {
            let at = usize::try_from(chunk - piece.offset / checksum.chunk()).ok()? * SUM;
            piece.sums.get(at..).filter(|_| is_aligned)
        };
        let within = len % checksum.chunk();
        let (head, rest) = match within {
            0 => fresh.split_at(0),
            _ => fresh.split_at(fresh.len().min((checksum.chunk() - within) as usize)),
        };
        let kept = (len / checksum.chunk() - self.sums_from) as usize * SUM;
        self.sums.truncate(kept);
        if !head.is_empty() {
            let grown = checksum.polynomial.extend(self.view.tail, head);
            if sent_sum(len / checksum.chunk()).is_some_and(|sent| stored_sum(sent) != grown) {
                let chunk = checksum.floor(len);
                return Err(WriteError::Checksum(format!("the chunk at {chunk}: other bytes were sent before")));
            }
            self.sums.extend_from_slice(&grown.to_be_bytes());
        }
        match sent_sum((len + head.len() as u64).div_ceil(checksum.chunk())) {
            _ if rest.is_empty() => {}
            Some(sent) => self.sums.extend_from_slice(sent),
            None => checksum.put_sums(rest, &mut self.sums),
        }
        let path = || self.store.layout().data(self.view.block.id);
        self.files.data.write_all_at(fresh, len).map_err(|error| failed("write", &path())(error))?;
        self.view.len = len + fresh.len() as u64;
        let is_partial = !self.view.len.is_multiple_of(checksum.chunk());
        self.view.tail = if is_partial { stored_sum(&self.sums[self.sums.len() - SUM..]) } else { 0 };
        Ok(())
    }

    fn write_sums(&mut self) -> Result<(), BlockError> {
        let at = SUMS_AT + self.sums_from * SUM as u64;
        let path = || self.store.layout().meta(self.view.block, false);
        self.files.meta.write_all_at(&self.sums, at).map_err(|error| failed("write", &path())(error))
    }

    /// Makes every byte that was written durable, and the replica's name.
    pub(crate) fn sync(&mut self) -> Result<(), BlockError> {
        let mark = self.view.mark;
        if mark.sequence == 0 || (mark.len, mark.tail) != (self.view.len, self.view.tail) {
            let path = self.store.layout().data(self.view.block.id);
            self.files.data.sync_data().map_err(failed("sync", &path))?;
            self.put_mark()?;
        }
        if !self.is_named {
            self.store.layout().sync_shard(self.view.block.id)?;
            self.is_named = true;
        }
        Ok(())
    }

    /// Writes down what is certain; the data below was synced before.
    fn put_mark(&mut self) -> Result<(), BlockError> {
        let mark = self.view.mark.next(self.view.len, self.view.tail);
        let path = self.store.layout().meta(self.view.block, false);
        self.files.meta.write_all_at(&mark.encode(), mark.position()).map_err(failed("write", &path))?;
        self.files.meta.sync_data().map_err(failed("sync", &path))?;
        self.view.mark = mark;
        self.turn.entry.publish(self.view);
        Ok(())
    }

    /// Cuts the replica to `len`, which is not more than it has. The mark goes first: should we crash in between, it proves
    /// the bytes below `len` while the last chunk's checksum still stands for more of them.
    pub(crate) fn truncate(&mut self, len: u64) -> Result<(), BlockError> {
        if len >= self.view.len {
            return Ok(());
        }
        let tail = tail_at(self.store.layout(), &self.files, &self.view, len)?;
        self.view = View { len, tail, ..self.view };
        self.put_mark()?;
        normalize(self.store.layout(), &self.files, &self.view)?;
        let path = self.store.layout().data(self.view.block.id);
        self.files.data.sync_data().and_then(|()| self.files.meta.sync_data()).map_err(failed("sync", &path))
    }

    /// Closes the replica durably.
    pub(crate) fn finalize(mut self) -> Result<Replica, BlockError> {
        // The directory is synced once, with the final name in it.
        self.is_named = true;
        self.sync()?;
        let finalized = View { finalized: true, ..self.view };
        self.store.rename(&self.turn, self.view, finalized)?;
        Ok(finalized.replica())
    }
}

/// Compares a packet's data with its checksums.
fn verify(wire: Option<Checksum>, piece: Piece<'_>) -> Result<(), WriteError> {
    let Some(checksum) = wire else {
        let is_empty = piece.sums.is_empty();
        return if is_empty { Ok(()) } else { Err(WriteError::Malformed("checksums of type NULL have bytes".into())) };
    };
    let needed = piece.data.len().div_ceil(checksum.bytes_per as usize) * SUM;
    if piece.sums.len() != needed {
        let (found, len) = (piece.sums.len(), piece.data.len());
        let detail = format!("a packet of {len} bytes has {found} bytes of checksums, needed are {needed}");
        return Err(WriteError::Malformed(detail));
    }
    match checksum.mismatch(piece.data, piece.sums) {
        None => Ok(()),
        Some(found) => Err(WriteError::Checksum(format!(
            "chunk {} of the packet at {}: it has {:08x}, sent was {:08x}",
            found.chunk, piece.offset, found.computed, found.stored
        ))),
    }
}
