//! The admission webhook that gives pods a router of their own. Every operator serves it, whoever holds the lease.

mod answer;
mod certificates;
mod inject;
mod keyring;
mod listener;
mod review;
mod served;
mod sidecar;
mod wish;

use std::net::SocketAddr;
use std::time::Duration;

use anabranch_telemetry::Condition;
use axum::routing::post;
use axum::{Router, extract::DefaultBodyLimit};
use kube::Client;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::answer::Webhook;
use self::certificates::{Certificates, Shared};
use self::keyring::Life;
use self::listener::TlsListener;
use self::served::Served;
use crate::context::Images;
use crate::metrics::Metrics;
use crate::names;
use crate::options::{Options, WebhookOptions};
use crate::run::RunError;

/// The longest review: pods have at most what etcd takes, 1.5 MiB.
const MAX_BODY: usize = 4 << 20;

/// What the webhook needs.
pub struct Setup {
    /// The API server.
    pub client: Client,
    /// Images of what is run.
    pub images: Images,
    /// What is counted.
    pub metrics: Metrics,
    /// Holds once there is a certificate that API servers trust.
    pub ready: Condition,
}

/// Listens, and serves on tasks of its own until `stop`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn start(
    setup: Setup,
    address: SocketAddr,
    options: &Options,
    stop: CancellationToken,
) -> Result<JoinSet<()>, RunError> {
    let failed = |source| RunError::Listen { address, option: "--webhook", source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    tracing::info!(webhook = ?listener.local_addr().ok(), "the webhook is listening");
    let served = Served::new(setup.ready);
    let tls = served.tls().map_err(|error| failed(std::io::Error::other(error)))?;
    let certificates = certificates(&setup.client, options);
    let webhook = Webhook { client: setup.client, images: setup.images, metrics: setup.metrics };
    let routes = Router::new()
        .route("/inject", post(answer::answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(std::sync::Arc::new(webhook));
    let listener = TlsListener::new(listener, tls);
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut tasks = JoinSet::new();
    tasks.spawn(certificates.follow(served, stop));
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the webhook does not serve any more");
        }
    });
    Ok(tasks)
}

fn certificates(client: &Client, options: &Options) -> Certificates {
    let WebhookOptions { service, secret, configuration, cert_dir, cert_seconds, .. } = &options.webhook;
    if let Some(dir) = cert_dir {
        return Certificates::Files(dir.clone());
    }
    let names = vec![names::host(service, &options.namespace)];
    let life = Life(Duration::from_secs(*cert_seconds));
    Certificates::Issued(Box::new(Shared::new(client, &options.namespace, secret, configuration, names, life)))
}
