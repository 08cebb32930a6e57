use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::ring::Ring;

fn id(name: &str) -> NameserviceId {
    NameserviceId::parse(name).unwrap()
}

fn entry(source: &str, destinations: &[(&str, &str)], order: Order) -> MountEntry {
    MountEntry { order, ..MountEntry::parse(source, destinations.iter().copied()).unwrap() }
}

fn authority() -> Authority {
    Authority { superuser: Some("root".into()), supergroup: None, enforced: true }
}

fn ask(table: &MountTable, path: &str) -> Explanation {
    ask_as(table, path, "ann", &[], POSSIBLE)
}

fn ask_as(table: &MountTable, path: &str, user: &str, groups: &[String], placement: Placement<'_>) -> Explanation {
    let (path, authority, disabled) = (MountPath::parse(path).unwrap(), authority(), [id("off")]);
    let user = Some((user, groups));
    explain(table, &Question { path: &path, user, placement, disabled: &disabled, authority: &authority, used: None })
}

fn shown(explanation: &Explanation) -> Vec<String> {
    let mark = |disabled| if disabled { " disabled" } else { "" };
    explanation.destinations.iter().map(|to| format!("{}:{}{}", to.nameservice, to.path, mark(to.disabled))).collect()
}

fn table() -> MountTable {
    let both = [("ns0", "/data"), ("ns1", "/data")];
    MountTable::build(
        [
            entry("/data", &both, Order::HashAll),
            entry("/data/a", &both, Order::Hash),
            entry("/data/a/b", &[("ns2", "/deep")], Order::Hash),
            entry("/led", &[("ns1", "/1"), ("off", "/off"), ("ns0", "/2")], Order::LeaderFollower),
            entry("/lots", &[("ns1", "/1"), ("ns0", "/2"), ("ns1", "/3")], Order::Random),
            entry("/near", &both, Order::Local),
            entry("/free", &both, Order::Space),
            entry("/one", &[("ns1", "/1"), ("ns1", "/2")], Order::HashAll),
            entry("/gone", &[("off", "/x")], Order::Hash),
            MountEntry { read_only: true, ..entry("/user", &[("ns0", "/homes")], Order::Hash) },
        ],
        Some(id("ns3")),
    )
}

#[test]
fn the_longest_entry_wins_and_tells_whom_it_beat() {
    let table = table().with(entry("/", &[("ns0", "/")], Order::Hash));
    let rows: [(&str, &str, &[&str], &[&str]); 4] = [
        ("/data/a/b/c", "/data/a/b", &["/data/a", "/data", "/"], &["ns2:/deep/c"]),
        ("/data/b", "/data", &["/"], &["ns0:/data/b", "ns1:/data/b"]),
        ("//led///x/", "/led", &["/"], &["ns1:/1/x", "off:/off/x disabled", "ns0:/2/x"]),
        ("/else", "/", &[], &["ns0:/else"]),
    ];
    for (path, mount, shorter, to) in rows {
        let explanation = ask(&table, path);
        assert_eq!(explanation.mount.as_ref().unwrap().path, mount, "{path}");
        assert_eq!(explanation.shorter, shorter, "{path}");
        assert_eq!(shown(&explanation), to, "{path}");
    }
    assert_eq!(ask(&table, "//led///x/").path, "/led/x");
}

#[test]
fn what_no_entry_covers_goes_to_the_default_or_nowhere() {
    let explanation = ask(&table(), "/else");
    assert_eq!((explanation.mount.as_ref(), shown(&explanation)), (None, vec!["ns3:/else".to_owned()]));
    assert_eq!(explanation.default_nameservice.as_deref(), Some("ns3"));

    let table = table().with_default_nameservice(None);
    let explanation = ask(&table, "/else");
    assert_eq!((explanation.nowhere, explanation.is_found()), (Some(Nowhere::NoDefaultNameservice), false));
    assert_eq!(explanation.first(), None);
    // The mounts below make it a directory.
    let explanation = ask(&table, "/");
    assert_eq!((explanation.nowhere, explanation.is_found()), (Some(Nowhere::NoDefaultNameservice), true));
    assert_eq!(explanation.children, ["data", "free", "gone", "led", "lots", "near", "one", "user"]);

    let explanation = ask(&table, "/gone/x");
    assert_eq!((explanation.nowhere, explanation.is_found()), (Some(Nowhere::AllDisabled), false));
    assert_eq!(shown(&explanation), ["off:/x/x disabled"]);
    assert!(ask(&table, "/gone").is_found() && ask(&table, "/gone").mount_point);
    let explanation = ask(&table.with(entry("/gone", &[("off", "/x"), ("ns1", "/y")], Order::LeaderFollower)), "/gone");
    assert_eq!((explanation.nowhere, explanation.first().unwrap().path.as_str()), (None, "/y"));
}

