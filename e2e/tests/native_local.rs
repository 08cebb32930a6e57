//! The hdfs-native crate against `anabranch local`.

use std::process::ExitCode;

use anabranch_e2e::native::{CASES, Native};
use anabranch_e2e::servers;
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

fn main() -> ExitCode {
    suite::run(setup, CASES)
}

fn setup() -> Result<Native> {
    let scratch = Scratch::new("native-local")?;
    let router = servers::local(scratch.path())?;
    Native::new(&router.uri(), Box::new(router), scratch)
}
