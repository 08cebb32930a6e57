use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::ServerStats;

/// Bytes that may be held at a time. Holding is never refused, for what is held was read already; who is to read more
/// asks whether there is room first.
#[derive(Debug)]
pub(super) struct Budget {
    max: usize,
    stats: Arc<ServerStats>,
    room: Arc<Notify>,
}

impl Budget {
    pub(super) fn new(max: usize, stats: Arc<ServerStats>) -> Self {
        Self { max, stats, room: Arc::default() }
    }

    pub(super) fn hold(&self, bytes: usize) {
        self.stats.bytes_in_flight.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn release(&self, bytes: usize) {
        let before = self.stats.bytes_in_flight.fetch_sub(bytes, Ordering::AcqRel);
        if before >= self.max && before - bytes < self.max {
            self.room.notify_waiters();
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.stats.bytes_in_flight.load(Ordering::Acquire) < self.max
    }

    /// Completes when room was made after this call. Look at [`Budget::has_room`] again once it is made: the room may
    /// have come in between.
    pub(super) fn wait(&self) -> OwnedNotified {
        self.room.clone().notified_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_room_is_woken_when_there_is_some() {
        let budget = Budget::new(10, Arc::default());
        budget.hold(6);
        assert!(budget.has_room());
        budget.hold(6);
        assert!(!budget.has_room());
        let mut waiting = Box::pin(budget.wait());
        budget.release(1);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        budget.release(2);
        assert!(budget.has_room());
        waiting.await;
    }
}
