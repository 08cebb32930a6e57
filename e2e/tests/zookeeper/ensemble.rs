//! Members of an ensemble are killed while records are written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anabranch_federation::MountEntry;
use anabranch_store::suite::{Sample, entry};
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{Change, Event, Reader, Refusal, StoreError, Version, Writer};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const WRITERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(120);

/// Kills of a member in a run; `SEEDS` says how many runs there are.
const KILLS: usize = 3;

/// What a writer knows of its record.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    tag: u64,
    /// Of the last write.
    version: u64,
    acknowledged: u64,
}

pub(crate) fn nothing_acknowledged_is_lost(_: &Site) {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1);
    let scratch = Scratch::new("zookeeper-ensemble").expect("a directory");
    let jars = Jars::get().expect("jars");
    let mut ensemble = ZooKeeper::start(&jars, scratch.path(), &Plan::members(3)).expect("an ensemble");
    for seed in 0..seeds {
        let mut options =
            ZooKeeperOptions::new(&format!("{}/seed-{seed}", ensemble.connect_string())).expect("options");
        (options.session_timeout, options.retry_interval) = (Duration::from_secs(4), Duration::from_millis(50));
        block_on(run(&mut ensemble, options, StdRng::seed_from_u64(seed)));
    }
}

async fn run(ensemble: &mut ZooKeeper, options: ZooKeeperOptions, mut random: StdRng) {
    let store = ZooKeeperStore::open(options.clone()).expect("a store");
    let other = ZooKeeperStore::open(options.clone()).expect("a store");
    let stop = Arc::new(AtomicBool::new(false));
    let watchers: Vec<_> = [&store, &other].map(|store| tokio::spawn(watch(store.clone()))).into();
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let store = if n % 2 == 0 { store.clone() } else { other.clone() };
            tokio::spawn(write(store, format!("/w{n}"), stop.clone()))
        })
        .collect();
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(50..400))).await;
        // The leader more often than the others: without it nothing can be written.
        let member = match ensemble.leader() {
            Some(leader) if random.random_bool(0.5) => leader,
            _ => random.random_range(0..3),
        };
        ensemble.kill(member);
        tokio::time::sleep(Duration::from_millis(random.random_range(0..500))).await;
        ensemble.restart(member).expect("a restart");
        ensemble.wait().expect("an ensemble that serves");
    }
    stop.store(true, Ordering::Relaxed);
    let mut expected = BTreeMap::new();
    for (n, writer) in writers.into_iter().enumerate() {
        let written = writer.await.expect("a writer");
        assert!(written.acknowledged > 0, "writer {n} wrote nothing");
        expected.insert(format!("/w{n}"), written.tag);
    }
    // A last change tells the watchers where to stop.
    persist(&store, "/end", 1, Version::ABSENT).await;
    expected.insert("/end".to_owned(), 1);
    let fresh = ZooKeeperStore::open(options).expect("a store");
    for store in [&store, &other, &fresh] {
        assert_eq!(state(store).await, expected);
    }
    for watcher in watchers {
        assert_eq!(tokio::time::timeout(PATIENCE, watcher).await.expect("in time").expect("a watcher"), expected);
    }
}

/// Counts a record up, one by one, and knows after each write what must be there.
async fn write(store: ZooKeeperStore, key: String, stop: Arc<AtomicBool>) -> Written {
    let mut written = Written::default();
    while !stop.load(Ordering::Relaxed) {
        let (version, acknowledged) = persist(&store, &key, written.tag + 1, Version(written.version)).await;
        written.tag += 1;
        written.version = version.0;
        written.acknowledged += u64::from(acknowledged);
    }
    written
}

/// Writes until it is known that the record has this tag: its version, and whether the write was acknowledged.
async fn persist(store: &ZooKeeperStore, key: &str, tag: u64, expected: Version) -> (Version, bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let before = Instant::now();
        match store.put(entry(key, tag), expected).await {
            Ok(version) => return (version, true),
            // It may have been made, or be made while this looks.
            Err(StoreError::ZooKeeper(ZooKeeperError::Lost)) => {}
            Err(StoreError::Refused(Refusal::Conflict { .. })) => {
                let list = Reader::<MountEntry>::list(store).await;
                let found =
                    list.ok().and_then(|list| list.records.into_iter().find(|s| s.record.source.as_str() == key));
                if let Some(found) = found.filter(|found| found.version != expected) {
                    assert_eq!(found.record.tag(), tag, "{key}: another's write, or one that was made twice");
                    return (found.version, false);
                }
            }
            Err(StoreError::ZooKeeper(_)) => {}
            Err(error) => panic!("{key}: {error}"),
        }
        assert!(before < end, "{key}: cannot write {tag}");
    }
}

async fn state(store: &ZooKeeperStore) -> BTreeMap<String, u64> {
    let end = Instant::now() + PATIENCE;
    loop {
        match Reader::<MountEntry>::list(store).await {
            Ok(list) => return list.records.iter().map(|s| (s.record.source.to_string(), s.record.tag())).collect(),
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
    }
}

/// Follows until `/end` is there. Revisions only grow, and no record goes back.
async fn watch(store: ZooKeeperStore) -> BTreeMap<String, u64> {
    let mut watch = Reader::<MountEntry>::watch(&store, None);
    let (mut known, mut newest) = (BTreeMap::<String, u64>::new(), 0);
    while !known.contains_key("/end") {
        let (revision, seen) = match watch.next().await {
            Ok(Event::Snapshot(snapshot)) => {
                let records = snapshot.records.iter().map(|s| (s.record.source.to_string(), s.record.tag()));
                assert!(snapshot.revision >= newest, "a snapshot of {} after {newest}", snapshot.revision);
                (snapshot.revision, records.collect::<Vec<_>>())
            }
            Ok(Event::Changed { revision, changes }) => {
                assert!(revision > newest, "{revision} after {newest}");
                let put = |change: &Change<MountEntry>| match change {
                    Change::Put(record) => (record.source.to_string(), record.tag()),
                    Change::Delete(key) => panic!("{key} was never deleted"),
                };
                (revision, changes.iter().map(put).collect())
            }
            Ok(Event::FellBehind) => continue,
            Err(_) => continue,
        };
        newest = revision;
        for (key, tag) in seen {
            let before = known.insert(key.clone(), tag).unwrap_or_default();
            assert!(tag >= before, "{key} went from {before} to {tag}");
        }
    }
    known
}
