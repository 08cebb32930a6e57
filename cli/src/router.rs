//! `anabranch-router`: configured by Hadoop's files, with mounts from manifests.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anabranch_federation::{MountTable, NameserviceId};
use anabranch_router::config::hadoop::{self, Environment, Loaded};
use anabranch_router::{Router, RouterConfig, RunningRouter};
use anabranch_telemetry::{Metrics, Readiness, logging};
use clap::Parser;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::log_format::LogFormat;
use crate::manifest::{Change, Federation, Scope, Source, Watch};
use crate::runtimes::Runtimes;
use crate::signals::Signals;
use crate::{BUILD, machine, version};

/// An HDFS router before NameNodes that exist, configured by the files of Hadoop's own router.
///
/// It takes no configuration of its own: point it at a directory with core-site.xml, hdfs-site.xml and hdfs-rbf-site.xml.
/// Mounts are MountTable manifests, which are watched while it runs.
#[derive(Parser)]
#[command(name = "anabranch-router", version = version())]
pub struct RouterArgs {
    /// Directory of core-site.xml, hdfs-site.xml and hdfs-rbf-site.xml.
    #[arg(long, value_name = "DIR")]
    conf: PathBuf,
    /// Set a configuration key over what the files say; may be repeated.
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = setting)]
    define: Vec<(String, String)>,
    /// Directory of MountTable files. [default: $anabranch.router.mounts.dir, else CONF/mounts]
    #[arg(long, value_name = "DIR")]
    mounts: Option<PathBuf>,
    /// How log lines are written.
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as dfs.federation.router.rpc-address=0.0.0.0:8888".to_owned()),
    }
}

/// Runs the program.
pub fn run(args: &RouterArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn serve(args: &RouterArgs) -> Result<(), Failure> {
    logging::init(args.log.into(), "info").map_err(Failure::usage)?;
    let environment =
        Environment { variables: std::env::vars().collect(), user: machine::user(), host: machine::host() };
    let loaded = hadoop::load(&args.conf, &args.define, environment).map_err(Failure::usage)?;
    warn_without_meaning(&loaded);
    let directory = args.mounts.clone().or(loaded.mounts_dir).unwrap_or_else(|| args.conf.join("mounts"));
    let mounts = Mounts::read(directory, &loaded.config)?;
    let runtimes = Runtimes::new()?;
    let ended = runtimes.control.block_on(until_stopped(loaded.config, mounts, &runtimes));
    runtimes.stop();
    ended
}

/// One warning for all keys that are set in vain.
fn warn_without_meaning(loaded: &Loaded) {
    if !loaded.not_implemented.is_empty() {
        tracing::warn!(keys = loaded.not_implemented.join(", "), "these configuration keys are not implemented here");
    }
    if !loaded.unknown.is_empty() {
        tracing::warn!(
            keys = loaded.unknown.join(", "),
            "no router knows these configuration keys; are they misspelt?"
        );
    }
}

/// Mounts from files, and the channel on which the router gets them. They do not grow stale as a store's do: files that
/// cannot be read or understood say nothing about the last table, which stays in use, and the log tells of them.
struct Mounts {
    default: Option<NameserviceId>,
    current: Federation,
    watch: Watch,
}

impl Mounts {
    fn read(directory: PathBuf, config: &RouterConfig) -> Result<Self, Failure> {
        let known: Vec<NameserviceId> =
            config.nameservices.iter().filter_map(|known| NameserviceId::parse(&known.id).ok()).collect();
        let default = config.default_nameservice.as_deref().and_then(|id| NameserviceId::parse(id).ok());
        let scope = Scope::Mounts(known);
        let source = Source::new(directory);
        let files = source.read().map_err(Failure::usage)?;
        let current = Federation::parse(&files, &scope).map_err(Failure::usage)?;
        let watch = Watch::start(source, scope, files, current.clone());
        Ok(Self { default, current, watch })
    }

    fn table(&self, revision: u64) -> Arc<MountTable> {
        let table = MountTable::build(self.current.mounts.iter().cloned(), self.default.clone());
        Arc::new(table.with_revision(revision))
    }
}

async fn until_stopped(config: RouterConfig, mut mounts: Mounts, runtimes: &Runtimes) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let metrics = Metrics::new(BUILD).map_err(Failure::internal)?;
    let readiness = Readiness::new();
    let (tables, feed) = watch::channel(Some(mounts.table(1)));
    let router = start(config, feed, &metrics, &readiness, runtimes).await?;
    tokio::select! {
        () = follow(&mut mounts, &tables) => {}
        () = signals.next() => {}
    }
    tracing::info!("draining; a second signal stops at once");
    tokio::select! {
        () = router.drain() => Ok(()),
        () = signals.next() => Err(Failure::internal("stopped before calls in flight had ended")),
    }
}

/// Starts the router on the data plane's runtime, to whose reactor its sockets then belong.
async fn start(
    config: RouterConfig,
    feed: anabranch_router::Mounts,
    metrics: &Metrics,
    readiness: &Readiness,
    runtimes: &Runtimes,
) -> Result<RunningRouter, Failure> {
    let (metrics, readiness, handles) = (metrics.clone(), readiness.clone(), runtimes.handles());
    let started = runtimes.data.spawn(async move { Router::start(config, feed, &metrics, &readiness, &handles).await });
    started.await.map_err(Failure::internal)?.map_err(Failure::usage)
}

/// Passes valid edits on to the router, each as a new revision; never ends.
async fn follow(mounts: &mut Mounts, tables: &watch::Sender<Option<Arc<MountTable>>>) {
    let mut revision = 1;
    loop {
        match mounts.watch.next().await {
            Change::Applied(new) => {
                revision += 1;
                mounts.current = new;
                tables.send_replace(Some(mounts.table(revision)));
                tracing::info!(revision, mounts = mounts.current.mounts.len(), "mounts changed");
            }
            Change::Refused(reason) => tracing::warn!("edit refused, the last mounts stay in use: {reason}"),
            Change::Restored => tracing::info!("the files say again what is in use"),
        }
    }
}
