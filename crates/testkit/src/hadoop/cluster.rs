use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::Value;

use super::{Jars, Jvm, Tuning};
use crate::pid;

/// Much more than any daemon needs.
pub(super) const START: Duration = Duration::from_secs(150);

/// Configuration of every daemon of a cluster. The block size limit is off because the contract suite writes blocks of
/// 1 KiB, and the loopback addresses have no names that a NameNode could check.
const CONFIGURATION: &[(&str, &str)] = &[
    ("dfs.replication", "1"),
    ("dfs.heartbeat.interval", "1"),
    ("dfs.namenode.safemode.extension", "0"),
    ("dfs.namenode.fs-limits.min-block-size", "0"),
    ("dfs.namenode.datanode.registration.ip-hostname-check", "false"),
    ("dfs.namenode.acls.enabled", "true"),
    ("ipc.client.connect.max.retries", "3"),
];

/// What a cluster consists of.
#[derive(Debug, Clone)]
pub struct Plan {
    tuning: Tuning,
    /// Roles of each JVM, in order of their start; see `e2e/hadoop/src/Daemons.java`.
    processes: Vec<Vec<String>>,
    level: &'static str,
    settings: Vec<(String, String)>,
}

impl Plan {
    /// Nameservices `ns0` and `ns1` and two DataNodes that serve both, in one JVM: three seconds.
    pub fn tests() -> Self {
        Self::nameservices(2)
    }

    /// The same with so many nameservices.
    pub fn nameservices(count: usize) -> Self {
        let namenodes = (0..count).map(|at| format!("namenode:ns{at}"));
        let roles = namenodes.chain(["datanode:dn0", "datanode:dn1"].map(String::from)).collect();
        Self { tuning: Tuning::Start, processes: vec![roles], level: "WARN", settings: Vec::new() }
    }

    /// Nameservices `ns0` and `ns1`, and three DataNodes that serve both, of which each connects from an address of its own,
    /// `127.0.0.1` to `127.0.0.3`: for NameNodes, three hosts.
    pub fn hosts() -> Self {
        let datanodes = (1..=3).map(|host| format!("datanode:dn{host}@127.0.0.{host}"));
        let roles = ["namenode:ns0", "namenode:ns1"].map(String::from).into_iter().chain(datanodes).collect();
        Self { processes: vec![roles], ..Self::tests() }
    }

    /// Nameservices `ns0` and `ns1` without DataNodes, each in a JVM of its own.
    pub fn apart() -> Self {
        let processes = ["namenode:ns0", "namenode:ns1"].map(|role| vec![role.to_owned()]).into();
        Self { processes, ..Self::tests() }
    }

    /// Nameservices `ns0` and `ns1` without DataNodes beside a Java router without mounts.
    pub fn administration() -> Self {
        let roles = ["namenode:ns0", "namenode:ns1", "router:"].map(String::from);
        Self { processes: vec![roles.into()], ..Self::tests() }
    }

    /// The same beside a Java router with mounts `/data0` and `/data1`, each daemon whose CPU is measured in a JVM of
    /// its own with the optimising compiler.
    pub fn bench() -> Self {
        let processes: [&[&str]; 4] = [
            &["namenode:ns0"],
            &["namenode:ns1"],
            &["datanode:dn0", "datanode:dn1"],
            &["router:/data0=ns0:/data0,/data1=ns1:/data1"],
        ];
        let processes = processes.iter().map(|roles| roles.iter().map(|r| (*r).to_owned()).collect()).collect();
        Self { tuning: Tuning::Measure, processes, level: "INFO", settings: Vec::new() }
    }

    /// Nameservice `ns1` with a DataNode, and `ns0` without one, beside a Java router without mounts.
    pub fn unequal() -> Self {
        let processes: [&[&str]; 3] = [&["namenode:ns1", "datanode:dn0"], &["namenode:ns0"], &["router:"]];
        let processes = processes.iter().map(|roles| roles.iter().map(|r| (*r).to_owned()).collect()).collect();
        Self { processes, ..Self::tests() }
    }

    /// A Java router without mounts, alone; what it watches has to be set.
    pub fn router() -> Self {
        Self { processes: vec![vec!["router:".to_owned()]], ..Self::tests() }
    }

    /// Sets a property of every daemon.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds a nameservice with high availability, which a Java router watches, to the last JVM: roles `NS.nn1`, which is
    /// active, and `NS.nn2`, a standby.
    #[must_use]
    pub fn with_namenode_pair(mut self, nameservice: &str) -> Self {
        if let Some(roles) = self.processes.last_mut() {
            roles.push(format!("pair:{nameservice}"));
        }
        self
    }

    /// Adds the Java router, with the mounts `path=nameservice:path,...`, in a JVM of its own: the management beans of
    /// NameNodes in the same JVM have the names of its own.
    #[must_use]
    pub fn with_router_apart(mut self, mounts: &str) -> Self {
        self.processes.push(vec![format!("router:{mounts}")]);
        self
    }

    /// Adds the Java router, with the mounts `path=nameservice:path,...`, to the last JVM.
    #[must_use]
    pub fn with_router(mut self, mounts: &str) -> Self {
        if let Some(roles) = self.processes.last_mut() {
            roles.push(format!("router:{mounts}"));
        }
        self
    }
}

