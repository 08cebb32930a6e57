//! Hadoop's own command line against `anabranch local`: one process, no JVM on the server.

use std::process::ExitCode;

use anabranch_e2e::commands::{CASES, Site};
use anabranch_e2e::servers;
use anabranch_testkit::hadoop::{Jars, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

fn main() -> ExitCode {
    suite::run(setup, CASES)
}

fn setup() -> Result<Site> {
    let scratch = Scratch::new("cli-local")?;
    let shell = Shell::start(&Jars::get()?, scratch.path())?;
    let router = servers::local(scratch.path())?;
    Ok(Site {
        shell,
        uri: router.uri(),
        first: "/data0".to_owned(),
        second: "/data1".to_owned(),
        scratch,
        servers: Box::new(router),
    })
}
