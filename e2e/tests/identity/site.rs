//! Three hosts with a DataNode each, the NameNodes and the routers on the first; clients of the routers.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anabranch_e2e::servers::{self, Configured};
use anabranch_e2e::wire::{Answer, CLIENT_PROTOCOL, PREAMBLE, Raw, call_with, context, header};
use anabranch_hdfs_proto::common::RpcCallerContextProto;
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Session, Shell};
use anabranch_testkit::process::user;
use anabranch_testkit::scratch::Scratch;
use anyhow::Result;
use prost::Message;

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Carl is an analyst, Sue a superuser.
const USERS: &[(&str, &str)] = &[("carl", "analysts etl"), ("sue", "supergroup")];

/// What all daemons read, and read again. The file has Bob in the groups staff and etl, and Dr. Who in none.
const RULES: &[(&str, &str)] = &[
    ("hadoop.proxyuser.oozie.hosts", "127.0.0.1,127.0.0.2"),
    ("hadoop.proxyuser.oozie.users", "ann"),
    ("hadoop.proxyuser.oozie.groups", "staff"),
    ("hadoop.proxyuser.hue.hosts", "127.0.0.0/30"),
    ("hadoop.proxyuser.hue.groups", "analysts,daemon"),
    ("hadoop.user.group.static.mapping.overrides", "bob=staff,etl;dr.who="),
];

/// For whom NameNodes let the routers act.
const CLIENTS: &str = "ann,bob,carl,sue,eve,oozie,hue,daemon";

/// A router.
pub struct Member {
    /// Where it serves clients.
    pub rpc: SocketAddr,
    /// Where it serves administrators.
    pub admin: String,
    /// Where it serves HTTP.
    pub http: String,
}

/// See the module.
pub struct Site {
    pub shell: Shell,
    /// Java's router.
    pub java: Member,
    /// Ours, told the same.
    pub ours: Member,
    /// Another of ours, which does not act for its clients, but passes on who they are, and looks groups up each second.
    pub plain: Member,
    users: PathBuf,
    audit: PathBuf,
    /// Directories with the rules: that of Java's daemons, and those of our routers.
    rules: [PathBuf; 3],
    // In order of their end: a router without NameNodes would complain.
    _routers: [Configured; 2],
    pub cluster: Cluster,
    pub scratch: Scratch,
}

impl Site {
    /// Starts everything on a machine whose users are in this file.
    pub fn start(users: &Path) -> Result<Self> {
        let scratch = Scratch::new("identity")?;
        let dir = scratch.path();
        let (audit, rules) = (dir.join("audit.log"), ["site", "ours/conf", "plain/conf"].map(|name| dir.join(name)));
        write_users(users, USERS);
        for rules in &rules {
            fs::create_dir_all(rules)?;
        }
        write_rules(&rules, &[]);
        let jars = Jars::get()?;
        let router_user = user();
        let both = [
            ("dfs.federation.router.default.nameserviceId", "ns0"),
            ("dfs.namenode.ip-proxy-users", router_user.as_str()),
        ];
        let plain = [both[0], ("hadoop.security.groups.cache.secs", "1")];
        let plan = Plan::hosts().with_router_apart("/data0=ns0:/data0,/data1=ns1:/data1");
        let plan = plan.set("rig.audit", &audit.display().to_string()).set("hadoop.caller.context.enabled", "true");
        // The rules say it, so that they may change.
        let plan = plan.set(&format!("hadoop.proxyuser.{router_user}.groups"), "");
        // A block more or less makes no host a busy one.
        let plan = plan.set("dfs.namenode.redundancy.considerLoad", "false");
        let plan = plan.set("hadoop.caller.context.max.size", "1000");
        let plan = both.iter().fold(plan, |plan, (key, value)| plan.set(key, value));
        let cluster = Cluster::start(&jars, dir, &plan)?;
        let shell = Shell::start(&jars, dir)?;
        let ours = servers::router_compared(&cluster, &dir.join("ours"), &both, &[])?;
        let plain = servers::router_compared(&cluster, &dir.join("plain"), &plain, &[])?;
        let member = |one: &Configured| {
            let [admin, http] = [one.admin, one.router.http].map(|address| address.to_string());
            Member { rpc: one.router.rpc, admin, http }
        };
        let [admin, http] = [cluster.admin(), cluster.http("router")].map(str::to_owned);
        let java = Member { rpc: cluster.rpc("router").parse()?, admin, http };
        let (users, routers) = (users.to_owned(), [ours, plain]);
        let [ours, plain] = routers.each_ref().map(member);
        let site = Self { shell, java, ours, plain, users, audit, rules, _routers: routers, cluster, scratch };
        for member in [&site.ours, &site.plain] {
            for args in ["-add /data0 ns0 /data0", "-add /data1 ns1 /data1"] {
                site.administer(member, &site.router_user(), args).ok();
            }
        }
        for (nameservice, directory) in [("ns0", "/data0"), ("ns1", "/data1")] {
            let namenode = site.shell.at(&format!("hdfs://{}", site.cluster.rpc(nameservice)));
            namenode.dfs(&["-mkdir", directory]).ok();
            namenode.dfs(&["-chmod", "1777", directory]).ok();
        }
        Ok(site)
    }

