//! Real ZooKeeper servers: one, or an ensemble.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::hadoop::{Jars, Jvm, Tuning};
use crate::net::{free_address, wait_until};

mod links;
mod raw;

pub use links::Links;

const START: Duration = Duration::from_secs(120);

/// What servers have in common. Sessions of half a second and more are allowed, and nothing is synced: tests kill processes,
/// not machines.
const CONFIGURATION: &str = "tickTime=200\nmaxSessionTimeout=60000\ninitLimit=100\nsyncLimit=50\nforceSync=no\n\
                             admin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n";

/// What an ensemble consists of.
#[derive(Debug, Clone)]
pub struct Plan {
    members: usize,
    /// Where each member (the outer index) finds each (the inner one) for quorum and election; its own are what it binds.
    /// `None`: all find each other where they are.
    views: Option<Vec<Vec<(SocketAddr, SocketAddr)>>>,
    settings: Vec<(String, String)>,
    properties: Vec<(String, String)>,
}

impl Plan {
    /// So many members; one is a server of its own.
    pub fn members(members: usize) -> Self {
        Self { members, views: None, settings: Vec::new(), properties: Vec::new() }
    }

    /// The members of these links, which notice within about a second that they were parted, or are together again.
    pub fn linked(links: &Links) -> Self {
        let views = links.views();
        let members = views.len();
        Self { views: Some(views), ..Self::members(members) }
            .setting("syncLimit", "5")
            .setting("initLimit", "25")
            .property("zookeeper.cnxTimeout", "500")
            .property("zookeeper.fastleader.maxNotificationInterval", "500")
    }

    /// Adds a line to the configuration of each member.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The lines of a member's configuration that are not every server's.
    fn render(&self, view: &[(SocketAddr, SocketAddr)]) -> Result<String> {
        let mut lines = String::new();
        for (id, (quorum, election)) in view.iter().enumerate().filter(|_| view.len() > 1) {
            writeln!(lines, "server.{id}={}:{}:{}", quorum.ip(), quorum.port(), election.port())?;
        }
        for (key, value) in &self.settings {
            writeln!(lines, "{key}={value}")?;
        }
        Ok(lines)
    }

    /// Sets a system property of each member.
    #[must_use]
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// Running servers, killed when dropped.
pub struct ZooKeeper {
    jars: Jars,
    properties: Vec<(String, String)>,
    members: Vec<Member>,
}

struct Member {
    jvm: Option<Jvm>,
    address: SocketAddr,
    config: PathBuf,
    log: PathBuf,
}

impl ZooKeeper {
    /// Starts servers with their data and logs below `dir` and waits until all of them serve.
    pub fn start(jars: &Jars, dir: &Path, plan: &Plan) -> Result<Self> {
        let mut zookeeper = Self { jars: jars.clone(), properties: plan.properties.clone(), members: Vec::new() };
        let views = plan.views.clone().map_or_else(|| direct(plan.members), Ok)?;
        for (id, view) in views.iter().enumerate() {
            let address = free_address()?;
            let home = dir.join(format!("zookeeper-{id}"));
            fs::create_dir_all(&home)?;
            fs::write(home.join("myid"), id.to_string())?;
            let config = home.join("zoo.cfg");
            let (data, port) = (home.display(), address.port());
            let own = format!("dataDir={data}\nclientPort={port}\nclientPortAddress=127.0.0.1\n");
            fs::write(&config, format!("{CONFIGURATION}{own}{}", plan.render(view)?))?;
            zookeeper.members.push(Member { jvm: None, address, config, log: home.join("log") });
        }
        for id in 0..plan.members {
            zookeeper.launch(id)?;
        }
        zookeeper.wait()?;
        Ok(zookeeper)
    }

    fn launch(&mut self, id: usize) -> Result<()> {
        let member = &mut self.members[id];
        let properties = self.properties.iter().flat_map(|(key, value)| ["-D".to_owned(), format!("{key}={value}")]);
        let args = properties.chain([member.config.display().to_string()]);
        let mut jvm = Jvm::start(&self.jars, Tuning::Start, "ZooKeeperMember", args, "WARN", &member.log)?;
        jvm.receive(START).with_context(|| format!("starting ZooKeeper server {id}"))?;
        member.jvm = Some(jvm);
        Ok(())
    }

    /// Waits until all members that run serve.
    pub fn wait(&self) -> Result<()> {
        for (id, member) in self.members.iter().enumerate().filter(|(_, member)| member.jvm.is_some()) {
            let what = format!("ZooKeeper server {id} serves; its log is {}", member.log.display());
            wait_until(&what, START, || mode(member.address).is_some())?;
        }
        Ok(())
    }

    /// Where a member serves clients.
    pub fn address(&self, member: usize) -> SocketAddr {
        self.members[member].address
    }

    /// `host:port,host:port`.
    pub fn connect_string(&self) -> String {
        self.members.iter().map(|member| member.address.to_string()).collect::<Vec<_>>().join(",")
    }

    /// Which member leads.
    pub fn leader(&self) -> Option<usize> {
        self.members.iter().position(|member| member.jvm.is_some() && mode(member.address).as_deref() == Some("leader"))
    }

    /// kill -9.
    pub fn kill(&mut self, member: usize) {
        self.members[member].jvm = None;
    }

    /// Starts a member that was killed, with its data; [`ZooKeeper::wait`] waits for it.
    pub fn restart(&mut self, member: usize) -> Result<()> {
        self.launch(member)
    }

    /// Stops a member in its tracks, as a long garbage collection would.
    pub fn pause(&self, member: usize) -> Result<()> {
        self.running(member)?.pause()
    }

    /// Lets it go on.
    pub fn resume(&self, member: usize) -> Result<()> {
        self.running(member)?.resume()
    }

    fn running(&self, member: usize) -> Result<&Jvm> {
        self.members[member].jvm.as_ref().context("the member does not run")
    }

    /// Ends a session whose id and password are known, so that its owner finds it expired. The owner must be kept from
    /// connecting meanwhile: of two connections of one session the server keeps the later.
    pub fn expire(&self, member: usize, id: i64, password: [u8; 16]) -> Result<()> {
        raw::Raw::connect(self.address(member), id, password)?.close()
    }

    /// How often the data of these nodes was written since they were made, that included: the server's own count; 0: there
    /// is no such node.
    pub fn writes(member: SocketAddr, paths: &[String]) -> Result<Vec<u32>> {
        let mut raw = raw::Raw::connect(member, 0, [0; 16])?;
        raw.sync("/")?;
        let counts = paths.iter().map(|path| raw.data_version(path)).collect();
        raw.close()?;
        counts
    }
}

/// Views of members that talk to each other without a proxy.
fn direct(members: usize) -> Result<Vec<Vec<(SocketAddr, SocketAddr)>>> {
    let ports = (0..members).map(|_| Ok((free_address()?, free_address()?))).collect::<Result<Vec<_>>>()?;
    Ok(vec![ports; members])
}

/// What a server says of itself (`standalone`, `leader`, `follower`), if it serves.
fn mode(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"srvr").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Mode: ")).map(str::to_owned)
}
