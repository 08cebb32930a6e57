use super::*;
use crate::suite::entry;
use crate::{Answer, Event, JournalStore, Reader, Revision, Watch, Writer};

fn store() -> Box<dyn Records<MountEntry>> {
    Box::new(JournalStore::in_memory())
}

fn sources(set: &BTreeSet<MountPath>) -> Vec<&str> {
    set.iter().map(MountPath::as_str).collect()
}

async fn stored(store: &dyn Records<MountEntry>) -> Vec<(String, u64, u64)> {
    let records = store.list().await.unwrap().records;
    records.into_iter().map(|s| (s.record.source.to_string(), s.record.created_ms, s.record.modified_ms)).collect()
}

#[tokio::test]
async fn only_differences_are_written() {
    let store = store();
    let report = publish(vec![entry("/b", 0), entry("/a", 0), entry("/c", 0)], &*store, 10).await.unwrap();
    assert_eq!(sources(&report.added), ["/a", "/b", "/c"]);
    assert_eq!((report.unchanged, report.updated.len(), report.removed.len()), (0, 0, 0));

    let changed = MountEntry { read_only: true, ..entry("/b", 0) };
    let report = publish(vec![entry("/a", 0), changed.clone(), entry("/d", 0)], &*store, 20).await.unwrap();
    assert_eq!((sources(&report.added), sources(&report.updated)), (vec!["/d"], vec!["/b"]));
    assert_eq!((sources(&report.removed), report.unchanged), (vec!["/c"], 1));
    let expected = [("/a", 10, 10), ("/b", 10, 20), ("/d", 20, 20)].map(|(s, c, m)| (s.to_owned(), c, m));
    assert_eq!(stored(&*store).await, expected);

    let before = store.list().await.unwrap().revision;
    let report = publish(vec![entry("/a", 0), changed, entry("/d", 0)], &*store, 30).await.unwrap();
    assert!(report.is_settled());
    assert_eq!((report.unchanged, store.list().await.unwrap().revision), (3, before));
}

#[tokio::test]
async fn more_than_one_write_takes_is_written() {
    let store = store();
    let all = (0..2 * MAX_CHANGES + 1).map(|i| entry(&format!("/m{i}"), 0));
    assert_eq!(publish(all.collect(), &*store, 1).await.unwrap().added.len(), 2 * MAX_CHANGES + 1);
    assert_eq!(publish(Vec::new(), &*store, 2).await.unwrap().removed.len(), 2 * MAX_CHANGES + 1);
    assert_eq!(stored(&*store).await, []);
}

#[tokio::test]
async fn a_bad_entry_stops_no_other_and_keeps_what_is_stored() {
    let store = store();
    publish(vec![entry("/bad", 0), entry("/huge", 0)], &*store, 1).await.unwrap();
    let desired = vec![
        MountEntry { destinations: Default::default(), ..entry("/bad", 0) },
        entry("/good", 0),
        MountEntry { read_only: true, ..entry("/good", 0) },
        MountEntry { owner: "x".repeat(crate::MAX_RECORD_BYTES), ..entry("/huge", 0) },
    ];
    let report = publish(desired, &*store, 2).await.unwrap();
    let refused: Vec<_> = report.refused.iter().map(|refused| refused.source.as_str()).collect();
    assert_eq!((refused, sources(&report.added)), (vec!["/bad", "/good", "/huge"], vec!["/good"]));
    assert!(matches!(report.refused[2].reason, RefusedReason::Store(Refusal::TooLarge { .. })));
    let left: Vec<_> = stored(&*store).await.into_iter().map(|(source, ..)| source).collect();
    assert_eq!(left, ["/bad", "/good", "/huge"]);
    assert!(!store.list().await.unwrap().records[1].record.read_only, "the first declaration counts");
}

/// Another writer that gets in between each list and write, `times` times.
struct Contended {
    store: Box<dyn Records<MountEntry>>,
    times: std::sync::atomic::AtomicU64,
}

impl Reader<MountEntry> for Contended {
    fn list(&self) -> Answer<'_, Snapshot<MountEntry>> {
        Box::pin(async move {
            let snapshot = self.store.list().await?;
            let left = self.times.load(std::sync::atomic::Ordering::Relaxed);
            if left > 0 {
                self.times.store(left - 1, std::sync::atomic::Ordering::Relaxed);
                let found = snapshot.records.iter().find(|stored| stored.record.source == "/a");
                let version = found.map_or(Version::ABSENT, |stored| stored.version);
                self.store.put(MountEntry { owner: left.to_string(), ..entry("/a", 0) }, version).await?;
            }
            Ok(snapshot)
        })
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<MountEntry>> {
        self.store.watch(from)
    }
}

impl Writer<MountEntry> for Contended {
    fn write(&self, changes: Vec<Write<MountEntry>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        self.store.write(changes)
    }
}

#[tokio::test]
async fn a_lost_race_is_run_again_but_not_for_ever() {
    let contended = |times: u64| Contended { store: store(), times: times.into() };
    let store = contended(2);
    let report = publish(vec![entry("/a", 0), entry("/b", 0)], &store, 1).await.unwrap();
    assert_eq!((sources(&report.added), sources(&report.updated), report.unchanged), (vec!["/b"], vec!["/a"], 0));

    let error = publish(vec![entry("/a", 0)], &contended(100), 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Contended { attempts: ATTEMPTS, .. }), "{error}");
}

#[tokio::test]
async fn one_write_is_one_event() {
    let store = store();
    let mut watch = store.watch(Some(0));
    publish(vec![entry("/a", 0), entry("/b", 0)], &*store, 1).await.unwrap();
    let Event::Changed { changes, .. } = watch.next().await.unwrap() else { panic!("expected a change") };
    assert_eq!(changes.len(), 2);
}
