//! Writers and watchers behind a network that fails at random, and servers that are replaced, with an oracle that knows
//! what was acknowledged. `SEEDS=300` runs more.

use std::collections::BTreeMap;

use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::suite::entry;
use crate::{Change, Event, Reader, Refusal, StoreError, Version, Writer};

const WRITERS: u64 = 3;
const WRITES: u64 = 12;

/// What a writer knows of its record: the tag and the version that were acknowledged last.
#[derive(Debug, Clone, Copy)]
struct Acknowledged {
    tag: u64,
    version: Version,
}

/// Writes a counter up. Each tag is put by one change only, which is judged against the version before it: if a change were
/// made twice, or after it was given up, the versions would tell.
async fn writer(store: GrpcStore, n: u64) -> Acknowledged {
    let name = format!("/w{n}");
    let mut known = Acknowledged { tag: 0, version: Version::ABSENT };
    for tag in 1..=WRITES {
        loop {
            match store.put(entry(&name, tag), known.version).await {
                Ok(version) => {
                    assert!(version > known.version, "versions grow");
                    known = Acknowledged { tag, version };
                    break;
                }
                Err(error) if !error.may_be_done() => {
                    assert!(matches!(error, StoreError::NotDone(_)), "{error}");
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Err(StoreError::Unknown(_)) => {
                    // It may have been made: what is stored is either.
                    let stored = look(&store, &name).await;
                    match stored {
                        Some((found, version)) if found == tag => known = Acknowledged { tag, version },
                        found => assert_eq!(found.unwrap_or((0, Version::ABSENT)), (known.tag, known.version)),
                    }
                    if known.tag == tag {
                        break;
                    }
                    // One that is still on its way may yet be made; then the next attempt is refused.
                    match store.put(entry(&name, tag), known.version).await {
                        Err(StoreError::Refused(Refusal::Conflict { .. })) | Ok(_) | Err(_) => {
                            let (found, version) = look(&store, &name).await.unwrap_or((0, Version::ABSENT));
                            assert!(found == tag || (found, version) == (known.tag, known.version), "{found}");
                            known = Acknowledged { tag: found, version };
                        }
                    }
                    if known.tag == tag {
                        break;
                    }
                }
                Err(StoreError::Refused(Refusal::Conflict { found, .. })) => {
                    // Only a change of its own that was given up can have got in between.
                    let (tag_found, version) = look(&store, &name).await.expect("a record");
                    assert_eq!((tag_found, version), (tag, found));
                    known = Acknowledged { tag, version };
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    known
}

async fn look(store: &GrpcStore, name: &str) -> Option<(u64, Version)> {
    loop {
        match Reader::<MountEntry>::list(store).await {
            Ok(list) => {
                let found = list.records.into_iter().find(|stored| stored.record.source == *name);
                return found.map(|stored| (stored.record.tag(), stored.version));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

/// Follows the records until `done`, and checks that nothing is missing or out of order: each writer's tags grow one by one,
/// except over a snapshot.
async fn watcher(store: GrpcStore, mut done: tokio::sync::watch::Receiver<Option<u64>>) -> BTreeMap<String, u64> {
    let mut watch = Reader::<MountEntry>::watch(&store, None);
    let (mut tags, mut revision, mut snapshot_due) = (BTreeMap::new(), 0, true);
    loop {
        if done.borrow().is_some_and(|last| revision >= last) {
            return tags;
        }
        let event = tokio::select! {
            event = watch.next() => event,
            _ = done.changed() => continue,
        };
        match event {
            Ok(Event::Snapshot(snapshot)) => {
                assert!(snapshot_due, "a snapshot without a reason");
                assert!(snapshot.revision >= revision, "back from {revision} to {}", snapshot.revision);
                (revision, snapshot_due) = (snapshot.revision, false);
                let all = snapshot.records.into_iter().map(|stored| (stored.record.key_of(), stored.record.tag()));
                let now: BTreeMap<String, u64> = all.collect();
                assert!(tags.iter().all(|(key, tag)| now.get(key) >= Some(tag)), "{tags:?} after {now:?}");
                tags = now;
            }
            Ok(Event::FellBehind) => snapshot_due = true,
            Ok(Event::Changed { revision: same, changes }) if changes.is_empty() => assert_eq!(same, revision),
            Ok(Event::Changed { revision: new, changes }) => {
                assert!(!snapshot_due && new > revision, "{new} after {revision}");
                revision = new;
                for change in &*changes {
                    let Change::Put(record) = change else { panic!("nothing is deleted") };
                    let before = tags.insert(record.key_of(), record.tag()).unwrap_or(0);
                    assert_eq!(record.tag(), before + 1, "{}: a change was missed or came twice", record.source);
                }
            }
            Err(StoreError::NotDone(_) | StoreError::Unknown(_)) => tokio::time::sleep(Duration::from_millis(2)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

trait KeyOf {
    fn key_of(&self) -> String;
}

impl KeyOf for MountEntry {
    fn key_of(&self) -> String {
        self.source.to_string()
    }
}

async fn run(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let store = JournalStore::new(MemoryJournal::default(), &Options { history: random.random_range(4..64) });
    let mut served = Served::start(store.clone()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let short = Duration::from_millis(300);
    let options = ClientOptions {
        connect: short,
        call: short,
        keep_alive: short,
        ..ClientOptions::new([proxy.address().to_string()])
    };
    let client = || GrpcStore::new(&options).unwrap();
    let (done, ends) = tokio::sync::watch::channel(None);
    let watchers: Vec<_> = (0..3).map(|_| tokio::spawn(watcher(client(), ends.clone()))).collect();
    let writers: Vec<_> = (0..WRITERS).map(|n| tokio::spawn(writer(client(), n))).collect();

    let mut faults = 0;
    while !writers.iter().all(JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(random.random_range(1..15))).await;
        faults += 1;
        match random.random_range(0..if faults < 60 { 7 } else { 1 }) {
            0 => proxy.heal(),
            1 => proxy.cut(),
            2 => proxy.set(Way::Replies, Fault::CutAfter(random.random_range(0..2000))),
            3 => proxy.set(Way::Requests, Fault::CutAfter(random.random_range(0..2000))),
            4 => proxy.set(Way::Replies, Fault::Withhold),
            5 => proxy.set(Way::Replies, Fault::Delay(Duration::from_millis(random.random_range(0..20)))),
            _ => {
                let next = Served::start(store.clone()).await;
                proxy.retarget(next.address);
                // The old one is stopped as by a deployment, or dies.
                if random.random_bool(0.5) {
                    served.stop.cancel();
                }
                served = next;
                proxy.cut();
            }
        }
    }
    proxy.heal();
    let mut last = 0;
    for (n, writer) in (0..WRITERS).zip(writers) {
        let known = writer.await.unwrap();
        assert_eq!(known.tag, WRITES, "writer {n}");
        last = last.max(known.version.0);
    }
    let list = Reader::<MountEntry>::list(&store).await.unwrap();
    assert!(list.records.iter().all(|stored| stored.record.tag() == WRITES));
    // Every revision is one change of one writer: none was made twice.
    assert_eq!((list.revision, last), (WRITERS * WRITES, WRITERS * WRITES));
    done.send_replace(Some(last));
    for watcher in watchers {
        let tags = tokio::time::timeout(PATIENCE, watcher).await.expect("the end").unwrap();
        assert!(tags.values().all(|tag| *tag == WRITES), "{tags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_made_twice_or_missed() {
    let seeds = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    for seed in 0..seeds {
        eprintln!("seed {seed}");
        tokio::time::timeout(Duration::from_secs(120), run(seed)).await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
    }
}
