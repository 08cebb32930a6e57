//! Where the state store is.

use std::path::PathBuf;

/// What the configuration says of the state store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// Nothing.
    #[default]
    Unset,
    /// That there is none.
    Off,
    /// Which.
    Driver(StoreConfig),
}

/// A driver and what it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// In this process, and gone with it.
    Memory,
    /// RocksDB, for one router on one machine.
    Rocksdb {
        /// Its directory.
        directory: PathBuf,
    },
    /// A ZooKeeper ensemble, shared with Java routers.
    Zookeeper,
    /// The store service.
    Grpc,
}

impl StoreConfig {
    /// Its short name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Rocksdb { .. } => "rocksdb",
            Self::Zookeeper => "zookeeper",
            Self::Grpc => "grpc",
        }
    }
}
