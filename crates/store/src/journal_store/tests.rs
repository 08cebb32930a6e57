use std::time::Duration;

use anabranch_journal::{Commit, Error, Scan};

use super::*;
use crate::Records;
use crate::record::DecodeError;
use crate::suite::hostile::{self, Planted};
use crate::suite::{self, HISTORY, Sample, entry};

const FEW: Options = Options { history: HISTORY, history_bytes: usize::MAX };

fn rocks(dir: &Path) -> RocksJournal {
    RocksJournal::open(dir, TABLES, &journal::Options::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    let fresh = || JournalStore::new(MemoryJournal::default(), &FEW);
    suite::conformance::<MountEntry, _>(|| async { Arc::new(fresh()) as _ }).await;
    suite::conformance::<Membership, _>(|| async { Arc::new(fresh()) as _ }).await;
    suite::conformance::<RouterState, _>(|| async { Arc::new(fresh()) as _ }).await;
    suite::kinds(|| async { Arc::new(fresh()) as _ }).await;
    suite::unbuffered::<MountEntry>(&fresh()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rocksdb_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let fresh = || {
        count.set(count.get() + 1);
        JournalStore::new(rocks(&dir.path().join(count.get().to_string())), &FEW)
    };
    suite::conformance::<MountEntry, _>(|| async { Arc::new(fresh()) as _ }).await;
    suite::kinds(|| async { Arc::new(fresh()) as _ }).await;
    suite::unbuffered::<MountEntry>(&fresh()).await;
}

#[tokio::test]
async fn rocksdb_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    suite::restart(|| async { Arc::new(JournalStore::open(dir.path()).unwrap()) as _ }).await;
}

#[tokio::test]
async fn a_broken_record_is_named_and_the_rest_is_served() {
    let journal = MemoryJournal::default();
    let good = entry("/good", 1);
    let mut batch = Batch::new();
    let mut plant = |key: &str, kept: Vec<u8>| batch.put(MountEntry::KIND, key.as_bytes(), kept);
    plant("/bytes", record::seal(Version(7), b"\xff\xff\xff"));
    plant("/empty", record::seal(Version(7), b""));
    plant("/format", [&[9][..], &record::seal(Version(7), &good.encode())[1..]].concat());
    plant("/good", record::seal(Version(7), &good.encode()));
    plant("/other", record::seal(Version(7), &good.encode()));
    plant("/short", vec![1, 2]);
    journal.commit(batch).await.unwrap();

    let store: Box<dyn Records<MountEntry>> = Box::new(JournalStore::new(journal, &FEW));
    let list = store.list().await.unwrap();
    assert_eq!(list.records, [Versioned { version: Version(7), record: good }]);
    let names: Vec<_> = list.broken.iter().map(|broken| (broken.key.as_str(), broken.version.0)).collect();
    assert_eq!(names, [("/bytes", 7), ("/empty", 7), ("/format", 7), ("/other", 7), ("/short", 0)]);
    assert!(matches!(list.broken[0].reason, DecodeError::Protobuf(_)));
    assert!(matches!(list.broken[1].reason, DecodeError::Entry(_)));
    assert_eq!(list.broken[2].reason, DecodeError::Format(9));
    assert_eq!(list.broken[3].reason, DecodeError::OtherKey("/good".into()));
    assert_eq!(list.broken[4].reason, DecodeError::Truncated(2));

    // Each can be replaced by a writer that read its version.
    for broken in &list.broken {
        store.put(entry(&broken.key, 1), broken.version).await.unwrap();
    }
    assert_eq!(store.list().await.unwrap().broken, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_are_isolated() {
    async fn isolates<R: Logged>(make: fn(&str) -> R, more: Vec<Planted>) {
        let dir = tempfile::tempdir().unwrap();
        let journal = rocks(dir.path());
        let planted = [hostile::planted(make, 10 << 20), more].concat();
        hostile::plant::<R>(&journal, &planted).await;
        hostile::isolates(&JournalStore::new(journal, &FEW), make, &planted).await;
    }
    isolates(|name| entry(name, 1), hostile::climbing()).await;
    isolates(|name| Membership::sample(name, 1), Vec::new()).await;
    isolates(|name| RouterState::sample(name, 1), Vec::new()).await;
    isolates(|name| DisabledNameservice::since(name, 1).unwrap(), Vec::new()).await;
}

/// A journal whose commits fail, after they became durable or before.
struct Lossy {
    inner: MemoryJournal,
    durable: bool,
}

impl Journal for Lossy {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(table, key)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        self.inner.scan(table, from, to)
    }

    fn snapshot(&self) -> Box<dyn journal::Snapshot + '_> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        Box::pin(async move {
            if self.durable {
                self.inner.commit(batch).await?;
            }
            Err(Error::Storage("the reply was lost".into()))
        })
    }

    fn revision(&self) -> Revision {
        self.inner.revision()
    }
}

#[tokio::test]
async fn after_a_lost_reply_watchers_read_again() {
    for durable in [true, false] {
        let journal = Lossy { inner: MemoryJournal::default(), durable };
        let store: Box<dyn Records<MountEntry>> = Box::new(JournalStore::new(journal, &FEW));
        let mut watch = store.watch(None);
        assert!(matches!(watch.next().await.unwrap(), Event::Snapshot(_)));
        assert!(matches!(store.put(entry("/a", 1), Version::ABSENT).await, Err(StoreError::Journal(_))));
        let event = tokio::time::timeout(Duration::from_secs(30), watch.next()).await.unwrap().unwrap();
        assert_eq!(event, Event::FellBehind);
        let Event::Snapshot(snapshot) = watch.next().await.unwrap() else { panic!("expected a snapshot") };
        assert_eq!(snapshot.records.len(), usize::from(durable));
    }
}
