//! One watch of one client. It is asked for the next message when the client has room for it, so that a slow client has no
//! queue here: it falls behind in the store's own log.

use std::collections::VecDeque;
use std::sync::Arc;

use prometheus::IntGauge;
use tonic::{Code, Status};

use super::service::Shared;
use super::{status, wire};
use crate::grpc::proto::watch_response::Event as Message;
use crate::grpc::proto::{Chunk, FellBehind, Opened, WatchResponse};
use crate::{Event, Record, Records, StateStore, Watch};

/// A watch that is being served.
pub(super) struct Watching<R> {
    shared: Arc<Shared>,
    /// The store's watch; `None`: a snapshot comes first.
    watch: Option<Box<dyn Watch<R>>>,
    /// What goes out before the store is asked again.
    ready: VecDeque<Message>,
    /// What goes out of a snapshot after that, from a position on.
    snapshot: Option<(Arc<Vec<Chunk>>, usize)>,
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

impl<R: Record> Watching<R>
where
    dyn StateStore: Records<R>,
{
    /// Serves `watch`, which goes on from a position, or begins with a snapshot. A `stranger` has another position.
    pub(super) fn new(shared: Arc<Shared>, watch: Option<Box<dyn Watch<R>>>, stranger: bool) -> Self {
        let open = shared.metrics.watches.with_label_values(&[R::KIND]);
        open.inc();
        let mut ready = VecDeque::from([Message::Opened(Opened { history: shared.history.clone() })]);
        if stranger {
            ready.push_back(fell_behind::<R>(&shared));
        }
        Self { shared, watch, ready, snapshot: None, over: false, _open: Open(open) }
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
            if let Some((chunks, at)) = &mut self.snapshot {
                if let Some(chunk) = chunks.get(*at) {
                    *at += 1;
                    return Ok(Message::Snapshot(chunk.clone()));
                }
                self.snapshot = None;
            }
            tokio::select! {
                () = shared.stopping.cancelled() => {}
                // The client is to know that it would not learn of changes.
                status = shared.fails() => return Err(status),
                filled = self.fill() => filled?,
            }
        }
    }

    /// Waits for the store's next event, or a snapshot.
    async fn fill(&mut self) -> Result<(), Status> {
        let Some(watch) = &mut self.watch else { return self.begin_snapshot().await };
        match watch.next().await.map_err(|error| status::of_store(&error))? {
            Event::Changed { revision, changes } => {
                self.shared.metrics.changes.with_label_values(&[R::KIND]).inc();
                self.ready.extend(wire::changed(revision, &changes).into_iter().map(Message::Changed));
            }
            Event::FellBehind => {
                self.watch = None;
                self.ready.push_back(fell_behind::<R>(&self.shared));
            }
            // One that all share is as good as the driver's own.
            Event::Snapshot(_) => self.watch = None,
        }
        Ok(())
    }

    async fn begin_snapshot(&mut self) -> Result<(), Status> {
        let chunks = self.shared.snapshot::<R>().await?;
        let revision = chunks.first().map_or(0, |chunk| chunk.revision);
        self.watch = Some(self.shared.follow(revision));
        self.snapshot = Some((chunks, 0));
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
