use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::cluster::{START, daemon_arguments, daemon_settings, jmx};
use super::{Jars, Jvm, Shell, Tuning};
use crate::net::{free_address, wait_until};

const IDS: [&str; 2] = ["nn1", "nn2"];

/// Much more than a failover takes.
const FAILOVER: Duration = Duration::from_secs(120);

/// What `hdfs haadmin` is told. As with most clusters on QJM, the journal alone fences off a NameNode that is not active any
/// more.
const FAILOVER_CONTROLLER: [(&str, &str); 2] =
    [("dfs.ha.fencing.methods", "shell(/bin/true)"), ("ha.failover-controller.graceful-fence.rpc-timeout.ms", "2000")];

/// Nameservice `ns0` with two NameNodes, `nn1` and `nn2`, whose edits are on three JournalNodes; nameservice `ns1` with one; two
/// DataNodes that serve both. Each NameNode of `ns0` is a process of its own. They are killed when dropped.
pub struct Pair {
    jars: Jars,
    dir: PathBuf,
    settings: Vec<(String, String)>,
    /// What routers and clients must know.
    properties: Vec<(String, String)>,
    namenodes: [Option<Jvm>; 2],
    active: usize,
    others: Vec<Jvm>,
}

impl Pair {
    /// Starts all of it with data and logs below `dir`, with these properties for every daemon, and waits until `nn1` serves.
    pub fn start(jars: &Jars, dir: &Path, shell: &Shell, settings: &[(&str, &str)]) -> Result<Self> {
        let mut pair = Self {
            jars: jars.clone(),
            dir: dir.to_owned(),
            settings: daemon_settings(dir, Tuning::Start),
            properties: vec![("dfs.ha.namenodes.ns0".to_owned(), IDS.join(","))],
            namenodes: [None, None],
            active: 0,
            others: Vec::new(),
        };
        pair.settings.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let (journals, addresses) = pair.daemons("journals", &["journals:3"])?;
        let addresses: Vec<&str> = addresses.values().filter_map(|kinds| kinds["rpc"].as_str()).collect();
        let edits = format!("qjournal://{}/ns0", addresses.join(";"));
        pair.settings.push(("dfs.namenode.shared.edits.dir.ns0".to_owned(), edits));
        for id in IDS {
            for kind in ["rpc", "http"] {
                pair.properties.push((format!("dfs.namenode.{kind}-address.ns0.{id}"), free_address()?.to_string()));
            }
        }
        pair.settings.push(("dfs.nameservices".to_owned(), "ns0".to_owned()));
        pair.settings.extend(pair.properties.iter().cloned());
        pair.restart(0)?;
        let (second, datanodes) = thread::scope(|scope| {
            let second = scope.spawn(|| pair.daemons("nn2", &["member:ns0.nn2"]));
            let datanodes = pair.daemons("datanodes", &["namenode:ns1", "datanode:dn0", "datanode:dn1"]);
            (second.join().unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked, see above"))), datanodes)
        });
        pair.namenodes[1] = Some(second?.0);
        let (datanodes, addresses) = datanodes?;
        for kind in ["rpc", "http"] {
            let address = addresses["ns1"][kind].as_str().context("no address of ns1")?;
            pair.properties.push((format!("dfs.namenode.{kind}-address.ns1"), address.to_owned()));
        }
        pair.properties.push(("dfs.nameservices".to_owned(), "ns0,ns1".to_owned()));
        pair.others.extend([journals, datanodes]);
        pair.administer(shell, &["-transitionToActive", IDS[0]])?;
        for namenode in 0..IDS.len() {
            pair.await_datanodes(namenode)?;
        }
        Ok(pair)
    }

    /// What a router or a client must know of both nameservices.
    pub fn properties(&self) -> &[(String, String)] {
        &self.properties
    }

    /// Index of the NameNode that was made active last.
    pub fn active(&self) -> usize {
        self.active
    }

    /// `host:port` of an active NameNode.
    ///
    /// # Panics
    /// If `ns` is neither `ns0` nor `ns1`.
    pub fn rpc(&self, ns: &str) -> &str {
        match ns {
            "ns0" => self.address("rpc", self.active),
            _ => self.property(&format!("dfs.namenode.rpc-address.{ns}")),
        }
    }

    /// `hdfs haadmin -failover` from the active NameNode, in whatever state it is, to the other, as soon as that one is ready.
    pub fn fail_over(&mut self, shell: &Shell) -> Result<()> {
        let (from, to) = (self.active, 1 - self.active);
        self.administer(shell, &["-failover", IDS[from], IDS[to]])?;
        self.active = to;
        Ok(())
    }

    /// SIGSTOP.
    pub fn pause(&self, namenode: usize) -> Result<()> {
        self.namenodes[namenode].as_ref().context("it does not run")?.pause()
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self, namenode: usize) {
        self.namenodes[namenode] = None;
    }

    /// Starts a NameNode that does not run, where it was; it becomes a standby.
    pub fn restart(&mut self, namenode: usize) -> Result<()> {
        let id = IDS[namenode];
        let (jvm, _) = self.daemons(id, &[&format!("member:ns0.{id}")])?;
        self.namenodes[namenode] = Some(jvm);
        Ok(())
    }

    /// An attribute of a management bean of a NameNode of `ns0`.
    pub fn jmx(&self, namenode: usize, bean: &str, attribute: &str) -> Result<Value> {
        jmx(self.address("http", namenode), bean, attribute)
    }

    fn daemons(&self, name: &str, roles: &[&str]) -> Result<(Jvm, BTreeMap<String, Value>)> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let args = daemon_arguments(&self.dir, &self.settings, &roles);
        let log = self.dir.join(format!("hadoop-{name}.log"));
        let mut jvm = Jvm::start(&self.jars, Tuning::Start, "Daemons", &args, "WARN", &log)?;
        let addresses = jvm.receive(START).with_context(|| format!("starting {name}"))?;
        Ok((jvm, serde_json::from_value(addresses)?))
    }

    fn administer(&self, shell: &Shell, args: &[&str]) -> Result<()> {
        let told = FAILOVER_CONTROLLER.into_iter().chain(self.properties.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let session = told.fold(shell.at("hdfs://ns0"), |session, (key, value)| session.set(key, value));
        let args = [&["-ns", "ns0"], args].concat();
        let mut last = None;
        let done = wait_until(&args.join(" "), FAILOVER, || {
            let output = session.haadmin(&args);
            let done = output.exit == 0;
            last = Some(output);
            done
        });
        done.with_context(|| format!("{last:?}"))
    }

    fn await_datanodes(&self, namenode: usize) -> Result<()> {
        wait_until("both DataNodes are known", START, || {
            let live = self.jmx(namenode, "Hadoop:service=NameNode,name=FSNamesystemState", "NumLiveDataNodes");
            live.is_ok_and(|live| live == 2)
        })
    }

    fn address(&self, kind: &str, namenode: usize) -> &str {
        self.property(&format!("dfs.namenode.{kind}-address.ns0.{}", IDS[namenode]))
    }

    fn property(&self, key: &str) -> &str {
        let found = self.properties.iter().find(|(known, _)| known == key);
        found.map_or_else(|| panic!("no {key} in {:?}", self.properties), |(_, value)| value)
    }
}
