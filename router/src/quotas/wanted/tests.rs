use anabranch_federation::{Limit, NameserviceId, Quota};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Nameservice and path.
type Place = (String, String);

type Mount = (String, Vec<(u8, String)>, Option<u64>, Option<u64>);

fn entry((source, destinations, files, space): &Mount) -> MountEntry {
    let limit = |quota: Option<u64>| Limit { quota, used: 0 };
    let names: Vec<(String, &str)> = destinations.iter().map(|(ns, path)| (format!("ns{ns}"), path.as_str())).collect();
    let quota = Quota { files: limit(*files), space: limit(*space), ..Quota::default() };
    let entry = MountEntry::parse(source, names.iter().map(|(ns, path)| (ns.as_str(), *path))).unwrap();
    MountEntry { quota, ..entry }
}

fn below(path: &str, ancestor: &str) -> bool {
    format!("{path}/").starts_with(&format!("{}/", ancestor.trim_end_matches('/')))
}

/// What is wanted, from a list of mounts and nothing clever.
fn model(mounts: &BTreeMap<String, Mount>) -> (BTreeMap<Place, Limits>, BTreeMap<String, BTreeSet<Place>>) {
    let limited = |mount: &Mount| mount.2.is_some() || mount.3.is_some();
    let places = |mount: &Mount| mount.1.iter().map(|(ns, path)| (format!("ns{ns}"), path.clone())).collect::<Vec<_>>();
    let mut limits: BTreeMap<Place, Limits> = BTreeMap::new();
    for (source, mount) in mounts {
        let mut over: Vec<_> = mounts.iter().filter(|(above, _)| below(source, above)).collect();
        over.sort_by_key(|(above, _)| std::cmp::Reverse(above.len()));
        if !over.iter().any(|(_, above)| limited(above)) {
            continue;
        }
        let files = over.iter().find_map(|(_, above)| above.2);
        let space = over.iter().find_map(|(_, above)| above.3);
        for place in places(mount) {
            let known = limits.entry(place).or_insert(Limits { files, space, ..Limits::default() });
            let least = |a: Option<u64>, b: Option<u64>| if a.is_none() || b.is_none() { a.or(b) } else { a.min(b) };
            (known.files, known.space) = (least(known.files, files), least(known.space, space));
        }
    }
    let parts = mounts.iter().filter(|(_, mount)| limited(mount)).map(|(source, _)| {
        let all: BTreeSet<_> =
            mounts.iter().filter(|(other, _)| below(other, source)).flat_map(|(_, mount)| places(mount)).collect();
        let inside = |one: &Place| all.iter().any(|other| other != one && other.0 == one.0 && below(&one.1, &other.1));
        (source.clone(), all.iter().filter(|one| !inside(one)).cloned().collect())
    });
    (limits, parts.collect())
}

fn path() -> impl Strategy<Value = String> {
    vec(prop_oneof!["a", "b", "ab"], 0..4).prop_map(|names| format!("/{}", names.join("/")))
}

fn mount() -> impl Strategy<Value = Mount> {
    let limit = || prop::option::weighted(0.3, 0..5u64);
    (path(), vec((0..2u8, path()), 1..3), limit(), limit())
}

proptest! {
    #[test]
    fn what_is_wanted_is_what_a_look_at_all_mounts_says(mounts in vec(mount(), 0..10)) {
        let mounts: BTreeMap<String, Mount> = mounts.into_iter().map(|mount| (mount.0.clone(), mount)).collect();
        let table = MountTable::build(mounts.values().map(entry), NameserviceId::parse("ns9").ok());
        let plain = |one: &Destination| (one.nameservice.to_string(), one.path.to_string());
        let wanted = wanted(&table);
        let (limits, parts) = model(&mounts);
        prop_assert_eq!(wanted.limits.iter().map(|(place, limits)| (plain(place), *limits)).collect::<BTreeMap<_, _>>(), limits);
        let found: BTreeMap<_, BTreeSet<_>> = wanted.parts.iter().map(|(source, parts)| (source.to_string(), parts.iter().map(plain).collect())).collect();
        prop_assert_eq!(&found, &parts);
        // Each counts once.
        prop_assert!(wanted.parts.iter().all(|(source, all)| all.len() == parts[source.as_str()].len()));
    }
}

#[test]
fn directories_are_those_at_and_below_a_path() {
    let mount = |source: &str, to: &str| (source.to_owned(), vec![(0, to.to_owned())], None, None);
    let table = MountTable::build([mount("/a", "/1"), mount("/a/b", "/2"), mount("/ab", "/3")].iter().map(entry), None);
    let found = directories(&table, [&MountPath::parse("/a").unwrap()]);
    assert_eq!(found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["/1", "/2"]);
}
