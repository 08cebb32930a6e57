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
            "self.all(key, !key.startsWith('dfs.federation.router.store.driver.') && !key.startsWith('anabranch.store.') && !(key in ['dfs.nameservices', 'dfs.federation.router.rpc-address', 'dfs.federation.router.admin-address', 'dfs.federation.router.http-address', 'dfs.federation.router.default.nameserviceId']))",
            json!({ "configuration": { "dfs.federation.router.quota.enable": "true" } }),
            json!({ "configuration": { "dfs.federation.router.store.driver.class": "memory" } }),
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
    ]
}
