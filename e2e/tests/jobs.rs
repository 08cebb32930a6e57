//! How MapReduce and Hive work with a file system (`e2e/hadoop/src/Jobs.java`), on all kinds of mounts.

use std::process::ExitCode;

use anabranch_e2e::servers::{Mount, router_with_mounts};
use anabranch_testkit::hadoop::{Cluster, ContractRun, Jars, Plan, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

const MOUNTS: [Mount<'_>; 6] = [
    ("/data0", None, &[("ns0", "/data0")]),
    ("/data1", None, &[("ns1", "/data1")]),
    ("/all", Some("HashAll"), &[("ns0", "/all"), ("ns1", "/all")]),
    ("/hash", Some("Hash"), &[("ns0", "/hash"), ("ns1", "/hash")]),
    ("/outer", None, &[("ns0", "/outer")]),
    ("/outer/inner", None, &[("ns1", "/inner")]),
];

const ROOTS: [&str; 5] = ["/data0/jobs", "/all/jobs", "/hash/jobs", "/outer/jobs", "/outer/inner/jobs"];

/// Ways of working in each directory.
const WORKS: usize = 10;

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("jobs_work_in_a_mount", |run| all_pass(run, "/data0/jobs")),
            ("jobs_work_where_files_are_spread", |run| all_pass(run, "/all/jobs")),
            ("jobs_work_where_directories_are_spread", |run| all_pass(run, "/hash/jobs")),
            ("jobs_work_beside_a_nested_mount", |run| all_pass(run, "/outer/jobs")),
            ("jobs_work_in_a_nested_mount", |run| all_pass(run, "/outer/inner/jobs")),
        ],
    )
}

fn setup() -> Result<ContractRun> {
    let scratch = Scratch::new("jobs")?;
    let jars = Jars::get()?;
    let cluster = Cluster::start(&jars, scratch.path(), &Plan::tests())?;
    let shell = Shell::start(&jars, scratch.path())?;
    for ns in ["ns0", "ns1"] {
        let directories = MOUNTS.iter().flat_map(|(_, _, destinations)| destinations.iter());
        let here: Vec<&str> = directories.filter(|(one, _)| *one == ns).map(|(_, path)| *path).collect();
        shell.at(&format!("hdfs://{}", cluster.rpc(ns))).dfs(&[&["-mkdir"], &here[..]].concat()).ok();
    }
    let router = router_with_mounts(&cluster, &scratch.path().join("router"), &["ns0", "ns1"], &MOUNTS)?;
    ContractRun::jobs(&jars, scratch.path(), &router.uri(), "/data1", &ROOTS)
}

fn all_pass(run: &ContractRun, root: &str) {
    let ours = |test: &str| test.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'));
    let failures: Vec<_> = run.failures().into_iter().filter(|(test, _)| ours(test)).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(run.outcomes.keys().filter(|test| ours(test)).count(), WORKS);
}
