//! Calls of several parts, of which the router has no room for one.

use std::sync::Arc;

use anabranch_federation::{MountEntry, MountTable, Order};
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hdfs_proto::hdfs::hdfs_file_status_proto::FileType;
use anabranch_hrpc::{Exception, Payload, class};
use futures_util::future::join_all;

use crate::rig::{Client, Rig, config, directory, info, listing, namenode};

/// How each kind of call on `/tolerant`, where `a` is a file, ends, and calls to all subclusters.
async fn outcomes(client: &Client) -> Vec<(&'static str, Result<(), Exception>)> {
    let mkdirs = pb::MkdirsRequestProto { src: "/tolerant/d".into(), create_parent: true, ..Default::default() };
    let create = pb::CreateRequestProto { src: "/tolerant/f".into(), create_parent: true, ..Default::default() };
    let permission = pb::FsPermissionProto { perm: 0o700 };
    let permit = pb::SetPermissionRequestProto { src: "/tolerant/d".into(), permission };
    let rename = pb::RenameRequestProto { src: "/tolerant/a".into(), dst: "/tolerant/b".into() };
    let delete = pb::DeleteRequestProto { src: "/tolerant/a".into(), recursive: true };
    let count = pb::GetContentSummaryRequestProto { path: "/tolerant/d".into() };
    let renew = pb::RenewLeaseRequestProto { client_name: "c".into(), ..Default::default() };
    vec![
        (
            "getFsStats",
            client.call::<pb::GetFsStatsResponseProto>("getFsStats", pb::GetFsStatusRequestProto {}).await.map(drop),
        ),
        ("renewLease", client.call::<pb::RenewLeaseResponseProto>("renewLease", renew).await.map(drop)),
        ("mkdirs", client.call::<pb::MkdirsResponseProto>("mkdirs", mkdirs).await.map(drop)),
        ("create", client.call::<pb::CreateResponseProto>("create", create).await.map(drop)),
        ("setPermission", client.call::<pb::SetPermissionResponseProto>("setPermission", permit).await.map(drop)),
        ("rename", client.call::<pb::RenameResponseProto>("rename", rename).await.map(drop)),
        ("delete", client.call::<pb::DeleteResponseProto>("delete", delete).await.map(drop)),
        ("getListing", client.list("/tolerant/d").await.map(drop)),
        ("summary", client.call::<pb::GetContentSummaryResponseProto>("getContentSummary", count).await.map(drop)),
    ]
}

/// What mounts and listings do without is what is away, and nobody would notice what is left out by chance.
#[tokio::test]
async fn a_part_that_is_shed_is_not_one_that_is_away() {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    ns1.script("getFileInfo", |call| {
        let found = match &*call.decode::<pb::GetFileInfoRequestProto>()?.src {
            "/w" => Some(directory("", "alice")),
            "/w/a" => Some(pb::HdfsFileStatusProto { file_type: FileType::IsFile.into(), ..directory("", "alice") }),
            _ => None,
        };
        Ok(Payload::message(&info(found)))
    });
    ns1.answer("getFsStats", pb::GetFsStatsResponseProto::default());
    ns1.answer("renewLease", pb::RenewLeaseResponseProto {});
    ns1.answer("mkdirs", pb::MkdirsResponseProto { result: true });
    ns1.answer("create", pb::CreateResponseProto { fs: Some(directory("", "alice")) });
    ns1.answer("setPermission", pb::SetPermissionResponseProto {});
    ns1.answer("rename", pb::RenameResponseProto { result: true });
    ns1.answer("delete", pb::DeleteResponseProto { result: true });
    ns1.answer("getListing", listing(Vec::new()));
    ns1.answer("getContentSummary", pb::GetContentSummaryResponseProto::default());
    let mut limited = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    // Of which calls have half: twenty, of 8 KiB and a few bytes each, and one user at one subcluster a third.
    limited.limits.max_bytes_in_flight = 320 << 10;
    let tolerant = MountEntry::parse("/tolerant", [("ns1", "/w"), ("ns2", "/w")]).unwrap();
    let tolerant = MountEntry { order: Order::HashAll, fault_tolerant: true, ..tolerant };
    let table = MountTable::build([tolerant, MountEntry::parse("/two", [("ns2", "/")]).unwrap()], None);
    let rig = Rig::start(limited, Some(Arc::new(table))).await;
    let client = rig.client("alice").await;

    ns2.set_standby(true);
    for (method, outcome) in outcomes(&client).await {
        assert_eq!(outcome, Ok(()), "{method}");
    }

    ns2.set_standby(false);
    ns2.hold("getFileInfo");
    let before = ns2.calls("getFileInfo").len();
    let held = join_all((0..7).map(|_| client.info("/two/x")));
    let shed = async {
        ns2.wait_calls("getFileInfo", before + 7).await;
        let outcomes = outcomes(&client).await;
        ns2.release();
        outcomes
    };
    let (held, shed) = tokio::join!(held, shed);
    assert!(held.iter().all(Result::is_ok));
    for (method, outcome) in shed {
        let refused = outcome.expect_err(method);
        let message = "Router host_8888 is overloaded for NS: ns2, by user alice";
        assert_eq!((&*refused.class, &*refused.message), (class::STANDBY, message), "{method}");
    }
}
