use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The end of a server, announced. Clones are one.
///
/// Once started, servers stop accepting, close connections at a moment with no call in flight, answer new calls with
/// `RetriableException` without handing them to the handler, and cut what is left when the grace is over.
#[derive(Debug, Clone)]
pub struct Drain {
    grace: Duration,
    started: CancellationToken,
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl Drain {
    /// A drain that gives calls in flight this long to end.
    pub fn new(grace: Duration) -> Self {
        Self { grace, started: CancellationToken::new(), deadline: Arc::default() }
    }

    /// Starts it; a second time does nothing.
    pub fn start(&self) {
        self.deadline.lock().get_or_insert_with(|| Instant::now() + self.grace);
        self.started.cancel();
    }

    /// Whether it has started.
    pub fn started(&self) -> bool {
        self.started.is_cancelled()
    }

    /// Waits for the start.
    pub async fn wait_started(&self) {
        self.started.cancelled().await;
    }

    /// When the grace is over; `None` before the start.
    pub fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock()
    }

    /// A token of one connection: waiting on it takes no lock that others take.
    pub(super) fn token(&self) -> CancellationToken {
        self.started.child_token()
    }
}
