use anabranch_hdfs_proto::hdfs::RouterRecordProto;
use anabranch_store::{Broken, DecodeError, RouterState, RouterStatus, Snapshot, Versioned};

use super::*;

fn router(address: &str, status: RouterStatus) -> RouterState {
    let text = |text: &str| Some(text.to_owned());
    RouterState::new(RouterRecordProto { address: text(address), status: text(status.name()), ..Default::default() })
        .unwrap()
}

fn snapshot(addresses: &[&str], broken: &[&str]) -> Event<RouterState> {
    let (version, reason) = (Version(1), DecodeError::Truncated(0));
    let record = |address: &&str| Versioned { version, record: router(address, RouterStatus::Running) };
    let unreadable = |key: &&str| Broken { key: key.to_string(), version, reason: reason.clone() };
    let (records, broken) = (addresses.iter().map(record).collect(), broken.iter().map(unreadable).collect());
    Event::Snapshot(Snapshot { revision: 1, records, broken })
}

fn put(address: &str, status: RouterStatus) -> Change<RouterState> {
    Change::Put { record: Arc::new(router(address, status)), version: Version(2) }
}

fn differences(now: &Known<RouterState>, before: &Known<RouterState>) -> Vec<(String, Option<RouterStatus>)> {
    now.since(before).map(|(key, record)| (key.to_owned(), record.map(RouterState::status))).collect()
}

#[test]
fn what_has_changed_is_told_by_key() {
    let mut known = Known::default();
    assert!(!known.is_loaded());
    known.take(snapshot(&["a", "b", "c"], &["d", "e"]));
    assert!(known.is_loaded());
    let running = |key: &str| (key.to_owned(), Some(RouterStatus::Running));
    assert_eq!(differences(&known, &Known::default()), ["a", "b", "c"].map(running));

    let before = known.clone();
    let changes = [put("b", RouterStatus::Stopping), Change::Delete("c".into()), put("d", RouterStatus::Running)];
    known.take(Event::Changed { revision: 2, changes: changes.into() });
    let stopping = ("b".to_owned(), Some(RouterStatus::Stopping));
    assert_eq!(differences(&known, &before), [stopping, ("c".to_owned(), None), running("d")]);
    assert_eq!((before.len(), known.len()), (3, 3));
    assert!(known.broken().iter().eq(["e"]), "what was written anew can be read");
    known.take(Event::FellBehind);
    let before = known.clone();
    known.take(snapshot(&["a"], &[]));
    let gone = |key: &str| (key.to_owned(), None);
    assert_eq!(differences(&known, &before), [gone("b"), gone("d")]);
}

#[test]
fn records_do_not_age_while_the_store_is_away_nor_right_after() {
    let mut known = Known::default();
    known.take(snapshot(&["a"], &[]));
    assert!(known.stopped.is_none(), "time counts while all is well");
    let before = wall_ms();
    assert!(known.away() && !known.away(), "it is told once");
    let stood = known.now_ms();
    assert!((before..=wall_ms()).contains(&stood));
    // The moment is long past.
    let long_ago = stood - 1_000_000;
    known.stopped = Some(Stopped { at_ms: long_ago, until: None });
    known.take(snapshot(&["a"], &[]));
    assert_eq!(known.now_ms(), long_ago, "nobody has had the time to write");
    // Away again before anybody had: still the same moment.
    assert!(known.away());
    known.take(Event::FellBehind);
    let Some(Stopped { at_ms, until: Some(until) }) = known.stopped else { panic!("{:?}", known.stopped) };
    assert_eq!(at_ms, long_ago);
    assert!(until > Instant::now() + GRACE / 2);
    known.stopped = Some(Stopped { at_ms, until: Some(Instant::now()) });
    assert!(known.now_ms() >= stood);
    assert!(known.away());
    assert!(known.now_ms() >= stood, "time that has counted is not taken back");
}
