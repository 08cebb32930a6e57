use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::cluster::{START, daemon_arguments, daemon_settings, jmx};
use super::{Jars, Jvm, Shell, Tuning};
use crate::net::{free_address, wait_until};

/// Much more than a failover takes.
const FAILOVER: Duration = Duration::from_secs(120);

/// What `hdfs haadmin` is told. As with most clusters on QJM, the journal alone fences off a NameNode that is not active any
/// more.
const FAILOVER_CONTROLLER: [(&str, &str); 2] =
    [("dfs.ha.fencing.methods", "shell(/bin/true)"), ("ha.failover-controller.graceful-fence.rpc-timeout.ms", "2000")];

/// Nameservices with one NameNode, beside the one with several.
const SINGLE: [&str; 2] = ["ns1", "ns2"];

/// What starts those, and the DataNodes. A role is started with the properties before it.
const OTHERS: [&str; 6] =
    ["namenode:ns1", "-D", "dfs.namenode.enable.retrycache=false", "namenode:ns2", "datanode:dn0", "datanode:dn1"];

/// Nameservice `ns0` with NameNodes `nn1`, `nn2` and so on, whose edits are on three JournalNodes; nameservices `ns1` and `ns2`
/// with one each, that of `ns2` without a retry cache; two DataNodes that serve all. Each NameNode of `ns0` is a process of its
/// own. They are killed when dropped.
pub struct Quorum {
    jars: Jars,
    dir: PathBuf,
    settings: Vec<(String, String)>,
    /// What routers and clients must know.
    properties: Vec<(String, String)>,
    namenodes: Vec<Option<Jvm>>,
    active: usize,
    others: Vec<Jvm>,
}

