//! A running router.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anabranch_federation::{MountEntry, MountTable, NameserviceError, NameserviceId};
use anabranch_hrpc::{Drain, Limits, Server};
use anabranch_store::feed::Health;
use anabranch_store::{Record, RouterStatus, StateStore};
use anabranch_telemetry::http::{self, Bounds, Routes, Statistics};
use anabranch_telemetry::jmx::Beans;
use anabranch_telemetry::{Metrics as Registry, Readiness, clock, process};
use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, ReadProxyUsers};
use crate::block_pools::BlockPools;
use crate::config::{LimitsConfig, RouterConfig};
use crate::core::Core;
use crate::datanodes::DatanodeReports;
use crate::federation_view::FederationView;
use crate::fleet::{Fleet, Joined};
use crate::groups::Groups;
use crate::heartbeat::{TrustError, WebClient};
use crate::jmx::{self, AdminPort, WebPort};
use crate::metrics::{Metrics, SafeModeCollector, ServerCollector};
use crate::quotas::{self, Quotas};
use crate::safe_mode::{Event, SafeMode, State as SafeModeState};
use crate::session::{Impersonation, Session};
use crate::upstream::{Room, Upstream};
use crate::whereabouts::{self, Whereabouts};

/// Where mount tables come from: none until the first is loaded, and again when the last is too old to be trusted.
pub type Mounts = watch::Receiver<Option<Arc<MountTable>>>;

/// What a router is connected with.
pub struct Sources {
    /// Where mount tables come from.
    pub mounts: Mounts,
    /// How their source is; none where there is nothing to tell.
    pub health: Option<watch::Receiver<Health>>,
    /// What administrators change; none where mounts come from files.
    pub store: Option<Arc<dyn StateStore>>,
    /// Reads the rules for proxy users again; none where they are fixed.
    pub proxy_users: Option<ReadProxyUsers>,
}

