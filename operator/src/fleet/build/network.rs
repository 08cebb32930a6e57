//! Who may connect to what, and how much may be disturbed at once.

use anabranch_api::NamespaceSource;
use serde_json::{Value, json};

use super::super::validate::Validated;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::link::StoreAddress;
use crate::names::{self, FLEET, FLEET_NAMESPACE, MANAGER, ROUTER, STORE, port};

/// The policies of routers and store, if the fleet has any. The operator runs in the Kubernetes namespace `home`.
pub(super) fn policies(fleet: &Validated, home: &str) -> Result<Vec<Child>, Error> {
    if !fleet.spec.network_policy.enabled {
        return Ok(Vec::new());
    }
    let mut policies = vec![child(fleet, &kind::NETWORK_POLICY, ROUTER, names::router(&fleet.name), routers(fleet))?];
    if matches!(fleet.store, StoreAddress::Server { .. }) {
        policies.push(child(fleet, &kind::NETWORK_POLICY, STORE, names::store(&fleet.name), store(fleet, home))?);
    }
    Ok(policies)
}

fn tcp(port: impl Into<Value>) -> Value {
    json!({ "protocol": "TCP", "port": port.into() })
}

fn routers(fleet: &Validated) -> Value {
    let mut clients = json!({ "ports": [tcp("rpc"), tcp("http")] });
    let peers = &fleet.spec.network_policy.clients;
    if !peers.is_empty() {
        clients["from"] = serde_json::to_value(peers).unwrap_or_default();
    }
    // The routers of a fleet, and `hdfs dfsrouteradmin` in its namespace.
    let administrators = json!({ "from": [{ "podSelector": {} }], "ports": [tcp("admin")] });
    // Scrapers and autoscalers look at HTTP from wherever they are.
    let http = json!({ "ports": [tcp("http")] });
    let selector = json!({ "matchLabels": ROUTER.selector(&fleet.name) });
    json!({ "spec": { "podSelector": selector, "policyTypes": ["Ingress"], "ingress": [clients, administrators, http] } })
}

/// Who writes records can lead clients anywhere, so only the fleet's own routers and the operator reach that port.
fn store(fleet: &Validated, home: &str) -> Value {
    let of_fleet = json!({ "podSelector": { "matchLabels": ROUTER.selector(&fleet.name) } });
    let operator = json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": home } },
        "podSelector": { "matchLabels": { "app.kubernetes.io/name": MANAGER } },
    });
    let writers = json!({ "from": [of_fleet, operator], "ports": [tcp(port::STORE)] });
    let readers = json!({ "from": sidecars(fleet), "ports": [tcp(port::STORE_READERS)] });
    let http = json!({ "ports": [tcp(port::STORE_HTTP)] });
    let selector = json!({ "matchLabels": STORE.selector(&fleet.name) });
    json!({ "spec": { "podSelector": selector, "policyTypes": ["Ingress"], "ingress": [writers, readers, http] } })
}

/// Routers beside other programs. Anyone may label a pod of theirs, so where they run counts as well.
fn sidecars(fleet: &Validated) -> Vec<Value> {
    let namespaces = &fleet.spec.allowed_sidecars.namespaces;
    let pods = json!({ "matchLabels": { FLEET: fleet.name, FLEET_NAMESPACE: fleet.namespace } });
    let mut peers = vec![json!({ "podSelector": pods })];
    match namespaces.from {
        NamespaceSource::Same => {}
        NamespaceSource::All => peers[0]["namespaceSelector"] = json!({}),
        NamespaceSource::Selector => {
            peers.push(json!({ "namespaceSelector": { "matchLabels": namespaces.match_labels }, "podSelector": pods }))
        }
    }
    peers
}

/// One router at a time may be evicted.
pub(super) fn disruption_budget(fleet: &Validated) -> Result<Child, Error> {
    let selector = json!({ "matchLabels": ROUTER.selector(&fleet.name) });
    let content = json!({ "spec": { "maxUnavailable": 1, "selector": selector } });
    child(fleet, &kind::DISRUPTION_BUDGET, ROUTER, names::router(&fleet.name), content)
}
