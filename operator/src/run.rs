//! The operator as a process: HTTP, the lease, and the controllers while it is held.

use std::net::SocketAddr;
use std::time::Duration;

use anabranch_telemetry::http::{self, Bounds, Routes};
use anabranch_telemetry::{Build, Metrics as Registry, Readiness, process};
use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cluster;
use crate::context::Images;
use crate::control::{self, Setup};
use crate::leader::Candidate;
use crate::link::Dial;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::webhook;

/// The name of the Lease.
const LEASE: &str = "anabranch-operator";

/// How long reconciliations that have begun may take to end. The controller of a kind that could not be listed, since it is
/// not defined or forbidden, would not end at all.
const GRACE: Duration = Duration::from_secs(2);

/// Why an operator ends.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with {option}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Where it is from.
        option: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Metrics of these names are registered already.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// Another one works now. What this one had begun is not to be ended by it.
    #[error("the lease is lost; ending at once, since another operator may work now")]
    LeaseLost,
}

/// Works whenever it holds the lease, until `stop`. Reaches state stores by `dial`.
///
/// # Errors
/// When it cannot start, or has lost the lease: then the process must end at once.
pub async fn run(
    client: Client,
    dial: Dial,
    options: Options,
    build: Build,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let registry = Registry::new(build)?;
    let metrics = Metrics::new(&registry)?;
    let readiness = Readiness::new();
    let failed = |source| RunError::Listen { address: options.http, option: "--http", source };
    let listener = TcpListener::bind(options.http).await.map_err(failed)?;
    tracing::info!(http = ?listener.local_addr().ok(), "operator is listening");
    let mut serving = JoinSet::new();
    if let Some(address) = options.webhook.address {
        let ready = readiness.register("certificate of the webhook");
        let setup =
            webhook::Setup { client: client.clone(), images: images(&options), metrics: metrics.clone(), ready };
        serving = webhook::start(setup, address, &options, stop.clone()).await?;
    }
    let routes = Routes { readiness, metrics: registry, more: axum::Router::default() };
    let web = http::serve(listener, routes, Bounds::default(), stop.clone().cancelled_owned());
    // It ends with `stop`; what else could end it was told by the system.
    serving.spawn(async { drop(web.await) });
    let ended = work(client, dial, &options, &metrics, &stop).await;
    stop.cancel();
    serving.join_all().await;
    ended
}

fn images(options: &Options) -> Images {
    Images {
        router: options.router_image.clone(),
        store: options.store_image.clone(),
        namespace: options.namespace_image.clone(),
        pull_policy: options.image_pull_policy.name().to_owned(),
    }
}

async fn work(
    client: Client,
    dial: Dial,
    options: &Options,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    let anyone = || format!("{}-{}", process::host(), std::process::id());
    let identity = options.identity.clone().unwrap_or_else(anyone);
    let cluster = tokio::select! {
        cluster = cluster::identity(&client, options.watch_namespace.as_deref()) => cluster,
        () = stop.cancelled() => return Ok(()),
    };
    let mut candidate = Candidate::new(client.clone(), &options.namespace, LEASE, &identity);
    tracing::info!(identity, lease = LEASE, namespace = options.namespace, "waiting for the lease");
    tokio::select! {
        () = candidate.acquire() => {}
        () = stop.cancelled() => return Ok(()),
    }
    metrics.leader.set(1);
    tracing::info!("the lease is held; working");
    let setup = Setup {
        client,
        namespace: options.watch_namespace.clone(),
        images: images(options),
        home: options.namespace.clone(),
        cluster,
        metrics: metrics.clone(),
        identity,
        dial,
        resync: Duration::from_secs(options.resync),
    };
    let working = control::run(setup, stop.clone());
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        () = working => {}
        // What has begun and does not end is as good as killed, which every step survives.
        () = stopped => {}
        () = candidate.keep() => return Err(RunError::LeaseLost),
    }
    metrics.leader.set(0);
    candidate.release().await;
    Ok(())
}
