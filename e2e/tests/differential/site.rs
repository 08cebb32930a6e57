//! The NameNodes, and the routers before them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{fmt, fs};

use anabranch_e2e::json::{Answer, OWN};
use anabranch_e2e::servers::{self, Configured};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::net;
use anabranch_testkit::process;
use anabranch_testkit::scratch::Scratch;
use anyhow::Result;
use serde_json::json;

use crate::answers::is_beyond;
use crate::calls::Call;
use crate::namenodes::Namenode;
use crate::pair::{PATIENCE, Pair};
use crate::places::{MOUNTS, STRICT_MOUNTS};

/// What all routers are told.
const ALL: &[(&str, &str)] = &[
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    ("hadoop.user.group.static.mapping.overrides", "ann=others;dr.who="),
];

/// What both routers are told of the usual pair.
const USUAL: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    ("dfs.nameservices", "ns0,ns1,ns2"),
    // Reserved, so that nobody listens there.
    ("dfs.namenode.rpc-address.ns2", "127.0.0.1:1"),
    ("dfs.namenode.http-address.ns2", "127.0.0.1:1"),
];

/// What those are told that lead nowhere but to mounts, and know quotas.
const STRICT: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameservice.enable", "false"),
    ("dfs.federation.router.quota.enable", "true"),
    ("dfs.federation.router.quota-cache.update.interval", "1s"),
];

/// Mounts of which more is used than their quotas allow, and those quotas as `dfsrouteradmin -setQuota` takes them.
pub const QUOTAS: [(&str, &str); 2] = [("/names", "-nsQuota 2"), ("/bytes", "-ssQuota 1")];

/// See the module.
pub struct Site {
    namenodes: RefCell<[Namenode; 2]>,
    /// Before two nameservices and one that is away.
    usual: Pair,
    /// Without a default nameservice, and with quotas.
    strict: Pair,
    /// Whether something is not as it is before each call.
    touched: Cell<bool>,
    /// Differences, and how many cases have told theirs.
    seen: RefCell<(BTreeSet<&'static str>, usize)>,
    shell: Shell,
    // In order of their end: a router without NameNodes would complain.
    _servers: ([Configured; 2], [Cluster; 2], Scratch),
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
        let told = |own: &[(&'static str, &'static str)]| [ALL, own].concat();
        let java = |plan: Plan, told: &[(&str, &str)]| {
            let plan = plan.set("dfs.federation.router.cache.ttl", "500ms");
            told.iter().fold(plan, |plan, (key, value)| plan.set(key, value))
        };
        // Pages are small, so that there are several.
        let plan = Plan::tests().with_router_apart("").set("rig.away", "ns2").set("dfs.ls.limit", "7");
        let plan = java(plan, &told(USUAL));
        let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
        let warnings = ["a watched NameNode does not answer"];
        let usual = servers::router_compared(&cluster, scratch.path(), &told(USUAL), &warnings)?;
        let dir = scratch.path().join("strict");
        fs::create_dir(&dir)?;
        let before = servers::nameservices(&cluster);
        let plan = before.iter().fold(java(Plan::router(), &told(STRICT)), |plan, (key, value)| plan.set(key, value));
        let alone = Cluster::start(&jars, &dir, &plan)?;
        let strict = servers::router_compared(&cluster, &dir, &told(STRICT), &[])?;
        let shell = Shell::start(&jars, scratch.path())?;
        let user = process::user();
        let mut namenodes = ["ns0", "ns1"].map(|id| Namenode::new(id, cluster.rpc(id), &user));
        namenodes.iter_mut().for_each(Namenode::keep);
        let part = scratch.path().join("part");
        fs::write(&part, "more than one byte")?;
        for id in ["ns0", "ns1"] {
            let to = shell.at(&format!("hdfs://{}", cluster.rpc(id))).set("dfs.replication", "1");
            to.dfs(&["-put", &part.display().to_string(), "/kept/bytes/f"]).ok();
        }
        let site = Self {
            namenodes: RefCell::new(namenodes),
            usual: Pair::new(&shell, &cluster, &usual, &user, MOUNTS)?,
            strict: Pair::new(&shell, &alone, &strict, &user, STRICT_MOUNTS)?,
            touched: Cell::new(true),
            seen: RefCell::default(),
            shell,
            _servers: ([usual, strict], [cluster, alone], scratch),
        };
        site.away("disable");
        Ok(site)
    }

    /// The pair before two nameservices and one that is away.
    pub fn usual(&self) -> &Pair {
        &self.usual
    }

    /// The pair without a default nameservice, and with quotas.
    pub fn strict(&self) -> &Pair {
        &self.strict
    }

    /// Disables or enables the nameservice that is away at our router: without it, calls to the whole cluster fail, from which
    /// Java's leaves it out.
    pub fn away(&self, what: &str) {
        let said = self.usual.admin(&self.shell, 1, &format!("-nameservice {what} ns2"));
        assert!(said.exit == 0 && said.stderr.is_empty(), "{said:?}");
    }

    /// Has both routers of the strict pair do something, and waits until a call is answered so by each.
    fn administer(&self, command: &str, call: &Call, so: impl Fn(&Answer) -> bool) {
        for at in 0..2 {
            self.strict.admin(&self.shell, at, command).ok();
            let is_so = || so(&self.strict.clients(false)[at].ask(call.method, &call.parameters));
            net::wait_until(&format!("{command} takes effect"), PATIENCE, is_so).unwrap();
        }
    }