#[test]
fn each_order_tells_its_choice() {
    let (near, available) = ([id("ns9"), id("ns1")], [(id("ns9"), 8), (id("ns0"), 5), (id("ns1"), 7)]);
    let known = Placement { random: Some(u64::MAX), local: &near, available: &available, preference: 0.6, all: &[] };
    let lucky = Placement { random: Some(0), ..known };
    let rooms = json!([{ "nameservice": "ns1", "available": 7 }, { "nameservice": "ns0", "available": 5 }]);
    let hash = |key: &str, nameservice: &str| json!({ "by": "hash", "key": key, "nameservice": nameservice });
    let rows = [
        ("/data/dir1/file2._COPYING_", POSSIBLE, hash("/data/dir1/file2", "ns1"), "ns1:/data/dir1/file2._COPYING_"),
        ("/data/a/x/y", POSSIBLE, hash("/data/a/x", "ns1"), "ns1:/data/x/y"),
        ("/data/a/b/c", POSSIBLE, json!({ "by": "single" }), "ns2:/deep/c"),
        ("/else", POSSIBLE, json!({ "by": "single" }), "ns3:/else"),
        ("/led", known, json!({ "by": "listed" }), "ns1:/1"),
        ("/one", known, hash("/one", "ns1"), "ns1:/2"),
        ("/near", POSSIBLE, json!({ "by": "listed" }), "ns0:/data"),
        ("/near", known, json!({ "by": "local", "nameservice": "ns1" }), "ns1:/data"),
        ("/free", POSSIBLE, json!({ "by": "listed" }), "ns0:/data"),
        ("/free", known, json!({ "by": "space", "among": rooms, "drawn": "ns0" }), "ns0:/data"),
        ("/free", lucky, json!({ "by": "space", "among": rooms, "drawn": "ns1" }), "ns1:/data"),
        ("/lots", POSSIBLE, json!({ "by": "lots", "among": ["ns1", "ns0"], "drawn": "ns1" }), "ns1:/3"),
        ("/lots", known, json!({ "by": "lots", "among": ["ns1", "ns0"], "drawn": "ns0" }), "ns0:/2"),
    ];
    for (path, placement, choice, first) in rows {
        let explanation = ask_as(&table(), path, "ann", &[], placement);
        assert_eq!(serde_json::to_value(&explanation.choice).unwrap(), choice, "{path}");
        assert_eq!(shown(&explanation)[0], first, "{path}");
    }
}

#[test]
fn trash_and_raw_paths_stand_for_others() {
    let trashed = "/user/ann/.Trash/Current/data/a/b/x";
    let own = ask(&table(), trashed);
    assert_eq!(own.stands_for, Some(StandsFor { path: "/data/a/b/x".into(), rule: Rule::Trash }));
    assert_eq!((own.mount.unwrap().path.as_str(), own.read_only), ("/data/a/b", false));
    assert_eq!((own.shorter, own.destinations[0].path.as_str()), (vec!["/data/a".into(), "/data".into()], trashed));
    let foreign = ask_as(&table(), trashed, "bob", &[], POSSIBLE);
    assert_eq!((foreign.stands_for, foreign.mount.unwrap().path.as_str(), foreign.read_only), (None, "/user", true));

    let raw = ask(&table(), "/.reserved/raw/data/a/b");
    assert_eq!(raw.stands_for, Some(StandsFor { path: "/data/a/b".into(), rule: Rule::Raw }));
    assert_eq!(raw.destinations[0].path, "/.reserved/raw/deep");
}

#[test]
fn a_directory_of_the_trash_is_in_all_nameservices() {
    let all = ["ns0", "ns7"].map(|id| NameserviceId::parse(id).unwrap());
    let placement = Placement { all: &all, ..POSSIBLE };
    for path in ["/user/ann/.Trash", "/user/ann/.Trash/Current"] {
        let own = ask_as(&table(), path, "ann", &[], placement);
        assert_eq!((own.choice, own.mount, own.shorter.len()), (Choice::Everywhere, None, 0));
        let places: Vec<_> = own.destinations.iter().map(|it| (it.nameservice.as_str(), it.path.as_str())).collect();
        assert_eq!(places, [("ns0", path), ("ns7", path)]);
        assert_eq!(ask_as(&table(), path, "bob", &[], placement).mount.unwrap().path, "/user");
    }
}

#[test]
fn the_entry_says_who_may_what_and_how_much() {
    let mut limited = MountEntry { owner: "ann".into(), mode: 0o1750, ..entry("/m", &[("ns0", "/m")], Order::Hash) };
    limited.quota.files = Limit { quota: Some(10), used: 3 };
    limited.quota.by_type.push((crate::StorageType::Ssd, Limit { quota: None, used: 5 }));
    let explanation = ask(&MountTable::build([limited], None), "/m/x");
    let document = serde_json::to_value(&explanation).unwrap();
    assert_eq!(serde_json::from_value::<Explanation>(document.clone()).unwrap(), explanation);
    let expected: Value = json!({
        "path": "/m/x",
        "user": "ann",
        "standsFor": null,
        "mount": {
            "path": "/m",
            "order": "HASH",
            "faultTolerant": false,
            "owner": "ann",
            "group": null,
            "mode": "1750",
            "allowed": { "read": true, "write": true, "execute": true },
            "quotas": { "files": { "quota": 10, "used": 3 }, "SSD": { "quota": null, "used": 5 } },
        },
        "shorter": [],
        "defaultNameservice": null,
        "choice": { "by": "single" },
        "destinations": [{ "nameservice": "ns0", "path": "/m/x", "disabled": false }],
        "readOnly": false,
        "nowhere": null,
        "mountPoint": false,
        "children": [],
    });
    assert_eq!(document, expected);
    let bob = ask_as(&table().with(entry("/x", &[("ns0", "/")], Order::Hash)), "/x", "bob", &[], POSSIBLE);
    assert_eq!(bob.mount.unwrap().allowed, Some(Allowed { read: true, write: false, execute: true }));
}

