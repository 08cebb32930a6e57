//! The objects from which most cases start.

use serde_json::{Value, json};

use crate::site::Site;

/// An External Subcluster of this nameservice.
pub fn external(nameservice: &str) -> Value {
    let namenode = json!({ "id": "nn1", "rpcAddress": format!("{nameservice}.example:8020") });
    json!({ "nameserviceId": nameservice, "type": "External", "external": { "namenodes": [namenode] } })
}

/// A MountTable of these mounts, each of `path` and `nameservice/path`.
pub fn mounts(entries: &[(&str, &str)]) -> Value {
    let entry = |(path, to): &(&str, &str)| {
        let (nameservice, below) = to.split_once('/').unwrap();
        json!({ "path": path, "destinations": [{ "nameservice": nameservice, "path": format!("/{below}") }] })
    };
    json!({ "entries": entries.iter().map(entry).collect::<Vec<_>>() })
}

/// The same for a fleet.
pub fn mounts_of(fleet: Value, entries: &[(&str, &str)]) -> Value {
    let mut table = mounts(entries);
    table["fleetRef"] = fleet;
    table
}

/// A fleet with a subcluster.
pub async fn fleet(site: &Site, spec: Value) {
    site.apply("Subcluster", "ns0", external("ns0")).await;
    site.apply("RouterFleet", "main", spec).await;
}
