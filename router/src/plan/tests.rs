use anabranch_federation::explain::POSSIBLE;
use anabranch_federation::{Limit, MountEntry, MountPath, NameserviceId, Order, Quota, Usage};

use super::*;
use crate::method;

fn entry(source: &str, destinations: &[(&str, &str)], order: Order) -> MountEntry {
    MountEntry { order, ..MountEntry::parse(source, destinations.iter().copied()).unwrap() }
}

fn table() -> MountTable {
    let read_only = MountEntry { read_only: true, ..entry("/ro", &[("ns1", "/r")], Order::Hash) };
    MountTable::build(
        [
            entry("/data", &[("ns1", "/d")], Order::Hash),
            entry("/data/hot", &[("ns2", "/hot")], Order::Hash),
            entry("/logs", &[("ns1", "/l")], Order::Hash),
            entry("/wide", &[("ns1", "/w"), ("ns2", "/w")], Order::HashAll),
            entry("/deep/a/b", &[("ns2", "/b")], Order::Hash),
            entry("/ro/rw", &[("ns2", "/rw")], Order::Hash),
            read_only,
        ],
        Some(NameserviceId::parse("ns0").unwrap()),
    )
}

const ALICE: Caller<'static> =
    Caller { user: "alice", placement: Placement { random: None, ..POSSIBLE }, disabled: &[], usages: None };

fn row(name: &str) -> &'static Row {
    method::find(name).unwrap().1
}

/// `ns:path` of each location, or the refusal's sentence.
fn planned(method: &str, path: &str) -> Result<Vec<String>, String> {
    let table = table();
    let resolved = resolve(&table, path, row(method), &ALICE).map_err(|refusal| refusal.to_string())?;
    Ok(resolved.locations.iter().map(|one| format!("{}:{}", one.nameservice, one.path)).collect())
}

#[test]
fn paths_go_where_they_are_mounted() {
    let rows = [
        ("getFileInfo", "/data/x", "ns1:/d/x"),
        ("getFileInfo", "/data/hot/x", "ns2:/hot/x"),
        ("getFileInfo", "/data", "ns1:/d"),
        ("getFileInfo", "/elsewhere", "ns0:/elsewhere"),
        ("delete", "/data/x", "ns1:/d/x"),
        ("mkdirs", "/data", "ns1:/d"),
        ("getFileInfo", "/ro/x", "ns1:/r/x"),
        ("mkdirs", "/ro/rw/x", "ns2:/rw/x"),
        ("getFileInfo", "/user/alice/.Trash/Current/data/x", "ns1:/user/alice/.Trash/Current/data/x"),
        ("getFileInfo", "/user/bob/.Trash/Current/data/x", "ns0:/user/bob/.Trash/Current/data/x"),
    ];
    for (method, path, expected) in rows {
        assert_eq!(planned(method, path), Ok(vec![expected.to_owned()]), "{method} {path}");
    }
}

#[test]
fn what_is_refused_and_how() {
    let locked = "The operation is not allowed because";
    let rows = [
        ("delete", "/data", format!("{locked} there are mount points: hot under the path: /data")),
        ("rename", "/logs", format!("{locked} the path: /logs is a mount point")),
        ("delete", "/deep", format!("{locked} there are mount points: a under the path: /deep")),
        ("create", "/", format!("{locked} there are mount points: data,deep,logs,ro,wide under the path: /")),
        ("getPreferredBlockSize", "/wide", format!("{locked} the path: /wide is a mount point")),
        ("setPermission", "/ro/x", "/ro/x is in a read only mount point".to_owned()),
        ("create", "/ro/x", "/ro/x is in a read only mount point".to_owned()),
    ];
    for (method, path, expected) in rows {
        assert_eq!(planned(method, path), Err(expected), "{method} {path}");
    }
    let bare = MountTable::build([entry("/data", &[("ns1", "/d")], Order::Hash)], None);
    let refusal = resolve(&bare, "/x", row("getFileInfo"), &ALICE).unwrap_err();
    let expected = "Cannot find locations for /x, because the default nameservice is disabled to read or write";
    assert_eq!(refusal.to_string(), expected);
}

#[test]
fn all_locations_are_asked_where_directories_are_everywhere() {
    let table = table();
    let rows = [
        ("/wide/x", Spread::EveryDestination, true),
        ("/wide/x", Spread::Never, false),
        ("/data/x", Spread::EveryDestination, false),
        ("/data", Spread::MountPoints, true),
        ("/deep", Spread::MountPoints, true),
        ("/logs/x", Spread::MountPoints, false),
    ];
    for (path, spread, expected) in rows {
        let resolved = table.resolve(path).unwrap();
        assert_eq!(at_once(&table, path, &resolved, spread), expected, "{path} {spread:?}");
    }
}

