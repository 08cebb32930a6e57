//! A configuration while it is put together: values that only make sense in combination wait here.

use std::path::PathBuf;

use super::properties::{Environment, Properties};
use super::value::HostPort;
use super::{Error, RouterConfig};

/// See the module.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) config: RouterConfig,
    pub(super) rpc: HostPort,
    pub(super) rpc_bind_host: Option<String>,
    pub(super) admin: HostPort,
    pub(super) admin_bind_host: Option<String>,
    pub(super) admin_enabled: bool,
    pub(super) http: HostPort,
    pub(super) http_bind_host: Option<String>,
    pub(super) http_enabled: bool,
    pub(super) default_nameservice: Option<String>,
    pub(super) default_enabled: bool,
    /// Nameservices, or `nameservice.namenode`, that the router serves; empty for all.
    pub(super) monitored: Vec<String>,
    /// Whether NameNodes are watched; as the router's own heartbeat if not said.
    pub(super) namenode_heartbeat: Option<bool>,
    /// Whether one on this machine is watched in any case.
    pub(super) local_namenode: bool,
    pub(super) mounts_dir: Option<PathBuf>,
}

const RPC_ADDRESS: &str = "dfs.federation.router.rpc-address";
const ADMIN_ADDRESS: &str = "dfs.federation.router.admin-address";
const HTTP_ADDRESS: &str = "dfs.federation.router.http-address";
const DEFAULT_NAMESERVICE: &str = "dfs.federation.router.default.nameserviceId";

impl Draft {
    pub(super) fn new(environment: &Environment) -> Self {
        let any = |port| HostPort { host: "0.0.0.0".to_owned(), port };
        let mut config = RouterConfig { superuser: environment.user.clone(), ..RouterConfig::default() };
        let half = usize::try_from(environment.memory / 2).unwrap_or(usize::MAX);
        config.limits.max_bytes_in_flight = config.limits.max_bytes_in_flight.min(half);
        Self {
            config,
            rpc: any(8888),
            rpc_bind_host: None,
            admin: any(8111),
            admin_bind_host: None,
            admin_enabled: true,
            http: any(50071),
            http_bind_host: None,
            http_enabled: true,
            default_nameservice: None,
            default_enabled: true,
            monitored: Vec::new(),
            namenode_heartbeat: None,
            local_namenode: true,
            mounts_dir: None,
        }
    }

    /// The configuration, and where mounts are read from if that is set.
    pub(super) fn finish(self, properties: &Properties) -> Result<(RouterConfig, Option<PathBuf>), Error> {
        let mut config = self.config;
        config.router_id = format!("{}:{}", properties.environment().host, self.rpc.port);
        config.rpc_address = listener(properties, RPC_ADDRESS, &self.rpc, self.rpc_bind_host)?;
        config.http_address = match self.http_enabled {
            true => Some(listener(properties, HTTP_ADDRESS, &self.http, self.http_bind_host)?),
            false => None,
        };
        config.admin.address = match self.admin_enabled {
            true => Some(listener(properties, ADMIN_ADDRESS, &self.admin, self.admin_bind_host)?),
            false => None,
        };
        config.default_nameservice = self.default_nameservice.filter(|_| self.default_enabled);
        if let Some(default) = &config.default_nameservice {
            let known: Vec<&str> = config.nameservices.iter().map(|nameservice| nameservice.id.as_str()).collect();
            if !known.contains(&default.as_str()) {
                let accepted = format!("one of the nameservices {}", known.join(", "));
                return Err(properties.refused(DEFAULT_NAMESERVICE, default, accepted));
            }
        }
        Ok((config, self.mounts_dir))
    }
}

/// Where to listen: at the address, or at its port on the bind host.
fn listener(
    properties: &Properties,
    key: &str,
    address: &HostPort,
    bind_host: Option<String>,
) -> Result<std::net::SocketAddr, Error> {
    let (key, shown) = match &bind_host {
        Some(host) => (key.replace("-address", "-bind-host"), host.clone()),
        None => (key.to_owned(), format!("{}:{}", address.host, address.port)),
    };
    let bind = HostPort { host: bind_host.unwrap_or_else(|| address.host.clone()), port: address.port };
    bind.lookup().ok_or_else(|| properties.refused(&key, &shown, "a host of this machine that can be looked up"))
}
