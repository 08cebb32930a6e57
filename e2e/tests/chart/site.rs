//! What all cases share: a namespace, the release in it, and the fleet of the quick start.

use std::fs;
use std::sync::OnceLock;

use anabranch_testkit::scratch::Scratch;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::cluster::{self, PATIENCE, file, get, helm, kubectl, kubectl_with, on_node};
use crate::foreign;

/// The namespace of the release and the quick start, under the restricted Pod Security Standard.
pub const NAMESPACE: &str = "anabranch-chart";
/// The namespace of objects that the operator should leave alone.
pub const ASIDE: &str = "anabranch-chart-aside";
/// The release.
pub const RELEASE: &str = "anabranch";
/// The chart.
pub const CHART: &str = "charts/anabranch";
/// The kinds of the chart, as resources.
pub const KINDS: [&str; 3] = ["mounttables.anabranch.io", "routerfleets.anabranch.io", "subclusters.anabranch.io"];
/// What the quick start claims.
pub const CLAIMS: [&str; 3] = ["data-main-store-0", "data-north-namespace-0", "data-south-namespace-0"];
/// Where the node keeps the volumes.
const VOLUMES: &str = "/var/lib/anabranch-chart";
/// Images of this work tree, and everything that a cluster has without more.
pub const IMAGES: &str = "image.registry=localhost,image.tag=e2e,image.pullPolicy=Never";

/// What all cases share.
pub struct Site {
    /// For charts that are made here.
    pub scratch: Scratch,
    audit_begin: usize,
    installed: OnceLock<()>,
    quickstart: OnceLock<()>,
    /// What [`crate::fleet::fleets_change`] does is done once.
    pub changed: OnceLock<()>,
    /// What [`crate::webhook::works`] does is done once.
    pub webhook: OnceLock<()>,
}

impl Site {
    /// Starts the cluster, and removes what an earlier run left.
    pub fn new() -> Result<Self> {
        cluster::start()?;
        clean()?;
        foreign::apply()?;
        for (namespace, level) in [(NAMESPACE, "restricted"), (ASIDE, "privileged")] {
            kubectl(&["create", "namespace", namespace])?;
            kubectl(&["label", "namespace", namespace, &format!("pod-security.kubernetes.io/enforce={level}")])?;
        }
        let audit_begin = fs::read_to_string(audit_log())?.lines().count();
        let (installed, quickstart, changed, webhook) = Default::default();
        Ok(Self { scratch: Scratch::new("chart")?, audit_begin, installed, quickstart, changed, webhook })
    }

    /// Installs the release, once.
    pub fn install(&self) {
        self.installed.get_or_init(|| {
            let timeout = format!("{}s", PATIENCE.as_secs());
            let everything = file("e2e/tests/chart/values/everything.yaml").display().to_string();
            let args = ["install", RELEASE, CHART, "--namespace", NAMESPACE, "--values", &everything, "--set", IMAGES];
            helm(&[&args[..], &["--wait", "--timeout", &timeout]].concat()).unwrap();
        });
    }

    /// Upgrades the release with these values besides; those of before are forgotten.
    pub fn upgrade(&self, chart: &str, values: &str, flags: &[&str]) -> Result<String> {
        self.install();
        let values = format!("{IMAGES},{values}");
        let timeout = format!("{}s", PATIENCE.as_secs());
        let args =
            ["upgrade", RELEASE, chart, "--namespace", NAMESPACE, "--set", &values, "--wait", "--timeout", &timeout];
        helm(&[&args[..], flags].concat())
    }

    /// Applies the quick start as it is, and waits until it works, once.
    pub fn quickstart(&self) {
        self.install();
        self.quickstart.get_or_init(|| {
            volumes(NAMESPACE).unwrap();
            kubectl(&["-n", NAMESPACE, "apply", "-f", "examples/kubernetes/quickstart.yaml"]).unwrap();
            await_condition("Available", "routerfleet/main");
            await_condition("Programmed", "mounttable/main");
        });
    }

    /// What the operator's account asked the API server for since the suite began.
    pub fn audit(&self) -> Vec<Value> {
        let user = format!("system:serviceaccount:{NAMESPACE}:{RELEASE}");
        let log = fs::read_to_string(audit_log()).unwrap();
        let entries = log.lines().skip(self.audit_begin).filter(|line| line.contains(&user));
        // The last line may be half written.
        entries
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|it| it["user"]["username"] == *user)
            .collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        clean().unwrap();
        foreign::delete().unwrap();
    }
}

fn audit_log() -> std::path::PathBuf {
    file("target/kube/logs/audit.jsonl")
}

/// Waits until an object of the namespace has a condition.
pub fn await_condition(condition: &str, object: &str) {
    let (condition, timeout) = (format!("--for=condition={condition}"), format!("--timeout={}s", PATIENCE.as_secs()));
    if let Err(error) = kubectl(&["-n", NAMESPACE, "wait", &condition, object, &timeout]) {
        let objects = kubectl(&["-n", NAMESPACE, "get", "anabranch,pods,pvc,events"]).unwrap_or_default();
        panic!("{error}\n{objects}");
    }
}

/// Volumes for what the quick start claims: the cluster has none of its own.
pub fn volumes(namespace: &str) -> Result<()> {
    for claim in CLAIMS {
        let path = format!("{VOLUMES}/{claim}");
        on_node(&["mkdir", "-p", "-m", "777", &path])?;
        let name = format!("anabranch-chart-{claim}");
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name, "labels": { "suite": "chart" } },
            "spec": {
                "capacity": { "storage": "10Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": path },
                "claimRef": { "namespace": namespace, "name": claim },
            },
        });
        kubectl_with(&["apply", "-f", "-"], &volume.to_string())?;
    }
    Ok(())
}

/// Removes everything that the suite makes.
pub fn clean() -> Result<()> {
    let known = kubectl(&["get", "crd", "-o", "name"])?;
    if KINDS.iter().all(|kind| known.contains(kind)) {
        let objects = get(&["-A", &KINDS.join(",")])?;
        for object in objects["items"].as_array().into_iter().flatten() {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            ensure!(namespace.starts_with(NAMESPACE), "{} is in {namespace}: end the other suite", cluster::id(object));
        }
        // Without an operator nobody takes its finalizer off.
        for table in objects["items"].as_array().into_iter().flatten().filter(|it| it["kind"] == "MountTable") {
            let (namespace, name) = (&table["metadata"]["namespace"], &table["metadata"]["name"]);
            let patch = r#"{"metadata":{"finalizers":[]}}"#;
            let (Some(namespace), Some(name)) = (namespace.as_str(), name.as_str()) else { continue };
            kubectl(&["-n", namespace, "patch", "mounttable", name, "--type=merge", "-p", patch])?;
        }
    }
    // Not there is as good.
    drop(helm(&["uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait"]));
    let gone = "--ignore-not-found";
    kubectl(&[&["delete", "crd", gone], &KINDS[..]].concat())?;
    kubectl(&["delete", "namespace", gone, NAMESPACE, ASIDE])?;
    kubectl(&["delete", "pv", gone, "-l", "suite=chart"])?;
    on_node(&["rm", "-rf", VOLUMES]).map(drop)
}
