//! Hadoop's own command line through `anabranch-router` before two real nameservices.

use std::process::ExitCode;

use anabranch_e2e::commands::{CASES, Site};
use anabranch_e2e::servers;
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

fn main() -> ExitCode {
    suite::run(setup, CASES)
}

fn setup() -> Result<Site> {
    let scratch = Scratch::new("cli-external")?;
    let jars = Jars::get()?;
    let cluster = Cluster::start(&jars, scratch.path(), &Plan::tests())?;
    let shell = Shell::start(&jars, scratch.path())?;
    let router = servers::router_before(&cluster, scratch.path())?;
    Ok(Site {
        shell,
        uri: router.uri(),
        first: "/data0".to_owned(),
        second: "/data1".to_owned(),
        scratch,
        // In order of their end: a router without NameNodes would complain.
        servers: Box::new((router, cluster)),
    })
}
