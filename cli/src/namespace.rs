//! `anabranch-namespace`: a subcluster in a process of its own, as an embedded `Subcluster` runs it in a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anabranch_federation::NameserviceId;
use anabranch_namespace::{NamespaceConfig, NamespaceService};
use anabranch_telemetry::http::{self, Bounds, Routes};
use anabranch_telemetry::{Metrics, Readiness, logging};
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::log_format::LogFormat;
use crate::runtimes::Runtimes;
use crate::signals::Signals;
use crate::{BUILD, machine, version};

/// A namespace for those who have no NameNode: metadata in RocksDB and file data in a directory, served to HDFS clients.
///
/// SIGTERM drains it: calls and transfers in flight may end. The user that it runs as is its superuser.
#[derive(Parser)]
#[command(name = "anabranch-namespace", version = version())]
pub struct NamespaceArgs {
    /// The nameservice that it is.
    #[arg(long, value_name = "ID")]
    nameservice: NameserviceId,
    /// Where metadata and file data are kept; made when it does not exist.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where it serves routers and clients.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8020")]
    rpc_address: SocketAddr,
    /// Where clients write and read file data.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:9866")]
    transfer_address: SocketAddr,
    /// Where it serves /isActive, /metrics, and /jmx with the beans of a NameNode.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:9870")]
    http_address: SocketAddr,
    /// The name or address by which clients reach the transfer address. [default: this machine's name]
    #[arg(long, value_name = "HOST")]
    advertised_host: Option<String>,
    /// Block size in bytes, for writers that choose none.
    #[arg(long, value_name = "BYTES", default_value_t = 128 << 20)]
    block_size: u64,
    /// A user that may act for others, and whose word about who the client is counts, as routers do; may be repeated. [default:
    /// the superuser]
    #[arg(long, value_name = "USER")]
    router_user: Vec<String>,
    /// How log lines are written.
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

/// Runs the program.
pub fn run(args: &NamespaceArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn serve(args: &NamespaceArgs) -> Result<(), Failure> {
    logging::init(args.log.into(), "info").map_err(Failure::usage)?;
    let runtimes = Runtimes::new()?;
    let ended = runtimes.control.block_on(until_stopped(args, &runtimes));
    runtimes.stop();
    ended
}

fn config(args: &NamespaceArgs) -> NamespaceConfig {
    let superuser = machine::user();
    let routers = if args.router_user.is_empty() { vec![superuser.clone()] } else { args.router_user.clone() };
    let mut config = NamespaceConfig {
        rpc_address: args.rpc_address,
        transfer_address: args.transfer_address,
        http_address: None,
        advertised_host: args.advertised_host.clone().unwrap_or_else(machine::host),
        proxy_users: routers.clone(),
        ip_proxy_users: routers,
        ..NamespaceConfig::local(&args.data, args.nameservice.to_string(), superuser)
    };
    config.defaults.block_size = args.block_size;
    config
}

async fn until_stopped(args: &NamespaceArgs, runtimes: &Runtimes) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let metrics = Metrics::new(BUILD).map_err(Failure::internal)?;
    let (readiness, stop) = (Readiness::new(), CancellationToken::new());
    let cannot = |error| Failure::usage(format!("cannot listen on {}: {error}", args.http_address));
    let web = TcpListener::bind(args.http_address).await.map_err(cannot)?;
    let (config, registry) = (config(args), metrics.registry().clone());
    let started = runtimes.data.spawn(async move { NamespaceService::start(config, &registry).await });
    let service = tokio::select! {
        started = started => started.map_err(Failure::internal)?.map_err(Failure::usage)?,
        () = signals.next() => return Err(Failure::internal("stopped while starting")),
    };
    let routes = Routes { readiness: readiness.clone(), metrics, more: service.jmx.clone() };
    let web = tokio::spawn(http::serve(web, routes, Bounds::default(), stop.clone().cancelled_owned()));
    tracing::info!(nameservice = %args.nameservice, rpc = %service.rpc_addr, transfer = %service.transfer_addr, "namespace is listening");
    signals.next().await;
    tracing::info!("draining; a second signal stops at once");
    readiness.close("draining");
    tokio::select! {
        () = service.drain() => {}
        () = signals.next() => return Err(Failure::internal("stopped before calls in flight had ended")),
    }
    stop.cancel();
    // It ended because it was told to; if not, that was seen before.
    drop(web.await);
    Ok(())
}
