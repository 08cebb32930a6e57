//! What NameNodes get, and what clients get back.

use anabranch_hdfs_proto::common as pbc;
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{CallId, Identity, Payload, class};
use anabranch_router::config::ProxyUsers;
use bytes::Bytes;
use futures_util::future::join_all;

use crate::rig::{CLIENT_ID, Client, Rig, config, directory, info, listing, namenode, table};

#[tokio::test]
async fn a_call_travels_with_the_callers_identity_and_the_remote_path() {
    let ns1 = namenode("BP-1", "owner").await;
    let rig = Rig::start(config(&[("ns1", &[ns1.address])]), Some(table(&[("/data", &[("ns1", "/d")])], None))).await;
    let client = rig.client("alice").await;

    assert_eq!(client.info("/data/x").await.unwrap().unwrap().owner, "owner");

    let calls = ns1.calls("getFileInfo");
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(call.decode::<pb::GetFileInfoRequestProto>().unwrap().src, "/d/x");
    assert_eq!((call.id.client_id.as_ref(), call.id.call_id, call.id.retry_count), (&CLIENT_ID[..], 0, 0));
    assert_eq!(call.peer.identity, Identity::simple("alice"));
    let context = &call.caller_context.as_ref().unwrap().context;
    assert!(context.starts_with("clientIp:127.0.0.1,clientPort:"), "{context}");
    let id: String = CLIENT_ID.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(context.ends_with(&format!(",clientId:{id},clientCallId:0,job_7")), "{context}");
}

#[tokio::test]
async fn remote_paths_in_exceptions_become_the_clients() {
    let ns1 = namenode("BP-1", "owner").await;
    ns1.throw("getFileInfo", class::ACCESS_CONTROL, "Permission denied: user=alice, inode=\"/d\":root\n\tat a.B");
    let rig = Rig::start(config(&[("ns1", &[ns1.address])]), Some(table(&[("/data", &[("ns1", "/d")])], None))).await;
    let refused = rig.client("alice").await.info("/data/x").await.unwrap_err();
    assert_eq!(refused.class, class::ACCESS_CONTROL);
    assert_eq!(refused.message, "Permission denied: user=alice, inode=\"/data\":root\n\tat a.B");
}

#[tokio::test]
async fn mount_points_are_listed_among_files() {
    let (ns0, ns1) = (namenode("BP-0", "owner0").await, namenode("BP-1", "owner1").await);
    ns0.answer("getListing", listing(vec![directory("a", "x"), directory("deep", "kept")]));
    ns0.answer("getFileInfo", info(None));
    let mounts =
        table(&[("/data", &[("ns1", "/d")]), ("/gone", &[("ns0", "/g")]), ("/deep/b", &[("ns1", "/b")])], Some("ns0"));
    let rig = Rig::start(config(&[("ns0", &[ns0.address]), ("ns1", &[ns1.address])]), Some(mounts)).await;
    let client = rig.client("alice").await;

    // The mount's destination, a directory that the NameNode has, and a mount without a destination directory.
    let expected = ["a:x", "data:owner1", "deep:kept", "gone:mounter"];
    assert_eq!(client.list("/").await.unwrap().unwrap(), expected);
    // A directory that exists for the mounts below it, and one that does not exist.
    assert_eq!(client.info("/deep").await.unwrap().unwrap().owner, "hdfs");
    assert_eq!(client.info("/nowhere").await.unwrap(), None);
    // Probes go under the router's own identity.
    assert!(ns1.calls("getFileInfo").iter().all(|call| call.id.client_id != CLIENT_ID[..]));
}

#[tokio::test]
async fn files_are_created_and_leases_renewed_where_they_are() {
    let (ns0, ns1) = (namenode("BP-0", "o").await, namenode("BP-1", "o").await);
    for namenode in [&ns0, &ns1] {
        namenode.answer("create", pb::CreateResponseProto { fs: Some(directory("", "alice")) });
        namenode.answer("renewLease", pb::RenewLeaseResponseProto {});
    }
    let config = config(&[("ns0", &[ns0.address]), ("ns1", &[ns1.address])]);
    let rig = Rig::start(config, Some(table(&[("/data", &[("ns1", "/d")])], Some("ns0")))).await;
    let client = rig.client("alice").await;

    let request = pb::CreateRequestProto { src: "/data/f".into(), client_name: "c".into(), ..Default::default() };
    let created: pb::CreateResponseProto = client.call("create", request).await.unwrap();
    assert_eq!(created.fs.unwrap().namespace.as_deref(), Some("ns1"));

    let renew = |namespaces| pb::RenewLeaseRequestProto { client_name: "c".into(), namespaces };
    let _: pb::RenewLeaseResponseProto = client.call("renewLease", renew(vec!["ns1".into()])).await.unwrap();
    assert_eq!((ns0.calls("renewLease").len(), ns1.calls("renewLease").len()), (0, 1));
    let sent = ns1.calls("renewLease")[0].decode::<pb::RenewLeaseRequestProto>().unwrap();
    assert_eq!(sent, renew(vec![]));
    let _: pb::RenewLeaseResponseProto = client.call("renewLease", renew(vec![])).await.unwrap();
    assert_eq!((ns0.calls("renewLease").len(), ns1.calls("renewLease").len()), (1, 2));
    // However often a client names a subcluster, it is one call there.
    let _: pb::RenewLeaseResponseProto = client.call("renewLease", renew(vec!["ns1".into(); 1000])).await.unwrap();
    assert_eq!((ns0.calls("renewLease").len(), ns1.calls("renewLease").len()), (1, 3));
}

