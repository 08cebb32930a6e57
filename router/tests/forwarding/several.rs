//! Calls that go to several locations or subclusters.

use std::collections::BTreeSet;
use std::sync::Arc;

use anabranch_federation::{MountEntry, MountTable, Order};
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Call, CallId, Payload, class};
use anabranch_testkit::fake_namenode::FakeNamenode;
use bytes::Bytes;
use prost::Message;

use crate::rig::{CLIENT_ID, Client, Mount, Rig, config, directory, info, namenode, table};

/// Two subclusters: `/one` is on the first, `/two` on the second, `/wide` on both, and `/twice` twice on the first.
const MOUNTS: &[Mount<'_>] = &[
    ("/one", &[("ns1", "/o")]),
    ("/two", &[("ns2", "/t")]),
    ("/wide", &[("ns1", "/w"), ("ns2", "/w")]),
    ("/twice", &[("ns1", "/x"), ("ns1", "/y")]),
];

async fn rig() -> (FakeNamenode, FakeNamenode, Rig, Client) {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    let config = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    let rig = Rig::start(config, Some(table(MOUNTS, Some("ns1")))).await;
    let client = rig.client("alice").await;
    (ns1, ns2, rig, client)
}

fn delete(src: &str) -> pb::DeleteRequestProto {
    pb::DeleteRequestProto { src: src.into(), recursive: true }
}

fn deleted(result: bool) -> pb::DeleteResponseProto {
    pb::DeleteResponseProto { result }
}

#[tokio::test]
async fn directories_of_a_wide_mount_are_deleted_everywhere() {
    let (ns1, ns2, _rig, client) = rig().await;
    ns1.answer("delete", deleted(false));
    ns2.answer("delete", deleted(true));
    assert!(client.call::<pb::DeleteResponseProto>("delete", delete("/wide/d")).await.unwrap().result);
    for namenode in [&ns1, &ns2] {
        let calls = namenode.calls("delete");
        assert_eq!(calls[0].decode::<pb::DeleteRequestProto>().unwrap().src, "/w/d");
        assert_eq!(calls[0].id.client_id, CLIENT_ID[..]);
    }
}

#[tokio::test]
async fn what_one_destination_refuses_is_not_done() {
    let (ns1, ns2, _rig, client) = rig().await;
    ns1.throw("delete", class::IO, "`/w/d is non empty': Directory is not empty");
    ns2.answer("delete", deleted(true));
    let refused = client.call::<pb::DeleteResponseProto>("delete", delete("/wide/d")).await.unwrap_err();
    assert_eq!(refused.message, "`/wide/d is non empty': Directory is not empty");
    ns1.answer("mkdirs", pb::MkdirsResponseProto { result: true });
    ns2.throw("mkdirs", class::IO, "Path is not a directory: /w/f");
    let mkdirs = pb::MkdirsRequestProto { src: "/wide/f/d".into(), create_parent: true, ..Default::default() };
    let refused = client.call::<pb::MkdirsResponseProto>("mkdirs", mkdirs).await.unwrap_err();
    assert!(refused.message.starts_with("Path is not a directory"), "{}", refused.message);
}

#[tokio::test]
async fn what_may_lie_where_nobody_answers_is_not_reported_as_missing_or_deleted() {
    let (ns1, ns2, _rig, client) = rig().await;
    ns2.stop().await;
    for here in [false, true] {
        ns1.answer("delete", deleted(here));
        let unknown = client.call::<pb::DeleteResponseProto>("delete", delete("/wide/f")).await;
        assert_eq!(unknown.unwrap_err().class, class::RETRIABLE, "{here}");
    }
}

