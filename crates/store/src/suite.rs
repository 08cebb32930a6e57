//! What every driver of the state store must do, as tests. A driver's own tests call [`conformance`], and [`restart`] if
//! it keeps anything.
//!
//! They panic where a driver differs.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{MountEntry, MountPath, Order};

use crate::{Change, Event, MountChange, MountStore, Refusal, Revision, StoreError, Version, Watch};

/// How many changes a store under test may remember for its watchers: few, so that falling behind is quick.
pub const HISTORY: usize = 8;

/// The store under test.
pub type Store = Arc<dyn MountStore>;

/// Holds a driver to the contract. `fresh` makes an empty store with a history of [`HISTORY`] changes.
pub async fn conformance<F: Future<Output = Store>>(fresh: impl Fn() -> F) {
    versions(fresh().await).await;
    preconditions(fresh().await).await;
    many_changes(fresh().await).await;
    refusals(fresh().await).await;
    ordered_watch(fresh().await).await;
    resumed_watch(fresh().await).await;
    falling_behind(fresh().await).await;
    concurrent_writers(fresh().await).await;
}

/// Holds a driver to keeping what was acknowledged. `open` opens one and the same store; the last one was dropped before.
pub async fn restart<F: Future<Output = Store>>(open: impl Fn() -> F) {
    let store = open().await;
    let version = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let gone = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    store.delete(path("/b"), gone).await.unwrap();
    let before = store.list().await.unwrap();
    drop(store);

    let store = open().await;
    assert_eq!(store.list().await.unwrap(), before);
    // A watch that was up to date goes on, one that was not reads again, and so does one from the future.
    let mut current = store.watch(Some(before.revision));
    assert_eq!(next(&mut *store.watch(Some(version.0))).await, Event::FellBehind);
    assert_eq!(next(&mut *store.watch(Some(before.revision + 1))).await, Event::FellBehind);
    let next_version = store.put(entry("/a", 2), version).await.unwrap();
    assert!(next_version > version);
    assert_eq!(changed(&mut *current).await, (next_version.0, vec!["+/a".to_owned()]));
}

/// An entry that differs with `tag`.
pub fn entry(source: &str, tag: u64) -> MountEntry {
    let entry = MountEntry::parse(source, [("ns0", "/x"), ("ns1", "/x")]).unwrap();
    MountEntry { order: Order::HashAll, modified_ms: tag, created_ms: 1, ..entry }
}

fn path(source: &str) -> MountPath {
    MountPath::parse(source).unwrap()
}

/// The next event; a driver that has one and does not deliver it fails.
async fn next(watch: &mut dyn Watch<MountEntry>) -> Event<MountEntry> {
    tokio::time::timeout(Duration::from_secs(30), watch.next()).await.expect("no event in 30 s").unwrap()
}

/// The next event, which must be a change: its revision, and `+` or `-` with the source.
async fn changed(watch: &mut dyn Watch<MountEntry>) -> (Revision, Vec<String>) {
    let Event::Changed { revision, changes } = next(watch).await else { panic!("expected a change") };
    let shown = changes.iter().map(|change| match change {
        Change::Put(entry) => format!("+{}", entry.source),
        Change::Delete(source) => format!("-{source}"),
    });
    (revision, shown.collect())
}

/// The next event, which must be a snapshot: its revision and sources.
async fn snapshot(watch: &mut dyn Watch<MountEntry>) -> (Revision, Vec<String>) {
    let Event::Snapshot(snapshot) = next(watch).await else { panic!("expected a snapshot") };
    let sources = snapshot.records.iter().map(|stored| stored.record.source.to_string());
    (snapshot.revision, sources.collect())
}

async fn versions(store: Store) {
    let empty = store.list().await.unwrap();
    assert!(empty.records.is_empty() && empty.broken.is_empty());
    let first = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let second = store.put(entry("/b/c", 1), Version::ABSENT).await.unwrap();
    let third = store.put(entry("/a", 2), first).await.unwrap();
    assert!(Version(empty.revision) < first && first < second && second < third);

    let list = store.list().await.unwrap();
    assert_eq!(list.revision, third.0);
    let found: Vec<_> = list.records.iter().map(|stored| (&stored.record, stored.version)).collect();
    assert_eq!(found, [(&entry("/a", 2), third), (&entry("/b/c", 1), second)]);

    store.delete(path("/a"), third).await.unwrap();
    let again = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    assert!(again > third, "a record that was made anew has a version of its own");
}

async fn preconditions(store: Store) {
    let version = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let before = store.list().await.unwrap();
    let never = Version(version.0 + 100);
    for (answer, source, expected, found) in [
        (store.put(entry("/a", 2), Version::ABSENT).await, "/a", Version::ABSENT, version),
        (store.put(entry("/a", 2), never).await, "/a", never, version),
        (store.put(entry("/b", 1), version).await, "/b", version, Version::ABSENT),
        (store.delete(path("/a"), never).await, "/a", never, version),
        (store.delete(path("/b"), version).await, "/b", version, Version::ABSENT),
        (store.delete(path("/b"), Version::ABSENT).await, "/b", Version::ABSENT, Version::ABSENT),
    ] {
        let Err(StoreError::Refused(refusal)) = answer else { panic!("{source}: expected a refusal, got {answer:?}") };
        assert_eq!(refusal, Refusal::Conflict { key: source.to_owned(), expected, found });
    }
    assert_eq!(store.list().await.unwrap(), before, "what was refused changed nothing");
}