#[tokio::test]
async fn calls_about_blocks_go_to_the_owner_of_the_pool() {
    let (ns0, ns1) = (namenode("BP-0", "o").await, namenode("BP-1", "o").await);
    for namenode in [&ns0, &ns1] {
        namenode.answer("updatePipeline", pb::UpdatePipelineResponseProto {});
        namenode.answer("reportBadBlocks", pb::ReportBadBlocksResponseProto {});
    }
    let rig = Rig::start(config(&[("ns0", &[ns0.address]), ("ns1", &[ns1.address])]), Some(table(&[], None))).await;
    let client = rig.client("alice").await;

    let block = |pool: &str| pb::ExtendedBlockProto { pool_id: pool.into(), block_id: 1, ..Default::default() };
    let update = pb::UpdatePipelineRequestProto { old_block: block("BP-1"), ..Default::default() };
    let _: pb::UpdatePipelineResponseProto = client.call("updatePipeline", update).await.unwrap();
    assert_eq!((ns0.calls("updatePipeline").len(), ns1.calls("updatePipeline").len()), (0, 1));

    let located = |pool| pb::LocatedBlockProto { b: block(pool), ..Default::default() };
    let bad = pb::ReportBadBlocksRequestProto { blocks: vec![located("BP-0"), located("BP-1"), located("BP-0")] };
    let _: pb::ReportBadBlocksResponseProto = client.call("reportBadBlocks", bad).await.unwrap();
    let reported = |fake: &anabranch_testkit::fake_namenode::FakeNamenode| {
        fake.calls("reportBadBlocks")[0].decode::<pb::ReportBadBlocksRequestProto>().unwrap().blocks.len()
    };
    assert_eq!((reported(&ns0), reported(&ns1)), (2, 1));

    let unknown = pb::UpdatePipelineRequestProto { old_block: block("BP-9"), ..Default::default() };
    let refused = client.call::<pb::UpdatePipelineResponseProto>("updatePipeline", unknown).await.unwrap_err();
    assert_eq!(refused.message, "Cannot locate a registered namenode for BP-9 from host_8888");
}

#[tokio::test]
async fn refusals_are_those_of_the_java_router() {
    let (ns1, ns2) = (namenode("BP-1", "o").await, namenode("BP-2", "o").await);
    let mounts = table(&[("/a", &[("ns1", "/a")]), ("/b", &[("ns2", "/b")]), ("/read-only", &[("ns1", "/r")])], None);
    let rig = Rig::start(config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]), Some(mounts)).await;
    let client = rig.client("alice").await;

    let rename = |src: &str, dst: &str| pb::RenameRequestProto { src: src.into(), dst: dst.into() };
    let across = client.call::<pb::RenameResponseProto>("rename", rename("/a/x", "/b/x")).await.unwrap_err();
    let words = "Rename of /a/x to /b/x is not allowed, no eligible destination in the same namespace was found";
    assert_eq!((&*across.class, &*across.message), (class::IO, words));
    let locked = client.call::<pb::RenameResponseProto>("rename", rename("/a", "/a2")).await.unwrap_err();
    assert_eq!(locked.class, class::ACCESS_CONTROL);

    let mkdirs = pb::MkdirsRequestProto { src: "/read-only/x".into(), ..Default::default() };
    let refused = client.call::<pb::MkdirsResponseProto>("mkdirs", mkdirs).await.unwrap_err();
    assert_eq!(refused.message, "/read-only/x is in a read only mount point");

    let unresolved = client.info("/nowhere").await.unwrap_err();
    assert_eq!(unresolved.class, class::ROUTER_RESOLVE);
    // A listing is not refused: nothing is there.
    assert_eq!(client.list("/uncovered").await.unwrap(), None);

    let unsupported = client
        .call::<pb::GetEditsFromTxidResponseProto>("getEditsFromTxid", pb::GetEditsFromTxidRequestProto::default());
    let unsupported = unsupported.await.unwrap_err();
    assert_eq!(
        (&*unsupported.class, &*unsupported.message),
        (class::UNSUPPORTED_OPERATION, "Operation \"getEditsFromTxid\" is not supported")
    );
    let unknown = client.call::<pb::RenameResponseProto>("noSuch", rename("/a", "/b")).await.unwrap_err();
    assert_eq!(
        unknown.message,
        "Unknown method noSuch called on org.apache.hadoop.hdfs.protocol.ClientProtocol protocol."
    );
    assert!(ns1.calls("rename").is_empty() && ns1.calls("mkdirs").is_empty());
}

