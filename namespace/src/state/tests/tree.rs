use super::*;
use crate::state::{Kind, tables};

#[test]
fn directories_are_made_with_those_above_them() {
    let mut rig = Rig::new();
    rig.run(|txn| ops::mkdirs(txn, &root(), "/a/b/c", 0o1400, true)).unwrap();
    assert_eq!(rig.inode("/a/b/c").mode, 0o1400);
    assert_eq!(rig.inode("/a/b").mode, 0o1700, "the owner may always pass");
    assert_eq!(rig.inode("/a").children, 1);
    assert_eq!(rig.inode("/a/b").group, "supergroup");
    rig.run(|txn| ops::mkdirs(txn, &root(), "/a/b/c", 0o777, true)).unwrap();
    assert_eq!(rig.inode("/a/b/c").mode, 0o1400, "an existing directory stays as it is");
    rig.settle();
}

#[test]
fn refusals_of_mkdirs() {
    let mut rig = Rig::new();
    rig.file("/f", &[]);
    let long = format!("/{}", "x".repeat(256));
    let cases = [
        ("/f", true, Kind::FileAlreadyExists, "Path is not a directory: /f"),
        ("/f/x", true, Kind::ParentNotDirectory, "/f (is not a directory)"),
        ("/no/x", false, Kind::FileNotFound, "Parent directory doesn't exist: /no"),
        ("/a//b", true, Kind::InvalidPath, "Invalid path name Invalid file name: /a//b"),
        ("/a:b", true, Kind::InvalidPath, "Invalid path name Invalid file name: /a:b"),
        (&long, true, Kind::NameTooLong, "The maximum path component name limit of"),
    ];
    for (path, create_parent, kind, words) in cases {
        let fault = rig.run(|txn| ops::mkdirs(txn, &root(), path, 0o755, create_parent)).unwrap_err();
        assert!(fault.is(kind) && fault.to_string().starts_with(words), "{path}: {fault:?}");
    }
    rig.settle();
}

#[test]
fn names_sort_as_a_namenode_sorts_them() {
    let mut rig = Rig::new();
    for name in ["/b", "/a", "/é", "/Z", "/山"] {
        rig.mkdirs(name);
    }
    let mut names = |after: &[u8]| {
        let page = rig.group(|txn, _| txn.children(tables::ROOT, after, 3)).unwrap();
        page.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
    };
    assert_eq!(names(b""), ["é", "山", "Z"], "signed bytes: those above 0x7f come first");
    assert_eq!(names(b"Z"), ["a", "b"]);
    rig.settle();
}

#[test]
fn rename_answers_false_where_it_cannot() {
    let mut rig = Rig::new();
    rig.mkdirs("/d/e");
    rig.file("/f", &[10]);
    rig.file("/g", &[]);
    let mut rename = |from: &str, to: &str| rig.run(|txn| ops::rename(txn, &root(), from, to));
    assert_eq!(rename("/f", "/g"), Ok(false), "the target exists");
    assert_eq!(rename("/none", "/x"), Ok(false), "the source does not exist");
    assert_eq!(rename("/d", "/d/e/x"), Ok(false), "into itself");
    assert_eq!(rename("/", "/x"), Ok(false), "the root");
    assert_eq!(rename("/f", "/no/x"), Ok(false), "the parent does not exist");
    assert_eq!(rename("/f", "/f"), Ok(true), "onto itself");
    assert_eq!(rename("/d", "/d"), Ok(false), "a directory onto itself is into itself");
    assert!(rename("/d", "/f/x").unwrap_err().is(Kind::ParentNotDirectory));
    assert_eq!(rename("/f", "/d"), Ok(true), "into a directory");
    assert_eq!(rename("/d/f", "/d/h"), Ok(true), "within a directory");
    assert_eq!(rename("/d", "/z"), Ok(true));
    assert!(rig.exists("/z/h") && rig.exists("/z/e") && !rig.exists("/d") && !rig.exists("/f"));
    assert_eq!(rig.inode("/z").children, 2);
    rig.settle();
}

