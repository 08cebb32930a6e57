//! What every driver of the state store must do, as tests. A driver's own tests call [`conformance`] for each kind that has
//! a [`Sample`], [`kinds`] once, and [`restart`] if it keeps anything.
//!
//! They panic where a driver differs. Times are not compared: ZooKeeper has its own.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{MountEntry, Order};
use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, RouterRecordProto};

use crate::{
    Change, DisabledNameservice, Event, Membership, Reader, Record, Records, Refusal, Revision, RouterState,
    StateStore, StoreError, Version, Watch, Write, Writer,
};

pub mod history;
pub mod hostile;
mod lost;
pub mod oracle;
mod sweep;

pub use lost::{LARGE, lost_reply};

/// How many changes a store under test may remember for its watchers: few, so that falling behind is quick.
pub const HISTORY: usize = 8;

/// The records under test.
pub type Store<R> = Arc<dyn Records<R>>;

/// Records to test with.
pub trait Sample: Record {
    /// A record that `name` identifies and that carries `tag`.
    fn sample(name: &str, tag: u64) -> Self;

    /// What it carries.
    fn tag(&self) -> u64;
}

impl Sample for MountEntry {
    fn sample(name: &str, tag: u64) -> Self {
        entry(name, tag)
    }

    fn tag(&self) -> u64 {
        self.owner.parse().unwrap()
    }
}

impl Sample for Membership {
    fn sample(name: &str, tag: u64) -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self::new(NamenodeMembershipRecordProto {
            router_id: text("host:8888"),
            nameservice_id: text("ns0"),
            namenode_id: text(name),
            cluster_id: Some(tag.to_string()),
            block_pool_id: text("BP-1"),
            web_address: text("host:50070"),
            rpc_address: text("host:8020"),
            state: text("ACTIVE"),
            ..Default::default()
        })
        .unwrap()
    }

    fn tag(&self) -> u64 {
        self.message().cluster_id().parse().unwrap()
    }
}

impl Sample for RouterState {
    fn sample(name: &str, tag: u64) -> Self {
        let (address, version, status) = (Some(name.to_owned()), Some(tag.to_string()), Some("RUNNING".to_owned()));
        Self::new(RouterRecordProto { address, version, status, ..Default::default() }).unwrap()
    }

    fn tag(&self) -> u64 {
        self.message().version().parse().unwrap()
    }
}

/// Holds a driver to the contract, with records of one kind. `fresh` makes an empty store with a history of [`HISTORY`]
/// changes.
pub async fn conformance<R: Sample, F: Future<Output = Store<R>>>(fresh: impl Fn() -> F) {
    versions(&*fresh().await).await;
    preconditions(&*fresh().await).await;
    many_changes(&*fresh().await).await;
    changes_have_versions(&*fresh().await).await;
    ordered_watch(fresh().await).await;
    resumed_watch(&*fresh().await).await;
    falling_behind(&*fresh().await).await;
    concurrent_writers(fresh().await).await;
}

/// Holds a driver to keeping the kinds apart, and invalid records out.
pub async fn kinds<F: Future<Output = Arc<dyn StateStore>>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let mut mounts = Reader::<MountEntry>::watch(&*store, None);
    snapshot(&mut *mounts).await;
    let disabled = DisabledNameservice::since("ns0", 5).unwrap();
    let version = store.put(disabled.clone(), Version::ABSENT).await.unwrap();
    store.put(Membership::sample("nn0", 1), Version::ABSENT).await.unwrap();
    store.put(RouterState::sample("host:8888", 1), Version::ABSENT).await.unwrap();
    let mount = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *mounts).await, (mount.0, vec!["+/a".to_owned()]));

    let found = Reader::<DisabledNameservice>::list(&*store).await.unwrap();
    assert_eq!((found.records.len(), found.records[0].version), (1, version));
    assert_eq!(found.records[0].record.nameservice(), "ns0");
    Writer::<DisabledNameservice>::delete(&*store, "ns0".to_owned(), version).await.unwrap();
    assert!(Reader::<DisabledNameservice>::list(&*store).await.unwrap().records.is_empty());
    assert_eq!(Reader::<Membership>::list(&*store).await.unwrap().records.len(), 1);
    assert_eq!(Reader::<RouterState>::list(&*store).await.unwrap().records.len(), 1);
    assert_eq!(Reader::<MountEntry>::list(&*store).await.unwrap().records.len(), 1);

    // A list is as new as the kind's last change, whatever happened to other kinds since.
    let mounts = Reader::<MountEntry>::list(&*store).await.unwrap();
    let mut watch = Reader::<MountEntry>::watch(&*store, Some(mounts.revision));
    let second = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (second.0, vec!["+/b".to_owned()]));
    refusals(&*fresh().await).await;
    sweep::members(&*fresh().await).await;
    sweep::routers(&*fresh().await).await;
}

