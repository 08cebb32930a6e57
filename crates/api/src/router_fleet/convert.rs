//! From `RouterFleet` to what a router is told.

use std::net::SocketAddr;
use std::time::Duration;

use anabranch_federation::NameserviceId;

use super::{AutoscalingSpec, RouterFleetSpec, StateStoreType};
use crate::field::{FieldError, FieldPath, Findings};
use crate::words;

/// A fleet whose fields were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetSettings {
    /// How many routers.
    pub replicas: u32,
    /// Where each serves Hadoop clients.
    pub rpc_address: SocketAddr,
    /// Where each serves administrators.
    pub admin_address: SocketAddr,
    /// Where each serves HTTP.
    pub http_address: SocketAddr,
    /// Owns what no mount covers.
    pub default_nameservice: Option<NameserviceId>,
    /// How long calls in flight may still take when a router stops.
    pub drain: Duration,
    /// The Hadoop user that they run as.
    pub user: String,
}

/// The Java router's.
const ADMIN_PORT: u16 = 8111;

impl RouterFleetSpec {
    /// The fleet, if its fields are valid.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn to_settings(&self) -> Result<FleetSettings, Vec<FieldError>> {
        let mut findings = Findings::default();
        let at = FieldPath::spec();
        let replicas = findings.check(at.key("replicas"), within(self.replicas, 1000));
        let drain = findings.check(at.key("drainSeconds"), within(self.drain_seconds, 3600));
        let listen = at.key("listen");
        let rpc = findings.check(listen.key("rpcAddress"), listener(&self.listen.rpc_address));
        let admin = match &self.listen.admin_address {
            Some(address) => findings.check(listen.key("adminAddress"), listener(address)),
            None => rpc.map(|rpc| SocketAddr::new(rpc.ip(), ADMIN_PORT)),
        };
        let http = findings.check(listen.key("httpAddress"), listener(&self.listen.http_address));
        let default_nameservice = self
            .default_nameservice
            .as_deref()
            .and_then(|name| findings.check(at.key("defaultNameservice"), words::nameservice(name)));
        self.check_meaning(&at, &mut findings);
        for (key, other, one, two) in [
            ("adminAddress", "rpcAddress", admin, rpc),
            ("httpAddress", "rpcAddress", http, rpc),
            ("httpAddress", "adminAddress", http, admin),
        ] {
            if let Some(address) = one.filter(|one| one.port() != 0 && Some(*one) == two) {
                findings.add(listen.key(key), format!("{address} is also {other}; expected an address of its own"));
            }
        }
        match (replicas, drain, rpc, admin, http) {
            (Some(replicas), Some(drain), Some(rpc_address), Some(admin_address), Some(http_address)) => findings
                .settle(|| FleetSettings {
                    replicas,
                    rpc_address,
                    admin_address,
                    http_address,
                    default_nameservice,
                    drain: Duration::from_secs(drain.into()),
                    user: self.user.clone(),
                }),
            _ => Err(findings.into_errors()),
        }
    }

    /// What the schema of a cluster refuses already.
    fn check_meaning(&self, at: &FieldPath, findings: &mut Findings) {
        if let Some(AutoscalingSpec { min_replicas, max_replicas, .. }) = &self.autoscaling
            && min_replicas > max_replicas
        {
            let problem = format!("{min_replicas} is more than maxReplicas, {max_replicas}");
            findings.add(at.key("autoscaling").key("minReplicas"), problem);
        }
        let store = at.key("stateStore");
        match (self.state_store.kind, &self.state_store.server, &self.state_store.zookeeper) {
            (StateStoreType::Server, _, Some(_)) => findings.add(store.key("zookeeper"), "is for type ZooKeeper"),
            (StateStoreType::ZooKeeper, Some(_), _) => findings.add(store.key("server"), "is for type Server"),
            (StateStoreType::ZooKeeper, None, None) => {
                findings.add(store.key("zookeeper"), "is missing; type ZooKeeper needs zookeeper.address");
            }
            _ => {}
        }
        for key in self.configuration.keys().filter(|key| is_taken(key)) {
            let problem =
                "belongs to another field: listen, defaultNameservice, drainSeconds, stateStore, or a Subcluster";
            findings.add(at.key("configuration").key(key), problem);
        }
        self.allowed_sidecars.namespaces.check(&at.key("allowedSidecars").key("namespaces"), findings);
        for (index, rule) in self.allowed_mounts.iter().enumerate() {
            let at = at.key("allowedMounts").index(index);
            rule.namespaces.check(&at.key("namespaces"), findings);
            for (index, prefix) in rule.path_prefixes.iter().enumerate() {
                findings.check(at.key("pathPrefixes").index(index), words::path(prefix));
            }
            for (index, nameservice) in rule.nameservices.iter().enumerate() {
                findings.check(at.key("nameservices").index(index), words::nameservice(nameservice));
            }
        }
    }
}

