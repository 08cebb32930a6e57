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
    let node = |key: &str, version, data| (layout::name(key), There { created: 5, version: Version(version), data });
    let there = HashMap::from([node("/a", 7, 3), node("/filling", 0, 0)]);
    let judged = judge(DIR, changes, there);
    let name = |path: &str| layout::key(path.strip_prefix("/p/MountTable/").unwrap());
    let ops = judged.ops.iter().map(|op| match op {
        Op::Create { path, .. } => format!("+{}", name(path)),
        Op::Set { path, version, .. } => format!("={} {version}", name(path)),
        Op::Delete { path, version } => format!("-{} {version}", name(path)),
        Op::Check { path, .. } => panic!("{path} is checked"),
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

#[test]
fn whoever_removes_writes_the_directory_and_others_demand_that_nobody_did() {
    let directory = || (b"x".to_vec(), 4);
    let path = || DIR.to_owned();
    let set = || Op::Set { path: format!("{DIR}/n"), data: Vec::new(), version: 1 };
    let delete = || Op::Delete { path: format!("{DIR}/n"), version: 1 };
    assert_eq!(guarded(DIR, directory(), vec![set()]), [Op::Check { path: path(), version: 4 }, set()]);
    let written = Op::Set { path: path(), data: b"x".to_vec(), version: 4 };
    assert_eq!(guarded(DIR, directory(), vec![set(), delete()]), [written, set(), delete()]);
}

#[test]
fn a_node_that_is_not_the_one_that_was_read_is_noticed() {
    let there = HashMap::from([("n".to_owned(), There { created: 5, version: Version(7), data: 3 })]);
    let set = |path: &str| Op::Set { path: format!("{DIR}{path}"), data: Vec::new(), version: 3 };
    let made = |created, modified| Some(Stat { created, modified, ..Stat::default() });
    for (op, stat, found) in [
        (set("/n"), made(5, 9), false),
        (set("/n"), made(8, 9), true),
        // Removed and made anew by the same transaction.
        (set("/n"), made(9, 9), false),
        (set("/new"), made(9, 9), false),
        (set(""), made(1, 9), false),
        (Op::Delete { path: format!("{DIR}/n"), version: 3 }, None, false),
    ] {
        let (ops, nodes) = ([op], [stat]);
        assert_eq!(remade(DIR, &ops, &nodes, &there).is_some(), found, "{ops:?} {nodes:?}");
    }
}