async fn many_changes(store: Store) {
    let mut watch = store.watch(None);
    let (start, _) = snapshot(&mut *watch).await;
    let put = |source, expected| MountChange::Put { entry: entry(source, 1), expected };
    let delete = |source, expected| MountChange::Delete { source: path(source), expected };
    assert_eq!(store.write(Vec::new()).await.unwrap(), []);
    let answers =
        store.write(vec![put("/a", Version::ABSENT), put("/b", Version(9)), put("/c", Version::ABSENT)]).await.unwrap();
    let version = *answers[0].as_ref().unwrap();
    assert!(version.0 > start);
    assert!(matches!(answers[1], Err(Refusal::Conflict { .. })));
    assert_eq!(answers[2], Ok(version), "changes that are made together have one version");
    assert_eq!(changed(&mut *watch).await, (version.0, vec!["+/a".to_owned(), "+/c".to_owned()]));

    // Later changes see what earlier ones of the same write did; watchers see what came of it.
    let answers =
        store.write(vec![delete("/a", version), put("/a", Version::ABSENT), delete("/c", version)]).await.unwrap();
    let later = *answers[1].as_ref().unwrap();
    assert!(answers.iter().all(|answer| *answer == Ok(later)));
    assert_eq!(changed(&mut *watch).await, (later.0, vec!["+/a".to_owned(), "-/c".to_owned()]));

    let too_many = (0..=crate::MAX_CHANGES).map(|i| put(&*format!("/{i}").leak(), Version::ABSENT)).collect();
    assert!(matches!(store.write(too_many).await, Err(StoreError::TooManyChanges(_))));
    assert_eq!(store.list().await.unwrap().records.len(), 1);
}

async fn refusals(store: Store) {
    let invalid = MountEntry { fault_tolerant: true, order: Order::Hash, ..entry("/a", 1) };
    let huge = MountEntry { owner: "x".repeat(crate::MAX_RECORD_BYTES), ..entry("/b", 1) };
    let put = |entry| MountChange::Put { entry, expected: Version::ABSENT };
    let answers = store.write(vec![put(invalid), put(huge), put(entry("/c", 1))]).await.unwrap();
    assert!(matches!(answers[0], Err(Refusal::Invalid(_))));
    assert!(matches!(answers[1], Err(Refusal::TooLarge { .. })));
    assert!(answers[2].is_ok());
}

async fn ordered_watch(store: Store) {
    let first = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let mut watch = store.watch(None);
    assert_eq!(snapshot(&mut *watch).await, (first.0, vec!["/a".to_owned()]));

    // One that waits is woken; one whose wait was dropped loses nothing.
    let idle = tokio::time::timeout(Duration::from_millis(20), watch.next()).await;
    assert!(idle.is_err(), "an event without a change");
    let waiting = tokio::spawn(async move { (changed(&mut *watch).await, watch) });
    let second = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    let (event, mut watch) = waiting.await.unwrap();
    assert_eq!(event, (second.0, vec!["+/b".to_owned()]));

    let third = store.put(entry("/a", 2), first).await.unwrap();
    let fourth = store.delete(path("/b"), second).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (third.0, vec!["+/a".to_owned()]));
    assert_eq!(changed(&mut *watch).await, (fourth.0, vec!["-/b".to_owned()]));
}

async fn resumed_watch(store: Store) {
    let first = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let second = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    let mut watch = store.watch(Some(first.0));
    assert_eq!(changed(&mut *watch).await, (second.0, vec!["+/b".to_owned()]));
    let mut future = store.watch(Some(second.0 + 10));
    assert_eq!(next(&mut *future).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *future).await.0, second.0);
}

async fn falling_behind(store: Store) {
    let mut slow = store.watch(None);
    let mut quick = store.watch(None);
    snapshot(&mut *slow).await;
    snapshot(&mut *quick).await;
    let mut version = Version::ABSENT;
    for tag in 0..=HISTORY as u64 {
        version = store.put(entry("/a", tag), version).await.unwrap();
        assert_eq!(changed(&mut *quick).await.0, version.0);
    }
    assert_eq!(next(&mut *slow).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *slow).await, (version.0, vec!["/a".to_owned()]));
    let next_version = store.delete(path("/a"), version).await.unwrap();
    for watch in [slow, quick] {
        let mut watch = watch;
        assert_eq!(changed(&mut *watch).await, (next_version.0, vec!["-/a".to_owned()]));
    }
}

/// Writers that compete for one record, each of which must see all that the others did.
async fn concurrent_writers(store: Store) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 5;
    store.put(entry("/n", 0), Version::ABSENT).await.unwrap();
    let count = |store: Store| async move {
        for _ in 0..EACH {
            loop {
                let stored = store.list().await.unwrap().records.remove(0);
                let changed = entry("/n", stored.record.modified_ms + 1);
                match store.put(changed, stored.version).await {
                    Ok(_) => break,
                    Err(StoreError::Refused(Refusal::Conflict { .. })) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(count(store.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(store.list().await.unwrap().records[0].record.modified_ms, WRITERS * EACH);
}
