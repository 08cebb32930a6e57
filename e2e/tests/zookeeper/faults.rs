//! Connections that end at any byte, sessions that expire, servers that are away.

use std::time::{Duration, Instant};

use anabranch_federation::MountEntry;
use anabranch_store::suite::{self as store_suite, LARGE, Sample, entry};
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{Change, Event, Reader, StoreError, Version, Watch, Write, Writer, feed};
use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// Options of the store with root `options`, through a proxy; away is noticed soon.
fn through(proxy: &FaultProxy, options: &ZooKeeperOptions) -> ZooKeeperOptions {
    let address = proxy.address();
    let (session_timeout, retry_interval) = (Duration::from_secs(3), Duration::from_millis(50));
    ZooKeeperOptions {
        members: vec![(address.ip().to_string(), address.port())],
        session_timeout,
        retry_interval,
        ..options.clone()
    }
}

/// Asks until there is an event, which is not an error.
async fn event<R>(watch: &mut dyn Watch<R>) -> Event<R> {
    let end = Instant::now() + PATIENCE;
    loop {
        match tokio::time::timeout(PATIENCE, watch.next()).await.expect("no event in time") {
            Ok(event) => return event,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
    }
}

/// Asks until there is an error.
async fn error<R: std::fmt::Debug>(watch: &mut dyn Watch<R>) -> StoreError {
    let answer = tokio::time::timeout(PATIENCE, watch.next()).await.expect("neither an event nor an error");
    answer.expect_err("ZooKeeper is away")
}

/// Asks until the list can be read: what is stored for `/a`, or `None`.
async fn stored(store: &ZooKeeperStore) -> Option<(u64, Version)> {
    let end = Instant::now() + PATIENCE;
    loop {
        match Reader::<MountEntry>::list(store).await {
            Ok(list) => return list.records.first().map(|stored| (stored.record.tag(), stored.version)),
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
    }
}

/// Whichever byte of the requests or of the answers is the last: a write that was acknowledged was made, one that was not
/// sent was not, and none is made twice.
pub(crate) fn a_connection_may_end_at_any_byte(site: &Site) {
    let options = ZooKeeperOptions { history: 10_000, ..site.options() };
    block_on(async {
        let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
        let store = ZooKeeperStore::open(through(&proxy, &options)).expect("a store");
        let witness = ZooKeeperStore::open(options.clone()).expect("a store");
        let mut version = store.put(entry("/a", 0), Version::ABSENT).await.expect("a write");
        assert_eq!(stored(&witness).await, Some((0, version)));
        let mut watch = Reader::<MountEntry>::watch(&witness, Some(version.0));
        let (mut tag, mut unknown, mut made) = (0, 0, 0);
        for (way, last) in [(Way::Replies, 600), (Way::Requests, 500)] {
            for bytes in (0..last).step_by(17) {
                proxy.set(way, Fault::CutAfter(bytes));
                let answer = store.put(entry("/a", tag + 1), version).await;
                proxy.heal();
                let (found, now) = stored(&store).await.expect("the record");
                match answer {
                    Ok(new) => assert_eq!((found, now), (tag + 1, new), "{way:?} {bytes}: acknowledged"),
                    Err(StoreError::ZooKeeper(ZooKeeperError::Lost)) => {
                        assert!(found == tag || found == tag + 1, "{way:?} {bytes}: {found} after {tag}");
                        unknown += 1;
                        made += u32::from(found > tag);
                    }
                    Err(StoreError::ZooKeeper(ZooKeeperError::Unavailable(_))) => {
                        assert_eq!((found, now), (tag, version), "{way:?} {bytes}: not sent");
                    }
                    Err(error) => panic!("{way:?} {bytes}: {error}"),
                }
                (tag, version) = (found, now);
            }
        }
        assert!(unknown > 2 && made > 0 && made < unknown, "{made} of {unknown} were made all the same");
        // The witness has seen none twice; of two in quick succession it may have seen the second only.
        let (mut seen, mut last) = (0, 0);
        while seen < tag {
            let Event::Changed { revision, changes } = event(&mut *watch).await else { panic!("expected a change") };
            let [Change::Put { record, .. }] = &changes[..] else { panic!("{changes:?}") };
            assert!(record.tag() > seen && revision > last);
            (seen, last) = (record.tag(), revision);
        }
        assert_eq!(last, version.0);
    });
}

pub(crate) fn a_write_whose_reply_is_lost_is_made_once(site: &Site) {
    let options = site.options();
    block_on(async {
        let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
        // No ping while anything is withheld.
        let options = ZooKeeperOptions { session_timeout: PATIENCE, ..through(&proxy, &options) };
        let hold = |way| {
            proxy.set(way, Fault::Withhold);
            proxy.stopped(way)
        };
        // The writer reads first; the reply that is lost is that to its transaction.
        let lose = async || {
            proxy.stopped_more(Way::Replies, hold(Way::Replies)).await;
            let before = hold(Way::Requests);
            proxy.set(Way::Replies, Fault::None);
            proxy.stopped_more(Way::Requests, before + LARGE).await;
            let before = hold(Way::Replies);
            proxy.set(Way::Requests, Fault::None);
            proxy.stopped_more(Way::Replies, before).await;
            proxy.cut();
            proxy.heal();
        };
        let store = ZooKeeperStore::open(options).expect("a store");
        tokio::time::timeout(PATIENCE, store_suite::lost_reply(&store, lose)).await.expect("the end");
    });
}

pub(crate) fn an_expired_session_is_replaced(site: &Site) {
    let options = site.options();
    block_on(async {
        let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
        let store = ZooKeeperStore::open(through(&proxy, &options)).expect("a store");
        let other = ZooKeeperStore::open(options).expect("a store");
        let mut version = store.put(entry("/a", 0), Version::ABSENT).await.expect("a write");
        let mut watch = Reader::<MountEntry>::watch(&store, None);
        assert!(matches!(event(&mut *watch).await, Event::Snapshot(_)));
        for tag in 1..=5 {
            let (id, password) = store.session();
            proxy.refuse(true);
            proxy.cut();
            site.server.expire(0, id, password).expect("the session is ended");
            version = other.put(entry("/a", tag), version).await.expect("a write");
            proxy.heal();
            // A change that was missed is delivered.
            loop {
                let seen = match event(&mut *watch).await {
                    Event::Changed { changes, .. } => match &changes[..] {
                        [Change::Put { record, .. }] => record.tag(),
                        other => panic!("{other:?}"),
                    },
                    Event::Snapshot(snapshot) => snapshot.records[0].record.tag(),
                    Event::FellBehind => continue,
                };
                assert!(seen <= tag);
                if seen == tag {
                    break;
                }
            }
            assert_eq!(stored(&store).await, Some((tag, version)));
            assert_ne!(store.session().0, id);
        }
    });
}

pub(crate) fn watchers_are_told_that_zookeeper_is_away(site: &Site) {
    let options = site.options();
    block_on(async {
        let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
        proxy.refuse(true);
        let store = ZooKeeperStore::open(through(&proxy, &options)).expect("a store");
        let mut watch = Reader::<MountEntry>::watch(&store, None);
        assert!(matches!(error(&mut *watch).await, StoreError::ZooKeeper(ZooKeeperError::Unavailable(_))));
        assert!(Reader::<MountEntry>::list(&store).await.is_err());
        assert!(store.put(entry("/a", 1), Version::ABSENT).await.is_err());
        proxy.heal();
        let Event::Snapshot(snapshot) = event(&mut *watch).await else { panic!("expected a snapshot") };
        assert_eq!(snapshot.records, [], "what was not sent is not sent later");

        // A connection that is lost and found again is nobody's business.
        proxy.cut();
        let version = loop {
            match store.put(entry("/a", 1), Version::ABSENT).await {
                Ok(version) => break version,
                Err(error) => assert!(matches!(error, StoreError::ZooKeeper(ZooKeeperError::Lost)), "{error}"),
            }
        };
        let Event::Changed { revision, .. } = event(&mut *watch).await else { panic!("expected a change") };
        assert_eq!(revision, version.0);

        // Away and back without a change: an event tells that all is well again.
        proxy.refuse(true);
        proxy.cut();
        error(&mut *watch).await;
        proxy.heal();
        assert_eq!(event(&mut *watch).await, Event::FellBehind);
        assert!(matches!(event(&mut *watch).await, Event::Snapshot(_)));

        // A server that stands still is away as well.
        site.server.pause(0).expect("a signal");
        error(&mut *watch).await;
        site.server.resume(0).expect("a signal");
        while !matches!(event(&mut *watch).await, Event::Snapshot(_)) {}
    });
}

/// A router's feed keeps its table while ZooKeeper is away, says so, and heals.
pub(crate) fn a_feed_heals(site: &Site) {
    let options = site.options();
    block_on(async {
        let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
        let store = ZooKeeperStore::open(through(&proxy, &options)).expect("a store");
        store.put(entry("/a", 1), Version::ABSENT).await.expect("a write");
        let mut feed = feed(&store, None);
        let wait = |failing: bool| {
            let mut health = feed.health.clone();
            async move {
                let settled = health.wait_for(|health| health.failing_since.is_some() == failing);
                tokio::time::timeout(PATIENCE, settled).await.expect("in time").expect("a feed").broken
            }
        };
        tokio::time::timeout(PATIENCE, feed.tables.wait_for(Option::is_some)).await.expect("in time").expect("a feed");
        proxy.refuse(true);
        proxy.cut();
        wait(true).await;
        assert!(feed.tables.borrow().is_some());
        proxy.heal();
        assert_eq!(wait(false).await, 0);
    });
}

/// Many records are read in few round trips, and a change costs what it takes to read that change.
pub(crate) fn ten_thousand_mounts(site: &Site) {
    const MANY: usize = 10_000;
    const LATE: Duration = Duration::from_millis(20);
    let options = site.options();
    block_on(async {
        let writer = ZooKeeperStore::open(options.clone()).expect("a store");
        let keys: Vec<String> = (0..MANY).map(|n| format!("/mounts/{n}")).collect();
        for keys in keys.chunks(1000) {
            let put = |key: &String| Write::Put { record: entry(key, 1), expected: Version::ABSENT };
            let answers = writer.write(keys.iter().map(put).collect()).await.expect("a write");
            assert!(answers.iter().all(Result::is_ok));
        }
        let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
        proxy.set(Way::Replies, Fault::Delay(LATE));
        let reader = ZooKeeperStore::open(ZooKeeperOptions {
            session_timeout: Duration::from_secs(30),
            ..through(&proxy, &options)
        })
        .expect("a store");
        let mut watch = Reader::<MountEntry>::watch(&reader, None);
        let start = Instant::now();
        let Event::Snapshot(snapshot) = event(&mut *watch).await else { panic!("expected a snapshot") };
        assert_eq!(snapshot.records.len(), MANY);
        let one_by_one = LATE * u32::try_from(MANY).expect("a number");
        assert!(start.elapsed() < one_by_one / 8, "took {:?}", start.elapsed());

        proxy.heal();
        let before = proxy.passed(Way::Replies);
        writer.put(entry("/mounts/5", 2), snapshot_version(&snapshot, "/mounts/5")).await.expect("a write");
        let Event::Changed { changes, .. } = event(&mut *watch).await else { panic!("expected a change") };
        assert_eq!(changes.len(), 1);
        let cost = proxy.passed(Way::Replies) - before;
        assert!(cost < 4000, "a change took {cost} bytes");
    });
}

fn snapshot_version(snapshot: &anabranch_store::Snapshot<MountEntry>, key: &str) -> Version {
    let found = snapshot.records.iter().find(|stored| stored.record.source.as_str() == key);
    found.expect("the record").version
}
