//! Bad input: what no proper client sends, and who must not notice. The answers are compared with those of a real
//! NameNode, whose RPC server is the one that Hadoop's router uses too.

mod bystander;
mod crowd;
mod words;

use std::net::SocketAddr;
use std::process::ExitCode;

use anabranch_e2e::servers::{self, Router};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

struct Rig {
    router: Router,
    namenode: SocketAddr,
    _cluster: Cluster,
    _scratch: Scratch,
}

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("answers_are_those_of_hadoop", words::answers),
            ("oversized_frames_close_the_connection", words::oversized),
            ("a_browser_is_told_where_it_is", words::browser),
            ("garbage_harms_nobody", crowd::garbage),
            ("conversations_may_break_off_anywhere", crowd::truncated),
            ("announced_frames_cost_no_memory", crowd::announced),
            ("slow_loris_is_cut_off", crowd::slow_loris),
            ("a_client_that_does_not_read_is_bounded", crowd::deaf),
            ("ten_thousand_idle_connections", crowd::idle),
        ],
    )
}

fn setup() -> Result<Rig> {
    raise_open_files()?;
    let scratch = Scratch::new("bad-input")?;
    let cluster = Cluster::start(&Jars::get()?, scratch.path(), &Plan::tests())?;
    let router = servers::router_before(&cluster, scratch.path())?;
    let namenode = cluster.rpc("ns0").parse().context("the NameNode's address")?;
    Ok(Rig { router, namenode, _cluster: cluster, _scratch: scratch })
}

/// Ten thousand connections have one end here and one in the router, which inherits the limit.
fn raise_open_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    ensure!(
        limit.maximum.is_none_or(|most| most > 10_500),
        "this needs a hard limit of 10,500 open files (ulimit -Hn)"
    );
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}
