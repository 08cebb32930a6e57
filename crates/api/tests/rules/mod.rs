//! Every CEL rule of the custom resources, with what it accepts and what it refuses: checked against the conversions here,
//! and against a real API server by the suite of the cluster.

use serde_json::{Value, json};

/// A CEL rule.
pub struct RuleCase {
    /// Where it stands, such as `Subcluster.embedded.backend.type`.
    pub path: &'static str,
    /// What it says.
    pub rule: &'static str,
    /// What shows it.
    pub examples: Examples,
}

/// Specs that show a rule.
pub enum Examples {
    /// A spec that may be made, and one that may not.
    Made {
        /// May be made.
        accepted: Value,
        /// May not.
        refused: Value,
    },
    /// A spec, what it may become, and what it may not become.
    Changed {
        /// What is there.
        before: Value,
        /// May replace it.
        accepted: Value,
        /// May not.
        refused: Value,
    },
}

impl RuleCase {
    /// The kind of object that the rule is about.
    pub fn kind(&self) -> &'static str {
        self.path.split(['.', '[']).next().unwrap_or(self.path)
    }

    fn made(path: &'static str, rule: &'static str, accepted: Value, refused: Value) -> Self {
        Self { path, rule, examples: Examples::Made { accepted, refused } }
    }

    fn changed(path: &'static str, rule: &'static str, before: Value, accepted: Value, refused: Value) -> Self {
        Self { path, rule, examples: Examples::Changed { before, accepted, refused } }
    }
}

/// All of them.
pub fn rules() -> Vec<RuleCase> {
    [mounts(), subclusters(), fleets()].into_iter().flatten().collect()
}

fn with(mut base: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        base[key] = value.clone();
    }
    base
}

fn mounts() -> Vec<RuleCase> {
    let one = json!([{ "nameservice": "a", "path": "/" }]);
    let two = json!([{ "nameservice": "a", "path": "/" }, { "nameservice": "b", "path": "/" }]);
    let same = json!([{ "nameservice": "a", "path": "/x" }, { "nameservice": "a", "path": "/y" }]);
    let mount = |destinations: &Value, more: Value| json!({ "entries": [with(json!({ "path": "/data", "destinations": destinations }), &more)] });
    let tolerant = |order: &str| json!({ "order": order, "faultTolerant": true });
    vec![
        RuleCase::made(
            "MountTable.entries[]",
            "self.order == 'Hash' || size(self.destinations) > 1",
            mount(&two, json!({ "order": "Random" })),
            mount(&one, json!({ "order": "Random" })),
        ),
        RuleCase::made(
            "MountTable.entries[]",
            "!self.faultTolerant || size(self.destinations) > 1",
            mount(&two, tolerant("Space")),
            mount(&one, tolerant("Hash")),
        ),
        RuleCase::made(
            "MountTable.entries[]",
            "!self.faultTolerant || self.order in ['HashAll', 'Random', 'Space']",
            mount(&two, tolerant("HashAll")),
            mount(&two, tolerant("Hash")),
        ),
        RuleCase::made(
            "MountTable.entries[]",
            "self.destinations.all(d, self.destinations.exists_one(e, e.nameservice == d.nameservice))",
            mount(&two, json!({})),
            mount(&same, json!({})),
        ),
    ]
}

fn subclusters() -> Vec<RuleCase> {
    let namenodes = json!({ "namenodes": [{ "id": "nn1", "rpcAddress": "nn1:8020" }] });
    let external = |more: Value| with(json!({ "nameserviceId": "a", "type": "External" }), &more);
    let embedded = |inner: Value| json!({ "nameserviceId": "a", "type": "Embedded", "embedded": inner });
    let raft = |replicas: i32| embedded(json!({ "backend": { "type": "raft" }, "replicas": replicas }));
    vec![
        RuleCase::made(
            "Subcluster",
            "self.type == 'External' ? has(self.external) : !has(self.external)",
            external(json!({ "external": namenodes })),
            external(json!({})),
        ),
        RuleCase::made(
            "Subcluster",
            "self.type == 'Embedded' || !has(self.embedded)",
            embedded(json!({})),
            external(json!({ "external": namenodes, "embedded": {} })),
        ),
        RuleCase::made(
            "Subcluster.embedded",
            "self.backend.type != 'rocksdb' || self.replicas == 1",
            raft(3),
            embedded(json!({ "replicas": 3 })),
        ),
        RuleCase::changed(
            "Subcluster",
            "(has(self.embedded) ? self.embedded.volume.size : '10Gi') == (has(oldSelf.embedded) ? oldSelf.embedded.volume.size : '10Gi') && (has(self.embedded) && has(self.embedded.volume.storageClass) ? self.embedded.volume.storageClass : '') == (has(oldSelf.embedded) && has(oldSelf.embedded.volume.storageClass) ? oldSelf.embedded.volume.storageClass : '') && (has(self.embedded) && self.embedded.volume.ephemeral) == (has(oldSelf.embedded) && oldSelf.embedded.volume.ephemeral)",
            embedded(json!({ "image": "a" })),
            embedded(json!({ "image": "b", "volume": { "size": "10Gi" } })),
            embedded(json!({ "volume": { "size": "5Gi" } })),
        ),
        RuleCase::changed(
            "Subcluster.embedded.backend.type",
            "self == oldSelf",
            raft(1),
            raft(3),
            embedded(json!({ "backend": { "type": "ots" } })),
        ),
        RuleCase::changed(
            "Subcluster.nameserviceId",
            "self == oldSelf",
            json!({ "nameserviceId": "a", "type": "Embedded" }),
            json!({ "nameserviceId": "a", "type": "Embedded", "disabled": true }),
            json!({ "nameserviceId": "b", "type": "Embedded" }),
        ),
        RuleCase::changed(
            "Subcluster.type",
            "self == oldSelf",
            json!({ "nameserviceId": "a", "type": "Embedded" }),
            json!({ "nameserviceId": "a", "type": "Embedded", "embedded": {} }),
            external(json!({ "external": namenodes })),
        ),
    ]
}

