//! How an operator is set up.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How an operator is set up.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The Kubernetes namespace of the operator itself, where its Lease is.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// Who it is among operators: the holder of the Lease. [default: the machine's name and a number]
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub identity: Option<String>,
    /// Look at objects of this Kubernetes namespace only; then no right on whole clusters is needed but for the webhook's,
    /// and a fleet's allowedMounts and allowedSidecars cannot choose namespaces by label.
    #[arg(long, env = "WATCH_NAMESPACE", value_name = "NAME")]
    pub watch_namespace: Option<String>,
    /// The image of routers, where a RouterFleet names none.
    #[arg(long, env = "ROUTER_IMAGE", value_name = "IMAGE", default_value = concat!("anabranch-router:", env!("CARGO_PKG_VERSION")))]
    pub router_image: String,
    /// The image of state stores, where a RouterFleet names none.
    #[arg(long, env = "STORE_IMAGE", value_name = "IMAGE", default_value = concat!("anabranch-store:", env!("CARGO_PKG_VERSION")))]
    pub store_image: String,
    /// The image of embedded subclusters, where a Subcluster names none.
    #[arg(long, env = "NAMESPACE_IMAGE", value_name = "IMAGE", default_value = concat!("anabranch-namespace:", env!("CARGO_PKG_VERSION")))]
    pub namespace_image: String,
    /// When these images are pulled.
    #[arg(long, env = "IMAGE_PULL_POLICY", value_enum, default_value_t)]
    pub image_pull_policy: PullPolicy,
    /// How many seconds until an object is looked at again when nothing tells of a change.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub resync: u64,
    /// Where it serves /isActive and /metrics.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    pub http: SocketAddr,
    /// The admission webhook.
    #[command(flatten)]
    pub webhook: WebhookOptions,
}

/// How the admission webhook is served.
#[derive(Debug, Clone, Args)]
pub struct WebhookOptions {
    /// Where it serves the webhook that gives pods a router of their own (https, /inject); not at all if left out.
    #[arg(long = "webhook", env = "WEBHOOK_ADDRESS", value_name = "ADDRESS:PORT")]
    pub address: Option<SocketAddr>,
    /// The Service by which API servers call the webhook.
    #[arg(
        long = "webhook-service",
        env = "WEBHOOK_SERVICE",
        value_name = "NAME",
        default_value = "anabranch-operator"
    )]
    pub service: String,
    /// The MutatingWebhookConfiguration that tells API servers whom to trust.
    #[arg(
        long = "webhook-configuration",
        env = "WEBHOOK_CONFIGURATION",
        value_name = "NAME",
        default_value = "anabranch-operator"
    )]
    pub configuration: String,
    /// The Secret by which operators agree on the certificates that they issue.
    #[arg(
        long = "webhook-secret",
        env = "WEBHOOK_SECRET",
        value_name = "NAME",
        default_value = "anabranch-operator-webhook"
    )]
    pub secret: String,
    /// How many seconds such a certificate counts; it is renewed after two thirds of them.
    #[arg(long = "webhook-cert-seconds", value_name = "SECONDS", default_value_t = 7_776_000, value_parser = clap::value_parser!(u64).range(10..))]
    pub cert_seconds: u64,
    /// The directory of tls.crt and tls.key that someone else writes and renews; then the operator issues none, and the
    /// MutatingWebhookConfiguration is not its business.
    #[arg(long = "webhook-cert-dir", env = "WEBHOOK_CERT_DIR", value_name = "DIR")]
    pub cert_dir: Option<PathBuf>,
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum PullPolicy {
    /// Each time a pod starts.
    Always,
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// Not at all.
    Never,
}

impl PullPolicy {
    /// Its name in pods.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
