use super::*;

const GOLDEN: [(&str, [&str; 2], [&str; 2]); 12] = [
    // Path; order HASH_ALL over {ns0, ns1} and {ns1, ns2, ns3}; order HASH over the same. From Hadoop 3.4.2's classes.
    ("/data", ["ns0", "ns2"], ["ns0", "ns2"]),
    ("/data/a", ["ns1", "ns3"], ["ns1", "ns3"]),
    ("/data/a/b", ["ns1", "ns1"], ["ns1", "ns3"]),
    ("/data/b", ["ns0", "ns3"], ["ns0", "ns3"]),
    ("/data/dir1/file1", ["ns0", "ns3"], ["ns0", "ns2"]),
    ("/data/dir1/file2", ["ns1", "ns2"], ["ns0", "ns2"]),
    ("/data/x/y/z.txt", ["ns1", "ns2"], ["ns0", "ns1"]),
    ("/data/file.txt", ["ns0", "ns2"], ["ns0", "ns2"]),
    ("/data/file.txt._COPYING_", ["ns0", "ns2"], ["ns0", "ns2"]),
    ("/data/f.tmp", ["ns0", "ns1"], ["ns0", "ns1"]),
    ("/data/_temporary/0/_temporary/attempt_1530000000000_0001_m_000003_00/part-0", ["ns0", "ns3"], ["ns1", "ns1"]),
    ("/data/part-0", ["ns0", "ns3"], ["ns0", "ns3"]),
];

fn id(name: &str) -> NameserviceId {
    NameserviceId::parse(name).unwrap()
}

fn entry(source: &str, destinations: &[(&str, &str)], order: Order) -> MountEntry {
    MountEntry { order, ..MountEntry::parse(source, destinations.iter().copied()).unwrap() }
}

fn table(entries: impl IntoIterator<Item = MountEntry>) -> MountTable {
    MountTable::build(entries, Some(id("ns0")))
}

fn shown(resolved: &Resolved<'_>) -> Vec<String> {
    resolved.locations.iter().map(|location| format!("{}:{}", location.nameservice, location.path)).collect()
}

#[test]
fn hashed_orders_place_files_where_hadoop_does() {
    for (at, nameservices) in [["ns0", "ns1"].as_slice(), &["ns1", "ns2", "ns3"]].into_iter().enumerate() {
        let destinations: Vec<_> = nameservices.iter().map(|&nameservice| (nameservice, "/data")).collect();
        let all = table([entry("/data", &destinations, Order::HashAll)]);
        let first = table([entry("/data", &destinations, Order::Hash)]);
        for (path, hash_all, hash) in GOLDEN {
            for (table, expected) in [(&all, hash_all[at]), (&first, hash[at])] {
                let resolved = table.resolve(path).unwrap();
                assert_eq!(*resolved.locations[0].nameservice, expected, "{path} over {nameservices:?}");
                assert_eq!(resolved.locations.len(), nameservices.len());
            }
        }
    }
}

#[test]
fn the_longest_entry_by_whole_components_wins() {
    let table = table([
        entry("/a", &[("ns1", "/x")], Order::Hash),
        entry("/a/b/c", &[("ns2", "/")], Order::Hash),
        entry("/same", &[("ns3", "/same")], Order::Hash),
    ]);
    for (path, expected) in [
        ("/", "ns0:/"),
        ("/ab", "ns0:/ab"),
        ("/a", "ns1:/x"),
        ("/a/b", "ns1:/x/b"),
        ("/a/bc", "ns1:/x/bc"),
        ("/a/b/c", "ns2:/"),
        ("/a/b/c/d/e", "ns2:/d/e"),
        ("/same/f", "ns3:/same/f"),
    ] {
        assert_eq!(shown(&table.resolve(path).unwrap()), [expected], "{path}");
    }
}

#[test]
fn a_root_entry_covers_everything() {
    for (destination, root, below) in [("/", "ns1:/", "ns1:/a"), ("/top", "ns1:/top", "ns1:/top/a")] {
        let table = table([entry("/", &[("ns1", destination)], Order::Hash)]);
        assert_eq!(shown(&table.resolve("/").unwrap()), [root]);
        assert_eq!(shown(&table.resolve("/a").unwrap()), [below]);
    }
}

#[test]
fn nothing_is_allocated_for_a_path_that_stays() {
    let table = table([
        entry("/same", &[("ns1", "/same")], Order::Hash),
        entry("/other", &[("ns1", "/elsewhere"), ("ns2", "/")], Order::LeaderFollower),
    ]);
    for path in ["/same/f", "/same", "/other", "/unmounted"] {
        let resolved = table.resolve(path).unwrap();
        assert!(resolved.locations.iter().all(|location| matches!(location.path, Cow::Borrowed(_))), "{path}");
    }
    assert_eq!(shown(&table.resolve("/other/f").unwrap()), ["ns1:/elsewhere/f", "ns2:/f"]);
}

#[test]
fn without_a_default_nameservice_the_rest_has_no_location() {
    let table = MountTable::build([entry("/a", &[("ns1", "/a")], Order::Hash)], None);
    assert!(table.resolve("/a/b").is_ok());
    assert_eq!(
        table.resolve("/b").unwrap_err().to_string(),
        "Cannot find locations for /b, because the default nameservice is disabled to read or write"
    );
    let trashed = "/user/ann/.Trash/Current/b";
    let error = table.resolve_for_user(trashed, "ann", &Placement::default()).unwrap_err();
    assert_eq!(error, ResolveError::NoDefaultNameservice { path: trashed.into() });
}

