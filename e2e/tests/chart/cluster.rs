//! The cluster of this work tree, by way of `e2e/kube`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anabranch_e2e::kube;
pub use anabranch_e2e::kube::{command, get, helm, kubectl, on_node, run, script, start};
use anabranch_testkit::net;
use anyhow::Result;
use serde_json::Value;

/// Much more than anything here needs, for machines that are busy otherwise.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A file of the work tree.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs `kubectl`, which reads `input`.
pub fn kubectl_with(args: &[&str], input: &str) -> Result<String> {
    script("run", &[&["kubectl"], args].concat(), input)
}

/// Asks again and again until `condition` holds; what is wrong with the objects of a namespace if it never does.
pub fn wait_until(what: &str, namespace: &str, condition: impl FnMut() -> bool) {
    if let Err(error) = net::wait_until(what, PATIENCE, condition) {
        let objects = kubectl(&["-n", namespace, "get", "anabranch,pods,events"]).unwrap_or_default();
        panic!("{error}\n{objects}");
    }
}

/// The objects in a stream of YAML documents.
pub fn objects(text: &str) -> Vec<Value> {
    kube::objects(text).expect("YAML")
}

/// Kind and name of an object.
pub fn id(object: &Value) -> String {
    format!(
        "{} {}",
        object["kind"].as_str().unwrap_or_default(),
        object["metadata"]["name"].as_str().unwrap_or_default()
    )
}