fn fleets() -> Vec<RuleCase> {
    let store = |store: Value| json!({ "stateStore": store });
    let listen = |listen: Value| json!({ "listen": listen });
    let zookeeper = json!({ "address": "zk:2181" });
    let namespaces = |namespaces: Value| json!({ "allowedMounts": [{ "namespaces": namespaces }] });
    vec![
        RuleCase::made(
            "RouterFleet.autoscaling",
            "self.minReplicas <= self.maxReplicas",
            json!({ "autoscaling": { "maxReplicas": 2 } }),
            json!({ "autoscaling": { "minReplicas": 3, "maxReplicas": 2 } }),
        ),
        RuleCase::made(
            "RouterFleet.configuration",
            "self.all(key, !key.startsWith('dfs.federation.router.store.driver.') && !key.startsWith('dfs.federation.router.store.router.expiration') && !key.startsWith('anabranch.store.') && !key.startsWith('dfs.ha.namenodes.') && !key.startsWith('dfs.namenode.rpc-address.') && !key.startsWith('dfs.namenode.http-address.') && !(key in ['dfs.nameservices', 'dfs.federation.router.default.nameserviceId', 'dfs.federation.router.rpc-address', 'dfs.federation.router.rpc-bind-host', 'dfs.federation.router.admin-address', 'dfs.federation.router.admin-bind-host', 'dfs.federation.router.http-address', 'dfs.federation.router.http-bind-host', 'anabranch.router.drain.grace', 'anabranch.router.rebalance.within']))",
            json!({ "configuration": { "dfs.federation.router.quota.enable": "true" } }),
            json!({ "configuration": { "dfs.federation.router.store.driver.class": "memory" } }),
        ),
        RuleCase::made(
            "RouterFleet.listen",
            "int(self.rpcAddress.substring(self.rpcAddress.lastIndexOf(':') + 1)) > 0 && int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) > 0 && (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) > 0 && int(self.rpcAddress.substring(self.rpcAddress.lastIndexOf(':') + 1)) != int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) && int(self.rpcAddress.substring(self.rpcAddress.lastIndexOf(':') + 1)) != (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) && int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) != (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) && int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) != 8020 && (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) != 8020",
            listen(json!({ "rpcAddress": "0.0.0.0:8020", "httpAddress": "[::]:80" })),
            listen(json!({ "httpAddress": "0.0.0.0:8888" })),
        ),
        RuleCase::changed(
            "RouterFleet.stateStore",
            "(has(self.server) ? self.server.volume.size : '1Gi') == (has(oldSelf.server) ? oldSelf.server.volume.size : '1Gi') && (has(self.server) && has(self.server.volume.storageClass) ? self.server.volume.storageClass : '') == (has(oldSelf.server) && has(oldSelf.server.volume.storageClass) ? oldSelf.server.volume.storageClass : '') && (has(self.server) && self.server.volume.ephemeral) == (has(oldSelf.server) && oldSelf.server.volume.ephemeral)",
            store(json!({ "type": "Server" })),
            store(json!({ "server": { "image": "a", "volume": {} } })),
            store(json!({ "server": { "volume": { "storageClass": "fast" } } })),
        ),
        RuleCase::changed(
            "RouterFleet.stateStore.zookeeper.parentPath",
            "self == oldSelf",
            store(json!({ "type": "ZooKeeper", "zookeeper": zookeeper })),
            store(json!({ "type": "ZooKeeper", "zookeeper": { "address": "other:2181" } })),
            store(json!({ "type": "ZooKeeper", "zookeeper": { "address": "zk:2181", "parentPath": "/other" } })),
        ),
        RuleCase::made(
            "RouterFleet.stateStore",
            "self.type == 'ZooKeeper' ? has(self.zookeeper) : !has(self.zookeeper)",
            store(json!({ "type": "ZooKeeper", "zookeeper": zookeeper })),
            store(json!({ "type": "ZooKeeper" })),
        ),
        RuleCase::made(
            "RouterFleet.stateStore",
            "self.type == 'Server' || !has(self.server)",
            store(json!({ "server": {} })),
            store(json!({ "type": "ZooKeeper", "zookeeper": zookeeper, "server": {} })),
        ),
        RuleCase::changed(
            "RouterFleet.stateStore",
            "self.type == oldSelf.type",
            store(json!({ "type": "Server" })),
            store(json!({ "type": "Server", "server": { "image": "a" } })),
            store(json!({ "type": "ZooKeeper", "zookeeper": zookeeper })),
        ),
        RuleCase::made(
            "RouterFleet.allowedMounts[].namespaces",
            "self.from == 'Selector' ? has(self.matchLabels) && size(self.matchLabels) > 0 : !has(self.matchLabels)",
            namespaces(json!({ "from": "Selector", "matchLabels": { "team": "a" } })),
            namespaces(json!({ "from": "Selector" })),
        ),
        RuleCase::made(
            "RouterFleet.allowedSidecars.namespaces",
            "self.from == 'Selector' ? has(self.matchLabels) && size(self.matchLabels) > 0 : !has(self.matchLabels)",
            json!({ "allowedSidecars": { "namespaces": { "from": "All" } } }),
            json!({ "allowedSidecars": { "namespaces": { "from": "All", "matchLabels": { "team": "a" } } } }),
        ),
    ]
}
