//! Definitions of the kinds of others that the chart and the examples use, as the Go modules of the Prometheus operator, of
//! cert-manager and of KEDA have them: an API server that knows them checks every field.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cluster::{kubectl, run};

/// Module with version, and files in it.
const DEFINITIONS: [(&str, &[&str]); 3] = [
    (
        "github.com/prometheus-operator/prometheus-operator@v0.92.1",
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
    ("github.com/cert-manager/cert-manager@v1.19.1", &["deploy/crds/cert-manager.io_certificates.yaml"]),
    ("github.com/kedacore/keda/v2@v2.17.2", &["config/crd/bases/keda.sh_scaledobjects.yaml"]),
];

fn files() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (module, files) in DEFINITIONS {
        // Go keeps it in its cache of modules; outside of any module it takes a version as it stands.
        let told = run(Command::new("go").args(["mod", "download", "-json", module]).current_dir("/"), "");
        let told: Value = serde_json::from_str(&told.context("scripts/deps kube installs Go")?)?;
        let dir = PathBuf::from(told["Dir"].as_str().context("no directory of the module")?);
        found.extend(files.iter().map(|file| dir.join(file)));
    }
    Ok(found)
}

fn each(args: &[&str]) -> Result<()> {
    let files: Vec<String> = files()?.iter().flat_map(|file| ["-f".to_owned(), file.display().to_string()]).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    kubectl(&[args, &files].concat()).map(drop)
}

/// Makes the cluster know them.
pub fn apply() -> Result<()> {
    each(&["apply", "--server-side", "--force-conflicts"])?;
    each(&["wait", "--for=condition=Established", "--timeout=60s"])
}

/// Removes them.
pub fn delete() -> Result<()> {
    each(&["delete", "--ignore-not-found"])
}