#[test]
fn rename2_says_why() {
    let mut rig = Rig::new();
    rig.mkdirs("/d/e");
    rig.mkdirs("/empty");
    rig.file("/f", &[10]);
    rig.file("/g", &[20]);
    let mut rename = |from: &str, to: &str, overwrite: bool| {
        let ask = ops::Rename2 { from: from.into(), to: to.into(), overwrite };
        rig.run(|txn| ops::rename2(txn, &root(), &ask)).map_err(|fault| fault.to_string())
    };
    let refused = |words: &str| Err(words.to_owned());
    assert_eq!(rename("/no", "/x", true), refused("rename source /no is not found."));
    assert_eq!(rename("/f", "/f", true), refused("The source /f and destination /f are the same"));
    assert_eq!(rename("/f", "/g", false), refused("rename destination /g already exists"));
    assert_eq!(rename("/f", "/d", true), refused("Source /f and destination /d must both be directories"));
    assert_eq!(rename("/empty", "/d", true), refused("rename destination directory is not empty: /d"));
    assert_eq!(rename("/f", "/no/x", true), refused("rename destination parent /no/x not found."));
    assert_eq!(
        rename("/d", "/d/e/x", true),
        refused("Rename destination /d/e/x is a directory or file under source /d")
    );
    assert_eq!(rename("/", "/x", true), refused("rename source cannot be the root"));
    assert_eq!(rename("/f", "/g", true), Ok(()));
    assert_eq!(rename("/d", "/empty", true), Ok(()));
    assert_eq!(rig.inode("/g").file.unwrap().length, 10);
    assert!(rig.exists("/empty/e") && !rig.exists("/f"));
    rig.settle();
    assert_eq!(rig.rows(tables::GARBAGE), 1, "the replaced file's block");
}

#[test]
fn deleting_a_tree_is_one_small_commit_and_many_steps_behind() {
    let mut rig = Rig::new();
    rig.mkdirs("/t");
    rig.group(|txn, now| {
        for i in 0..200 {
            txn.run(now, |txn| ops::mkdirs(txn, &root(), &format!("/t/{}/{i}", i % 7), 0o755, true)).unwrap();
        }
    });
    rig.file("/t/3/f", &[100, 100, 5]);
    let before = rig.rows(tables::INODES);
    let changes = rig.group(|txn, now| {
        let refused = txn.run(now, |txn| ops::delete(txn, &root(), "/t", false)).unwrap_err();
        assert!(refused.is(Kind::NotEmpty) && refused.to_string().starts_with("`/t is non empty'"), "{refused:?}");
        assert_eq!(txn.run(now, |txn| ops::delete(txn, &root(), "/t", true)), Ok(true));
        txn.changes()
    });
    assert!(changes < 8, "{changes}");
    assert!(!rig.exists("/t"));
    assert_eq!(rig.rows(tables::INODES), before);
    rig.mkdirs("/t/3");
    rig.restart();
    rig.settle();
    assert_eq!(rig.rows(tables::INODES), 3);
    assert_eq!(rig.rows(tables::GARBAGE), 3);
    assert_eq!(rig.run(|txn| ops::delete(txn, &root(), "/none", true)), Ok(false));
    assert_eq!(rig.run(|txn| ops::delete(txn, &root(), "/", true)), Ok(false));
}

#[test]
fn operations_of_one_group_see_each_other_and_failed_ones_leave_nothing() {
    let mut rig = Rig::new();
    rig.group(|txn, now| {
        txn.run(now, |txn| ops::mkdirs(txn, &root(), "/a/b", 0o755, true)).unwrap();
        let failed: Result<(), _> = txn.run(now, |txn| {
            ops::mkdirs(txn, &root(), "/a/c", 0o755, true)?;
            Err(Fault::io("later"))
        });
        assert!(failed.is_err());
        assert_eq!(txn.run(now, |txn| ops::rename(txn, &root(), "/a/b", "/x")), Ok(true));
        assert_eq!(txn.run(now, |txn| ops::delete(txn, &root(), "/a", false)), Ok(true));
    });
    assert!(rig.exists("/x") && !rig.exists("/a"));
    rig.settle();
}

#[test]
fn a_repeated_call_gets_the_first_answer_even_after_a_restart() {
    use anabranch_hdfs_proto::hdfs::RenameResponseProto as Renamed;
    let mut rig = Rig::new();
    rig.mkdirs("/a");
    let again = |rig: &mut Rig, key: &[u8]| {
        rig.group(|txn, now| {
            txn.run_once(now, Some(key), |txn| ops::rename(txn, &root(), "/a", "/b").map(|result| Renamed { result }))
        })
    };
    assert_eq!(again(&mut rig, b"call 1"), Ok(Renamed { result: true }));
    rig.restart();
    assert_eq!(again(&mut rig, b"call 1"), Ok(Renamed { result: true }), "not executed again");
    assert_eq!(again(&mut rig, b"call 2"), Ok(Renamed { result: false }), "another call");
    assert_eq!(rig.rows(tables::ANSWERS), 1, "what changed nothing is not kept");
    rig.now += rig.limits.answer_ms + 10;
    assert_eq!(rig.run(|txn| ops::forget_answers(txn, 10)), Ok(false));
    assert_eq!((rig.rows(tables::ANSWERS), rig.rows(tables::EXPIRIES)), (0, 0));
}
