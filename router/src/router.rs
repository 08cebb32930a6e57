//! A running router.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anabranch_federation::{MountTable, NameserviceError, NameserviceId};
use anabranch_hrpc::{Drain, Limits, Server};
use anabranch_telemetry::http::{self, Bounds, Routes};
use anabranch_telemetry::jmx::Beans;
use anabranch_telemetry::{Condition, Metrics as Registry, Readiness, clock, process};
use arc_swap::ArcSwapOption;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::block_pools::BlockPools;
use crate::config::{LimitsConfig, RouterConfig};
use crate::core::Core;
use crate::federation_view::FederationView;
use crate::fleet::{Fleet, Joined};
use crate::jmx::{self, Sources};
use crate::metrics::{Metrics, ServerCollector};
use crate::session::{Impersonation, Session, Users};
use crate::upstream::Upstream;

/// Where mount tables come from: none until the first is loaded, and again when the last is too old to be trusted.
pub type Mounts = watch::Receiver<Option<Arc<MountTable>>>;

/// The runtimes that a router works on. Calls have one of their own, so that nothing else delays them.
#[derive(Debug, Clone)]
pub struct Runtimes {
    /// Carries calls.
    pub data: Handle,
    /// Carries everything else: HTTP, the feed of mount tables.
    pub control: Handle,
}

impl Runtimes {
    /// Both the one that this is called on.
    pub fn current() -> Self {
        Self { data: Handle::current(), control: Handle::current() }
    }
}

/// Why a router does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A nameservice cannot have this id.
    #[error(transparent)]
    Nameservice(#[from] NameserviceError),
    /// A nameservice without a NameNode.
    #[error("nameservice {0} has no NameNode; expected at least one rpc-address")]
    NoNamenode(String),
    /// Another router has registered its metrics in the same registry.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Starts routers.
pub struct Router;

impl Router {
    /// Listens, and serves until [`RunningRouter::drain`]. Becomes ready when the first mount table is there. May be
    /// called on any runtime.
    ///
    /// # Errors
    /// When an address is taken, or the configuration cannot be right.
    pub async fn start(
        config: RouterConfig,
        mounts: Mounts,
        registry: &Registry,
        readiness: &Readiness,
        runtimes: &Runtimes,
    ) -> Result<RunningRouter, StartError> {
        Self::start_in_fleet(config, mounts, registry, readiness, runtimes, None).await
    }

    /// The same as one of a fleet, which shares a state store: reports NameNodes and itself there, and serves what the
    /// fleet knows beside what the configuration says.
    ///
    /// # Errors
    /// As [`Router::start`].
    pub async fn start_in_fleet(
        config: RouterConfig,
        mounts: Mounts,
        registry: &Registry,
        readiness: &Readiness,
        runtimes: &Runtimes,
        fleet: Option<Fleet>,
    ) -> Result<RunningRouter, StartError> {
        let began = Instant::now();
        let nameservices = nameservices(&config)?;
        let metrics = Arc::new(Metrics::new(registry.registry())?);
        let upstream = Upstream::new(
            nameservices,
            config.upstream.clone(),
            config.limits.max_calls_per_nameservice,
            metrics.clone(),
        );
        let (rpc, rpc_addr) = listen(&runtimes.data, config.rpc_address).await?;
        let http = match config.http_address {
            None => None,
            Some(address) => Some(listen(&runtimes.control, address).await?),
        };
        let drain = Drain::new(config.drain_grace);
        let core = Arc::new(Core {
            mounts: ArcSwapOption::empty(),
            upstream,
            pools: BlockPools::default(),
            users: Users::new(config.limits.max_calls_per_user),
            impersonation: Impersonation::new(&config.proxy_users).await,
            metrics,
            config,
        });

        let server = Server::new(Arc::new(Session::new(core.clone())), limits(&core.config.limits));
        registry.registry().register(Box::new(ServerCollector::new(server.stats())?))?;
        let (view, beans) = (FederationView::new(), Beans::new());
        let sources = Arc::new(Sources {
            core: core.clone(),
            view: view.clone(),
            rpc: server.stats(),
            rpc_address: rpc_addr,
            build: registry.build(),
            readiness: readiness.clone(),
            host: process::host(),
            started_ms: clock::wall_ms(),
        });
        jmx::register(&beans, &sources);
        let listening = readiness.register("rpc listener");
        listening.ready();
        let stop = CancellationToken::new();
        let loaded = readiness.register("mount table");
        let joined = fleet.map(|fleet| Joined::start(&core, fleet, &runtimes.control));
        let more = crate::http::routes(&core.config, beans.clone(), runtimes);
        let feed = runtimes.control.spawn(follow(core, mounts, loaded, began, stop.clone()));
        let serving = drain.clone();
        let rpc = runtimes.data.spawn(async move {
            server.serve(rpc, serving).await;
            drop(listening);
        });
        let http_addr = http.as_ref().map(|(_, address)| *address);
        let http = http.map(|(listener, _)| {
            let routes = Routes { readiness: readiness.clone(), metrics: registry.clone(), more };
            let stopped = stop.clone().cancelled_owned();
            runtimes.control.spawn(http::serve(listener, routes, Bounds::default(), stopped))
        });
        tracing::info!(rpc = %rpc_addr, http = ?http_addr, "router is listening");
        Ok(RunningRouter {
            rpc_addr,
            http_addr,
            view,
            beans,
            drain,
            readiness: readiness.clone(),
            stop,
            rpc,
            feed,
            http,
            joined,
        })
    }
}

/// A router that serves.
pub struct RunningRouter {
    /// Where it serves ClientProtocol.
    pub rpc_addr: SocketAddr,
    /// Where it serves HTTP.
    pub http_addr: Option<SocketAddr>,
    /// What its pages and beans show of the state store. Empty until somebody fills it.
    pub view: FederationView,
    /// Its management beans, for parts that have some of their own.
    pub beans: Beans,
    drain: Drain,
    readiness: Readiness,
    stop: CancellationToken,
    rpc: JoinHandle<()>,
    feed: JoinHandle<()>,
    http: Option<JoinHandle<io::Result<()>>>,
    joined: Option<Joined>,
}

impl RunningRouter {
    /// Ends it: no longer ready, no new connections, calls in flight get the grace of the configuration. Returns when
    /// everything has stopped.
    pub async fn drain(self) {
        self.readiness.close("draining");
        if let Some(joined) = &self.joined {
            joined.stopping();
        }
        self.drain.start();
        if let Err(error) = self.rpc.await {
            tracing::error!(%error, "serving calls ended abnormally");
        }
        self.stop.cancel();
        if let Err(error) = self.feed.await {
            tracing::error!(%error, "following the mount table ended abnormally");
        }
        if let Some(joined) = self.joined {
            joined.leave().await;
        }
        match self.http {
            None => {}
            Some(http) => match http.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "serving HTTP ended"),
                Err(error) => tracing::error!(%error, "serving HTTP ended abnormally"),
            },
        }
    }
}

