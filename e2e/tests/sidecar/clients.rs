//! Clients in pods.

use anabranch_e2e::kube::{self, create, get, kubectl, wait_for};
use serde_json::{Value, json};

use crate::rig::{Rig, has_router, pod};

/// A pod of another namespace, with a label and an annotation, is given a router of the fleet, Hadoop's files, and no
/// second router when it is made again.
pub fn injected(_: &Rig) {
    let annotations = json!({
        "anabranch.io/inject": "sidecar/main", "anabranch.io/client-config": "/etc/hadoop/conf",
        "anabranch.io/sidecar-cpu": "20m",
    });
    let wanted = pod("sidecar-clients", "other", annotations, &["ls", "-R", "/"]);
    let made = create(&wanted, &[]).unwrap();
    assert!(has_router(&made), "{made}");
    assert_eq!(made["metadata"]["labels"]["anabranch.io/fleet-namespace"], "sidecar");
    assert_eq!(made["spec"]["initContainers"][0]["resources"]["requests"]["cpu"], "20m");
    let phase = "jsonpath={.status.phase}=Succeeded";
    wait_for(phase, &["-n", "sidecar-clients", "pod/other"]).unwrap();
    let listed = kubectl(&["logs", "-n", "sidecar-clients", "other", "-c", "client"]).unwrap();
    assert!(listed.contains("/data"), "{listed}");

    let mut again = made.clone();
    again["metadata"] = json!({
        "name": "again", "namespace": "sidecar-clients",
        "labels": made["metadata"]["labels"], "annotations": made["metadata"]["annotations"],
    });
    let again = create(&again, &["--dry-run=server"]).unwrap();
    assert_eq!(again["spec"]["initContainers"].as_array().unwrap().len(), 1, "{again}");

    // One that asks for nothing, and one that asks for a fleet of a namespace that belongs to other operators.
    for labels in [json!({}), json!({ "anabranch.io/inject": "main" })] {
        let mut plain = pod("sidecar-clients", "plain", json!({}), &["ls", "/"]);
        plain["metadata"]["labels"] = labels;
        let plain = create(&plain, &["--dry-run=server"]).unwrap();
        assert_eq!(plain["spec"]["initContainers"], Value::Null);
    }
}

/// Whoever makes the pod is told why.
pub fn refused(_: &Rig) {
    let refused = |pod: &Value| format!("{:#}", create(pod, &["--dry-run=server"]).unwrap_err());
    let annotated = |annotations| pod("sidecar", "refused", annotations, &[]);
    let missing = refused(&annotated(json!({ "anabranch.io/inject": "none" })));
    assert!(missing.contains("there is no RouterFleet sidecar/none"), "{missing}");
    let elsewhere = json!({ "anabranch.io/inject": "sidecar.none" });
    let elsewhere = refused(&pod("sidecar-clients", "refused", elsewhere, &[]));
    assert!(elsewhere.contains("there is no RouterFleet sidecar/none"), "{elsewhere}");
    let mut guest = pod("default", "refused", json!({}), &[]);
    guest["metadata"]["labels"] = json!({ "anabranch.io/inject": "sidecar.main" });
    let guest = refused(&guest);
    let allowance = "RouterFleet sidecar/main gives no routers to pods in the namespace default: \
         spec.allowedSidecars.namespaces: found matchLabels kubernetes.io/metadata.name=sidecar-clients";
    assert!(guest.contains(allowance), "{guest}");
    let memory = refused(&annotated(json!({ "anabranch.io/sidecar-memory": "much" })));
    assert!(memory.contains("anabranch.io/sidecar-memory: \"much\"; expected bytes such as 256Mi"), "{memory}");
    let mut host = annotated(json!({}));
    host["spec"]["hostNetwork"] = true.into();
    let host = refused(&host);
    assert!(host.contains("spec.hostNetwork: localhost would be the node's"), "{host}");
}

/// A Java client with Hadoop's files from its pod and no URI of its own writes, and its Job ends although the router would
/// not.
pub fn job(_: &Rig) {
    let annotations = json!({ "anabranch.io/client-config": "/etc/hadoop/conf" });
    let writer = java(annotations, &["org.apache.hadoop.fs.FsShell", "-touchz", "/data/written"]);
    create(&job_of("writer", writer), &[]).unwrap();
    wait_for("condition=Complete", &["-n", "sidecar", "job/writer"]).unwrap();
    let pods = get(&["pods", "-n", "sidecar", "-l", "job-name=writer"]).unwrap();
    let router = &pods["items"][0]["status"]["initContainerStatuses"][0];
    assert_eq!(router["name"], "anabranch-router");
    assert!(router["state"]["terminated"].is_object(), "{router}");
    assert_eq!(router["restartCount"], 0);
    let reader = pod("sidecar", "reader", json!({}), &["ls", "/data"]);
    create(&reader, &[]).unwrap();
    wait_for("jsonpath={.status.phase}=Succeeded", &["-n", "sidecar", "pod/reader"]).unwrap();
    let listed = kubectl(&["logs", "-n", "sidecar", "reader", "-c", "client"]).unwrap();
    assert!(listed.contains("/data/written"), "{listed}");
}

fn job_of(name: &str, template: Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "namespace": "sidecar" },
        "spec": { "backoffLimit": 0, "template": template },
    })
}

/// A pod template that runs a Java program beside a router.
fn java(annotations: Value, args: &[&str]) -> Value {
    json!({
        "metadata": { "labels": { "anabranch.io/inject": "main" }, "annotations": annotations },
        "spec": kube::java(None, args).unwrap(),
    })
}