impl Quorum {
    /// Starts all of it, with so many NameNodes in `ns0`, with data and logs below `dir` and these properties for every daemon, and
    /// waits until `nn1` serves.
    pub fn start(jars: &Jars, dir: &Path, shell: &Shell, namenodes: usize, settings: &[(&str, &str)]) -> Result<Self> {
        let ids: Vec<String> = (0..namenodes).map(id).collect();
        let mut quorum = Self {
            jars: jars.clone(),
            dir: dir.to_owned(),
            settings: daemon_settings(dir, Tuning::Start),
            properties: vec![("dfs.ha.namenodes.ns0".to_owned(), ids.join(","))],
            namenodes: Vec::new(),
            active: 0,
            others: Vec::new(),
        };
        quorum.settings.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let (journals, addresses) = quorum.daemons("journals", &["journals:3"])?;
        let addresses: Vec<&str> = addresses.values().filter_map(|kinds| kinds["rpc"].as_str()).collect();
        let edits = format!("qjournal://{}/ns0", addresses.join(";"));
        quorum.settings.push(("dfs.namenode.shared.edits.dir.ns0".to_owned(), edits));
        for id in &ids {
            for kind in ["rpc", "http"] {
                quorum.properties.push((format!("dfs.namenode.{kind}-address.ns0.{id}"), free_address()?.to_string()));
            }
        }
        quorum.settings.push(("dfs.nameservices".to_owned(), "ns0".to_owned()));
        quorum.settings.extend(quorum.properties.iter().cloned());
        // The others begin with a copy of what the first one has.
        let first = quorum.namenode(0)?;
        let (standbys, datanodes) = thread::scope(|scope| {
            let quorum = &quorum;
            let standbys: Vec<_> = (1..namenodes).map(|at| scope.spawn(move || quorum.namenode(at))).collect();
            let datanodes = quorum.daemons("datanodes", &OTHERS);
            let ended = |standby: thread::ScopedJoinHandle<'_, _>| {
                standby.join().unwrap_or_else(|_| Err(anyhow!("it panicked, see above")))
            };
            (standbys.into_iter().map(ended).collect::<Result<Vec<Jvm>>>(), datanodes)
        });
        quorum.namenodes = [first].into_iter().chain(standbys?).map(Some).collect();
        let (datanodes, addresses) = datanodes?;
        for (ns, kind) in SINGLE.iter().flat_map(|ns| ["rpc", "http"].map(|kind| (ns, kind))) {
            let address = addresses[*ns][kind].as_str().with_context(|| format!("no address of {ns}"))?;
            quorum.properties.push((format!("dfs.namenode.{kind}-address.{ns}"), address.to_owned()));
        }
        quorum.properties.push(("dfs.nameservices".to_owned(), format!("ns0,{}", SINGLE.join(","))));
        quorum.others.extend([journals, datanodes]);
        quorum.administer(shell, &["-transitionToActive", &id(0)])?;
        for namenode in 0..namenodes {
            quorum.await_datanodes(namenode)?;
        }
        Ok(quorum)
    }

    /// What a router or a client must know of the nameservices.
    pub fn properties(&self) -> &[(String, String)] {
        &self.properties
    }

    /// Index of the NameNode that was made active last.
    pub fn active(&self) -> usize {
        self.active
    }

    /// Index of the NameNode that is so many places after the active one.
    pub fn after_active(&self, places: usize) -> usize {
        (self.active + places) % self.namenodes.len()
    }

    /// `host:port` of the active NameNode of a nameservice.
    ///
    /// # Panics
    /// If there is no such nameservice.
    pub fn rpc(&self, ns: &str) -> &str {
        match ns {
            "ns0" => self.address("rpc", self.active),
            _ => self.property(&format!("dfs.namenode.rpc-address.{ns}")),
        }
    }

    /// `hdfs haadmin -failover` from the active NameNode, in whatever state it is, to another, as soon as that one is ready.
    pub fn fail_over(&mut self, shell: &Shell, to: usize) -> Result<()> {
        self.administer(shell, &["-failover", &id(self.active), &id(to)])?;
        self.active = to;
        Ok(())
    }

    /// SIGSTOP.
    pub fn pause(&self, namenode: usize) -> Result<()> {
        self.namenodes[namenode].as_ref().context("it does not run")?.pause()
    }

    /// SIGCONT, after [`Quorum::pause`]: it goes on as what it was, whatever has become active since.
    pub fn resume(&self, namenode: usize) -> Result<()> {
        self.namenodes[namenode].as_ref().context("it does not run")?.resume()
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self, namenode: usize) {
        self.namenodes[namenode] = None;
    }

    /// Starts those NameNodes that do not run, where they were; they become standbys.
    pub fn restart(&mut self) -> Result<()> {
        for at in 0..self.namenodes.len() {
            if self.namenodes[at].is_none() {
                self.namenodes[at] = Some(self.namenode(at)?);
            }
        }
        Ok(())
    }

    fn namenode(&self, at: usize) -> Result<Jvm> {
        let id = id(at);
        Ok(self.daemons(&id, &[&format!("member:ns0.{id}")])?.0)
    }

    fn daemons(&self, name: &str, roles: &[&str]) -> Result<(Jvm, BTreeMap<String, Value>)> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let args = daemon_arguments(&self.dir, &self.settings, &roles);
        let log = self.dir.join(format!("hadoop-{name}.log"));
        let mut jvm = Jvm::start(&self.jars, Tuning::Start, "Daemons", &args, "WARN", &log)?;
        let addresses = jvm.receive_first(START).with_context(|| format!("starting {name}"))?;
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
        let address = self.address("http", namenode);
        wait_until("both DataNodes are known", START, || {
            jmx(address, "Hadoop:service=NameNode,name=FSNamesystemState", "NumLiveDataNodes")
                .is_ok_and(|live| live == 2)
        })
    }

    fn address(&self, kind: &str, namenode: usize) -> &str {
        self.property(&format!("dfs.namenode.{kind}-address.ns0.{}", id(namenode)))
    }

    fn property(&self, key: &str) -> &str {
        let found = self.properties.iter().find(|(known, _)| known == key);
        found.map_or_else(|| panic!("no {key} in {:?}", self.properties), |(_, value)| value)
    }
}

/// The id of the NameNode at an index.
fn id(namenode: usize) -> String {
    format!("nn{}", namenode + 1)
}
