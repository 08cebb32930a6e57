//! Thousands of paths, placed by the Java router's own classes and by ours: what one router wrote, the other must find.

use std::time::Duration;

use anabranch_federation::{MountEntry, MountTable, NameserviceId, Order, Placement};
use anabranch_testkit::hadoop::{Jvm, Tuning};
use anabranch_testkit::process::user;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::Site;

const PATIENCE: Duration = Duration::from_secs(120);

/// Java's router of this release has no other orders.
const ORDERS: [Order; 5] = [Order::Hash, Order::Local, Order::Random, Order::HashAll, Order::Space];

const NAMESERVICES: [&[&str]; 5] = [
    &["ns0", "ns1"],
    &["ns3", "ns1", "ns2"],
    &["east", "west-2", "ns10", "NS1", "a", "b.c", "data_lake", "ns1"],
    // Two destinations in one nameservice.
    &["ns0", "ns1", "ns0", "ns2", "ns0"],
    &["ns1", "ns1"],
];

const PATHS: usize = 300;

/// Plain names, and those that look temporary, or nearly so.
const NAMES: [&str; 30] = [
    "a",
    "b",
    "part-00000",
    "data.csv",
    "日本語",
    "ü.txt",
    "sp ace",
    "trailing.",
    "..dots..",
    "x.tmp",
    "x.tmp.tmp",
    ".tmp",
    "y.COPYING",
    ".COPYING",
    "z._COPYING_",
    "z._COPYING_.17",
    "z._COPYING_x._COPYING_",
    "._COPYING_",
    "_temp",
    "x_temp",
    "_temporary",
    "_temporary0",
    "0",
    "12",
    "attempt_1530000000000_0001_m_000003_00",
    "attempt_1530000000000_0001_日_000003_00",
    "attempt_153_001_m_000003_00",
    "part-0.01234567-89ab-cdef-ABCD-0123456789ab",
    "part-0.01234567-89ab-cdef-ABCD-0123456789a",
    "line\nbreak.tmp",
];

/// What committers write, with names for `$`.
const SHAPES: [&str; 10] = [
    "/$/_temporary/0/_temporary/attempt_1530000000000_0001_m_000003_00/$",
    "/$/$/_temporary/0/_temporary/attempt_1530000000000_0001_r_000003_01/$/$",
    "/_temporary/7/_temporary/attempt_1_0001_m_000003_00/$",
    "/$/_temporary/10/_temporary/attempt_1_0001_m_000003_00/$",
    "/$/_temporary/0/_temporary/attempt_1_0001_m_000003_00/_temporary/1/_temporary/attempt_2_0001_m_000003_00/$",
    "/$/_temporary/$.01234567-89ab-cdef-ABCD-0123456789ab",
    "/$/_temp/$/$",
    "/_temp/_temporary/$.01234567-89ab-cdef-ABCD-0123456789ab",
    "/$/$.tmp\n",
    "/$\u{2028}$.COPYING",
];

fn paths(random: &mut StdRng) -> Vec<String> {
    let trash = [format!("/user/{}/.Trash/Current", user()), format!("/user/{}/.Trash/241123", user())];
    let mut path = || {
        let tops = ["", "/m", "/m", "/m/deep", "/m/deep/er", "/one", "/mm", "/else"];
        let top = (*tops.choose(random).unwrap()).to_owned();
        let top = if random.random_ratio(1, 20) { format!("{}{top}", trash.choose(random).unwrap()) } else { top };
        let below = match random.random_range(0..3) {
            0 => (*SHAPES.choose(random).unwrap()).to_owned(),
            _ => "/$".repeat(random.random_range(0..5)),
        };
        let filled = below.split('$').map(str::to_owned).collect::<Vec<_>>();
        let below: String = filled
            .iter()
            .enumerate()
            .flat_map(|(at, text)| {
                let name = if at > 0 { *NAMES.choose(random).unwrap() } else { "" };
                [name.to_owned(), text.clone()]
            })
            .collect();
        match format!("{top}{below}") {
            empty if empty.is_empty() => "/".to_owned(),
            path => path,
        }
    };
    // The trash directory itself is another matter: see docs/differences.md.
    std::iter::repeat_with(&mut path).filter(|path| !trash.contains(path)).take(PATHS).collect()
}

