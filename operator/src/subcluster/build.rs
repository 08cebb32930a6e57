//! What runs for an embedded subcluster.

use anabranch_api::{EmbeddedSpec, Subcluster, SubclusterKind, SubclusterSettings};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use crate::child::{Child, Owner};
use crate::context::Images;
use crate::error::Error;
use crate::fleet::build::{Kind, hardened, kind, merged, restricted, volume};
use crate::names::{NAMESPACE, port};

/// Service and StatefulSet of an embedded subcluster; nothing for NameNodes that exist.
///
/// # Errors
/// When the pod template that is merged over ours is none.
pub fn build(subcluster: &Subcluster, settings: &SubclusterSettings, images: &Images) -> Result<Vec<Child>, Error> {
    let SubclusterKind::Embedded { block_size, .. } = settings.kind else { return Ok(Vec::new()) };
    let Some(reference) = subcluster.controller_owner_ref(&()) else { return Ok(Vec::new()) };
    let spec = subcluster.spec.embedded.clone().unwrap_or_default();
    let (namespace, instance) = (subcluster.namespace().unwrap_or_default(), subcluster.name_any());
    let name = super::service(&instance);
    let ports = [("rpc", port::HADOOP), ("transfer", port::TRANSFER), ("http", port::NAMESPACE_HTTP)];
    let ports = ports.map(|(name, port)| json!({ "name": name, "port": port, "targetPort": name, "protocol": "TCP" }));
    // Its address is that of the pod itself: what a client reads from here leads to blocks there.
    let service = json!({ "spec": {
        "clusterIP": "None",
        "selector": NAMESPACE.selector(&instance),
        "ports": ports,
    } });
    let (volumes, claims) = volume(&spec.volume);
    let template = template(&instance, settings, &spec, images, volumes, block_size);
    let template = merged(template, spec.pod_template.as_ref(), "spec.embedded.podTemplate")?;
    let set = json!({ "spec": {
        "serviceName": name,
        "replicas": 1,
        "selector": { "matchLabels": NAMESPACE.selector(&instance) },
        // Files outlive a Subcluster that is deleted by mistake.
        "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Retain", "whenScaled": "Retain" },
        "template": template,
        "volumeClaimTemplates": claims,
    } });
    let owner = Owner { namespace: &namespace, instance: &instance, reference: &reference };
    let make = |kind: &Kind, content: Value| owner.child(NAMESPACE, kind.resource(), name.clone(), content);
    Ok(vec![make(&kind::SERVICE, service)?, make(&kind::STATEFUL_SET, set)?])
}

fn template(
    instance: &str,
    settings: &SubclusterSettings,
    spec: &EmbeddedSpec,
    images: &Images,
    volumes: Value,
    block_size: u64,
) -> Value {
    let port = |name: &str, port: i32| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    json!({
        "metadata": {
            "labels": NAMESPACE.labels(instance),
            "annotations": { "kubectl.kubernetes.io/default-container": "namespace" },
        },
        "spec": {
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": restricted(),
            "terminationGracePeriodSeconds": 60,
            "containers": [{
                "name": "namespace",
                "image": spec.image.as_ref().unwrap_or(&images.namespace),
                "imagePullPolicy": images.pull_policy,
                "args": [
                    "--nameservice", settings.nameservice.as_str(), "--data", "/var/lib/anabranch",
                    "--rpc-address", format!("0.0.0.0:{}", port::HADOOP),
                    "--transfer-address", format!("0.0.0.0:{}", port::TRANSFER),
                    "--http-address", format!("0.0.0.0:{}", port::NAMESPACE_HTTP),
                    "--advertised-host", "$(POD_IP)", "--block-size", block_size.to_string(), "--log", "json",
                ],
                "env": [
                    { "name": "HADOOP_USER_NAME", "value": "hdfs" },
                    { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
                ],
                "ports": [port("rpc", port::HADOOP), port("transfer", port::TRANSFER), port("http", port::NAMESPACE_HTTP)],
                "readinessProbe": {
                    "httpGet": { "path": "/isActive", "port": "http", "scheme": "HTTP" },
                    "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 3,
                },
                "livenessProbe": { "tcpSocket": { "port": "http" }, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
                "startupProbe": { "tcpSocket": { "port": "http" }, "periodSeconds": 1, "failureThreshold": 600 },
                "resources": { "requests": { "cpu": "100m", "memory": "256Mi" }, "limits": { "memory": "2Gi" } },
                "securityContext": hardened(),
                "volumeMounts": [{ "name": "data", "mountPath": "/var/lib/anabranch" }],
            }],
            "volumes": volumes,
        },
    })
}
