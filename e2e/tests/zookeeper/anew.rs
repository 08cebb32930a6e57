//! Records that are removed and made anew while somebody writes them, so that their nodes look to ZooKeeper as before.

use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::suite::{LARGE, Sample, entry};
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{Reader, Refusal, StoreError, Version, Writer};
use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};
use tokio::time::timeout;

use super::interop::{java, sealed};
use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// A record whose writing cannot be taken for another request.
fn large(tag: u64) -> MountEntry {
    MountEntry { group: "g".repeat(2 * usize::try_from(LARGE).expect("a length")), ..entry("/a", tag) }
}

/// Writes `/a` and lets `meanwhile` happen between the moment at which the writer knows what is there and that at which its
/// transaction arrives. Gives what the writer is told.
async fn write_late(
    site: &Site,
    options: &ZooKeeperOptions,
    expected: Version,
    meanwhile: impl AsyncFnOnce(),
) -> Result<Version, StoreError> {
    let proxy = FaultProxy::start(site.server.address(0)).await.expect("a proxy");
    let address = proxy.address();
    let store = ZooKeeperStore::open(ZooKeeperOptions {
        members: vec![(address.ip().to_string(), address.port())],
        // No ping while anything is withheld.
        session_timeout: Duration::from_secs(60),
        ..options.clone()
    })
    .expect("a store");
    // It is connected and follows the records.
    Reader::<MountEntry>::list(&store).await.expect("a list");
    let before = proxy.stopped(Way::Replies);
    proxy.set(Way::Replies, Fault::Withhold);
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.put(large(3), expected).await }
    });
    timeout(PATIENCE, proxy.stopped_more(Way::Replies, before)).await.expect("the writer reads");
    let before = proxy.stopped(Way::Requests);
    proxy.set(Way::Requests, Fault::Withhold);
    proxy.set(Way::Replies, Fault::None);
    timeout(PATIENCE, proxy.stopped_more(Way::Requests, before + LARGE))
        .await
        .expect("the writer has read, and writes");
    meanwhile().await;
    proxy.heal();
    timeout(PATIENCE, writing).await.expect("an answer").expect("a writer")
}

async fn stored(store: &ZooKeeperStore) -> u64 {
    let list = Reader::<MountEntry>::list(store).await.expect("a list");
    list.records[0].record.tag()
}

pub(crate) fn what_is_made_anew_is_not_overwritten(site: &Site) {
    let options = site.options();
    block_on(async {
        let other = ZooKeeperStore::open(options.clone()).expect("a store");
        let version = other.put(entry("/a", 1), Version::ABSENT).await.expect("a write");
        let told = write_late(site, &options, version, async || {
            Writer::<MountEntry>::delete(&other, "/a".to_owned(), version).await.expect("a deletion");
            other.put(entry("/a", 2), Version::ABSENT).await.expect("a write");
        })
        .await;
        let Err(StoreError::Refused(Refusal::Conflict { expected, found, .. })) = told else { panic!("{told:?}") };
        assert!(expected == version && found > version, "{found:?} after {version:?}");
        assert_eq!(stored(&other).await, 2);
        // One that is written all along is written.
        let told = write_late(site, &options, found, async || ()).await;
        assert!(told.as_ref().is_ok_and(|version| *version > found), "{told:?}");
        assert_eq!(stored(&other).await, 3);
    });
}

pub(crate) fn what_java_makes_anew_is_not_overwritten_unnoticed(site: &Site) {
    let options = site.options();
    block_on(async {
        let other = ZooKeeperStore::open(options.clone()).expect("a store");
        let made = other.put(entry("/a", 1), Version::ABSENT).await.expect("a write");
        // Java makes a node and fills it then, so its data has the version of one that was written twice.
        let version = other.put(entry("/a", 1), made).await.expect("a write");
        let mut java = java(site, &options, &[]);
        let told = write_late(site, &options, version, async || {
            java.remove::<MountEntry>(&sealed(&entry("/a", 1)));
            java.put::<MountEntry>(&sealed(&entry("/a", 2)));
        })
        .await;
        let Err(error @ StoreError::ZooKeeper(ZooKeeperError::Remade { .. })) = told else { panic!("{told:?}") };
        assert!(error.may_be_done(), "{error}");
        assert!(error.to_string().contains("/hdfs-federation/MountTable/0SLASH0a: while it was written"), "{error}");
        assert_eq!(stored(&other).await, 3);
    });
}
