//! Apache Hadoop as it is measured: each daemon whose CPU counts in a JVM of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anabranch_testkit::hadoop::{Jars, Jvm, Tuning};
use anyhow::{Context, Result};

const START: Duration = Duration::from_secs(150);

/// JVMs in the order of their start, with the roles that `Daemons.java` knows.
const JVMS: [&[&str]; 4] =
    [&["namenode:ns0"], &["namenode:ns1"], &["datanode:dn0"], &["router:/data0=ns0:/data0,/data1=ns1:/data1"]];

/// What every daemon is told. The router's settings are those it ships with, but for its addresses, its store, what it
/// federates and the time until it serves.
const SETTINGS: [(&str, &str); 15] = [
    ("dfs.replication", "1"),
    ("dfs.heartbeat.interval", "1"),
    ("dfs.namenode.safemode.extension", "0"),
    ("dfs.namenode.datanode.registration.ip-hostname-check", "false"),
    ("dfs.federation.router.rpc-address", "127.0.0.1:0"),
    ("dfs.federation.router.admin-address", "127.0.0.1:0"),
    ("dfs.federation.router.http-address", "127.0.0.1:0"),
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    ("dfs.federation.router.monitor.localnamenode.enable", "false"),
    ("dfs.federation.router.monitor.namenode", "ns0,ns1"),
    ("dfs.federation.router.safemode.extension", "1s"),
    ("dfs.federation.router.safemode.checkperiod", "200ms"),
    (
        "dfs.federation.router.store.driver.class",
        "org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreFileImpl",
    ),
    ("ipc.client.connect.max.retries", "3"),
    ("dfs.namenode.acls.enabled", "true"),
];

/// Running daemons, killed when dropped.
pub struct Hadoop {
    jvms: Vec<Jvm>,
    daemons: BTreeMap<String, Daemon>,
}

/// A daemon: what addresses it serves at, by kind, and its process.
struct Daemon {
    addresses: BTreeMap<String, String>,
    pid: u32,
}

impl Hadoop {
    /// Starts all daemons, their files in `dir`, and waits until they serve. `user` may speak for others, as a router
    /// does.
    pub fn start(jars: &Jars, dir: &Path, user: &str) -> Result<Self> {
        let mut hadoop = Self { jvms: Vec::new(), daemons: BTreeMap::new() };
        for (number, roles) in JVMS.iter().enumerate() {
            let mut args = vec![dir.display().to_string()];
            for (key, value) in hadoop.settings(dir, user) {
                args.extend(["-D".to_owned(), format!("{key}={value}")]);
            }
            args.extend(roles.iter().map(|role| (*role).to_owned()));
            let log = dir.join(format!("hadoop-{number}.log"));
            let mut jvm = Jvm::start(jars, Tuning::Measure, "Daemons", &args, "INFO", &log)?;
            let answer = jvm.receive(START).with_context(|| format!("starting {}", roles.join(", ")))?;
            let started: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_value(answer)?;
            let pid = jvm.pid();
            hadoop.daemons.extend(started.into_iter().map(|(role, addresses)| (role, Daemon { addresses, pid })));
            hadoop.jvms.push(jvm);
        }
        Ok(hadoop)
    }

    /// Where a NameNode (`ns0`, `ns1`) or the `router` serves RPC.
    pub fn rpc(&self, role: &str) -> Result<SocketAddr> {
        let address = self.daemon(role)?.addresses.get("rpc").with_context(|| format!("{role} serves no RPC"))?;
        Ok(address.parse()?)
    }

    /// The process of a daemon.
    pub fn pid(&self, role: &str) -> Result<u32> {
        Ok(self.daemon(role)?.pid)
    }

    fn daemon(&self, role: &str) -> Result<&Daemon> {
        self.daemons.get(role).with_context(|| format!("{role} was not started"))
    }

    fn settings(&self, dir: &Path, user: &str) -> Vec<(String, String)> {
        let fixed = SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut settings: Vec<_> = fixed.collect();
        settings.push(("hadoop.tmp.dir".to_owned(), dir.join("tmp").display().to_string()));
        let store = dir.join("java-router-store").display().to_string();
        settings.push(("dfs.federation.router.store.driver.file.directory".to_owned(), store));
        for side in ["hosts", "groups"] {
            settings.push((format!("hadoop.proxyuser.{user}.{side}"), "*".to_owned()));
        }
        let namenodes = self.daemons.iter().filter(|(role, _)| role.starts_with("ns"));
        let names: Vec<_> = namenodes.clone().map(|(role, _)| role.as_str()).collect();
        if !names.is_empty() {
            settings.push(("dfs.nameservices".to_owned(), names.join(",")));
        }
        for (role, daemon) in namenodes {
            for (kind, address) in &daemon.addresses {
                settings.push((format!("dfs.namenode.{kind}-address.{role}"), address.clone()));
            }
        }
        settings
    }
}
