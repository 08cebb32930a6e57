use anabranch_hdfs_proto::hdfs as pb;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::merge::body;
use crate::method;

/// Changes every path of the row to these, in order, as the router does.
fn rewritten(method: &str, message: &[u8], new: &[&str]) -> Vec<u8> {
    let (_, row) = method::find(method).unwrap();
    let mut values = new.iter();
    let mut put = |_: usize, _: &[u8]| Edit::Put(values.next().unwrap().as_bytes());
    let changed = edit(message, row.paths, &mut put).unwrap().unwrap();
    body(&changed).to_vec()
}

/// Decode, change and encode must come to the same as the splice, for a message of this method.
macro_rules! same_as_prost {
    ($method:literal, $message:expr, [$($new:expr),*], |$changed:ident| $change:expr) => {{
        let message = $message;
        let mut $changed = message.clone();
        $change;
        let spliced = rewritten($method, &message.encode_to_vec(), &[$($new),*]);
        assert_eq!(spliced, $changed.encode_to_vec(), $method);
        $method
    }};
}

/// One message of every method that has paths, with fields before and after them.
#[expect(clippy::needless_update, reason = "some messages have nothing but the path")]
fn check_all(old: &str, new: &str, other: &str) -> Vec<&'static str> {
    let old = || old.to_owned();
    macro_rules! simple {
        ($($method:literal $type:ident $field:ident;)*) => {
            vec![$(same_as_prost!($method, pb::$type { $field: old().into(), ..Default::default() }, [new],
                |m| m.$field = new.to_owned().into())),*]
        };
    }
    let mut seen = simple! {
        "getBlockLocations" GetBlockLocationsRequestProto src;
        "getFileInfo" GetFileInfoRequestProto src;
        "getFileLinkInfo" GetFileLinkInfoRequestProto src;
        "getLocatedFileInfo" GetLocatedFileInfoRequestProto src;
        "isFileClosed" IsFileClosedRequestProto src;
        "getContentSummary" GetContentSummaryRequestProto path;
        "getPreferredBlockSize" GetPreferredBlockSizeRequestProto filename;
        "getLinkTarget" GetLinkTargetRequestProto path;
        "getStoragePolicy" GetStoragePolicyRequestProto path;
        "getErasureCodingPolicy" GetErasureCodingPolicyRequestProto src;
        "getEZForPath" GetEzForPathRequestProto src;
        "getEnclosingRoot" GetEnclosingRootRequestProto filename;
        "listCorruptFileBlocks" ListCorruptFileBlocksRequestProto path;
        "delete" DeleteRequestProto src;
        "setReplication" SetReplicationRequestProto src;
        "setTimes" SetTimesRequestProto src;
        "setStoragePolicy" SetStoragePolicyRequestProto src;
        "unsetStoragePolicy" UnsetStoragePolicyRequestProto src;
        "satisfyStoragePolicy" SatisfyStoragePolicyRequestProto src;
        "setErasureCodingPolicy" SetErasureCodingPolicyRequestProto src;
        "unsetErasureCodingPolicy" UnsetErasureCodingPolicyRequestProto src;
        "createEncryptionZone" CreateEncryptionZoneRequestProto src;
        "setQuota" SetQuotaRequestProto path;
        "getQuotaUsage" GetQuotaUsageRequestProto path;
        "getAclStatus" GetAclStatusRequestProto src;
        "modifyAclEntries" ModifyAclEntriesRequestProto src;
        "removeAclEntries" RemoveAclEntriesRequestProto src;
        "removeDefaultAcl" RemoveDefaultAclRequestProto src;
        "removeAcl" RemoveAclRequestProto src;
        "setAcl" SetAclRequestProto src;
        "getXAttrs" GetXAttrsRequestProto src;
        "listXAttrs" ListXAttrsRequestProto src;
        "setXAttr" SetXAttrRequestProto src;
        "removeXAttr" RemoveXAttrRequestProto src;
        "recoverLease" RecoverLeaseRequestProto src;
        "fsync" FsyncRequestProto src;
        "allowSnapshot" AllowSnapshotRequestProto snapshot_root;
        "disallowSnapshot" DisallowSnapshotRequestProto snapshot_root;
        "createSnapshot" CreateSnapshotRequestProto snapshot_root;
        "deleteSnapshot" DeleteSnapshotRequestProto snapshot_root;
        "renameSnapshot" RenameSnapshotRequestProto snapshot_root;
        "getSnapshotListing" GetSnapshotListingRequestProto snapshot_root;
        "getSnapshotDiffReport" GetSnapshotDiffReportRequestProto snapshot_root;
        "getSnapshotDiffReportListing" GetSnapshotDiffReportListingRequestProto snapshot_root;
        "setPermission" SetPermissionRequestProto src;
        "setOwner" SetOwnerRequestProto src;
        "checkAccess" CheckAccessRequestProto path;
        "mkdirs" MkdirsRequestProto src;
        "getListing" GetListingRequestProto src;
        "getAdditionalDatanode" GetAdditionalDatanodeRequestProto src;
    };
    let block = || pb::ExtendedBlockProto { pool_id: "BP-1".into(), block_id: 7, ..Default::default() };
    let client = || "DFSClient_1".to_owned();
    let create = pb::CreateRequestProto {
        src: old(),
        client_name: client(),
        block_size: 1 << 27,
        unmasked: Some(pb::FsPermissionProto { perm: 0o644 }),
        ..Default::default()
    };
    seen.push(same_as_prost!("create", create, [new], |m| m.src = new.to_owned()));
    let append = pb::AppendRequestProto { src: old(), client_name: client(), flag: Some(4) };
    seen.push(same_as_prost!("append", append, [new], |m| m.src = new.to_owned()));
    let truncate = pb::TruncateRequestProto { src: old(), new_length: 9, client_name: client() };
    seen.push(same_as_prost!("truncate", truncate, [new], |m| m.src = new.to_owned()));
    let add = pb::AddBlockRequestProto {
        src: old(),
        client_name: client(),
        previous: Some(block()),
        file_id: Some(5),
        ..Default::default()
    };
    seen.push(same_as_prost!("addBlock", add, [new], |m| m.src = new.to_owned()));
    let complete = pb::CompleteRequestProto { src: old(), client_name: client(), last: Some(block()), file_id: None };
    seen.push(same_as_prost!("complete", complete, [new], |m| m.src = new.to_owned()));
    let abandon = pb::AbandonBlockRequestProto { b: block(), src: old(), holder: client(), file_id: Some(1) };
    seen.push(same_as_prost!("abandonBlock", abandon, [new], |m| m.src = new.to_owned()));
    let rename = pb::RenameRequestProto { src: old(), dst: "/d".into() };
    seen.push(same_as_prost!("rename", rename, [new, other], |m| (m.src, m.dst) = (new.to_owned(), other.to_owned())));
    let rename = pb::Rename2RequestProto { src: old(), dst: "/d".into(), overwrite_dest: true, move_to_trash: None };
    seen.push(same_as_prost!("rename2", rename, [new, other], |m| (m.src, m.dst) = (new.to_owned(), other.to_owned())));
    let link = pb::CreateSymlinkRequestProto { target: old(), link: "/l".into(), ..Default::default() };
    seen.push(same_as_prost!("createSymlink", link, [new, other], |m| (m.target, m.link) =
        (new.to_owned(), other.to_owned())));
    let concat = pb::ConcatRequestProto { trg: old(), srcs: vec!["/1".into(), "/2".into()] };
    seen.push(same_as_prost!("concat", concat, [new, other, new], |m| (m.trg, m.srcs) =
        (new.to_owned(), vec![other.to_owned(), new.to_owned()])));
    let info =
        || pb::CacheDirectiveInfoProto { id: Some(3), path: Some(old()), pool: Some("p".into()), ..Default::default() };
    let moved = || pb::CacheDirectiveInfoProto { path: Some(new.to_owned()), ..info() };
    let directive = pb::AddCacheDirectiveRequestProto { info: info(), cache_flags: Some(1) };
    seen.push(same_as_prost!("addCacheDirective", directive, [new], |m| m.info = moved()));
    let directive = pb::ModifyCacheDirectiveRequestProto { info: info(), cache_flags: None };
    seen.push(same_as_prost!("modifyCacheDirective", directive, [new], |m| m.info = moved()));
    let filter = pb::ListCacheDirectivesRequestProto { prev_id: 9, filter: info() };
    seen.push(same_as_prost!("listCacheDirectives", filter, [new], |m| m.filter = moved()));
    let open = pb::ListOpenFilesRequestProto { id: 4, types: vec![1, 2], path: Some(old()) };
    seen.push(same_as_prost!("listOpenFiles", open, [new], |m| m.path = Some(new.to_owned())));
    let zone = pb::ReencryptEncryptionZoneRequestProto { action: 2, zone: old() };
    seen.push(same_as_prost!("reencryptEncryptionZone", zone, [new], |m| m.zone = new.to_owned()));
    seen
}