#[tokio::test]
async fn a_mount_point_or_an_encryption_zone_encloses() {
    let (ns1, _ns2, _rig, client) = rig().await;
    let zone = |path: &str| pb::GetEzForPathResponseProto {
        zone: Some(pb::EncryptionZoneProto { path: path.into(), ..Default::default() }),
    };
    let root = |path: &str| {
        let request = pb::GetEnclosingRootRequestProto { filename: Some(path.into()) };
        client.call::<pb::GetEnclosingRootResponseProto>("getEnclosingRoot", request)
    };
    let rows = [
        ("/one/z/f", pb::GetEzForPathResponseProto { zone: None }, "/one"),
        ("/one/z/f", zone("/o/z"), "/one/z"),
        ("/one/z/f", zone("/"), "/one"),
        ("/elsewhere", zone("/elsewhere"), "/elsewhere"),
    ];
    for (path, zone, expected) in rows {
        ns1.answer("getEZForPath", zone);
        assert_eq!(root(path).await.unwrap().enclosing_root_path.as_deref(), Some(expected), "{path}");
    }
    ns1.throw("getEZForPath", class::UNSUPPORTED_OPERATION, "no encryption here");
    assert_eq!(root("/one/f").await.unwrap().enclosing_root_path.as_deref(), Some("/one"));
}

#[tokio::test]
async fn two_locations_in_one_subcluster_are_two_calls_to_its_retry_cache() {
    let (ns1, _ns2, _rig, client) = rig().await;
    ns1.answer("delete", deleted(true));
    for _ in 0..2 {
        client.call::<pb::DeleteResponseProto>("delete", delete("/twice/d")).await.unwrap();
    }
    let calls = ns1.calls("delete");
    assert_eq!(calls.len(), 4);
    assert!(calls.iter().all(|call| call.id.client_id.len() == CLIENT_ID.len()));
    assert_eq!(identities(&calls).len(), 2, "one for each path, the same for every retry");
}

/// However many mounts lead to one subcluster: each part of the call counts.
#[tokio::test]
async fn nothing_is_left_out_of_what_many_mounts_have() {
    let ns1 = namenode("BP-1", "one").await;
    let parts: Vec<String> = (0..50).map(|n| format!("/many/{n}")).collect();
    let entries =
        parts.iter().map(|source| MountEntry::parse(source, [("ns1", &*source.replace("many", "m"))]).unwrap());
    let twice = MountEntry::parse("/many/again", [("ns1", "/m/0")]).unwrap();
    let table = MountTable::build(entries.chain([twice]), None);
    let mut config = config(&[("ns1", &[ns1.address])]);
    config.quota.enabled = true;
    let rig = Rig::start(config, Some(Arc::new(table))).await;
    let summary = pb::ContentSummaryProto { file_count: 1, ..Default::default() };
    ns1.answer("getContentSummary", pb::GetContentSummaryResponseProto { summary });
    ns1.answer("setQuota", pb::SetQuotaResponseProto {});
    let client = rig.client("alice").await;
    let summarize = pb::GetContentSummaryRequestProto { path: "/many".into() };
    let limit = pb::SetQuotaRequestProto { path: "/many".into(), namespace_quota: 7, ..Default::default() };
    // Some clients have no id.
    for client_id in [Bytes::from_static(CLIENT_ID), Bytes::new()] {
        let id = || CallId { client_id: client_id.clone(), ..client.id() };
        let total = client.raw(id(), "getContentSummary", Payload::message(&summarize)).await.unwrap();
        let total = pb::GetContentSummaryResponseProto::decode_length_delimited(total).unwrap();
        assert_eq!(total.summary.file_count, 50);
        client.raw(id(), "setQuota", Payload::message(&limit)).await.unwrap();
    }
    assert_eq!(ns1.calls("setQuota").len(), 100);
}

/// A retry that finds the destinations in another order must not give one of them the identity that another had: the
/// NameNode would answer for what it did there, and do nothing.
#[tokio::test]
async fn a_leg_keeps_its_identity_in_every_order() {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    for namenode in [&ns1, &ns2] {
        namenode.answer("delete", deleted(true));
    }
    let entry = MountEntry::parse("/any", [("ns1", "/x"), ("ns2", "/z"), ("ns1", "/y")]).unwrap();
    let mounts = MountTable::build([MountEntry { order: Order::Random, ..entry }], None);
    let subclusters = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    let rig = Rig::start(subclusters, Some(Arc::new(mounts))).await;
    let client = rig.client("alice").await;
    for _ in 0..30 {
        client.call::<pb::DeleteResponseProto>("delete", delete("/any/d")).await.unwrap();
    }
    assert_eq!((identities(&ns1.calls("delete")).len(), identities(&ns2.calls("delete")).len()), (2, 1));
}

