//! NameNodes that fail, and clients that leave.

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{MountEntry, MountTable, Order};
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Payload, class};
use anabranch_testkit::fake_namenode::{FakeNamenode, PATIENCE};

use crate::rig::{Rig, config, directory, info, listing, namenode, table};

#[tokio::test]
async fn the_active_namenode_is_found_and_remembered() {
    let (first, second) = (namenode("BP-1", "first").await, namenode("BP-1", "second").await);
    first.set_standby(true);
    let config = config(&[("ns1", &[first.address, second.address])]);
    let rig = Rig::start(config, Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    for _ in 0..3 {
        assert_eq!(client.info("/x").await.unwrap().unwrap().owner, "second");
    }
    assert_eq!(first.calls("getFileInfo").len(), 1, "the standby is asked once");

    // The active one dies, the other takes over.
    first.set_standby(false);
    second.stop().await;
    assert_eq!(client.info("/x").await.unwrap().unwrap().owner, "first");
    rig.wait_metric("anabranch_upstream_failovers_total{nameservice=\"ns1\"} 2").await;
}

#[tokio::test]
async fn a_subcluster_without_an_active_namenode_sends_the_client_elsewhere() {
    let (first, second) = (namenode("BP-1", "first").await, namenode("BP-1", "second").await);
    first.set_standby(true);
    second.set_standby(true);
    let addresses = [first.address, second.address];
    let rig = Rig::start(config(&[("ns1", &addresses)]), Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    let refused = client.info("/x").await.unwrap_err();
    assert_eq!(refused.class, class::STANDBY);
    assert_eq!(refused.message, "No namenode available to invoke getFileInfo in [ns1] from host_8888");

    first.stop().await;
    second.stop().await;
    let refused = client.info("/x").await.unwrap_err();
    assert_eq!(refused.class, class::RETRIABLE);
    assert!(refused.message.starts_with("No namenodes available under nameservice ns1"), "{}", refused.message);

    // It comes back without anybody telling the router.
    let revived = FakeNamenode::start_at(addresses[0], "BP-1").await.unwrap();
    revived.answer("getFileInfo", info(Some(directory("", "revived"))));
    assert_eq!(client.info("/x").await.unwrap().unwrap().owner, "revived");
}

#[tokio::test]
async fn a_call_that_was_lost_is_sent_again_as_the_same_call() {
    let (first, second) = (namenode("BP-1", "first").await, namenode("BP-1", "second").await);
    first.hold("delete");
    second.answer("delete", pb::DeleteResponseProto { result: true });
    let rig = Rig::start(config(&[("ns1", &[first.address, second.address])]), Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    let delete = pb::DeleteRequestProto { src: "/x".into(), recursive: true };
    let answer = client.call::<pb::DeleteResponseProto>("delete", delete);
    let dies = async {
        let lost = first.wait_calls("delete", 1).await;
        first.stop().await;
        lost
    };
    let (answer, lost) = tokio::join!(answer, dies);
    assert!(answer.unwrap().result);
    let repeated = second.calls("delete");
    assert_eq!(repeated[0].id, lost[0].id, "the retry cache has to recognise it");
}

#[tokio::test]
async fn a_slow_subcluster_holds_nobody_else_up() {
    let (slow, fast) = (namenode("BP-1", "slow").await, namenode("BP-2", "fast").await);
    slow.hold("getFileInfo");
    let mounts = table(&[("/slow", &[("ns1", "/")]), ("/fast", &[("ns2", "/")])], None);
    let rig = Rig::start(config(&[("ns1", &[slow.address]), ("ns2", &[fast.address])]), Some(mounts)).await;
    let client = rig.client("alice").await;
    let stuck: Vec<_> = (0..50).map(|_| client.info("/slow/x")).collect();
    let stuck = futures_util::future::join_all(stuck);
    let others = async {
        slow.wait_calls("getFileInfo", 50).await;
        for _ in 0..50 {
            assert_eq!(client.info("/fast/x").await.unwrap().unwrap().owner, "fast");
        }
        slow.release();
    };
    let (stuck, ()) = tokio::join!(stuck, others);
    assert!(stuck.into_iter().all(|answer| answer.unwrap().unwrap().owner == "slow"));
}

#[tokio::test]
async fn reports_leave_out_a_subcluster_that_hangs_and_commands_wait_for_it() {
    let (slow, fast) = (namenode("BP-1", "slow").await, namenode("BP-2", "fast").await);
    for fake in [&slow, &fast] {
        fake.answer("getFsStats", pb::GetFsStatsResponseProto { capacity: 1, ..Default::default() });
        fake.answer("setBalancerBandwidth", pb::SetBalancerBandwidthResponseProto {});
    }
    let mut config = config(&[("ns1", &[slow.address]), ("ns2", &[fast.address])]);
    assert_eq!(config.upstream.report_timeout, Duration::from_secs(10), "as documented");
    config.upstream.report_timeout = Duration::from_millis(200);
    let rig = Rig::start(config, Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    let capacity = async || {
        let report = client.call::<pb::GetFsStatsResponseProto>("getFsStats", pb::GetFsStatusRequestProto {});
        report.await.unwrap().capacity
    };
    assert_eq!(capacity().await, 2);
    slow.hold("getFsStats");
    slow.hold("setBalancerBandwidth");
    assert_eq!(capacity().await, 1);
    assert_eq!(slow.calls("getFsStats").len(), 2, "it was asked, and asked once");

    let request = pb::SetBalancerBandwidthRequestProto { bandwidth: 1 };
    let command = client.call::<pb::SetBalancerBandwidthResponseProto>("setBalancerBandwidth", request);
    tokio::pin!(command);
    tokio::select! {
        biased;
        told = &mut command => panic!("a command does without a subcluster: {told:?}"),
        capacity = capacity() => assert_eq!(capacity, 1),
    }
    slow.release();
    command.await.unwrap();
    assert_eq!(capacity().await, 2);
}

#[tokio::test]
async fn a_subcluster_that_hangs_sheds_calls_and_leaves_room_to_others() {
    let (slow, fast) = (namenode("BP-1", "slow").await, namenode("BP-2", "fast").await);
    slow.hold("getFileInfo");
    let mut limited = config(&[("ns1", &[slow.address]), ("ns2", &[fast.address])]);
    // Of which calls have half: five, of 8 KiB and a few bytes each.
    limited.limits.max_bytes_in_flight = 80 << 10;
    let rig = Rig::start(limited, Some(table(&[("/fast", &[("ns2", "/")])], Some("ns1")))).await;
    let (alice, bob) = (rig.client("alice").await, rig.client("bob").await);
    let held = futures_util::future::join_all([alice.info("/1"), alice.info("/2")]);
    let others = async {
        slow.wait_calls("getFileInfo", 2).await;
        let shed = alice.info("/3").await.unwrap_err();
        assert!(alice.info("/fast/1").await.is_ok());
        let (waits, ()) = tokio::join!(bob.info("/4"), async {
            slow.wait_calls("getFileInfo", 3).await;
            let shed = bob.info("/5").await.unwrap_err();
            assert_eq!((&*shed.class, &*shed.message), (class::STANDBY, "Router host_8888 is overloaded for NS: ns1"));
            slow.release();
        });
        assert!(waits.is_ok());
        shed
    };
    let (held, shed) = tokio::join!(held, others);
    assert!(held.into_iter().all(|answer| answer.is_ok()));
    let message = "Router host_8888 is overloaded for NS: ns1, by user alice";
    assert_eq!((&*shed.class, &*shed.message), (class::STANDBY, message));
    rig.wait_metric("anabranch_upstream_shed_total{nameservice=\"ns1\"} 2").await;
}

#[tokio::test]
async fn a_subcluster_that_does_not_answer_in_time_is_given_up() {
    let slow = namenode("BP-1", "slow").await;
    slow.hold("getFileInfo");
    let mut hasty = config(&[("ns1", &[slow.address])]);
    hasty.upstream.call_timeout = Duration::from_millis(50);
    let rig = Rig::start(hasty, Some(table(&[], Some("ns1")))).await;
    let late = rig.client("alice").await.info("/x").await.unwrap_err();
    assert_eq!((&*late.class, &*late.message), (class::STANDBY, "ns1 did not answer getFileInfo in time"));
}

#[tokio::test]
async fn a_namenode_that_hangs_does_not_stay_the_first_to_be_asked() {
    let (first, second) = (namenode("BP-1", "first").await, namenode("BP-1", "second").await);
    second.set_standby(true);
    let mut hasty = config(&[("ns1", &[first.address, second.address])]);
    hasty.upstream.call_timeout = Duration::from_millis(300);
    let rig = Rig::start(hasty, Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    assert_eq!(client.info("/x").await.unwrap().unwrap().owner, "first");
    // Its process stops, its connections stay; the other becomes active.
    first.hold("getFileInfo");
    second.set_standby(false);
    assert_eq!(client.info("/x").await.unwrap_err().class, class::STANDBY);
    assert_eq!(client.info("/x").await.unwrap().unwrap().owner, "second");

    // One slow answer of the active one is no more than a question to the standby.
    second.hold("getFileInfo");
    first.release();
    first.set_standby(true);
    assert_eq!(client.info("/x").await.unwrap_err().class, class::STANDBY);
    second.release();
    assert_eq!(client.info("/x").await.unwrap().unwrap().owner, "second");
}

#[tokio::test]
async fn a_default_subcluster_that_hangs_does_not_keep_what_any_can_answer() {
    let (hangs, lives) = (namenode("BP-1", "hangs").await, namenode("BP-2", "lives").await);
    hangs.hold("getStoragePolicies");
    lives.answer("getStoragePolicies", pb::GetStoragePoliciesResponseProto::default());
    let subclusters = config(&[("ns1", &[hangs.address]), ("ns2", &[lives.address])]);
    let rig = Rig::start(subclusters, Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    let answer = client
        .call::<pb::GetStoragePoliciesResponseProto>("getStoragePolicies", pb::GetStoragePoliciesRequestProto {})
        .await;
    assert_eq!(answer, Ok(pb::GetStoragePoliciesResponseProto::default()));
    assert_eq!(hangs.calls("getStoragePolicies").len(), 1, "it was asked first");
}

#[tokio::test]
async fn reads_end_with_the_client_that_asked() {
    let slow = namenode("BP-1", "slow").await;
    slow.hold("getFileInfo");
    let rig = Rig::start(config(&[("ns1", &[slow.address])]), Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    let id = client.id();
    let asked = client.raw(id, "getFileInfo", Payload::message(&pb::GetFileInfoRequestProto { src: "/x".into() }));
    tokio::select! {
        answer = asked => panic!("{answer:?}"),
        _ = slow.wait_calls("getFileInfo", 1) => {}
    }
    drop(client);
    rig.wait_metric("anabranch_calls_total{method=\"getFileInfo\",outcome=\"abandoned\"} 1").await;
    rig.wait_metric("anabranch_upstream_in_flight{nameservice=\"ns1\"} 0").await;
}

#[tokio::test]
async fn the_same_call_twice_in_flight_reaches_the_namenode_twice() {
    let slow = namenode("BP-1", "slow").await;
    slow.hold("getFileInfo");
    let rig = Rig::start(config(&[("ns1", &[slow.address])]), Some(table(&[], Some("ns1")))).await;
    let (one, other) = (rig.client("alice").await, rig.client("alice").await);
    let ask = || Payload::message(&pb::GetFileInfoRequestProto { src: "/x".into() });
    let id = one.id();
    let both =
        async { tokio::join!(one.raw(id.clone(), "getFileInfo", ask()), other.raw(id.clone(), "getFileInfo", ask())) };
    let release = async {
        slow.wait_calls("getFileInfo", 2).await;
        slow.release();
    };
    let ((first, second), ()) = tokio::join!(both, release);
    assert_eq!(first.unwrap(), second.unwrap());
}

#[tokio::test]
async fn listings_leave_out_a_subcluster_that_is_away() {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    ns1.answer("getListing", listing(vec![directory("a", "one")]));
    let mounts = table(&[("/all", &[("ns1", "/a"), ("ns2", "/a")]), ("/two", &[("ns2", "/")])], Some("ns1"));
    let rig = Rig::start(config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]), Some(mounts)).await;
    let client = rig.client("alice").await;
    ns2.stop().await;
    assert_eq!(client.list("/all").await.unwrap().unwrap(), ["a:one"]);
    assert_eq!(client.list("/").await.unwrap().unwrap(), ["a:one", "all:one", "two:mounter"]);
    // A file that may lie in the subcluster that is away is not "not found".
    ns1.answer("getFileInfo", info(None));
    assert_eq!(client.info("/all/f").await.unwrap_err().class, class::RETRIABLE);
}

#[tokio::test]
async fn a_draining_router_ends_what_it_began() {
    let ns1 = namenode("BP-1", "one").await;
    ns1.hold("getFileInfo");
    let rig = Rig::start(config(&[("ns1", &[ns1.address])]), Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    let readiness = rig.readiness.clone();
    let answer = client.info("/x");
    let drained = async {
        ns1.wait_calls("getFileInfo", 1).await;
        let drained = tokio::spawn(rig.router.drain());
        let mut changes = readiness.changes();
        while readiness.ready() {
            changes.next().await;
        }
        ns1.release();
        tokio::time::timeout(PATIENCE, drained).await.unwrap().unwrap();
    };
    let (answer, ()) = tokio::join!(answer, drained);
    assert_eq!(answer.unwrap().unwrap().owner, "one");
}

/// A subcluster of which no NameNode is active, as while one hands over, is as far away as one that is dead.
#[tokio::test]
async fn a_listing_during_a_failover_is_partial_only_where_that_is_allowed() {
    let ns1 = namenode("BP-1", "one").await;
    let (first, second) = (namenode("BP-2", "first").await, namenode("BP-2", "second").await);
    ns1.answer("getListing", listing(vec![directory("a", "one")]));
    for two in [&first, &second] {
        two.answer("getListing", listing(vec![directory("b", "two")]));
    }
    for allowed in [true, false] {
        first.set_standby(true);
        second.set_standby(true);
        let mut config = config(&[("ns1", &[ns1.address]), ("ns2", &[first.address, second.address])]);
        config.allow_partial_listing = allowed;
        let rig = Rig::start(config, Some(table(&[("/all", &[("ns1", "/a"), ("ns2", "/a")])], None))).await;
        let client = rig.client("alice").await;
        match client.list("/all").await {
            Ok(listed) => assert_eq!((listed.unwrap(), allowed), (vec!["a:one".to_owned()], true)),
            Err(refused) => assert_eq!((&*refused.class, allowed), (class::STANDBY, false)),
        }
        second.set_standby(false);
        assert_eq!(client.list("/all").await.unwrap().unwrap(), ["a:one", "b:two"]);
    }
}

#[tokio::test]
async fn a_directory_is_made_in_all_destinations_or_as_the_mount_says_in_some() {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    for one in [&ns1, &ns2] {
        one.answer("mkdirs", pb::MkdirsResponseProto { result: true });
    }
    ns2.set_standby(true);
    let entry = |source, fault_tolerant| {
        let entry = MountEntry::parse(source, [("ns1", "/a"), ("ns2", "/a")]).unwrap();
        MountEntry { order: Order::HashAll, fault_tolerant, ..entry }
    };
    let mounts = MountTable::build([entry("/all", false), entry("/some", true)], None);
    let subclusters = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    let rig = Rig::start(subclusters, Some(Arc::new(mounts))).await;
    let client = rig.client("alice").await;
    let mkdirs = |src: &str| {
        let request = pb::MkdirsRequestProto { src: src.into(), create_parent: true, ..Default::default() };
        client.call::<pb::MkdirsResponseProto>("mkdirs", request)
    };
    assert_eq!(mkdirs("/all/d").await.unwrap_err().class, class::STANDBY);
    assert!(mkdirs("/some/d").await.unwrap().result);
    ns2.set_standby(false);
    assert!(mkdirs("/all/d").await.unwrap().result);
}
