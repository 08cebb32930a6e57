//! Snapshots of one kind, read and encoded once for all who ask at the same time: when a server starts, a whole fleet does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// The last snapshot, and who may have it.
#[derive(Debug)]
pub(super) struct Snapshots<T> {
    /// Counts the reads that were begun.
    begun: AtomicU64,
    /// The number of a read, and what came of it. Held while one is going on.
    last: Mutex<Option<(u64, Arc<T>)>>,
}

impl<T> Default for Snapshots<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T> Snapshots<T> {
    /// What was read after this call began, by this caller or by another.
    pub(super) async fn get<E>(&self, read: impl Future<Output = Result<T, E>>) -> Result<Arc<T>, E> {
        let enough = self.begun.load(Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        if let Some((number, snapshot)) = &*last
            && *number >= enough
        {
            return Ok(snapshot.clone());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let snapshot = Arc::new(read.await?);
        *last = Some((number, snapshot.clone()));
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_asks_during_a_read_shares_the_next() {
        let snapshots = Arc::new(Snapshots::<u32>::default());
        let (release, held) = oneshot::channel::<()>();
        let first = tokio::spawn({
            let snapshots = snapshots.clone();
            async move { snapshots.get(async { Ok::<_, ()>(held.await.map_or(0, |()| 1)) }).await }
        });
        while snapshots.begun.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // Both ask now, so what is being read may be too old for them.
        let get = |value| snapshots.get(async move { Ok::<_, ()>(value) });
        let (second, third) = (get(2), get(3));
        let (second, third, ()) = tokio::join!(second, third, async { release.send(()).unwrap() });
        assert_eq!((first.await.unwrap(), second, third), (Ok(1.into()), Ok(2.into()), Ok(2.into())));
        assert_eq!(get(4).await, Ok(4.into()), "what was read before is not used");
    }

    #[tokio::test]
    async fn a_failed_read_is_nobody_elses() {
        let snapshots = Snapshots::<u32>::default();
        assert_eq!(snapshots.get(async { Err("no") }).await, Err("no"));
        assert_eq!(snapshots.get(async { Ok::<_, ()>(5) }).await, Ok(5.into()));
    }
}
