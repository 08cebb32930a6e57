//! The NameNodes, both routers, and those who use them.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anabranch_e2e::servers::{self, Configured, Router};
use anabranch_testkit::hadoop::{Cluster, Jars, Output, Plan, Session, Shell};
use anabranch_testkit::process::user;
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::{http, net};
use anyhow::Result;
use serde_json::{Value, json};

use anabranch_e2e::json::{Answer, Client};

/// What both routers are told.
const BOTH: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    ("dfs.federation.router.quota.enable", "true"),
    ("dfs.federation.router.quota-cache.update.interval", "1s"),
];

/// Mounts, `$R` the directory of the router.
const MOUNTS: &[&str] = &[
    "/one ns0 $R/one",
    "/both ns0,ns1 $R/both -order HASH_ALL",
    "/v/low ns0 $R/low",
    "/v/high ns1 $R/high",
    "/nest ns0 $R/nest",
    "/nest/in ns1 $R/in",
    "/free ns0 $R/free",
];

/// Much more than a round takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct Site {
    shell: Shell,
    java: Side,
    ours: Side,
    namenodes: [String; 2],
    // In order of their end: a router without NameNodes would complain.
    router: Router,
    cluster: Cluster,
    _hung: TcpListener,
    scratch: Scratch,
}

/// A router, and where its mounts lead to.
pub struct Side {
    pub rpc: SocketAddr,
    pub admin: String,
    pub directory: &'static str,
}

impl Site {
    /// Starts everything.
    pub fn start() -> Result<Self> {
        let scratch = Scratch::new("quota")?;
        let jars = Jars::get()?;
        let plan = BOTH.iter().fold(
            Plan::tests().with_router_apart("").set("dfs.federation.router.cache.ttl", "500ms"),
            |plan, (key, value)| plan.set(key, value),
        );
        let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
        // Takes connections, and never says anything.
        let hung = TcpListener::bind("127.0.0.1:0")?;
        let own = [
            ("dfs.federation.router.store.driver.class", "rocksdb".to_owned()),
            ("dfs.federation.router.store.driver.file.directory", scratch.path().join("store").display().to_string()),
            ("dfs.nameservices", "ns0,ns1,gone,hung".to_owned()),
            ("dfs.namenode.rpc-address.gone", net::free_address()?.to_string()),
            ("dfs.namenode.rpc-address.hung", hung.local_addr()?.to_string()),
        ];
        let both = BOTH.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let told = servers::nameservices(&cluster).into_iter().chain(own).chain(both);
        // Those that are not there.
        let warnings =
            ["gone", "hung", "quotas are not counted and set everywhere", "quotas are not set on all NameNodes yet"];
        let Configured { router, admin, .. } =
            servers::router_configured(&scratch.path().join("conf"), told, &warnings)?;
        let shell = Shell::start(&jars, scratch.path())?;
        let site = Self {
            shell,
            java: Side { rpc: cluster.rpc("router").parse()?, admin: cluster.admin().to_owned(), directory: "/java" },
            ours: Side { rpc: router.rpc, admin: admin.to_string(), directory: "/ours" },
            namenodes: ["ns0", "ns1"].map(|id| cluster.rpc(id).to_owned()),
            router,
            cluster,
            _hung: hung,
            scratch,
        };
        for side in site.sides() {
            for namenode in &site.namenodes {
                let directories = ["one", "both", "low", "high", "nest", "in", "free"];
                let paths = directories.map(|name| format!("{}/{name}", side.directory));
                let args: Vec<&str> = ["-mkdir", "-p"].into_iter().chain(paths.iter().map(String::as_str)).collect();
                site.shell.at(&format!("hdfs://{namenode}")).dfs(&args).ok();
            }
            for mount in MOUNTS {
                site.admin(side, &format!("-add {mount}")).ok();
            }
        }
        site.until("the mounts are there", |side| site.dfs(side, &["-ls", "/free"]).exit == 0);
        Ok(site)
    }

