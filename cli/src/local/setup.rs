//! What will run: decided from manifests and arguments before anything is touched.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anabranch_api::{Backend, SubclusterKind, SubclusterSettings};
use anabranch_federation::NameserviceId;
use anabranch_router::RouterConfig;
use anabranch_router::config::{
    AdminConfig, HeartbeatConfig, MonitoredNamenode, NamenodeConfig, NameserviceConfig, ProxyUsers,
};

use super::boot::RunningSubcluster;
use crate::machine;
use crate::manifest::Federation;

/// A federation that can run in one process.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) rpc_address: SocketAddr,
    pub(super) admin_address: SocketAddr,
    pub(super) http_address: SocketAddr,
    pub(super) default_nameservice: Option<NameserviceId>,
    pub(super) drain: Duration,
    /// Who runs this: the superuser of everything here.
    pub(super) user: String,
    pub(super) embedded: Vec<EmbeddedSetup>,
    pub(super) external: Vec<NameserviceConfig>,
    /// Subclusters that are out of service.
    pub(super) disabled: Vec<NameserviceId>,
}

/// A subcluster that runs in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EmbeddedSetup {
    pub(super) nameservice: NameserviceId,
    pub(super) block_size: u64,
}

/// Where the router listens, as far as arguments say it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Addresses {
    pub(super) rpc: Option<SocketAddr>,
    pub(super) admin: Option<SocketAddr>,
    pub(super) http: Option<SocketAddr>,
}

/// Why a federation cannot run here.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    #[error("Subcluster {0}: its backend is not part of this release; `anabranch local` runs backend.type rocksdb")]
    Backend(NameserviceId),
    #[error("no Subcluster is in service; describe at least one, as examples/quickstart does")]
    NoSubcluster,
    #[error("cannot listen on {address} for {what}: {source}; choose another with {option}")]
    Listen { address: SocketAddr, what: &'static str, option: &'static str, source: io::Error },
}

impl Setup {
    pub(super) fn plan(federation: &Federation, addresses: Addresses) -> Result<Self, SetupError> {
        let Addresses { rpc, admin, http } = addresses;
        let fleet = federation.fleet.as_ref();
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut setup = Self {
            rpc_address: rpc.or(fleet.map(|fleet| fleet.rpc_address)).unwrap_or(local(8888)),
            admin_address: admin.or(fleet.map(|fleet| fleet.admin_address)).unwrap_or(local(8111)),
            http_address: http.or(fleet.map(|fleet| fleet.http_address)).unwrap_or(local(50071)),
            default_nameservice: fleet.and_then(|fleet| fleet.default_nameservice.clone()),
            drain: fleet.map_or(Duration::from_secs(10), |fleet| fleet.drain),
            user: machine::user(),
            embedded: Vec::new(),
            external: Vec::new(),
            disabled: Vec::new(),
        };
        for subcluster in &federation.subclusters {
            setup.add(subcluster)?;
        }
        if setup.embedded.is_empty() && setup.external.is_empty() {
            return Err(SetupError::NoSubcluster);
        }
        Ok(setup)
    }

    fn add(&mut self, subcluster: &SubclusterSettings) -> Result<(), SetupError> {
        let nameservice = subcluster.nameservice.clone();
        if subcluster.disabled {
            self.disabled.push(nameservice);
            return Ok(());
        }
        match &subcluster.kind {
            SubclusterKind::Embedded { backend: Backend::Rocksdb, block_size, .. } => {
                self.embedded.push(EmbeddedSetup { nameservice, block_size: *block_size });
            }
            SubclusterKind::Embedded { .. } => return Err(SetupError::Backend(nameservice)),
            SubclusterKind::External { namenodes } => {
                let namenodes = namenodes.iter().map(|namenode| NamenodeConfig {
                    id: Some(namenode.id.clone()),
                    rpc_address: namenode.rpc_address.clone(),
                });
                self.external.push(NameserviceConfig { id: nameservice.to_string(), namenodes: namenodes.collect() });
            }
        }
        Ok(())
    }

