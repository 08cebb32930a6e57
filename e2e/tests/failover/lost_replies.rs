//! Replies that get lost when the NameNode has done what it was asked to, one at a time, by clients who notice what is done twice.

use std::collections::BTreeMap;
use std::time::Duration;

use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};
use anabranch_testkit::hadoop::{Jvm, Tuning};
use anyhow::Result;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::rig::{Rig, Site};
use crate::routers::Routers;

/// What the retry cache is for.
const STEPS: [&str; 6] = ["create", "append", "rename", "rename2", "delete", "concat"];

/// Much more than a call takes, whatever happens meanwhile.
const PATIENCE: Duration = Duration::from_secs(90);

/// Why the reply does not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The connection of router and NameNode breaks.
    Connection,
    /// The router is killed.
    Router,
    /// Another NameNode has become active when the connection breaks: what it knows of the call is in the edits.
    Namenode,
}

/// In a subcluster whose NameNodes have retry caches.
pub fn does_nothing_twice(site: &Site) {
    let rig = &mut *site.rig.lock();
    let mut stage = Stage::start(site, rig, "lost").unwrap();
    for loss in [Loss::Connection, Loss::Router, Loss::Namenode] {
        for step in STEPS {
            assert_eq!(stage.lose(rig, "ns0", step, loss), None, "{step}, {loss:?}");
        }
    }
}

/// The control: in a subcluster whose NameNode has none, so that clients notice whatever is done twice.
pub fn is_noticed_without_retry_cache(site: &Site) {
    let rig = &mut *site.rig.lock();
    let mut stage = Stage::start(site, rig, "control").unwrap();
    for loss in [Loss::Connection, Loss::Router] {
        for step in STEPS {
            assert!(stage.lose(rig, "ns2", step, loss).is_some(), "nobody noticed: {step}, {loss:?}");
        }
    }
}

/// Two routers, and proxies between them and the NameNodes. Nothing but calls of clients goes there.
struct Stage {
    clients: Jvm,
    routers: Routers,
    /// The router that clients talk to.
    current: usize,
    directories: usize,
    /// By the address of the NameNode.
    links: BTreeMap<String, FaultProxy>,
    runtime: Runtime,
}

impl Stage {
    fn start(site: &Site, rig: &Rig, name: &str) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut links = BTreeMap::new();
        let mut properties = rig.quorum.properties().to_vec();
        for (_, address) in properties.iter_mut().filter(|(key, _)| key.starts_with("dfs.namenode.rpc-address.")) {
            let link = runtime.block_on(FaultProxy::start(address.parse()?))?;
            let shown = link.address().to_string();
            links.insert(std::mem::replace(address, shown), link);
        }
        let dir = site.scratch.path().join(name);
        let quiet = [("dfs.federation.router.heartbeat.enable", "false")];
        let mounts: [&[&str]; 2] = [&["/ns0", "ns0", "/data"], &["/ns2", "ns2", "/data"]];
        let routers = Routers::start(&dir, &rig.shell, &properties, &quiet, &mounts)?;
        let log = dir.join("clients.log");
        let clients = Jvm::start(&site.jars, Tuning::Start, "Ledger", routers.client_arguments(), "WARN", &log)?;
        Ok(Self { clients, routers, current: 0, directories: 0, links, runtime })
    }

    /// What a client has to complain of who makes this step in a directory of its own, of which the first reply gets lost.
    fn lose(&mut self, rig: &mut Rig, ns: &str, step: &str, loss: Loss) -> Option<String> {
        self.directories += 1;
        let dir = format!("/{ns}/{loss:?}{}", self.directories);
        self.clients.send(&json!({ "in": dir })).unwrap();
        assert_eq!(self.complaint(), None, "nothing was lost yet");

        let link = &self.links[rig.quorum.rpc(ns)];
        let before = link.stopped(Way::Replies);
        link.set(Way::Replies, Fault::Withhold);
        self.clients.send(&json!({ "in": dir, "step": step })).unwrap();
        let replied = link.stopped_more(Way::Replies, before);
        self.runtime.block_on(async { timeout(PATIENCE, replied).await }).expect("a reply to withhold");
        match loss {
            Loss::Connection => {}
            Loss::Router => self.routers.kill(self.current),
            Loss::Namenode => rig.fail_over(1),
        }
        link.cut();
        link.heal();
        let complaint = self.complaint();
        if loss == Loss::Router {
            self.routers.restart();
            self.current = 1 - self.current;
        }
        complaint
    }

    fn complaint(&mut self) -> Option<String> {
        let answer: Value = self.clients.receive(PATIENCE).unwrap();
        answer["error"].as_str().map(str::to_owned)
    }
}