#[test]
fn the_chosen_nameservice_moves_to_the_front_reversed() {
    let destinations = [("ns1", "/1"), ("ns2", "/2"), ("ns1", "/3"), ("ns3", "/4"), ("ns1", "/5")];
    let table = table([entry("/m", &destinations, Order::Local)]);
    let near = |ids: &[&str]| ids.iter().map(|name| id(name)).collect::<Vec<_>>();
    for (local, expected) in [
        (near(&[]), ["ns1:/1", "ns2:/2", "ns1:/3", "ns3:/4", "ns1:/5"]),
        (near(&["ns1"]), ["ns1:/5", "ns1:/3", "ns1:/1", "ns2:/2", "ns3:/4"]),
        (near(&["ns3"]), ["ns3:/4", "ns1:/1", "ns2:/2", "ns1:/3", "ns1:/5"]),
        // A host that serves several: the mount lists ns2 before ns3.
        (near(&["ns9", "ns3", "ns2"]), ["ns2:/2", "ns1:/1", "ns1:/3", "ns3:/4", "ns1:/5"]),
        (near(&["ns9"]), ["ns1:/1", "ns2:/2", "ns1:/3", "ns3:/4", "ns1:/5"]),
    ] {
        let placement = Placement { local: &local, ..Placement::default() };
        assert_eq!(shown(&table.resolve_for_user("/m", "ann", &placement).unwrap()), expected);
    }
}

/// The nameservice that comes first for `/m` of `/m` and a lot.
fn first(order: Order, placement: Placement<'_>) -> String {
    let destinations = [("ns1", "/m"), ("ns2", "/m"), ("ns1", "/n"), ("ns3", "/m")];
    let table = table([entry("/m", &destinations, order)]);
    table.resolve_for_user("/m", "ann", &placement).unwrap().locations[0].nameservice.to_string()
}

#[test]
fn random_gives_each_nameservice_the_same_chance() {
    // Thirds, whatever the number of destinations.
    for (part, chosen) in [(0, "ns1"), (3, "ns1"), (5, "ns2"), (7, "ns2"), (9, "ns3"), (11, "ns3")] {
        let random = Some(u64::MAX / 12 * part + 12);
        assert_eq!(first(Order::Random, Placement { random, ..Placement::default() }), chosen, "{part}/12");
    }
    assert_eq!(first(Order::Random, Placement::default()), "ns1");
}

#[test]
fn space_prefers_the_roomiest_of_the_mounts_own() {
    // ns9 has most, but is not of this mount: that must not mean that nothing is chosen (HDFS-17602).
    let available = [(id("ns3"), 300), (id("ns9"), u64::MAX), (id("ns1"), 100), (id("ns2"), 0)];
    let share = |available: &[(NameserviceId, u64)], preference, nameservice| {
        let random = |n: u64| Some(n * (u64::MAX / 1000));
        let placement = |n| Placement { random: random(n), available, preference, ..Placement::default() };
        (0..1000).filter(|n| first(Order::Space, placement(*n)) == nameservice).count()
    };
    let rows: [(f64, [(&str, usize); 3]); 5] = [
        (0.6, [("ns3", 600), ("ns1", 240), ("ns2", 160)]),
        (0.8, [("ns3", 800), ("ns1", 160), ("ns2", 40)]),
        (0.5, [("ns3", 500), ("ns1", 250), ("ns2", 250)]),
        (1.0, [("ns3", 1000), ("ns1", 0), ("ns2", 0)]),
        (0.0, [("ns3", 0), ("ns1", 0), ("ns2", 1000)]),
    ];
    for (preference, shares) in rows {
        for (nameservice, expected) in shares {
            let found = share(&available, preference, nameservice);
            assert!(found.abs_diff(expected) <= 2, "{preference}: {nameservice} has {found} of 1000");
        }
    }
    // Of two, as Hadoop's router: the roomier with the chance of the preference.
    assert!(share(&available[..3], 0.6, "ns1").abs_diff(400) <= 2);
    assert_eq!(share(&[], 0.6, "ns1"), 1000, "as listed while nothing is known");
    let unknown = Placement { available: &available, preference: 0.6, ..Placement::default() };
    assert_eq!(first(Order::Space, unknown), "ns1");
    assert_eq!(first(Order::LeaderFollower, Placement { random: Some(u64::MAX), ..unknown }), "ns1");
}

#[test]
fn trash_lives_where_its_content_lived() {
    let read_only = MountEntry { read_only: true, ..entry("/data", &[("ns1", "/d")], Order::Hash) };
    let table = table([read_only, entry("/user", &[("ns2", "/homes")], Order::Hash)]);
    let trashed = "/user/ann/.Trash/Current/data/x";
    let placement = Placement::default();
    let own = table.resolve_for_user(trashed, "ann", &placement).unwrap();
    assert_eq!(shown(&own), [format!("ns1:{trashed}")]);
    assert!(own.in_trash && !own.is_read_only());
    assert_eq!(own.entry.unwrap().source, "/data");
    let foreign = table.resolve_for_user(trashed, "bob", &placement).unwrap();
    assert_eq!(shown(&foreign), ["ns2:/homes/ann/.Trash/Current/data/x"]);
    let directory = table.resolve_for_user("/user/ann/.Trash/Current", "ann", &placement).unwrap();
    assert_eq!(shown(&directory), ["ns2:/homes/ann/.Trash/Current"]);
    assert!(table.resolve("/data/x").unwrap().is_read_only());
}
