//! The NameNodes, both routers, and a client of each.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anabranch_e2e::servers::{self, Configured, Router};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Session, Shell};
use anabranch_testkit::net;
use anabranch_testkit::scratch::Scratch;
use anyhow::Result;

use crate::calls::Call;
use crate::namenodes::Namenode;
use crate::places::MOUNTS;
use crate::wire::{Answer, Client, OWN};

/// What both routers are told.
const BOTH: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    ("dfs.nameservices", "ns0,ns1,ns2"),
    // Reserved, so that nobody listens there.
    ("dfs.namenode.rpc-address.ns2", "127.0.0.1:1"),
    ("dfs.namenode.http-address.ns2", "127.0.0.1:1"),
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    ("hadoop.user.group.static.mapping.overrides", "ann=others;dr.who="),
];

/// See the module.
pub struct Site {
    namenodes: RefCell<[Namenode; 2]>,
    /// Of Java's router, then of ours; each a superuser's and another's.
    clients: RefCell<[[Client; 2]; 2]>,
    /// Whether something is not as it is before each call.
    touched: Cell<bool>,
    /// Differences, and how many cases have told theirs.
    seen: RefCell<(BTreeSet<&'static str>, usize)>,
    shell: Shell,
    admin: String,
    // In order of their end: a router without NameNodes would complain.
    _servers: (Router, Cluster, Scratch),
}

/// What stands for [`OWN`] in calls of each router.
const OWNERS: [&str; 2] = ["by-theirs", "by-ours"];

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
            Plan::tests().with_router_apart("").set("rig.away", "ns2").set("dfs.federation.router.cache.ttl", "500ms"),
            |plan, (key, value)| plan.set(key, value),
        );
        let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
        let Configured { router, admin, .. } =
            servers::router_compared(&cluster, scratch.path(), BOTH, &["a watched NameNode does not answer"])?;
        let shell = Shell::start(&jars, scratch.path())?;
        let admin = admin.to_string();
        for address in [cluster.admin(), &admin] {
            let session = administer(&shell, address);
            for mount in MOUNTS {
                let args: Vec<&str> = ["-add"].into_iter().chain(mount.split(' ')).collect();
                session.dfsrouteradmin(&args).ok();
            }
            let listed = || session.dfsrouteradmin(&["-ls", "/"]).stdout.contains("/dead");
            net::wait_until("the mounts are there", Duration::from_secs(30), listed)?;
        }
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let namenodes = ["ns0", "ns1"].map(|id| Namenode::new(id, cluster.rpc(id), &user));
        let routers = [cluster.rpc("router").to_owned(), router.rpc.to_string()];
        let clients = routers.map(|at| [&*user, "ann"].map(|user| Client::new(&at, user)));
        let site = Self {
            namenodes: RefCell::new(namenodes),
            clients: RefCell::new(clients),
            touched: Cell::new(true),
            seen: RefCell::default(),
            shell,
            admin,
            _servers: (router, cluster, scratch),
        };
        site.away("disable");
        Ok(site)
    }

    /// Disables or enables the nameservice that is away at our router: without it, calls to the whole cluster fail, from which
    /// Java's leaves it out.
    pub fn away(&self, what: &str) {
        let said = administer(&self.shell, &self.admin).dfsrouteradmin(&["-nameservice", what, "ns2"]);
        assert!(said.exit == 0 && said.stderr.is_empty(), "{said:?}");
    }

    /// Makes snapshots; [`Site::anew`] takes them away again.
    pub fn snapshots(&self) {
        for namenode in &mut *self.namenodes.borrow_mut() {
            namenode.reset();
            namenode.snapshot();
        }
        self.touched.set(false);
    }

    /// A case has seen these differences.
    pub fn saw(&self, rows: impl Iterator<Item = &'static str>) {
        let mut seen = self.seen.borrow_mut();
        seen.0.extend(rows);
        seen.1 += 1;
    }

    /// All that were seen, if so many cases have told theirs.
    pub fn seen(&self, cases: usize) -> Option<BTreeSet<&'static str>> {
        let seen = self.seen.borrow();
        (seen.1 == cases).then(|| seen.0.clone())
    }

    /// Has everything made anew before the next call.
    pub fn anew(&self) {
        self.touched.set(true);
    }

    /// Makes a call at Java's router and at ours, each from the same beginning.
    pub fn both(&self, call: &Call) -> [Outcome; 2] {
        let (mut namenodes, mut clients) = (self.namenodes.borrow_mut(), self.clients.borrow_mut());
        let mut clients = clients.each_mut().map(|users| &mut users[usize::from(call.by_other)]);
        [0, 1].map(|at| {
            let client = &mut *clients[at];
            let parameters = serde_json::from_str(&call.parameters.to_string().replace(OWN, OWNERS[at])).unwrap();
            let mut ask = || client.ask(call.method, &parameters).without(&OWNERS);
            if self.touched.replace(false) {
                namenodes.iter_mut().for_each(Namenode::reset);
            }
            if !call.changes {
                return Outcome { answer: ask(), trees: Vec::new() };
            }
            let before = namenodes.each_mut().map(Namenode::tree);
            let answer = ask();
            let after = namenodes.each_mut().map(Namenode::tree);
            // Not all that a call does can be seen.
            self.touched.set(matches!(answer, Answer::Result(_)) || before != after);
            let trees = before.iter().zip(&after).enumerate();
            Outcome { answer, trees: trees.flat_map(|(at, (before, after))| changes(at, before, after)).collect() }
        })
    }
}

/// `hdfs dfsrouteradmin` at a router.
fn administer<'a>(shell: &'a Shell, address: &str) -> Session<'a> {
    shell.at("hdfs://unused").set("dfs.federation.router.admin-address", address)
}

/// Lines of a tree that went, and that came.
fn changes(at: usize, before: &str, after: &str) -> Vec<String> {
    let gone = before.lines().filter(|line| !after.lines().any(|other| other == *line));
    let come = after.lines().filter(|line| !before.lines().any(|other| other == *line));
    gone.map(|line| format!("ns{at} - {line}")).chain(come.map(|line| format!("ns{at} + {line}"))).collect()
}
