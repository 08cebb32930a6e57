//! A state store that another process serves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::history::Histories;
use super::proto::state_store_client::StateStoreClient;
use super::proto::{ListRequest, WriteResponse};
use super::status;
use super::wire::{self, Incoming, Malformed};
use crate::{Answer, Reader, Record, Refusal, Revision, Snapshot, StoreError, TlsError, Version, Watch, Write, Writer};

mod link;
mod watch;

use link::{Connection, Link};
use watch::GrpcWatch;

/// Where the servers are, and how long they are waited for.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// `host:port` of the servers of one store. One is used at a time; the next when that one fails.
    pub endpoints: Vec<String>,
    /// Plain text without it.
    pub tls: Option<ClientTls>,
    /// How long a connection may take, with the TLS handshake.
    pub connect: Duration,
    /// How long an answer may take, or the next part of one.
    pub call: Duration,
    /// How often a silent server is asked whether it is there; it is given up when it doesn't say so in the same time.
    pub keep_alive: Duration,
}

impl ClientOptions {
    /// Plain text, with the usual deadlines.
    pub fn new(endpoints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            tls: None,
            connect: Duration::from_secs(5),
            call: Duration::from_secs(10),
            keep_alive: Duration::from_secs(5),
        }
    }
}

/// Whom a client trusts, and what it proves who it is with. Files are PEM, and must be good when the client is made; each
/// connection uses what they say then.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// The authority of the servers' certificates.
    pub ca: PathBuf,
    /// The client's certificate and its key, for servers that ask for them.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name in the servers' certificates, where it is not the endpoint's host.
    pub domain: Option<String>,
}

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no server to ask.
    #[error("no endpoints; expected at least one host:port")]
    NoEndpoints,
    /// An endpoint is no address.
    #[error("{endpoint:?} is no endpoint; expected host:port, such as store-0.store:8889")]
    Endpoint {
        /// What it says.
        endpoint: String,
    },
    /// The certificates can't be used.
    #[error("cannot use the TLS certificates: {0}")]
    Tls(#[from] TlsError),
}

/// A client of a state store, itself a driver of one. A clone shares its connection, on which all watches are carried.
///
/// A write is sent once: when its answer is lost, the caller learns that it may have been made. Reads and watches move to
/// another connection, or another server, by themselves; an error means that no server could be asked just now.
#[derive(Clone)]
pub struct GrpcStore {
    inner: Arc<Inner>,
}

/// What a store and its watches share.
struct Inner {
    link: Arc<Link>,
    histories: Histories,
    call: Duration,
}

impl GrpcStore {
    /// A client that connects when it is first used.
    ///
    /// # Errors
    /// When an endpoint or a certificate is malformed.
    pub fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        let link = Arc::new(Link::new(options)?);
        Ok(Self { inner: Arc::new(Inner { link, histories: Histories::default(), call: options.call }) })
    }
}

impl Inner {
    /// Asks a server what changes nothing; when the way to it fails, asks again on a new connection, or another server.
    async fn read<T, F: Future<Output = Result<T, Status>>>(
        &self,
        ask: impl Fn(Connection) -> F,
    ) -> Result<T, StoreError> {
        let mut attempt = 0;
        loop {
            let connection = self.link.connect().await?;
            let failed = match ask(connection.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            if !status::is_of_the_way(&failed) {
                return Err(status::to_store(&failed));
            }
            self.link.give_up(&connection);
            // Each server, and one connection that may have broken unnoticed.
            attempt += 1;
            if attempt > self.link.endpoints() {
                return Err(status::to_store(&failed));
            }
        }
    }

    /// Waits for an answer, or a part of one, for as long as it may take.
    async fn within<T>(&self, answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let waited = timeout(self.call, answer).await;
        waited.unwrap_or_else(|_| Err(Status::deadline_exceeded(format!("no answer in {:?}", self.call))))
    }

    async fn list<R: Record>(&self, connection: Connection) -> Result<Snapshot<R>, Status> {
        let request = ListRequest { kind: R::KIND.to_owned() };
        let mut chunks = self.within(client(&connection).list(request)).await?.into_inner();
        let mut incoming: Option<Incoming<R>> = None;
        while let Some(chunk) = self.within(chunks.message()).await? {
            if let Some((history, snapshot)) = Incoming::add(&mut incoming, chunk).map_err(malformed)? {
                self.histories.saw(&history, highest(&snapshot));
                return Ok(snapshot);
            }
        }
        Err(Status::unavailable("the server ended a list before its last part"))
    }

    async fn write<R: Record>(&self, changes: Vec<Write<R>>) -> Result<Vec<Result<Version, Refusal>>, StoreError> {
        let request = wire::write(&changes)?;
        let connection = self.link.connect().await?;
        // From here on there is one attempt: nobody but the caller knows whether a second one does harm.
        let answer = self.within(client(&connection).write(request)).await.map(Response::into_inner);
        let answer = answer.map_err(|failed| {
            if status::is_of_the_way(&failed) {
                self.link.give_up(&connection);
            }
            status::to_store(&failed)
        })?;
        self.answers(&changes, answer).map_err(|malformed| StoreError::Unknown(malformed.0.to_owned()))
    }

    fn answers<R: Record>(
        &self,
        changes: &[Write<R>],
        WriteResponse { history, answers }: WriteResponse,
    ) -> Result<Vec<Result<Version, Refusal>>, Malformed> {
        if answers.len() != changes.len() {
            return Err(Malformed("a write with another number of answers than changes"));
        }
        let pairs = changes.iter().zip(answers);
        let answers: Vec<_> =
            pairs.map(|(change, answer)| wire::read_answer(change.key(), answer)).collect::<Result<_, _>>()?;
        let versions = answers.iter().map(|answer| match answer {
            Ok(version) | Err(Refusal::Conflict { found: version, .. }) => version.0,
            Err(_) => 0,
        });
        self.histories.saw(&history, versions.max().unwrap_or_default());
        Ok(answers)
    }
}

fn client(connection: &Connection) -> StateStoreClient<Channel> {
    StateStoreClient::new(connection.channel())
        .max_decoding_message_size(wire::MAX_REPLY_BYTES)
        .max_encoding_message_size(wire::MAX_REQUEST_BYTES)
}

fn malformed(Malformed(what): Malformed) -> Status {
    Status::internal(format!("the server sent {what}"))
}

/// The highest revision that a caller learns from a snapshot.
fn highest<R>(snapshot: &Snapshot<R>) -> Revision {
    let records = snapshot.records.iter().map(|stored| stored.version.0);
    let broken = snapshot.broken.iter().map(|broken| broken.version.0);
    records.chain(broken).fold(snapshot.revision, Revision::max)
}

impl<R: Record> Reader<R> for GrpcStore {
    fn list(&self) -> Answer<'_, Snapshot<R>> {
        Box::pin(self.inner.read(|connection| self.inner.list(connection)))
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>> {
        Box::new(GrpcWatch::new(self.inner.clone(), from))
    }
}

impl<R: Record> Writer<R> for GrpcStore {
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        Box::pin(self.inner.write(changes))
    }
}