    /// Whom the routers run as.
    pub fn router_user(&self) -> String {
        user()
    }

    /// Java's router, then ours.
    pub fn both(&self) -> [(&'static str, &Member); 2] {
        [("java", &self.java), ("ours", &self.ours)]
    }

    /// Commands at a router.
    pub fn at(&self, member: &Member) -> Session<'_> {
        self.shell.at(&format!("hdfs://{}", member.rpc))
    }

    /// A command of `hdfs dfsrouteradmin`, and what came of it.
    pub fn administer(&self, member: &Member, user: &str, args: &str) -> anabranch_testkit::hadoop::Output {
        let session = self.at(member).user(user).set("dfs.federation.router.admin-address", &member.admin);
        session.dfsrouteradmin(&args.split(' ').collect::<Vec<_>>())
    }

    /// What NameNodes wrote about a call with this path, as fields by their names.
    pub fn noted(&self, path: &str) -> Vec<(String, String)> {
        let wanted = format!("\tsrc={path}\t");
        let mut line = None;
        anabranch_testkit::net::wait_until(&format!("an audit line with {path}"), PATIENCE, || {
            let log = fs::read_to_string(&self.audit).unwrap();
            line = log.lines().find(|line| line.contains(&wanted)).map(str::to_owned);
            line.is_some()
        })
        .unwrap();
        let fields = line.iter().flat_map(|line| line.split('\t')).filter_map(|field| field.split_once('='));
        fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Gives users of the machine other groups.
    pub fn set_users(&self, changed: &[(&str, &str)]) {
        let rest = USERS.iter().filter(|(user, _)| !changed.iter().any(|(other, _)| user == other));
        write_users(&self.users, &rest.chain(changed).copied().collect::<Vec<_>>());
    }

    /// Writes other rules where daemons find them when they are told to look.
    pub fn set_rules(&self, changed: &[(&str, &str)]) {
        write_rules(&self.rules, changed);
    }
}

fn write_users(file: &Path, users: &[(&str, &str)]) {
    let lines: Vec<String> = users.iter().map(|(user, groups)| format!("{user}:{groups}\n")).collect();
    fs::write(file, lines.concat()).unwrap();
}

fn write_rules(dirs: &[PathBuf], changed: &[(&str, &str)]) {
    let user = user();
    let own = [
        (format!("hadoop.proxyuser.{user}.hosts"), "*".to_owned()),
        (format!("hadoop.proxyuser.{user}.users"), format!("{user},{CLIENTS}")),
    ];
    let told = RULES.iter().chain(changed).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    // Of two properties of one name, the last counts.
    let all: Vec<(String, String)> = own.into_iter().chain(told).collect();
    for dir in dirs {
        fs::write(dir.join("core-site.xml"), servers::hadoop_xml(&all)).unwrap();
    }
}

/// The address of a host, counted from 1.
pub fn host(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number).into()
}

/// NameNodes take a call of the same number for the same call.
static NEXT: AtomicI32 = AtomicI32::new(1);

/// A client's connection.
pub struct Client {
    raw: Raw,
}

impl Client {
    /// Connects from a host to a router, as a user for whom another acts, perhaps.
    pub fn connect(member: &Member, from: u8, user: &str, real: Option<&str>) -> Self {
        Self::connect_to(member.rpc, from, user, real)
    }

    /// The same to any server.
    pub fn connect_to(to: SocketAddr, from: u8, user: &str, real: Option<&str>) -> Self {
        let mut raw = Raw::connect_from(host(from), to).unwrap();
        raw.send(&PREAMBLE).unwrap();
        raw.send(&context(user, real, CLIENT_PROTOCOL)).unwrap();
        Self { raw }
    }

    /// The port that it connects from.
    pub fn port(&self) -> u16 {
        self.raw.local_address().unwrap().port()
    }

    /// Makes a call with a caller context; its number, and the answer.
    pub fn ask(&mut self, method: &str, request: &impl Message, note: Option<&str>) -> (i32, Answer) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let note = note.map(|note| RpcCallerContextProto { context: note.to_owned(), signature: None });
        let header = anabranch_hdfs_proto::common::RpcRequestHeaderProto { caller_context: note, ..header(number) };
        let frame = call_with(&header, method, CLIENT_PROTOCOL, 1, &request.encode_length_delimited_to_vec());
        // A server that refuses the connection has closed it, perhaps; its words can be read all the same.
        let _ = self.raw.send(&frame);
        (number, self.raw.answer().unwrap().unwrap_or_else(|| panic!("{method}: the connection was closed")))
    }

    /// The result of a call that must succeed.
    pub fn result<R: Message + Default>(&mut self, method: &str, request: &impl Message, note: Option<&str>) -> R {
        let (_, answer) = self.ask(method, request, note);
        assert_eq!(answer.header.exception_class_name, None, "{method}: {answer:?}");
        R::decode_length_delimited(answer.body).unwrap()
    }
}
