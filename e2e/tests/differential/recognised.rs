//! Parts of answers by which differences are recognised.

use std::process::Command;
use std::sync::LazyLock;

use anabranch_e2e::json::{self, Answer};
use anabranch_testkit::process;
use serde_json::{Value, json};

use crate::calls::Call;
use crate::site::QUOTAS;

/// A file that is not there, in the NameNodes' words.
pub fn is_missing(ours: &Answer, words: &str) -> bool {
    matches!(ours, Answer::Exception(class, said) if class == "java.io.FileNotFoundException" && said == words)
}

/// What NameNodes add for who writes a file that is not there.
pub const NO_LEASE: &str = " (inode 0) Holder t does not have any open files.";

/// The mount with a quota that a call adds to.
pub fn quota_of(call: &Call) -> Option<&'static str> {
    let path = call.parameters["dst"].as_str().or(call.parameters["src"].as_str())?;
    QUOTAS
        .map(|(mount, _)| mount)
        .into_iter()
        .find(|mount| path.strip_prefix(mount).is_some_and(|below| below.is_empty() || below.starts_with('/')))
}

/// Mounts of the strict pair with nothing but ns1, which a case disables.
pub const OF_NS1: [&str; 6] = ["/one/nested", "/virtual/deep/mount", "/all/inner", "/shut/open", "/whole", "/there"];

/// Whether a status is that of a mount point of which no subcluster says anything.
pub fn is_virtual(status: &Value, name: &str) -> bool {
    static GROUP: LazyLock<String> = LazyLock::new(|| {
        let told = Command::new("id").arg("-gn").output().unwrap().stdout;
        String::from_utf8(told).unwrap().trim().to_owned()
    });
    let mut status = status.clone();
    let path = status.as_object_mut().and_then(|fields| fields.remove("path")).unwrap_or_default();
    let expected = json!({
        "fileType": "IS_DIR", "permission": { "perm": 0o755 }, "owner": process::user(), "group": *GROUP,
        "accessTime": "*", "modificationTime": "*",
    });
    json::text(&path) == name && status == expected
}

/// Files, directories, bytes.
pub type Sum = [u64; 3];

/// What `/d/one` of one NameNode has; see `namenodes`. Several mounts of the strict pair show it, as what follows.
pub const ONE: Sum = [3, 3, 0];
/// What `/d/all` has.
pub const ALL: Sum = [3, 2, 0];
/// What `/d/nested` has.
pub const NESTED: Sum = [2, 2, 0];
/// What `/d/deep` has.
pub const DEEP: Sum = [2, 2, 0];
/// What `/kept/names` has.
pub const NAMES: Sum = [2, 1, 0];
/// What `/kept/bytes` has.
pub const BYTES: Sum = [1, 1, 18];

/// Our sums, if these counted once more.
pub fn counted(ours: &Answer, again: &[Sum]) -> Option<Value> {
    let Answer::Result(mut sums) = ours.clone() else { return None };
    for [files, directories, bytes] in again {
        for (at, more) in [
            ("/summary/fileCount", *files),
            ("/summary/directoryCount", *directories),
            ("/summary/length", *bytes),
            ("/summary/spaceConsumed", *bytes),
            ("/usage/fileAndDirectoryCount", files + directories),
            ("/usage/spaceConsumed", *bytes),
        ] {
            if let Some(field) = sums.pointer_mut(at) {
                *field = (field.as_u64()? + more).into();
            }
        }
    }
    Some(sums)
}

/// Changes of trees, without owners and permissions of directories.
pub fn of_nobody(changes: &[String]) -> Vec<Vec<&str>> {
    let plain = changes.iter().map(|change| {
        let mut words: Vec<_> = change.split(' ').collect();
        if words[3] == r#""IS_DIR""# {
            words.drain(4..6);
        }
        words
    });
    plain.collect()
}

/// Paths of snapshottable directories, and what else is said of each.
pub fn snapshottable(answer: &Answer) -> Vec<(String, Value)> {
    let Answer::Result(value) = answer else { return Vec::new() };
    let entries = value["snapshottableDirList"]["snapshottableDirListing"].as_array().into_iter().flatten();
    let plain = |entry: &Value| {
        let mut entry = entry.clone();
        let (parent, name) = (entry["parentFullpath"].take(), entry["dirStatus"]["path"].take());
        (format!("{}/{}", json::text(&parent).trim_end_matches('/'), json::text(&name)), entry)
    };
    entries.map(plain).collect()
}
