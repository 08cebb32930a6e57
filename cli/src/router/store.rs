//! The state store that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anabranch_router::config::{GrpcConfig, StoreConfig, TlsConfig, ZooKeeperConfig};
use anabranch_store::grpc::{ClientError, ClientOptions, ClientTls};
use anabranch_store::zookeeper::{Acl, Auth, Sasl, Tls, ZooKeeperError, ZooKeeperOptions};
use anabranch_store::{GrpcStore, JournalStore, StateStore, StoreError, ZooKeeperStore};

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
    Grpc(#[from] ClientError),
    #[error("state store: cannot read {file}: {source}")]
    File { file: String, source: std::io::Error },
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
        StoreConfig::Zookeeper(config) => Arc::new(ZooKeeperStore::open(zookeeper(config)?)?),
        StoreConfig::Grpc(config) => Arc::new(GrpcStore::new(&grpc(config)?)?),
    })
}

fn rocksdb(directory: &Path) -> Result<JournalStore, OpenError> {
    // Its directories are called as its classes.
    if directory.join("MountTable").is_dir() {
        return Err(OpenError::FilesOfJava(directory.display().to_string()));
    }
    Ok(JournalStore::open(directory)?)
}

fn zookeeper(config: ZooKeeperConfig) -> Result<ZooKeeperOptions, OpenError> {
    let sasl = match config.sasl {
        None => None,
        Some((user, file)) => {
            let password = String::from_utf8_lossy(&read(&file)?).trim_end().to_owned();
            Some(Sasl::DigestMd5 { user, password })
        }
    };
    Ok(ZooKeeperOptions {
        session_timeout: config.session_timeout,
        retry_interval: config.retry_interval,
        acl: Acl::parse(&config.acl)?,
        auth: Auth::parse(&config.auth)?,
        sasl,
        tls: config.tls.map(|TlsConfig { ca, identity, .. }| Tls { ca, identity }),
        ..ZooKeeperOptions::new(&config.address)?.with_parent(&config.parent)?
    })
}

fn grpc(config: GrpcConfig) -> Result<ClientOptions, OpenError> {
    let tls = match config.tls {
        None => None,
        Some(TlsConfig { ca, identity, domain }) => {
            let identity = identity.map(|(certificate, key)| Ok::<_, OpenError>((read(&certificate)?, read(&key)?)));
            Some(ClientTls { ca: read(&ca)?, identity: identity.transpose()?, domain })
        }
    };
    Ok(ClientOptions { tls, ..ClientOptions::new(config.endpoints) })
}

fn read(file: &PathBuf) -> Result<Vec<u8>, OpenError> {
    std::fs::read(file).map_err(|source| OpenError::File { file: file.display().to_string(), source })
}
