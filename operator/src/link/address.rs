//! Where a fleet's records are, and the way there.

use std::sync::Arc;

use anabranch_store::grpc::{ClientError, ClientOptions};
use anabranch_store::zookeeper::{ZooKeeperError, ZooKeeperOptions};
use anabranch_store::{GrpcStore, StateStore, ZooKeeperStore};

/// Where a fleet's records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// An `anabranch-store`.
    Server {
        /// `host:port`.
        endpoint: String,
    },
    /// A ZooKeeper ensemble.
    ZooKeeper {
        /// Its servers.
        address: String,
        /// The znode below which the records are.
        parent: String,
    },
}

/// Why there is no way to a store, whoever answers there.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Of an `anabranch-store`.
    #[error("{0}")]
    Server(#[from] ClientError),
    /// Of an ensemble.
    #[error("{0}")]
    ZooKeeper(#[from] ZooKeeperError),
}

/// How stores are reached: [`StoreAddress::open`], or another way where the cluster's names mean nothing.
pub type Dial = Arc<dyn Fn(&StoreAddress) -> Result<Arc<dyn StateStore>, AddressError> + Send + Sync>;

impl StoreAddress {
    /// The store at this address. Connects when it is used.
    ///
    /// # Errors
    /// When the address is none.
    pub fn open(&self) -> Result<Arc<dyn StateStore>, AddressError> {
        Ok(match self {
            Self::Server { endpoint } => Arc::new(GrpcStore::new(&ClientOptions::new([endpoint.clone()]))?),
            Self::ZooKeeper { address, parent } => {
                Arc::new(ZooKeeperStore::open(ZooKeeperOptions::new(address)?.with_parent(parent)?)?)
            }
        })
    }
}
