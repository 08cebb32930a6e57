//! Acknowledged operations survive SIGKILL, and nothing is half done. A child process runs operations of several workers
//! and says which were acknowledged; it is killed at some moment; the journal is opened again and compared with what was
//! said. The child that comes next repeats the calls that were not acknowledged, as clients do.
//!
//! `KILLS=300 cargo test -p anabranch-namespace --test kill9` kills more often.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::hdfs::{DeleteResponseProto, MkdirsResponseProto, RenameResponseProto};
use anabranch_journal::{Journal, Options, RocksJournal};
use anabranch_namespace::NamespaceConfig;
use anabranch_namespace::base::Base;
use anabranch_namespace::block::BlockId;
use anabranch_namespace::clock::SystemClock;
use anabranch_namespace::state::access::Caller;
use anabranch_namespace::state::audit::audit;
use anabranch_namespace::state::ops::{self, Create, Named};
use anabranch_namespace::state::resolve::{Purpose, resolve};
use anabranch_namespace::state::view::View;
use anabranch_namespace::state::{Fault, Txn, tables};
use anabranch_namespace::writer::Writer;
use rand::Rng;

const WORKERS: u64 = 8;
/// Steps after which a worker begins with the next directory.
const ROUND: u64 = 8;

/// What a worker's tree looks like: path below its root, and the bytes of closed files.
type Tree = BTreeMap<String, Option<u64>>;

/// The tree after this many steps: the oracle.
fn expected(steps: u64) -> Tree {
    let mut tree = Tree::new();
    for step in 0..steps {
        let n = step / ROUND;
        match step % ROUND {
            0 => drop(tree.insert(format!("/d{n}"), None)),
            1 => drop(tree.insert(format!("/d{n}/f"), Some(0))),
            // A block is added, but it has no bytes yet.
            2 => {}
            3 => drop(tree.insert(format!("/d{n}/f"), Some(n + 1))),
            4 => {
                tree.remove(&format!("/d{n}"));
                tree.remove(&format!("/d{n}/f"));
                tree.insert(format!("/e{n}"), None);
                tree.insert(format!("/e{n}/f"), Some(n + 1));
            }
            5 => {
                tree.remove(&format!("/e{n}/f"));
                tree.insert("/last".into(), Some(n + 1));
            }
            // What was replaced is reaped, which nobody sees.
            6 => {}
            _ => drop(tree.remove(&format!("/e{n}"))),
        }
    }
    tree
}

/// Does a step of a worker. A repeated one has the same effect and the same answer as the first.
async fn step(writer: &Writer, worker: u64, step: u64) -> Result<(), Fault> {
    let (n, key) = (step / ROUND, Some([worker.to_be_bytes(), step.to_be_bytes()].concat()));
    let who = Caller { user: "root".into(), groups: Default::default(), superuser: true, machine: "here".into() };
    let at = move |path: String| format!("/w{worker}{path}");
    let file = at(format!("/d{n}/f"));
    let holder = format!("worker {worker}");
    match step % ROUND {
        0 => {
            let op = move |txn: &mut Txn<'_>| {
                ops::mkdirs(txn, &who, &at(format!("/d{n}")), 0o755, true)?;
                Ok(MkdirsResponseProto { result: true })
            };
            writer.submit_once(key, op).await.map(drop)
        }
        1 => {
            let ask = Create {
                path: file,
                mode: 0o644,
                holder,
                create: true,
                overwrite: false,
                create_parent: false,
                replication: 1,
                block_size: 1 << 20,
            };
            let op = move |txn: &mut Txn<'_>| {
                ops::create(txn, &who, &ask)?;
                Ok(MkdirsResponseProto { result: true })
            };
            writer.submit_once(key, op).await.map(drop)
        }
        2 | 3 => {
            let complete = step % ROUND == 3;
            let op = move |txn: &mut Txn<'_>| {
                let named = Named { path: &file, id: 0, holder: &holder };
                if !complete {
                    return ops::add_block(txn, &who, named, None).map(drop);
                }
                let inode = resolve(txn, &who, &file, Purpose::Use)?;
                let inode = inode.file(&file)?;
                let tail = txn.extent(inode.id, 0)?;
                let block = BlockId { id: tail.block, generation: tail.generation };
                let done = ops::complete(txn, &who, named, Some((block, n + 1)))?;
                if done { Ok(()) } else { Err(Fault::io("not complete")) }
            };
            writer.submit(op).await
        }
        4 => {
            let op = move |txn: &mut Txn<'_>| {
                let result = ops::rename(txn, &who, &at(format!("/d{n}")), &at(format!("/e{n}")))?;
                Ok(RenameResponseProto { result })
            };
            check(writer.submit_once(key, op).await?.result)
        }
        5 => {
            let ask = ops::Rename2 { from: at(format!("/e{n}/f")), to: at("/last".into()), overwrite: true };
            let op = move |txn: &mut Txn<'_>| {
                ops::rename2(txn, &who, &ask)?;
                Ok(RenameResponseProto { result: true })
            };
            writer.submit_once(key, op).await.map(drop)
        }
        6 => writer.submit(|txn| ops::reap(txn, &ops::Place::default(), 3).map(drop)).await,
        _ => {
            let op = move |txn: &mut Txn<'_>| {
                let result = ops::delete(txn, &who, &at(format!("/e{n}")), true)?;
                Ok(DeleteResponseProto { result })
            };
            check(writer.submit_once(key, op).await?.result)
        }
    }
}

