use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Bytes that may be held at a time. Holding is never refused, for what is held was read already; who is to read more
/// asks whether there is room first.
#[derive(Debug)]
pub(super) struct Budget {
    max: usize,
    held: AtomicUsize,
    room: Arc<Notify>,
}

impl Budget {
    pub(super) fn new(max: usize) -> Self {
        Self { max, held: AtomicUsize::new(0), room: Arc::default() }
    }

    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn release(&self, bytes: usize) {
        let before = self.held.fetch_sub(bytes, Ordering::AcqRel);
        if before >= self.max && before - bytes < self.max {
            self.room.notify_waiters();
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    pub(super) fn has_room(&self) -> bool {
        self.held() < self.max
    }

    /// Completes when room was made after this call. Look at [`Budget::has_room`] again once it is made: the room may
    /// have come in between.
    pub(super) fn wait(&self) -> OwnedNotified {
        self.room.clone().notified_owned()
    }
}
