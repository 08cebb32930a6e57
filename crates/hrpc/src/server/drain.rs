use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The end of a server, or of the connections that it has, announced. Clones are one.
///
/// Once started, servers stop accepting, close connections at a moment with no call in flight, answer new calls with
/// `RetriableException` without handing them to the handler, and cut what is left when the grace is over.
#[derive(Debug, Clone)]
pub struct Drain {
    grace: Duration,
    started: CancellationToken,
    told: Arc<Mutex<Told>>,
}

/// What connections are told.
#[derive(Debug)]
struct Told {
    deadline: Option<Instant>,
    shed_within: Duration,
    /// Ends with what is told next.
    next: CancellationToken,
}

/// What a connection hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The server ends; what is left by then is cut.
    Drain(Instant),
    /// The connection should end at some moment within this time, if it has one without a call.
    Shed(Duration),
}

impl Drain {
    /// A drain that gives calls in flight this long to end.
    pub fn new(grace: Duration) -> Self {
        let started = CancellationToken::new();
        let told = Told { deadline: None, shed_within: Duration::ZERO, next: started.child_token() };
        Self { grace, started, told: Arc::new(Mutex::new(told)) }
    }

    /// Starts it; a second time does nothing.
    pub fn start(&self) {
        self.told.lock().deadline.get_or_insert_with(|| Instant::now() + self.grace);
        self.started.cancel();
    }

    /// Lets every connection that is open now end within this time, each at a moment of its own with no call in flight;
    /// one that has no such moment stays. Clients connect again, and where there are more servers than before, the load
    /// evens out.
    pub fn shed(&self, within: Duration) {
        let mut told = self.told.lock();
        told.shed_within = within;
        let before = std::mem::replace(&mut told.next, self.started.child_token());
        // Who is woken asks what it is about.
        drop(told);
        before.cancel();
    }

    /// Whether it has started.
    pub fn started(&self) -> bool {
        self.started.is_cancelled()
    }

    /// Waits for the start.
    pub async fn wait_started(&self) {
        self.started.cancelled().await;
    }

    /// A token of one connection that ends when there is a [`Word`]: waiting on it takes no lock that others take.
    pub(super) fn token(&self) -> CancellationToken {
        self.told.lock().next.child_token()
    }

    /// What was said last.
    pub(super) fn word(&self) -> Word {
        let told = self.told.lock();
        told.deadline.map_or(Word::Shed(told.shed_within), Word::Drain)
    }
}