/// Holds a driver whose watches have no buffers to telling a slow watcher as soon as the history is too short for it.
pub async fn unbuffered<R: Sample>(store: &dyn Records<R>) {
    let mut slow = store.watch(None);
    snapshot(&mut *slow).await;
    let mut version = Version::ABSENT;
    for tag in 0..=HISTORY as u64 {
        version = store.put(R::sample("/a", tag), version).await.unwrap();
    }
    assert_eq!(next(&mut *slow).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *slow).await.0, version.0);
}

/// Holds a driver to keeping what was acknowledged. `open` opens one and the same store; the last one was dropped before.
pub async fn restart<F: Future<Output = Store<MountEntry>>>(open: impl Fn() -> F) {
    let store = open().await;
    let version = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let gone = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    store.delete("/b".to_owned(), gone).await.unwrap();
    let before = store.list().await.unwrap();
    drop(store);

    let store = open().await;
    assert_eq!(store.list().await.unwrap(), before);
    // A watch that was up to date goes on, one that was not reads again, and so does one from the future.
    let watch = |from| store.watch(Some(from));
    let mut current = watch(before.revision);
    assert_eq!(next(&mut *watch(version.0)).await, Event::FellBehind);
    assert_eq!(next(&mut *watch(before.revision + 1)).await, Event::FellBehind);
    let next_version = store.put(entry("/a", 2), version).await.unwrap();
    assert!(next_version > version);
    assert_eq!(changed(&mut *current).await, (next_version.0, vec!["+/a".to_owned()]));
}

/// The entry `/data/app_1` that is known as the bytes of a Java router, too.
pub fn golden() -> MountEntry {
    MountEntry {
        order: Order::HashAll,
        owner: "hdfs".into(),
        group: "supergroup".into(),
        created_ms: 1000,
        modified_ms: 2000,
        ..MountEntry::parse("/data/app_1", [("ns0", "/data"), ("ns1", "/data")]).unwrap()
    }
}

/// An entry that differs with `tag`.
pub fn entry(source: &str, tag: u64) -> MountEntry {
    let entry = MountEntry::parse(source, [("ns0", "/x"), ("ns1", "/x")]).unwrap();
    MountEntry { order: Order::HashAll, owner: tag.to_string(), modified_ms: 1, created_ms: 1, ..entry }
}

/// The key of the record that `name` identifies.
fn key<R: Sample>(name: &str) -> String {
    R::sample(name, 0).key().to_owned()
}

fn put<R: Sample>(name: &str, expected: Version) -> Write<R> {
    Write::Put { record: R::sample(name, 1), expected }
}

fn delete<R: Sample>(name: &str, expected: Version) -> Write<R> {
    Write::Delete { key: key::<R>(name), expected }
}

/// `+` or `-` with the key.
fn shown<R: Sample>(sign: char, name: &str) -> String {
    format!("{sign}{}", key::<R>(name))
}

/// The next event; a driver that has one and does not deliver it fails.
pub(crate) async fn next<R>(watch: &mut dyn Watch<R>) -> Event<R> {
    tokio::time::timeout(Duration::from_secs(30), watch.next()).await.expect("no event in 30 s").unwrap()
}

/// The next event, which must be a change: its revision, and `+` or `-` with the key.
pub(crate) async fn changed<R: Record>(watch: &mut dyn Watch<R>) -> (Revision, Vec<String>) {
    let Event::Changed { revision, changes } = next(watch).await else { panic!("expected a change") };
    let shown = changes.iter().map(|change| match change {
        Change::Put { record, .. } => format!("+{}", record.key()),
        Change::Delete(key) => format!("-{key}"),
    });
    (revision, shown.collect())
}

/// The next event, which must be a snapshot: its revision and keys.
pub(crate) async fn snapshot<R: Record>(watch: &mut dyn Watch<R>) -> (Revision, Vec<String>) {
    let Event::Snapshot(snapshot) = next(watch).await else { panic!("expected a snapshot") };
    let keys = snapshot.records.iter().map(|stored| stored.record.key().to_owned());
    (snapshot.revision, keys.collect())
}

