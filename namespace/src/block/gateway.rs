//! The server: accepts connections as far as the limits allow, and drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::metrics::{Counted, Metrics};
use super::store::BlockStore;

/// Limits of a gateway.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Connections that are served at a time; further ones wait in the listener's backlog. Each that writes takes up to
    /// 1 MiB of memory, each that reads 2 MiB.
    pub max_connections: usize,
    /// How long a client may be silent within an operation. Writers send a heartbeat every 30 seconds.
    pub read_timeout: Duration,
    /// How long a client may take nothing of what it reads.
    pub write_timeout: Duration,
    /// How long a connection is kept for its next operation.
    pub keepalive: Duration,
}

impl Default for GatewayConfig {
    /// The DataNode's timeouts: 60 seconds, 8 minutes and 4 seconds; 1024 connections.
    fn default() -> Self {
        Self {
            max_connections: 1024,
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(480),
            keepalive: Duration::from_secs(4),
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<BlockStore>,
    pub(crate) config: GatewayConfig,
    pub(crate) metrics: Metrics,
    /// Cancelled when no new operation shall begin; writers are told to come back.
    pub(crate) draining: CancellationToken,
}

/// A running server of DataTransferProtocol.
#[derive(Debug)]
pub struct BlockGateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    /// Cancelled when drained connections had their time.
    cut: CancellationToken,
}

impl BlockGateway {
    /// Serves the replicas of `store` to the connections of `listener`, on the present runtime.
    ///
    /// # Errors
    /// When the listener has no address, and when a metric's name is taken in `registry`.
    pub fn start(
        listener: TcpListener,
        store: Arc<BlockStore>,
        config: GatewayConfig,
        registry: &Registry,
    ) -> io::Result<Self> {
        let metrics = Metrics::new(registry).map_err(io::Error::other)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { store, config, metrics, draining: CancellationToken::new() });
        let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(accept(listener, Arc::clone(&shared), tasks.clone(), cut.clone()));
        Ok(Self { address, shared, tasks, cut })
    }

    /// Where clients connect.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends the service: the listener closes, idle connections close, writers are told that the service restarts (their
    /// clients come back and go on where they were), readers may finish. What still runs after `grace` is cut.
    pub async fn drain(&self, grace: Duration) {
        self.shared.draining.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

impl Drop for BlockGateway {
    fn drop(&mut self) {
        self.shared.draining.cancel();
        self.cut.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker, cut: CancellationToken) {
    let places = Arc::new(Semaphore::new(shared.config.max_connections));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, peer)| (place, stream, peer))
        };
        let accepted = tokio::select! {
            () = shared.draining.cancelled() => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((place, stream, peer)) => {
                let (shared, cut) = (Arc::clone(&shared), cut.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = cut.cancelled() => tracing::debug!(%peer, "cut off"),
                        () = serve(stream, peer, shared) => {}
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: others must close theirs first.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let _counted = Counted::up(shared.metrics.connections.clone());
    let served = match stream.set_nodelay(true) {
        Ok(()) => Connection::new(stream, shared).serve().await,
        Err(error) => Err(error.into()),
    };
    if let Err(fault) = served {
        tracing::debug!(%peer, %fault, "connection ends");
    }
}
