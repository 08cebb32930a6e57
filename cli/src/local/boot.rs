//! Starts what a setup says, one thing after the other, and stops it in the opposite order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{MountEntry, NameserviceId};
use anabranch_namespace::{NamespaceConfig, NamespaceService, RunningNamespace};
use anabranch_router::{Router, RunningRouter, Sources, trusted};
use anabranch_store::{JournalStore, Membership, Reader, Record, StoreError, Writer, feed, publish};
use anabranch_telemetry::{Metrics, Readiness, clock};
use tokio::time::timeout;

use super::data::Data;
use super::prepare;
use super::setup::{EmbeddedSetup, Setup};
use crate::BUILD;
use crate::console;
use crate::failure::Failure;
use crate::runtimes::Runtimes;

/// A federation that runs.
pub(super) struct Running {
    pub(super) setup: Setup,
    pub(super) mounts: Vec<MountEntry>,
    pub(super) store: JournalStore,
    pub(super) subclusters: Vec<RunningSubcluster>,
    pub(super) router: RunningRouter,
}

/// An embedded subcluster that runs.
pub(super) struct RunningSubcluster {
    pub(super) nameservice: NameserviceId,
    pub(super) rpc_addr: SocketAddr,
    pub(super) transfer_addr: SocketAddr,
    /// Where its management beans are.
    pub(super) http_addr: Option<SocketAddr>,
    service: RunningNamespace,
}

/// A router that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

impl Running {
    pub(super) async fn boot(
        setup: Setup,
        mounts: Vec<MountEntry>,
        data: &Data,
        runtimes: &Runtimes,
    ) -> Result<Self, Failure> {
        let metrics = Metrics::new(BUILD).map_err(Failure::internal)?;
        let readiness = Readiness::new();
        let mut subclusters = Vec::with_capacity(setup.embedded.len());
        for embedded in &setup.embedded {
            subclusters.push(subcluster(embedded, &setup, data, &metrics, runtimes).await?);
        }
        prepare::destinations(&mounts, &subclusters, &setup.user).await;
        let store = store(data, &mounts).await?;
        let router = router(&setup, &subclusters, &store, &metrics, &readiness, runtimes).await?;
        if timeout(PATIENCE, readiness.wait_ready()).await.is_err() {
            return Err(Failure::internal(format!(
                "not ready after {} s: {:?}",
                PATIENCE.as_secs(),
                readiness.pending()
            )));
        }
        Ok(Self { setup, mounts, store, subclusters, router })
    }

    /// Lets calls in flight end, from the outside in: the router first, then what it forwards to.
    pub(super) async fn drain(self) {
        self.router.drain().await;
        for subcluster in self.subclusters {
            subcluster.service.drain().await;
        }
    }
}

async fn subcluster(
    embedded: &EmbeddedSetup,
    setup: &Setup,
    data: &Data,
    metrics: &Metrics,
    runtimes: &Runtimes,
) -> Result<RunningSubcluster, Failure> {
    let nameservice = embedded.nameservice.clone();
    console::note(&format!("Starting subcluster {nameservice} ..."));
    let directory = data.subcluster(&nameservice);
    let mut config = NamespaceConfig::local(directory, nameservice.to_string(), setup.user.clone());
    config.defaults.block_size = embedded.block_size;
    let registry = metrics.section("nameservice", nameservice.as_str()).map_err(Failure::internal)?;
    let started = runtimes.data.spawn(async move { NamespaceService::start(config, &registry).await });
    let failed = |problem: String| Failure::internal(format!("subcluster {nameservice}: {problem}"));
    let service = match started.await {
        Ok(Ok(service)) => service,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(error) => return Err(failed(error.to_string())),
    };
    Ok(RunningSubcluster {
        nameservice,
        rpc_addr: service.rpc_addr,
        transfer_addr: service.transfer_addr,
        http_addr: service.http_addr,
        service,
    })
}

/// Opens the state store and brings it to what the manifests say.
async fn store(data: &Data, mounts: &[MountEntry]) -> Result<JournalStore, Failure> {
    console::note("Starting the state store ...");
    let directory = data.store();
    let opened = tokio::task::spawn_blocking(move || JournalStore::open(&directory)).await;
    let store = opened.map_err(Failure::internal)?.map_err(|e| Failure::internal(format!("state store: {e}")))?;
    let failed = |error: StoreError| Failure::internal(format!("state store: {error}"));
    forget_namenodes(&store).await.map_err(failed)?;
    let report = publish(mounts.to_vec(), &store, clock::wall_ms()).await.map_err(failed)?;
    match report.refused.first() {
        Some(refused) => Err(Failure::internal(format!("mount {}: {}", refused.source, refused.reason))),
        None => Ok(store),
    }
}

/// What was reported in an earlier run is of ports that are gone.
async fn forget_namenodes(store: &JournalStore) -> Result<(), StoreError> {
    for stored in Reader::<Membership>::list(store).await?.records {
        Writer::<Membership>::delete(store, stored.record.key().to_owned(), stored.version).await?;
    }
    Ok(())
}

async fn router(
    setup: &Setup,
    subclusters: &[RunningSubcluster],
    store: &JournalStore,
    metrics: &Metrics,
    readiness: &Readiness,
    runtimes: &Runtimes,
) -> Result<RunningRouter, Failure> {
    console::note("Starting the router ...");
    let config = setup.router(subclusters);
    let feed = feed(store, setup.default_nameservice.clone());
    let health = Some(feed.health.clone());
    let mounts = trusted(feed, config.safe_mode.staleness());
    let sources = Sources { health, store: Some(Arc::new(store.clone())), ..Sources::from(mounts) };
    let (metrics, readiness, handles) = (metrics.clone(), readiness.clone(), runtimes.handles());
    // On the data plane's runtime, to whose reactor the router's sockets then belong.
    let started =
        runtimes.data.spawn(async move { Router::start(config, sources, &metrics, &readiness, &handles).await });
    started.await.map_err(Failure::internal)?.map_err(Failure::usage)
}