/// Running Hadoop daemons, killed when dropped.
pub struct Cluster {
    jvms: Vec<Jvm>,
    /// role -> kind of address -> host:port
    addresses: BTreeMap<String, BTreeMap<String, String>>,
    /// role -> process id
    pids: BTreeMap<String, u32>,
}

impl Cluster {
    /// Starts the daemons with their data and logs below `dir` and waits until all of them serve.
    pub fn start(jars: &Jars, dir: &Path, plan: &Plan) -> Result<Self> {
        let mut cluster = Self { jvms: Vec::new(), addresses: BTreeMap::new(), pids: BTreeMap::new() };
        for (index, roles) in plan.processes.iter().enumerate() {
            let log = dir.join(format!("hadoop-{index}.log"));
            let args = cluster.arguments(plan, dir, roles);
            let mut jvm = Jvm::start(jars, plan.tuning, "Daemons", &args, plan.level, &log)?;
            let answer = jvm.receive_first(START).with_context(|| format!("starting {}", roles.join(", ")))?;
            let roles: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_value(answer)?;
            cluster.pids.extend(roles.keys().map(|role| (role.clone(), jvm.pid())));
            cluster.addresses.extend(roles);
            cluster.jvms.push(jvm);
        }
        Ok(cluster)
    }

    /// `host:port` of a NameNode's RPC server, or the Java router's with `router`.
    ///
    /// # Panics
    /// If the cluster has no such role.
    pub fn rpc(&self, role: &str) -> &str {
        self.address(role, "rpc")
    }

    /// `host:port` of the Java router's administration.
    ///
    /// # Panics
    /// If the cluster has no router.
    pub fn admin(&self) -> &str {
        self.address("router", "admin")
    }

    /// `host:port` of a daemon's HTTP server.
    ///
    /// # Panics
    /// If the cluster has no such role.
    pub fn http(&self, role: &str) -> &str {
        self.address(role, "http")
    }

    /// The process id of a role; roles of one JVM share it.
    ///
    /// # Panics
    /// If the cluster has no such role.
    pub fn pid(&self, role: &str) -> u32 {
        *self.pids.get(role).unwrap_or_else(|| panic!("no role {role} in {:?}", self.pids))
    }

    /// Sends a signal to the process of a role.
    pub fn signal(&self, role: &str, signal: Signal) -> Result<()> {
        pid::signal(self.pid(role), signal)
    }

    fn address(&self, role: &str, kind: &str) -> &str {
        let found = self.addresses.get(role).and_then(|kinds| kinds.get(kind));
        found.unwrap_or_else(|| panic!("no {kind} address of {role} in {:?}", self.addresses))
    }

    fn arguments(&self, plan: &Plan, dir: &Path, roles: &[String]) -> Vec<String> {
        let mut settings = daemon_settings(dir, plan.tuning);
        let names: Vec<&str> = self.addresses.keys().map(String::as_str).filter(|r| r.starts_with("ns")).collect();
        for ns in &names {
            settings.push((format!("dfs.namenode.rpc-address.{ns}"), self.rpc(ns).to_owned()));
            settings.push((format!("dfs.namenode.http-address.{ns}"), self.http(ns).to_owned()));
        }
        if !names.is_empty() {
            settings.push(("dfs.nameservices".to_owned(), names.join(",")));
        }
        settings.extend(plan.settings.iter().cloned());
        daemon_arguments(dir, &settings, roles)
    }

    /// An attribute of a daemon's management bean, for example `Hadoop:service=NameNode,name=FSNamesystem`.
    pub fn jmx(&self, role: &str, bean: &str, attribute: &str) -> Result<Value> {
        jmx(self.http(role), bean, attribute)
    }
}

/// An attribute of a management bean of the daemon whose HTTP server is at `address`.
pub(super) fn jmx(address: &str, bean: &str, attribute: &str) -> Result<Value> {
    let answer = crate::http::get(address, &format!("/jmx?qry={bean}"))?;
    let mut beans: Value = serde_json::from_str(&answer.body)?;
    Ok(beans["beans"][0][attribute].take())
}

/// What every daemon is told that has its data below `dir`.
pub(super) fn daemon_settings(dir: &Path, tuning: Tuning) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> =
        CONFIGURATION.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    settings.push(("hadoop.tmp.dir".to_owned(), dir.join("tmp").display().to_string()));
    if tuning == Tuning::Start {
        settings.push(("rig.skip-fsync".to_owned(), "true".to_owned()));
    }
    let user = rustix::process::geteuid().is_root().then_some("root").map_or_else(login_name, str::to_owned);
    for side in ["hosts", "groups"] {
        // Whoever runs the tests runs the routers, and these speak for their callers.
        settings.push((format!("hadoop.proxyuser.{user}.{side}"), "*".to_owned()));
    }
    settings
}

/// What `Daemons` is started with.
pub(super) fn daemon_arguments(dir: &Path, settings: &[(String, String)], roles: &[String]) -> Vec<String> {
    let mut args = vec![dir.display().to_string()];
    args.extend(settings.iter().flat_map(|(key, value)| ["-D".to_owned(), format!("{key}={value}")]));
    args.extend(roles.iter().cloned());
    args
}

fn login_name() -> String {
    std::env::var("USER").unwrap_or_else(|_| "root".to_owned())
}