/// The client ids with the paths that they came with. A NameNode that trusts the router takes the id from the caller context.
fn identities(calls: &[Call]) -> BTreeSet<(String, String)> {
    let of = |call: &Call| {
        let id: String = call.id.client_id.iter().map(|byte| format!("{byte:02x}")).collect();
        let context = &call.caller_context.as_ref().unwrap().context;
        assert!(context.contains(&format!(",clientId:{id},")), "{id} in the header, {context}");
        (id, call.decode::<pb::DeleteRequestProto>().unwrap().src)
    };
    calls.iter().map(of).collect()
}

#[tokio::test]
async fn a_file_of_a_wide_mount_is_created_where_it_is() {
    let (ns1, ns2, _rig, client) = rig().await;
    for namenode in [&ns1, &ns2] {
        namenode.answer("mkdirs", pb::MkdirsResponseProto { result: true });
        namenode.answer("create", pb::CreateResponseProto { fs: Some(directory("", "alice")) });
    }
    ns1.answer("getFileInfo", info(None));
    let request = pb::CreateRequestProto {
        src: "/wide/d/f".into(),
        masked: pb::FsPermissionProto { perm: 0o644 },
        create_parent: true,
        ..Default::default()
    };
    let created: pb::CreateResponseProto = client.call("create", request.clone()).await.unwrap();
    assert_eq!(created.fs.unwrap().namespace.as_deref(), Some("ns2"));
    assert!(ns1.calls("create").is_empty());
    // It has its parents, or would not be there.
    assert!(ns1.calls("mkdirs").is_empty() && ns2.calls("mkdirs").is_empty());

    ns2.answer("getFileInfo", info(None));
    let _: pb::CreateResponseProto = client.call("create", request).await.unwrap();
    for namenode in [&ns1, &ns2] {
        let parent = namenode.calls("mkdirs")[0].decode::<pb::MkdirsRequestProto>().unwrap();
        assert_eq!((parent.src.as_str(), parent.masked.perm, parent.create_parent), ("/w/d", 0o744, true));
    }
}

#[tokio::test]
async fn nothing_is_made_beside_a_file_of_its_name() {
    for first in [true, false] {
        let (ns1, ns2, _rig, client) = rig().await;
        let (has, has_not) = if first { (&ns1, &ns2) } else { (&ns2, &ns1) };
        has_not.answer("getFileInfo", info(None));
        has.answer("getFileInfo", info(Some(pb::HdfsFileStatusProto { file_type: 2, ..directory("", "alice") })));
        has.throw("mkdirs", class::FILE_ALREADY_EXISTS, "Path is not a directory: /w/f");
        let mkdirs = |src: &str| pb::MkdirsRequestProto { src: src.into(), create_parent: true, ..Default::default() };
        let refused = client.call::<pb::MkdirsResponseProto>("mkdirs", mkdirs("/wide/f")).await.unwrap_err();
        assert_eq!(&*refused.class, class::FILE_ALREADY_EXISTS);

        // Below it, NameNodes refuse even to look.
        let below = "/w/f (is not a directory)\n\tat java";
        has.throw("getFileInfo", class::ACCESS_CONTROL, below);
        has.throw("mkdirs", class::PARENT_NOT_DIRECTORY, below);
        has.throw("create", class::PARENT_NOT_DIRECTORY, below);
        let refused = client.call::<pb::MkdirsResponseProto>("mkdirs", mkdirs("/wide/f/x")).await.unwrap_err();
        assert_eq!(&*refused.class, class::PARENT_NOT_DIRECTORY);
        let create = pb::CreateRequestProto { src: "/wide/f/x".into(), create_parent: true, ..Default::default() };
        let refused = client.call::<pb::CreateResponseProto>("create", create).await.unwrap_err();
        assert_eq!(&*refused.class, class::PARENT_NOT_DIRECTORY);
        assert!(has_not.calls("mkdirs").is_empty() && has_not.calls("create").is_empty());
    }
}

