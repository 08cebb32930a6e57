//! The NameNodes, both routers, and a client of each.

use std::cell::{Cell, RefCell};
use std::fmt;

use anabranch_e2e::servers::{self, Configured, Router};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::net;
use anabranch_testkit::scratch::Scratch;
use anyhow::Result;

use crate::calls::Call;
use crate::namenodes::Namenode;
use crate::places::MOUNTS;
use crate::wire::{Answer, Client};

/// What both routers are told.
const BOTH: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    ("hadoop.user.group.static.mapping.overrides", "ann=others;dr.who="),
];

/// See the module.
pub struct Site {
    namenodes: RefCell<[Namenode; 2]>,
    /// Java's, then ours.
    clients: RefCell<[Client; 2]>,
    /// Whether something is not as it is before each call.
    touched: Cell<bool>,
    // In order of their end: a router without NameNodes would complain.
    _servers: (Router, Cluster, Scratch),
}

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the router said.
    pub answer: Answer,
    /// What changed on the NameNodes.
    pub trees: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes: Vec<String> = self.trees.iter().map(|tree| format!("\n        {tree}")).collect();
        write!(f, "{}{}", self.answer, changes.concat())
    }
}

impl Site {
    /// Starts everything.
    pub fn start() -> Result<Self> {
        let scratch = Scratch::new("differential")?;
        let jars = Jars::get()?;
        let plan = BOTH.iter().fold(
            Plan::tests().with_router_apart("").set("dfs.federation.router.cache.ttl", "500ms"),
            |plan, (key, value)| plan.set(key, value),
        );
        let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
        let Configured { router, admin, .. } = servers::router_compared(&cluster, scratch.path(), BOTH)?;
        let shell = Shell::start(&jars, scratch.path())?;
        for address in [cluster.admin().to_owned(), admin.to_string()] {
            let session = shell.at("hdfs://unused").set("dfs.federation.router.admin-address", &address);
            for mount in MOUNTS {
                let args: Vec<&str> = ["-add"].into_iter().chain(mount.split(' ')).collect();
                session.dfsrouteradmin(&args).ok();
            }
            let listed = || session.dfsrouteradmin(&["-ls", "/"]).stdout.contains("/dead");
            net::wait_until("the mounts are there", std::time::Duration::from_secs(30), listed)?;
        }
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let namenodes = ["ns0", "ns1"].map(|id| Namenode::new(id, cluster.rpc(id), &user));
        let clients = [cluster.rpc("router").to_owned(), router.rpc.to_string()].map(|at| Client::new(&at, &user));
        Ok(Self {
            namenodes: RefCell::new(namenodes),
            clients: RefCell::new(clients),
            touched: Cell::new(true),
            _servers: (router, cluster, scratch),
        })
    }

    /// Makes a call at Java's router and at ours, each from the same beginning.
    pub fn both(&self, call: &Call) -> [Outcome; 2] {
        let (mut namenodes, mut clients) = (self.namenodes.borrow_mut(), self.clients.borrow_mut());
        clients.each_mut().map(|client| {
            if self.touched.replace(false) {
                namenodes.iter_mut().for_each(Namenode::reset);
            }
            if !call.changes {
                return Outcome { answer: client.ask(call.method, &call.parameters), trees: Vec::new() };
            }
            let before = namenodes.each_mut().map(Namenode::tree);
            let answer = client.ask(call.method, &call.parameters);
            let after = namenodes.each_mut().map(Namenode::tree);
            // Not all that a call does can be seen.
            self.touched.set(matches!(answer, Answer::Result(_)) || before != after);
            let trees = before.iter().zip(&after).enumerate();
            Outcome { answer, trees: trees.flat_map(|(at, (before, after))| changes(at, before, after)).collect() }
        })
    }
}

/// Lines of a tree that went, and that came.
fn changes(at: usize, before: &str, after: &str) -> Vec<String> {
    let gone = before.lines().filter(|line| !after.lines().any(|other| other == *line));
    let come = after.lines().filter(|line| !before.lines().any(|other| other == *line));
    gone.map(|line| format!("ns{at} - {line}")).chain(come.map(|line| format!("ns{at} + {line}"))).collect()
}
