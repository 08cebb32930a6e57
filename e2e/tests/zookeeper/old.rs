//! A server from before persistent watches.

use anabranch_federation::MountEntry;
use anabranch_store::suite::entry;
use anabranch_store::zookeeper::ZooKeeperError;
use anabranch_store::{Reader, StoreError, Version, Writer};

use super::*;

fn is_told(error: &StoreError) -> bool {
    matches!(error, StoreError::ZooKeeper(ZooKeeperError::TooOld))
}

pub(crate) fn a_server_that_is_too_old_is_told(_: &Site) {
    let scratch = Scratch::new("zookeeper-old").expect("a directory");
    let jars = Jars::get().and_then(|jars| jars.with_zookeeper("3.5")).expect("jars");
    let server = ZooKeeper::start(&jars, scratch.path(), &Plan::members(1)).expect("a server");
    let options = ZooKeeperOptions::new(&server.connect_string()).expect("options");
    block_on(async {
        let store = ZooKeeperStore::open(options).expect("a store");
        let list = Reader::<MountEntry>::list(&store).await.expect_err("too old");
        assert!(is_told(&list), "{list}");
        let mut watch = Reader::<MountEntry>::watch(&store, None);
        let watch = watch.next().await.expect_err("too old");
        assert!(is_told(&watch), "{watch}");
        // The server ends each session that asks for too much, and a write may be under way then.
        for attempt in 1.. {
            let write = store.put(entry("/a", 1), Version::ABSENT).await.expect_err("too old");
            if is_told(&write) {
                break;
            }
            assert!(attempt < 50, "{write}");
        }
    });
    let connect = server.connect_string();
    let mut served = (0..50).map(|_| service::mounts(["--zookeeper", &connect]).expect_err("too old"));
    assert!(served.any(|told| told.contains("the server is older than 3.6")), "it is never told");
}
