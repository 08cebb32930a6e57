//! One store for Java routers and ours, and records that nobody can read.

use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::suite::{Sample, entry, golden};
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{
    Change, DisabledNameservice, Event, Membership, Reader, Record, Refusal, RouterState, StoreError, Version, Watch,
    Writer,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::java::Java;
use super::*;

/// What a Java router stores for `/data/app_1`.
const GOLDEN: &str = "CgsvZGF0YS9hcHBfMRIMCgNuczASBS9kYXRhEgwKA25zMRIFL2RhdGEY6Acg0A8wA1IEaGRmc1oKc3VwZXJncm91cGDtA2oaC\
                      AAQ////////////ARgAIP///////////wE=";

pub(crate) fn java(site: &Site, options: &ZooKeeperOptions, settings: &[&str]) -> Java {
    let connect = format!("{}{}", site.server.connect_string(), options.chroot);
    Java::start(&Jars::get().expect("jars"), site.scratch.path(), &connect, settings)
        .unwrap_or_else(|e| panic!("{e:#}"))
}

pub(crate) fn sealed<R: Record>(record: &R) -> String {
    STANDARD.encode(record.encode())
}

async fn next<R>(watch: &mut dyn Watch<R>) -> Event<R> {
    tokio::time::timeout(Duration::from_secs(60), watch.next()).await.expect("no event in 60 s").expect("no error")
}

/// The next event, which must be one change: `+key` or `-key`.
async fn changed<R: Record>(watch: &mut dyn Watch<R>) -> String {
    let Event::Changed { changes, .. } = next(watch).await else { panic!("expected a change") };
    assert_eq!(changes.len(), 1, "{changes:?}");
    match &changes[0] {
        Change::Put { record, .. } => format!("+{}", record.key()),
        Change::Delete(key) => format!("-{key}"),
    }
}

/// Writes a record with each driver, and reads it with the other.
async fn both_ways<R: Sample>(store: &ZooKeeperStore, java: &mut Java, names: [&str; 2])
where
    ZooKeeperStore: Reader<R> + Writer<R>,
{
    let [ours, theirs] = names.map(|name| R::sample(name, 3));
    let mut watch = Reader::<R>::watch(store, None);
    assert!(matches!(next(&mut *watch).await, Event::Snapshot(_)));
    let version = store.put(ours.clone(), Version::ABSENT).await.expect("a write");
    assert_eq!(changed(&mut *watch).await, format!("+{}", ours.key()));
    let read = java.list::<R>();
    assert_eq!(read.len(), 1);
    // Java's reader sets the dates from the node; so does ours, and then both say the same.
    let list = Reader::<R>::list(store).await.expect("a list");
    assert_eq!(read[0].1, sealed(&list.records[0].record));

    java.put::<R>(&sealed(&theirs));
    assert_eq!(changed(&mut *watch).await, format!("+{}", theirs.key()), "the empty node is no change");
    let list = Reader::<R>::list(store).await.expect("a list");
    let ours_read: Vec<_> = list.records.iter().map(|stored| sealed(&stored.record)).collect();
    let mut java_read: Vec<_> = java.list::<R>().into_iter().map(|(_, message)| message).collect();
    java_read.sort_by_key(|message| list.records.iter().position(|stored| sealed(&stored.record) == *message));
    assert_eq!(ours_read, java_read);

    java.remove::<R>(&sealed(&theirs));
    assert_eq!(changed(&mut *watch).await, format!("-{}", theirs.key()));
    Writer::<R>::delete(store, ours.key().to_owned(), version).await.expect("a deletion");
    assert!(java.list::<R>().is_empty());
}

pub(crate) fn java_and_ours_share_a_store(site: &Site) {
    let options = site.options();
    block_on(async {
        let store = ZooKeeperStore::open(options.clone()).expect("a store");
        store.put(golden(), Version::ABSENT).await.expect("a write");
        let mut java = java(site, &options, &[]);
        let node = "/hdfs-federation/MountTable/0SLASH0data0SLASH0app_1";
        assert_eq!(java.get(node), GOLDEN, "bit for bit");
        let stored = Reader::<MountEntry>::list(&store).await.expect("a list").records.remove(0);
        assert!(stored.record.created_ms > 2000 && stored.record.modified_ms > 2000, "the dates are the node's");
        assert_eq!(MountEntry { created_ms: 1000, modified_ms: 2000, ..stored.record }, golden());
        Writer::<MountEntry>::delete(&store, "/data/app_1".to_owned(), stored.version).await.expect("a deletion");
        java.put::<MountEntry>(GOLDEN);
        assert_eq!(java.get(node), GOLDEN);
        java.remove::<MountEntry>(GOLDEN);

        both_ways::<MountEntry>(&store, &mut java, ["/a/b", "/c:d"]).await;
        both_ways::<Membership>(&store, &mut java, ["nn0", "nn1"]).await;
        both_ways::<RouterState>(&store, &mut java, ["one:8888", "two:8888"]).await;
        let disabled = DisabledNameservice::since("ns0", 5).expect("a record");
        store.put(disabled, Version::ABSENT).await.expect("a write");
        assert_eq!(java.list::<DisabledNameservice>()[0].0, "ns0");
    });
}

pub(crate) fn hostile_records_are_named_and_left_alone(site: &Site) {
    let options = site.options();
    block_on(async {
        let store = ZooKeeperStore::open(options.clone()).expect("a store");
        store.put(entry("/good", 1), Version::ABSENT).await.expect("a write");
        let mut java = java(site, &options, &[]);
        let node = |name: &str| format!("/hdfs-federation/MountTable/{name}");
        let mut watch = Reader::<MountEntry>::watch(&store, None);
        assert!(matches!(next(&mut *watch).await, Event::Snapshot(_)));

        let whole = entry("/short", 1).encode();
        let unknown = [&entry("/unknown", 1).encode()[..], &[0xfa, 0x3f, 0x02, b'h', b'i']].concat();
        let dots = [&[0x0a, 5][..], b"/a/..", &[0x12, 0x0a, 0x0a, 3], b"ns0", &[0x12, 3], b"/../"].concat();
        let hostile = [
            ("0SLASH0base64", "not base64".to_owned()),
            ("0SLASH0short", STANDARD.encode(&whole[..whole.len() / 2])),
            ("0SLASH0a0SLASH0..", STANDARD.encode(&dots[..dots.len() - 1])),
            ("0SLASH0garbage", "\u{ff}".repeat(900_000)),
            ("0SLASH0nothing", "=".to_owned()),
            ("0SLASH0other", sealed(&entry("/another", 1))),
        ];
        for (name, data) in &hostile {
            java.create(&node(name), data);
        }
        java.create(&node("0SLASH0unknown"), &STANDARD.encode(&unknown));
        // A Java router that has made a node and not filled it yet.
        java.create(&node("0SLASH0filling"), "");

        let list = Reader::<MountEntry>::list(&store).await.expect("a list");
        let keys: Vec<_> = list.records.iter().map(|stored| stored.record.key().to_owned()).collect();
        assert_eq!(keys, ["/good", "/unknown"]);
        let broken: Vec<_> = list.broken.iter().map(|broken| broken.key.as_str()).collect();
        assert_eq!(broken, ["/a/..", "/base64", "/garbage", "/nothing", "/other", "/short"]);
        // Watchers are told to read anew, since changes cannot say what is broken.
        let mut snapshot = None;
        while snapshot.as_ref() != Some(&list) {
            if let Event::Snapshot(found) = next(&mut *watch).await {
                snapshot = Some(found);
            }
        }
        for (name, data) in &hostile {
            assert_eq!(java.get(&node(name)), *data, "{name} was touched");
        }
        assert_eq!(java.get(&node("0SLASH0filling")), "");

        // The node is filled, a broken record is repaired, another is deleted, a good one is damaged.
        java.set(&node("0SLASH0filling"), &sealed(&entry("/filling", 1)));
        assert_eq!(changed(&mut *watch).await, "+/filling");
        java.set(&node("0SLASH0base64"), &sealed(&entry("/base64", 1)));
        assert_eq!(changed(&mut *watch).await, "+/base64");
        let version = list.broken[2].version;
        store.put(entry("/garbage", 1), version).await.expect("a broken record can be replaced");
        assert_eq!(changed(&mut *watch).await, "+/garbage");
        Writer::<MountEntry>::delete(&store, "/other".to_owned(), list.broken[4].version).await.expect("or deleted");
        assert_eq!(changed(&mut *watch).await, "-/other");
        java.set(&node("0SLASH0good"), "damaged");
        assert_eq!(next(&mut *watch).await, Event::FellBehind);
        let Event::Snapshot(snapshot) = next(&mut *watch).await else { panic!("expected a snapshot") };
        assert!(snapshot.broken.iter().any(|broken| broken.key == "/good"));

        // An empty node is no record, so one may be written there, and there is none to delete.
        java.create(&node("0SLASH0late"), "");
        let deleted = Writer::<MountEntry>::delete(&store, "/late".to_owned(), Version::ABSENT).await;
        assert!(matches!(deleted, Err(StoreError::Refused(Refusal::Conflict { .. }))));
        store.put(entry("/late", 1), Version::ABSENT).await.expect("a write");
        assert_eq!(java.get(&node("0SLASH0late")), sealed(&entry("/late", 1)));
        // Base64 makes it more than servers take, and they would end the connection.
        let large = MountEntry { owner: "x".repeat(900_000), ..entry("/large", 1) };
        let refused = store.put(large, Version::ABSENT).await;
        assert!(matches!(refused, Err(StoreError::ZooKeeper(ZooKeeperError::TooLarge { .. }))), "{refused:?}");
        let large = MountEntry { owner: "x".repeat(780_000), ..entry("/large", 1) };
        let version = store.put(large, Version::ABSENT).await.expect("a large record");
        Writer::<MountEntry>::delete(&store, "/large".to_owned(), version).await.expect("a deletion");
        assert_eq!(java.children("/hdfs-federation/MountTable").len(), 9);
    });
}

pub(crate) fn a_directory_that_is_removed_is_made_again(site: &Site) {
    let options = site.options();
    block_on(async {
        let store = ZooKeeperStore::open(options.clone()).expect("a store");
        let version = store.put(entry("/a", 1), Version::ABSENT).await.expect("a write");
        let mut watch = Reader::<MountEntry>::watch(&store, None);
        assert!(matches!(next(&mut *watch).await, Event::Snapshot(_)));
        let mut java = java(site, &options, &[]);
        java.delete("/hdfs-federation/MountTable/0SLASH0a");
        assert_eq!(changed(&mut *watch).await, "-/a");
        java.delete("/hdfs-federation/MountTable");
        let again = store.put(entry("/a", 1), Version::ABSENT).await.expect("a write");
        assert!(again > version);
        assert_eq!(changed(&mut *watch).await, "+/a");
    });
}
