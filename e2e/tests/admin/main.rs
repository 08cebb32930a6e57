//! `hdfs dfsrouteradmin` of Hadoop, unmodified, against Hadoop's router and against ours, before the same NameNodes: each
//! command must print the same and end with the same exit code, unless the difference is listed with its reason.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod compare;
mod explain;
mod mounts;
mod others;
mod permissions;

use std::process::ExitCode;

use anabranch_e2e::servers::{self, Configured};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

use compare::Site;

/// What both routers are told.
const BOTH: &[(&str, &str)] = &[
    ("dfs.federation.router.default.nameserviceId", "ns0"),
    (
        "dfs.federation.router.file.resolver.client.class",
        "org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver",
    ),
    ("dfs.federation.router.fs-limits.max-component-length", "60"),
    ("hadoop.user.group.static.mapping.overrides", "alice=;bob=;carol=staff;sue=supergroup;dr.who="),
];

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("mounts_are_added", |site: &Site| site.compare(mounts::ADD)),
            ("many_mounts_are_added_at_once", |site: &Site| site.compare(mounts::ADD_ALL)),
            ("mounts_are_updated", |site: &Site| site.compare(mounts::UPDATE)),
            ("mounts_are_removed_and_listed", |site: &Site| site.compare(mounts::REMOVE_AND_LIST)),
            ("quotas_are_set", |site: &Site| site.compare(mounts::QUOTA)),
            ("permissions_bind", |site: &Site| site.compare(permissions::STEPS)),
            ("safe_mode_is_turned_on_and_off", |site: &Site| site.compare(others::SAFE_MODE)),
            ("nameservices_are_disabled", |site: &Site| site.compare(others::NAMESERVICES)),
            ("destinations_are_found", |site: &Site| site.compare(others::DESTINATIONS)),
            ("explanations_are_what_both_routers_do", explain::is_what_both_routers_do),
            ("things_are_refreshed", |site: &Site| site.compare(others::REFRESH)),
            ("mistakes_are_told", |site: &Site| site.compare(others::MISTAKES)),
            ("slashes_are_collapsed", |site: &Site| site.compare(mounts::SLASHES)),
        ],
    )
}

fn setup() -> Result<Site> {
    let scratch = Scratch::new("admin")?;
    let jars = Jars::get()?;
    let plan = BOTH
        .iter()
        .fold(Plan::administration().set("dfs.federation.router.cache.ttl", "500ms"), |plan, (key, value)| {
            plan.set(key, value)
        });
    let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
    let shell = Shell::start(&jars, scratch.path())?;
    for (nameservice, path) in [("ns0", "/both"), ("ns1", "/both"), ("ns1", "/second/deep"), ("ns0", "/first")] {
        shell.at(&format!("hdfs://{}", cluster.rpc(nameservice))).dfs(&["-mkdir", "-p", path]).ok();
    }
    let Configured { router, admin, .. } = servers::router_compared(&cluster, scratch.path(), BOTH, &[])?;
    Ok(Site { shell, java: cluster.admin().to_owned(), ours: admin.to_string(), servers: (router, cluster, scratch) })
}