#[tokio::test]
async fn without_a_mount_table_the_router_is_on_standby() {
    let ns1 = namenode("BP-1", "o").await;
    let rig = Rig::start(config(&[("ns1", &[ns1.address])]), None).await;
    let client = rig.client("alice").await;
    let state = || async {
        client.call::<pb::HaServiceStateResponseProto>("getHAServiceState", pb::HaServiceStateRequestProto {}).await
    };
    assert_eq!(state().await.unwrap().state(), pbc::HaServiceStateProto::Standby);
    let mkdirs = pb::MkdirsRequestProto { src: "/x".into(), ..Default::default() };
    let refused = client.call::<pb::MkdirsResponseProto>("mkdirs", mkdirs).await.unwrap_err();
    let words = "Router host_8888 is in safe mode and cannot handle WRITE requests";
    assert_eq!((&*refused.class, &*refused.message), (class::STANDBY, words));
    assert!(!rig.readiness.ready());

    rig.mounts.send_replace(Some(table(&[], Some("ns1"))));
    rig.readiness.wait_ready().await;
    assert_eq!(state().await.unwrap().state(), pbc::HaServiceStateProto::Active);
    assert!(client.info("/x").await.unwrap().is_some());
}

#[tokio::test]
async fn nobody_acts_for_another_without_a_rule() {
    let ns1 = namenode("BP-1", "o").await;
    let proxied = Identity { user: "root".into(), real_user: Some("mallory".into()) };
    let rig = Rig::start(config(&[("ns1", &[ns1.address])]), Some(table(&[], Some("ns1")))).await;
    let refused = rig.client_as(proxied.clone()).await.info("/x").await.unwrap_err();
    let words = "User: mallory is not allowed to impersonate root";
    assert_eq!((&*refused.class, &*refused.message), (class::AUTHORIZATION, words));

    let open = anabranch_router::RouterConfig {
        proxy_users: ProxyUsers { allow_all: true, ..ProxyUsers::default() },
        ..config(&[("ns1", &[ns1.address])])
    };
    let rig = Rig::start(open, Some(table(&[], Some("ns1")))).await;
    rig.client_as(proxied.clone()).await.info("/x").await.unwrap();
    assert_eq!(ns1.calls("getFileInfo")[0].peer.identity, proxied);
}

#[tokio::test]
async fn a_router_that_is_told_so_acts_for_its_clients() {
    let ns1 = namenode("BP-1", "o").await;
    let acting =
        anabranch_router::RouterConfig { acts_as: Some("router".into()), ..config(&[("ns1", &[ns1.address])]) };
    let rig = Rig::start(acting, Some(table(&[], Some("ns1")))).await;
    rig.client_as(Identity::simple("ann")).await.info("/x").await.unwrap();
    let seen = Identity { user: "ann".into(), real_user: Some("router".into()) };
    assert_eq!(ns1.calls("getFileInfo")[0].peer.identity, seen);
}

/// Without an id, calls of several clients look alike, and are not the same.
#[tokio::test]
async fn clients_without_an_id_do_not_get_in_each_others_way() {
    let ns1 = namenode("BP-1", "one").await;
    let rig = Rig::start(config(&[("ns1", &[ns1.address])]), Some(table(&[], Some("ns1")))).await;
    ns1.hold("getFileInfo");
    let ask = async |client: &Client| {
        let id = CallId { client_id: Bytes::new(), call_id: 7, retry_count: 0 };
        client.raw(id, "getFileInfo", Payload::message(&pb::GetFileInfoRequestProto { src: "/f".into() })).await
    };
    let clients = join_all((0..9).map(|_| rig.client("alice"))).await;
    let asked = join_all(clients.iter().map(ask));
    let release = async {
        ns1.wait_calls("getFileInfo", 9).await;
        ns1.release();
    };
    let (answers, ()) = tokio::join!(asked, release);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}
