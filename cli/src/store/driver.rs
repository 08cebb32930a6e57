//! What keeps the records.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anabranch_store::zookeeper::{ZooKeeperError, ZooKeeperOptions};
use anabranch_store::{JournalStore, StateStore, StoreError, ZooKeeperStore};
use clap::ValueEnum;

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

/// A driver with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Driver {
    Rocksdb(PathBuf),
    Memory,
    /// A connect string.
    Zookeeper(String),
}

/// Why a driver can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DriverError {
    #[error("--driver rocksdb keeps its records in a directory: say which with --data DIR")]
    NoData,
    #[error("--driver zookeeper keeps its records in an ensemble: say which with --zookeeper HOST:PORT")]
    NoEnsemble,
    #[error("--driver {0} has no use for {1}: leave it out")]
    InVain(&'static str, &'static str),
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
    #[error(transparent)]
    Open(#[from] StoreError),
}

impl Driver {
    /// The driver of this name, with the options that belong to it.
    pub(super) fn new(name: DriverName, data: Option<&Path>, ensemble: Option<&str>) -> Result<Self, DriverError> {
        let (data_in_vain, ensemble_in_vain) = ("--data", "--zookeeper");
        match (name, data, ensemble) {
            (DriverName::Rocksdb, Some(data), None) => Ok(Self::Rocksdb(data.to_owned())),
            (DriverName::Rocksdb, None, None) => Err(DriverError::NoData),
            (DriverName::Rocksdb, _, Some(_)) => Err(DriverError::InVain("rocksdb", ensemble_in_vain)),
            (DriverName::Memory, None, None) => Ok(Self::Memory),
            (DriverName::Memory, Some(_), _) => Err(DriverError::InVain("memory", data_in_vain)),
            (DriverName::Memory, None, Some(_)) => Err(DriverError::InVain("memory", ensemble_in_vain)),
            (DriverName::Zookeeper, None, Some(ensemble)) => Ok(Self::Zookeeper(ensemble.to_owned())),
            (DriverName::Zookeeper, None, None) => Err(DriverError::NoEnsemble),
            (DriverName::Zookeeper, Some(_), _) => Err(DriverError::InVain("zookeeper", data_in_vain)),
        }
    }

    /// Opens the store. Must be called within a tokio runtime, on which the ensemble is then followed.
    pub(super) fn open(&self) -> Result<Arc<dyn StateStore>, DriverError> {
        match self {
            Self::Rocksdb(data) => Ok(Arc::new(JournalStore::open(data)?)),
            Self::Memory => Ok(Arc::new(JournalStore::in_memory())),
            Self::Zookeeper(connect) => Ok(Arc::new(ZooKeeperStore::open(ZooKeeperOptions::new(connect)?)?)),
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rocksdb(data) => write!(f, "rocksdb in {}", data.display()),
            Self::Memory => f.write_str("memory"),
            Self::Zookeeper(connect) => write!(f, "zookeeper at {connect}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_driver_takes_its_own_options_only() {
        let dir = Path::new("/d");
        let told = |name, data, ensemble| Driver::new(name, data, ensemble).map_err(|error| error.to_string());
        assert_eq!(told(DriverName::Rocksdb, Some(dir), None), Ok(Driver::Rocksdb(dir.to_owned())));
        assert_eq!(told(DriverName::Memory, None, None), Ok(Driver::Memory));
        assert_eq!(told(DriverName::Zookeeper, None, Some("z:1")), Ok(Driver::Zookeeper("z:1".to_owned())));
        for (name, data, ensemble, expected) in [
            (DriverName::Rocksdb, None, None, "say which with --data DIR"),
            (DriverName::Rocksdb, Some(dir), Some("z:1"), "--driver rocksdb has no use for --zookeeper: leave it out"),
            (DriverName::Memory, Some(dir), None, "--driver memory has no use for --data: leave it out"),
            (DriverName::Memory, None, Some("z:1"), "--driver memory has no use for --zookeeper: leave it out"),
            (DriverName::Zookeeper, None, None, "say which with --zookeeper HOST:PORT"),
            (DriverName::Zookeeper, Some(dir), Some("z:1"), "--driver zookeeper has no use for --data: leave it out"),
        ] {
            assert!(told(name, data, ensemble).unwrap_err().ends_with(expected), "{name:?} {data:?} {ensemble:?}");
        }
    }
}
