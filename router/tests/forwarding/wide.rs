//! Mounts of which a path may be in each destination or in one of them: nothing is done by halves, nothing overlooked.

use std::sync::Arc;

use anabranch_federation::{MountEntry, MountTable, NameserviceId, Order};
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hdfs_proto::hdfs::hdfs_file_status_proto::FileType;
use anabranch_hrpc::{Exception, Payload, class};
use anabranch_testkit::fake_namenode::FakeNamenode;

use crate::rig::{Client, Rig, config, directory, info, listing, namenode};

/// `/wide` and the fault-tolerant `/tolerant` are on both.
async fn rig() -> (FakeNamenode, FakeNamenode, Rig, Client) {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    let mount = |source, fault_tolerant| {
        let entry = MountEntry::parse(source, [("ns1", "/w"), ("ns2", "/w")]).unwrap();
        MountEntry { order: Order::HashAll, fault_tolerant, ..entry }
    };
    let table = MountTable::build([mount("/wide", false), mount("/tolerant", true)], NameserviceId::parse("ns1").ok());
    let subclusters = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    let rig = Rig::start(subclusters, Some(Arc::new(table))).await;
    let client = rig.client("alice").await;
    (ns1, ns2, rig, client)
}

/// From now on it has these files, and nothing else.
fn files(namenode: &FakeNamenode, paths: &'static [&'static str]) {
    namenode.script("getFileInfo", move |call| {
        let src = call.decode::<pb::GetFileInfoRequestProto>().unwrap().src;
        let file = || pb::HdfsFileStatusProto { file_type: FileType::IsFile.into(), ..directory("", "alice") };
        Ok(Payload::message(&info(paths.contains(&&*src).then(file))))
    });
}

/// The same of directories.
fn directories(namenode: &FakeNamenode, paths: &'static [&'static str]) {
    namenode.script("getFileInfo", move |call| {
        let src = call.decode::<pb::GetFileInfoRequestProto>().unwrap().src;
        Ok(Payload::message(&info(paths.contains(&&*src).then(|| directory("", "alice")))))
    });
}

fn rename(mount: &str) -> pb::RenameRequestProto {
    pb::RenameRequestProto { src: format!("{mount}/a"), dst: format!("{mount}/b") }
}

fn rename2(mount: &str, overwrite: bool) -> pb::Rename2RequestProto {
    let pb::RenameRequestProto { src, dst } = rename(mount);
    pb::Rename2RequestProto { src, dst, overwrite_dest: overwrite, ..Default::default() }
}

#[tokio::test]
async fn what_is_renamed_leaves_no_other_file_of_its_name() {
    for first in [true, false] {
        let (ns1, ns2, _rig, client) = rig().await;
        let (has, other) = if first { (&ns1, &ns2) } else { (&ns2, &ns1) };
        files(has, &["/w/a"]);
        files(other, &["/w/b"]);
        for one in [has, other] {
            one.answer("rename", pb::RenameResponseProto { result: true });
            one.answer("rename2", pb::Rename2ResponseProto {});
            one.answer("delete", pb::DeleteResponseProto { result: true });
        }
        // As a NameNode answers where the name is taken.
        assert!(!client.call::<pb::RenameResponseProto>("rename", rename("/wide")).await.unwrap().result);
        let taken = client.call::<pb::Rename2ResponseProto>("rename2", rename2("/wide", false)).await.unwrap_err();
        assert_eq!(
            (&*taken.class, &*taken.message),
            (class::FILE_ALREADY_EXISTS, "rename destination /wide/b already exists")
        );
        assert!([has, other].iter().all(|one| one.calls("rename").is_empty() && one.calls("rename2").is_empty()));

        let _: pb::Rename2ResponseProto = client.call("rename2", rename2("/wide", true)).await.unwrap();
        assert_eq!((has.calls("rename2").len(), other.calls("rename2").len()), (1, 0));
        let deleted = other.calls("delete")[0].decode::<pb::DeleteRequestProto>().unwrap();
        assert_eq!((deleted.src.as_str(), deleted.recursive, has.calls("delete").len()), ("/w/b", false, 0));

        // Sent again by another router: the source has gone, and its NameNode remembers.
        files(has, &["/w/b"]);
        other.throw("rename2", class::FILE_NOT_FOUND, "rename source /w/a is not found.");
        let _: pb::Rename2ResponseProto = client.call("rename2", rename2("/wide", true)).await.unwrap();
        assert_eq!((other.calls("delete").len(), has.calls("delete").len()), (2, 0));
    }
}

