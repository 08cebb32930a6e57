//! Two routers that are one nameservice to Java's clients.

use std::path::Path;

use anabranch_e2e::servers::{Configured, router_configured};
use anabranch_testkit::hadoop::Shell;
use anyhow::Result;

/// What routers say of NameNodes that are away.
const WARNINGS: [&str; 2] = ["a watched NameNode does not answer", "a NameNode does not tell its state"];

/// See the module.
pub struct Routers {
    routers: [Configured; 2],
    killed: [bool; 2],
}

impl Routers {
    /// Starts them before the nameservices of `properties`, and gives each these mounts.
    pub fn start(
        dir: &Path,
        shell: &Shell,
        properties: &[(String, String)],
        own: &[(&str, &str)],
        mounts: &[&[&str]],
    ) -> Result<Self> {
        let start = |name: &str| router(&dir.join(name), properties, own);
        let routers = [start("r0")?, start("r1")?];
        for router in &routers {
            let admin = shell.at(&router.router.uri());
            let admin = admin.set("dfs.federation.router.admin-address", &router.admin.to_string());
            for mount in mounts {
                admin.dfsrouteradmin(&[&["-add"], *mount].concat()).ok();
            }
        }
        Ok(Self { routers, killed: [false; 2] })
    }

    /// How a Java client is told of them, as `hdfs://fleet`: `-D key=value ... URI`.
    pub fn client_arguments(&self) -> Vec<String> {
        let [first, second] = &self.routers;
        let properties = [
            ("dfs.nameservices", "fleet"),
            ("dfs.ha.namenodes.fleet", "r0,r1"),
            ("dfs.namenode.rpc-address.fleet.r0", &first.router.rpc.to_string()),
            ("dfs.namenode.rpc-address.fleet.r1", &second.router.rpc.to_string()),
            (
                "dfs.client.failover.proxy.provider.fleet",
                "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
            ),
            // What follows spares time where nothing fails: DataNodes report late on a busy machine.
            ("dfs.replication", "1"),
            ("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10"),
            ("dfs.client.block.write.locateFollowingBlock.retries", "10"),
        ];
        let told = properties.iter().flat_map(|(key, value)| ["-D".to_owned(), format!("{key}={value}")]);
        told.chain(["hdfs://fleet".to_owned()]).collect()
    }

    /// SIGKILL.
    pub fn kill(&mut self, at: usize) {
        self.routers[at].kill().unwrap();
        self.killed[at] = true;
    }

    /// Starts those again that were killed.
    pub fn restart(&mut self) {
        for (router, killed) in self.routers.iter_mut().zip(&mut self.killed) {
            if std::mem::take(killed) {
                router.restart().unwrap();
            }
        }
    }
}

fn router(dir: &Path, properties: &[(String, String)], own: &[(&str, &str)]) -> Result<Configured> {
    let shared = [
        ("dfs.federation.router.store.driver.class", "rocksdb".to_owned()),
        ("dfs.federation.router.store.driver.file.directory", dir.join("store").display().to_string()),
        // By default listings have what subclusters say that answer; these clients want all.
        ("dfs.federation.router.client.allow-partial-listing", "false".to_owned()),
    ];
    let shared = shared.map(|(key, value)| (key.to_owned(), value));
    let own = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    router_configured(&dir.join("conf"), properties.iter().cloned().chain(shared).chain(own), &WARNINGS)
}
