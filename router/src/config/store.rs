//! Where the state store is.

use std::path::PathBuf;
use std::time::Duration;

/// What the configuration says of the state store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// Nothing.
    #[default]
    Unset,
    /// That there is none.
    Off,
    /// No driver, but a ZooKeeper ensemble: Java's default, where mounts come from nowhere else.
    Implied(StoreConfig),
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
    Zookeeper(ZooKeeperConfig),
    /// The store service, `anabranch-store`.
    Grpc(GrpcConfig),
}

impl StoreConfig {
    /// Its short name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Rocksdb { .. } => "rocksdb",
            Self::Zookeeper(_) => "zookeeper",
            Self::Grpc(_) => "grpc",
        }
    }
}

/// A ZooKeeper ensemble, in Hadoop's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZooKeeperConfig {
    /// `host:port,host:port/chroot`.
    pub address: String,
    /// The node below which the records are.
    pub parent: String,
    /// How long the ensemble keeps a session whose client is silent.
    pub session_timeout: Duration,
    /// How long is waited before members are tried again.
    pub retry_interval: Duration,
    /// Who may use the directories of the records: `scheme:id:permissions`, separated by commas, or `@file`.
    pub acl: String,
    /// Who the router is: `scheme:secret`, separated by commas, or `@file`; empty for nobody.
    pub auth: String,
    /// How the router proves who it is by SASL; it does not without.
    pub sasl: Option<SaslConfig>,
    /// TLS; plain text without it.
    pub tls: Option<TlsConfig>,
}

/// A way to prove to an ensemble who the router is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaslConfig {
    /// DIGEST-MD5.
    Password {
        /// The user.
        user: String,
        /// The file with the password.
        file: PathBuf,
    },
    /// GSSAPI.
    Kerberos {
        /// The router's principal.
        principal: String,
        /// The file with its key.
        keytab: PathBuf,
        /// The ensemble's members: the name of their service, or a principal with `_HOST` for the host of each.
        server: String,
    },
}

/// Servers of the store service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcConfig {
    /// `host:port` of each.
    pub endpoints: Vec<String>,
    /// TLS; plain text without it.
    pub tls: Option<TlsConfig>,
}

/// Whom the router trusts as the state store, and what it proves who it is with. All are PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The authority of the servers' certificates.
    pub ca: PathBuf,
    /// The router's certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name in the servers' certificates, where it is not the host that is called. Of the store service only.
    pub domain: Option<String>,
}