const NAMESERVICES: [&str; 4] = ["ns0", "ns1", "ns2", "off"];

fn a_path(deepest: usize) -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "ab"]),
        1 => prop::sample::select(vec!["a.tmp", "b._COPYING_", "_temp", ".reserved", "raw", "user", "ann"]),
    ];
    let plain = vec(name, 0..=deepest).prop_map(|names| format!("/{}", names.join("/")));
    prop_oneof![
        6 => plain.clone(),
        1 => plain.clone().prop_map(|path| format!("/user/ann/.Trash/Current{path}")),
        1 => plain.prop_map(|path| format!("/.reserved/raw{path}")),
    ]
}

fn an_entry() -> impl Strategy<Value = MountEntry> {
    let destinations = vec((prop::sample::select(&NAMESERVICES[..]), a_path(2)), 1..5);
    let order = prop::sample::select(Order::NAMES.map(|(order, _)| order).to_vec());
    (a_path(3), destinations, order, any::<bool>()).prop_map(|(source, destinations, order, read_only)| {
        let pairs = destinations.iter().map(|(nameservice, path)| (*nameservice, path.as_str()));
        MountEntry { order, read_only, ..MountEntry::parse(&source, pairs).unwrap() }
    })
}

/// Compares with what the resolver says, and with a look at every entry.
fn agrees(table: &MountTable, path: &str, placement: Placement<'_>) {
    let explanation = ask_as(table, path, "ann", &[], placement);
    let path = MountPath::parse(path).unwrap();
    let resolved = table.resolve_for_user(path.as_str(), "ann", &placement).ok();
    let locations: Vec<(String, String)> = resolved
        .iter()
        .flat_map(|resolved| &resolved.locations)
        .map(|location| (location.nameservice.to_string(), location.path.to_string()))
        .collect();
    let told = explanation.destinations.iter().map(|to| (to.nameservice.clone(), to.path.clone()));
    assert_eq!(told.collect::<Vec<_>>(), locations, "{path}");
    let in_service = locations.iter().find(|(nameservice, _)| nameservice != "off");
    assert_eq!(explanation.first().map(|first| (&first.nameservice, &first.path)), in_service.map(|(n, p)| (n, p)));
    assert_eq!(explanation.nowhere.is_none(), in_service.is_some(), "{path}");

    let decides = explanation.stands_for.as_ref().map_or(path.as_str(), |other| &other.path);
    let covers = |entry: &&MountEntry| {
        let rest = decides.strip_prefix(entry.source.as_str().trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut covering: Vec<&MountEntry> = table.entries().filter(covers).collect();
    covering.sort_by_key(|entry| std::cmp::Reverse(entry.source.as_str().len()));
    let told = explanation.mount.iter().map(|mount| &mount.path).chain(&explanation.shorter);
    assert!(told.eq(covering.iter().map(|entry| entry.source.as_str())), "{path}: {explanation:?}");

    match &explanation.choice {
        Choice::Hash { key, nameservice } => {
            let mut ring: Vec<NameserviceId> =
                covering[0].destinations.iter().map(|to| to.nameservice.clone()).collect();
            ring.sort();
            ring.dedup();
            assert_eq!(Ring::new(&ring).owner(key).unwrap().as_str(), nameservice);
            assert_eq!(locations[0].0, *nameservice, "{path}");
        }
        Choice::Local { nameservice: first }
        | Choice::Lots { drawn: first, .. }
        | Choice::Space { drawn: first, .. } => {
            assert_eq!(locations[0].0, *first, "{path}");
        }
        Choice::Single | Choice::Everywhere | Choice::Listed => {}
    }
}

#[test]
fn explanations_are_the_resolvers_answers_for_ten_thousand_paths() {
    const TABLES: u32 = 400;
    const PATHS: usize = 25;
    let config = Config { cases: TABLES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let asked = (a_path(5), any::<u64>(), prop::option::of(prop::sample::select(&NAMESERVICES[..])));
    let case = (vec(an_entry(), 0..12), prop::option::of(Just(id("ns3"))), vec(asked, PATHS));
    let result = runner.run(&case, |(entries, default, asked)| {
        let table = MountTable::build(entries, default);
        for (path, random, local) in &asked {
            let local: Vec<NameserviceId> = local.map(id).into_iter().collect();
            let available = [(id("ns0"), 3), (id("ns2"), 1)];
            let placement =
                Placement { random: Some(*random), local: &local, available: &available, preference: 0.6, all: &[] };
            agrees(&table, path, placement);
        }
        Ok(())
    });
    result.unwrap();
}
