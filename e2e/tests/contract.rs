//! Hadoop's FileSystem contract suite: on a NameNode itself, through our router before NameNodes, on all kinds of mounts, and
//! through our router before embedded subclusters. Runs go side by side where they can: most of their time is waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use anabranch_e2e::servers::{self, Mount};
use anabranch_testkit::hadoop::{Cluster, ContractRun, Jars, Outcome, Plan, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

/// Fewer tests than this mean that a suite was left out.
const TESTS: usize = 290;

const MOUNTS: [Mount<'_>; 3] = [
    ("/all", Some("HashAll"), &[("ns2", "/all"), ("ns3", "/all")]),
    ("/outer", None, &[("ns2", "/outer")]),
    ("/outer/inner", None, &[("ns3", "/inner")]),
];

/// Beginnings of the names of tests that fail where files of one directory are in several subclusters, and why.
const SPREAD: &[(&str, &str)] = &[
    ("MultipartUploader.", "puts files together that may be in several subclusters"),
    ("PathHandle.", "asks for a file by its number, which is another file's in the other subcluster"),
    ("ContentSummary.testGetContentSummary", "counts directories, which are in both"),
];

struct Runs {
    direct: ContractRun,
    external: Result<ContractRun>,
    spread: Result<ContractRun>,
    nested: Result<ContractRun>,
    embedded: Result<ContractRun>,
    scratch: Scratch,
}

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("a_namenode_keeps_the_contract", direct),
            ("our_router_keeps_what_its_namenodes_keep", |runs| all_kept(runs, "router", &runs.external)),
            ("so_it_does_in_a_nested_mount", |runs| all_kept(runs, "nested mount", &runs.nested)),
            ("files_that_are_spread_break_only_what_needs_them_together", spread),
            ("embedded_subclusters_break_only_what_is_documented", embedded),
        ],
    )
}

fn setup() -> Result<Runs> {
    let scratch = Scratch::new("contract")?;
    let jars = Jars::get()?;
    // One suite sends all the NameNodes to safe mode that it can reach: what runs side by side has its own.
    let cluster = Cluster::start(&jars, scratch.path(), &Plan::nameservices(4))?;
    let uri = format!("hdfs://{}", cluster.rpc("ns0"));
    {
        let shell = Shell::start(&jars, scratch.path())?;
        for ns in ["ns0", "ns2", "ns3"] {
            let at = shell.at(&format!("hdfs://{}", cluster.rpc(ns)));
            at.dfs(&["-mkdir", "/data0", "/all", "/outer", "/inner"]).ok();
        }
    }
    let dir = scratch.path();
    let run = |uri: &str, root: &str| ContractRun::execute(&jars, dir, uri, root, &[]);
    let (direct, external, mounted, embedded) = thread::scope(|scope| {
        let embedded = scope.spawn(|| {
            let router = servers::local(dir)?;
            run(&router.uri(), "/data0/embedded")
        });
        let mounted = scope.spawn(|| {
            // The first is the default one, and so the one in which files are looked up by their numbers.
            let router = servers::router_with_mounts(&cluster, &dir.join("mounted"), &["ns3", "ns2"], &MOUNTS)?;
            Ok((run(&router.uri(), "/all/spread"), run(&router.uri(), "/outer/inner/nested")))
        });
        let direct = run(&uri, "/data0/direct");
        let external = servers::router_before(&cluster, dir).and_then(|router| run(&router.uri(), "/data0/external"));
        let panicked = || anyhow::anyhow!("the run panicked, see above");
        let embedded = embedded.join().unwrap_or_else(|_| Err(panicked()));
        (direct, external, mounted.join().unwrap_or_else(|_| Err(panicked())), embedded)
    });
    let (spread, nested) = mounted?;
    Ok(Runs { direct: direct?, external, spread, nested, embedded, scratch })
}

fn direct(runs: &Runs) {
    report("NameNode", &runs.direct);
    assert!(runs.direct.failures().is_empty(), "{:#?}", runs.direct.failures());
    assert!(runs.direct.outcomes.len() >= TESTS, "only {} tests", runs.direct.outcomes.len());
}

fn all_kept(runs: &Runs, name: &str, run: &Result<ContractRun>) {
    let run = run.as_ref().unwrap_or_else(|e| panic!("{e:#}"));
    report(name, run);
    compare_names(runs, run);
    assert!(run.failures().is_empty(), "passes on a NameNode, fails through the router: {:#?}", run.failures());
    assert_eq!(run.count(&Outcome::Passed), runs.direct.count(&Outcome::Passed));
}

fn embedded(runs: &Runs) {
    let run = runs.embedded.as_ref().unwrap_or_else(|e| panic!("{e:#}"));
    report("router before embedded subclusters", run);
    compare_names(runs, run);
    let documented = documented();
    let failures = run.failures();
    let new: BTreeMap<_, _> = failures.iter().filter(|(test, _)| !documented.contains(**test)).collect();
    let gone: Vec<_> = documented.iter().filter(|test| !failures.contains_key(test.as_str())).collect();
    assert!(new.is_empty() && gone.is_empty(), "fail, not in {DOCUMENT}: {new:#?}\npass, still in it: {gone:#?}");
}

fn spread(runs: &Runs) {
    let run = runs.spread.as_ref().unwrap_or_else(|e| panic!("{e:#}"));
    report("HASH_ALL", run);
    compare_names(runs, run);
    let failures = run.failures();
    let new: BTreeMap<_, _> =
        failures.iter().filter(|(test, _)| !SPREAD.iter().any(|(said, _)| test.starts_with(said))).collect();
    // Which subcluster a file is in, and so whether a test fails, is chance in some of them.
    let gone: Vec<_> = SPREAD.iter().filter(|(said, _)| !failures.keys().any(|test| test.starts_with(said))).collect();
    assert!(new.is_empty() && gone.is_empty(), "fail, not in SPREAD: {new:#?}\npass, still in it: {gone:#?}");
}

const DOCUMENT: &str = "docs/contract-embedded.md";

/// First column of the document's table.
fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(DOCUMENT);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned())).collect()
}

/// The same tests must have run: none may be left out silently.
fn compare_names(runs: &Runs, run: &ContractRun) {
    let names = |run: &ContractRun| run.outcomes.keys().cloned().collect::<BTreeSet<_>>();
    let (expected, found) = (names(&runs.direct), names(run));
    let missing: Vec<_> = expected.symmetric_difference(&found).collect();
    let skipped = |run: &ContractRun| {
        let skipped = run.outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Skipped);
        skipped.map(|(test, _)| test.clone()).collect::<Vec<_>>()
    };
    assert_eq!(skipped(&runs.direct), skipped(run), "skipped on a NameNode and here");
    assert!(missing.is_empty(), "only in one of the runs (logs in {}): {missing:#?}", runs.scratch.path().display());
}

#[allow(clippy::print_stdout, reason = "how much of the contract holds is the result of this test")]
fn report(name: &str, run: &ContractRun) {
    let (passed, skipped) = (run.count(&Outcome::Passed), run.count(&Outcome::Skipped));
    println!("{name}: {passed} passed, {} failed, {skipped} skipped", run.failures().len());
}
