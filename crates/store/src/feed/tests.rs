use std::collections::VecDeque;
use std::time::Duration;

use anabranch_journal::Error;
use parking_lot::Mutex;

use super::*;
use crate::record::DecodeError;
use crate::suite::entry;
use crate::{Answer, Broken, JournalStore, Records, Revision, Version, Versioned};

fn ns0() -> Option<NameserviceId> {
    NameserviceId::parse("ns0").ok()
}

/// Waits for a table that is as it should be.
async fn table(feed: &mut Feed, is_right: impl Fn(&MountTable) -> bool) -> Arc<MountTable> {
    let right = feed.tables.wait_for(|table| table.as_ref().is_some_and(|table| is_right(table)));
    let table = tokio::time::timeout(Duration::from_secs(30), right).await.expect("no such table in 30 s").unwrap();
    table.clone().unwrap()
}

#[tokio::test]
async fn tables_follow_the_store() {
    let store: Box<dyn Records<MountEntry>> = Box::new(JournalStore::in_memory());
    let mut feed = feed(&*store, ns0());
    let empty = table(&mut feed, |_| true).await;
    assert!(empty.is_empty() && empty.default_nameservice() == ns0().as_ref());

    let version = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let first = table(&mut feed, |table| table.revision() == version.0).await;
    assert_eq!(first.entry("/a"), Some(&entry("/a", 1)));
    let deleted = store.delete("/a".to_owned(), version).await.unwrap();
    let last = table(&mut feed, |table| table.revision() == deleted.0).await;
    assert!(last.is_empty() && first.len() == 1, "a table that is in use does not change");
}

/// A reader whose watch answers from a script and then waits for ever.
struct Scripted(Arc<Mutex<Script>>);

type Script = VecDeque<Result<Event<MountEntry>, StoreError>>;

impl Reader<MountEntry> for Scripted {
    fn list(&self) -> Answer<'_, Snapshot<MountEntry>> {
        Box::pin(std::future::pending())
    }

    fn watch(&self, _: Option<Revision>) -> Box<dyn Watch<MountEntry>> {
        Box::new(Self(self.0.clone()))
    }
}

impl Watch<MountEntry> for Scripted {
    fn next(&mut self) -> Answer<'_, Event<MountEntry>> {
        Box::pin(async move {
            let next = self.0.lock().pop_front();
            match next {
                Some(event) => event,
                None => std::future::pending().await,
            }
        })
    }
}

fn failure() -> Result<Event<MountEntry>, StoreError> {
    Err(StoreError::Journal(Error::Storage("away".into())))
}

fn snapshot(revision: Revision, source: &str, broken: &[&str]) -> Result<Event<MountEntry>, StoreError> {
    let records = vec![Versioned { version: Version(revision), record: entry(source, 1) }];
    let broken = broken.iter().map(|key| Broken {
        key: (*key).to_owned(),
        version: Version(1),
        reason: DecodeError::Truncated(0),
    });
    Ok(Event::Snapshot(Snapshot { revision, records, broken: broken.collect() }))
}

#[tokio::test]
async fn the_last_table_stays_while_the_store_is_away() {
    let script =
        Arc::new(Mutex::new(VecDeque::from([failure(), failure(), snapshot(3, "/a", &["/x", "/y"]), failure()])));
    let mut feed = feed(&Scripted(script.clone()), ns0());
    table(&mut feed, |table| table.revision() == 3).await;
    let failing = feed.health.wait_for(|health| health.failing_since.is_some() && health.broken == 2).await.is_ok();
    assert!(failing && feed.tables.borrow().as_ref().unwrap().len() == 1);

    let repaired = Event::Changed {
        revision: 4,
        changes: Arc::new([Change::Put { record: Arc::new(entry("/x", 1)), version: Version(4) }]),
    };
    script.lock().extend([Ok(repaired), Ok(Event::FellBehind), snapshot(9, "/b", &[])]);
    let healed = table(&mut feed, |table| table.revision() == 9).await;
    assert!(healed.entry("/b").is_some() && healed.entry("/x").is_none());
    feed.health.wait_for(|health| *health == Health::default()).await.unwrap();
}

#[tokio::test]
async fn a_feed_that_nobody_reads_ends() {
    let Feed { tables, mut health } = feed(&Scripted(Arc::default()), None);
    drop(tables);
    // The sender goes with the task.
    while health.changed().await.is_ok() {}
}
