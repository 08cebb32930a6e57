//! `kubectl anabranch explain`, asked as somebody asks kubectl.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::fs::symlink;

use anabranch_testkit::http;
use anabranch_testkit::process::program;
use anyhow::Result;
use serde_json::Value;

use crate::cluster::{command, get, kubectl, run};
use crate::site::{NAMESPACE, Site};

/// A directory with the plugin, first in a `PATH`.
pub fn path(site: &Site) -> Result<String> {
    let plugin = site.scratch.path().join("kubectl-anabranch");
    if !plugin.exists() {
        symlink(program("anabranch"), &plugin)?;
    }
    Ok(format!("{}:{}", site.scratch.path().display(), env::var("PATH")?))
}

/// What a router of the fleet says is what the plugin prints, as a table and as JSON.
pub fn says_what_a_router_says(site: &Site) {
    site.quickstart();
    let path = path(site).unwrap();
    let ask = |args: &[&str]| {
        let all =
            [&["kubectl", "anabranch", "explain", "--user", "hdfs", "--fleet", "main", "-n", NAMESPACE][..], args]
                .concat();
        run(command("run", &all).env("PATH", &path), "")
    };
    let routers = get(&["-n", NAMESPACE, "pods", "-l", "app.kubernetes.io/name=anabranch-router"]).unwrap();
    let addresses = routers["items"].as_array().unwrap().iter().map(|pod| pod["status"]["podIP"].as_str().unwrap());
    let addresses: Vec<String> = addresses.map(|address| format!("{address}:50071")).collect();
    for asked in ["/data/a/b", "/tmp", "/", "/nowhere%20else"] {
        let plain = asked.replace("%20", " ");
        let told: Value = serde_json::from_str(&ask(&[&plain, "--output", "json"]).unwrap()).unwrap();
        let known: BTreeMap<String, Value> = addresses
            .iter()
            .map(|router| {
                let answer = http::get(router, &format!("/explain?path={asked}&user=hdfs")).unwrap();
                let answer: Value = serde_json::from_str(&answer.body).expect(&answer.body);
                (answer["router"]["id"].to_string(), answer)
            })
            .collect();
        assert_eq!(Some(&told), known.get(&told["router"]["id"].to_string()), "{known:?}");
    }
    let table = ask(&["/data/a/b"]).unwrap();
    assert!(table.starts_with("/data/a/b\nmount ") && table.contains("\n1      ns0          /data/a/b "), "{table}");
    // By the other words of kubectl, of a file that is not the one of the environment.
    let context = kubectl(&["config", "current-context"]).unwrap();
    let file = crate::cluster::file("target/kube/kubeconfig").display().to_string();
    let again = ask(&["/data/a/b", "--context", context.trim(), "--kubeconfig", &file]).unwrap();
    assert_eq!(again, table);
    let missing = ask(&["/data", "--context", "none"]).unwrap_err().to_string();
    assert!(missing.contains("error: no way to Kubernetes: "), "{missing}");
}