#[tokio::test]
async fn reads_fall_through_to_the_location_that_has_the_file() {
    let (ns1, ns2, _rig, client) = rig().await;
    let located = pb::LocatedBlocksProto { file_length: 7, ..Default::default() };
    for (has, has_not) in [(&ns1, &ns2), (&ns2, &ns1)] {
        has.answer("getBlockLocations", pb::GetBlockLocationsResponseProto { locations: Some(located.clone()) });
        has_not.throw("getBlockLocations", class::FILE_NOT_FOUND, "File does not exist: /w/f");
        let request = pb::GetBlockLocationsRequestProto { src: "/wide/f".into(), offset: 0, length: 1 };
        let found: pb::GetBlockLocationsResponseProto = client.call("getBlockLocations", request).await.unwrap();
        assert_eq!(found.locations.unwrap().file_length, 7);
    }
    ns2.throw("getBlockLocations", class::FILE_NOT_FOUND, "File does not exist: /w/f");
    ns1.throw("getBlockLocations", class::FILE_NOT_FOUND, "File does not exist: /w/f");
    let request = pb::GetBlockLocationsRequestProto { src: "/wide/f".into(), offset: 0, length: 1 };
    let missing = client.call::<pb::GetBlockLocationsResponseProto>("getBlockLocations", request).await.unwrap_err();
    assert_eq!((&*missing.class, &*missing.message), (class::FILE_NOT_FOUND, "File does not exist: /wide/f"));
}

#[tokio::test]
async fn content_below_all_mounts_is_counted() {
    let (ns1, ns2, _rig, client) = rig().await;
    let summary = |length| pb::GetContentSummaryResponseProto {
        summary: pb::ContentSummaryProto { length, ..Default::default() },
    };
    ns1.answer("getContentSummary", summary(5));
    ns2.answer("getContentSummary", summary(7));
    let request = pb::GetContentSummaryRequestProto { path: "/".into() };
    let total: pb::GetContentSummaryResponseProto = client.call("getContentSummary", request).await.unwrap();
    // The default subcluster's root holds all its mounts; the second subcluster has two destinations.
    assert_eq!(total.summary.length, 5 + 7 + 7);
    assert_eq!((ns1.calls("getContentSummary").len(), ns2.calls("getContentSummary").len()), (1, 2));
}

#[tokio::test]
async fn files_of_two_subclusters_are_not_concatenated() {
    let (ns1, _ns2, _rig, client) = rig().await;
    ns1.answer("concat", pb::ConcatResponseProto {});
    let concat = |srcs: &[&str]| pb::ConcatRequestProto {
        trg: "/one/t".into(),
        srcs: srcs.iter().map(ToString::to_string).collect(),
    };
    let _: pb::ConcatResponseProto = client.call("concat", concat(&["/one/a", "/one/b"])).await.unwrap();
    let sent = ns1.calls("concat")[0].decode::<pb::ConcatRequestProto>().unwrap();
    assert_eq!((sent.trg.as_str(), sent.srcs), ("/o/t", vec!["/o/a".to_owned(), "/o/b".to_owned()]));
    let refused = client.call::<pb::ConcatResponseProto>("concat", concat(&["/one/a", "/two/b"])).await.unwrap_err();
    assert_eq!(
        refused.message,
        "Cannot concatenate source file /two/b because it is located in a different namespace with block pool id BP-2 \
         from the target file with block pool id BP-1"
    );
}

