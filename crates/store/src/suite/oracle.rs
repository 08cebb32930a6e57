//! Writers and watchers that know what must be true whatever fails between them and the store: nothing that was
//! acknowledged is lost, nothing is made twice, and no watcher misses a change or sees one out of order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Sample, entry};
use crate::{Change, Event, Reader, Records, Refusal, Revision, StoreError, Version};

/// Between attempts at a store that is away.
const PAUSE: Duration = Duration::from_millis(5);

/// What a writer knows of its record: the tag and the version that were acknowledged last, or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The tag.
    pub tag: u64,
    /// The version.
    pub version: Version,
}

/// Writes the tags of one record up, one by one, while `goes_on` says so of the last one that was acknowledged. A change
/// that may have been made is looked for before it is tried again; one that may still be on its way is tried until it is
/// settled, so that nothing is made after the end.
pub async fn writer(store: Arc<dyn Records<MountEntry>>, name: String, goes_on: impl Fn(u64) -> bool) -> Known {
    let mut known = Known { tag: 0, version: Version::ABSENT };
    let mut settled = true;
    while !settled || goes_on(known.tag) {
        let next = known.tag + 1;
        match store.put(entry(&name, next), known.version).await {
            Ok(version) => {
                assert!(version > known.version, "{name}: version {version:?} after {known:?}");
                known = Known { tag: next, version };
                settled = true;
            }
            Err(StoreError::Refused(Refusal::Conflict { found, .. })) => {
                // Nobody else writes it: an attempt that seemed lost was made.
                let stored = look(&*store, &name).await;
                assert_eq!(stored, Known { tag: next, version: found }, "{name}: after {known:?}");
                known = stored;
                settled = true;
            }
            Err(StoreError::Refused(refusal)) => panic!("{name}: {refusal}"),
            Err(error) if error.may_be_done() => {
                let stored = look(&*store, &name).await;
                assert!(stored == known || stored.tag == next && stored.version > known.version, "{name}: {stored:?}");
                settled = stored != known;
                known = stored;
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
    known
}

/// What is stored of a record, as soon as the store answers.
async fn look(store: &dyn Records<MountEntry>, name: &str) -> Known {
    loop {
        if let Ok(list) = store.list().await {
            let found = list.records.into_iter().find(|stored| stored.record.source == *name);
            let absent = Known { tag: 0, version: Version::ABSENT };
            return found.map_or(absent, |stored| Known { tag: stored.record.tag(), version: stored.version });
        }
        sleep(PAUSE).await;
    }
}

/// Follows the records up to the revision that `last` names in the end, and holds the watch to its promises: tags grow one
/// by one, except over a snapshot, for which there is a reason. Gives the tags.
pub async fn watcher(
    store: Arc<dyn Reader<MountEntry>>,
    mut last: watch::Receiver<Option<Revision>>,
) -> BTreeMap<String, u64> {
    let mut watch = store.watch(None);
    let (mut tags, mut seen, mut snapshot_due) = (BTreeMap::new(), 0, true);
    while last.borrow_and_update().is_none_or(|last| seen < last) {
        let event = tokio::select! {
            event = watch.next() => event,
            changed = last.changed() => {
                changed.expect("the test goes on");
                continue;
            }
        };
        match event {
            Ok(Event::Snapshot(snapshot)) => {
                assert!(snapshot_due, "a snapshot without a reason");
                assert!(snapshot.revision >= seen, "back from {seen} to {}", snapshot.revision);
                (seen, snapshot_due) = (snapshot.revision, false);
                let pairs = snapshot.records.iter().map(|s| (s.record.source.to_string(), s.record.tag()));
                let now: BTreeMap<_, _> = pairs.collect();
                assert!(tags.iter().all(|(key, tag)| now.get(key) >= Some(tag)), "{now:?} after {tags:?}");
                tags = now;
            }
            Ok(Event::FellBehind) => snapshot_due = true,
            Ok(Event::Changed { revision, changes }) if changes.is_empty() => assert_eq!(revision, seen),
            Ok(Event::Changed { revision, changes }) => {
                assert!(!snapshot_due && revision > seen, "{revision} after {seen}");
                seen = revision;
                for change in &*changes {
                    let Change::Put { record, .. } = change else { panic!("nothing is deleted") };
                    let before = tags.insert(record.source.to_string(), record.tag()).unwrap_or(0);
                    assert_eq!(record.tag(), before + 1, "{}: missed, or seen twice", record.source);
                }
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
    tags
}
