//! Starting and stopping the service.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anabranch_hrpc::{Drain, Server};
use anabranch_journal::{Journal, Options, RocksJournal};
use anabranch_telemetry::http::{self, Bounds};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::base::Base;
use crate::block::{BlockError, BlockGateway, BlockStore, GatewayConfig, StoreConfig};
use crate::clock::{Clock, SystemClock};
use crate::config::NamespaceConfig;
use crate::service::{Node, beans};
use crate::state::{Fault, tables, view::View};

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The metadata journal does not open.
    #[error("cannot open the metadata journal: {0}")]
    Journal(#[from] anabranch_journal::Error),
    /// The directory of the blocks does not open.
    #[error("cannot open the block store: {0}")]
    Blocks(#[from] BlockError),
    /// What the journal holds is not a namespace.
    #[error("cannot read the namespace: {0}")]
    State(#[from] Fault),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address} ({key}): {source}")]
    Listen {
        /// Which field of the configuration.
        key: &'static str,
        /// Its value.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The block gateway does not start.
    #[error("cannot start the block gateway: {0}")]
    Gateway(#[source] io::Error),
    /// The advertised host has no address.
    #[error("advertised_host {host:?} does not resolve: {source}")]
    Advertised {
        /// The configured host.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// A metric exists already.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A namespace: metadata, blocks, and the two servers in front of them.
pub struct NamespaceService;

/// A service at work.
pub struct RunningNamespace {
    /// Where ClientProtocol is served.
    pub rpc_addr: SocketAddr,
    /// Where the block gateway is served.
    pub transfer_addr: SocketAddr,
    /// Where its management beans are served.
    pub http_addr: Option<SocketAddr>,
    drain: Drain,
    grace: Duration,
    stop: CancellationToken,
    server: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    gateway: BlockGateway,
    /// `/jmx`, for a program that serves HTTP itself.
    pub jmx: axum::Router,
    http: Option<JoinHandle<io::Result<()>>>,
}

/// How long calls and transfers may go on when the service is drained.
const GRACE: Duration = Duration::from_secs(10);

impl NamespaceService {
    /// Opens the namespace in the data directory, which is made when there is none, and serves it.
    ///
    /// # Errors
    /// When the data cannot be opened or an address not be listened on.
    pub async fn start(config: NamespaceConfig, registry: &Registry) -> Result<RunningNamespace, StartError> {
        let rpc = listen("rpc_address", config.rpc_address).await?;
        let transfer = listen("transfer_address", config.transfer_address).await?;
        let (rpc_addr, transfer_addr) = (address("rpc_address", &rpc)?, address("transfer_address", &transfer)?);
        let web = match config.http_address {
            None => None,
            Some(wanted) => Some(listen("http_address", wanted).await?),
        };
        let http_addr = web.as_ref().map(|web| address("http_address", web)).transpose()?;
        let node = Node {
            ip: resolve(&config.advertised_host).await?.to_string(),
            host: config.advertised_host.clone(),
            transfer_port: transfer_addr.port(),
            rpc_port: rpc_addr.port(),
        };
        let journal: Arc<dyn Journal> =
            Arc::new(RocksJournal::open(&config.data_dir.join("metadata"), tables::ALL, &Options::default())?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let base = Base::open(&config, journal.clone(), clock, registry).await?;
        let store = BlockStore::open(&StoreConfig {
            may_format: journal.snapshot().counters()?.blocks == 0,
            ..StoreConfig::new(config.data_dir.join("blocks"), &base.identity.pool)
        })?;
        let gateway = BlockGateway::start(transfer, store.clone(), GatewayConfig::default(), registry)
            .map_err(StartError::Gateway)?;
        let rpc_limits = config.rpc.clone();
        let (service, upkeep) = base.serve(config, Arc::new(store), node);

        let (drain, stop) = (Drain::new(GRACE), CancellationToken::new());
        let service = Arc::new(service);
        let jmx = http::jmx(beans(&service));
        let http = web.map(|web| {
            let routes = jmx.clone();
            tokio::spawn(http::serve(web, routes, Bounds::default(), stop.clone().cancelled_owned()))
        });
        let server = Server::new(service, rpc_limits);
        tracing::info!(%rpc_addr, %transfer_addr, ?http_addr, "the namespace is served");
        Ok(RunningNamespace {
            rpc_addr,
            transfer_addr,
            http_addr,
            jmx,
            http,
            server: tokio::spawn(server.serve(rpc, drain.clone())),
            upkeep: tokio::spawn(upkeep.run(stop.clone())),
            gateway,
            drain,
            grace: GRACE,
            stop,
        })
    }
}

impl RunningNamespace {
    /// Ends the service: no new calls, those that run end, and what was acknowledged is on disk.
    pub async fn drain(self) {
        self.drain.start();
        self.stop.cancel();
        tokio::join!(self.gateway.drain(self.grace), async {
            // They only end; a panic in them was reported where it happened.
            let _ = self.server.await;
            let _ = self.upkeep.await;
            if let Some(http) = self.http {
                let _ = http.await;
            }
        });
    }
}

async fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { key, address, source })
}

fn address(key: &'static str, listener: &TcpListener) -> Result<SocketAddr, StartError> {
    let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| StartError::Listen { key, address: unspecified, source })
}

/// DataNodes are named by address; clients connect to it.
async fn resolve(host: &str) -> Result<IpAddr, StartError> {
    let failed = |source| StartError::Advertised { host: host.to_owned(), source };
    let mut found = tokio::net::lookup_host((host, 0)).await.map_err(failed)?;
    let none = || io::Error::new(io::ErrorKind::NotFound, "no address");
    found.next().map(|address| address.ip()).ok_or_else(none).map_err(failed)
}