#[tokio::test]
async fn a_file_is_renamed_without_what_a_tolerant_mount_does_without() {
    let (ns1, ns2, _rig, client) = rig().await;
    files(&ns1, &["/w/a"]);
    ns1.answer("rename", pb::RenameResponseProto { result: true });
    ns2.set_standby(true);
    assert!(client.call::<pb::RenameResponseProto>("rename", rename("/tolerant")).await.unwrap().result);
    // There may be a file of that name, which counts where it would be read first.
    let mut refused = 0;
    for n in 0..20 {
        let pb::RenameRequestProto { src, dst } = rename("/wide");
        let before = ns1.calls("rename").len();
        let call =
            client.call::<pb::RenameResponseProto>("rename", pb::RenameRequestProto { src, dst: format!("{dst}{n}") });
        match call.await {
            Ok(reply) => assert!(reply.result),
            Err(error) => {
                assert_eq!((&*error.class, ns1.calls("rename").len()), (class::STANDBY, before));
                refused += 1;
            }
        }
    }
    assert!((1..20).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_directory_that_was_renamed_in_part_is_renamed_by_the_next_try() {
    let (ns1, ns2, _rig, client) = rig().await;
    // It has come to its new name in the first one.
    directories(&ns1, &["/w", "/w/b"]);
    directories(&ns2, &["/w", "/w/a"]);
    ns1.answer("rename2", pb::Rename2ResponseProto {});
    ns2.answer("rename2", pb::Rename2ResponseProto {});
    let _: pb::Rename2ResponseProto = client.call("rename2", rename2("/wide", false)).await.unwrap();
    assert_eq!((ns1.calls("rename2").len(), ns2.calls("rename2").len()), (0, 1));
}

#[tokio::test]
async fn a_directory_is_not_renamed_in_part_as_a_file_has_the_name_somewhere() {
    for first in [true, false] {
        let (ns1, ns2, _rig, client) = rig().await;
        let (has, other) = if first { (&ns1, &ns2) } else { (&ns2, &ns1) };
        has.script("getFileInfo", |call| {
            let src = call.decode::<pb::GetFileInfoRequestProto>().unwrap().src;
            let file = pb::HdfsFileStatusProto { file_type: FileType::IsFile.into(), ..directory("", "alice") };
            Ok(Payload::message(&info(Some(if src == "/w/b" { file } else { directory("", "alice") }))))
        });
        directories(other, &["/w", "/w/a"]);
        has.answer("rename", pb::RenameResponseProto { result: false });
        has.throw("rename2", class::FILE_ALREADY_EXISTS, "rename destination /w/b already exists");
        assert!(!client.call::<pb::RenameResponseProto>("rename", rename("/wide")).await.unwrap().result);
        for overwrite in [true, false] {
            let call = client.call::<pb::Rename2ResponseProto>("rename2", rename2("/wide", overwrite));
            assert_eq!(&*call.await.unwrap_err().class, class::FILE_ALREADY_EXISTS);
        }
        assert!(other.calls("rename").is_empty() && other.calls("rename2").is_empty());
    }
}

#[tokio::test]
async fn the_parts_of_a_directory_stay_together_where_one_of_that_name_is_in_one_destination() {
    for first in [true, false] {
        let (ns1, ns2, _rig, client) = rig().await;
        let (has, other) = if first { (&ns1, &ns2) } else { (&ns2, &ns1) };
        directories(has, &["/w", "/w/a", "/w/b"]);
        directories(other, &["/w", "/w/a"]);
        other.answer("mkdirs", pb::MkdirsResponseProto { result: true });
        has.answer("getListing", listing(Vec::new()));
        for one in [has, other] {
            one.answer("rename", pb::RenameResponseProto { result: true });
            one.answer("rename2", pb::Rename2ResponseProto {});
        }
        // Into the directory, in both.
        assert!(client.call::<pb::RenameResponseProto>("rename", rename("/wide")).await.unwrap().result);
        let made = other.calls("mkdirs")[0].decode::<pb::MkdirsRequestProto>().unwrap();
        assert_eq!((made.src.as_str(), has.calls("mkdirs").len()), ("/w/b", 0));
        assert_eq!([has, other].map(|one| one.calls("rename").len()), [1, 1]);
        // In its place, in both or in none.
        let _: pb::Rename2ResponseProto = client.call("rename2", rename2("/wide", true)).await.unwrap();
        let taken = client.call::<pb::Rename2ResponseProto>("rename2", rename2("/wide", false)).await.unwrap_err();
        assert_eq!(&*taken.class, class::FILE_ALREADY_EXISTS);
        assert_eq!([has, other].map(|one| one.calls("rename2").len()), [1, 1]);
        assert_eq!(other.calls("mkdirs").len(), 1);
    }
}

#[tokio::test]
async fn a_file_that_came_later_is_not_deleted_by_a_retry() {
    let (ns1, ns2, _rig, client) = rig().await;
    // The source was renamed in the first, somebody moved it on, and made another one in the second.
    files(&ns1, &[]);
    files(&ns2, &["/w/b"]);
    ns1.answer("rename2", pb::Rename2ResponseProto {});
    ns2.throw("rename2", class::FILE_NOT_FOUND, "rename source /w/a is not found.");
    let _: pb::Rename2ResponseProto = client.call("rename2", rename2("/wide", true)).await.unwrap();
    assert!(ns2.calls("delete").is_empty() && ns1.calls("delete").is_empty());
}

async fn mkdirs(client: &Client, src: &str) -> Result<bool, Exception> {
    let request = pb::MkdirsRequestProto { src: src.into(), create_parent: true, ..Default::default() };
    Ok(client.call::<pb::MkdirsResponseProto>("mkdirs", request).await?.result)
}

#[tokio::test]
async fn the_callers_trash_is_made_where_there_is_somebody_to_make_it() {
    let (ns1, ns2, _rig, client) = rig().await;
    for one in [&ns1, &ns2] {
        one.answer("mkdirs", pb::MkdirsResponseProto { result: true });
        directories(one, &[]);
    }
    ns2.set_standby(true);
    let trash = "/user/alice/.Trash/Current";
    assert_eq!(mkdirs(&client, trash).await, Ok(true));
    let made = ns1.calls("mkdirs")[0].decode::<pb::MkdirsRequestProto>().unwrap();
    assert_eq!((made.src.as_str(), ns1.calls("mkdirs").len()), (trash, 1));
    // Below it is what was deleted, for which the rule of its mount holds.
    assert_eq!(mkdirs(&client, &format!("{trash}/tolerant/d")).await, Ok(true));
    assert_eq!(&*mkdirs(&client, &format!("{trash}/wide/d")).await.unwrap_err().class, class::STANDBY);

    ns2.set_standby(false);
    let before = [&ns1, &ns2].map(|one| one.calls("mkdirs").len());
    assert_eq!(mkdirs(&client, trash).await, Ok(true));
    assert_eq!([&ns1, &ns2].map(|one| one.calls("mkdirs").len()), before.map(|calls| calls + 1));
}

#[tokio::test]
async fn files_are_looked_for_above_a_path_so_far_and_no_further() {
    let (ns1, ns2, _rig, client) = rig().await;
    for one in [&ns1, &ns2] {
        one.answer("mkdirs", pb::MkdirsResponseProto { result: true });
        directories(one, &[]);
    }
    // The path itself, and what is above it: up to the mount, and at most 64 levels.
    for (depth, asked) in [(2, 1 + 2), (64, 1 + 64), (100, 1 + 64)] {
        let before = [&ns1, &ns2].map(|one| one.calls("getFileInfo").len());
        assert_eq!(mkdirs(&client, &format!("/wide{}", "/x".repeat(depth))).await, Ok(true));
        let after = [&ns1, &ns2].map(|one| one.calls("getFileInfo").len());
        assert_eq!(after, before.map(|calls| calls + asked), "{depth}");
    }
}

#[tokio::test]
async fn a_change_is_made_wherever_the_path_is() {
    let (ns1, ns2, _rig, client) = rig().await;
    let permit = |mount| {
        let permission = pb::FsPermissionProto { perm: 0o700 };
        let request = pb::SetPermissionRequestProto { src: format!("{mount}/d"), permission };
        client.call::<pb::SetPermissionResponseProto>("setPermission", request)
    };
    ns1.answer("setPermission", pb::SetPermissionResponseProto {});
    ns2.throw("setPermission", class::FILE_NOT_FOUND, "File does not exist: /w/d");
    permit("/wide").await.unwrap();
    ns2.throw("setPermission", class::ACCESS_CONTROL, "Permission denied. user=alice is not the owner of inode=/w/d");
    for mount in ["/wide", "/tolerant"] {
        assert_eq!(&*permit(mount).await.unwrap_err().class, class::ACCESS_CONTROL);
    }
    ns2.set_standby(true);
    assert_eq!(&*permit("/wide").await.unwrap_err().class, class::STANDBY);
    permit("/tolerant").await.unwrap();
}

#[tokio::test]
async fn the_replication_of_a_file_is_set_where_it_is() {
    let (ns1, ns2, _rig, client) = rig().await;
    let set = |result| pb::SetReplicationResponseProto { result };
    for (one, other) in [(true, false), (false, true), (false, false)] {
        ns1.answer("setReplication", set(one));
        ns2.answer("setReplication", set(other));
        let request = pb::SetReplicationRequestProto { src: "/wide/f".into(), replication: 2 };
        let reply: pb::SetReplicationResponseProto = client.call("setReplication", request).await.unwrap();
        assert_eq!(reply.result, one || other);
    }
}

#[tokio::test]
async fn nobody_knows_of_a_directory_that_may_be_where_nobody_answers() {
    let (ns1, ns2, _rig, client) = rig().await;
    ns1.answer("getListing", pb::GetListingResponseProto { dir_list: None });
    ns2.set_standby(true);
    assert_eq!(&*client.list("/wide/d").await.unwrap_err().class, class::STANDBY);
    ns1.answer("getListing", listing(vec![directory("a", "one")]));
    assert_eq!(client.list("/wide/d").await.unwrap().unwrap(), ["a:one"]);

    ns1.throw("getContentSummary", class::FILE_NOT_FOUND, "File does not exist: /w/d");
    let request = pb::GetContentSummaryRequestProto { path: "/wide/d".into() };
    let unknown = client.call::<pb::GetContentSummaryResponseProto>("getContentSummary", request).await.unwrap_err();
    assert_eq!(&*unknown.class, class::STANDBY);
}

#[tokio::test]
async fn a_command_reaches_each_namenode_though_the_first_is_dead() {
    let (dead, alive) = (namenode("BP-1", "one").await, namenode("BP-1", "one").await);
    alive.answer("refreshNodes", pb::RefreshNodesResponseProto {});
    let subclusters = config(&[("ns1", &[dead.address, alive.address])]);
    dead.stop().await;
    let rig = Rig::start(subclusters, Some(Arc::new(MountTable::build([], NameserviceId::parse("ns1").ok())))).await;
    let client = rig.client("alice").await;
    let told = client.call::<pb::RefreshNodesResponseProto>("refreshNodes", pb::RefreshNodesRequestProto {}).await;
    assert_eq!(&*told.unwrap_err().class, class::RETRIABLE);
    assert_eq!(alive.calls("refreshNodes").len(), 1);
}

#[tokio::test]
async fn a_key_is_had_from_another_while_one_hangs() {
    let (ns1, ns2, _rig, client) = rig().await;
    let key = pb::DataEncryptionKeyProto { key_id: 7, block_pool_id: "BP-2".into(), ..Default::default() };
    ns1.hold("getDataEncryptionKey");
    ns2.answer("getDataEncryptionKey", pb::GetDataEncryptionKeyResponseProto { data_encryption_key: Some(key) });
    let request = pb::GetDataEncryptionKeyRequestProto {};
    let reply: pb::GetDataEncryptionKeyResponseProto = client.call("getDataEncryptionKey", request).await.unwrap();
    assert_eq!(reply.data_encryption_key.unwrap().key_id, 7);
    ns1.release();
}

#[tokio::test]
async fn a_directory_comes_to_one_name_wherever_it_is() {
    let (ns1, ns2, _rig, client) = rig().await;
    let renames = |one: &FakeNamenode| one.calls("rename").len() + one.calls("rename2").len();
    for one in [&ns1, &ns2] {
        one.answer("rename", pb::RenameResponseProto { result: true });
        one.answer("rename2", pb::Rename2ResponseProto {});
        one.answer("mkdirs", pb::MkdirsResponseProto { result: true });
    }
    directories(&ns1, &["/w", "/w/a", "/w/b"]);
    directories(&ns2, &["/w", "/w/a"]);
    // A NameNode would move it into the directory of that name, and where there is none, beside.
    let taken = client.call::<pb::Rename2ResponseProto>("rename2", rename2("/wide", false)).await.unwrap_err();
    assert_eq!(&*taken.class, class::FILE_ALREADY_EXISTS);
    ns1.answer("getListing", listing(vec![directory("x", "alice")]));
    let full = client.call::<pb::Rename2ResponseProto>("rename2", rename2("/wide", true)).await.unwrap_err();
    assert_eq!(full.message, "rename destination directory is not empty: /wide/b");
    assert_eq!((renames(&ns1), renames(&ns2)), (0, 0));
    ns1.answer("getListing", listing(Vec::new()));
    let _: pb::Rename2ResponseProto = client.call("rename2", rename2("/wide", true)).await.unwrap();
    assert!(client.call::<pb::RenameResponseProto>("rename", rename("/wide")).await.unwrap().result);
    let made = ns2.calls("mkdirs")[0].decode::<pb::MkdirsRequestProto>().unwrap();
    assert_eq!((&*made.src, ns1.calls("mkdirs").len(), renames(&ns1), renames(&ns2)), ("/w/b", 0, 2, 2));

    // Nor does it move where its new parent is missing.
    directories(&ns1, &["/w", "/w/a", "/w/p"]);
    let into = pb::RenameRequestProto { src: "/wide/a".into(), dst: "/wide/p/b".into() };
    assert!(client.call::<pb::RenameResponseProto>("rename", into).await.unwrap().result);
    let made = ns2.calls("mkdirs")[1].decode::<pb::MkdirsRequestProto>().unwrap();
    assert_eq!((&*made.src, ns1.calls("mkdirs").len()), ("/w/p", 0));

    directories(&ns1, &["/w", "/w/a"]);
    ns2.answer("rename", pb::RenameResponseProto { result: false });
    let partly = client.call::<pb::RenameResponseProto>("rename", rename("/wide")).await.unwrap_err();
    assert!(partly.message.starts_with("/wide/a was renamed to /wide/b in part: ns2"), "{partly}");
}

#[tokio::test]
async fn nothing_is_renamed_where_nobody_said_what_is_there() {
    let (ns1, ns2, _rig, client) = rig().await;
    files(&ns1, &[]);
    ns1.answer("rename", pb::RenameResponseProto { result: false });
    ns2.throw("getFileInfo", class::IO, "not now");
    ns2.answer("rename", pb::RenameResponseProto { result: true });
    let unknown = client.call::<pb::RenameResponseProto>("rename", rename("/wide")).await.unwrap_err();
    assert_eq!((&*unknown.message, ns2.calls("rename").len()), ("not now", 0));
}

#[tokio::test]
async fn a_tolerant_mount_does_not_wait_for_a_subcluster_that_hangs() {
    let (ns1, ns2) = (namenode("BP-1", "one").await, namenode("BP-2", "two").await);
    let mut subclusters = config(&[("ns1", &[ns1.address]), ("ns2", &[ns2.address])]);
    subclusters.upstream.report_timeout = std::time::Duration::from_millis(200);
    let tolerant = MountEntry::parse("/tolerant", [("ns1", "/w"), ("ns2", "/w")]).unwrap();
    let tolerant = MountEntry { order: Order::HashAll, fault_tolerant: true, ..tolerant };
    let rig = Rig::start(subclusters, Some(Arc::new(MountTable::build([tolerant], None)))).await;
    let client = rig.client("alice").await;
    ns2.hold("getFileInfo");
    directories(&ns1, &["/w"]);
    ns1.answer("create", pb::CreateResponseProto { fs: Some(directory("", "alice")) });
    ns2.throw("create", class::IO, "it hangs");
    for n in 0..6 {
        let request =
            pb::CreateRequestProto { src: format!("/tolerant/f{n}"), create_parent: false, ..Default::default() };
        let _: pb::CreateResponseProto = client.call("create", request).await.unwrap();
    }
    assert_eq!(ns1.calls("create").len(), 6);
    ns2.release();
}

#[tokio::test]
async fn a_report_of_what_changed_is_of_all_who_have_a_part() {
    let (ns1, ns2, _rig, client) = rig().await;
    let changed = |path: &'static str| pb::SnapshotDiffReportEntryProto {
        fullpath: path.as_bytes().to_vec().into(),
        modification_label: "+".into(),
        target_path: None,
    };
    let report = |entries: &[&'static str]| pb::GetSnapshotDiffReportResponseProto {
        diff_report: pb::SnapshotDiffReportProto {
            snapshot_root: "/w".into(),
            from_snapshot: "a".into(),
            to_snapshot: "b".into(),
            diff_report_entries: entries.iter().map(|path| changed(path)).collect(),
        },
    };
    ns1.answer("getSnapshotDiffReport", report(&["both", "one"]));
    ns2.answer("getSnapshotDiffReport", report(&["both", "two"]));
    let request = pb::GetSnapshotDiffReportRequestProto {
        snapshot_root: "/wide/d".into(),
        from_snapshot: "a".into(),
        to_snapshot: "b".into(),
    };
    let reply: pb::GetSnapshotDiffReportResponseProto = client.call("getSnapshotDiffReport", request).await.unwrap();
    let entries = reply.diff_report.diff_report_entries;
    assert_eq!(entries.len(), 3, "{entries:?}");
    // Clients ask for the whole report then.
    let pages = pb::GetSnapshotDiffReportListingRequestProto { snapshot_root: "/wide/d".into(), ..Default::default() };
    let refused =
        client.call::<pb::GetSnapshotDiffReportListingResponseProto>("getSnapshotDiffReportListing", pages).await;
    assert_eq!(&*refused.unwrap_err().class, class::NO_SUCH_METHOD);
}

#[tokio::test]
async fn a_mount_point_is_no_file_to_be_joined() {
    let (ns1, _ns2, _rig, client) = rig().await;
    let request = pb::ConcatRequestProto { trg: "/x".into(), srcs: vec!["/wide".into()] };
    let refused = client.call::<pb::ConcatResponseProto>("concat", request).await.unwrap_err();
    assert_eq!((&*refused.class, ns1.calls("concat").len()), (class::ACCESS_CONTROL, 0));
}
