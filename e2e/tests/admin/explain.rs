//! What `anabranch explain` says of a path is what both routers do with it.

use std::fmt::Write as _;

use anabranch_testkit::net;
use anabranch_testkit::process::Launch;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::compare::Site;
use super::compare::Step::{self, Same};

/// Over nameservices of which only the first two exist: a path that nobody has goes where its order says.
const MOUNTS: &[Step] = &[
    Same("root", "-add /x/hash ns0,ns1,ns2 /h -order HASH"),
    Same("root", "-add /x/all ns3,ns0,ns1,ns7 /a -order HASH_ALL"),
    Same("root", "-add /x/all/deep ns1,ns0 /d -order HASH"),
    Same("root", "-add /x/all/deep/er ns1 /e"),
    Same("root", "-add /x/led ns1,ns0 /l -order LEADER_FOLLOWER"),
    Same("root", "-add /x/lots ns0,ns1 /r -order RANDOM"),
    Same("root", "-add /x/free ns0,ns1 /s -order SPACE"),
    Same("root", "-add /x/near ns0,ns1 /n -order LOCAL"),
    Same("root", "-ls /x"),
];
const TOPS: [&str; 11] = [
    "/x/hash",
    "/x/all",
    "/x/all/deep",
    "/x/all/deep/er",
    "/x/led",
    "/x/lots",
    "/x/free",
    "/x/near",
    "/x/other",
    "/user/root/.Trash/Current/x/all/deep/er",
    "/user/alice/.Trash/Current/x/all/deep/er",
];
const ENDS: [&str; 5] = ["", "", "._COPYING_", ".tmp", ".0a1b2c3d-0000-4000-8000-0123456789ab"];
const PATHS: usize = 150;

pub fn is_what_both_routers_do(site: &Site) {
    site.compare(MOUNTS);
    let mut random = StdRng::seed_from_u64(7);
    let mut path = || {
        let names = ["a", "b", "c", "deep", "_temp", "_temporary"];
        let depth = random.random_range(0..4);
        let below: String = (0..depth).map(|_| format!("/{}", names.choose(&mut random).unwrap())).collect();
        let end = if below.is_empty() { "" } else { ENDS.choose(&mut random).unwrap() };
        format!("{}{below}{end}", TOPS.choose(&mut random).unwrap())
    };
    let paths: Vec<String> = (0..PATHS).map(|_| path()).collect();
    let mut wrong = String::new();
    for (path, answer) in paths.iter().zip(explained(site, &paths)) {
        for (who, router) in [("Java's", &site.java), ("ours", &site.ours)] {
            let says = destination(site, path, router);
            if !allowed(&answer).contains(&says) {
                let _ = writeln!(wrong, "{path}: {who} says {says}, explain says {answer}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");

    // Out of service: the next in the same order is asked.
    let turn = |what: &str| {
        for router in [&site.java, &site.ours] {
            site.admin(router).dfsrouteradmin(&["-nameservice", what, "ns1"]).ok();
        }
    };
    turn("disable");
    for path in ["/x/led/a", "/x/all/deep/b", "/x/all/a"].map(str::to_owned) {
        let what = format!("both routers pass over ns1 for {path}, and explain says so");
        net::wait_until(&what, super::compare::PATIENCE, || {
            let answer = explained(site, std::slice::from_ref(&path)).remove(0);
            let passed = answer["destinations"].as_array().unwrap().iter().any(|one| one["disabled"] == true);
            passed && [&site.java, &site.ours].iter().all(|it| allowed(&answer) == [destination(site, &path, it)])
        })
        .unwrap();
    }
    turn("enable");
}

fn explained(site: &Site, paths: &[String]) -> Vec<Value> {
    let router = site.servers.0.http.to_string();
    let launch = Launch::new("anabranch").args(["explain", "--user", "root", "--output", "json", "--router", &router]);
    let (code, out, err) = launch.args(paths).finish(super::compare::PATIENCE).unwrap();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The nameservices that a router may ask first: one, but for orders that depend on more than the path.
fn allowed(answer: &Value) -> Vec<String> {
    let open = answer["destinations"].as_array().unwrap().iter().filter(|one| one["disabled"] == false);
    let open = open.map(|one| one["nameservice"].as_str().unwrap().to_owned());
    let depends = matches!(answer["mount"]["order"].as_str(), Some("RANDOM" | "SPACE" | "LOCAL"));
    if depends { open.collect() } else { open.take(1).collect() }
}

/// Where a router would look first for a path that is nowhere.
fn destination(site: &Site, path: &str, router: &str) -> String {
    let said = site.admin(router).dfsrouteradmin(&["-getDestination", path]).ok();
    said.trim().strip_prefix("Destination: ").unwrap_or_else(|| panic!("{path}: {said}")).to_owned()
}
