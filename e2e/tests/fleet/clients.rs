//! Java clients in pods that work all the time: one finds the fleet by the files of its ConfigMap, one has a router of its
//! own and a plain address.

use std::time::Instant;

use anabranch_e2e::kube::{create, get, java, kubectl, until, wait_for};
use anabranch_testkit::http;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rig::{MOUNTS, NAMESPACE, Rig, await_routers};

/// Calls that each client must have made since something happened before it is said to have come through.
const CALLS: u64 = 300;
/// The Jobs.
const CLIENTS: [&str; 2] = ["apart", "beside"];

/// See the module.
pub struct Clients(());

/// What a client says of itself.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Tally {
    /// Calls so far.
    pub calls: u64,
    /// Files made, renamed and deleted.
    pub files: u64,
    /// What went wrong.
    pub errors: Vec<String>,
}

impl Clients {
    /// Starts them and waits until they work.
    ///
    /// # Errors
    /// When they do not.
    pub fn start() -> Result<Self> {
        let work = |client: &str| MOUNTS.map(|mount| format!("{mount}/{client}"));
        let started = |client: &str, uri: &str, configuration: Option<&str>, labels: Value| {
            let dirs = work(client);
            let args = [&["anabranch.Steady", uri][..], &dirs.each_ref().map(String::as_str)].concat();
            let template = json!({ "metadata": { "labels": labels }, "spec": java(configuration, &args)? });
            create(&job(client, template), &[])
        };
        started("apart", "hdfs://main", Some("main-discovery"), json!({}))?;
        started("beside", "hdfs://localhost:8020", None, json!({ "anabranch.io/inject": "main" }))?;
        let clients = Self(());
        until("the clients work", || {
            for client in CLIENTS {
                let tally = tally(client)?;
                ensure!(tally.files > 3, "{client}: {tally:?}");
            }
            Ok(())
        })?;
        Ok(clients)
    }

    /// Does something, lets the clients go on for a while, and fails if any of them met an error since the beginning.
    #[allow(clippy::print_stdout, reason = "says how much happened meanwhile")]
    pub fn lose_nothing(&self, step: impl FnOnce()) {
        let before = CLIENTS.map(|client| tally(client).unwrap());
        let began = Instant::now();
        step();
        let took = began.elapsed();
        let after = CLIENTS.map(|client| tally(client).unwrap());
        for ((client, before), after) in CLIENTS.into_iter().zip(before).zip(after) {
            let last = until("the clients go on", || {
                let now = tally(client)?;
                ensure!(now.calls >= after.calls + CALLS, "{client}: {now:?} after {after:?}");
                Ok(now)
            });
            let last = last.unwrap();
            let (calls, files) = (after.calls - before.calls, after.files - before.files);
            println!("    {client}: {calls} calls, {files} files in {:.1} s", took.as_secs_f32());
            assert!(last.errors.is_empty(), "{client}, in {} calls: {:?}", last.calls, last.errors);
        }
    }
}

/// What a client said last.
fn tally(client: &str) -> Result<Tally> {
    let job = format!("job/{client}");
    let said = kubectl(&["logs", "-n", NAMESPACE, &job, "-c", "client", "--tail=20"])?;
    let last = said.lines().rfind(|line| line.starts_with("{\"calls\"")).context(said.clone())?;
    Ok(serde_json::from_str(last)?)
}

fn job(name: &str, template: Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "backoffLimit": 0, "template": template },
    })
}

/// Hadoop's own shell, with nothing but the two files, writes and lists in every subcluster.
pub fn discover(_: &Rig) {
    let shell = |name: &str, args: &[&str]| {
        let args = [&["org.apache.hadoop.fs.FsShell"][..], args].concat();
        create(&job(name, json!({ "spec": java(Some("main-discovery"), &args).unwrap() })), &[]).unwrap();
        wait_for("condition=Complete", &["-n", NAMESPACE, &format!("job/{name}")]).unwrap();
        kubectl(&["logs", "-n", NAMESPACE, &format!("job/{name}")]).unwrap()
    };
    let files = MOUNTS.map(|mount| format!("{mount}/by-the-shell"));
    let files = files.each_ref().map(String::as_str);
    shell("writes", &[&["-touchz"][..], &files].concat());
    let listed = shell("lists", &[&["-ls", "/"][..], &MOUNTS].concat());
    assert!(MOUNTS.iter().chain(&files).all(|path| listed.contains(&format!(" {path}\n"))), "{listed}");
}

/// An attribute of a router's view of the federation.
fn federation(router: &str, attribute: &str) -> Result<String> {
    let answer = http::get(&format!("{router}:50071"), "/jmx?qry=Hadoop:service=Router,name=FederationState")?;
    let beans: Value = serde_json::from_str(&answer.body)?;
    Ok(beans["beans"][0][attribute].as_str().unwrap_or_default().to_owned())
}

/// No router beside a client is among the routers that the store knows, and it knows which NameNode is active from those
/// that are.
pub fn silent(_: &Rig) {
    let pods = get(&["pods", "-n", NAMESPACE, "-l", "job-name=beside"]).unwrap();
    let beside = pods["items"][0]["status"]["podIP"].as_str().unwrap();
    until("the router beside the client has heard of the NameNodes", || {
        let namenodes = federation(beside, "Namenodes")?;
        ensure!(namenodes.contains("ACTIVE"), "{namenodes}");
        Ok(())
    })
    .unwrap();
    for (_, router) in await_routers(3) {
        let routers = federation(&router, "Routers").unwrap();
        assert!(routers.contains("main-router-") && !routers.contains("beside"), "{routers}");
    }
}
