//! What Prometheus is told.

use serde_json::{Value, json};

use super::super::validate::Validated;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::names::{self, ROUTER};

/// The ServiceMonitor, if the fleet has one.
pub(super) fn service_monitor(fleet: &Validated) -> Result<Option<Child>, Error> {
    if !fleet.spec.monitoring.service_monitor {
        return Ok(None);
    }
    // The headless Service only, which has the same ports: each router is read once.
    let content = json!({ "spec": {
        "selector": { "matchLabels": ROUTER.selector(&fleet.name) },
        "jobLabel": "app.kubernetes.io/instance",
        "endpoints": [{
            "port": "http",
            "path": "/metrics",
            "relabelings": [{
                "sourceLabels": ["__meta_kubernetes_service_name"],
                "regex": names::routers(&fleet.name),
                "action": "keep",
            }],
        }],
    } });
    let mut monitor = child(fleet, &kind::SERVICE_MONITOR, ROUTER, names::router(&fleet.name), content)?;
    for (key, value) in &fleet.spec.monitoring.labels {
        monitor.manifest["metadata"]["labels"][key] = Value::from(value.clone());
    }
    Ok(Some(monitor))
}