    /// Has the NameNode of `ns1` refuse whatever changes something, while `work` is done.
    pub fn held(&self, work: impl FnOnce()) {
        let say = |action| self.namenodes.borrow_mut()[1].safe_mode(action);
        self.namenodes.borrow_mut().iter_mut().for_each(Namenode::reset);
        self.touched.set(false);
        say("SAFEMODE_ENTER");
        finally(work, || {
            say("SAFEMODE_LEAVE");
            self.anew();
        });
    }

    /// Has both routers of the strict pair be so, while `work` is done: commands that begin and end it, and a call by which it
    /// shows.
    pub fn administered(
        &self,
        [begin, end]: [&str; 2],
        call: &Call,
        so: impl Fn(&Answer) -> bool,
        work: impl FnOnce(),
    ) {
        self.administer(begin, call, &so);
        finally(work, || self.administer(end, call, |answer| !so(answer)));
    }

    /// Sets quotas of what has more, and waits until the routers know.
    pub fn quotas(&self) {
        for (mount, quota) in QUOTAS {
            let create = json!({
                "src": format!("{mount}/f"), "masked": { "perm": 0o644 }, "clientName": "t", "createFlag": 1,
                "createParent": false, "replication": 1, "blockSize": 1048576,
            });
            let call = Call { method: "create", parameters: create, changes: true, by_other: false };
            self.administer(&format!("-setQuota {mount} {quota}"), &call, is_beyond);
        }
    }

    /// Makes snapshots; [`Site::anew`] takes them away again.
    pub fn snapshots(&self) {
        for namenode in &mut *self.namenodes.borrow_mut() {
            namenode.reset();
            namenode.snapshot();
        }
        self.touched.set(false);
    }

    /// Makes directories of these names in these ones: each third in one NameNode, in the other, in both; the
    /// next call begins anew.
    pub fn fill(&self, directories: &[&str], names: &[String]) {
        self.begin();
        self.anew();
        for (at, namenode) in self.namenodes.borrow_mut().iter_mut().enumerate() {
            let its = names.iter().enumerate().filter(|(number, _)| number % 3 != at);
            for (_, name) in its {
                directories.iter().for_each(|directory| namenode.directory(&format!("{directory}/{name}")));
            }
        }
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

    /// Makes a call at Java's router of a pair and at ours, each from the same beginning.
    pub fn both(&self, pair: &Pair, call: &Call) -> [Outcome; 2] {
        [0, 1].map(|at| {
            self.begin();
            self.made(pair, at, call, &mut None)
        })
    }

    /// Makes calls one after the other at Java's router of a pair, and then at ours, both from the same beginning.
    pub fn in_turn(&self, pair: &Pair, calls: &[Call]) -> [Vec<Outcome>; 2] {
        let outcomes = [0, 1].map(|at| {
            self.anew();
            self.begin();
            let mut trees = None;
            calls.iter().map(|call| self.made(pair, at, call, &mut trees)).collect()
        });
        self.anew();
        outcomes
    }

    fn begin(&self) {
        if self.touched.replace(false) {
            self.namenodes.borrow_mut().iter_mut().for_each(Namenode::reset);
        }
    }

    /// Makes a call at one router. `trees`: those of the NameNodes, if they are known.
    fn made(&self, pair: &Pair, at: usize, call: &Call, trees: &mut Option<[String; 2]>) -> Outcome {
        let (mut namenodes, mut clients) = (self.namenodes.borrow_mut(), pair.clients(call.by_other));
        let client = &mut *clients[at];
        let parameters = serde_json::from_str(&call.parameters.to_string().replace(OWN, OWNERS[at])).unwrap();
        let mut ask = || client.ask(call.method, &parameters).without(&OWNERS);
        if !call.changes {
            return Outcome { answer: ask(), trees: Vec::new() };
        }
        let before = trees.take().unwrap_or_else(|| namenodes.each_mut().map(Namenode::tree));
        let answer = ask();
        let after = namenodes.each_mut().map(Namenode::tree);
        // Not all that a call does can be seen.
        self.touched.set(matches!(answer, Answer::Result(_)) || before != after);
        let changes =
            before.iter().zip(&after).enumerate().flat_map(|(at, (before, after))| changes(at, before, after));
        let outcome = Outcome { answer, trees: changes.collect() };
        *trees = Some(after);
        outcome
    }
}

/// Undoes what is not to outlive `work`, even if that fails.
fn finally(work: impl FnOnce(), undo: impl FnOnce()) {
    let done = catch_unwind(AssertUnwindSafe(work));
    undo();
    done.unwrap_or_else(|failure| resume_unwind(failure));
}

/// Lines of a tree that went, and that came.
fn changes(at: usize, before: &str, after: &str) -> Vec<String> {
    let gone = before.lines().filter(|line| !after.lines().any(|other| other == *line));
    let come = after.lines().filter(|line| !before.lines().any(|other| other == *line));
    gone.map(|line| format!("ns{at} - {line}")).chain(come.map(|line| format!("ns{at} + {line}"))).collect()
}
