//! What a network does.

use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};

use super::*;
use crate::suite::{changed, entry, snapshot};
use crate::{Event, Reader, StoreError, Version, Writer};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_reply_is_lost_is_unknown_and_is_not_sent_again() {
    let store = journal_store();
    let served = Served::start(store.clone()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let client = hasty(proxy.address());
    let first = client.put(entry("/a", 1), Version::ABSENT).await.unwrap();

    // It arrives and is made, and the connection is cut before the reply.
    proxy.set(Way::Replies, Fault::Withhold);
    let stopped = proxy.stopped(Way::Replies);
    let (lost, ()) = tokio::join!(client.put(entry("/a", 2), first), async {
        proxy.stopped_more(Way::Replies, stopped).await;
        proxy.cut();
    });
    let lost = lost.unwrap_err();
    assert!(matches!(lost, StoreError::Unknown(_)), "{lost}");
    assert!(lost.may_be_done());
    proxy.heal();
    let list = Reader::<MountEntry>::list(&client).await.unwrap();
    assert_eq!((list.records.len(), list.records[0].record.owner.as_str()), (1, "2"), "once, and made");
    assert_eq!(served.metric("anabranch_store_writes_total"), 2.0);

    // A reply that doesn't come is waited for, but not for ever; and the next write takes a new connection.
    proxy.set(Way::Replies, Fault::Drop);
    let lost = client.put(entry("/b", 1), Version::ABSENT).await.unwrap_err();
    assert!(lost.may_be_done(), "{lost}");
    proxy.heal();
    client.put(entry("/c", 1), Version::ABSENT).await.unwrap();

    // One that never left is known not to have been made.
    let before = served.metric("anabranch_store_writes_total");
    drop(proxy);
    tokio::time::timeout(PATIENCE, async {
        // The client may learn of the cut by writing; from then on it can't connect.
        while client.put(entry("/d", 1), Version::ABSENT).await.unwrap_err().may_be_done() {}
    })
    .await
    .unwrap();
    assert_eq!(served.metric("anabranch_store_writes_total"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_reply_is_lost_is_made_once() {
    let served = Served::start(journal_store()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let lose = async || {
        proxy.set(Way::Replies, Fault::Withhold);
        proxy.stopped_more(Way::Replies, proxy.stopped(Way::Replies)).await;
        proxy.cut();
        proxy.heal();
    };
    suite::lost_reply(&client(proxy.address()), lose).await;
}

/// Waits until a server has so many watches.
async fn watches(served: &Served, expected: f64) {
    let arrived = async {
        while served.metric("anabranch_store_watches") != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_cut_goes_on_where_it_was() {
    let store = journal_store();
    let served = Served::start(store.clone()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let client = client(proxy.address());
    let mut watch = Reader::<MountEntry>::watch(&client, None);
    snapshot(&mut *watch).await;
    for tag in 0..3 {
        let version = store.put(entry(&format!("/{tag}"), tag), Version::ABSENT).await.unwrap();
        assert_eq!(changed(&mut *watch).await.0, version.0);
        proxy.refuse(true);
        proxy.cut();
        watches(&served, 0.0).await;
        // It is the server that knows what came after the position; no snapshot is needed.
        let missed = store.put(entry(&format!("/missed{tag}"), tag), Version::ABSENT).await.unwrap();
        proxy.refuse(false);
        assert_eq!(changed(&mut *watch).await, (missed.0, vec![format!("+/missed{tag}")]));
    }
    assert_eq!(served.metric("anabranch_store_snapshots_total"), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_vanishes_is_noticed_and_one_that_is_back_is_told() {
    let store = journal_store();
    let served = Served::start(store.clone()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let client = hasty(proxy.address());
    let mut watch = Reader::<MountEntry>::watch(&client, None);
    let (start, _) = snapshot(&mut *watch).await;
    let version = store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    assert!(version.0 > start);
    assert_eq!(changed(&mut *watch).await.0, version.0);

    // Nothing is closed, nothing comes any more: only the missing answer to a ping tells.
    proxy.set(Way::Replies, Fault::Drop);
    let error = tokio::time::timeout(PATIENCE, watch.next()).await.expect("an error").unwrap_err();
    assert!(matches!(error, StoreError::NotDone(_) | StoreError::Unknown(_)), "{error}");
    proxy.heal();
    // That nothing has changed is told, so that nobody takes the store for dead until something does.
    let nothing = Event::Changed { revision: version.0, changes: Arc::new([]) };
    loop {
        match tokio::time::timeout(PATIENCE, watch.next()).await.expect("an answer") {
            Ok(event) => break assert_eq!(event, nothing),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    let version = store.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    assert_eq!(changed(&mut *watch).await.0, version.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_is_given_up() {
    let options = ServerOptions { keep_alive: Duration::from_millis(300), ..ServerOptions::default() };
    let served = Served::with(journal_store(), options, "127.0.0.1:0".parse().unwrap()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let client = client(proxy.address());
    let mut watch = Reader::<MountEntry>::watch(&client, None);
    snapshot(&mut *watch).await;
    watches(&served, 1.0).await;
    proxy.set(Way::Requests, Fault::Withhold);
    watches(&served, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_cut_in_between_is_read_again_whole() {
    let store = JournalStore::new(MemoryJournal::default(), &Options { history: 100_000, ..Options::default() });
    let all = 5000;
    let many: Vec<_> = (0..all).map(|n| entry(&format!("/{n:05}"), n)).collect();
    for some in many.chunks(1000) {
        let put = |record: &MountEntry| crate::Write::Put { record: record.clone(), expected: Version::ABSENT };
        store.write(some.iter().map(put).collect()).await.unwrap();
    }
    let served = Served::start(store.clone()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let client = client(proxy.address());
    for bytes in [1000, 50_000, 200_000] {
        proxy.set(Way::Replies, Fault::CutAfter(bytes));
        let mut watch = Reader::<MountEntry>::watch(&client, None);
        let event = loop {
            match tokio::time::timeout(PATIENCE, watch.next()).await.expect("an answer") {
                Ok(event) => break event,
                Err(StoreError::Unknown(_) | StoreError::NotDone(_)) => {}
                Err(error) => panic!("{error}"),
            }
        };
        let Event::Snapshot(snapshot) = event else { panic!("{event:?}") };
        assert_eq!(snapshot.records.len(), usize::try_from(all).unwrap());
        proxy.set(Way::Replies, Fault::CutAfter(bytes));
        assert_eq!(Reader::<MountEntry>::list(&client).await.unwrap(), snapshot);
    }
    assert!(proxy.connections() >= 6, "{}", proxy.connections());
}
