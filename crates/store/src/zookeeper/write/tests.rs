use anabranch_federation::MountEntry;

use super::*;
use crate::suite::entry;

const DIR: &str = "/p/MountTable";

fn put(key: &str, expected: u64) -> Write<MountEntry> {
    Write::Put { record: entry(key, 1), expected: Version(expected) }
}

fn delete(key: &str, expected: u64) -> Write<MountEntry> {
    Write::Delete { key: key.to_owned(), expected: Version(expected) }
}

/// `+` create, `=` set, `-` delete, with the node and the version of its data; and which changes were refused.
fn shown(changes: &[Write<MountEntry>]) -> (Vec<String>, Vec<usize>) {
    let node = |key: &str, version, data| (layout::name(key), There { version: Version(version), data });
    let there = HashMap::from([node("/a", 7, 3), node("/filling", 0, 0)]);
    let judged = judge(DIR, changes, there);
    let name = |path: &str| layout::key(path.strip_prefix("/p/MountTable/").unwrap());
    let ops = judged.ops.iter().map(|op| match op {
        Op::Create { path, .. } => format!("+{}", name(path)),
        Op::Set { path, version, .. } => format!("={} {version}", name(path)),
        Op::Delete { path, version } => format!("-{} {version}", name(path)),
    });
    let refused = judged.answers.iter().zip(0..).filter(|(answer, _)| answer.is_err()).map(|(_, at)| at);
    (ops.collect(), refused.collect())
}

#[test]
fn what_passes_is_one_transaction_with_the_versions_of_the_data() {
    for (changes, ops, refused) in [
        (vec![put("/b", 0), put("/a", 7)], vec!["+/b", "=/a 3"], vec![]),
        (vec![put("/a", 0), put("/a", 8), delete("/b", 0), delete("/a", 6)], vec![], vec![0, 1, 2, 3]),
        // Later changes see what earlier ones left.
        (vec![delete("/a", 7), put("/a", 0), put("/a", 7)], vec!["-/a 3", "+/a"], vec![2]),
        (vec![put("/b", 0), put("/b", 0), delete("/b", OURS.0)], vec!["+/b", "-/b 0"], vec![1]),
        (vec![put("/a", 7), put("/a", OURS.0)], vec!["=/a 3", "=/a 4"], vec![]),
        // A node that a Java router is filling is no record, and is not in the way of one.
        (vec![put("/filling", 0)], vec!["=/filling 0"], vec![]),
        (vec![delete("/filling", 0)], vec![], vec![0]),
    ] {
        assert_eq!(shown(&changes), (ops.into_iter().map(str::to_owned).collect(), refused), "{changes:?}");
    }
}

#[test]
fn answers_carry_the_version_of_the_transaction() {
    let conflict = |found| Refusal::Conflict { key: "/a".into(), expected: Version(1), found };
    assert_eq!(settle(Ok(()), Version(9)), Ok(Version(9)));
    assert_eq!(settle(Err(conflict(OURS)), Version(9)), Err(conflict(Version(9))));
    assert_eq!(settle(Err(conflict(Version(2))), Version(9)), Err(conflict(Version(2))));
}
