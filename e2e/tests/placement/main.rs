//! Two subclusters that are not alike: `ns1` has a DataNode, `ns0` has none, and no NameNode is where the clients are. Where
//! files go by the orders of mounts, and what one answer tells of both.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod both;
mod java;
mod near;

use std::process::ExitCode;
use std::time::Duration;

use anabranch_e2e::servers::{self, Configured};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Session, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

const PATIENCE: Duration = Duration::from_secs(60);

/// The name of the key of all encryption zones.
const KEY: &str = "key";

/// What both routers are told.
const BOTH: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns1"),
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    ("dfs.federation.router.router-resolver.update-period", "500ms"),
    ("dfs.federation.router.available-space-resolver.balanced-space-preference-fraction", "1.0"),
    ("dfs.federation.router.heartbeat.interval", "1000"),
];

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("java_places_paths_alike", java::places_paths_alike),
            ("local_mounts_begin_at_the_clients_host", near::local),
            ("space_mounts_begin_where_there_is_space", near::space),
            ("data_is_encrypted_on_the_wire", both::data_is_encrypted),
            ("open_files_of_both_are_listed", both::open_files),
            ("encryption_zones_of_both_are_listed", both::zones),
        ],
    )
}

/// A router of either kind.
struct Member {
    rpc: String,
    admin: String,
}

struct Site {
    shell: Shell,
    java: Member,
    ours: Member,
    jars: Jars,
    // In order of their end: a router without NameNodes would complain.
    router: servers::Router,
    cluster: Cluster,
    scratch: Scratch,
}

impl Site {
    fn members(&self) -> [(&str, &Member); 2] {
        [("Java's router", &self.java), ("ours", &self.ours)]
    }

    /// Commands at a router, or at a NameNode itself. The loopback address that a DataNode is registered under is not the
    /// one that it listens at.
    fn at(&self, rpc: &str) -> Session<'_> {
        self.shell.at(&format!("hdfs://{rpc}")).set("dfs.client.use.datanode.hostname", "true")
    }

    /// `hdfs dfsrouteradmin` at a router.
    fn admin(&self, member: &Member) -> Session<'_> {
        self.at(&member.rpc).set("dfs.federation.router.admin-address", &member.admin)
    }

    /// Adds a mount at both routers, each of which has its own store.
    fn mount(&self, words: &str) {
        for (_, member) in self.members() {
            let args: Vec<&str> = ["-add"].into_iter().chain(words.split(' ')).collect();
            self.admin(member).dfsrouteradmin(&args).ok();
        }
    }
}

fn setup() -> Result<Site> {
    let scratch = Scratch::new("placement")?;
    let jars = Jars::get()?;
    let shell = Shell::start(&jars, scratch.path())?;
    // NameNodes read the keys when they start.
    let keys = format!("jceks://file{}", scratch.path().join("keys.jceks").display());
    shell.at("hdfs://unused").key(&["create", KEY, "-provider", &keys]).ok();
    let settings = [
        // From which clients do not come.
        ("rig.host", "127.0.0.2"),
        ("dfs.encrypt.data.transfer", "true"),
        ("dfs.block.access.token.enable", "true"),
        ("hadoop.security.key.provider.path", &keys),
        // So that there are pages.
        ("dfs.namenode.list.openfiles.num.responses", "2"),
        ("dfs.namenode.list.encryption.zones.num.responses", "2"),
        ("dfs.federation.router.cache.ttl", "500ms"),
    ];
    let plan = settings.iter().chain(BOTH).fold(Plan::unequal(), |plan, (key, value)| plan.set(key, value));
    let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
    let Configured { router, admin, .. } = servers::router_compared(&cluster, scratch.path(), BOTH, &[])?;
    let java = Member { rpc: cluster.rpc("router").to_owned(), admin: cluster.admin().to_owned() };
    let ours = Member { rpc: router.rpc.to_string(), admin: admin.to_string() };
    Ok(Site { shell, java, ours, jars, router, cluster, scratch })
}
