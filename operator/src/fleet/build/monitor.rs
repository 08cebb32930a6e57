//! What Prometheus is told.

use anabranch_api::{SubclusterKind, SubclusterSettings};
use serde_json::{Value, json};

use super::super::validate::Validated;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::link::StoreAddress;
use crate::names::{self, ROUTER};
use crate::subcluster;

/// The ServiceMonitor, if the fleet has one: of its routers, its state store and the embedded subclusters that it serves.
pub(super) fn service_monitor(fleet: &Validated) -> Result<Option<Child>, Error> {
    if !fleet.spec.monitoring.service_monitor {
        return Ok(None);
    }
    let relabelings = json!([
        { "sourceLabels": ["__meta_kubernetes_service_name"], "regex": services(fleet).join("|"), "action": "keep" },
        // A subcluster that two fleets serve is read for each.
        { "targetLabel": "job", "replacement": fleet.name, "action": "replace" },
    ]);
    let content = json!({ "spec": {
        "selector": { "matchLabels": { "app.kubernetes.io/part-of": names::PART_OF } },
        "endpoints": [{ "port": "http", "path": "/metrics", "relabelings": relabelings }],
    } });
    let mut monitor = child(fleet, &kind::SERVICE_MONITOR, ROUTER, names::router(&fleet.name), content)?;
    for (key, value) in &fleet.spec.monitoring.labels {
        monitor.manifest["metadata"]["labels"][key] = Value::from(value.clone());
    }
    Ok(Some(monitor))
}

/// The Services whose pods are read. Of those of the routers only the headless one: both have the same pods.
fn services(fleet: &Validated) -> Vec<String> {
    let mut services = vec![names::routers(&fleet.name)];
    if matches!(fleet.store, StoreAddress::Server { .. }) {
        services.push(names::store(&fleet.name));
    }
    let is_embedded = |settings: &SubclusterSettings| matches!(settings.kind, SubclusterKind::Embedded { .. });
    let embedded = fleet.subclusters.iter().filter(|(_, settings)| is_embedded(settings));
    services.extend(embedded.map(|(name, _)| subcluster::service(name)));
    services
}