async fn versions<R: Sample>(store: &dyn Records<R>) {
    let empty = store.list().await.unwrap();
    assert!(empty.records.is_empty() && empty.broken.is_empty());
    let first = store.put(R::sample("/a", 1), Version::ABSENT).await.unwrap();
    let second = store.put(R::sample("/b/c", 1), Version::ABSENT).await.unwrap();
    let third = store.put(R::sample("/a", 2), first).await.unwrap();
    assert!(Version(empty.revision) < first && first < second && second < third);

    let list = store.list().await.unwrap();
    assert_eq!(list.revision, third.0);
    let found: Vec<_> =
        list.records.iter().map(|stored| (stored.record.key(), stored.record.tag(), stored.version)).collect();
    assert_eq!(found, [(&*key::<R>("/a"), 2, third), (&*key::<R>("/b/c"), 1, second)]);

    store.delete(key::<R>("/a"), third).await.unwrap();
    let again = store.put(R::sample("/a", 1), Version::ABSENT).await.unwrap();
    assert!(again > third, "a record that was made anew has a version of its own");
}

/// Whoever has the records from a watch can write them, even if several writes came as one change.
async fn changes_have_versions<R: Sample>(store: &dyn Records<R>) {
    let mut watch = store.watch(None);
    snapshot(&mut *watch).await;
    let one = store.put(R::sample("/a", 1), Version::ABSENT).await.unwrap();
    let other = store.put(R::sample("/b", 1), Version::ABSENT).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let Event::Changed { changes, .. } = next(&mut *watch).await else { panic!("expected a change") };
        for change in &*changes {
            let Change::Put { record, version } = change else { panic!("nothing is deleted") };
            seen.push((record.key().to_owned(), *version));
        }
    }
    seen.sort();
    assert_eq!(seen, [(key::<R>("/a"), one), (key::<R>("/b"), other)]);
}

async fn preconditions<R: Sample>(store: &dyn Records<R>) {
    let version = store.put(R::sample("/a", 1), Version::ABSENT).await.unwrap();
    let before = store.list().await.unwrap();
    let never = Version(version.0 + 100);
    for (answer, source, expected, found) in [
        (store.put(R::sample("/a", 2), Version::ABSENT).await, "/a", Version::ABSENT, version),
        (store.put(R::sample("/a", 2), never).await, "/a", never, version),
        (store.put(R::sample("/b", 1), version).await, "/b", version, Version::ABSENT),
        (store.delete(key::<R>("/a"), never).await, "/a", never, version),
        (store.delete(key::<R>("/b"), version).await, "/b", version, Version::ABSENT),
        (store.delete(key::<R>("/b"), Version::ABSENT).await, "/b", Version::ABSENT, Version::ABSENT),
    ] {
        let Err(StoreError::Refused(refusal)) = answer else { panic!("{source}: expected a refusal, got {answer:?}") };
        assert_eq!(refusal, Refusal::Conflict { key: key::<R>(source), expected, found });
    }
    assert_eq!(store.list().await.unwrap(), before, "what was refused changed nothing");
}

async fn many_changes<R: Sample>(store: &dyn Records<R>) {
    let mut watch = store.watch(None);
    let (start, _) = snapshot(&mut *watch).await;
    assert_eq!(store.write(Vec::new()).await.unwrap(), []);
    let answers =
        store.write(vec![put("/a", Version::ABSENT), put("/b", Version(9)), put("/c", Version::ABSENT)]).await.unwrap();
    let version = *answers[0].as_ref().unwrap();
    assert!(version.0 > start);
    assert!(matches!(answers[1], Err(Refusal::Conflict { .. })));
    assert_eq!(answers[2], Ok(version), "changes that are made together have one version");
    assert_eq!(changed(&mut *watch).await, (version.0, vec![shown::<R>('+', "/a"), shown::<R>('+', "/c")]));

    // Later changes see what earlier ones of the same write did; watchers see what came of it.
    let answers =
        store.write(vec![delete("/a", version), put("/a", Version::ABSENT), delete("/c", version)]).await.unwrap();
    let later = *answers[1].as_ref().unwrap();
    assert!(answers.iter().all(|answer| *answer == Ok(later)));
    assert_eq!(changed(&mut *watch).await, (later.0, vec![shown::<R>('+', "/a"), shown::<R>('-', "/c")]));

    let too_many = (0..=crate::MAX_CHANGES).map(|i| put(&*format!("/{i}").leak(), Version::ABSENT)).collect();
    assert!(matches!(store.write(too_many).await, Err(StoreError::TooManyChanges(_))));
    assert_eq!(store.list().await.unwrap().records.len(), 1);
}

