//! Servers that come and go.

use super::*;
use crate::suite::{changed, entry, next, snapshot};
use crate::{Event, Reader, StoreError, Version, Watch, Writer};

/// Asks a watch again and again while its server is away.
async fn patiently(watch: &mut dyn Watch<MountEntry>) -> Event<MountEntry> {
    let again = async {
        loop {
            match watch.next().await {
                Ok(event) => return event,
                Err(StoreError::NotDone(_) | StoreError::Unknown(_)) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("an event")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_goes_on_after_a_restart_with_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let open = || JournalStore::open(dir.path()).unwrap();
    let served = Served::start(open()).await;
    let store = client(served.address);
    let first = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let mut watch = Reader::<MountEntry>::watch(&store, None);
    assert_eq!(snapshot(&mut *watch).await, (first.0, vec!["/a".to_owned()]));

    let address = served.end().await;
    assert!(matches!(watch.next().await, Err(StoreError::NotDone(_))));
    let error = store.put(entry("/x", 1), Version::ABSENT).await.unwrap_err();
    assert!(!error.may_be_done(), "nobody could be asked: {error}");

    // Somebody else changes the store, which the old server had never told about.
    let direct = open();
    let second = direct.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    drop(direct);
    let served = Served::with(open(), ServerOptions::default(), address).await;
    let mut events = Vec::new();
    // An empty change may say that the server is back, then everything is read again.
    let snapshot = loop {
        match patiently(&mut *watch).await {
            Event::Snapshot(snapshot) => break snapshot,
            event => events.push(event),
        }
    };
    let nothing = Event::Changed { revision: first.0, changes: Arc::new([]) };
    assert!(events == [Event::FellBehind] || events == [nothing, Event::FellBehind], "{events:?}");
    assert_eq!((snapshot.revision, snapshot.records.len()), (second.0, 2));
    let third = store.put(entry("/c", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (third.0, vec!["+/c".to_owned()]));
    // What was written in the former life can be replaced in this one.
    store.put(entry("/a", 2), first).await.unwrap();
    drop(served);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_history_is_never_resumed() {
    let (one, other) = (Served::start(journal_store()).await, Served::start(journal_store()).await);
    let (old, new) = (client(one.address), client(other.address));
    let mut versions = Vec::new();
    for store in [&old, &new] {
        versions.push(store.put(entry("/a", 1), Version::ABSENT).await.unwrap());
    }
    assert_eq!(versions[0], versions[1], "the same number in two histories");
    let same = |store: &GrpcStore| Reader::<MountEntry>::watch(store, Some(versions[0].0));
    let second = old.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *same(&old)).await.0, second.0);

    // A client that knows no history yet can't tell whose revision it is.
    let mut unknown = same(&client(one.address));
    assert_eq!(next(&mut *unknown).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *unknown).await.0, second.0);

    // The address now leads to another store: a watch that was open, and a revision that was handed out.
    let mut open = same(&old);
    assert_eq!(changed(&mut *open).await.0, second.0);
    let address = one.end().await;
    let served = Served::with(journal_store(), ServerOptions::default(), address).await;
    let direct = client(served.address);
    for name in ["/x", "/y", "/z"] {
        direct.put(entry(name, 1), Version::ABSENT).await.unwrap();
    }
    let mut event = patiently(&mut *open).await;
    if matches!(&event, Event::Changed { changes, .. } if changes.is_empty()) {
        event = patiently(&mut *open).await;
    }
    assert_eq!(event, Event::FellBehind);
    assert_eq!(snapshot(&mut *open).await, (3, ["/x", "/y", "/z"].map(str::to_owned).to_vec()));
    let mut ambiguous = same(&old);
    assert_eq!(next(&mut *ambiguous).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *ambiguous).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_sends_its_clients_to_the_next() {
    // Two servers over one and the same store, as over ZooKeeper.
    let shared = journal_store();
    let (one, other) = (Served::start(shared.clone()).await, Served::start(shared.clone()).await);
    let endpoints = [one.address, other.address].map(|address| address.to_string());
    let store = GrpcStore::new(&ClientOptions::new(endpoints)).unwrap();
    let mut watch = Reader::<MountEntry>::watch(&store, None);
    snapshot(&mut *watch).await;
    let first = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *watch).await.0, first.0);
    assert_eq!(one.metric("anabranch_store_watches"), 1.0);

    one.end().await;
    // The watch moves without an error, and tells that it can't compare.
    assert_eq!(next(&mut *watch).await, Event::FellBehind);
    assert_eq!(snapshot(&mut *watch).await, (first.0, vec!["/a".to_owned()]));
    let second = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *watch).await.0, second.0);
    assert_eq!(other.metric("anabranch_store_watches"), 1.0);
}
