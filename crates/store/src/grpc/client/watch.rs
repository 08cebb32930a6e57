//! A watch that outlives its connections.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::link::Connection;
use super::{Inner, client, highest, malformed};
use crate::grpc::proto::watch_response::Event as Message;
use crate::grpc::proto::{self, Position, WatchRequest, WatchResponse};
use crate::grpc::status;
use crate::grpc::wire::{self, Incoming, Malformed};
use crate::{Answer, Change, Event, Record, Revision, StoreError, Watch};

/// A stream that was cut before it lived so long, or delivered something, is not replaced without telling: the server may
/// cut the next one, too.
const LASTING: Duration = Duration::from_secs(1);

/// A watch of one kind.
pub(super) struct GrpcWatch<R> {
    inner: Arc<Inner>,
    place: Place,
    /// Kept here, since the caller may stop waiting at any time.
    opening: Option<Opening>,
    open: Option<Open>,
    snapshot: Option<Incoming<R>>,
    changes: Option<Changes<R>>,
    /// An error was the last that the caller learnt.
    failing: bool,
}

/// What the caller knows.
#[derive(Clone)]
enum Place {
    /// Nothing.
    Start,
    /// What may be of another history; the caller must be told that it is old.
    Lost,
    /// Everything up to a revision.
    At(Position),
}

/// A stream that is being opened.
type Opening = Pin<Box<dyn Future<Output = Result<Open, StoreError>> + Send>>;

/// A stream of messages.
struct Open {
    connection: Connection,
    stream: Streaming<WatchResponse>,
    history: Bytes,
    since: Instant,
    delivered: bool,
}

/// The changes of one revision, of which more are to come.
struct Changes<R> {
    revision: Revision,
    changes: Vec<Change<R>>,
    /// Whether there is one that can't be read here.
    unreadable: bool,
}

impl<R: Record> GrpcWatch<R> {
    pub(super) fn new(inner: Arc<Inner>, from: Option<Revision>) -> Self {
        let place = match from {
            None => Place::Start,
            Some(revision) => inner.histories.position(revision).map_or(Place::Lost, Place::At),
        };
        Self { inner, place, opening: None, open: None, snapshot: None, changes: None, failing: false }
    }

    async fn event(&mut self) -> Result<Event<R>, StoreError> {
        loop {
            if matches!(self.place, Place::Lost) {
                self.place = Place::Start;
                return Ok(Event::FellBehind);
            }
            if self.open.is_none() {
                self.reopen().await?;
                if let (true, Place::At(position)) = (self.failing, &self.place) {
                    // The caller learns that the store answers again, whether something has changed or not.
                    return Ok(Event::Changed { revision: position.revision, changes: Arc::new([]) });
                }
            }
            let received = self.receive().await;
            let taken = match received {
                Ok(Some(message)) => self.take(message).map_err(malformed),
                Ok(None) => Err(Status::unavailable("the server ended a watch")),
                Err(status) => Err(status),
            };
            match taken {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(status) => self.lost(&status)?,
            }
        }
    }

    /// Opens a stream where the caller is.
    async fn reopen(&mut self) -> Result<(), StoreError> {
        let opening = self.opening.get_or_insert_with(|| {
            let from = if let Place::At(position) = &self.place { Some(position.clone()) } else { None };
            Box::pin(open::<R>(self.inner.clone(), from))
        });
        let opened = opening.await;
        self.opening = None;
        self.open = Some(opened?);
        Ok(())
    }

    /// The next message. There is no deadline for the first part of an event, but for the others.
    async fn receive(&mut self) -> Result<Option<Message>, Status> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let message = open.stream.message();
        let in_between = self.snapshot.is_some() || self.changes.is_some();
        let response = if in_between { self.inner.within(message).await? } else { message.await? };
        Ok(response.and_then(|response| response.event))
    }

    /// A stream has ended. An error if the caller is to know.
    fn lost(&mut self, status: &Status) -> Result<(), StoreError> {
        (self.snapshot, self.changes) = (None, None);
        let Some(open) = self.open.take() else { return Ok(()) };
        self.inner.link.give_up(&open.connection);
        if status::is_of_the_way(status) && (open.delivered || open.since.elapsed() >= LASTING) {
            tracing::debug!(kind = R::KIND, reason = status::described(status), "a watch of the state store was cut");
            return Ok(());
        }
        Err(status::to_store(status))
    }

    /// Adds a message to what is known; gives an event when one is complete.
    fn take(&mut self, message: Message) -> Result<Option<Event<R>>, Malformed> {
        match message {
            Message::Opened(_) => Err(Malformed("a second beginning of a watch")),
            Message::Snapshot(chunk) => {
                let Some((history, snapshot)) = Incoming::add(&mut self.snapshot, chunk)? else { return Ok(None) };
                self.inner.histories.saw(&history, highest(&snapshot));
                self.place = Place::At(Position { history, revision: snapshot.revision });
                Ok(Some(Event::Snapshot(snapshot)))
            }
            Message::FellBehind(_) => {
                (self.snapshot, self.changes) = (None, None);
                self.place = Place::Start;
                Ok(Some(Event::FellBehind))
            }
            Message::Changed(part) => self.take_changes(part),
        }
    }

    fn take_changes(&mut self, part: proto::Changed) -> Result<Option<Event<R>>, Malformed> {
        let (Place::At(position), Some(open)) = (&mut self.place, &self.open) else {
            return Err(Malformed("changes before a snapshot"));
        };
        let revision = part.revision;
        let fresh = || Changes { revision, changes: Vec::new(), unreadable: false };
        let changes = self.changes.get_or_insert_with(fresh);
        if position.history != open.history || revision <= position.revision || revision != changes.revision {
            return Err(Malformed("changes out of order"));
        }
        for change in part.changes {
            match wire::read_change(change) {
                Some(change) => changes.changes.push(change),
                None => changes.unreadable = true,
            }
        }
        if !part.last {
            return Ok(None);
        }
        let Some(complete) = self.changes.take() else { return Ok(None) };
        if complete.unreadable {
            // A snapshot can name it; a change can't.
            self.open = None;
            self.place = Place::Start;
            return Ok(Some(Event::FellBehind));
        }
        position.revision = revision;
        self.inner.histories.saw(&position.history, revision);
        Ok(Some(Event::Changed { revision, changes: complete.changes.into() }))
    }
}

/// Opens a stream and waits for its beginning.
async fn open<R: Record>(inner: Arc<Inner>, from: Option<Position>) -> Result<Open, StoreError> {
    let request = WatchRequest { kind: R::KIND.to_owned(), from };
    let ask = |connection: Connection| async {
        let mut stream = inner.within(client(&connection).watch(request.clone())).await?.into_inner();
        match inner.within(stream.message()).await?.and_then(|response| response.event) {
            Some(Message::Opened(opened)) => {
                let (history, since) = (opened.history, Instant::now());
                Ok(Open { connection, stream, history, since, delivered: false })
            }
            _ => Err(malformed(Malformed("a watch without a beginning"))),
        }
    };
    inner.read(ask).await
}

impl<R: Record> Watch<R> for GrpcWatch<R> {
    fn next(&mut self) -> Answer<'_, Event<R>> {
        Box::pin(async move {
            let event = self.event().await;
            self.failing = event.is_err();
            if let (Some(open), true) = (&mut self.open, event.is_ok()) {
                open.delivered = true;
            }
            event
        })
    }
}
