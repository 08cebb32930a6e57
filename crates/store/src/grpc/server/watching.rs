//! One watch of one client. It is asked for the next message when the client has room for it, so that a slow client has no
//! queue here: it falls behind in the store's own log.

use std::collections::VecDeque;
use std::sync::Arc;

use prometheus::IntGauge;
use tonic::{Code, Status};

use super::service::Shared;
use super::{status, wire};
use crate::grpc::proto::watch_response::Event as Message;
use crate::grpc::proto::{FellBehind, Opened, WatchResponse};
use crate::{Event, Record, StoreError, Watch};

/// A watch that is being served.
pub(super) struct Watching<R> {
    shared: Arc<Shared>,
    watch: Box<dyn Watch<R>>,
    /// The store's next event is a snapshot.
    snapshot_next: bool,
    /// What goes out before the store is asked again.
    ready: VecDeque<Message>,
    over: bool,
    _open: Open,
}

/// Counts an open watch.
struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl<R: Record> Watching<R> {
    /// Serves `watch`, which goes on from a position or begins with a snapshot. A `stranger` had another position.
    pub(super) fn new(shared: Arc<Shared>, watch: Box<dyn Watch<R>>, positioned: bool, stranger: bool) -> Self {
        let open = shared.metrics.watches.with_label_values(&[R::KIND]);
        open.inc();
        let mut ready = VecDeque::from([Message::Opened(Opened { history: shared.history.clone() })]);
        if stranger {
            ready.push_back(fell_behind::<R>(&shared));
        }
        Self { shared, watch, snapshot_next: !positioned, ready, over: false, _open: Open(open) }
    }

    /// The next message; `None` after an error.
    pub(super) async fn next(&mut self) -> Option<Result<WatchResponse, Status>> {
        if self.over {
            return None;
        }
        let message = match self.message().await {
            Ok(message) => Ok(WatchResponse { event: Some(message) }),
            Err(status) => {
                self.over = true;
                Err(status)
            }
        };
        Some(message)
    }

    async fn message(&mut self) -> Result<Message, Status> {
        let shared = self.shared.clone();
        loop {
            if shared.stopping.is_cancelled() {
                return Err(stopping());
            }
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            tokio::select! {
                () = shared.stopping.cancelled() => {}
                filled = self.fill() => filled?,
            }
        }
    }

    /// Waits for the store's next event.
    async fn fill(&mut self) -> Result<(), Status> {
        if self.snapshot_next {
            let read = async {
                match self.watch.next().await? {
                    Event::Snapshot(snapshot) => Ok(snapshot),
                    _ => Err(StoreError::Unknown("a watch that did not begin with a snapshot".into())),
                }
            };
            let chunks = self.shared.snapshot(read).await?;
            self.snapshot_next = false;
            self.ready.extend(chunks.into_iter().map(Message::Snapshot));
            return Ok(());
        }
        match self.watch.next().await.map_err(|error| status::of_store(&error))? {
            Event::Changed { revision, changes } => {
                self.shared.metrics.changes.with_label_values(&[R::KIND]).inc();
                self.ready.extend(wire::changed(revision, &changes).into_iter().map(Message::Changed));
            }
            Event::FellBehind => {
                self.snapshot_next = true;
                self.ready.push_back(fell_behind::<R>(&self.shared));
            }
            // A driver may give one at any time.
            Event::Snapshot(snapshot) => {
                let chunks = self.shared.snapshot(async { Ok(snapshot) }).await?;
                self.ready.extend(chunks.into_iter().map(Message::Snapshot));
            }
        }
        Ok(())
    }
}

fn stopping() -> Status {
    status::not_done(Code::Unavailable, "this server is stopping")
}

fn fell_behind<R: Record>(shared: &Shared) -> Message {
    shared.metrics.fell_behind.with_label_values(&[R::KIND]).inc();
    Message::FellBehind(FellBehind {})
}
