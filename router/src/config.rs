//! What a router is told when it starts. A plain value: Hadoop's XML files and `anabranch local` both fill it in.

mod address_range;
mod admin;
mod datanodes;
mod effective;
pub mod hadoop;
mod heartbeat;
mod placement;
mod quota;
mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::Authority;

pub use address_range::AddressRange;
pub use admin::{AdminConfig, SafeModeConfig};
pub use datanodes::DatanodesConfig;
pub use effective::{Effective, Property};
pub use heartbeat::{HeartbeatConfig, MonitoredNamenode, WEB_PORT, WebScheme};
pub use placement::PlacementConfig;
pub use quota::QuotaConfig;
pub use store::{GrpcConfig, SaslConfig, StoreChoice, StoreConfig, TlsConfig, ZooKeeperConfig};

/// Everything a router needs to know that does not change while it runs.
#[derive(Debug, Clone)]
pub struct RouterConfig {
    /// Name of this router in messages and records: `<host>:<port>` of ClientProtocol.
    pub router_id: String,
    /// Where ClientProtocol is served. Port 0 takes a free one.
    pub rpc_address: SocketAddr,
    /// Where `/isActive`, `/metrics`, `/jmx` and the like are served; none for no HTTP.
    pub http_address: Option<SocketAddr>,
    /// Who may look at threads and change log levels over HTTP, besides this machine.
    pub http_admins: Vec<AddressRange>,
    /// The subclusters that are known from configuration.
    pub nameservices: Vec<NameserviceConfig>,
    /// Owns what no mount covers; none refuses such paths.
    pub default_nameservice: Option<String>,
    /// Owner of directories that exist only because of mounts below them, and the mount table's superuser.
    pub superuser: String,
    /// Group of such directories.
    pub supergroup: String,
    /// Who may act for whom.
    pub proxy_users: ProxyUsers,
    /// The user that acts for clients at NameNodes (`dfs.namenode.ip-proxy-users`); without one, NameNodes see clients as
    /// the router does.
    pub acts_as: Option<Arc<str>>,
    /// How long it counts what the machine says of a user's groups (`hadoop.security.groups.cache.secs`).
    pub groups_fresh: Duration,
    /// Administration.
    pub admin: AdminConfig,
    /// Safe mode.
    pub safe_mode: SafeModeConfig,
    /// Connections to NameNodes.
    pub upstream: UpstreamConfig,
    /// What the router tells its fleet, if it has a state store.
    pub heartbeat: HeartbeatConfig,
    /// How DataNodes are looked at over HTTP.
    pub datanodes: DatanodesConfig,
    /// What the orders LOCAL and SPACE go by.
    pub placement: PlacementConfig,
    /// Quotas of mounts.
    pub quota: QuotaConfig,
    /// Bounds on what clients may ask at once.
    pub limits: LimitsConfig,
    /// Listings and summaries leave out subclusters that fail, in place of failing as a whole.
    pub allow_partial_listing: bool,
    /// How long attributes of a mount point are waited for in a listing.
    pub mount_status_timeout: Duration,
    /// Separates the pieces of a caller context (`hadoop.caller.context.separator`).
    pub caller_context_separator: String,
    /// How long calls in flight may still take after a drain began.
    pub drain_grace: Duration,
    /// Within which time connections are shed when routers are added to the fleet; zero for not at all.
    pub rebalance: Duration,
    /// The properties that all this comes from, for `/conf`.
    pub effective: Effective,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            router_id: "router".to_owned(),
            rpc_address: (Ipv4Addr::UNSPECIFIED, 8888).into(),
            http_address: Some((Ipv4Addr::UNSPECIFIED, 50071).into()),
            http_admins: Vec::new(),
            nameservices: Vec::new(),
            default_nameservice: None,
            superuser: "hdfs".to_owned(),
            supergroup: "supergroup".to_owned(),
            proxy_users: ProxyUsers::default(),
            acts_as: None,
            groups_fresh: Duration::from_secs(300),
            admin: AdminConfig::default(),
            safe_mode: SafeModeConfig::default(),
            upstream: UpstreamConfig::default(),
            heartbeat: HeartbeatConfig::default(),
            datanodes: DatanodesConfig::default(),
            placement: PlacementConfig::default(),
            quota: QuotaConfig::default(),
            limits: LimitsConfig::default(),
            allow_partial_listing: true,
            mount_status_timeout: Duration::from_secs(1),
            caller_context_separator: ",".to_owned(),
            drain_grace: Duration::from_secs(30),
            rebalance: Duration::ZERO,
            effective: Effective::default(),
        }
    }
}

