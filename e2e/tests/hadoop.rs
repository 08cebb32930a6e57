//! The command suite through Hadoop's own router: shows that the cases say what Hadoop does, before they judge ours.

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
    let plan = Plan::tests().with_router("/data0=ns0:/data0,/data1=ns1:/data1");
    let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
    let shell = Shell::start(&jars, scratch.path())?;
    let uri = format!("hdfs://{}", cluster.rpc("router"));
    Ok(Site {
        shell,
        uri,
        first: "/data0".to_owned(),
        second: "/data1".to_owned(),
        scratch,
        servers: Box::new(cluster),
    })
}