/// `ns:src->dst` of each pair, or the refusal's sentence.
fn renamed(src: &str, dst: &str) -> Result<(Vec<String>, bool), String> {
    let table = table();
    let renames = rename(&table, src, dst, row("rename2"), &ALICE).map_err(|refusal| refusal.to_string())?;
    let pairs = renames.pairs.iter().map(|pair| format!("{}:{}->{}", pair.nameservice, pair.src, pair.dst));
    Ok((pairs.collect(), renames.elsewhere.is_empty()))
}

#[test]
fn a_rename_stays_in_one_subcluster() {
    assert_eq!(renamed("/data/a", "/logs/b"), Ok((vec!["ns1:/d/a->/l/b".into()], true)));
    assert_eq!(renamed("/data/a", "/wide/b"), Ok((vec!["ns1:/d/a->/w/b".into()], true)));
    let (mut pairs, complete) = renamed("/wide/a", "/wide/b").unwrap();
    pairs.sort();
    assert_eq!((pairs, complete), (vec!["ns1:/w/a->/w/b".into(), "ns2:/w/a->/w/b".into()], true));
    assert!(!renamed("/wide/a", "/data/b").unwrap().1);
    let across =
        "Rename of /data/a to /data/hot/a is not allowed, no eligible destination in the same namespace was found";
    assert_eq!(renamed("/data/a", "/data/hot/a"), Err(across.to_owned()));
    assert!(renamed("/logs", "/wide/x").unwrap_err().contains("is a mount point"));
    // Onto a mount point is a rename onto its destination.
    assert_eq!(renamed("/data/a", "/logs"), Ok((vec!["ns1:/d/a->/l".into()], true)));
    assert!(renamed("/data/a", "/ro/a").unwrap_err().contains("read only"));
    let trash = "/user/alice/.Trash/Current/data/a";
    assert_eq!(renamed("/data/a", trash), Ok((vec![format!("ns1:/d/a->{trash}")], true)));
}

/// Each directory is in both places, wherever the hashes of its names put the one that is asked first.
#[test]
fn a_rename_within_a_mount_keeps_to_the_destinations() {
    let twice = entry("/twice", &[("ns1", "/x"), ("ns1", "/y"), ("ns2", "/x")], Order::HashAll);
    let table = MountTable::build([twice], None);
    for name in ["a", "b", "c", "d", "e", "f"] {
        let dst = format!("/twice/{name}");
        let renames = rename(&table, "/twice/s", &dst, row("rename2"), &ALICE).unwrap();
        for pair in &renames.pairs {
            assert_eq!(pair.dst, pair.src.replace("/s", &format!("/{name}")));
        }
        assert_eq!(renames.pairs.len(), 3);
    }
    let onto = rename(&table, "/twice/s", "/twice", row("rename2"), &ALICE).unwrap();
    assert!(onto.pairs.iter().all(|pair| pair.src.strip_suffix("/s") == Some(&pair.dst)), "{onto:?}");
}

#[test]
fn files_of_a_concat_share_a_subcluster() {
    let table = table();
    let at = |path| table.resolve(path).unwrap().locations[0].clone();
    assert_eq!(concat_nameservice(&[at("/data/a"), at("/logs/b")]).unwrap().unwrap(), "ns1");
    assert_eq!(concat_nameservice(&[at("/data/a"), at("/data/b"), at("/data/hot/c")]), Err(2));
    assert_eq!(concat_nameservice(&[]), Ok(None));
}

/// A NameNode shows its tree a second time below `/.reserved/raw`, and so do we: no way round a mount leads through it.
#[test]
fn raw_paths_obey_the_mounts() {
    let table = table();
    let to = |method, path| resolve(&table, path, row(method), &ALICE).map(|found| found.locations[0].path.to_string());
    assert_eq!(to("getFileInfo", "/.reserved/raw/data/f").unwrap(), "/.reserved/raw/d/f");
    assert_eq!(to("getListing", "/.reserved/raw/data").unwrap(), "/.reserved/raw/d");
    assert_eq!(to("getFileInfo", "/.reserved/rawest/data").unwrap(), "/.reserved/rawest/data");
    assert!(to("create", "/.reserved/raw/ro/f").unwrap_err().to_string().contains("read only"));
    assert!(to("delete", "/.reserved/raw/logs").unwrap_err().to_string().contains("is a mount point"));
}