/// A listener whose connections are woken by this runtime, which is the one that serves them.
async fn listen(runtime: &Handle, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let bound = runtime.spawn(TcpListener::bind(address)).await;
    let listener = bound.unwrap_or_else(|error| Err(error.into())).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

fn nameservices(config: &RouterConfig) -> Result<Vec<(NameserviceId, crate::config::NameserviceConfig)>, StartError> {
    config
        .nameservices
        .iter()
        .map(|nameservice| {
            if nameservice.namenodes.is_empty() {
                return Err(StartError::NoNamenode(nameservice.id.clone()));
            }
            Ok((NameserviceId::parse(&nameservice.id)?, nameservice.clone()))
        })
        .collect()
}

fn limits(config: &LimitsConfig) -> Limits {
    Limits {
        max_frame: config.max_frame,
        max_connections: config.max_connections,
        max_calls_per_connection: config.max_calls_per_connection,
        max_bytes_in_flight: config.max_bytes_in_flight,
        idle_timeout: config.idle_timeout,
        ..Limits::default()
    }
}

/// Puts each new mount table in use. Calls that have begun keep the one that they began with.
async fn follow(core: Arc<Core>, mut mounts: Mounts, loaded: Condition, began: Instant, stop: CancellationToken) {
    loop {
        let table = mounts.borrow_and_update().clone();
        match &table {
            Some(table) => {
                core.metrics.mount_revision.set(i64::try_from(table.revision()).unwrap_or(i64::MAX));
                core.metrics.mount_entries.set(i64::try_from(table.len()).unwrap_or(i64::MAX));
            }
            None => core.metrics.mount_entries.set(0),
        }
        let usable = table.is_some();
        core.mounts.store(table);
        if usable {
            core.metrics.tally.ready(began.elapsed());
            loaded.ready()
        } else {
            loaded.pending()
        }
        tokio::select! {
            changed = mounts.changed() => if changed.is_err() {
                // The source is gone for good; what it said last stays in use.
                stop.cancelled().await;
                return;
            },
            () = stop.cancelled() => return,
        }
    }
}