async fn refusals(store: &dyn StateStore) {
    let invalid = MountEntry { fault_tolerant: true, order: Order::Hash, ..entry("/a", 1) };
    let huge = MountEntry { owner: "x".repeat(crate::MAX_RECORD_BYTES), ..entry("/b", 1) };
    let put = |record| Write::Put { record, expected: Version::ABSENT };
    let answers = store.write(vec![put(invalid), put(huge), put(entry("/c", 1))]).await.unwrap();
    assert!(matches!(answers[0], Err(Refusal::Invalid(_))));
    assert!(matches!(answers[1], Err(Refusal::TooLarge { .. })));
    assert!(answers[2].is_ok());
}

async fn ordered_watch<R: Sample>(store: Store<R>) {
    let first = store.put(R::sample("/a", 1), Version::ABSENT).await.unwrap();
    let mut watch = store.watch(None);
    assert_eq!(snapshot(&mut *watch).await, (first.0, vec![key::<R>("/a")]));

    // One that waits is woken; one whose wait was dropped loses nothing.
    let idle = tokio::time::timeout(Duration::from_millis(20), watch.next()).await;
    assert!(idle.is_err(), "an event without a change");
    let waiting = tokio::spawn(async move { (changed(&mut *watch).await, watch) });
    let second = store.put(R::sample("/b", 1), Version::ABSENT).await.unwrap();
    let (event, mut watch) = waiting.await.unwrap();
    assert_eq!(event, (second.0, vec![shown::<R>('+', "/b")]));

    let third = store.put(R::sample("/a", 2), first).await.unwrap();
    let fourth = store.delete(key::<R>("/b"), second).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (third.0, vec![shown::<R>('+', "/a")]));
    assert_eq!(changed(&mut *watch).await, (fourth.0, vec![shown::<R>('-', "/b")]));
}

async fn resumed_watch<R: Sample>(store: &dyn Records<R>) {
    let first = store.put(R::sample("/a", 1), Version::ABSENT).await.unwrap();
    let second = store.put(R::sample("/b", 1), Version::ABSENT).await.unwrap();
    let mut watch = store.watch(Some(first.0));
    assert_eq!(changed(&mut *watch).await, (second.0, vec![shown::<R>('+', "/b")]));
    let mut future = store.watch(Some(second.0 + 10));
    assert_eq!(next(&mut *future).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *future).await.0, second.0);
}

async fn falling_behind<R: Sample>(store: &dyn Records<R>) {
    let mut slow = store.watch(None);
    let mut quick = store.watch(None);
    snapshot(&mut *slow).await;
    snapshot(&mut *quick).await;
    let mut version = Version::ABSENT;
    for tag in 0..=HISTORY as u64 {
        version = store.put(R::sample("/a", tag), version).await.unwrap();
        assert_eq!(changed(&mut *quick).await.0, version.0);
    }
    // What a driver had on the way to the slow watcher comes first, in order; it may be all.
    let mut seen = 0;
    while seen < version.0 {
        match next(&mut *slow).await {
            Event::Changed { revision, .. } if revision > seen => seen = revision,
            Event::FellBehind => {
                assert_eq!(snapshot(&mut *slow).await, (version.0, vec![key::<R>("/a")]));
                break;
            }
            other => panic!("after revision {seen}: {other:?}"),
        }
    }
    let next_version = store.delete(key::<R>("/a"), version).await.unwrap();
    for watch in [slow, quick] {
        let mut watch = watch;
        assert_eq!(changed(&mut *watch).await, (next_version.0, vec![shown::<R>('-', "/a")]));
    }
}

/// Writers that compete for one record, each of which must see all that the others did.
async fn concurrent_writers<R: Sample>(store: Store<R>) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 5;
    store.put(R::sample("/n", 0), Version::ABSENT).await.unwrap();
    let count = |store: Store<R>| async move {
        for _ in 0..EACH {
            loop {
                let stored = store.list().await.unwrap().records.remove(0);
                let changed = R::sample("/n", stored.record.tag() + 1);
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
    assert_eq!(store.list().await.unwrap().records[0].record.tag(), WRITERS * EACH);
}
