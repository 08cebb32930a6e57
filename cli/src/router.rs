//! `anabranch-router`: configured by Hadoop's files, with mounts from a state store or from manifests.

mod mounts;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anabranch_federation::NameserviceId;
use anabranch_router::config::hadoop::{self, Environment, Loaded};
use anabranch_router::config::{StoreChoice, StoreConfig};
use anabranch_router::{ReadProxyUsers, Router, RouterConfig, RunningRouter, Sources, trusted};
use anabranch_telemetry::{Metrics, Readiness, logging};
use clap::Parser;

use self::mounts::FileMounts;
use crate::failure::Failure;
use crate::log_format::LogFormat;
use crate::runtimes::Runtimes;
use crate::signals::Signals;
use crate::{BUILD, machine, version};

/// An HDFS router before NameNodes that exist, configured by the files of Hadoop's own router.
///
/// It takes no configuration of its own: point it at a directory with core-site.xml, hdfs-site.xml and hdfs-rbf-site.xml,
/// or set the same keys with -D.
/// Mounts are kept in the state store that they name (dfs.federation.router.store.driver.class), where `hdfs
/// dfsrouteradmin` changes them; or they are MountTable manifests, which are watched while it runs.
#[derive(Parser)]
#[command(name = "anabranch-router", version = version())]
pub struct RouterArgs {
    /// Directory of core-site.xml, hdfs-site.xml and hdfs-rbf-site.xml.
    #[arg(long, value_name = "DIR", required_unless_present = "define")]
    conf: Option<PathBuf>,
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

/// Takes `KEY=VALUE` apart.
pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
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
    let environment = machine::environment();
    let proxy_users = proxy_users(args, &environment);
    let loaded = hadoop::load(args.conf.as_deref(), &args.define, environment).map_err(Failure::usage)?;
    warn_without_meaning(&loaded);
    let origin = Origin::choose(args, &loaded)?;
    let runtimes = Runtimes::new()?;
    let ended = runtimes.control.block_on(until_stopped(loaded.config, origin, proxy_users, &runtimes));
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

/// Where mounts come from.
enum Origin {
    Files(Box<FileMounts>),
    Store(Box<StoreConfig>),
}

impl Origin {
    /// A store where the configuration names one, else files where there are any, else the store that it implies.
    fn choose(args: &RouterArgs, loaded: &Loaded) -> Result<Self, Failure> {
        let named = args.mounts.clone().or_else(|| loaded.mounts_dir.clone());
        let beside = args.conf.as_ref().map(|conf| conf.join("mounts"));
        let only_files = matches!(loaded.store, StoreChoice::Off);
        let directory = named.clone().or_else(|| beside.clone().filter(|beside| only_files || beside.exists()));
        match (&loaded.store, directory) {
            (StoreChoice::Driver(store), _) if named.is_some() => Err(Failure::usage(format!(
                "mounts are kept in the state store ({}), and a directory of mounts is given too; leave out \
                 dfs.federation.router.store.driver.class, or --mounts and anabranch.router.mounts.dir",
                store.name()
            ))),
            (StoreChoice::Driver(store), _) | (StoreChoice::Implied(store), None) => {
                Ok(Self::Store(Box::new(store.clone())))
            }
            (_, Some(directory)) => Ok(Self::Files(Box::new(FileMounts::read(directory, &loaded.config)?))),
            (StoreChoice::Unset | StoreChoice::Off, None) => {
                let missing = beside.map(|dir| format!("there is no directory {}, and ", dir.display()));
                Err(Failure::usage(format!(
                    "nothing says where mounts are kept: {}neither dfs.federation.router.store.driver.class nor \
                     hadoop.zk.address is set; name a state store, or a directory of MountTable files with --mounts",
                    missing.unwrap_or_default()
                )))
            }
        }
    }

    /// What the router reads, and what administrators change.
    async fn open(&self, config: &RouterConfig) -> Result<Sources, Failure> {
        match self {
            Self::Files(files) => Ok(files.feed().into()),
            Self::Store(store) => {
                tracing::info!(driver = store.name(), "opening the state store");
                let store = store::open(StoreConfig::clone(store)).await.map_err(Failure::usage)?;
                let feed = anabranch_store::feed(&*store, default_nameservice(config));
                let health = Some(feed.health.clone());
                let mounts = trusted(feed, config.safe_mode.staleness());
                Ok(Sources { health, store: Some(store), ..Sources::from(mounts) })
            }
        }
    }

    /// Follows edits of files; never ends.
    async fn follow(&mut self) {
        match self {
            Self::Files(files) => files.follow().await,
            Self::Store(_) => std::future::pending().await,
        }
    }
}

fn default_nameservice(config: &RouterConfig) -> Option<NameserviceId> {
    config.default_nameservice.as_deref().and_then(|id| NameserviceId::parse(id).ok())
}

/// Reads `hadoop.proxyuser.*` from where the router was configured.
fn proxy_users(args: &RouterArgs, environment: &Environment) -> ReadProxyUsers {
    let (conf, define, environment) = (args.conf.clone(), args.define.clone(), environment.clone());
    Arc::new(move || {
        let loaded = hadoop::load(conf.as_deref(), &define, environment.clone());
        loaded.map(|loaded| loaded.config.proxy_users).map_err(|error| error.to_string())
    })
}

async fn until_stopped(
    config: RouterConfig,
    mut origin: Origin,
    proxy_users: ReadProxyUsers,
    runtimes: &Runtimes,
) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let metrics = Metrics::new(BUILD).map_err(Failure::internal)?;
    let readiness = Readiness::new();
    let sources = Sources { proxy_users: Some(proxy_users), ..origin.open(&config).await? };
    let router = start(config, sources, &metrics, &readiness, runtimes).await?;
    tokio::select! {
        () = origin.follow() => {}
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
    sources: Sources,
    metrics: &Metrics,
    readiness: &Readiness,
    runtimes: &Runtimes,
) -> Result<RunningRouter, Failure> {
    let (metrics, readiness, handles) = (metrics.clone(), readiness.clone(), runtimes.handles());
    let started =
        runtimes.data.spawn(async move { Router::start(config, sources, &metrics, &readiness, &handles).await });
    started.await.map_err(Failure::internal)?.map_err(Failure::usage)
}