    /// Tells a busy port before anything is started. Whoever takes it in between is told by the router.
    pub(super) fn check_addresses(&self) -> Result<(), SetupError> {
        let rpc = (self.rpc_address, "Hadoop clients", "--rpc-address");
        let http = (self.http_address, "HTTP", "--http-address");
        let admin = (self.admin_address, "administrators", "--admin-address");
        for (address, what, option) in [rpc, admin, http] {
            std::net::TcpListener::bind(address).map_err(|source| SetupError::Listen {
                address,
                what,
                option,
                source,
            })?;
        }
        Ok(())
    }

    /// What the router is told, with the embedded subclusters where they serve.
    pub(super) fn router(&self, embedded: &[RunningSubcluster]) -> RouterConfig {
        let here = embedded.iter().map(|running| NameserviceConfig {
            id: running.nameservice.to_string(),
            namenodes: vec![NamenodeConfig { id: None, rpc_address: running.rpc_addr.to_string() }],
        });
        let watched_here = embedded.iter().map(|running| {
            let web = running.http_addr.map(|address| address.to_string());
            MonitoredNamenode::at(running.nameservice.as_str(), None, &running.rpc_addr.to_string(), web.as_deref())
        });
        let watched_there = self.external.iter().flat_map(|nameservice| {
            let namenodes = nameservice.namenodes.iter();
            namenodes.map(|one| MonitoredNamenode::at(&nameservice.id, one.id.as_deref(), &one.rpc_address, None))
        });
        let heartbeat =
            HeartbeatConfig { namenodes: watched_here.chain(watched_there).collect(), ..HeartbeatConfig::default() };
        RouterConfig {
            router_id: format!("{}:{}", machine::host(), self.rpc_address.port()),
            rpc_address: self.rpc_address,
            http_address: Some(self.http_address),
            admin: AdminConfig { address: Some(self.admin_address), ..AdminConfig::default() },
            nameservices: here.chain(self.external.iter().cloned()).collect(),
            default_nameservice: self.default_nameservice.as_ref().map(ToString::to_string),
            superuser: self.user.clone(),
            proxy_users: ProxyUsers { allow_all: true, ..ProxyUsers::default() },
            drain_grace: self.drain,
            heartbeat,
            ..RouterConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subcluster(id: &str, disabled: bool, kind: SubclusterKind) -> SubclusterSettings {
        SubclusterSettings { nameservice: NameserviceId::parse(id).unwrap(), disabled, kind }
    }

    fn embedded(backend: Backend) -> SubclusterKind {
        SubclusterKind::Embedded { backend, replicas: 1, block_size: 1 << 20 }
    }

    fn federation(subclusters: Vec<SubclusterSettings>) -> Federation {
        Federation { subclusters, ..Federation::default() }
    }

    #[test]
    fn arguments_win_over_defaults() {
        let federation = federation(vec![subcluster("a", false, embedded(Backend::Rocksdb))]);
        let setup = Setup::plan(&federation, Addresses::default()).unwrap();
        assert_eq!(setup.rpc_address.to_string(), "127.0.0.1:8888");
        assert_eq!(setup.admin_address.to_string(), "127.0.0.1:8111");
        assert_eq!(setup.http_address.to_string(), "127.0.0.1:50071");
        let setup =
            Setup::plan(&federation, Addresses { rpc: "127.0.0.1:1".parse().ok(), ..Addresses::default() }).unwrap();
        assert_eq!(setup.rpc_address.port(), 1);
    }

    #[test]
    fn what_cannot_run_here_is_refused() {
        let raft =
            Setup::plan(&federation(vec![subcluster("a", false, embedded(Backend::Raft))]), Addresses::default());
        assert!(raft.unwrap_err().to_string().starts_with("Subcluster a: its backend"));
        let off =
            Setup::plan(&federation(vec![subcluster("a", true, embedded(Backend::Rocksdb))]), Addresses::default());
        assert!(matches!(off.unwrap_err(), SetupError::NoSubcluster));
    }

    #[test]
    fn a_busy_port_is_told_with_the_way_out() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let federation = federation(vec![subcluster("a", false, embedded(Backend::Rocksdb))]);
        let any = "127.0.0.1:0".parse().ok();
        let setup = Setup::plan(&federation, Addresses { rpc: Some(address), admin: any, http: any }).unwrap();
        let error = setup.check_addresses().unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on {address} for Hadoop clients: Address")), "{error}");
        assert!(error.ends_with("choose another with --rpc-address"), "{error}");
    }
}
