//! The number of routers by load.

use serde_json::json;

use super::super::validate::Validated;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::names::{self, ROUTER};

/// The autoscaler, if the fleet has one.
pub(super) fn autoscaler(fleet: &Validated) -> Result<Option<Child>, Error> {
    let Some(spec) = &fleet.spec.autoscaling else { return Ok(None) };
    let mut metrics = vec![json!({
        "type": "Resource",
        "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": spec.target_cpu_percent } },
    })];
    if let Some(calls) = spec.target_calls_in_flight {
        metrics.push(json!({
            "type": "Pods",
            "pods": {
                "metric": { "name": "anabranch_calls_in_flight" },
                "target": { "type": "AverageValue", "averageValue": calls.to_string() },
            },
        }));
    }
    let content = json!({ "spec": {
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": names::router(&fleet.name) },
        "minReplicas": spec.min_replicas,
        "maxReplicas": spec.max_replicas,
        "metrics": metrics,
        "behavior": { "scaleDown": { "stabilizationWindowSeconds": spec.scale_down_seconds } },
    } });
    child(fleet, &kind::AUTOSCALER, ROUTER, names::router(&fleet.name), content).map(Some)
}
