//! The router as one of a fleet that shares a state store: it reports what it sees, and acts on what all of them report.

mod dated;
mod follower;
mod rebalance;
mod sweeper;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anabranch_hdfs_proto::hdfs::StateStoreVersionRecordProto;
use anabranch_hrpc::{ConnectOptions, Drain};
use anabranch_store::{Membership, RouterState, RouterStatus, StateStore};
use anabranch_telemetry::Build;
use anabranch_telemetry::clock::wall_ms;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::federation_view::FederationView;
use crate::heartbeat::{Announcer, Myself, Resolved, Watcher, WebClient};
use follower::Follower;
use sweeper::Sweeper;

/// How long a router that ends waits for the store to take note of it.
const LAST_WORD: Duration = Duration::from_secs(5);

/// What a router needs to be one of a fleet.
pub struct Fleet {
    /// The store that the fleet shares.
    pub store: Arc<dyn StateStore>,
    /// How far this router is; what it reports of itself until it drains.
    pub status: watch::Receiver<RouterStatus>,
    /// `host:port` where it serves clients.
    pub rpc_address: String,
    /// `host:port` of its administration, for others to call; empty without one.
    pub admin_address: String,
    /// What the store says, and whoever needs it reads.
    pub view: FederationView,
    /// Ends connections of clients.
    pub connections: Drain,
    /// Asks NameNodes' web servers.
    pub web: WebClient,
    /// What it runs.
    pub build: Build,
}

/// The tasks of a router in a fleet.
pub struct Joined {
    tasks: JoinSet<()>,
    announcing: JoinSet<()>,
    ending: watch::Sender<Option<RouterStatus>>,
    stop: CancellationToken,
}

impl Joined {
    /// Starts all of them on the control runtime.
    pub fn start(core: &Arc<Core>, fleet: Fleet, control: &Handle) -> Self {
        let config = &core.config.heartbeat;
        let (ending, ended) = watch::channel(None);
        let stop = CancellationToken::new();
        let (mut tasks, mut announcing) = (JoinSet::new(), JoinSet::new());
        let newest = Arc::new(AtomicU64::new(0));

        let view = fleet.view;
        {
            // The view's tasks run where this is called.
            let _control = control.enter();
            let routers = config.reports() || !core.config.rebalance.is_zero();
            view.follow(&*fleet.store, routers, &core.metrics.unreadable, &stop);
        }
        tasks
            .spawn_on(Follower::new(core.clone(), &view, fleet.rpc_address, newest.clone()).run(stop.clone()), control);
        if config.reports() {
            let members =
                Sweeper::<Membership>::new(fleet.store.clone(), view.memberships(), config.membership_lifetime);
            tasks.spawn_on(members.run(stop.clone()), control);
            let routers = Sweeper::<RouterState>::new(fleet.store.clone(), view.routers(), config.router_lifetime);
            tasks.spawn_on(routers.run(stop.clone()), control);
        }

        let upstream = &core.config.upstream;
        let options = ConnectOptions {
            connect_timeout: upstream.connect_timeout,
            handshake_timeout: upstream.handshake_timeout,
            max_frame: upstream.max_frame,
            ..ConnectOptions::default()
        };
        let (of, store, web) = (core.clone(), fleet.store.clone(), fleet.web);
        let watcher = move |namenode| {
            let config = &of.config;
            let (router, user, heartbeat) = (&config.router_id, &config.superuser, &config.heartbeat);
            Watcher::new(router, user, namenode, heartbeat, &options, web.clone(), store.clone())
        };
        for namenode in &config.namenodes {
            tasks.spawn_on(watcher(namenode.clone()).run(stop.clone()), control);
        }
        for namenode in &config.resolved {
            tasks.spawn_on(Resolved::new(namenode.clone(), watcher.clone()).run(stop.clone()), control);
        }
        if !core.config.rebalance.is_zero() {
            let (core, stop) = (core.clone(), stop.clone());
            let (routers, connections) = (view.routers(), fleet.connections);
            let work = async move {
                let config = &core.config;
                let rebalance = rebalance::rebalance(&config.router_id, routers, connections, config.rebalance);
                stop.run_until_cancelled(rebalance).await;
            };
            tasks.spawn_on(work, control);
        }
        if config.router {
            let announcer = Announcer {
                myself: Myself {
                    router: core.config.router_id.clone(),
                    admin_address: fleet.admin_address,
                    version: fleet.build.version.to_owned(),
                    compile_info: format!("revision {}, {}", fleet.build.revision, fleet.build.profile),
                    started_ms: wall_ms(),
                },
                status: fleet.status,
                ending: ended,
                revision: core.revision.subscribe(),
                routers: view.routers(),
                interval: config.state_interval,
                store: fleet.store,
            };
            let core = core.clone();
            announcing.spawn_on(announcer.run(move || versions(&core, &newest)), control);
        }
        Self { tasks, announcing, ending, stop }
    }

    /// Says that the router ends.
    pub fn stopping(&self) {
        self.ending.send_replace(Some(RouterStatus::Stopping));
    }

    /// Says that it has ended, and returns when that is said and all tasks are gone.
    pub async fn leave(mut self) {
        self.stop.cancel();
        self.ending.send_replace(Some(RouterStatus::Shutdown));
        while let Some(ended) = self.tasks.join_next().await {
            tell(ended);
        }
        match timeout(LAST_WORD, self.announcing.join_next()).await {
            Ok(ended) => ended.into_iter().for_each(tell),
            Err(_) => tracing::warn!("the state store did not hear in time that this router ends"),
        }
    }
}

fn tell(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task of the fleet ended abnormally");
    }
}

/// The dates of the newest records that the router knows.
fn versions(core: &Core, newest_membership: &AtomicU64) -> StateStoreVersionRecordProto {
    StateStoreVersionRecordProto {
        membership_version: Some(newest_membership.load(Ordering::Relaxed)),
        mount_table_version: Some(core.mounts.load().as_ref().map_or(0, |table| table.modified_ms())),
    }
}
