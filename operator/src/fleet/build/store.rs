//! The state store of a fleet.

use anabranch_api::{ServerSpec, VolumeSpec};
use serde_json::{Value, json};

use super::super::validate::Validated;
use super::pods::{hardened, merged, restricted};
use super::{child, kind};
use crate::child::Child;
use crate::context::Images;
use crate::error::Error;
use crate::link::StoreAddress;
use crate::names::{self, STORE, port};

/// Service and StatefulSet of an `anabranch-store`; nothing where the fleet uses an ensemble that exists.
pub(super) fn store(fleet: &Validated, images: &Images) -> Result<Vec<Child>, Error> {
    if !matches!(fleet.store, StoreAddress::Server { .. }) {
        return Ok(Vec::new());
    }
    let server = fleet.spec.state_store.server.clone().unwrap_or_default();
    let name = names::store(&fleet.name);
    let ports = [("grpc", port::STORE), ("grpc-readers", port::STORE_READERS), ("http", port::STORE_HTTP)];
    let ports = ports.map(|(name, port)| json!({ "name": name, "port": port, "targetPort": name, "protocol": "TCP" }));
    let service = child(
        fleet,
        &kind::SERVICE,
        STORE,
        name.clone(),
        json!({ "spec": { "type": "ClusterIP", "selector": STORE.selector(&fleet.name), "ports": ports } }),
    )?;
    let (volumes, claims) = volume(&server.volume);
    let template = template(fleet, images, &server, volumes);
    let template = merged(template, server.pod_template.as_ref(), "spec.stateStore.server.podTemplate")?;
    let set = child(
        fleet,
        &kind::STATEFUL_SET,
        STORE,
        name.clone(),
        json!({ "spec": {
            "serviceName": name,
            "replicas": 1,
            "selector": { "matchLabels": STORE.selector(&fleet.name) },
            // The records outlive a fleet that is deleted by mistake.
            "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Retain", "whenScaled": "Retain" },
            "template": template,
            "volumeClaimTemplates": claims,
        } }),
    )?;
    Ok(vec![service, set])
}

/// The volume `data`: of the pod, or claimed.
pub fn volume(spec: &VolumeSpec) -> (Value, Value) {
    if spec.ephemeral {
        return (json!([{ "name": "data", "emptyDir": {} }]), json!([]));
    }
    let mut claim = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": spec.size.to_string() } },
    });
    if let Some(class) = &spec.storage_class {
        claim["storageClassName"] = class.clone().into();
    }
    let claims =
        json!([{ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" }, "spec": claim }]);
    (json!([]), claims)
}

fn template(fleet: &Validated, images: &Images, server: &ServerSpec, volumes: Value) -> Value {
    let port = |name: &str, port: i32| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    let mut volumes = volumes;
    if let Value::Array(volumes) = &mut volumes {
        volumes.push(json!({ "name": "tmp", "emptyDir": {} }));
    }
    json!({
        "metadata": {
            "labels": STORE.labels(&fleet.name),
            "annotations": { "kubectl.kubernetes.io/default-container": "store" },
        },
        "spec": {
            "serviceAccountName": names::router(&fleet.name),
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": restricted(),
            "terminationGracePeriodSeconds": 30,
            "containers": [{
                "name": "store",
                "image": server.image.as_ref().unwrap_or(&images.store),
                "imagePullPolicy": images.pull_policy,
                "args": [
                    "--driver", "rocksdb", "--data", "/var/lib/anabranch", "--listen", format!("0.0.0.0:{}", port::STORE),
                    "--listen-read-only", format!("0.0.0.0:{}", port::STORE_READERS), "--http", format!("0.0.0.0:{}", port::STORE_HTTP), "--log", "json",
                ],
                "ports": [
                    port("grpc", port::STORE), port("grpc-readers", port::STORE_READERS), port("http", port::STORE_HTTP),
                ],
                "readinessProbe": {
                    "httpGet": { "path": "/isActive", "port": "http", "scheme": "HTTP" },
                    "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 3,
                },
                "livenessProbe": { "tcpSocket": { "port": "http" }, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
                "startupProbe": { "tcpSocket": { "port": "http" }, "periodSeconds": 1, "failureThreshold": 120 },
                "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } },
                "securityContext": hardened(),
                "volumeMounts": [
                    { "name": "data", "mountPath": "/var/lib/anabranch" },
                    { "name": "tmp", "mountPath": "/tmp" },
                ],
            }],
            "volumes": volumes,
        },
    })
}
