//! The state store that the configuration names.

use std::path::Path;
use std::sync::Arc;

use anabranch_router::config::{GrpcConfig, StoreConfig, TlsConfig};
use anabranch_store::grpc::{ClientError, ClientOptions, ClientTls};
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{GrpcStore, JournalStore, StateStore, StoreError, ZooKeeperStore};

use crate::zookeeper::{self, EnsembleError};

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(
        "{0} has the records of a Java router's file store, which the driver rocksdb does not read; name another \
         directory in dfs.federation.router.store.driver.file.directory"
    )]
    FilesOfJava(String),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("state store: {0}")]
    ZooKeeper(#[from] ZooKeeperError),
    #[error("state store: {0}")]
    Ensemble(#[from] EnsembleError),
    #[error("state store: {0}")]
    Grpc(#[from] ClientError),
    #[error("state store: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Opens it. ZooKeeper and the store service need not be there yet.
pub(super) async fn open(config: StoreConfig) -> Result<Arc<dyn StateStore>, OpenError> {
    Ok(match config {
        StoreConfig::Memory => Arc::new(JournalStore::in_memory()),
        StoreConfig::Rocksdb { directory } => {
            Arc::new(tokio::task::spawn_blocking(move || rocksdb(&directory)).await??)
        }
        StoreConfig::Zookeeper(config) => Arc::new(ZooKeeperStore::open(zookeeper::options(config)?)?),
        StoreConfig::Grpc(config) => Arc::new(GrpcStore::new(&grpc(config))?),
    })
}

fn rocksdb(directory: &Path) -> Result<JournalStore, OpenError> {
    // Its directories are called as its classes.
    if directory.join("MountTable").is_dir() {
        return Err(OpenError::FilesOfJava(directory.display().to_string()));
    }
    Ok(JournalStore::open(directory)?)
}

fn grpc(config: GrpcConfig) -> ClientOptions {
    let tls = config.tls.map(|TlsConfig { ca, identity, domain }| ClientTls { ca, identity, domain });
    ClientOptions { tls, ..ClientOptions::new(config.endpoints) }
}
