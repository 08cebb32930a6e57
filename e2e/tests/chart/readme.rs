//! What README.md tells someone with a cluster to type, typed on a cluster with nothing of ours in it.

use std::fs;

use anabranch_testkit::hadoop::Jars;
use anyhow::{Context, Result};
use serde_json::Value;

use crate::cluster::{file, helm, kubectl, on_node, script};
use crate::site::{self, CLAIMS, Site};

/// The section, and what ends it.
const SECTION: (&str, &str) = ("\n## On Kubernetes\n", "\n## ");
/// The objects that are applied.
const APPLIED: [&str; 2] = ["examples/kubernetes/quickstart.yaml", "examples/kubernetes/clients.yaml"];

/// The commands as they stand there.
fn commands() -> Result<String> {
    let text = fs::read_to_string(file("README.md"))?;
    let section = text.split_once(SECTION.0).context("README.md has no section \"On Kubernetes\"")?.1;
    let section = section.split(SECTION.1).next().unwrap_or_default();
    Ok(section.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| format!("{line}\n")).collect())
}

/// Each command succeeds, and clients see what they wrote.
pub fn walks(site: &Site) {
    let commands = commands().unwrap();
    for needed in ["helm install", "kubectl apply", "kubectl wait", "kubectl anabranch explain"].iter().chain(&APPLIED)
    {
        assert!(commands.contains(needed), "no {needed} in {commands}");
    }
    let _cleaner = Cleaner::start().unwrap();
    provide().unwrap();
    let home = site.scratch.path().join("home");
    fs::create_dir_all(home.join(".local/bin")).unwrap();
    let shell = r#"export HOME="$1" PATH="$1/.local/bin:$PATH"; eval "$2""#;
    let home = home.display().to_string();
    let said = script("run", &["bash", "-euo", "pipefail", "-c", shell, "-", &home, &commands], "");
    let said = said.unwrap_or_else(|error| {
        let objects = kubectl(&["get", "anabranch,pods,jobs,pvc,events"]).unwrap_or_default();
        panic!("{error}\n{objects}")
    });
    // Each client lists / and reads its file.
    assert_eq!(said.matches("hello from ").count(), 2, "{said}");
    assert!(["/data", "/logs", "/user", "/tmp"].iter().all(|mount| said.contains(mount)), "{said}");
    assert!(said.contains("\nASKED  NAMESERVICE  PATH THERE"), "{said}");
    // One of them through a router of its own.
    let pods = kubectl(&["get", "pods", "-l", "job-name=hdfs-sidecar", "-o", "json"]).unwrap();
    let pods: Value = serde_json::from_str(&pods).unwrap();
    assert_eq!(pods["items"][0]["spec"]["initContainers"][0]["name"], "anabranch-router");
}

/// What a cluster elsewhere has: volumes, and images by the names that chart and examples call them.
fn provide() -> Result<()> {
    site::volumes("default")?;
    let version = env!("CARGO_PKG_VERSION");
    for program in ["anabranch-operator", "anabranch-router", "anabranch-store", "anabranch-namespace", "anabranch"] {
        let (ours, theirs) = (format!("localhost/{program}:e2e"), format!("docker.io/library/{program}:{version}"));
        on_node(&["ctr", "-n", "k8s.io", "images", "tag", "--force", &ours, &theirs])?;
    }
    let class_path = Jars::get()?.class_path().into_string().ok().context("the path of the jars")?;
    script("hadoop-image", &["docker.io/apache/hadoop:3.4.1", &class_path], "").map(drop)
}

/// Nothing of ours is in the cluster before and after.
struct Cleaner;

impl Cleaner {
    fn start() -> Result<Self> {
        clean()?;
        Ok(Self)
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        clean().unwrap();
    }
}

fn clean() -> Result<()> {
    let known = kubectl(&["get", "crd", "-o", "name"])?.contains("mounttables.anabranch.io");
    let files = APPLIED.iter().filter(|path| known || path.contains("clients"));
    for path in files {
        kubectl(&["delete", "--ignore-not-found", "--timeout=60s", "-f", path])?;
    }
    kubectl(&[&["delete", "pvc", "--ignore-not-found"], &CLAIMS[..]].concat())?;
    // Not there is as good.
    drop(helm(&["uninstall", "anabranch", "--namespace", "anabranch", "--ignore-not-found", "--wait"]));
    kubectl(&["delete", "namespace", "--ignore-not-found", "anabranch"])?;
    site::clean()
}
