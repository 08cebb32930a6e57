//! A router for a pod: a plain function from pod and fleet to the pod as it should be.

use k8s_openapi::api::core::v1::{Container, Pod};
use serde_json::{Value, json};

use super::sidecar::{CONTAINER, container};
use super::wish::Wish;
use crate::context::Images;
use crate::fleet::Validated;
use crate::fleet::build::client_files;
use crate::names::{CLIENT_CONFIG, FLEET, FLEET_NAMESPACE, port};

/// The volume of Hadoop's configuration files.
const VOLUME: &str = "anabranch-client-config";
/// The files, with the annotations that the kubelet makes them of.
const FILES: [(&str, &str); 2] =
    [("core-site.xml", "anabranch.io/core-site.xml"), ("hdfs-site.xml", "anabranch.io/hdfs-site.xml")];
/// Where Hadoop looks for its files.
const CONF_DIR: &str = "HADOOP_CONF_DIR";

/// Whether a pod has a router already.
pub fn is_injected(pod: &Pod) -> bool {
    let containers = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    containers.iter().any(|container| container.name == CONTAINER)
}

/// The pod with a router. `pod` and `typed` are the same one; what the second does not know stays in the first.
///
/// # Errors
/// What stands in the way.
pub fn inject(pod: &Value, typed: &Pod, wish: &Wish, fleet: &Validated, images: &Images) -> Result<Value, String> {
    refuse(typed, wish, fleet)?;
    let mut pod = pod.clone();
    for (label, value) in [(FLEET, &fleet.name), (FLEET_NAMESPACE, &fleet.namespace)] {
        pod["metadata"]["labels"][label] = value.as_str().into();
    }
    if let Some(path) = &wish.client_config {
        configure(&mut pod, path, fleet);
    }
    // The first, so that others have it as well.
    list(&mut pod["spec"], "initContainers").insert(0, container(fleet, images, wish));
    Ok(pod)
}

fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    let spec = pod.spec.iter();
    spec.flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()))
}

fn refuse(pod: &Pod, wish: &Wish, fleet: &Validated) -> Result<(), String> {
    let spec = pod.spec.as_ref().ok_or("spec is missing")?;
    if spec.host_network == Some(true) {
        return Err("spec.hostNetwork: localhost would be the node's; expected a network of the pod's own".to_owned());
    }
    let taken = [port::HADOOP, fleet.settings.http_address.port().into()];
    for container in containers(pod) {
        let name = &container.name;
        if let Some(port) = container.ports.iter().flatten().find(|port| taken.contains(&port.container_port)) {
            return Err(format!(
                "container {name}: port {} is the router's; expected none of {}, {}",
                port.container_port, taken[0], taken[1]
            ));
        }
        let mounted = |path: &str| container.volume_mounts.iter().flatten().any(|mount| mount.mount_path == path);
        if let Some(path) = wish.client_config.as_deref().filter(|path| mounted(path)) {
            return Err(format!(
                "{CLIENT_CONFIG}: {path:?} is mounted in container {name} already; expected a free path"
            ));
        }
    }
    Ok(())
}

/// Gives every container Hadoop's files in a directory. They are annotations of the pod, which the kubelet writes as files:
/// it needs no ConfigMap in the pod's namespace, and no program that copies.
///
/// They describe the router as a nameservice with two ids, so that a client bears it when the router is started again.
fn configure(pod: &mut Value, path: &str, fleet: &Validated) {
    let (core, hdfs) = client_files(fleet, &format!("localhost:{}", port::HADOOP));
    for ((_, annotation), text) in FILES.into_iter().zip([core, hdfs]) {
        pod["metadata"]["annotations"][annotation] = text.into();
    }
    let items = FILES.map(|(file, annotation)| {
        json!({ "path": file, "fieldRef": { "apiVersion": "v1", "fieldPath": format!("metadata.annotations['{annotation}']") } })
    });
    let spec = &mut pod["spec"];
    list(spec, "volumes").push(json!({ "name": VOLUME, "downwardAPI": { "items": items } }));
    for kind in ["initContainers", "containers"] {
        for container in list(spec, kind) {
            list(container, "volumeMounts").push(json!({ "name": VOLUME, "mountPath": path, "readOnly": true }));
            let env = list(container, "env");
            if !env.iter().any(|variable| variable["name"] == CONF_DIR) {
                env.push(json!({ "name": CONF_DIR, "value": path }));
            }
        }
    }
}

/// A list in an object, which is there afterwards.
fn list<'a>(object: &'a mut Value, key: &str) -> &'a mut Vec<Value> {
    let list = &mut object[key];
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    match list {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}

#[cfg(test)]
mod tests;