/// Whether another field stands for a key of Hadoop's configuration.
fn is_taken(key: &str) -> bool {
    const PREFIXES: [&str; 6] = [
        "dfs.federation.router.store.driver.",
        "dfs.federation.router.store.router.expiration",
        "anabranch.store.",
        "dfs.ha.namenodes.",
        "dfs.namenode.rpc-address.",
        "dfs.namenode.http-address.",
    ];
    const KEYS: [&str; 10] = [
        "dfs.nameservices",
        "dfs.federation.router.default.nameserviceId",
        "dfs.federation.router.rpc-address",
        "dfs.federation.router.rpc-bind-host",
        "dfs.federation.router.admin-address",
        "dfs.federation.router.admin-bind-host",
        "dfs.federation.router.http-address",
        "dfs.federation.router.http-bind-host",
        "anabranch.router.drain.grace",
        "anabranch.router.rebalance.within",
    ];
    KEYS.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn within(value: i32, most: u32) -> Result<u32, String> {
    let fits = u32::try_from(value).ok().filter(|&value| value <= most);
    fits.ok_or_else(|| format!("{value} is out of range; expected 0 to {most}"))
}

/// An address to listen on: an IP address, since a name could stand for several.
fn listener(word: &str) -> Result<SocketAddr, String> {
    let word = word.replace("localhost:", "127.0.0.1:");
    word.parse()
        .map_err(|_| format!("{word:?} is not an address to listen on; expected IP:port such as 127.0.0.1:8888"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings(spec: Value) -> Result<FleetSettings, Vec<String>> {
        let spec: RouterFleetSpec = serde_json::from_value(spec).unwrap();
        spec.to_settings().map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_empty_fleet_has_the_defaults() {
        let fleet = settings(json!({})).unwrap();
        assert_eq!(fleet.rpc_address.to_string(), "0.0.0.0:8888");
        assert_eq!(fleet.admin_address.to_string(), "0.0.0.0:8111");
        assert_eq!(fleet.http_address.to_string(), "0.0.0.0:50071");
        assert_eq!((fleet.replicas, fleet.drain, fleet.default_nameservice), (2, Duration::from_secs(30), None));
    }

    #[test]
    fn administrators_come_to_the_address_of_clients() {
        let admin = |listen| settings(json!({ "listen": listen })).unwrap().admin_address.to_string();
        assert_eq!(admin(json!({ "rpcAddress": "127.0.0.1:9999" })), "127.0.0.1:8111");
        assert_eq!(admin(json!({ "rpcAddress": "127.0.0.1:1", "adminAddress": "10.0.0.1:2" })), "10.0.0.1:2");
    }

    #[test]
    fn each_rule_names_its_field() {
        let cases = [
            (json!({ "replicas": -1 }), "spec.replicas: -1 is out of range; expected 0 to 1000"),
            (json!({ "drainSeconds": 4000 }), "spec.drainSeconds: 4000 is out of range; expected 0 to 3600"),
            (
                json!({ "listen": { "rpcAddress": "nowhere" } }),
                "spec.listen.rpcAddress: \"nowhere\" is not an address to listen on; expected IP:port such as \
                 127.0.0.1:8888",
            ),
            (
                json!({ "listen": { "rpcAddress": "0.0.0.0:8111" } }),
                "spec.listen.adminAddress: 0.0.0.0:8111 is also rpcAddress; expected an address of its own",
            ),
            (
                json!({ "configuration": { "dfs.namenode.rpc-address.ns0": "a:1" } }),
                "spec.configuration[\"dfs.namenode.rpc-address.ns0\"]: belongs to another field: listen, \
                 defaultNameservice, drainSeconds, stateStore, or a Subcluster",
            ),
            (
                json!({ "autoscaling": { "minReplicas": 5, "maxReplicas": 4 } }),
                "spec.autoscaling.minReplicas: 5 is more than maxReplicas, 4",
            ),
            (
                json!({ "stateStore": { "type": "ZooKeeper" } }),
                "spec.stateStore.zookeeper: is missing; type ZooKeeper needs zookeeper.address",
            ),
            (
                json!({ "stateStore": { "zookeeper": { "address": "zk:2181" } } }),
                "spec.stateStore.zookeeper: is for type ZooKeeper",
            ),
            (
                json!({ "configuration": { "dfs.nameservices": "a" } }),
                "spec.configuration[\"dfs.nameservices\"]: belongs to another field: listen, defaultNameservice, \
                 drainSeconds, stateStore, or a Subcluster",
            ),
            (
                json!({ "allowedMounts": [{ "pathPrefixes": ["a"] }] }),
                "spec.allowedMounts[0].pathPrefixes[0]: \"a\" is not absolute; expected a path such as /data/logs",
            ),
            (
                json!({ "defaultNameservice": "a/b" }),
                "spec.defaultNameservice: \"a/b\" is not a nameservice id; expected letters, digits, `.`, `_` and `-`, \
                 such as ns0",
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(settings(spec), Err(vec![expected.to_owned()]));
        }
    }
}
