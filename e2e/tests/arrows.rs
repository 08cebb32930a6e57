//! Dependencies between the rooms point one way.

use std::collections::BTreeSet;

use anabranch_e2e::metadata::Graph;

/// Each room, and the rooms that it may use. What is not listed here has no place yet: decide on one.
const ARROWS: &[(&str, &[&str])] = &[
    ("hdfs-proto", &[]),
    ("federation", &[]),
    ("gssapi", &[]),
    ("telemetry", &[]),
    ("journal", &["telemetry"]),
    ("hrpc", &["hdfs-proto"]),
    ("api", &["federation"]),
    ("store", &["federation", "gssapi", "hdfs-proto", "journal", "telemetry"]),
    ("router", &["federation", "hdfs-proto", "hrpc", "store", "telemetry"]),
    ("namespace", &["hdfs-proto", "hrpc", "journal", "telemetry"]),
    ("operator", &["api", "federation", "store", "telemetry"]),
    ("testkit", &["hdfs-proto", "hrpc"]),
    ("bench", &["hdfs-proto", "testkit"]),
];

/// Rooms at the top, which may use whatever they like.
const TOPS: &[&str] = &["cli", "e2e"];

/// Rooms, and packages that must not be in them even indirectly: the domain has no I/O and no wire, the router knows
/// nothing of Kubernetes, and what speaks Kubernetes knows nothing of Hadoop RPC. Features count as the whole workspace has
/// them: `api` alone needs no tokio, but kube has its client as soon as the operator asks for it; and records in the state
/// store are Hadoop's own messages, which so come to the operator.
const KEPT_OUT: &[(&str, &[&str])] = &[
    ("federation", &["tokio", "kube", "kube-core", "k8s-openapi", "prost", "rocksdb", "tracing"]),
    ("api", &["prost", "rocksdb", "anabranch-hrpc", "anabranch-hdfs-proto"]),
    ("hrpc", &["kube", "kube-core", "k8s-openapi", "rocksdb"]),
    ("router", &["kube", "kube-core", "k8s-openapi", "anabranch-api", "anabranch-namespace"]),
    ("namespace", &["kube", "kube-core", "k8s-openapi", "anabranch-federation", "anabranch-router"]),
    ("operator", &["anabranch-hrpc", "anabranch-router"]),
];

#[test]
fn rooms_use_only_what_the_design_allows() {
    let graph = Graph::load();
    let mut wrong = Vec::new();
    for (_, package) in graph.own() {
        let Some(room) = package.name.strip_prefix("anabranch-") else { continue };
        if TOPS.contains(&room) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{room} has no arrows: add it to this test"));
            continue;
        };
        let used: BTreeSet<&str> =
            package.needs.iter().filter_map(|id| graph.packages[id].name.strip_prefix("anabranch-")).collect();
        let extra = used.into_iter().filter(|name| !allowed.contains(name));
        wrong.extend(extra.map(|name| format!("{room} must not use {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_kept_out_does_not_come_in_indirectly() {
    let graph = Graph::load();
    let mut wrong = Vec::new();
    for (id, package) in graph.own() {
        let room = package.name.trim_start_matches("anabranch-");
        let banned = KEPT_OUT.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, banned)| banned);
        let reach = graph.reach(id);
        wrong.extend(banned.iter().filter(|name| reach.contains(*name)).map(|name| format!("{room} reaches {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_drivers_reach_their_stores() {
    let graph = Graph::load();
    let direct: Vec<&str> = graph
        .own()
        .filter(|(_, package)| package.needs.iter().any(|id| graph.packages[id].name == "rocksdb"))
        .map(|(_, package)| package.name.as_str())
        .collect();
    assert_eq!(direct, ["anabranch-journal"]);
}
