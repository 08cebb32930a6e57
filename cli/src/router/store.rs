//! The state store that the configuration names.

use std::path::Path;
use std::sync::Arc;

use anabranch_router::config::StoreConfig;
use anabranch_store::{JournalStore, StateStore, StoreError};

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the state store driver {0} is not built yet; use rocksdb, or mounts from files (--mounts)")]
    NotBuilt(&'static str),
    #[error(
        "{0} has the records of a Java router's file store, which the driver rocksdb does not read; name another \
         directory in dfs.federation.router.store.driver.file.directory"
    )]
    FilesOfJava(String),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the state store: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Opens it. What a driver needs beyond its configuration is for this function to give.
pub(super) async fn open(config: StoreConfig) -> Result<Arc<dyn StateStore>, OpenError> {
    match config {
        StoreConfig::Memory => Ok(Arc::new(JournalStore::in_memory())),
        StoreConfig::Rocksdb { directory } => {
            let opened = tokio::task::spawn_blocking(move || rocksdb(&directory)).await?;
            Ok(Arc::new(opened?))
        }
        StoreConfig::Zookeeper | StoreConfig::Grpc => Err(OpenError::NotBuilt(config.name())),
    }
}

fn rocksdb(directory: &Path) -> Result<JournalStore, OpenError> {
    // Its directories are called as its classes.
    if directory.join("MountTable").is_dir() {
        return Err(OpenError::FilesOfJava(directory.display().to_string()));
    }
    Ok(JournalStore::open(directory)?)
}
