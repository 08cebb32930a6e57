//! Real ZooKeeper servers, from Hadoop's jars: one, or an ensemble.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::hadoop::{Jars, Jvm, Tuning};
use crate::net::{free_address, wait_until};

const START: Duration = Duration::from_secs(120);

/// What servers have in common. Sessions of half a second and more are allowed, and nothing is synced: tests kill processes,
/// not machines.
const CONFIGURATION: &str = "tickTime=200\nmaxSessionTimeout=60000\ninitLimit=100\nsyncLimit=50\nforceSync=no\n\
                             admin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n";

/// What an ensemble consists of.
#[derive(Debug, Clone)]
pub struct Plan {
    members: usize,
    settings: Vec<(String, String)>,
    properties: Vec<(String, String)>,
}

impl Plan {
    /// So many members; one is a server of its own.
    pub fn members(members: usize) -> Self {
        Self { members, settings: Vec::new(), properties: Vec::new() }
    }

    /// Adds a line to the configuration of each member.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
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
        let mut ports = Vec::new();
        for _ in 0..plan.members {
            ports.push((free_address()?, free_address()?, free_address()?));
        }
        let mut quorum = String::new();
        if plan.members > 1 {
            for (id, (_, peers, election)) in ports.iter().enumerate() {
                writeln!(quorum, "server.{id}=127.0.0.1:{}:{}", peers.port(), election.port())?;
            }
        }
        for (key, value) in &plan.settings {
            writeln!(quorum, "{key}={value}")?;
        }
        let mut zookeeper = Self { jars: jars.clone(), properties: plan.properties.clone(), members: Vec::new() };
        for (id, (address, ..)) in ports.into_iter().enumerate() {
            let home = dir.join(format!("zookeeper-{id}"));
            fs::create_dir_all(&home)?;
            fs::write(home.join("myid"), id.to_string())?;
            let config = home.join("zoo.cfg");
            let (data, port) = (home.display(), address.port());
            let own = format!("dataDir={data}\nclientPort={port}\nclientPortAddress=127.0.0.1\n");
            fs::write(&config, format!("{CONFIGURATION}{own}{quorum}"))?;
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
        self.signal(member, Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self, member: usize) -> Result<()> {
        self.signal(member, Signal::CONT)
    }

    fn signal(&self, member: usize, signal: Signal) -> Result<()> {
        let jvm = self.members[member].jvm.as_ref().context("the member does not run")?;
        let pid = Pid::from_raw(i32::try_from(jvm.pid())?).context("process id 0")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Ends a session whose id and password are known, so that its owner finds it expired. The owner must be kept from
    /// connecting meanwhile: of two connections of one session the server keeps the later.
    pub fn expire(&self, member: usize, id: i64, password: [u8; 16]) -> Result<()> {
        let mut stream = TcpStream::connect(self.address(member))?;
        stream.set_read_timeout(Some(START))?;
        // Its length, version 0, no transaction seen, ten seconds, the session, not read-only.
        let mut greeting = vec![0, 0, 0, 45];
        greeting.extend_from_slice(&[0; 12]);
        greeting.extend_from_slice(&10_000i32.to_be_bytes());
        greeting.extend_from_slice(&id.to_be_bytes());
        greeting.extend_from_slice(&16i32.to_be_bytes());
        greeting.extend_from_slice(&password);
        greeting.push(0);
        stream.write_all(&greeting)?;
        let answer = frame(&mut stream).context("greeting the server")?;
        ensure!(answer.get(4..8).is_some_and(|timeout| timeout != [0; 4]), "the session is not known");
        stream.write_all(&[0, 0, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xf5])?;
        // The server ends the connection, with or without an answer.
        match stream.read_to_end(&mut Vec::new()) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn frame(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame)?;
    Ok(frame)
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
