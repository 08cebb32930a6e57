//! How a namespace service is set up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::state::Limits;

/// Everything that a namespace service is told when it starts.
#[derive(Debug, Clone)]
pub struct NamespaceConfig {
    /// Where metadata and blocks are kept; created when it does not exist.
    pub data_dir: PathBuf,
    /// The nameservice's id, for messages.
    pub nameservice: String,
    /// Where ClientProtocol is served; port 0 takes a free one.
    pub rpc_address: SocketAddr,
    /// Where the block gateway is served; port 0 takes a free one.
    pub transfer_address: SocketAddr,
    /// Where a NameNode's management beans are served over HTTP, for routers; port 0 takes a free one, none serves none.
    pub http_address: Option<SocketAddr>,
    /// The host name or address under which clients reach the block gateway.
    pub advertised_host: String,
    /// Whose calls are not held to permissions. Owns the root directory of a new namespace.
    pub superuser: String,
    /// The group whose members are superusers too (`dfs.permissions.superusergroup`).
    pub supergroup: String,
    /// Whether permissions are checked (`dfs.permissions.enabled`).
    pub permissions: bool,
    /// Groups of users. A user that is not listed is in the group of the same name.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Users that may act for others.
    pub proxy_users: Vec<String>,
    /// Users, such as routers', whose word about who the client is counts (`dfs.namenode.ip-proxy-users`).
    pub ip_proxy_users: Vec<String>,
    /// What clients are told.
    pub defaults: Defaults,
    /// What may be created.
    pub limits: Limits,
    /// Entries of one answer to `getListing` (`dfs.ls.limit`).
    pub listing_limit: usize,
    /// How old a noted access time may get, in milliseconds (`dfs.namenode.accesstime.precision`); 0: none are noted.
    pub access_time_ms: u64,
    /// After how many milliseconds without renewal a file may be taken over by another client.
    pub lease_soft_ms: u64,
    /// After how many the service closes it (`dfs.namenode.lease-hard-limit-sec`).
    pub lease_hard_ms: u64,
    /// How often dead leases, cut-off trees and unused blocks are looked for, in milliseconds.
    pub upkeep_ms: u64,
    /// Limits of the RPC server.
    pub rpc: anabranch_hrpc::Limits,
}

/// What `getServerDefaults` answers, beside what is the same for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// `dfs.blocksize`, in bytes.
    pub block_size: u64,
    /// `dfs.bytes-per-checksum`.
    pub bytes_per_checksum: u32,
    /// `dfs.client-write-packet-size`, in bytes.
    pub packet_size: u32,
    /// `dfs.replication`.
    pub replication: u32,
    /// `io.file.buffer.size`, in bytes.
    pub buffer_size: u32,
    /// `fs.trash.interval`, in minutes; 0: deleting does not go through the trash.
    pub trash_interval_min: u64,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            block_size: 128 << 20,
            bytes_per_checksum: 512,
            packet_size: 64 << 10,
            replication: 1,
            buffer_size: 4_096,
            trash_interval_min: 0,
        }
    }
}

impl NamespaceConfig {
    /// A service on this machine for this user, with Hadoop's defaults for everything else.
    pub fn local(data_dir: impl Into<PathBuf>, nameservice: impl Into<String>, superuser: impl Into<String>) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            data_dir: data_dir.into(),
            nameservice: nameservice.into(),
            rpc_address: any,
            transfer_address: any,
            http_address: Some(any),
            advertised_host: "127.0.0.1".into(),
            superuser: superuser.into(),
            supergroup: "supergroup".into(),
            permissions: true,
            groups: BTreeMap::new(),
            proxy_users: Vec::new(),
            ip_proxy_users: Vec::new(),
            defaults: Defaults::default(),
            limits: Limits::default(),
            listing_limit: 1_000,
            access_time_ms: 3_600_000,
            lease_soft_ms: 60_000,
            lease_hard_ms: 1_200_000,
            upkeep_ms: 1_000,
            rpc: anabranch_hrpc::Limits::default(),
        }
    }
}
