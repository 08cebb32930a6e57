//! The fleet of the quick start, and all that a fleet may have.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anabranch_federation::MountEntry;
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Version, Writer};
use anabranch_testkit::http;
use anabranch_testkit::process::program;
use serde_json::Value;

use crate::cluster::{file, get, kubectl, objects, run, wait_until};
use crate::site::{CHART, NAMESPACE, Site, await_condition};

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

/// Alerts and dashboard ask for metrics that routers and operators really serve, and the runbook knows every alert.
pub fn metrics_exist(site: &Site) {
    quickstart_serves_files(site);
    let rendered = crate::cluster::helm(&[
        "template",
        "demo",
        CHART,
        "--set",
        "prometheusRule.enabled=true,grafanaDashboard.enabled=true",
    ]);
    let rendered = objects(&rendered.unwrap());
    let of_kind = |kind: &str| rendered.iter().filter(|it| it["kind"] == kind).cloned().collect::<Vec<_>>();
    let rules = &of_kind("PrometheusRule")[0]["spec"]["groups"];
    let alerts: Vec<&Value> =
        rules.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let dashboards = of_kind("ConfigMap");
    let dashboard: Value = serde_json::from_str(dashboards[0]["data"]["anabranch.json"].as_str().unwrap()).unwrap();
    let mut queries: Vec<String> = alerts.iter().map(|alert| alert["expr"].as_str().unwrap().to_owned()).collect();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array().into_iter().flatten();
        queries.extend(targets.map(|target| target["expr"].as_str().unwrap().to_owned()));
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    queries.extend(variables.filter_map(|it| it["definition"].as_str().map(str::to_owned)));
    let served = served("app.kubernetes.io/part-of=anabranch", &[("router", 50071), ("operator", 8080)]);
    for query in &queries {
        let names = metrics(query);
        assert!(!names.is_empty(), "{query} asks for no metric of ours");
        let missing: Vec<_> = names.difference(&served).collect();
        assert!(missing.is_empty(), "{query}: nobody serves {missing:?}; served: {served:?}");
    }
    assert!(queries.len() > 30, "{}", queries.len());
    let runbook = fs::read_to_string(file("docs/runbook.md")).unwrap();
    let entries: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(entries, alerts.iter().map(|alert| alert["alert"].as_str().unwrap()).collect());
}

/// Names of our metrics in a query, those of histograms without what is appended to them.
fn metrics(query: &str) -> BTreeSet<String> {
    let words = query.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let ours = words.filter(|word| word.starts_with("anabranch_"));
    ours.map(|word| {
        ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    })
    .collect()
}

/// Names of the metrics that pods of these components serve.
fn served(selector: &str, components: &[(&str, u16)]) -> BTreeSet<String> {
    let pods = get(&["-n", NAMESPACE, "pods", "-l", selector]).unwrap();
    let mut names = BTreeSet::new();
    for (component, port) in components {
        let mut found = 0;
        for pod in pods["items"].as_array().unwrap() {
            let address = pod["status"]["podIP"].as_str().unwrap_or_default();
            if pod["metadata"]["labels"]["app.kubernetes.io/component"] != *component || address.is_empty() {
                continue;
            }
            found += 1;
            let answer = http::get(&format!("{address}:{port}"), "/metrics").unwrap();
            assert_eq!(answer.status, 200);
            names.extend(
                answer
                    .body
                    .lines()
                    .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned)),
            );
        }
        assert!(found > 1, "{found} pods of {component}");
    }
    names
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
