//! Starting and stopping the service.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anabranch_hrpc::{Drain, Server};
use anabranch_journal::{Journal, Options, RocksJournal};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::block::{BlockError, BlockGateway, BlockStore, Blocks, GatewayConfig, StoreConfig};
use crate::clock::{Clock, SystemClock};
use crate::config::NamespaceConfig;
use crate::groups::StaticGroups;
use crate::metrics::Metrics;
use crate::recovery::Closer;
use crate::service::{Node, Service};
use crate::state::leases::Leases;
use crate::state::ops::{self, Format};
use crate::state::record::Identity;
use crate::state::view::View;
use crate::state::{Fault, tables};
use crate::upkeep::Upkeep;
use crate::writer::{Workplace, Writer};

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
    drain: Drain,
    grace: Duration,
    stop: CancellationToken,
    server: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    gateway: BlockGateway,
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
        let node = Node {
            ip: resolve(&config.advertised_host).await?.to_string(),
            host: config.advertised_host.clone(),
            transfer_port: transfer_addr.port(),
            rpc_port: rpc_addr.port(),
        };
        let journal: Arc<dyn Journal> =
            Arc::new(RocksJournal::open(&config.data_dir.join("metadata"), tables::ALL, &Options::default())?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let base = Base::open(&config, journal, clock, registry).await?;
        let store = BlockStore::open(&StoreConfig::new(config.data_dir.join("blocks"), &base.identity.pool))?;
        let gateway = BlockGateway::start(transfer, store.clone(), GatewayConfig::default(), registry)
            .map_err(StartError::Gateway)?;
        let rpc_limits = config.rpc.clone();
        let (service, upkeep) = base.serve(config, Arc::new(store), node);

        let (drain, stop) = (Drain::new(GRACE), CancellationToken::new());
        let server = Server::new(Arc::new(service), rpc_limits);
        tracing::info!(%rpc_addr, %transfer_addr, "the namespace is served");
        Ok(RunningNamespace {
            rpc_addr,
            transfer_addr,
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
            // Both only end; a panic in them was reported where it happened.
            let _ = self.server.await;
            let _ = self.upkeep.await;
        });
    }
}

/// The metadata side, before it is known where blocks are.
pub struct Base {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    leases: Arc<Leases>,
    writer: Writer,
    metrics: Metrics,
    /// The namespace's names.
    pub identity: Identity,
}

impl Base {
    /// Starts the writer on a journal, formats it when it is new, and gives every lease holder its time.
    ///
    /// # Errors
    /// When the journal cannot be read or written, or the metrics exist.
    pub async fn open(
        config: &NamespaceConfig,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Self, StartError> {
        let leases = Arc::new(Leases::new(config.lease_soft_ms, config.lease_hard_ms));
        let metrics = Metrics::new(registry)?;
        let writer = Writer::start(Workplace {
            journal: journal.clone(),
            limits: config.limits.clone(),
            leases: leases.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        });
        let format = Format {
            identity: new_identity(&config.advertised_host, clock.now().wall),
            owner: config.superuser.clone(),
            group: config.supergroup.clone(),
        };
        writer.submit(|txn| ops::format(txn, format)).await?;
        let identity = journal.snapshot().identity()?;
        let now = clock.now().monotonic;
        for holder in holders(&journal.snapshot())? {
            leases.start(&holder, now);
        }
        Ok(Self { journal, clock, leases, writer, metrics, identity })
    }

    /// The service over these blocks, and its background task.
    pub fn serve(self, config: NamespaceConfig, blocks: Arc<dyn Blocks>, node: Node) -> (Service, Upkeep) {
        let wake = Arc::new(Notify::new());
        let upkeep = Upkeep {
            journal: self.journal.clone(),
            closer: Closer { writer: self.writer.clone(), blocks: blocks.clone() },
            leases: self.leases.clone(),
            clock: self.clock.clone(),
            every: Duration::from_millis(config.upkeep_ms),
            wake: wake.clone(),
        };
        let service = Service {
            groups: Box::new(StaticGroups::new(&config.groups)),
            config,
            journal: self.journal,
            writer: self.writer,
            leases: self.leases,
            clock: self.clock,
            blocks,
            identity: self.identity,
            node,
            metrics: self.metrics,
            safe_mode: AtomicBool::new(false),
            wake,
        };
        (service, upkeep)
    }
}

/// Holders of leases, each once.
fn holders(view: &impl View) -> Result<Vec<String>, Fault> {
    let mut holders: Vec<String> = Vec::new();
    let mut from = Vec::new();
    loop {
        let rows = view.scan(tables::LEASES, &from, None, 1)?;
        let Some((key, _)) = rows.first() else { return Ok(holders) };
        let end = key.iter().position(|&b| b == 0).unwrap_or(key.len());
        let holder = std::str::from_utf8(&key[..end]).map_err(|e| Fault::corrupt(tables::LEASES, e))?;
        holders.push(holder.to_owned());
        // The next holder's keys are above every key of this one.
        from = [&key[..end], &[1]].concat();
    }
}

/// Names for a new namespace, in the form that NameNodes give them.
fn new_identity(host: &str, now: u64) -> Identity {
    let uuid = || {
        let [a, b, c, d, e]: [u32; 5] = rand::random();
        format!("{a:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{e:08x}", b >> 16, b & 0xfff, 0x8000 | c >> 18, d >> 16)
    };
    let number: u32 = rand::random::<u32>() >> 2;
    Identity {
        pool: format!("BP-{number}-{host}-{now}"),
        cluster: format!("CID-{}", uuid()),
        namespace: number,
        created: now,
        storage: format!("DS-{}", uuid()),
        datanode: uuid(),
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
