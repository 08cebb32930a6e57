//! The hdfs-native crate through `anabranch-router` before two real nameservices.

use std::process::ExitCode;

use anabranch_e2e::native::{CASES, Native};
use anabranch_e2e::servers;
use anabranch_testkit::hadoop::{Cluster, Jars, Plan};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

fn main() -> ExitCode {
    suite::run(setup, CASES)
}

fn setup() -> Result<Native> {
    let scratch = Scratch::new("native-external")?;
    let cluster = Cluster::start(&Jars::get()?, scratch.path(), &Plan::tests())?;
    let router = servers::router_before(&cluster, scratch.path())?;
    Native::new(&router.uri(), Box::new((router, cluster)), scratch)
}