/// Mounts that lie in one another, all of one order.
fn mounts(order: Order, nameservices: &[&str]) -> Vec<(&'static str, Vec<(String, String)>)> {
    let to = |nameservices: &[&str], path: &str| {
        let each = nameservices.iter().enumerate();
        each.map(|(at, name)| ((*name).to_owned(), format!("{path}{at}"))).collect::<Vec<_>>()
    };
    let mut backwards = nameservices.to_vec();
    backwards.reverse();
    let mut all = vec![
        ("/m", to(nameservices, "/there")),
        ("/m/deep", to(&backwards, "/m/deep")),
        ("/one", to(&nameservices[..1], "/only")),
    ];
    if matches!(order, Order::Hash | Order::HashAll) {
        all.push(("/", to(nameservices, "/root")));
    }
    all
}

fn id(name: &str) -> NameserviceId {
    NameserviceId::parse(name).unwrap()
}

fn shown(table: &MountTable, path: &str, placement: &Placement<'_>) -> Option<Vec<String>> {
    let resolved = table.resolve_for_user(path, &user(), placement).ok()?;
    Some(resolved.locations.iter().map(|location| format!("{}:{}", location.nameservice, location.path)).collect())
}

pub fn places_paths_alike(site: &Site) {
    let none: [&str; 0] = [];
    let log = site.scratch.path().join("placements.log");
    let mut java = Jvm::start(&site.jars, Tuning::Start, "Placements", none, "WARN", &log).unwrap();
    let mut random = StdRng::seed_from_u64(11);
    let (mut compared, mut moved) = (0, 0);
    for nameservices in NAMESERVICES {
        for order in ORDERS {
            let mounts = mounts(order, nameservices);
            let default = random.random_bool(0.5).then_some("ns0");
            let near = *nameservices.choose(&mut random).unwrap();
            let paths = paths(&mut random);
            let told = mounts.iter().map(|(source, to)| json!({ "source": source, "order": order.name(), "to": to }));
            let told: Vec<Value> = told.collect();
            java.send(&json!({ "default": default, "near": near, "mounts": told, "paths": paths })).unwrap();
            let answer = java.receive(PATIENCE).unwrap();
            let entry = |(source, to): &(&str, Vec<(String, String)>)| {
                let to = to.iter().map(|(nameservice, path)| (nameservice.as_str(), path.as_str()));
                MountEntry { order, ..MountEntry::parse(source, to).unwrap() }
            };
            let table = MountTable::build(mounts.iter().map(entry), default.map(id));
            let (local, available) = ([id(near)], [(id(near), 1)]);
            let placed = |random| Placement {
                random: Some(random),
                local: &local,
                available: &available,
                preference: 1.0,
                all: &[],
            };
            for (path, theirs) in paths.iter().zip(answer["places"].as_array().unwrap()) {
                let theirs: Option<Vec<String>> = serde_json::from_value(theirs.clone()).unwrap();
                // Java hashes the name in the trash, ours what it was before: the same places in another order.
                let settled = |places: Option<Vec<String>>| {
                    let mut places = places?;
                    if path.contains("/.Trash/") {
                        places.sort();
                    }
                    Some(places)
                };
                let theirs = settled(theirs);
                // Of lots, Java's must be among ours.
                let draws = if order == Order::Random { 16 } else { 1 };
                let mut ours = (0..draws).map(|part| shown(&table, path, &placed(u64::MAX / draws * part + 1)));
                assert!(
                    ours.any(|ours| settled(ours) == theirs),
                    "{order} over {nameservices:?}: Java has {path:?} at {theirs:?}, ours at {:?}",
                    shown(&table, path, &placed(1))
                );
                compared += 1;
                moved += usize::from(
                    theirs.is_some_and(|places| places.len() > 1 && !places[0].starts_with(nameservices[0])),
                );
            }
        }
    }
    assert!(compared == NAMESERVICES.len() * ORDERS.len() * PATHS && moved > compared / 8, "{moved} of {compared}");
}
