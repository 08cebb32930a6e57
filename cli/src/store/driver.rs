//! What keeps the records.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anabranch_router::config::ZooKeeperConfig;
use anabranch_router::config::hadoop::{self, ENSEMBLE_KEYS, Environment, keys};
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{JournalStore, StateStore, StoreError, ZooKeeperStore};
use clap::ValueEnum;

use crate::zookeeper::{self, EnsembleError};

/// The key that says where the ensemble is before all others.
const ADDRESS: &str = "dfs.federation.router.store.driver.zk.address";
/// The key whose value is a secret, unless it names a file.
const SECRET: &str = "hadoop.zk.auth";

/// The drivers that can be chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DriverName {
    /// A RocksDB in a directory of this machine.
    #[default]
    Rocksdb,
    /// This process: everything is gone when it ends.
    Memory,
    /// A ZooKeeper ensemble, as Java routers use it.
    Zookeeper,
}

/// What the command line says for drivers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given<'a> {
    pub(super) data: Option<&'a Path>,
    pub(super) zookeeper: Option<&'a str>,
    pub(super) conf: Option<&'a Path>,
    pub(super) define: &'a [(String, String)],
}

/// A driver with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Driver {
    Rocksdb(PathBuf),
    Memory,
    Zookeeper(Box<ZooKeeperConfig>),
}

/// Why a driver can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DriverError {
    #[error("--driver rocksdb keeps its records in a directory: say which with --data DIR")]
    NoData,
    #[error(
        "--driver zookeeper keeps its records in an ensemble: say which with --zookeeper HOST:PORT, or hadoop.zk.address \
         in --conf DIR"
    )]
    NoEnsemble,
    #[error("--driver {driver} has no use for {option}: leave it out")]
    InVain { driver: &'static str, option: &'static str },
    #[error("-D {key}: expected one of {}", ENSEMBLE_KEYS.join(", "))]
    Unknown { key: String },
    #[error("-D {SECRET} would show the secret to who lists processes: name a file with it, {SECRET}=@FILE")]
    Secret,
    #[error(transparent)]
    Configuration(#[from] hadoop::Error),
    #[error(transparent)]
    Ensemble(#[from] EnsembleError),
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
    #[error(transparent)]
    Open(#[from] StoreError),
}

impl Driver {
    /// The driver of this name, with the options that belong to it.
    pub(super) fn new(name: DriverName, given: &Given<'_>, environment: Environment) -> Result<Self, DriverError> {
        let options = [
            ("--data", DriverName::Rocksdb, given.data.is_some()),
            ("--zookeeper", DriverName::Zookeeper, given.zookeeper.is_some()),
            ("--conf", DriverName::Zookeeper, given.conf.is_some()),
            ("-D", DriverName::Zookeeper, !given.define.is_empty()),
        ];
        if let Some((option, ..)) = options.into_iter().find(|(_, driver, given)| *given && *driver != name) {
            return Err(DriverError::InVain { driver: name.text(), option });
        }
        match name {
            DriverName::Rocksdb => Ok(Self::Rocksdb(given.data.ok_or(DriverError::NoData)?.to_owned())),
            DriverName::Memory => Ok(Self::Memory),
            DriverName::Zookeeper => Ok(Self::Zookeeper(Box::new(ensemble(given, environment)?))),
        }
    }

    /// Opens the store. Must be called within a tokio runtime, on which the ensemble is then followed.
    pub(super) fn open(&self) -> Result<Arc<dyn StateStore>, DriverError> {
        match self {
            Self::Rocksdb(data) => Ok(Arc::new(JournalStore::open(data)?)),
            Self::Memory => Ok(Arc::new(JournalStore::in_memory())),
            Self::Zookeeper(config) => {
                Ok(Arc::new(ZooKeeperStore::open(zookeeper::options(ZooKeeperConfig::clone(config))?)?))
            }
        }
    }
}

impl DriverName {
    fn text(self) -> &'static str {
        match self {
            Self::Rocksdb => "rocksdb",
            Self::Memory => "memory",
            Self::Zookeeper => "zookeeper",
        }
    }
}

/// The ensemble, and how it is used.
fn ensemble(given: &Given<'_>, environment: Environment) -> Result<ZooKeeperConfig, DriverError> {
    for (key, value) in given.define {
        if !ENSEMBLE_KEYS.contains(&key.as_str()) {
            return Err(DriverError::Unknown { key: key.clone() });
        }
        if key == SECRET && !value.starts_with('@') {
            return Err(DriverError::Secret);
        }
    }
    let address = given.zookeeper.map(|address| (ADDRESS.to_owned(), address.to_owned()));
    let define: Vec<_> = given.define.iter().cloned().chain(address).collect();
    hadoop::ensemble(given.conf, &define, environment)?.ok_or(DriverError::NoEnsemble)
}

/// The keys that mean something to this program, for its help.
pub(super) fn keys() -> String {
    let known = keys::all().filter(|key| ENSEMBLE_KEYS.contains(&key.name));
    known.fold("Keys for --conf and -D, with --driver zookeeper:\n".to_owned(), |mut text, key| {
        let default = if key.default.is_empty() { String::new() } else { format!(" [default: {}]", key.default) };
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {} ({}){default}\n          {}\n", key.name, key.accepted(), key.about);
        text
    })
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rocksdb(data) => write!(f, "rocksdb in {}", data.display()),
            Self::Memory => f.write_str("memory"),
            Self::Zookeeper(config) => write!(f, "zookeeper at {}", config.address),
        }
    }
}

#[cfg(test)]
mod tests;