impl From<Mounts> for Sources {
    /// Mount tables that nobody changes here.
    fn from(mounts: Mounts) -> Self {
        Self { mounts, health: None, store: None, proxy_users: None }
    }
}

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
    /// The authorities for NameNodes' web servers cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
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
        sources: impl Into<Sources>,
        registry: &Registry,
        readiness: &Readiness,
        runtimes: &Runtimes,
    ) -> Result<RunningRouter, StartError> {
        let began = Instant::now();
        let Sources { mounts, health, store, proxy_users } = sources.into();
        let nameservices = nameservices(&config)?;
        let web = WebClient::new(&config.heartbeat)?;
        let metrics = Arc::new(Metrics::new(registry.registry())?);
        let upstream = Upstream::new(nameservices, config.upstream.clone(), room(&config.limits)?, metrics.clone());
        let (rpc, rpc_addr) = listen(&runtimes.data, config.rpc_address).await?;
        let http = match config.http_address {
            None => None,
            Some(address) => Some(listen(&runtimes.control, address).await?),
        };
        let admin = match config.admin.address {
            None => None,
            Some(address) => Some(listen(&runtimes.control, address).await?),
        };
        let drain = Drain::new(config.drain_grace);
        let core = Arc::new(Core {
            mounts: ArcSwapOption::empty(),
            revision: watch::Sender::new(None),
            safe_mode: SafeMode::new(config.safe_mode.enabled, !config.safe_mode.extension.is_zero(), readiness),
            upstream,
            whereabouts: Whereabouts::new(config.placement.preference),
            pools: BlockPools::default(),
            impersonation: ArcSwap::from_pointee(Impersonation::new(&config.proxy_users).await),
            quotas: Quotas::new(&config.quota),
            groups: Groups::new(&config.proxy_users.groups, config.groups_fresh),
            metrics,
            config,
        });

        let server = Server::new(Arc::new(Session::new(core.clone())), limits(&core.config.limits));
        registry.registry().register(Box::new(ServerCollector::new(server.stats())?))?;
        registry.registry().register(Box::new(SafeModeCollector::new(core.safe_mode.watch())?))?;
        let admin = admin.map(|(listener, address)| {
            let handler = Admin::new(core.clone(), store.clone(), proxy_users, runtimes.data.clone());
            let limits = Limits { max_connections: ADMINISTRATORS, ..limits(&core.config.limits) };
            (listener, address, Server::new(Arc::new(handler), limits))
        });
        let http = http.map(|(listener, address)| (listener, address, Statistics::default()));
        let (view, beans) = (FederationView::new(), Beans::new());
        let sources = Arc::new(jmx::Sources {
            core: core.clone(),
            view: view.clone(),
            datanodes: DatanodeReports::new(core.clone(), runtimes.data.clone()),
            rpc: server.stats(),
            rpc_address: rpc_addr,
            admin: admin.as_ref().map(|(_, address, server)| AdminPort { address: *address, stats: server.stats() }),
            web: http.as_ref().map(|(_, address, counts)| WebPort { address: *address, statistics: counts.clone() }),
            build: registry.build(),
            readiness: readiness.clone(),
            host: process::host(),
            started_ms: clock::wall_ms(),
        });
        jmx::register(&beans, &sources);
        let listening = readiness.register("rpc listener");
        listening.ready();
        let stop = CancellationToken::new();
        let more = crate::http::routes(&core, beans, runtimes);
        whereabouts::follow(&core, &view, runtimes, &stop);
        let joined = store.map(|store| {
            let (view, connections) = (view.clone(), drain.clone());
            let admin_address = admin.as_ref().map_or_else(String::new, |(_, address, _)| reachable(*address));
            let status = core.safe_mode.status();
            let rpc_address = reachable(rpc_addr);
            let fleet =
                Fleet { store, status, rpc_address, admin_address, view, connections, web, build: registry.build() };
            Joined::start(&core, fleet, &runtimes.control)
        });
        if let Some(health) = health {
            runtimes.control.spawn(count_unreadable(core.metrics.clone(), health, stop.clone()));
        }
        if core.quotas.are_heeded() {
            runtimes.control.spawn(quotas::keep(core.clone(), runtimes.data.clone(), stop.clone()));
        }
        let feed = runtimes.control.spawn(follow(core.clone(), mounts, began, stop.clone()));
        let serving = drain.clone();
        let rpc = runtimes.data.spawn(async move {
            server.serve(rpc, serving).await;
            drop(listening);
        });
        let admin_addr = admin.as_ref().map(|(_, address, _)| *address);
        let admin = admin.map(|(listener, _, server)| runtimes.control.spawn(server.serve(listener, drain.clone())));
        let http_addr = http.as_ref().map(|(_, address, _)| *address);
        let http = http.map(|(listener, _, counts)| {
            let routes = Routes { readiness: readiness.clone(), metrics: registry.clone(), more };
            let routes = http::counted(routes.into(), counts);
            let stopped = stop.clone().cancelled_owned();
            runtimes.control.spawn(http::serve(listener, routes, Bounds::default(), stopped))
        });
        tracing::info!(rpc = %rpc_addr, admin = ?admin_addr, http = ?http_addr, "router is listening");
        let (readiness, safe_mode) = (readiness.clone(), core.safe_mode.watch());
        let status = core.safe_mode.status();
        Ok(RunningRouter {
            rpc_addr,
            admin_addr,
            http_addr,
            drain,
            readiness,
            safe_mode,
            status,
            stop,
            rpc,
            admin,
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
    /// Where it serves administrators.
    pub admin_addr: Option<SocketAddr>,
    /// Where it serves HTTP.
    pub http_addr: Option<SocketAddr>,
    drain: Drain,
    readiness: Readiness,
    safe_mode: watch::Receiver<SafeModeState>,
    status: watch::Receiver<RouterStatus>,
    stop: CancellationToken,
    rpc: JoinHandle<()>,
    admin: Option<JoinHandle<()>>,
    feed: JoinHandle<()>,
    http: Option<JoinHandle<io::Result<()>>>,
    joined: Option<Joined>,
}

impl RunningRouter {
    /// Whether it is in safe mode and why.
    pub fn safe_mode(&self) -> watch::Receiver<SafeModeState> {
        self.safe_mode.clone()
    }

    /// Whether it serves, as records of routers say it.
    pub fn status(&self) -> watch::Receiver<RouterStatus> {
        self.status.clone()
    }

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
        if let Some(admin) = self.admin
            && let Err(error) = admin.await
        {
            tracing::error!(%error, "serving administrators ended abnormally");
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

/// Connections of administrators at once.
const ADMINISTRATORS: usize = 1000;

/// A listener whose connections are woken by this runtime, which is the one that serves them.
async fn listen(runtime: &Handle, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let bound = runtime.spawn(TcpListener::bind(address)).await;
    let listener = bound.unwrap_or_else(|error| Err(error.into())).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// What others call an address by: a port that listens everywhere is reached by the machine's name.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("{}:{}", process::host(), address.port()) } else { address.to_string() }
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

/// Calls that wait for subclusters leave half of the memory to those that come and to answers.
fn room(config: &LimitsConfig) -> Result<Room, StartError> {
    let reservation = |(id, share): &(String, f64)| Ok((NameserviceId::parse(id)?, *share));
    let reservations = config.reserved.iter().map(reservation).collect::<Result<Vec<_>, StartError>>()?;
    Ok(Room::new(config.max_bytes_in_flight / 2, &reservations))
}

fn limits(config: &LimitsConfig) -> Limits {
    Limits {
        max_frame: config.max_frame,
        max_connections: config.max_connections,
        // What a connection has in flight is bounded by what its user may have.
        max_calls_per_connection: usize::MAX,
        max_bytes_in_flight: config.max_bytes_in_flight,
        idle_timeout: config.idle_timeout,
        ..Limits::default()
    }
}

/// Shows how many records were left out of the mount table.
async fn count_unreadable(metrics: Arc<Metrics>, mut health: watch::Receiver<Health>, stop: CancellationToken) {
    let unreadable = metrics.unreadable.with_label_values(&[MountEntry::KIND]);
    let follow = async {
        loop {
            unreadable.set(i64::try_from(health.borrow_and_update().broken).unwrap_or(i64::MAX));
            if health.changed().await.is_err() {
                return;
            }
        }
    };
    stop.run_until_cancelled(follow).await;
}

/// Puts each new mount table in use. Calls that have begun keep the one that they began with.
async fn follow(core: Arc<Core>, mut mounts: Mounts, began: Instant, stop: CancellationToken) {
    let extension = core.config.safe_mode.extension;
    let mut extended = std::pin::pin!(tokio::time::sleep(extension));
    let (mut extends, mut follows) = (!extension.is_zero(), true);
    loop {
        let table = mounts.borrow_and_update().clone();
        match &table {
            Some(table) => {
                core.metrics.mount_revision.set(i64::try_from(table.revision()).unwrap_or(i64::MAX));
                core.metrics.mount_entries.set(i64::try_from(table.len()).unwrap_or(i64::MAX));
            }
            None => core.metrics.mount_entries.set(0),
        }
        let revision = table.as_ref().map(|table| table.revision());
        core.mounts.store(table);
        if revision.is_some() {
            core.metrics.tally.ready(began.elapsed());
        }
        core.revision.send_replace(revision);
        core.safe_mode.take(if revision.is_some() { Event::Known } else { Event::Unknown });
        tokio::select! {
            // A source that is gone for good leaves in use what it said last.
            changed = mounts.changed(), if follows => follows = changed.is_ok(),
            () = &mut extended, if extends => {
                extends = false;
                core.safe_mode.take(Event::Extended);
            }
            () = stop.cancelled() => return,
        }
    }
}
