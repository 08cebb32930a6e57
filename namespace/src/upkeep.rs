//! What happens behind the calls, in bounded steps: dead leases, cut-off trees, unused blocks, old answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anabranch_journal::Journal;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::recovery::Closer;
use crate::state::leases::{self, Leases};
use crate::state::ops::{Place, collect_garbage, forget_answers, garbage, reap};
use crate::state::{Fault, view::View};

/// Entries or blocks that one step removes.
const STEP: usize = 1_000;
/// Files of one holder that are looked up at once.
const FILES: usize = 100;

/// The service's background task.
pub struct Upkeep {
    /// The committed state.
    pub journal: Arc<dyn Journal>,
    /// Closes files, and leads to the writer and the blocks.
    pub closer: Closer,
    /// Who was heard of when.
    pub leases: Arc<Leases>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Time between rounds.
    pub every: Duration,
    /// While it is set, nothing changes.
    pub safe_mode: Arc<AtomicBool>,
    /// Wakes it early: something was deleted.
    pub wake: Arc<Notify>,
}

impl Upkeep {
    /// Runs rounds until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(self.every) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                done = self.round() => if let Err(error) = done {
                    tracing::warn!(%error, "upkeep did not finish; it goes on in the next round");
                }
            }
        }
    }

    /// Does what there is to do. What cannot be done now holds up nothing else.
    ///
    /// # Errors
    /// The first thing that could not be done.
    pub async fn round(&self) -> Result<(), Fault> {
        if self.safe_mode.load(Ordering::Acquire) {
            return Ok(());
        }
        let reaped = self.reap().await;
        let deleted = self.delete_replicas().await;
        let forgotten = self.forget_answers().await;
        let closed = self.close_abandoned().await;
        reaped.and(deleted).and(forgotten).and(closed)
    }

    async fn reap(&self) -> Result<(), Fault> {
        while !self.journal.snapshot().scan(crate::state::tables::ORPHANS, &[], None, 1)?.is_empty() {
            let mut next = Some(Place::default());
            while let Some(from) = next {
                next = self.closer.writer.submit(move |txn| reap(txn, &from, STEP)).await?;
            }
        }
        Ok(())
    }

    async fn delete_replicas(&self) -> Result<(), Fault> {
        let (mut after, mut kept) = (0, Ok(()));
        loop {
            let unused = garbage(&self.journal.snapshot(), after, STEP)?;
            let Some(last) = unused.last() else { return kept };
            after = last.id;
            let mut gone = Vec::with_capacity(unused.len());
            for block in unused {
                match self.closer.blocks.delete(vec![block]).await {
                    Ok(()) => gone.push(block),
                    Err(error) => {
                        let id = block.id;
                        kept = kept.and(Err(Fault::io(format!("cannot delete the replica of block {id}: {error}"))));
                    }
                }
            }
            self.closer.writer.submit(move |txn| collect_garbage(txn, &gone)).await?;
        }
    }

    async fn forget_answers(&self) -> Result<(), Fault> {
        let first = self.journal.snapshot().scan(crate::state::tables::EXPIRIES, &[], None, 1)?;
        let due = first.first().and_then(|(key, _)| crate::state::tables::leading_number(key));
        if due.is_some_and(|at| at <= self.clock.now().wall) {
            while self.closer.writer.submit(|txn| forget_answers(txn, STEP)).await? {}
        }
        Ok(())
    }

    /// Closes a holder's files. One that cannot be closed now does not keep the others open.
    async fn close_files(&self, holder: &str) -> Result<(), Fault> {
        let mut after = 0;
        loop {
            let files = self.journal.snapshot().leases_of(holder, after, FILES)?;
            let Some(last) = files.last() else { return Ok(()) };
            after = *last;
            for inode in files {
                if let Err(error) = self.closer.close(inode).await {
                    tracing::warn!(inode, holder, %error, "cannot close an abandoned file yet");
                }
            }
        }
    }

    /// Closes the files of holders that are dead, and those that the service itself has taken over.
    async fn close_abandoned(&self) -> Result<(), Fault> {
        let now = self.clock.now().monotonic;
        let mut holders = self.leases.dead(now);
        holders.push(leases::SERVICE.to_owned());
        for holder in holders {
            self.close_files(&holder).await?;
        }
        for holder in self.leases.stale(now) {
            if self.journal.snapshot().leases_of(&holder, 0, 1)?.is_empty() {
                self.leases.forget(&holder, now);
            }
        }
        Ok(())
    }
}
