//! The subclusters, and the two routers before them.

use std::path::Path;

use anabranch_e2e::servers::{Configured, router_configured};
use anabranch_testkit::hadoop::{Jars, Pair, Shell};
use anabranch_testkit::process::user;
use anabranch_testkit::scratch::Scratch;
use anyhow::Result;
use parking_lot::Mutex;

/// Of directories in the subclusters: one in `ns0`, one in both.
const MOUNTS: [&[&str]; 2] = [&["/data", "ns0", "/data"], &["/spread", "ns0,ns1", "/spread", "-order", "HASH_ALL"]];

/// What routers say of NameNodes that are away.
const WARNINGS: [&str; 2] = ["a watched NameNode does not answer", "a NameNode does not tell its state"];

/// What all cases share.
pub struct Site {
    pub rig: Mutex<Rig>,
    pub jars: Jars,
    pub scratch: Scratch,
}

impl Site {
    pub fn start() -> Result<Self> {
        let scratch = Scratch::new("failover")?;
        let jars = Jars::get()?;
        let rig = Rig::start(&jars, scratch.path())?;
        Ok(Self { rig: Mutex::new(rig), jars, scratch })
    }
}

/// What fails.
pub struct Rig {
    pub pair: Pair,
    routers: [Configured; 2],
    shell: Shell,
}

impl Rig {
    fn start(jars: &Jars, dir: &Path) -> Result<Self> {
        let shell = Shell::start(jars, dir)?;
        let user = user();
        let settings = [
            // Whose word counts about who calls: the retry cache and the audit log have to know the client.
            ("dfs.namenode.ip-proxy-users", user.as_str()),
            // A standby that lags behind waits in safe mode for blocks that are long deleted.
            ("dfs.ha.tail-edits.in-progress", "true"),
            ("dfs.ha.tail-edits.period", "500ms"),
        ];
        let pair = Pair::start(jars, dir, &shell, &settings)?;
        for ns in ["ns0", "ns1"] {
            shell.at(&format!("hdfs://{}", pair.rpc(ns))).dfs(&["-mkdir", "/data", "/spread"]).ok();
        }
        let routers = [router(&pair, &dir.join("router0"))?, router(&pair, &dir.join("router1"))?];
        let rig = Self { pair, routers, shell };
        for router in &rig.routers {
            let admin = rig.shell.at(&router.router.uri());
            let admin = admin.set("dfs.federation.router.admin-address", &router.admin.to_string());
            for mount in MOUNTS {
                admin.dfsrouteradmin(&[&["-add"], mount].concat()).ok();
            }
        }
        Ok(rig)
    }

    /// The two routers as `hdfs://fleet`.
    pub fn client_properties(&self) -> Vec<(String, String)> {
        let mut properties: Vec<(String, String)> = [
            ("dfs.nameservices", "fleet"),
            ("dfs.ha.namenodes.fleet", "r0,r1"),
            (
                "dfs.client.failover.proxy.provider.fleet",
                "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
            ),
            // What follows spares time where nothing fails: DataNodes report late on a busy machine.
            ("dfs.replication", "1"),
            ("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10"),
            ("dfs.client.block.write.locateFollowingBlock.retries", "10"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        for (at, router) in self.routers.iter().enumerate() {
            properties.push((format!("dfs.namenode.rpc-address.fleet.r{at}"), router.router.rpc.to_string()));
        }
        properties
    }

    pub fn fail_over(&mut self) {
        self.pair.fail_over(&self.shell).unwrap();
    }

    pub fn kill_router(&mut self, at: usize) {
        self.routers[at].kill().unwrap();
    }

    pub fn restart_router(&mut self, at: usize) {
        self.routers[at].restart().unwrap();
    }
}

fn router(pair: &Pair, dir: &Path) -> Result<Configured> {
    let own = [
        ("dfs.federation.router.store.driver.class", "rocksdb".to_owned()),
        ("dfs.federation.router.store.driver.file.directory", dir.join("store").display().to_string()),
        ("dfs.federation.router.heartbeat.interval", "1s".to_owned()),
        // By default listings have what subclusters say that answer; these clients want all.
        ("dfs.federation.router.client.allow-partial-listing", "false".to_owned()),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value));
    router_configured(&dir.join("conf"), pair.properties().iter().cloned().chain(own), &WARNINGS)
}
