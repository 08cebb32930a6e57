//! The calls, over any driver.

use std::pin::Pin;
use std::sync::Arc;

use anabranch_federation::MountEntry;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};

use super::metrics::ServerMetrics;
use super::snapshots::Snapshots;
use super::watching::Watching;
use super::{Health, status, wire};
use crate::grpc::history;
use crate::grpc::proto::{
    Chunk, ExpectedChange, ListRequest, Position, WatchRequest, WatchResponse, WriteRequest, WriteResponse,
    state_store_server,
};
use crate::{
    DisabledNameservice, Membership, Reader, Record, Records, Refusal, Revision, RouterState, StateStore, Version,
    Watch, Writer,
};

/// Messages that a client takes at its own pace.
type Replies<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

/// The service.
pub(super) struct Service {
    shared: Arc<Shared>,
    read_only: bool,
}

/// What calls and open watches need.
pub(super) struct Shared {
    store: Arc<dyn StateStore>,
    /// Of this life of this server.
    pub(super) history: Bytes,
    pub(super) metrics: ServerMetrics,
    pub(super) stopping: CancellationToken,
    /// By kind.
    snapshots: [(&'static str, Snapshots<Vec<Chunk>>); 4],
    health: watch::Receiver<Health>,
}

impl Service {
    pub(super) fn new(
        store: Arc<dyn StateStore>,
        registry: &prometheus::Registry,
        health: watch::Receiver<Health>,
        stopping: CancellationToken,
    ) -> prometheus::Result<Self> {
        let (metrics, snapshots) = (ServerMetrics::register(registry)?, KINDS.map(|kind| (kind, Snapshots::default())));
        let shared = Shared { store, history: history::new(), metrics, stopping, snapshots, health };
        Ok(Self { shared: Arc::new(shared), read_only: false })
    }

    /// The same one for those who may not write.
    pub(super) fn read_only(&self) -> Self {
        Self { shared: self.shared.clone(), read_only: true }
    }

    pub(super) fn store(&self) -> Arc<dyn StateStore> {
        self.shared.store.clone()
    }
}

/// The kinds that are served.
const KINDS: [&str; 4] = [MountEntry::KIND, Membership::KIND, RouterState::KIND, DisabledNameservice::KIND];

/// Calls a generic method for the kind of this name.
macro_rules! for_kind {
    ($kind:expr, $shared:expr, $method:ident($($argument:expr),*)) => {
        match $kind {
            MountEntry::KIND => $shared.$method::<MountEntry>($($argument),*).await,
            Membership::KIND => $shared.$method::<Membership>($($argument),*).await,
            RouterState::KIND => $shared.$method::<RouterState>($($argument),*).await,
            DisabledNameservice::KIND => $shared.$method::<DisabledNameservice>($($argument),*).await,
            other => Err(unknown(other)),
        }
    };
}

/// What a writer is told where one may only read. Who learns of it is a user of the router that asked.
const READ_ONLY: &str = "this address of the state store is read-only, as routers beside clients need it: make changes at \
                         the address of the fleet's own routers, with hdfs dfsrouteradmin, or in a MountTable";

fn away(reason: &str) -> Status {
    status::not_done(Code::Unavailable, format!("the store does not answer: {reason}"))
}

fn unknown(kind: &str) -> Status {
    let shown: String = kind.chars().take(80).collect();
    status::not_done(
        Code::Unimplemented,
        format!("no records of kind {shown:?} are kept; there are {}", KINDS.join(", ")),
    )
}

#[tonic::async_trait]
impl state_store_server::StateStore for Service {
    type ListStream = Replies<Chunk>;
    type WatchStream = Replies<WatchResponse>;

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        let request = request.into_inner();
        self.shared.admit()?;
        Ok(Response::new(for_kind!(&*request.kind, self.shared, list())?))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let WatchRequest { kind, from } = request.into_inner();
        self.shared.admit()?;
        Ok(Response::new(for_kind!(&*kind, self.shared.clone(), watch(from))?))
    }

    async fn write(&self, request: Request<WriteRequest>) -> Result<Response<WriteResponse>, Status> {
        if self.read_only {
            return Err(status::not_done(Code::PermissionDenied, READ_ONLY));
        }
        let WriteRequest { kind, changes } = request.into_inner();
        self.shared.admit()?;
        let answers = for_kind!(&*kind, self.shared, write(changes))?;
        let answers = answers.iter().map(wire::answer).collect();
        Ok(Response::new(WriteResponse { history: self.shared.history.clone(), answers }))
    }
}

impl Shared {
    /// Whether calls are begun.
    fn admit(&self) -> Result<(), Status> {
        if self.stopping.is_cancelled() {
            return Err(status::not_done(Code::Unavailable, "this server is stopping"));
        }
        let answers = self.health.borrow().clone();
        answers.map_err(|reason| away(&reason))
    }

