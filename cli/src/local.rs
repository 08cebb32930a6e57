//! `anabranch local`: a federation in one process, from the manifests that a cluster would take.

mod boot;
mod data;
mod edits;
mod overview;
mod prepare;
mod setup;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anabranch_telemetry::logging;
use clap::Args;

use self::boot::Running;
use self::overview::Overview;
use self::setup::{Addresses, Setup};
use crate::console;
use crate::failure::Failure;
use crate::format::Format;
use crate::log_format::LogFormat;
use crate::manifest::{Federation, Scope, Source, Watch};
use crate::runtimes::Runtimes;
use crate::signals::Signals;

/// Run a whole federation in one process: router, state store and embedded subclusters.
///
/// It reads the manifests that a Kubernetes cluster would take, keeps everything below one data directory, and follows
/// edits of mounts while it runs. Ctrl-C lets calls in flight end; a second Ctrl-C stops at once.
#[derive(Debug, Args)]
pub struct LocalArgs {
    /// Directory (or file) of manifests: MountTable, Subcluster, RouterFleet.
    #[arg(short = 'f', long = "filename", value_name = "DIR")]
    manifests: PathBuf,
    /// Where files and state are kept; a later run finds them again.
    #[arg(long, value_name = "DIR", default_value = ".data")]
    data: PathBuf,
    /// Where Hadoop clients call. [default: the RouterFleet's, else 127.0.0.1:8888]
    #[arg(long, value_name = "IP:PORT")]
    rpc_address: Option<SocketAddr>,
    /// Where `hdfs dfsrouteradmin` calls. [default: the RouterFleet's, else 127.0.0.1:8111]
    #[arg(long, value_name = "IP:PORT")]
    admin_address: Option<SocketAddr>,
    /// Where /isActive and /metrics are served. [default: the RouterFleet's, else 127.0.0.1:50071]
    #[arg(long, value_name = "IP:PORT")]
    http_address: Option<SocketAddr>,
    /// What is printed when all runs: tables for people, or one JSON object for programs.
    #[arg(long, value_enum, default_value_t)]
    output: Format,
    /// How log lines are written.
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

/// What is logged unless ANABRANCH_LOG says otherwise: trouble, and what edits came to.
const DEFAULT_LOG: &str = "warn,anabranch_cli=info";

/// Runs the command.
pub fn run(args: &LocalArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn serve(args: &LocalArgs) -> Result<(), Failure> {
    logging::init(args.log.into(), DEFAULT_LOG).map_err(Failure::usage)?;
    let source = Source::new(&args.manifests);
    let files = source.read().map_err(Failure::usage)?;
    let federation = Federation::parse(&files, &Scope::Federation).map_err(Failure::usage)?;
    let addresses = Addresses { rpc: args.rpc_address, admin: args.admin_address, http: args.http_address };
    let setup = Setup::plan(&federation, addresses).map_err(Failure::usage)?;
    setup.check_addresses().map_err(Failure::usage)?;
    let data = data::Data::open(&args.data).map_err(Failure::usage)?;
    let watch = Watch::start(source, Scope::Federation, files, federation.clone());
    let runtimes = Runtimes::new()?;
    let ended = runtimes.control.block_on(until_stopped(args, setup, federation, &data, watch, &runtimes));
    runtimes.stop();
    ended
}

async fn until_stopped(
    args: &LocalArgs,
    setup: Setup,
    federation: Federation,
    data: &data::Data,
    mut watch: Watch,
    runtimes: &Runtimes,
) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let running = tokio::select! {
        started = Running::boot(setup, federation.mounts, data, runtimes) => started?,
        () = signals.next() => return Err(Failure::internal("stopped while starting")),
    };
    let overview = Overview::of(&running, args.manifests.clone(), args.data.clone());
    console::say(&match args.output {
        Format::Text => overview.text(),
        Format::Json => overview.json(),
    });
    tokio::select! {
        () = edits::follow(&mut watch, &running) => {}
        () = signals.next() => {}
    }
    console::note("Stopping: calls in flight may end. Ctrl-C again stops at once.");
    tokio::select! {
        () = running.drain() => {
            console::note("Stopped.");
            Ok(())
        }
        () = signals.next() => Err(Failure::internal("stopped before calls in flight had ended")),
    }
}
