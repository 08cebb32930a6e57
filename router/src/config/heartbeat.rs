//! What a router tells the rest of its fleet, and when it stops believing what others told.

use std::path::PathBuf;
use std::time::Duration;

use anabranch_federation::membership::Lifetime;

/// Which NameNodes a router watches, and how. Means something only with a state store.
#[derive(Debug, Clone)]
pub struct HeartbeatConfig {
    /// Whether the router reports itself (`dfs.federation.router.heartbeat.enable`).
    pub router: bool,
    /// The NameNodes that it watches and reports; none without `dfs.federation.router.namenode.heartbeat.enable`.
    pub namenodes: Vec<MonitoredNamenode>,
    /// NameNodes of which several are behind one host name; each is watched on its own
    /// (`dfs.federation.router.monitor.namenode.nameservice.resolution-enabled.<ns>`).
    pub resolved: Vec<MonitoredNamenode>,
    /// The authorities that web servers of NameNodes are trusted for, in PEM; those of this machine without it
    /// (`anabranch.router.namenode.https.ca`).
    pub https_ca: Option<PathBuf>,
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

impl HeartbeatConfig {
    /// Whether the router tells the fleet anything. Who reports nothing writes nothing, and needs to know of the other
    /// routers nothing: there may be thousands of those, one beside each client.
    pub fn reports(&self) -> bool {
        self.router || !self.namenodes.is_empty() || !self.resolved.is_empty()
    }
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

impl MonitoredNamenode {
    /// One that serves all at one port, and has its web server where NameNodes have theirs unless it is told.
    pub fn at(nameservice: &str, namenode: Option<&str>, rpc_address: &str, web_address: Option<&str>) -> Self {
        let host = rpc_address.rsplit_once(':').map_or(rpc_address, |(host, _)| host);
        Self {
            nameservice: nameservice.to_owned(),
            namenode: namenode.map(str::to_owned),
            rpc_address: rpc_address.to_owned(),
            service_address: rpc_address.to_owned(),
            lifeline_address: rpc_address.to_owned(),
            web_address: web_address.map_or_else(|| format!("{host}:{WEB_PORT}"), str::to_owned),
            web_scheme: WebScheme::Http,
        }
    }
}

/// Where NameNodes serve HTTP unless they are told otherwise.
pub const WEB_PORT: u16 = 9870;

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
            resolved: Vec::new(),
            https_ca: None,
            interval: Duration::from_secs(5),
            statistics_interval: Some(Duration::ZERO),
            health_timeout: Duration::from_secs(30),
            state_interval: Duration::from_secs(5),
            membership_lifetime: FIVE_MINUTES,
            router_lifetime: FIVE_MINUTES,
        }
    }
}
