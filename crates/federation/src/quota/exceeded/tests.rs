use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{Limit, Quota, Usage};

fn path(path: &str) -> MountPath {
    MountPath::parse(path).unwrap()
}

/// A mount with limits of files, of space and of SSD.
fn limited(source: &str, [files, space, ssd]: [Option<u64>; 3]) -> MountEntry {
    let limit = |quota| Limit { quota, used: 0 };
    let quota = Quota { files: limit(files), space: limit(space), by_type: vec![(StorageType::Ssd, limit(ssd))] };
    MountEntry { quota, ..MountEntry::parse(source, [("ns0", "/d")]).unwrap() }
}

fn usage([files, space, ssd]: [u64; 3]) -> Usage {
    let mut usage = Usage { files, space, ..Usage::default() };
    usage.by_type[StorageType::Ssd as usize] = ssd;
    usage
}

fn usages(used: &[(&str, [u64; 3])]) -> Usages {
    let mut usages = Usages::default();
    used.iter().for_each(|(source, used)| usages.insert(path(source), usage(*used)));
    usages
}

#[test]
fn the_words_are_those_of_a_namenode() {
    let said = |what, quota, used| Exceeded { source: path("/q"), what, quota, used }.to_string();
    assert_eq!(
        said(Limited::Files, 3, 4),
        "The NameSpace quota (directories and files) of directory /q is exceeded: quota=3 file count=4"
    );
    assert_eq!(
        said(Limited::Space, 1 << 20, 1_572_864),
        "The DiskSpace quota of /q is exceeded: quota = 1048576 B = 1 MB but diskspace consumed = 1572864 B = 1.50 MB"
    );
    assert_eq!(
        said(Limited::Type(StorageType::RamDisk), 1024, 2048),
        "Quota by storage type : RAM_DISK on path : /q is exceeded. quota = 1 KB but space consumed = 2 KB"
    );
}

#[test]
fn bytes_are_abbreviated_as_in_hadoop() {
    let rows = [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KB"),
        (1025, "1.00 KB"),
        (1536, "1.50 KB"),
        ((1 << 20) - 1, "1.00 MB"),
        (5 << 30, "5 GB"),
        (u64::MAX, "16.00 EB"),
    ];
    for (bytes, expected) in rows {
        assert_eq!(binary(bytes), expected, "{bytes}");
    }
}

#[test]
fn a_call_heeds_the_quotas_of_what_it_adds() {
    let table = MountTable::build([limited("/q", [Some(3), Some(100), Some(10)])], None);
    let rows: [([u64; 3], Growth, Option<Limited>); 9] = [
        ([4, 101, 11], Growth::Nothing, None),
        ([3, 100, 10], Growth::NamesAndSpace, None),
        ([4, 100, 10], Growth::Names, Some(Limited::Files)),
        ([4, 100, 10], Growth::Space, None),
        ([3, 101, 10], Growth::Names, None),
        ([3, 101, 11], Growth::Space, Some(Limited::Space)),
        ([3, 100, 11], Growth::Space, Some(Limited::Type(StorageType::Ssd))),
        ([4, 101, 11], Growth::NamesAndSpace, Some(Limited::Files)),
        ([3, 100, 11], Growth::NamesAndSpace, Some(Limited::Type(StorageType::Ssd))),
    ];
    for (used, growth, expected) in rows {
        let found = usages(&[("/q", used)]).exceeded(&table, "/q/x", growth, None);
        assert_eq!(found.map(|exceeded| exceeded.what), expected, "{used:?} {growth:?}");
    }
    // Nobody knows.
    assert_eq!(Usages::default().exceeded(&table, "/q/x", Growth::Names, None), None);
}

#[test]
fn what_stays_below_a_mount_adds_nothing_to_it() {
    let some = [Some(1), None, None];
    let table = MountTable::build([limited("/", some), limited("/a", some), limited("/a/b", some)], None);
    let all = usages(&[("/", [2, 0, 0]), ("/a", [2, 0, 0]), ("/a/b", [2, 0, 0])]);
    let found = |path, from| all.exceeded(&table, path, Growth::Names, from).map(|one| one.source.to_string());
    assert_eq!(found("/a/b/x", None).as_deref(), Some("/a/b"));
    assert_eq!(found("/a/b/x", Some("/a/x")).as_deref(), Some("/a/b"));
    assert_eq!(found("/a/x", Some("/a/b/x")), None);
    assert_eq!(found("/a/x", Some("/ab")).as_deref(), Some("/a"));
    assert_eq!(found("/c", Some("/a/x")), None);
    assert_eq!(found("/c", None).as_deref(), Some("/"));
}

fn sources() -> impl Strategy<Value = String> {
    vec(prop_oneof!["a", "b", "ab"], 0..4).prop_map(|names| format!("/{}", names.join("/")))
}

/// Limits of files and of space, and how many files are used.
type Row = (Option<u64>, Option<u64>, u64);

proptest! {
    /// The model looks at every mount.
    #[test]
    fn the_walk_finds_what_a_look_at_all_mounts_finds(
        mounts in vec((sources(), prop::option::of(0..4u64), prop::option::of(0..4u64), 0..6u64), 0..12),
        removed in vec(sources(), 0..3),
        path in sources(),
        from in prop::option::of(sources()),
    ) {
        let (mut table, mut usages) = (MountTable::default(), Usages::default());
        let mut model = std::collections::BTreeMap::new();
        for (source, files, space, used) in mounts {
            table.insert(limited(&source, [files, space, None]));
            usages.insert(self::path(&source), usage([used, 0, 0]));
            model.insert(source, (files, space, used));
        }
        for source in removed {
            table.remove(&source);
            model.remove(&source);
        }
        let below = |path: &str, source: &str| format!("{path}/").starts_with(&format!("{}/", source.trim_end_matches('/')));
        let over = |(source, _): &(&String, &Row)| below(&path, source);
        let grows = |(source, _): &(&String, &Row)| !from.as_ref().is_some_and(|from| below(from, source));
        let deepest = model.iter().filter(over).filter(grows)
            .filter(|(_, (files, _, used))| files.is_some_and(|files| *used > files))
            .max_by_key(|(source, _)| source.len()).map(|(source, _)| source.clone());
        let found = usages.exceeded(&table, &path, Growth::NamesAndSpace, from.as_deref());
        prop_assert_eq!(found.map(|one| one.source.to_string()), deepest);

        let with_limits: Vec<&String> = model.iter().filter(|(_, (files, space, _))| files.is_some() || space.is_some()).map(|(source, _)| source).collect();
        prop_assert_eq!(table.limited().keys().map(MountPath::as_str).collect::<Vec<_>>(), with_limits);
        let nearest = |limit: fn(&Row) -> Option<u64>| {
            model.iter().filter(over).filter_map(|(source, one)| Some((source.len(), limit(one)?))).max().map(|(_, limit)| limit)
        };
        let limits = table.limits_over(&path);
        prop_assert_eq!((limits.files, limits.space), (nearest(|one| one.0), nearest(|one| one.1)));
    }
}
