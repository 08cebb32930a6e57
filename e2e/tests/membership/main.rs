//! What our router writes into the state store about real NameNodes is what Hadoop's own router writes: field by field and
//! byte by byte, but for the times.
#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod java;
mod ours;

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, RouterRecordProto};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan};
use anabranch_testkit::net;
use anabranch_testkit::scratch::Scratch;
use prost::Message;

const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn records_are_those_of_the_java_router() {
    let scratch = Scratch::new("membership").unwrap();
    let dir = scratch.path().to_owned();
    let cluster = tokio::task::spawn_blocking(move || {
        let jars = Jars::get().unwrap();
        // One host name stands for several NameNodes, though here it is one.
        let resolved = "dfs.federation.router.monitor.namenode.nameservice.resolution-enabled.ha";
        let plan = Plan::tests().set(resolved, "true").with_namenode_pair("ha").with_router("/data0=ns0:/data0");
        Cluster::start(&jars, &dir, &plan).unwrap()
    });
    let cluster = cluster.await.unwrap();
    let store = scratch.path().join("router-store");
    ours::make_directories(cluster.rpc("ns0")).await;

    let theirs = settled(&store);
    for record in &theirs {
        let (rpc, service) = (record.rpc_address(), record.service_address());
        let plain = if record.namenode_id.is_some() { rpc.to_owned() } else { rpc.replace("localhost", "127.0.0.1") };
        assert_eq!(plain, service, "Java looks up a name for the one, but not the other");
    }

    // Numbers move while both look at them, each at its own moments. Sooner or later they look at the same.
    let mut fleet = ours::Fleet::start(&theirs).await;
    let mut written: HashSet<Vec<u8>> = HashSet::new();
    let ends = Instant::now() + PATIENCE;
    loop {
        written.extend(fleet.written().await.into_iter().map(|record| timeless(record).encode_to_vec()));
        let theirs: Vec<_> = java::memberships(&store).into_iter().map(timeless).collect();
        let missing = theirs.iter().find(|one| !written.contains(&one.encode_to_vec()));
        let Some(missing) = missing else { break };
        if Instant::now() > ends {
            let ours = written.iter().map(|bytes| NamenodeMembershipRecordProto::decode(&**bytes).unwrap());
            let ours: Vec<_> = ours.filter(|one| one.rpc_address == missing.rpc_address).collect();
            panic!("Java's router wrote {missing:#?}\nours wrote {ours:#?}");
        }
    }
    let router = java::routers(&store).pop().unwrap();
    let ours = fleet.router().await;
    assert_eq!(present(&ours), present(&router));
    assert_eq!((ours.address, ours.status), (router.address, router.status));
}

/// The Java router's records, once it knows all of the NameNodes.
fn settled(store: &Path) -> Vec<NamenodeMembershipRecordProto> {
    let expected = [
        ("ha", "nn1-localhost", "ACTIVE"),
        ("ha", "nn2-localhost", "STANDBY"),
        ("ns0", "", "ACTIVE"),
        ("ns1", "", "ACTIVE"),
    ];
    let mut found = Vec::new();
    net::wait_until("the Java router knows all NameNodes", PATIENCE, || {
        found = java::memberships(store);
        found.sort_by_key(|one| (one.nameservice_id().to_owned(), one.namenode_id().to_owned()));
        let names = found.iter().map(|one| (one.nameservice_id(), one.namenode_id(), one.state()));
        // There is something to count: the root, four directories, two DataNodes and their disks.
        let counted = found.iter().filter(|one| one.nameservice_id() == "ns0").filter_map(|one| one.stats);
        let counted = counted.filter(|one| one.num_of_files() == 5 && one.num_of_active_datanodes() == 2);
        names.eq(expected)
            && found.iter().all(|one| one.stats.is_some())
            && counted.filter(|one| one.total_space() > 0 && one.available_space() > 0).count() == 1
    })
    .unwrap();
    found
}

/// Everything but the times.
fn timeless(record: NamenodeMembershipRecordProto) -> NamenodeMembershipRecordProto {
    let there = |time: Option<u64>| time.map(|time| u64::from(time > 0));
    NamenodeMembershipRecordProto {
        date_created: there(record.date_created),
        date_modified: there(record.date_modified),
        last_contact: there(record.last_contact),
        ..record
    }
}

/// Which fields are there.
fn present(record: &RouterRecordProto) -> [bool; 9] {
    [
        record.date_created.is_some_and(|time| time > 0),
        record.date_modified.is_some_and(|time| time > 0),
        record.address.is_some(),
        record.status.is_some(),
        record.state_store_version.is_some(),
        record.version.is_some(),
        record.compile_info.is_some(),
        record.date_started.is_some_and(|time| time > 0),
        record.admin_address.is_some(),
    ]
}
