//! A Java router and ours as one fleet: they share a real ZooKeeper and two real nameservices, and each serves, shows and
//! respects what the other wrote.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

#[path = "../zookeeper/java.rs"]
#[allow(dead_code, reason = "its other half is for the tests of the driver alone")]
mod java;
mod mounts;
mod records;
mod reports;

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use anabranch_e2e::servers::{self, Configured, Router};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Session, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::zookeeper::{self, ZooKeeper};
use anabranch_testkit::{http, suite};
use anyhow::Result;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// What both routers are told.
const BOTH: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    (
        "dfs.federation.router.store.driver.class",
        "org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreZooKeeperImpl",
    ),
    ("dfs.federation.router.heartbeat.interval", "1000"),
];

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("a_mount_of_either_is_served_by_both", mounts::are_served_by_both),
            ("what_one_changes_is_otherwise_as_the_other_wrote_it", mounts::keep_what_the_other_wrote),
            ("a_nameservice_disabled_by_either_is_closed_at_both", mounts::respect_disabled_nameservices),
            ("both_list_the_same_mounts", mounts::are_listed_alike),
            ("both_report_namenodes_and_routers", records::of_both_are_there),
            ("every_record_is_the_same_bytes_after_a_round_trip", records::survive_a_round_trip),
            ("each_shows_the_other", records::are_shown_by_both),
            ("both_write_what_dump_state_shows", records::are_dumped_alike),
            ("each_serves_what_only_the_other_watches", reports::are_used_by_the_other),
            ("ours_outlives_the_ensemble", records::ours_outlives_the_ensemble),
        ],
    )
}

/// A router, whoever made it.
struct Member {
    rpc: String,
    admin: String,
    http: String,
}

struct Site {
    shell: Shell,
    java: Member,
    ours: Member,
    jars: Jars,
    // In order of their end: a router without NameNodes would complain.
    router: Router,
    cluster: Cluster,
    zookeeper: RefCell<ZooKeeper>,
    scratch: Scratch,
}

impl Site {
    fn members(&self) -> [(&str, &Member); 2] {
        [("Java's router", &self.java), ("ours", &self.ours)]
    }

    fn ensemble(&self) -> String {
        self.zookeeper.borrow().connect_string()
    }

    /// `hdfs dfs` by way of a router.
    fn files(&self, member: &Member) -> Session<'_> {
        self.shell.at(&format!("hdfs://{}", member.rpc))
    }

    /// `hdfs dfsrouteradmin` at a router.
    fn admin(&self, member: &Member) -> Session<'_> {
        self.files(member).set("dfs.federation.router.admin-address", &member.admin)
    }

    /// An attribute of a router's view of the federation that is JSON inside a text.
    fn federation(&self, member: &Member, attribute: &str) -> Result<Value> {
        let answer = http::get(&member.http, "/jmx?qry=Hadoop:service=Router,name=FederationState")?;
        let beans: Value = serde_json::from_str(&answer.body)?;
        Ok(serde_json::from_str(beans["beans"][0][attribute].as_str().unwrap_or_default())?)
    }
}

fn setup() -> Result<Site> {
    let scratch = Scratch::new("mixed-fleet")?;
    let jars = Jars::get()?;
    let zookeeper = ZooKeeper::start(&jars, scratch.path(), &zookeeper::Plan::members(1))?;
    let shared = Plan::tests().with_router_apart("").set("hadoop.zk.address", &zookeeper.connect_string());
    let plan = BOTH.iter().fold(shared, |plan, (key, value)| plan.set(key, value));
    let plan = plan.set("dfs.federation.router.cache.ttl", "500ms");
    let plan = plan.set("dfs.federation.router.heartbeat-state.interval", "1s");
    let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
    let shell = Shell::start(&jars, scratch.path())?;
    let own = [
        ("dfs.federation.router.safemode.expiration", "2s".to_owned()),
        ("hadoop.zk.address", zookeeper.connect_string()),
        ("hadoop.zk.retry-interval-ms", "100".to_owned()),
    ];
    let both = BOTH.iter().map(|(key, value)| (*key, (*value).to_owned()));
    let properties = servers::nameservices(&cluster).into_iter().chain(own).chain(both);
    // The ensemble is taken away from it in the end.
    let warnings = ["retry_in", "state store", "ZooKeeper"];
    let Configured { router, admin, .. } =
        servers::router_configured(&scratch.path().join("conf"), properties, &warnings)?;
    let java = Member {
        rpc: cluster.rpc("router").to_owned(),
        admin: cluster.admin().to_owned(),
        http: cluster.http("router").to_owned(),
    };
    let ours = Member { rpc: router.rpc.to_string(), admin: admin.to_string(), http: router.http.to_string() };
    Ok(Site { shell, java, ours, jars, router, cluster, zookeeper: RefCell::new(zookeeper), scratch })
}
