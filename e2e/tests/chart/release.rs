//! The release: its test, its upgrade, its end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{get, helm, id, kubectl, wait_until};
use crate::rights;
use crate::site::{CHART, KINDS, NAMESPACE, RELEASE, Site};

fn deployment() -> Value {
    get(&["-n", NAMESPACE, "deployment", RELEASE]).unwrap()
}

/// The operator is available as it was installed: with everything that the chart can make.
pub fn installs(site: &Site) {
    site.install();
    let status = &deployment()["status"];
    assert_eq!((&status["availableReplicas"], &status["observedGeneration"]), (&2.into(), &1.into()), "{status}");
    for object in ["prometheusrule/anabranch", "servicemonitor/anabranch", "networkpolicy/anabranch", "pdb/anabranch"] {
        kubectl(&["-n", NAMESPACE, "get", object]).unwrap();
    }
    // Its Service finds both.
    let slices =
        get(&["-n", NAMESPACE, "endpointslices", "-l", "kubernetes.io/service-name=anabranch-metrics"]).unwrap();
    assert_eq!(slices["items"][0]["endpoints"].as_array().unwrap().len(), 2);
    // It can be called.
    let webhooks = get(&["mutatingwebhookconfiguration", RELEASE]).unwrap();
    assert!(webhooks["webhooks"][0]["clientConfig"]["caBundle"].is_string(), "{webhooks}");
}

fn test(flags: &[&str]) -> anyhow::Result<String> {
    helm(&[&["test", RELEASE, "--namespace", NAMESPACE, "--timeout", "2m"], flags].concat())
}

/// `helm test` makes an object of ours; with a fleet, it lists / through it, and fails where there is none.
pub fn tests_itself(site: &Site) {
    site.quickstart();
    test(&[]).unwrap();
    site.upgrade(CHART, "test.fleet=main", &[]).unwrap();
    let said = test(&["--logs"]).unwrap();
    assert!(said.contains("logs") && said.contains("tmp"), "{said}");
    site.upgrade(CHART, "test.fleet=other", &[]).unwrap();
    assert!(test(&["--timeout", "10s"]).is_err());
    kubectl(&["-n", NAMESPACE, "delete", "pod", "anabranch-test"]).unwrap();
}

/// Changed values count after an upgrade, and with `watchNamespace` a Role does for what a ClusterRole did.
pub fn upgrades(site: &Site) {
    site.quickstart();
    site.upgrade(CHART, &format!("replicas=1,watchNamespace={NAMESPACE},log.format=text"), &[]).unwrap();
    let live = deployment();
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&live["status"]["availableReplicas"], &container["args"][1]), (&1.into(), &"--log=text".into()));
    for gone in ["pdb/anabranch", "prometheusrule/anabranch", "clusterrole/anabranch", "clusterrole/anabranch-edit"] {
        assert!(kubectl(&["-n", NAMESPACE, "get", gone]).is_err(), "{gone} is still there");
    }
    // The one that took over works, and may do all that it needs.
    let pods = || get(&["-n", NAMESPACE, "pods", "-l", "app.kubernetes.io/name=anabranch-operator"]).unwrap();
    wait_until("the others have ended", NAMESPACE, || pods()["items"].as_array().is_some_and(|pods| pods.len() == 1));
    let before = site.audit().len();
    let fleet = || get(&["-n", NAMESPACE, "routerfleet", "main"]).unwrap();
    kubectl(&[
        "-n",
        NAMESPACE,
        "patch",
        "routerfleet",
        "main",
        "--type=merge",
        "-p",
        r#"{"spec":{"drainSeconds":20}}"#,
    ])
    .unwrap();
    wait_until("the fleet is looked at", NAMESPACE, || {
        let fleet = fleet();
        fleet["status"]["observedGeneration"] == fleet["metadata"]["generation"]
    });
    let deployment = get(&["-n", NAMESPACE, "deployment", "main-router"]).unwrap();
    assert_eq!(deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 35);
    let asked = &site.audit()[before..];
    assert!(!asked.is_empty());
    assert_eq!(rights::refused(asked), BTreeSet::new());
}

/// After an end in the order that NOTES.txt tells, only definitions and claims of volumes are left.
pub fn ends(site: &Site) {
    site.quickstart();
    kubectl(&["-n", NAMESPACE, "delete", "mounttables,routerfleets,subclusters", "--all", "--wait"]).unwrap();
    helm(&["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait"]).unwrap();
    let listed = kubectl(&["api-resources", "--namespaced", "--verbs=list,delete", "-o", "name"]).unwrap();
    let kinds = listed.lines().filter(|kind| !kind.contains("events") && !kind.contains("metrics.k8s.io"));
    let kinds = kinds.collect::<Vec<_>>().join(",");
    let mut left = Vec::new();
    wait_until("all but claims is gone", NAMESPACE, || {
        let found = get(&["-n", NAMESPACE, &kinds]).unwrap();
        left = found["items"].as_array().unwrap().iter().map(id).filter(|it| !is_every_namespaces(it)).collect();
        left.iter().all(|it| it.starts_with("PersistentVolumeClaim "))
    });
    assert_eq!(left.len(), 3, "{left:?}");
    for kind in ["clusterroles", "clusterrolebindings", "mutatingwebhookconfigurations"] {
        let found = get(&[kind, "-l", &format!("app.kubernetes.io/instance={RELEASE}")]).unwrap();
        assert_eq!(found["items"], serde_json::json!([]));
    }
    get(&[&["crd"], &KINDS[..]].concat()).unwrap();
}

/// What the cluster itself puts into each namespace.
fn is_every_namespaces(id: &str) -> bool {
    ["ConfigMap kube-root-ca.crt", "ServiceAccount default"].contains(&id)
}
