//! The fleet of the quick start, and all that a fleet may have.

use std::fs;
use std::process::Command;

use anabranch_federation::MountEntry;
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Version, Writer};
use anabranch_testkit::process::program;

use crate::cluster::{get, kubectl, run, wait_until};
use crate::metrics;
use crate::site::{NAMESPACE, Site, await_condition};

/// The quick start as it is serves files, under the restricted Pod Security Standard.
pub fn quickstart_serves_files(site: &Site) {
    site.quickstart();
    for subcluster in ["subcluster/north", "subcluster/south"] {
        await_condition("Ready", subcluster);
    }
    let local = site.scratch.path().join("file");
    fs::write(&local, "hello").unwrap();
    // A mount names a directory, which someone has to make.
    dfs(&["mkdir", "-p", "/tmp/chart"]).unwrap();
    dfs(&["put", "-f", &local.display().to_string(), "/tmp/chart/file"]).unwrap();
    assert_eq!(dfs(&["cat", "/tmp/chart/file"]).unwrap(), "hello");
    let listed = dfs(&["ls", "/"]).unwrap();
    assert!(["data", "logs", "user", "tmp"].iter().all(|mount| listed.contains(mount)), "{listed}");
}

fn dfs(args: &[&str]) -> anyhow::Result<String> {
    let service = get(&["-n", NAMESPACE, "service", "main"])?;
    let fs = format!("hdfs://{}:8020", service["spec"]["clusterIP"].as_str().unwrap_or_default());
    run(Command::new(program("anabranch")).args(["dfs", "--fs", &fs, "--user", "hdfs"]).args(args), "")
}

/// What a fleet may have comes and goes with its description, and what someone else mounted is adopted: all that the
/// operator ever asks an API server for.
pub fn fleets_change(site: &Site) {
    site.quickstart();
    site.changed.get_or_init(change);
}

fn change() {
    let change = |spec: &str| {
        let patch = format!(r#"{{"spec":{spec}}}"#);
        kubectl(&["-n", NAMESPACE, "patch", "routerfleet", "main", "--type=merge", "-p", &patch]).unwrap();
    };
    let kinds = ["hpa/main-router", "networkpolicy/main-store", "servicemonitor/main-router"];
    let there = |kind: &str| kubectl(&["-n", NAMESPACE, "get", kind]).is_ok();
    // The other time of the drain makes the routers anew: an event that comes again.
    change(
        r#"{"autoscaling":{"minReplicas":2,"maxReplicas":3},"monitoring":{"serviceMonitor":true},"driftPolicy":"Adopt",
        "drainSeconds":5}"#,
    );
    wait_until("everything is there", NAMESPACE, || kinds.iter().all(|kind| there(kind)));
    metrics::each_is_read_once();
    // As `hdfs dfsrouteradmin` does it.
    for (path, mounts) in [("/adopted/a", 1), ("/adopted/b", 2)] {
        mount(path);
        wait_until(path, NAMESPACE, || {
            let table = get(&["-n", NAMESPACE, "mounttable", "main-adopted"]);
            table.is_ok_and(|table| table["spec"]["entries"].as_array().is_some_and(|entries| entries.len() == mounts))
        });
    }
    change(r#"{"autoscaling":null,"monitoring":null,"networkPolicy":{"enabled":false},"driftPolicy":null}"#);
    wait_until("nothing of it is there", NAMESPACE, || !kinds.iter().any(|kind| there(kind)));
    await_condition("Available", "routerfleet/main");
}

/// Writes a mount past the operator.
fn mount(path: &str) {
    let service = get(&["-n", NAMESPACE, "service", "main-store"]).unwrap();
    let address = format!("{}:8890", service["spec"]["clusterIP"].as_str().unwrap());
    let entry = MountEntry::parse(path, [("ns0", path)]).unwrap();
    let entry = MountEntry { owner: "hdfs".into(), group: "hadoop".into(), ..entry };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = GrpcStore::new(&ClientOptions::new([address])).unwrap();
        store.put(entry, Version::ABSENT).await.unwrap();
    });
}