    /// Waits until the store doesn't answer any more.
    pub(super) async fn fails(&self) -> Status {
        let mut health = self.health.clone();
        match health.wait_for(Result::is_err).await.map(|health| health.clone()) {
            Ok(Err(reason)) => away(&reason),
            // The server ends.
            _ => std::future::pending().await,
        }
    }

    /// All records of a kind, as new as this call.
    pub(super) async fn snapshot<R: Record>(self: &Arc<Self>) -> Result<Arc<Vec<Chunk>>, Status>
    where
        dyn StateStore: Records<R>,
    {
        // A task of its own: others wait for it, and this caller is asked only when its client has room.
        let shared = self.clone();
        let read = tokio::spawn(async move { shared.read_snapshot::<R>().await });
        read.await.map_err(|error| Status::internal(error.to_string()))?
    }

    async fn read_snapshot<R: Record>(&self) -> Result<Arc<Vec<Chunk>>, Status>
    where
        dyn StateStore: Records<R>,
    {
        let read = async {
            let snapshot = Reader::<R>::list(&*self.store).await.map_err(|error| status::of_store(&error))?;
            self.metrics.snapshots.with_label_values(&[R::KIND]).inc();
            let history = self.history.clone();
            let encoded = tokio::task::spawn_blocking(move || wire::chunks(&history, &snapshot)).await;
            encoded.map_err(|error| Status::internal(error.to_string()))
        };
        match self.snapshots.iter().find(|(kind, _)| *kind == R::KIND) {
            Some((_, snapshots)) => snapshots.get(read).await,
            None => Err(unknown(R::KIND)),
        }
    }

    /// Follows a kind from a revision on.
    pub(super) fn follow<R: Record>(&self, from: Revision) -> Box<dyn Watch<R>>
    where
        dyn StateStore: Records<R>,
    {
        Reader::<R>::watch(&*self.store, Some(from))
    }

    async fn list<R: Record>(self: &Arc<Self>) -> Result<Replies<Chunk>, Status>
    where
        dyn StateStore: Records<R>,
    {
        let chunks = self.snapshot::<R>().await?;
        Ok(Box::pin(stream::iter((0..chunks.len()).map(move |at| Ok(chunks[at].clone())))))
    }

    async fn watch<R: Record>(self: Arc<Self>, from: Option<Position>) -> Result<Replies<WatchResponse>, Status>
    where
        dyn StateStore: Records<R>,
    {
        // A position of another history says nothing here.
        let stranger = from.as_ref().is_some_and(|position| position.history != self.history);
        let watch = from.filter(|_| !stranger).map(|position| self.follow::<R>(position.revision));
        let watching = Watching::new(self, watch, stranger);
        Ok(Box::pin(stream::unfold(watching, |mut watching| async move {
            let message = watching.next().await?;
            Some((message, watching))
        })))
    }

    async fn write<R: Record>(&self, changes: Vec<ExpectedChange>) -> Result<Vec<Result<Version, Refusal>>, Status>
    where
        dyn StateStore: Records<R>,
    {
        let changes =
            wire::read_write::<R>(changes).map_err(|malformed| status::not_done(Code::InvalidArgument, malformed.0))?;
        let (mut good, mut answers) = (Vec::new(), Vec::new());
        for change in changes {
            answers.push(change.map(|change| good.push(change)).map(|()| Version::ABSENT));
        }
        let count = |outcome, n: usize| {
            self.metrics.writes.with_label_values(&[R::KIND, outcome]).inc_by(n as u64);
        };
        let asked = good.len();
        let made = Writer::<R>::write(&*self.store, good).await.map_err(|error| {
            count("failed", asked);
            status::of_store(&error)
        })?;
        // What could be read has its answers, in order.
        let mut made = made.into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
            *answer = made.next().ok_or_else(|| Status::internal("fewer answers than changes"))?;
        }
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        count("refused", refused);
        count("made", answers.len() - refused);
        Ok(answers)
    }
}
