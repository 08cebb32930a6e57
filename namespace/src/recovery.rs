//! Files whose writers are gone are closed: the state machine takes them over, the block side closes the last block.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::block::{BlockError, Blocks};
use crate::state::ops::{Recovery, Takeover, begin_recovery, finish_recovery};
use crate::state::{Fault, Kind};
use crate::writer::Writer;

/// How long the block side may take to close a block before the caller is told to come back.
const PATIENCE: Duration = Duration::from_secs(20);

/// Locks that files share by their numbers.
const TURNS: usize = 64;

/// Closes files in place of their writers; each file by one task at a time, so that a second one finds it closed instead of
/// fencing the first one off.
#[derive(Clone)]
pub struct Closer {
    /// Where the state changes.
    pub writer: Writer,
    /// Where the blocks are.
    pub blocks: Arc<dyn Blocks>,
    turns: Arc<[Mutex<()>; TURNS]>,
}

impl Closer {
    /// Changes the state through `writer`, and blocks at `blocks`. All tasks of a service share one, or a clone.
    pub fn new(writer: Writer, blocks: Arc<dyn Blocks>) -> Self {
        Self { writer, blocks, turns: Arc::new(std::array::from_fn(|_| Mutex::new(()))) }
    }

    /// Takes over a file, whoever writes it, and closes it.
    pub async fn close(&self, inode: u64) -> Result<(), Fault> {
        let _turn = self.turns[inode as usize % TURNS].lock().await;
        match self.writer.submit(move |txn| begin_recovery(txn, inode)).await? {
            Takeover::Closed => Ok(()),
            Takeover::Block(recovery) => self.finish(recovery).await,
        }
    }

    /// Closes a file that was taken over: the block side closes or cuts its last block.
    async fn finish(&self, recovery: Recovery) -> Result<(), Fault> {
        let Recovery { block, generation, cut, .. } = recovery;
        let recovered = tokio::time::timeout(PATIENCE, self.blocks.recover(block, generation, cut)).await;
        let length = match recovered {
            Ok(Ok(length)) => Some(length),
            Ok(Err(BlockError::NotFound { .. })) => None,
            Ok(Err(error)) => return Err(Fault::io(format!("cannot close {block}: {error}"))),
            Err(_) => {
                let words = format!("closing {block} takes longer than {} s", PATIENCE.as_secs());
                return Err(Fault::new(Kind::RecoveryInProgress, words));
            }
        };
        self.writer.submit(move |txn| finish_recovery(txn, &recovery, length)).await
    }
}
