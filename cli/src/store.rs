//! `anabranch-store`: the state store as a service.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anabranch_store::grpc::{Health, ServerOptions, ServerTls, StoreServer};
use anabranch_telemetry::http::{self, Bounds, Routes};
use anabranch_telemetry::{Condition, Metrics, Readiness, logging};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::log_format::LogFormat;
use crate::router::setting;
use crate::runtimes::Runtimes;
use crate::signals::Signals;
use crate::{BUILD, machine, version};

mod driver;

use driver::{Driver, DriverName, Given};

/// The state store of a fleet of routers: keeps mounts, memberships and router states, and tells routers what changes.
///
/// Speaks gRPC (service anabranch.store.v1.StateStore, and grpc.health.v1.Health). SIGTERM drains it: watches are sent
/// elsewhere, writes in flight are finished.
#[derive(Parser)]
#[command(name = "anabranch-store", version = version(), after_long_help = driver::keys())]
pub struct StoreArgs {
    /// Where it serves routers. Without a certificate anyone who reaches this may read and change the records in plain text, so
    /// that the default is this machine only then. [default: 0.0.0.0:8890 with --tls-cert, else 127.0.0.1:8890]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where it serves those who may read and not write, such as routers beside clients. [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen_read_only: Option<SocketAddr>,
    /// Connections that may be open at a time; others wait for a place. Each router, each router beside a client and each
    /// operator has one, which takes about 300 kB of memory.
    #[arg(long, value_name = "NUMBER", default_value_t = ServerOptions::CONNECTIONS as u32, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// What keeps the records.
    #[arg(long, value_enum, default_value_t)]
    driver: DriverName,
    /// Directory of the records, for --driver rocksdb; made when it does not exist.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The ensemble that keeps the records, for --driver zookeeper; it may be named in --conf instead. Routers may use it at
    /// the same time.
    #[arg(long, value_name = "HOST:PORT,.../CHROOT")]
    zookeeper: Option<String>,
    /// Directory of core-site.xml, hdfs-site.xml and hdfs-rbf-site.xml, for --driver zookeeper: how a router uses the
    /// ensemble is how this program does. The keys are listed below.
    #[arg(long, value_name = "DIR")]
    conf: Option<PathBuf>,
    /// Set one of those keys over what the files say; may be repeated.
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = setting)]
    define: Vec<(String, String)>,
    /// Certificate of this server, and those that lead to its authority (PEM). Without it, it speaks plain text. These
    /// files are read again when they change, without a restart: who connects then meets what they say.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authority of the clients' certificates (PEM). Without it, any client is served.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Where it serves /isActive and /metrics. [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// How long writes in flight may take to end after SIGTERM, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    drain: u64,
    /// How log lines are written.
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

/// Where it serves with a certificate, and where without one, unless it is told.
const EVERYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT);
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
const PORT: u16 = 8890;

/// Runs the program.
pub fn run(args: &StoreArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn serve(args: &StoreArgs) -> Result<(), Failure> {
    logging::init(args.log.into(), "info").map_err(Failure::usage)?;
    let given = Given {
        data: args.data.as_deref(),
        zookeeper: args.zookeeper.as_deref(),
        conf: args.conf.as_deref(),
        define: &args.define,
    };
    let driver = Driver::new(args.driver, &given, machine::environment()).map_err(Failure::usage)?;
    let identity = args.tls_cert.clone().zip(args.tls_key.clone());
    let tls = identity.map(|(certificate, key)| ServerTls { certificate, key, client_ca: args.client_ca.clone() });
    let connections = usize::try_from(args.max_connections).map_err(Failure::usage)?;
    let drain = Duration::from_secs(args.drain);
    let options = ServerOptions { tls, connections, drain, ..ServerOptions::default() };
    let runtimes = Runtimes::new()?;
    let ended = runtimes.control.block_on(until_stopped(args, &driver, options, &runtimes));
    runtimes.stop();
    ended
}

async fn until_stopped(
    args: &StoreArgs,
    driver: &Driver,
    options: ServerOptions,
    runtimes: &Runtimes,
) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let metrics = Metrics::new(BUILD).map_err(Failure::internal)?;
    let (readiness, stop, over) = (Readiness::new(), CancellationToken::new(), CancellationToken::new());
    // The listeners first: what can't listen should not touch the data of the one that does.
    let address = args.listen.unwrap_or(if options.tls.is_some() { EVERYWHERE } else { HERE });
    let listener = listen(address, runtimes.data.handle()).await?;
    let address = listener.local_addr().map_err(Failure::internal)?;
    let readers = listen_if(args.listen_read_only, runtimes.data.handle()).await?;
    let web = listen_if(args.http, runtimes.control.handle()).await?;
    let shown_address = |listener: &Option<TcpListener>| {
        listener.as_ref().map(TcpListener::local_addr).transpose().map_err(Failure::internal)
    };
    let (read_only, http) = (shown_address(&readers)?, shown_address(&web)?);
    let store = driver.open().map_err(Failure::usage)?;
    let mutual = options.tls.as_ref().map(|tls| tls.client_ca.is_some());
    let mut server = StoreServer::new(store, options, metrics.registry(), stop.clone()).map_err(Failure::usage)?;
    if let Some(readers) = readers {
        server = server.read_only(readers);
    }
    let condition = readiness.register("state store");
    condition.ready();
    let following = tokio::spawn(follow(server.health(), condition));
    let mut serving = runtimes.data.spawn(server.serve(listener));
    let web = web.map(|listener| {
        let routes = Routes { readiness: readiness.clone(), metrics: metrics.clone(), more: axum::Router::default() };
        tokio::spawn(http::serve(listener, routes, Bounds::default(), over.clone().cancelled_owned()))
    });
    tracing::info!(rpc = %address, ?read_only, ?http, %driver, tls = shown(mutual), "state store is listening");
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = signals.next() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            tracing::info!("draining; a second signal stops at once");
            readiness.close("draining");
            stop.cancel();
            tokio::select! {
                ended = &mut serving => ended,
                () = signals.next() => return Err(Failure::internal("stopped before writes in flight had ended")),
            }
        }
    };
    following.abort();
    over.cancel();
    if let Some(web) = web {
        // It ended because it was told to; if not, that was seen before.
        drop(web.await);
    }
    ended.map_err(Failure::internal)?.map_err(Failure::internal)
}

/// Whether clients are asked for certificates, where there is TLS at all, in a word.
fn shown(mutual: Option<bool>) -> &'static str {
    match mutual {
        None => "none",
        Some(false) => "server",
        Some(true) => "mutual",
    }
}

/// Listens on a runtime, to whose reactor the connections then belong.
async fn listen(address: SocketAddr, runtime: &tokio::runtime::Handle) -> Result<TcpListener, Failure> {
    let listener = runtime.spawn(TcpListener::bind(address)).await.map_err(Failure::internal)?;
    listener.map_err(|error| Failure::usage(format!("cannot listen on {address}: {error}")))
}

async fn listen_if(
    address: Option<SocketAddr>,
    runtime: &tokio::runtime::Handle,
) -> Result<Option<TcpListener>, Failure> {
    match address {
        Some(address) => listen(address, runtime).await.map(Some),
        None => Ok(None),
    }
}

/// Ready is who can reach the records.
async fn follow(mut health: watch::Receiver<Health>, condition: Condition) {
    while health.changed().await.is_ok() {
        if health.borrow_and_update().is_ok() {
            condition.ready();
        } else {
            condition.pending();
        }
    }
}