/// A client whose first try was answered to a router that has died since: the sources are in the target.
#[tokio::test]
async fn a_concat_that_has_happened_reaches_the_retry_cache_that_knows_of_it() {
    let (ns1, ns2, _rig, client) = rig().await;
    ns1.answer("getFileInfo", info(None));
    ns2.script("getFileInfo", |call| {
        let asked: pb::GetFileInfoRequestProto = call.decode().unwrap();
        let found = (asked.src == "/w/t").then(|| directory("", "alice"));
        Ok(Payload::message(&info(found)))
    });
    ns2.answer("concat", pb::ConcatResponseProto {});
    for at in 0..9 {
        let srcs = vec![format!("/wide/{at}"), format!("/wide/s{at}")];
        let _: pb::ConcatResponseProto =
            client.call("concat", pb::ConcatRequestProto { trg: "/wide/t".into(), srcs }).await.unwrap();
    }
    assert_eq!((ns1.calls("concat").len(), ns2.calls("concat").len()), (0, 9));
}

#[tokio::test]
async fn reports_leave_out_a_subcluster_that_is_away_and_commands_do_not() {
    let (ns1, ns2, _rig, client) = rig().await;
    let stats = |capacity| pb::GetFsStatsResponseProto { capacity, ..Default::default() };
    ns1.answer("getFsStats", stats(5));
    ns2.answer("getFsStats", stats(6));
    ns1.answer("rollEdits", pb::RollEditsResponseProto { new_segment_tx_id: 9 });
    let total = || client.call::<pb::GetFsStatsResponseProto>("getFsStats", pb::GetFsStatusRequestProto {});
    assert_eq!(total().await.unwrap().capacity, 11);
    ns2.stop().await;
    assert_eq!(total().await.unwrap().capacity, 5);
    let refused = client.call::<pb::RollEditsResponseProto>("rollEdits", pb::RollEditsRequestProto {}).await;
    assert_eq!(refused.unwrap_err().class, class::RETRIABLE);
}

#[tokio::test]
async fn any_subcluster_answers_for_the_default_one_when_it_is_away() {
    let (ns1, ns2, _rig, client) = rig().await;
    let defaults = |block_size| pb::GetServerDefaultsResponseProto {
        server_defaults: pb::FsServerDefaultsProto { block_size, ..Default::default() },
    };
    ns1.answer("getServerDefaults", defaults(1));
    ns2.answer("getServerDefaults", defaults(2));
    let ask = || async {
        let request = pb::GetServerDefaultsRequestProto {};
        let found: pb::GetServerDefaultsResponseProto = client.call("getServerDefaults", request).await.unwrap();
        found.server_defaults.block_size
    };
    assert_eq!(ask().await, 1);
    ns1.stop().await;
    assert_eq!(ask().await, 2);
}

#[tokio::test]
async fn attributes_of_a_mount_point_are_set_in_every_destination() {
    let (ns1, ns2, _rig, client) = rig().await;
    for namenode in [&ns1, &ns2] {
        namenode.answer("setOwner", pb::SetOwnerResponseProto {});
    }
    let request = pb::SetOwnerRequestProto { src: "/wide".into(), ..Default::default() };
    let _: pb::SetOwnerResponseProto = client.call("setOwner", request).await.unwrap();
    assert_eq!((ns1.calls("setOwner").len(), ns2.calls("setOwner").len()), (1, 1));
}

#[tokio::test]
async fn leaving_safe_mode_concerns_every_namenode_and_looking_only_the_active_one() {
    let (first, second) = (namenode("BP-1", "first").await, namenode("BP-1", "second").await);
    for namenode in [&first, &second] {
        namenode.answer("setSafeMode", pb::SetSafeModeResponseProto { result: false });
    }
    let config = config(&[("ns1", &[first.address, second.address])]);
    let rig = Rig::start(config, Some(table(&[], Some("ns1")))).await;
    let client = rig.client("alice").await;
    for (action, asked) in
        [(pb::SafeModeActionProto::SafemodeGet, (1, 0)), (pb::SafeModeActionProto::SafemodeLeave, (2, 1))]
    {
        let request = pb::SetSafeModeRequestProto { action: action.into(), checked: None };
        let _: pb::SetSafeModeResponseProto = client.call("setSafeMode", request).await.unwrap();
        assert_eq!((first.calls("setSafeMode").len(), second.calls("setSafeMode").len()), asked);
    }
}
