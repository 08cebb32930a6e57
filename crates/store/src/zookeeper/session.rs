//! A session with an ensemble: one connection at a time, over which requests are pipelined.
//!
//! Answers and events are taken in the order in which the server sent them, and that is what the store builds on: when an
//! answer is here, so is every event of all that the server had done when it answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::inbox::Inbox;
use super::options::ZooKeeperOptions;
use super::protocol::Request;
use super::{ZooKeeperError, connect};

mod serve;

/// How many requests wait for their turn.
const QUEUE: usize = 256;

/// An answer without an error.
#[derive(Debug)]
pub(super) struct Answer {
    /// The last transaction that the server had done.
    pub(super) zxid: u64,
    pub(super) body: Vec<u8>,
}

/// How it goes with the ensemble.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Looking for a member.
    Connecting,
    /// Connected, for the so manieth time.
    Connected(u64),
    /// No member could be reached.
    Failing(ZooKeeperError),
}

/// A request on its way.
struct Call {
    request: Request,
    /// The connection that it is meant for; `None`: any.
    connection: Option<u64>,
    answer: oneshot::Sender<Result<Answer, ZooKeeperError>>,
}

/// A handle of the session. It ends when the last one is dropped.
#[derive(Clone)]
pub(super) struct Session {
    calls: mpsc::Sender<Call>,
    state: watch::Receiver<State>,
    patience: Duration,
}

/// What the server knows a session by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: i64,
    pub(super) password: [u8; 16],
}

impl Session {
    /// Starts a session whose events go to the inboxes.
    pub(super) fn start(
        options: ZooKeeperOptions,
        inboxes: Vec<Arc<Inbox>>,
    ) -> Result<(Self, watch::Receiver<Identity>), ZooKeeperError> {
        let patience = options.session_timeout;
        let dialer = connect::Dialer::new(options)?;
        let (calls, queue) = mpsc::channel(QUEUE);
        let (state, states) = watch::channel(State::Connecting);
        let (identity, identities) = watch::channel(Identity::default());
        let server = serve::Server::new(dialer, queue, inboxes, state, identity);
        tokio::spawn(server.run());
        Ok((Self { calls, state: states, patience }, identities))
    }

    /// Waits for a connection, for a session's timeout at most.
    async fn connected(&self) -> Result<(), ZooKeeperError> {
        let mut state = self.state.clone();
        let settled = |state: &State| match state {
            State::Connecting => false,
            State::Connected(_) => true,
            State::Failing(error) => error.stays(),
        };
        if let Ok(Err(_)) = tokio::time::timeout(self.patience, state.wait_for(settled)).await {
            return Err(ZooKeeperError::Closed);
        }
        match &*self.state.borrow() {
            State::Connected(_) => Ok(()),
            State::Failing(error) => Err(error.clone()),
            State::Connecting => Err(ZooKeeperError::Unavailable(format!("no server answered in {:?}", self.patience))),
        }
    }

    /// Whoever holds this sees how it goes.
    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Makes a request on any connection, for which it waits.
    pub(super) async fn call(&self, request: Request) -> Result<Answer, ZooKeeperError> {
        self.connected().await?;
        self.send(request, None).await
    }

    /// Makes a request on this connection and no other.
    pub(super) async fn call_on(&self, connection: u64, request: Request) -> Result<Answer, ZooKeeperError> {
        self.send(request, Some(connection)).await
    }

    async fn send(&self, request: Request, connection: Option<u64>) -> Result<Answer, ZooKeeperError> {
        let (answer, answered) = oneshot::channel();
        let call = Call { request, connection, answer };
        self.calls.send(call).await.map_err(|_| ZooKeeperError::Closed)?;
        answered.await.map_err(|_| ZooKeeperError::Lost)?
    }
}
