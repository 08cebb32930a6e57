//! `anabranch-operator`: runs in a cluster, or anywhere with a kubeconfig.

use std::process::ExitCode;
use std::sync::Arc;

use anabranch_operator::{Options, StoreAddress};
use anabranch_telemetry::{Build, logging};
use anyhow::Context;
use clap::{Parser, ValueEnum};
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const BUILD: Build = Build::of(env!("CARGO_PKG_VERSION"), option_env!("ANABRANCH_REVISION"));

/// The operator of Anabranch: makes fleets of HDFS routers of RouterFleet, MountTable and Subcluster objects.
///
/// Uses the ServiceAccount of its pod, or the kubeconfig of the user. Several may run; the one that holds the Lease works.
#[derive(Parser)]
#[command(name = "anabranch-operator", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    /// How log lines are written.
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    let format = match cli.log {
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
    };
    logging::init(format, "info")?;
    tokio::runtime::Runtime::new().context("cannot start threads")?.block_on(async {
        let stop = CancellationToken::new();
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let stopping = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping");
            stopping.cancel();
        });
        let client = Client::try_default().await.context(
            "no way to an API server: neither a pod's ServiceAccount nor a kubeconfig ($KUBECONFIG, ~/.kube/config)",
        )?;
        anabranch_operator::run(client, Arc::new(StoreAddress::open), cli.options, BUILD, stop).await?;
        Ok(())
    })
}