impl RouterConfig {
    /// Who stands above the permissions of mounts.
    pub fn authority(&self) -> Authority {
        Authority {
            superuser: Some(self.superuser.clone()),
            supergroup: Some(self.supergroup.clone()),
            enforced: self.admin.permissions,
        }
    }
}

/// A subcluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameserviceConfig {
    /// Its nameservice id.
    pub id: String,
    /// Its NameNodes; one, or several of which one is active.
    pub namenodes: Vec<NamenodeConfig>,
}

/// A NameNode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamenodeConfig {
    /// Its id in the nameservice; none without high availability.
    pub id: Option<String>,
    /// `host:port` of ClientProtocol. The host is looked up again after each failure to connect.
    pub rpc_address: String,
}

/// How the router talks to NameNodes.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// For TCP to connect (`dfs.federation.router.connect.timeout`).
    pub connect_timeout: Duration,
    /// For the handshake on a new connection.
    pub handshake_timeout: Duration,
    /// For one call, all its attempts included. No less than what a Java client waits by itself
    /// (`ipc.client.rpc-timeout.ms`, 120 s): a call that a NameNode would have answered must not fail here.
    pub call_timeout: Duration,
    /// How long a report waits for a subcluster that it would leave out. No more than a client waits for all of them.
    pub report_timeout: Duration,
    /// A connection without calls is closed after this long (`dfs.federation.router.connection.pool.clean.ms`).
    pub idle_close: Duration,
    /// Attempts at one call over all NameNodes of the subcluster (`dfs.client.failover.max.attempts`).
    pub max_attempts: u32,
    /// Largest reply in bytes (`ipc.maximum.response.length`).
    pub max_frame: u32,
    /// Connections to all NameNodes together.
    pub max_connections: usize,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            handshake_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(120),
            report_timeout: Duration::from_secs(10),
            idle_close: Duration::from_secs(60),
            max_attempts: 15,
            max_frame: 128 << 20,
            max_connections: 10_000,
        }
    }
}

/// Bounds that keep one client, one user or one subcluster from taking the whole router.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Client connections in all.
    pub max_connections: usize,
    /// Largest request in bytes (`ipc.maximum.data.length`).
    pub max_frame: u32,
    /// Bytes of requests in flight and of replies that clients have not taken, in all. Calls that wait for subclusters take
    /// at most half of it.
    pub max_bytes_in_flight: usize,
    /// Nameservices that have a part of that half for themselves, from 0 to 1 (`dfs.federation.router.fairness.*`).
    pub reserved: Vec<(String, f64)>,
    /// A client connection without calls is closed after this long.
    pub idle_timeout: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_frame: 128 << 20,
            max_bytes_in_flight: 1 << 30,
            reserved: Vec::new(),
            idle_timeout: Duration::from_secs(600),
        }
    }
}

/// `hadoop.proxyuser.*`: who may act for whom, and from where.
#[derive(Debug, Clone, Default)]
pub struct ProxyUsers {
    /// One rule per real user.
    pub rules: Vec<ProxyRule>,
    /// Users and their groups (`hadoop.user.group.static.mapping.overrides`); those of other users are the machine's.
    pub groups: Vec<(String, Vec<String>)>,
    /// Everybody may act for everybody. Only for `anabranch local`, where there is nothing to protect.
    pub allow_all: bool,
}

/// Whom one real user may act for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRule {
    /// Short name of the real user.
    pub real_user: String,
    /// Effective users.
    pub users: Names,
    /// Groups of effective users.
    pub groups: Names,
    /// Hosts that the real user may connect from: names, addresses or CIDR ranges.
    pub hosts: Names,
}

/// A list in a rule, or the `*` that stands for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// `*`
    Any,
    /// These; an empty list matches nothing.
    Of(Vec<String>),
}

impl Names {
    /// Whether a name is one of them.
    pub fn contain(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(list) => list.iter().any(|one| one == name),
        }
    }
}
