//! Two operators, a fleet, and admissions all the time.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::kube::{apply, create, get, kubectl, script, until, wait_for};

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
        kubectl(&["version"]).context("there is no cluster: run e2e/kube/up and e2e/kube/images")?;
        script("images", &["debug"], "")?;
        // What an earlier run left. Without operators, nobody takes the finalizers off.
        kubectl(&["delete", "--ignore-not-found", "mutatingwebhookconfiguration", "sidecar-operator"])?;
        kubectl(&["delete", "--ignore-not-found", "--timeout=60s", "ns", "sidecar-system"])?;
        let released = r#"{"metadata":{"finalizers":null}}"#;
        drop(kubectl(&["patch", "-n", "sidecar", "mounttable/main", "--type=merge", "-p", released]));
        kubectl(&["delete", "--ignore-not-found", "--timeout=60s", "ns", "sidecar", "sidecar-clients"])?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for entry in fs::read_dir(root.join("crds"))? {
            apply(&fs::read_to_string(entry?.path())?)?;
        }
        kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
        apply(include_str!("operator.yaml"))?;
        apply(include_str!("fleet.yaml"))?;
        wait_for("condition=Available", &["-n", "sidecar-system", "deployment/operator"])?;
        let first_bundle = until("the webhook trusts someone", bundle)?;
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
    let webhooks = get(&["mutatingwebhookconfiguration", "sidecar-operator"])?;
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
