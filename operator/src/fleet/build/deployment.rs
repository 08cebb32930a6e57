//! The routers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::validate::Validated;
use super::pods::{hardened, merged, restricted};
use super::{child, kind};
use crate::child::Child;
use crate::context::Images;
use crate::error::Error;
use crate::names::{self, CONFIGURATION, ROUTER, digest};

/// How long a pod may take to end beyond the drain: listeners close, records are written.
const GRACE: u64 = 15;

/// The Deployment. No router goes before another is ready; a change of configuration replaces them one after the other.
pub(super) fn deployment(fleet: &Validated, images: &Images, files: &BTreeMap<String, String>) -> Result<Child, Error> {
    let template = merged(template(fleet, images, files), fleet.spec.pod_template.as_ref(), "spec.podTemplate")?;
    let mut spec = json!({
        "selector": { "matchLabels": ROUTER.selector(&fleet.name) },
        "minReadySeconds": 1,
        "revisionHistoryLimit": 3,
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": "25%" } },
        "template": template,
    });
    if fleet.spec.autoscaling.is_none() {
        spec["replicas"] = fleet.settings.replicas.into();
    }
    child(fleet, &kind::DEPLOYMENT, ROUTER, names::router(&fleet.name), json!({ "spec": spec }))
}

fn template(fleet: &Validated, images: &Images, files: &BTreeMap<String, String>) -> Value {
    let settings = &fleet.settings;
    let configuration = digest(serde_json::to_string(files).unwrap_or_default().as_bytes());
    let port = |name: &str, port: u16| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    let probe = json!({ "path": "/isActive", "port": "http", "scheme": "HTTP" });
    let spread = |key: &str| {
        json!({
            "topologyKey": key,
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": ROUTER.selector(&fleet.name) },
        })
    };
    json!({
        "metadata": {
            "labels": ROUTER.labels(&fleet.name),
            "annotations": { CONFIGURATION: configuration, "kubectl.kubernetes.io/default-container": "router" },
        },
        "spec": {
            "serviceAccountName": names::router(&fleet.name),
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": restricted(),
            "terminationGracePeriodSeconds": settings.drain.as_secs() + GRACE,
            "topologySpreadConstraints": [spread("topology.kubernetes.io/zone"), spread("kubernetes.io/hostname")],
            "containers": [{
                "name": "router",
                "image": fleet.spec.image.as_ref().unwrap_or(&images.router),
                "imagePullPolicy": images.pull_policy,
                "args": ["--conf", "/etc/anabranch", "--log", "json"],
                "env": [{ "name": "HADOOP_USER_NAME", "value": settings.user }],
                "ports": [
                    port("rpc", settings.rpc_address.port()),
                    port("admin", settings.admin_address.port()),
                    port("http", settings.http_address.port()),
                ],
                "readinessProbe": { "httpGet": probe, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 3 },
                // Safe mode is no reason to restart; a process that does not listen is.
                "livenessProbe": { "tcpSocket": { "port": "http" }, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
                "startupProbe": { "tcpSocket": { "port": "http" }, "periodSeconds": 1, "failureThreshold": 60 },
                "resources": { "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "memory": "1Gi" } },
                "securityContext": hardened(),
                "volumeMounts": [{ "name": "configuration", "mountPath": "/etc/anabranch", "readOnly": true }],
            }],
            "volumes": [{ "name": "configuration", "configMap": { "name": names::router(&fleet.name) } }],
        },
    })
}
