use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hdfs_proto::hdfs::hdfs_file_status_proto::FileType;
use prost::Message;

use super::listing::{outline, page};
use super::status::{Virtual, reply, status_of, statuses};
use super::*;

fn answer(nameservice: &'static str, message: &impl Message) -> Answer<'static> {
    Answer { nameservice, reply: delimited(&message.encode_to_vec()) }
}

fn decoded<M: Message + Default>(reply: &[u8]) -> M {
    M::decode(body(reply)).unwrap()
}

fn status(name: &str, kind: FileType, children: i32) -> pb::HdfsFileStatusProto {
    pb::HdfsFileStatusProto {
        file_type: kind.into(),
        path: Bytes::copy_from_slice(name.as_bytes()),
        owner: "o".into(),
        children_num: Some(children),
        ..Default::default()
    }
}

fn directory(name: &str) -> pb::HdfsFileStatusProto {
    status(name, FileType::IsDir, 1)
}

fn listing(names: &[&str], remaining: u32) -> Bytes {
    let partial_listing = names.iter().map(|name| status(name, FileType::IsFile, -1)).collect();
    let list = pb::DirectoryListingProto { partial_listing, remaining_entries: remaining };
    delimited(&pb::GetListingResponseProto { dir_list: Some(list) }.encode_to_vec())
}

/// Names and remaining entries of the joined page; mount points are directories.
fn joined(pages: &[Bytes], children: &[&str], start_after: &str) -> (Vec<String>, u32) {
    let pages: Vec<_> = pages.iter().filter_map(|reply| page(reply).unwrap()).collect();
    let outline = outline(&pages, children, start_after.as_bytes());
    let statuses: Vec<_> = outline.children.iter().map(|child| directory(child).encode_to_vec()).collect();
    let list = decoded::<pb::GetListingResponseProto>(&outline.reply(&statuses)).dir_list.unwrap();
    let shown = list.partial_listing.iter().map(|status| {
        let mark = if status.file_type() == FileType::IsDir { "/" } else { "" };
        format!("{}{mark}", String::from_utf8_lossy(&status.path))
    });
    (shown.collect(), list.remaining_entries)
}

#[test]
fn listings_are_joined() {
    /// Names and remaining entries of a page.
    type Given<'a> = (&'a [&'a str], u32);
    type Row<'a> = (&'a str, &'a [Given<'a>], &'a [&'a str], &'a str, &'a [&'a str], u32);
    let rows: &[Row<'_>] = &[
        ("one complete page", &[(&["a", "b"], 0)], &[], "", &["a", "b"], 0),
        ("mount points among files", &[(&["a", "c"], 0)], &["b", "d"], "", &["a", "b/", "c", "d/"], 0),
        ("a mount point hides what is there", &[(&["a", "b"], 0)], &["b"], "", &["a", "b/"], 0),
        ("mount points alone", &[], &["b", "a"], "", &["a/", "b/"], 0),
        ("behind the last page", &[(&[], 0)], &["a", "z"], "m", &["z/"], 0),
        ("mount points behind a partial page wait", &[(&["a", "b"], 5)], &["aa", "z"], "", &["a", "aa/", "b"], 6),
        ("two pages, one partial", &[(&["a", "c"], 3), (&["b", "d"], 0)], &[], "", &["a", "b", "c"], 4),
        ("a complete page does not cut", &[(&["a"], 0), (&["b", "d"], 2)], &[], "", &["a", "b", "d"], 2),
        (
            "both partial: the smaller last name cuts",
            &[(&["a", "c"], 1), (&["b", "d"], 1)],
            &[],
            "",
            &["a", "b", "c"],
            3,
        ),
        ("one name twice", &[(&["a"], 0), (&["a"], 0)], &[], "", &["a"], 0),
        ("bytes compare as in Java, signed", &[(&["é", "a"], 1)], &["ä", "z"], "", &["ä/", "é", "a"], 2),
    ];
    for (name, pages, children, start_after, shown, remaining) in rows {
        let pages: Vec<_> = pages.iter().map(|(names, remaining)| listing(names, *remaining)).collect();
        let expected = (shown.iter().map(ToString::to_string).collect(), *remaining);
        assert_eq!(joined(&pages, children, start_after), expected, "{name}");
    }
}

#[test]
fn a_page_holds_at_most_a_thousand_mount_points() {
    let names: Vec<String> = (0..2500).map(|at| format!("m{at:04}")).collect();
    let children: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut start_after = String::new();
    let mut seen = 0;
    for (shown, left) in [(1000, 1500), (1000, 500), (500, 0)] {
        let (page, remaining) = joined(&[], &children, &start_after);
        assert_eq!((page.len(), remaining), (shown, left));
        start_after = page.last().unwrap().trim_end_matches('/').to_owned();
        seen += page.len();
    }
    assert_eq!(seen, 2500);
}

#[test]
fn a_listing_of_nothing_is_no_page() {
    assert_eq!(page(&empty()).unwrap(), None);
}

fn info(status: Option<pb::HdfsFileStatusProto>) -> pb::GetFileInfoResponseProto {
    pb::GetFileInfoResponseProto { fs: status }
}

#[test]
fn one_status_of_several() {
    let file = status("", FileType::IsFile, -1);
    let dir = |children| status("", FileType::IsDir, children);
    let rows = [
        ("nothing anywhere", vec![None, None], None),
        ("a file wins", vec![Some(dir(2)), Some(file.clone())], Some(file)),
        ("children are added up", vec![Some(dir(2)), None, Some(dir(3))], Some(dir(5))),
        ("one directory stays as it is", vec![None, Some(dir(-1))], Some(dir(-1))),
    ];
    for (name, given, expected) in rows {
        let answers: Vec<_> = given.into_iter().map(|status| answer("ns", &info(status))).collect();
        let found = decoded::<pb::GetFileInfoResponseProto>(&statuses(&answers).unwrap());
        assert_eq!(found.fs, expected, "{name}");
    }
}

#[test]
fn a_virtual_directory_has_a_status() {
    let made = Virtual { owner: "hdfs", group: "supergroup", mode: 0o777, modified_ms: 9, children: 2 };
    let found = decoded::<pb::GetFileInfoResponseProto>(&reply(&made.status(b"x"))).fs.unwrap();
    assert_eq!(found.file_type(), FileType::IsDir);
    assert_eq!((found.path.as_ref(), found.owner.as_str(), found.permission.perm), (&b"x"[..], "hdfs", 0o777));
    assert_eq!((found.children_num(), found.modification_time, found.length), (2, 9, 0));
    assert!(status_of(&empty()).unwrap().is_none());
}

#[test]
fn stats_are_added_up_without_unknown_ones() {
    let stats = |capacity, used, future| pb::GetFsStatsResponseProto {
        capacity,
        used,
        blocks_in_future: future,
        ..Default::default()
    };
    let total = sum(&[answer("a", &stats(10, 3, Some(1))), answer("b", &stats(5, u64::MAX, None))]).unwrap();
    assert_eq!(decoded::<pb::GetFsStatsResponseProto>(&total), stats(15, 3, Some(1)));
}

#[test]
fn truths_and_maxima() {
    let said = |result| answer("ns", &pb::DeleteResponseProto { result });
    let rows: &[(Merge, &[bool], bool)] = &[
        (any_true, &[false, true], true),
        (any_true, &[false, false], false),
        (all_true, &[true, true], true),
        (all_true, &[true, false], false),
    ];
    for (merge, given, expected) in rows {
        let answers: Vec<_> = given.iter().map(|result| said(*result)).collect();
        assert_eq!(decoded::<pb::DeleteResponseProto>(&merge(&answers).unwrap()).result, *expected);
    }
    let saved = [answer("a", &pb::SaveNamespaceResponseProto { saved: None })];
    assert!(decoded::<pb::SaveNamespaceResponseProto>(&all_true_by_default(&saved).unwrap()).saved());
    let txid = |txid| answer("ns", &pb::GetCurrentEditLogTxidResponseProto { txid });
    let found = maximum(&[txid(-3), txid(-1)]).unwrap();
    assert_eq!(decoded::<pb::GetCurrentEditLogTxidResponseProto>(&found).txid, -1);
}

#[test]
fn unions_have_no_duplicates() {
    let codecs = |names: &[&str]| pb::GetErasureCodingCodecsResponseProto {
        codec: names.iter().map(|name| pb::CodecProto { codec: name.to_string(), coders: "c".into() }).collect(),
    };
    let all = union(&[answer("a", &codecs(&["rs", "xor"])), answer("b", &codecs(&["xor", "new"]))]).unwrap();
    assert_eq!(decoded::<pb::GetErasureCodingCodecsResponseProto>(&all), codecs(&["rs", "xor", "new"]));
}

#[test]
fn a_datanode_of_two_subclusters_is_shown_once() {
    let node = |ip: &str, updated, location: &str| pb::DatanodeInfoProto {
        id: pb::DatanodeIdProto { ip_addr: ip.into(), xfer_port: 9866, ..Default::default() },
        last_update: Some(updated),
        location: Some(location.into()),
        ..Default::default()
    };
    let report = |nodes: Vec<_>| pb::GetDatanodeReportResponseProto { di: nodes };
    let found = datanodes(&[
        answer("ns0", &report(vec![node("1.1.1.1", 5, "/rack"), node("1.1.1.2", 1, "/rack")])),
        answer("ns1", &report(vec![node("1.1.1.1", 9, "/r")])),
    ])
    .unwrap();
    let expected = report(vec![node("1.1.1.1", 9, "/ns1/r"), node("1.1.1.2", 1, "/ns0/rack")]);
    assert_eq!(decoded::<pb::GetDatanodeReportResponseProto>(&found), expected);
}

#[test]
fn summaries_add_up_and_keep_the_quota_of_the_path() {
    let summary = |length, quota, policy: Option<&str>| pb::GetContentSummaryResponseProto {
        summary: pb::ContentSummaryProto {
            length,
            file_count: 1,
            quota,
            snapshot_length: Some(length),
            erasure_coding_policy: policy.map(Into::into),
            ..Default::default()
        },
    };
    let answers = [answer("a", &summary(5, 7, Some(""))), answer("b", &summary(6, 9, Some("RS-6-3")))];
    let total = decoded::<pb::GetContentSummaryResponseProto>(&summary::summaries(&answers).unwrap()).summary;
    assert_eq!((total.length, total.file_count, total.quota, total.snapshot_length), (11, 2, 7, Some(11)));
    assert_eq!(total.erasure_coding_policy.as_deref(), Some("RS-6-3"));
}
