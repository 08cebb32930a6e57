//! The command suite on a NameNode itself: shows that the cases say what Hadoop does, before they judge anything else.

use std::process::ExitCode;

use anabranch_e2e::commands::{CASES, Site};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

fn main() -> ExitCode {
    suite::run(setup, CASES)
}

fn setup() -> Result<Site> {
    let scratch = Scratch::new("hadoop")?;
    let jars = Jars::get()?;
    let cluster = Cluster::start(&jars, scratch.path(), &Plan::tests())?;
    let shell = Shell::start(&jars, scratch.path())?;
    let uri = format!("hdfs://{}", cluster.rpc("ns0"));
    shell.at(&uri).dfs(&["-mkdir", "/data0", "/data1"]).ok();
    Ok(Site {
        shell,
        uri,
        first: "/data0".to_owned(),
        second: "/data1".to_owned(),
        federated: false,
        scratch,
        servers: Box::new(cluster),
    })
}
