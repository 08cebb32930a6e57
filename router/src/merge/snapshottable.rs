//! `getSnapshottableDirListing`: directories that may have snapshots, each with the path of its parent and its own name.

use std::collections::BTreeMap;

use anabranch_hrpc::wire::Malformed;
use bytes::{Bytes, BytesMut};

use super::listing::signed;
use super::{Answer, UNREADABLE, body, empty};
use crate::method::FieldPath;
use crate::rewrite::{Edit, delimited, edit, find, find_all, put_field};

/// `dirStatus.path` of `SnapshottableDirectoryStatusProto`.
const NAME: FieldPath = &[1, 2];
/// `parent_fullpath`
const PARENT: FieldPath = &[4];

/// Joins lists, in the order that NameNodes have them: by parents, then by names, both by signed bytes. `shown` tells what
/// clients call a path of an answer; what they do not see is left out, and of what they call the same, the first is there.
/// No list for none, as NameNodes answer.
pub fn snapshottable(
    answers: &[Answer<'_>],
    shown: impl Fn(&Answer<'_>, &str) -> Option<String>,
) -> Result<Bytes, Malformed> {
    let mut entries: BTreeMap<[Vec<i8>; 2], Bytes> = BTreeMap::new();
    for answer in answers {
        let list = find(answer.message(), &[1])?.unwrap_or_default();
        for entry in find_all(list, 1)? {
            let Some(path) = shown(answer, &path(entry)?) else { continue };
            let (parent, name) = split(&path);
            let mut put = |place: usize, _: &[u8]| Edit::Put([name, parent][place].as_bytes());
            let renamed = edit(entry, &[NAME, PARENT], &mut put)?.ok_or(UNREADABLE)?;
            entries.entry([parent, name].map(signed)).or_insert(renamed);
        }
    }
    if entries.is_empty() {
        return Ok(empty());
    }
    let mut list = BytesMut::new();
    for entry in entries.values() {
        put_field(&mut list, 1, body(entry));
    }
    let mut out = BytesMut::new();
    put_field(&mut out, 1, &list);
    Ok(delimited(&out))
}

/// The whole path; the root has neither parent nor name.
fn path(entry: &[u8]) -> Result<String, Malformed> {
    let text = |place| find(entry, place)?.and_then(|text| std::str::from_utf8(text).ok()).ok_or(UNREADABLE);
    let (parent, name) = (text(PARENT)?, text(NAME)?);
    Ok(format!("{}/{name}", parent.trim_end_matches('/')))
}

/// The reverse.
fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", "")) | None => ("", ""),
        Some(("", name)) => ("/", name),
        Some(both) => both,
    }
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::{
        GetSnapshottableDirListingResponseProto, HdfsFileStatusProto, SnapshottableDirectoryListingProto,
        SnapshottableDirectoryStatusProto,
    };
    use prost::Message;

    use super::*;

    fn directory((parent, name, snapshots): (&str, &str, u32)) -> SnapshottableDirectoryStatusProto {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        SnapshottableDirectoryStatusProto {
            dir_status: HdfsFileStatusProto { path: bytes(name), owner: "ann".into(), ..Default::default() },
            snapshot_quota: 65_536,
            snapshot_number: snapshots,
            parent_fullpath: bytes(parent),
        }
    }

    fn list(entries: &[(&str, &str, u32)]) -> GetSnapshottableDirListingResponseProto {
        let snapshottable_dir_listing = entries.iter().copied().map(directory).collect();
        GetSnapshottableDirListingResponseProto {
            snapshottable_dir_list: Some(SnapshottableDirectoryListingProto { snapshottable_dir_listing }),
        }
    }

    /// `(parent, name, snapshots)`
    type Entries<'r> = &'r [(&'r str, &'r str, u32)];

    /// What `ns0` and `ns1` have.
    fn joined(entries: [Entries<'_>; 2], shows: fn(&str, &str) -> Option<String>) -> Bytes {
        let answers = ["ns0", "ns1"].into_iter().zip(entries).map(|(nameservice, entries)| {
            let none = GetSnapshottableDirListingResponseProto::default();
            let reply = if entries.is_empty() { none } else { list(entries) };
            Answer { nameservice, reply: reply.encode_length_delimited_to_vec().into() }
        });
        snapshottable(&answers.collect::<Vec<_>>(), |answer, path| shows(answer.nameservice, path)).unwrap()
    }

    #[test]
    fn paths_are_those_of_clients_and_all_else_is_kept() {
        // Below /w; ns1's root is /all.
        let shows = |nameservice: &str, path: &str| match (nameservice, path) {
            ("ns1", "/") => Some("/all".to_owned()),
            (_, "/w") => Some("/".to_owned()),
            _ => path.strip_prefix("/w").map(str::to_owned),
        };
        let rows: [(Entries<'_>, Entries<'_>, Entries<'_>); 7] = [
            (&[], &[], &[]),
            (&[("/hidden", "a", 1)], &[], &[]),
            (&[("/", "w", 1)], &[("/w/a", "b", 2)], &[("", "", 1), ("/a", "b", 2)]),
            (&[], &[("", "", 3)], &[("/", "all", 3)]),
            (
                &[("/w", "a", 1), ("/w/a", "a", 1)],
                &[("/w", "b", 2), ("/hidden", "w", 2)],
                &[("/", "a", 1), ("/", "b", 2), ("/a", "a", 1)],
            ),
            (&[("/w/a", "x", 5)], &[("/w/ä", "x", 7)], &[("/ä", "x", 7), ("/a", "x", 5)]),
            (
                &[("/w", "x", 5), ("/w", "y", 5)],
                &[("/w", "x", 7), ("/w", "ü", 7)],
                &[("/", "ü", 7), ("/", "x", 5), ("/", "y", 5)],
            ),
        ];
        for (first, second, expected) in rows {
            let reply = joined([first, second], shows);
            let found = GetSnapshottableDirListingResponseProto::decode(body(&reply)).unwrap();
            let expected = if expected.is_empty() { Default::default() } else { list(expected) };
            assert_eq!(found, expected, "{first:?}, {second:?}");
        }
    }

    #[test]
    fn what_has_no_path_is_malformed() {
        for broken in [&[4, 0x0a, 2, 0x0a, 0][..], &[8, 0x0a, 6, 0x0a, 4, 0x22, 2, b'/', 0xff]] {
            let answer = Answer { nameservice: "ns0", reply: Bytes::copy_from_slice(broken) };
            assert!(snapshottable(&[answer], |_, path| Some(path.to_owned())).is_err());
        }
    }
}