fn check(result: bool) -> Result<(), Fault> {
    if result { Ok(()) } else { Err(Fault::io("a repeated call was executed twice, or an acknowledged one was lost")) }
}

fn open(dir: &Path) -> Arc<dyn Journal> {
    Arc::new(RocksJournal::open(dir, tables::ALL, &Options::default()).unwrap())
}

/// What a worker's tree is.
fn found(view: &impl View, worker: u64) -> Tree {
    let mut tree = Tree::new();
    let Some(root) = view.child(tables::ROOT, &format!("w{worker}")).unwrap() else { return tree };
    let mut waiting = vec![(root.id, String::new())];
    while let Some((dir, path)) = waiting.pop() {
        for entry in view.children(dir, &[], 10_000).unwrap() {
            let path = format!("{path}/{}", entry.name);
            let inode = view.inode(entry.inode).unwrap();
            tree.insert(path.clone(), inode.file.map(|file| file.length));
            if entry.is_dir {
                waiting.push((entry.inode, path));
            }
        }
    }
    tree
}

/// The child: goes on from the given steps until it is killed. Not a test by itself.
#[test]
#[ignore = "started by the test that kills it"]
fn child() {
    let (Ok(dir), Ok(from)) = (std::env::var("KILL9_DIR"), std::env::var("KILL9_FROM")) else { return };
    let from: Vec<u64> = from.split(',').map(|n| n.parse().unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = NamespaceConfig::local(&dir, "ns", "root");
        let clock = Arc::new(SystemClock::default());
        let base = Base::open(&config, open(Path::new(&dir)), clock, &prometheus::Registry::new()).await.unwrap();
        let workers = from.into_iter().zip(0..).map(|(first, worker)| {
            let writer = base.writer.clone();
            tokio::spawn(async move {
                for n in first.. {
                    if let Err(fault) = step(&writer, worker, n).await {
                        panic!("worker {worker}, step {n}: {fault}");
                    }
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack {worker} {n}").unwrap();
                    out.flush().unwrap();
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    });
}

/// Starts a child, kills it after a while, and returns the acknowledged steps of each worker.
fn run_and_kill(dir: &Path, from: &[u64], after: Duration) -> Vec<u64> {
    let list: Vec<_> = from.iter().map(u64::to_string).collect();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("KILL9_DIR", dir)
        .env("KILL9_FROM", list.join(","))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut steps = from.to_vec();
    let mut note = |line: String| {
        let words: Vec<_> = line.split(' ').collect();
        if let ["ack", worker, step] = words[..] {
            let worker: usize = worker.parse().unwrap();
            assert_eq!(step.parse::<u64>().unwrap(), steps[worker], "workers acknowledge in order");
            steps[worker] += 1;
        }
    };
    // The clock starts with the first acknowledgement, so that every child gets to work.
    let mut first = None;
    for line in lines.by_ref() {
        let line = line.unwrap();
        let is_ack = line.starts_with("ack");
        note(line);
        if is_ack && first.is_none() {
            first = Some(std::time::Instant::now());
        }
        if first.is_some_and(|at| at.elapsed() >= after) {
            break;
        }
    }
    child.kill().unwrap();
    // A line that the kill cut off was not said.
    lines.map_while(Result::ok).for_each(&mut note);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(first.is_some() && !errors.contains("panicked"), "the child failed: {errors}");
    steps
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_torn() {
    let kills: u32 = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let dir = tempfile::tempdir().unwrap();
    let mut steps = vec![0; usize::try_from(WORKERS).unwrap()];
    let mut random = rand::rng();
    let mut moments = BTreeSet::new();
    for kill in 0..kills {
        let after = Duration::from_micros(random.random_range(0..40_000));
        steps = run_and_kill(dir.path(), &steps, after);
        let journal = open(dir.path());
        let view = journal.snapshot();
        assert_eq!(audit(&view).unwrap(), Vec::<String>::new(), "after kill {kill}");
        for (worker, &acknowledged) in (0..WORKERS).zip(&steps) {
            let tree = found(&view, worker);
            let fits = [acknowledged, acknowledged + 1].map(expected).contains(&tree);
            assert!(
                fits,
                "worker {worker} after {acknowledged} steps, kill {kill}: {tree:?}, not {:?} or {:?}",
                expected(acknowledged),
                expected(acknowledged + 1)
            );
            moments.insert(acknowledged % ROUND);
        }
    }
    assert!(steps.iter().all(|&n| n > 0), "every worker got to work: {steps:?}");
    assert!(moments.len() > 3, "kills hit different operations: {moments:?}");
}