/// A NameNode finds a file by its number wherever it lies, so that no mount could be read-only or locked.
#[test]
fn numbers_of_files_are_no_way_round_the_mounts() {
    let to = |table: &MountTable, method| {
        resolve(table, "/.reserved/.inodes/16390/f", row(method), &ALICE).map(|found| found.locations.len())
    };
    let mounted = table().with_default_nameservice(Some("ns1".parse().unwrap()));
    for method in ["create", "delete", "setPermission"] {
        assert!(to(&mounted, method).unwrap_err().to_string().contains("by its number"), "{method}");
    }
    assert_eq!(to(&mounted, "getFileInfo"), Ok(1));
    let bare = MountTable::default().with_default_nameservice(Some("ns1".parse().unwrap()));
    assert_eq!(to(&bare, "create"), Ok(1));
}

#[test]
fn a_subtree_counts_nothing_twice() {
    let nested = MountTable::build(
        [
            entry("/", &[("ns1", "/")], Order::Hash),
            entry("/a", &[("ns1", "/x")], Order::Hash),
            entry("/b", &[("ns2", "/x")], Order::Hash),
            entry("/c", &[("ns2", "/x/y")], Order::Hash),
            entry("/d", &[("ns2", "/xy")], Order::Hash),
        ],
        None,
    );
    let found = subtree(&nested, "/", &ALICE);
    let found: Vec<_> = found.iter().map(|one| format!("{}:{}", one.nameservice, one.path)).collect();
    assert_eq!(found, ["ns1:/", "ns2:/x", "ns2:/xy"]);
}

#[test]
fn only_what_lies_outside_is_counted() {
    let sources: [(&str, &str); 7] = [
        ("/a", "/x/y/z"),
        ("/b", "/x/y-z"),
        ("/c", "/x/y"),
        ("/d", "/x/y"),
        ("/e", "/x/y/z/deep"),
        ("/f", "/x/yz/deep"),
        ("/g", "/x/y-z/w"),
    ];
    let mounts = sources.map(|(source, path)| entry(source, &[("ns1", path)], Order::Hash));
    let found = MountTable::build(mounts, None);
    let found: Vec<_> = subtree(&found, "/", &ALICE).iter().map(|one| one.path.to_string()).collect();
    assert_eq!(found, ["/x/y-z", "/x/y", "/x/yz/deep"]);
}

#[test]
fn a_summary_over_many_mounts_is_planned_at_once() {
    let mounts = (0..50_000).map(|i| entry(&format!("/m/{i}"), &[("ns1", &format!("/m/{i}"))], Order::Hash));
    let many = MountTable::build(mounts, None);
    let started = std::time::Instant::now();
    assert_eq!(subtree(&many, "/m", &ALICE).len(), 50_000);
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn quotas_stand_in_the_way_of_what_adds_to_a_mount() {
    let quota = Quota { files: Limit::of(1), ..Quota::default() };
    let full = |source, to| MountEntry { quota: quota.clone(), ..entry(source, &[("ns1", to)], Order::Hash) };
    let table =
        MountTable::build([full("/q", "/q"), full("/user", "/u"), entry("/free", &[("ns1", "/f")], Order::Hash)], None);
    let mut usages = Usages::default();
    for source in ["/q", "/user"] {
        usages.insert(MountPath::parse(source).unwrap(), Usage { files: 2, ..Usage::default() });
    }
    let heeding = Caller { usages: Some(&usages), ..ALICE };
    let trash = "/user/alice/.Trash/Current/q/x";
    let rows = [
        ("mkdirs", "/q/x", true),
        ("create", "/q/x", true),
        ("mkdirs", "/.reserved/raw/q/x", true),
        ("mkdirs", "/user/bob", true),
        ("mkdirs", "/free/x", false),
        ("mkdirs", trash, false),
        ("append", "/q/x", false),
        ("addBlock", "/q/x", false),
        ("complete", "/q/x", false),
        ("delete", "/q/x", false),
        ("setPermission", "/q/x", false),
        ("getFileInfo", "/q/x", false),
    ];
    let is_refused = |refusal| matches!(refusal, Some(Refusal::QuotaExceeded(_)));
    for (method, path, expected) in rows {
        let refused = |caller| is_refused(resolve(&table, path, row(method), caller).err());
        assert_eq!((refused(&heeding), refused(&ALICE)), (expected, false), "{method} {path}");
    }
    let rows = [
        ("/free/x", "/q/x", true),
        (trash, "/q/x", true),
        ("/q/x", "/q/y", false),
        ("/q/x", "/.reserved/raw/q/y", false),
        ("/q/x", "/free/x", false),
        ("/q/x", trash, false),
    ];
    for (src, dst, expected) in rows {
        let refused = |caller| is_refused(rename(&table, src, dst, row("rename2"), caller).err());
        assert_eq!((refused(&heeding), refused(&ALICE)), (expected, false), "{src} {dst}");
    }
}
