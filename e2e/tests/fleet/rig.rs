//! The release, the fleet, what it stands before, and the clients.

use std::net::SocketAddr;
use std::thread;

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::kube::{apply, get, helm, host, kubectl, objects, start, until, wait_for};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan};
use anabranch_testkit::http;
use anabranch_testkit::scratch::Scratch;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::clients::Clients;
use crate::operator;

/// Where the fleet and its clients are.
pub const NAMESPACE: &str = "anabranch-fleet";
/// Where the operator is.
pub const SYSTEM: &str = "anabranch-fleet-system";
/// The mounts: two of real NameNodes, one of ours.
pub const MOUNTS: [&str; 3] = ["/north", "/south", "/own"];
const IMAGES: &str = "image.registry=localhost,image.tag=e2e,image.pullPolicy=Never";
/// Pods of the routers.
pub const ROUTERS: &str = "app.kubernetes.io/name=anabranch-router,app.kubernetes.io/instance=main";

/// See the module.
pub struct Rig {
    /// Work all the time.
    pub clients: Clients,
    _hadoop: Cluster,
    _scratch: Scratch,
}

impl Rig {
    /// Brings everything up.
    pub fn start() -> Result<Self> {
        start()?;
        clean()?;
        let (scratch, host) = (Scratch::new("fleet")?, host()?);
        let plan = Plan::tests().set("rig.host", &host).set("hadoop.proxyuser.hdfs.hosts", "*");
        let plan = plan
            .set("hadoop.proxyuser.hdfs.groups", "*")
            .set("hadoop.user.group.static.mapping.overrides", "hdfs=supergroup;root=supergroup");
        let jars = Jars::get()?;
        let hadoop = thread::scope(|scope| {
            let hadoop = scope.spawn(|| Cluster::start(&jars, scratch.path(), &plan));
            let install =
                ["install", "anabranch", "charts/anabranch", "--create-namespace", "--wait", "--timeout", "180s"];
            helm(&[&install[..], &["--namespace", SYSTEM, "--set", IMAGES]].concat())?;
            hadoop.join().expect("no panic")
        })?;
        kubectl(&["create", "namespace", NAMESPACE])?;
        let manifests = [("$NS0", hadoop.rpc("ns0")), ("$NS1", hadoop.rpc("ns1"))];
        let manifests = manifests.into_iter().chain([("$HTTP0", hadoop.http("ns0")), ("$HTTP1", hadoop.http("ns1"))]);
        let manifests = manifests.fold(include_str!("fleet.yaml").to_owned(), |text, (key, at)| text.replace(key, at));
        apply_here(&manifests)?;
        wait_for("condition=Available", &["-n", NAMESPACE, "routerfleet/main"])?;
        wait_for("condition=Programmed", &["-n", NAMESPACE, "mounttable/main"])?;
        let service = service()?;
        for mount in MOUNTS {
            // What a router has just learnt to reach may not listen yet.
            until("a directory", || {
                let made = dfs(&format!("hdfs://{service}"), &["--user", "hdfs", "mkdir", "-p", mount]);
                ensure!(made.exit == Some(0), "{}", made.stderr);
                Ok(())
            })?;
        }
        let clients = Clients::start()?;
        Ok(Self { clients, _hadoop: hadoop, _scratch: scratch })
    }
}

impl Drop for Rig {
    #[allow(clippy::print_stderr, reason = "tells what went wrong before it is cleared away")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", kubectl(&["get", "-n", NAMESPACE, "anabranch,pods,events"]).unwrap_or_default());
        }
        clean().unwrap();
    }
}

/// Applies manifests in the namespace of the fleet.
pub fn apply_here(manifests: &str) -> Result<()> {
    let mut objects = objects(manifests)?;
    for object in &mut objects {
        object["metadata"]["namespace"] = NAMESPACE.into();
    }
    apply(&serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string())
}

/// Where clients call the fleet.
pub fn service() -> Result<SocketAddr> {
    let service = get(&["service", "-n", NAMESPACE, "main"])?;
    let address = service["spec"]["clusterIP"].as_str().context("no address")?;
    Ok(format!("{address}:8020").parse()?)
}

/// Name and address of each router that is not about to end.
pub fn routers() -> Result<Vec<(String, String)>> {
    let pods = get(&["pods", "-n", NAMESPACE, "-l", ROUTERS])?;
    let pods = pods["items"].as_array().into_iter().flatten();
    let staying = pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    staying
        .map(|pod| {
            let text = |at: &Value| at.as_str().map(str::to_owned);
            let name = text(&pod["metadata"]["name"]).context("no name")?;
            Ok((name, text(&pod["status"]["podIP"]).context("no address")?))
        })
        .collect()
}

/// Waits until so many routers serve, and no others are there.
pub fn await_routers(count: usize) -> Vec<(String, String)> {
    until("the routers serve", || {
        let (pods, found) = (get(&["pods", "-n", NAMESPACE, "-l", ROUTERS])?, routers()?);
        let all = pods["items"].as_array().map_or(0, Vec::len);
        ensure!((found.len(), all) == (count, count), "{} of {all} stay, {count} are wanted", found.len());
        for (name, address) in &found {
            let answer = http::get(&format!("{address}:50071"), "/isActive")?;
            ensure!(answer.status == 200, "{name}: {}", answer.body);
        }
        Ok(found)
    })
    .unwrap()
}

/// The sum of a metric of a router over its labels.
pub fn metric(router: &str, name: &str) -> Result<f64> {
    let text = http::get(&format!("{router}:50071"), "/metrics")?.body;
    let lines = text.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
    let values = lines.map(|line| line.rsplit(' ').next().unwrap_or_default().parse::<f64>());
    Ok(values.collect::<Result<Vec<_>, _>>()?.into_iter().sum())
}

/// Removes what an earlier run left.
fn clean() -> Result<()> {
    operator::delete()?;
    // Without an operator nobody takes its finalizer off.
    if kubectl(&["get", "crd", "mounttables.anabranch.io"]).is_ok() {
        for table in get(&["mounttables", "-n", NAMESPACE])?["items"].as_array().into_iter().flatten() {
            let name = table["metadata"]["name"].as_str().context("no name")?;
            let released = r#"{"metadata":{"finalizers":null}}"#;
            kubectl(&["patch", "-n", NAMESPACE, "mounttable", name, "--type=merge", "-p", released])?;
        }
    }
    kubectl(&["delete", "--ignore-not-found", "--timeout=120s", "ns", NAMESPACE, SYSTEM])?;
    let kinds = ["mounttables.anabranch.io", "routerfleets.anabranch.io", "subclusters.anabranch.io"];
    kubectl(&[&["delete", "--ignore-not-found", "crd"][..], &kinds].concat()).map(drop)
}
