//! A replica in memory: what is known of it, and whose turn it is to change it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use super::checksum::Checksum;
use super::meta::Mark;
use super::{BlockError, BlockId, Replica};

/// A consistent picture of a replica: every byte below `len` is in the data file, and the checksums of the chunks below
/// are in the checksum file, apart from the one of a partial last chunk, which changes there and is therefore in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) block: BlockId,
    pub(crate) finalized: bool,
    pub(crate) checksum: Checksum,
    pub(crate) len: u64,
    /// Checksum of the bytes of a partial last chunk, 0 if there is none.
    pub(crate) tail: u32,
    /// The newest mark in the checksum file.
    pub(crate) mark: Mark,
}

impl View {
    /// A replica of which nothing was written.
    pub(crate) fn empty(block: BlockId, checksum: Checksum) -> Self {
        Self { block, finalized: false, checksum, len: 0, tail: 0, mark: Mark::NONE }
    }

    /// The public form.
    pub(crate) fn replica(&self) -> Replica {
        Replica { block: self.block, len: self.len, finalized: self.finalized }
    }

    /// The state's name, for errors.
    pub(crate) fn state(&self) -> &'static str {
        if self.finalized { "finalized" } else { "open" }
    }

    /// What a damaged replica is reported as.
    pub(crate) fn corrupt(&self, detail: impl Into<String>) -> BlockError {
        BlockError::Corrupt { id: self.block.id, detail: detail.into() }
    }
}

/// One replica of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Number, generation and state as the file's name said when the index was built.
    named: (BlockId, bool),
    view: OnceLock<Mutex<View>>,
    loading: Mutex<()>,
    turn: Arc<tokio::sync::Mutex<()>>,
    cut: Mutex<CancellationToken>,
}

impl Entry {
    /// A replica that was found on disk.
    pub(crate) fn found(block: BlockId, finalized: bool) -> Self {
        Self {
            named: (block, finalized),
            view: OnceLock::new(),
            loading: Mutex::new(()),
            turn: Arc::default(),
            cut: Mutex::default(),
        }
    }

    /// A replica that is being created.
    pub(crate) fn created(view: View) -> Self {
        let entry = Self::found(view.block, view.finalized);
        Self { view: OnceLock::from(Mutex::new(view)), ..entry }
    }

    /// Number and present generation.
    pub(crate) fn block(&self) -> BlockId {
        self.place().0
    }

    /// What the checksum file's name says now: number, generation, and whether the replica is finalized.
    pub(crate) fn place(&self) -> (BlockId, bool) {
        self.view().map_or(self.named, |view| (view.block, view.finalized))
    }

    /// The present picture, if it was loaded.
    pub(crate) fn view(&self) -> Option<View> {
        self.view.get().map(|view| *view.lock())
    }

    /// The present picture; `load` makes it on first use, from what the file's name says. Blocks.
    pub(crate) fn view_or(
        &self,
        load: impl FnOnce(BlockId, bool) -> Result<View, BlockError>,
    ) -> Result<View, BlockError> {
        let _loading = self.loading.lock();
        match self.view() {
            Some(view) => Ok(view),
            None => load(self.named.0, self.named.1).map(|view| *self.view.get_or_init(|| Mutex::new(view)).lock()),
        }
    }

    /// Shows a new picture to readers. Only who holds the [`Turn`] calls this.
    pub(crate) fn publish(&self, view: View) {
        *self.view.get_or_init(|| Mutex::new(view)).lock() = view;
    }

    /// Cuts off who changes the replica now, and waits until they let go.
    pub(crate) async fn take_turn(self: &Arc<Self>, patience: Duration) -> Result<Turn, BlockError> {
        let cut = CancellationToken::new();
        std::mem::replace(&mut *self.cut.lock(), cut.clone()).cancel();
        match tokio::time::timeout(patience, Arc::clone(&self.turn).lock_owned()).await {
            Ok(guard) => Ok(Turn { entry: Arc::clone(self), cut, _guard: guard }),
            Err(_) => {
                let waited_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
                Err(BlockError::Busy { id: self.named.0.id, waited_ms })
            }
        }
    }
}

/// The right to change a replica. It travels into every blocking call, so that it ends only when the file system is done.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The replica.
    pub(crate) entry: Arc<Entry>,
    /// Cancelled when somebody else wants the turn.
    pub(crate) cut: CancellationToken,
    _guard: OwnedMutexGuard<()>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_turn_begins_when_the_last_one_lets_go() {
        let entry = Arc::new(Entry::found(BlockId { id: 1, generation: 1 }, false));
        let first = entry.take_turn(Duration::from_secs(5)).await.unwrap();
        let busy = entry.take_turn(Duration::from_millis(10)).await.unwrap_err();
        assert!(matches!(busy, BlockError::Busy { id: 1, waited_ms: 10 }), "{busy}");
        assert!(first.cut.is_cancelled());
        let holder = tokio::spawn(async move {
            first.cut.cancelled().await;
            drop(first);
        });
        let second = entry.take_turn(Duration::from_secs(5)).await.unwrap();
        assert!(!second.cut.is_cancelled());
        holder.await.unwrap();
    }
}
