//! What keeps the records.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anabranch_store::{JournalStore, StateStore, StoreError};
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
}

/// Why a driver can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DriverError {
    #[error("--driver rocksdb keeps its records in a directory: say which with --data DIR")]
    NoData,
    #[error("--driver {0} keeps no records in a directory: leave --data out")]
    DataInVain(&'static str),
    #[error("--driver zookeeper can't be served yet; let routers use the ensemble themselves")]
    NotServed,
    #[error(transparent)]
    Open(#[from] StoreError),
}

impl Driver {
    /// The driver of this name, with the options that belong to it.
    pub(super) fn new(name: DriverName, data: Option<&Path>) -> Result<Self, DriverError> {
        match (name, data) {
            (DriverName::Rocksdb, Some(data)) => Ok(Self::Rocksdb(data.to_owned())),
            (DriverName::Rocksdb, None) => Err(DriverError::NoData),
            (DriverName::Memory, None) => Ok(Self::Memory),
            (DriverName::Memory, Some(_)) => Err(DriverError::DataInVain("memory")),
            (DriverName::Zookeeper, Some(_)) => Err(DriverError::DataInVain("zookeeper")),
            (DriverName::Zookeeper, None) => Err(DriverError::NotServed),
        }
    }

    /// Opens the store.
    pub(super) fn open(&self) -> Result<Arc<dyn StateStore>, DriverError> {
        match self {
            Self::Rocksdb(data) => Ok(Arc::new(JournalStore::open(data)?)),
            Self::Memory => Ok(Arc::new(JournalStore::in_memory())),
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rocksdb(data) => write!(f, "rocksdb in {}", data.display()),
            Self::Memory => f.write_str("memory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_driver_takes_its_own_options_only() {
        let dir = Path::new("/d");
        let told = |name, data| Driver::new(name, data).map_err(|error| error.to_string());
        assert_eq!(told(DriverName::Rocksdb, Some(dir)), Ok(Driver::Rocksdb(dir.to_owned())));
        assert_eq!(told(DriverName::Memory, None), Ok(Driver::Memory));
        assert!(told(DriverName::Rocksdb, None).unwrap_err().ends_with("--data DIR"));
        assert!(told(DriverName::Memory, Some(dir)).unwrap_err().starts_with("--driver memory keeps no"));
        assert!(told(DriverName::Zookeeper, None).unwrap_err().contains("can't be served yet"));
    }
}
