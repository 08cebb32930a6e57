//! What a router tells the rest of its fleet, and when it stops believing what others told.

use std::time::Duration;

use anabranch_federation::membership::Lifetime;

/// Which NameNodes a router watches, and how. Means something only with a state store.
#[derive(Debug, Clone)]
pub struct HeartbeatConfig {
    /// Whether the router reports itself (`dfs.federation.router.heartbeat.enable`).
    pub router: bool,
    /// The NameNodes that it watches and reports; none without `dfs.federation.router.namenode.heartbeat.enable`.
    pub namenodes: Vec<MonitoredNamenode>,
    /// How often it looks at each (`dfs.federation.router.heartbeat.interval`).
    pub interval: Duration,
    /// How often at its statistics (`dfs.federation.router.namenode.heartbeat.jmx.interval`): zero for each time, none
    /// for never.
    pub statistics_interval: Option<Duration>,
    /// How long a NameNode may take to tell its high availability state
    /// (`dfs.federation.router.health.monitor.timeout`).
    pub health_timeout: Duration,
    /// How often the router reports itself (`dfs.federation.router.heartbeat-state.interval`).
    pub state_interval: Duration,
    /// How long reports of NameNodes count (`dfs.federation.router.store.membership.expiration`).
    pub membership_lifetime: Lifetime,
    /// How long reports of routers count (`dfs.federation.router.store.router.expiration`).
    pub router_lifetime: Lifetime,
}

/// A NameNode that the router watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitoredNamenode {
    /// Its nameservice id.
    pub nameservice: String,
    /// Its id in the nameservice; none without high availability.
    pub namenode: Option<String>,
    /// `host:port` for clients.
    pub rpc_address: String,
    /// `host:port` for other servers; that for clients if it has no other.
    pub service_address: String,
    /// `host:port` for health checks; that for other servers if it has no other.
    pub lifeline_address: String,
    /// `host:port` of its web server.
    pub web_address: String,
    /// What its web server speaks.
    pub web_scheme: WebScheme,
}

/// What a web server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebScheme {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl WebScheme {
    /// As in a URL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

const FIVE_MINUTES: Lifetime = Lifetime { expiration_ms: 300_000, deletion_ms: None };

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self {
            router: true,
            namenodes: Vec::new(),
            interval: Duration::from_secs(5),
            statistics_interval: Some(Duration::ZERO),
            health_timeout: Duration::from_secs(30),
            state_interval: Duration::from_secs(5),
            membership_lifetime: FIVE_MINUTES,
            router_lifetime: FIVE_MINUTES,
        }
    }
}