#[test]
fn every_row_with_paths_is_checked() {
    let mut seen = check_all("/a", "/b", "/c");
    // Several paths, of which none is ever rewritten.
    seen.push("getBatchedListing");
    seen.sort_unstable();
    let mut expected: Vec<_> = method::rows().iter().filter(|row| !row.paths.is_empty()).map(|row| row.name).collect();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

proptest! {
    #[test]
    fn splicing_is_decoding_changing_and_encoding(old in "/[a-zé/]{0,300}", new in "/\\PC{0,300}", other in "/\\PC{0,20}") {
        check_all(&old, &new, &other);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for row in method::rows() {
            let _ = edit(&bytes, row.paths, &mut |_, _| Edit::Put(b"/x"));
        }
        let _ = set_in(&bytes, 1, 19, b"ns");
    }
}

#[test]
fn unknown_fields_stay() {
    let mut message = pb::GetFileInfoRequestProto { src: "/a".into() }.encode_to_vec();
    put_field_of(&mut message, 99, b"from a later Hadoop");
    let spliced = rewritten("getFileInfo", &message, &["/longer/path"]);
    assert_eq!(find(&spliced, &[1]).unwrap(), Some(&b"/longer/path"[..]));
    assert_eq!(find(&spliced, &[99]).unwrap(), Some(&b"from a later Hadoop"[..]));
}

fn put_field_of(message: &mut Vec<u8>, number: u32, value: &[u8]) {
    let mut out = BytesMut::new();
    put_field(&mut out, number, value);
    message.extend_from_slice(&out);
}

#[test]
fn what_stays_is_not_copied() {
    let message = pb::GetFileInfoRequestProto { src: "/a".into() }.encode_to_vec();
    assert_eq!(edit(&message, &[&[1]], &mut |_, _| Edit::Keep).unwrap(), None);
}

#[test]
fn fields_are_dropped() {
    let message = pb::RenewLeaseRequestProto { client_name: "c".into(), namespaces: vec!["a".into(), "b".into()] };
    let changed = edit(&message.encode_to_vec(), &[&[2]], &mut |_, _| Edit::Drop).unwrap().unwrap();
    let expected = pb::RenewLeaseRequestProto { client_name: "c".into(), namespaces: vec![] };
    assert_eq!(pb::RenewLeaseRequestProto::decode(body(&changed)).unwrap(), expected);
}

#[test]
fn a_status_gets_its_namespace() {
    let status = pb::HdfsFileStatusProto { owner: "o".into(), namespace: Some("old".into()), ..Default::default() };
    let message = pb::AppendResponseProto { block: Some(Default::default()), stat: Some(status.clone()) };
    let changed = set_in(&message.encode_to_vec(), 2, 19, b"ns1").unwrap().unwrap();
    let expected = pb::HdfsFileStatusProto { namespace: Some("ns1".into()), ..status };
    let found = pb::AppendResponseProto::decode(body(&changed)).unwrap();
    assert_eq!((found.stat, found.block), (Some(expected), message.block));
    assert_eq!(set_in(&[], 2, 19, b"ns1").unwrap(), None);
}
