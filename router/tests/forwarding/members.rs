//! Calls go where the records of the fleet say.

use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::class;
use anabranch_router::RouterConfig;
use anabranch_store::{DisabledNameservice, JournalStore, NamenodeState, Version, Writer};
use anabranch_testkit::fake_namenode::{FakeNamenode, PATIENCE};
use tokio::time::Instant;

use crate::fleet::{fleet, quick, report, write};
use crate::rig::{Client, Mount, Rig, config, info, namenode, table};

use NamenodeState::{Active, Expired, Observer, Standby, Unavailable};

async fn rig(store: &JournalStore, config: RouterConfig, mounts: &[Mount<'_>]) -> Rig {
    Rig::start_in_fleet(quick("r1:8888", config), Some(table(mounts, Some("ns1"))), Some(fleet(store))).await
}

/// The owner of what is at a path, which tells the NameNode; or the class of the exception.
pub async fn owner(client: &Client, path: &str) -> String {
    match client.info(path).await {
        Ok(found) => found.map_or_else(|| "nothing".to_owned(), |status| status.owner),
        Err(exception) => exception.class.into_owned(),
    }
}

/// Asks until the answer is as wanted: records take a moment to get around.
pub async fn wait_owner(client: &Client, path: &str, wanted: &str) {
    let ends = Instant::now() + PATIENCE;
    loop {
        let found = owner(client, path).await;
        if found == wanted {
            return;
        }
        assert!(Instant::now() < ends, "{path}: wanted {wanted}, found {found}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_subcluster_can_be_known_from_records_alone_and_move() {
    let (first, second) = (namenode("BP-ns9", "first").await, namenode("BP-ns9", "second").await);
    let store = JournalStore::in_memory();
    let rig = rig(&store, config(&[]), &[("/x", &[("ns9", "/")])]).await;
    let client = rig.client("alice").await;
    let unknown = client.info("/x/f").await.unwrap_err();
    assert_eq!(unknown.message, "Cannot locate a registered namenode for ns9 from r1:8888");

    write(&store, report("r2:8888", ("ns9", "nn1"), Active, first.address)).await;
    wait_owner(&client, "/x/f", "first").await;
    write(&store, report("r2:8888", ("ns9", "nn1"), Active, second.address)).await;
    wait_owner(&client, "/x/f", "second").await;
    write(&store, report("r2:8888", ("ns9", "nn1"), Expired, second.address)).await;
    wait_owner(&client, "/x/f", class::IO).await;
}

#[tokio::test]
async fn the_namenode_that_the_records_call_active_is_asked_first() {
    let (first, second) = (namenode("BP-ns1", "first").await, namenode("BP-ns1", "second").await);
    let store = JournalStore::in_memory();
    write(&store, report("r2:8888", ("ns1", "nn1"), Standby, first.address)).await;
    write(&store, report("r2:8888", ("ns1", "nn2"), Active, second.address)).await;
    let rig = rig(&store, config(&[]), &[]).await;
    let client = rig.client("alice").await;
    wait_owner(&client, "/f", "second").await;
    assert!(first.calls("getFileInfo").is_empty());

    // Calls find out before the records do.
    second.set_standby(true);
    assert_eq!(owner(&client, "/f").await, "first");
    let asked = second.calls("getFileInfo").len();
    write(&store, report("r2:8888", ("ns1", "nn2"), Active, second.address)).await;
    write(&store, report("r2:8888", ("ns1", "nn1"), Standby, first.address)).await;
    for _ in 0..20 {
        assert_eq!(owner(&client, "/f").await, "first");
    }
    assert_eq!(second.calls("getFileInfo").len(), asked, "records that say the same as before are no news");

    // And the records find out before the calls do.
    second.set_standby(false);
    write(&store, report("r2:8888", ("ns1", "nn1"), Unavailable, first.address)).await;
    wait_owner(&client, "/f", "second").await;
}

#[tokio::test]
async fn observers_get_no_calls() {
    let (active, observer) = (namenode("BP-ns1", "active").await, namenode("BP-ns1", "observer").await);
    let store = JournalStore::in_memory();
    write(&store, report("r2:8888", ("ns1", "nn1"), Observer, observer.address)).await;
    let rig = rig(&store, config(&[]), &[]).await;
    let client = rig.client("alice").await;
    wait_owner(&client, "/f", class::STANDBY).await;
    write(&store, report("r2:8888", ("ns1", "nn2"), Active, active.address)).await;
    wait_owner(&client, "/f", "active").await;
    active.set_standby(true);
    assert_eq!(owner(&client, "/f").await, class::STANDBY);
    assert!(observer.calls("getFileInfo").is_empty());
}

#[tokio::test]
async fn namenodes_that_stay_keep_their_connections() {
    let (stays, comes) = (namenode("BP-ns1", "stays").await, namenode("BP-ns1", "comes").await);
    let store = JournalStore::in_memory();
    let rig = rig(&store, config(&[("ns1", &[stays.address])]), &[]).await;
    let client = rig.client("alice").await;
    assert_eq!(owner(&client, "/f").await, "stays");
    write(&store, report("r2:8888", ("ns1", "nn2"), Active, comes.address)).await;
    wait_owner(&client, "/f", "comes").await;
    comes.set_standby(true);
    assert_eq!(owner(&client, "/f").await, "stays");
    let calls = stays.calls("getFileInfo");
    let from = |at: usize| calls[at].peer.address;
    assert_eq!(from(0), from(calls.len() - 1), "both over one connection");
}

#[tokio::test]
async fn a_disabled_subcluster_gets_no_new_calls_but_ends_what_it_began() {
    let (kept, closed) = (namenode("BP-1", "kept").await, namenode("BP-2", "closed").await);
    for fake in [&kept, &closed] {
        fake.answer("updatePipeline", pb::UpdatePipelineResponseProto {});
        fake.answer("complete", pb::CompleteResponseProto { result: true });
        fake.answer("getStoragePolicies", pb::GetStoragePoliciesResponseProto::default());
        fake.answer("getFsStats", pb::GetFsStatsResponseProto { capacity: 1, ..Default::default() });
    }
    let both: &[(&str, &str)] = &[("ns1", "/b"), ("ns2", "/b")];
    let mounts: &[Mount<'_>] = &[("/one", &[("ns1", "/")]), ("/two", &[("ns2", "/")]), ("/both", both)];
    let subclusters = config(&[("ns1", &[kept.address]), ("ns2", &[closed.address])]);
    let store = JournalStore::in_memory();
    let rig = rig(&store, subclusters, mounts).await;
    let client = rig.client("alice").await;
    assert_eq!(owner(&client, "/two/f").await, "closed");
    let capacity = async || {
        let stats: pb::GetFsStatsResponseProto =
            client.call("getFsStats", pb::GetFsStatusRequestProto {}).await.unwrap();
        stats.capacity
    };
    assert_eq!(capacity().await, 2);

    let disabled = DisabledNameservice::since("ns2", 1).unwrap();
    let version = store.put(disabled, Version::ABSENT).await.unwrap();
    wait_owner(&client, "/two/f", class::NO_LOCATION).await;
    let refused = client.info("/two/f").await.unwrap_err();
    assert_eq!(refused.message, "Cannot find locations for /two/f in MultipleDestinationMountTableResolver");
    assert_eq!(capacity().await, 1);
    let asked = closed.calls("getFileInfo").len();
    kept.answer("getFileInfo", info(None));
    assert_eq!(owner(&client, "/both/f").await, "nothing");
    assert_eq!(client.list("/").await.unwrap_err().class, class::NO_SUCH_METHOD, "the listing asks ns1");
    assert_eq!(closed.calls("getFileInfo").len(), asked, "nothing was asked of it");

    // Who writes there may end that, with a path and without.
    let block = pb::ExtendedBlockProto { pool_id: "BP-2".into(), block_id: 1, ..Default::default() };
    let complete = pb::CompleteRequestProto { src: "/two/f".into(), last: Some(block.clone()), ..Default::default() };
    assert!(client.call::<pb::CompleteResponseProto>("complete", complete.clone()).await.unwrap().result);
    let update = pb::UpdatePipelineRequestProto { old_block: block, ..Default::default() };
    let _: pb::UpdatePipelineResponseProto = client.call("updatePipeline", update).await.unwrap();
    assert_eq!(closed.calls("updatePipeline").len(), 1);
    let without_block = pb::CompleteRequestProto { last: None, ..complete };
    let refused = client.call::<pb::CompleteResponseProto>("complete", without_block).await.unwrap_err();
    assert_eq!(refused.class, class::NO_LOCATION);

    Writer::<DisabledNameservice>::delete(&store, "ns2".to_owned(), version).await.unwrap();
    wait_owner(&client, "/two/f", "closed").await;
}

#[tokio::test]
async fn what_was_reported_tells_who_owns_a_block_pool() {
    let (owner, other) = (FakeNamenode::start("unasked").await.unwrap(), namenode("BP-1", "o").await);
    owner.answer("updatePipeline", pb::UpdatePipelineResponseProto {});
    owner.hold("versionRequest");
    let store = JournalStore::in_memory();
    write(&store, report("r2:8888", ("ns9", "nn1"), Active, owner.address)).await;
    let rig = rig(&store, config(&[("ns1", &[other.address])]), &[("/x", &[("ns9", "/")])]).await;
    let client = rig.client("alice").await;
    // Known when its subcluster is.
    wait_owner(&client, "/x/f", class::NO_SUCH_METHOD).await;
    let old_block = pb::ExtendedBlockProto { pool_id: "BP-ns9".into(), block_id: 1, ..Default::default() };
    let update = pb::UpdatePipelineRequestProto { old_block, ..Default::default() };
    let _: pb::UpdatePipelineResponseProto = client.call("updatePipeline", update).await.unwrap();
    assert!(other.calls("versionRequest").is_empty(), "nobody had to be asked");
}