    /// Java's router, then ours.
    pub fn sides(&self) -> [&Side; 2] {
        [&self.java, &self.ours]
    }

    pub fn ours(&self) -> &Side {
        &self.ours
    }

    /// `hdfs dfsrouteradmin` at one router, `$R` its directory.
    pub fn admin(&self, side: &Side, command: &str) -> Output {
        let command = command.replace("$R", side.directory);
        let args: Vec<&str> = command.split(' ').collect();
        self.shell.at("hdfs://unused").set("dfs.federation.router.admin-address", &side.admin).dfsrouteradmin(&args)
    }

    /// At both, which answer the same; the answer.
    pub fn both_admin(&self, command: &str) -> Output {
        let [java, ours] = self.sides().map(|side| self.admin(side, command));
        let said = ours.stdout.replace(self.ours.directory, self.java.directory);
        assert_eq!((ours.exit, &said), (java.exit, &java.stdout), "{command}");
        ours
    }

    /// The quota and use of a mount, as `dfsrouteradmin -ls` shows it.
    pub fn shown(&self, side: &Side, mount: &str) -> String {
        let listed = self.admin(side, &format!("-ls {mount}")).ok();
        let line = listed.lines().find(|line| line.starts_with(&format!("{mount} "))).unwrap_or_default();
        line.split_once('[').map_or_else(String::new, |(_, quota)| format!("[{}", quota.trim_end()))
    }

    /// Waits until both show this of a mount.
    pub fn until_shown(&self, mount: &str, quota: &str) {
        self.until(&format!("{mount} {quota}"), |side| self.shown(side, mount) == quota);
    }

    /// Waits until something holds at both routers.
    pub fn until(&self, what: &str, holds: impl Fn(&Side) -> bool) {
        for side in self.sides() {
            net::wait_until(&format!("{what} at the router of {}", side.directory), PATIENCE, || holds(side)).unwrap();
        }
    }

    fn session(&self, side: &Side) -> Session<'_> {
        // Small blocks: a NameNode counts a whole one when it is begun.
        self.shell.at(&format!("hdfs://{}", side.rpc)).set("dfs.blocksize", "262144")
    }

    /// `hdfs dfs` at one router.
    pub fn dfs(&self, side: &Side, args: &[&str]) -> Output {
        self.session(side).dfs(args)
    }

    /// `hdfs dfsadmin` at one router.
    pub fn dfsadmin(&self, side: &Side, args: &[&str]) -> Output {
        self.session(side).dfsadmin(args)
    }

    /// `hdfs dfsadmin` at a NameNode, past the routers.
    pub fn by_hand(&self, namenode: usize, args: &[&str]) {
        self.shell.at(&format!("hdfs://{}", self.namenodes[namenode])).dfsadmin(args).ok();
    }

    /// A call at one router.
    pub fn ask(&self, side: &Side, method: &str, parameters: &Value) -> Answer {
        Client::new(&side.rpc.to_string(), &user()).ask(method, parameters)
    }

    /// What a NameNode says of the quota of a directory of a router.
    pub fn quota_at(&self, namenode: usize, side: &Side, name: &str) -> Value {
        let path = format!("{}/{name}", side.directory);
        match Client::new(&self.namenodes[namenode], &user()).ask("getQuotaUsage", &json!({ "path": path })) {
            Answer::Result(value) => value["usage"].clone(),
            other => panic!("{path}: {other}"),
        }
    }

    /// A page of a router's web server, Java's or ours.
    pub fn page(&self, side: &Side, path: &str) -> String {
        let ours = self.router.http.to_string();
        let address = if side.directory == "/ours" { &ours } else { self.cluster.http("router") };
        http::get(address, path).unwrap().body
    }

    /// A local file of so many bytes.
    pub fn file(&self, bytes: usize) -> String {
        let path = self.scratch.path().join(format!("{bytes}"));
        std::fs::write(&path, vec![7; bytes]).unwrap();
        path.display().to_string()
    }
}
