//! Serves a state store to other processes.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::ServingStatus;

use super::proto::state_store_server::StateStoreServer;
use super::{status, wire};
use crate::tls::{self, Reloaded};
use crate::{StateStore, TlsError};

mod incoming;
mod metrics;
mod places;
mod probe;
mod service;
mod snapshots;
mod watching;

use incoming::Silence;
use places::Places;
use service::Service;

/// How a store is served.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Plain text without it.
    pub tls: Option<ServerTls>,
    /// Connections open at a time; more wait in the kernel's backlog, in the order in which they came.
    pub connections: usize,
    /// How often a silent client is asked whether it is there; it is given up after twice the time.
    pub keep_alive: Duration,
    /// How often the store is asked whether it answers, and how long it may take.
    pub probe: Duration,
    /// How long writes in flight may take to end when the server stops.
    pub drain: Duration,
}

impl ServerOptions {
    /// How many connections a server takes unless it is told. Each router, each router beside a client and each operator
    /// has one, which takes about 300 kB with its watches.
    pub const CONNECTIONS: usize = 1024;
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            tls: None,
            connections: Self::CONNECTIONS,
            keep_alive: Duration::from_secs(10),
            probe: Duration::from_secs(5),
            drain: Duration::from_secs(10),
        }
    }
}

/// What a server proves who it is with, and whom it serves. Files are PEM, and must be good at the start; later they are
/// looked at again and again, for who connects then.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// The certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// The certificate's key.
    pub key: PathBuf,
    /// The authority of clients' certificates. Without it, any client is served.
    pub client_ca: Option<PathBuf>,
}

impl ServerTls {
    fn files(&self) -> Vec<PathBuf> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).cloned().collect()
    }
}

/// Why a store can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate or the key can't be used.
    #[error("cannot use the TLS certificates: {0}")]
    Tls(#[from] TlsError),
    /// A metric of this name exists.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// Serving ended with an error.
    #[error("cannot serve: {0}")]
    Transport(String),
}

/// How often the files of certificates are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Streams of one connection: watches and calls in flight.
const STREAMS: u32 = 256;

/// Calls of one connection that are worked on at a time, beside open watches. Each may hold a whole write.
const CALLS: usize = 32;

/// How many bytes of one call, and of all calls of a connection, may be on their way to the server.
const WINDOWS: (u32, u32) = (1 << 20, 4 << 20);

/// A store that is ready to be served.
pub struct StoreServer {
    builder: Server,
    tls: Option<Reloaded<ServerConfig>>,
    service: Service,
    readers: Option<TcpListener>,
    options: ServerOptions,
    /// Of those who may write, and of those who only read.
    places: [Places; 2],
    health: watch::Sender<Health>,
    stop: CancellationToken,
}

/// Whether the store behind a server answers; why not, if it doesn't.
pub type Health = Result<(), String>;

impl StoreServer {
    /// Prepares to serve `store` until `stop` is cancelled.
    ///
    /// # Errors
    /// When the certificates can't be used, or the registry has these metrics already.
    pub fn new(
        store: Arc<dyn StateStore>,
        options: ServerOptions,
        registry: &prometheus::Registry,
        stop: CancellationToken,
    ) -> Result<Self, ServeError> {
        let builder = Server::builder()
            .concurrency_limit_per_connection(CALLS)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .http2_keepalive_interval(Some(options.keep_alive))
            .http2_keepalive_timeout(Some(options.keep_alive));
        let tls = options.tls.as_ref().map(|tls| Reloaded::open(tls.files(), tls::server)).transpose()?;
        let health = watch::Sender::new(Ok(()));
        let service = Service::new(store, registry, health.subscribe(), stop.clone())?;
        let places = Places::both(options.connections, registry)?;
        Ok(Self { builder, tls, service, readers: None, options, places, health, stop })
    }

    /// Serves a second listener, too, to those who may read and not write. Its connections are counted by themselves, so
    /// that readers take no writer's place.
    #[must_use]
    pub fn read_only(self, listener: TcpListener) -> Self {
        Self { readers: Some(listener), ..self }
    }

    /// Whether the store answers.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Serves until it is told to stop: then it closes the listener, ends the watches so that their clients go elsewhere,
    /// and returns when the writes in flight have been answered, or their time is over.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(self, listener: TcpListener) -> Result<(), ServeError> {
        let Self { mut builder, tls, service, readers, options, places: [writing, reading], health, stop } = self;
        let silence = Silence { first: options.keep_alive, later: 3 * options.keep_alive };
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let store = service.store();
        let mut serve = |listener: TcpListener, places: Places, service: Service| -> Serving {
            let calls = StateStoreServer::new(service)
                .max_decoding_message_size(wire::MAX_REQUEST_BYTES)
                .max_encoding_message_size(wire::MAX_REPLY_BYTES);
            let incoming = incoming::bounded(listener, places, silence);
            let routes = builder.add_service(health_service.clone()).add_service(calls);
            let ends = stop.clone().cancelled_owned();
            match tls.clone() {
                None => Box::pin(routes.serve_with_incoming_shutdown(incoming, ends)),
                Some(tls) => {
                    let incoming = incoming::secured(incoming, tls, options.connections, options.keep_alive);
                    Box::pin(routes.serve_with_incoming_shutdown(incoming, ends))
                }
            }
        };
        let nobody: Serving = Box::pin(std::future::ready(Ok(())));
        let readers = readers.map_or(nobody, |listener| serve(listener, reading, service.read_only()));
        let serving = future::try_join(serve(listener, writing, service), readers);
        let set = async |status| {
            for name in ["", <StateStoreServer<Service> as tonic::server::NamedService>::NAME] {
                reporter.set_service_status(name, status).await;
            }
        };
        set(ServingStatus::Serving).await;
        let watching = async {
            let mut changes = health.subscribe();
            tokio::select! {
                () = probe::run(&*store, options.probe, &health) => {}
                () = async {
                    while changes.changed().await.is_ok() {
                        let answers = changes.borrow_and_update().is_ok();
                        set(if answers { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
                    }
                } => {}
                () = follow(tls) => {}
                () = stop.cancelled() => {}
            }
            set(ServingStatus::NotServing).await;
            stop.cancelled().await;
            tokio::time::sleep(options.drain).await;
        };
        tokio::select! {
            ended = serving => ended.map(drop).map_err(|error| {
                let mut text = error.to_string();
                status::add_causes(&mut text, &error);
                ServeError::Transport(text)
            }),
            () = watching => {
                tracing::warn!(after = ?options.drain, "clients are cut off that did not leave");
                Ok(())
            }
        }
    }
}

/// What one listener serves, until it is told to stop.
type Serving = Pin<Box<dyn Future<Output = Result<(), tonic::transport::Error>> + Send>>;

/// Looks at the files of certificates again and again; never ends.
async fn follow(tls: Option<Reloaded<ServerConfig>>) {
    let Some(tls) = tls else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK).await;
        tls.current().await;
    }
}
