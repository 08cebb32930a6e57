//! Two operators, a fleet, and admissions all the time.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anabranch_e2e::kube::{apply, create, get, kubectl, script, start, wait_for};
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Operators of one namespace, whose webhook must not fail unnoticed, and whose certificates are so short-lived that
/// authorities are replaced during the test.
const VALUES: &str = "image.registry=localhost,image.tag=e2e,image.pullPolicy=Never,watchNamespace=sidecar,\
    webhook.failurePolicy=Fail,webhook.certificateSeconds=16";

/// See the module.
pub struct Rig {
    admissions: RefCell<Option<Admissions>>,
    /// The authorities that API servers trusted at first, in base64.
    pub first_bundle: String,
}

struct Admissions {
    stop: Arc<AtomicBool>,
    worker: JoinHandle<(usize, Vec<String>)>,
}

impl Rig {
    /// Brings everything up.
    pub fn start() -> Result<Self> {
        start()?;
        clean()?;
        for namespace in ["sidecar", "sidecar-clients"] {
            kubectl(&["create", "namespace", namespace])?;
        }
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/anabranch").display().to_string();
        apply(&script("run", &["helm", "show", "crds", &chart], "")?)?;
        kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
        let install = ["helm", "install", "sidecar", &chart, "--namespace", "sidecar-system", "--create-namespace"];
        script("run", &[&install[..], &["--set", VALUES, "--wait", "--timeout=120s"]].concat(), "")?;
        apply(include_str!("fleet.yaml"))?;
        let first_bundle = bundle()?;
        wait_for("condition=Available", &["-n", "sidecar", "routerfleet/main"])?;
        wait_for("condition=Programmed", &["-n", "sidecar", "mounttable/main"])?;
        Ok(Self { admissions: RefCell::new(Some(Admissions::begin())), first_bundle })
    }

    /// Ends the admissions: how many there were, and what those that failed say.
    pub fn end_admissions(&self) -> (usize, Vec<String>) {
        let Some(Admissions { stop, worker }) = self.admissions.take() else { return Default::default() };
        stop.store(true, Ordering::Relaxed);
        worker.join().unwrap_or_default()
    }
}

/// Removes what the suite makes.
fn clean() -> Result<()> {
    // Where there is an operator, it takes the finalizer off by itself.
    drop(kubectl(&["delete", "-n", "sidecar", "--timeout=30s", "mounttable/main"]));
    let released = r#"{"metadata":{"finalizers":null}}"#;
    drop(kubectl(&["patch", "-n", "sidecar", "mounttable/main", "--type=merge", "-p", released]));
    drop(script("run", &["helm", "uninstall", "sidecar", "-n", "sidecar-system", "--ignore-not-found", "--wait"], ""));
    let namespaces = ["sidecar-system", "sidecar", "sidecar-clients"];
    kubectl(&[&["delete", "--ignore-not-found", "--timeout=120s", "ns"], &namespaces[..]].concat()).map(drop)
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.end_admissions();
        clean().unwrap();
    }
}

impl Admissions {
    fn begin() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let worker = thread::spawn(move || {
            let (mut made, mut failed) = (0, Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                // kubectl takes most of a processor.
                thread::sleep(Duration::from_millis(250));
                made += 1;
                match create(&pod("sidecar", "tried", json!({}), &["ls", "/"]), &["--dry-run=server"]) {
                    Ok(pod) if has_router(&pod) => {}
                    Ok(pod) => failed.push(format!("no router in {pod}")),
                    Err(error) => failed.push(format!("{error:#}")),
                }
            }
            (made, failed)
        });
        Self { stop, worker }
    }
}

/// What API servers trust, in base64.
pub fn bundle() -> Result<String> {
    let webhooks = get(&["mutatingwebhookconfiguration", "sidecar-anabranch"])?;
    let bundle = webhooks["webhooks"][0]["clientConfig"]["caBundle"].as_str();
    bundle.map(str::to_owned).context("no caBundle")
}

/// Whether a pod has a router before all other containers.
pub fn has_router(pod: &Value) -> bool {
    pod["spec"]["initContainers"][0]["name"] == "anabranch-router"
}

/// A pod that asks for a router of the fleet `main`, and runs `anabranch dfs ARGS...` at it.
pub fn pod(namespace: &str, name: &str, annotations: Value, args: &[&str]) -> Value {
    let args = [&["dfs", "--fs", "hdfs://localhost:8020"][..], args].concat();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace,
            "labels": { "anabranch.io/inject": "main" }, "annotations": annotations,
        },
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "client", "image": "localhost/anabranch:e2e", "imagePullPolicy": "Never", "args": args,
                "env": [{ "name": "HADOOP_USER_NAME", "value": "hdfs" }],
            }],
        },
    })
}
