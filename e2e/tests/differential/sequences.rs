//! Seeded calls one after the other, on few names, so that they meet what earlier ones left.

use std::collections::BTreeMap;
use std::env;

use rand::prelude::*;
use rand::rngs::SmallRng;

use crate::calls::{Call, call};
use crate::differences::KNOWN;
use crate::leaks;
use crate::site::Site;

/// Where no draw and no free space decides.
const MOUNTS: &[&str] = &["/one", "/one/nested", "/two", "/all", "/ft", "/led"];

/// Some are there from the beginning; what is being copied hashes as what it will be.
const NAMES: &[&str] = &["f", "sub", "g", "only0", "only1", "a", "b", "a._COPYING_", ".hive-staging_x"];

/// `$P` and `$Q` are paths; what stands here twice comes twice as often.
const STEPS: &[(&str, &str)] = &[
    ("mkdirs", r#"{"src":"$P","masked":{"perm":493},"createParent":true}"#),
    ("mkdirs", r#"{"src":"$P","masked":{"perm":448},"createParent":false}"#),
    (
        "create",
        r#"{"src":"$P","masked":{"perm":420},"clientName":"t","createFlag":1,"createParent":true,"replication":1,"blockSize":1048576}"#,
    ),
    (
        "create",
        r#"{"src":"$P","masked":{"perm":384},"clientName":"t","createFlag":1,"createParent":false,"replication":1,"blockSize":1048576}"#,
    ),
    (
        "create",
        r#"{"src":"$P","masked":{"perm":420},"clientName":"t","createFlag":3,"createParent":true,"replication":2,"blockSize":1048576}"#,
    ),
    (
        "create",
        r#"{"src":"$P","masked":{"perm":420},"clientName":"t","createFlag":3,"createParent":false,"replication":1,"blockSize":1048576}"#,
    ),
    ("rename", r#"{"src":"$P","dst":"$Q"}"#),
    ("rename", r#"{"src":"$P","dst":"$Q"}"#),
    ("rename2", r#"{"src":"$P","dst":"$Q","overwriteDest":false}"#),
    ("rename2", r#"{"src":"$P","dst":"$Q","overwriteDest":true}"#),
    ("rename2", r#"{"src":"$P","dst":"$Q","overwriteDest":true}"#),
    ("delete", r#"{"src":"$P","recursive":false}"#),
    ("delete", r#"{"src":"$P","recursive":true}"#),
    ("delete", r#"{"src":"$P","recursive":true}"#),
    ("setPermission", r#"{"src":"$P","permission":{"perm":448}}"#),
    ("setPermission", r#"{"src":"$P","permission":{"perm":511}}"#),
    ("setOwner", r#"{"src":"$P","username":"ann","groupname":"others"}"#),
    ("setTimes", r#"{"src":"$P","mtime":1000,"atime":2000}"#),
    ("setReplication", r#"{"src":"$P","replication":3}"#),
    ("truncate", r#"{"src":"$P","newLength":0,"clientName":"t"}"#),
    ("append", r#"{"src":"$P","clientName":"t"}"#),
    ("concat", r#"{"trg":"$P","srcs":["$Q"]}"#),
    ("setXAttr", r#"{"src":"$P","xAttr":{"namespace":"USER","name":"a","value":"AQ=="},"flag":1}"#),
    ("setStoragePolicy", r#"{"src":"$P","policyName":"ALL_SSD"}"#),
    ("getXAttrs", r#"{"src":"$P"}"#),
    ("getFileInfo", r#"{"src":"$P"}"#),
    ("getListing", r#"{"src":"$P","startAfter":"","needLocation":false}"#),
    ("getContentSummary", r#"{"path":"$P"}"#),
];

/// The operations of a seed, 8 to 15; files are closed at once.
fn sequence(seed: u64) -> Vec<Call> {
    let random = &mut SmallRng::seed_from_u64(seed);
    let mounts: Vec<_> = MOUNTS.choose_multiple(random, 2).copied().collect();
    let names: Vec<_> = NAMES.choose_multiple(random, 4).copied().collect();
    let path = |random: &mut SmallRng| {
        let mount = mounts[usize::from(random.random_bool(0.15))];
        let deep = *[0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3].choose(random).unwrap();
        (0..deep).fold(mount.to_owned(), |path, _| path + "/" + names.choose(random).unwrap())
    };
    let steps = random.random_range(8..=15);
    let mut calls = Vec::new();
    for _ in 0..steps {
        let (method, parameters) = STEPS.choose(random).unwrap();
        let (from, to) = (path(random), path(random));
        let changes = !method.starts_with("get");
        let step = call(&(method, &parameters.replace("$Q", &to)), &from, changes);
        let by_other = random.random_bool(0.15);
        calls.push(Call { by_other, ..step });
        if ["create", "append"].contains(method) {
            let complete = call(&("complete", r#"{"src":"$P","clientName":"t"}"#), &from, true);
            calls.push(Call { by_other, ..complete });
        }
    }
    calls
}

/// In these, a directory on several destinations is renamed to where one of them has a file, or a directory.
const TORN: [u64; 3] = [302, 349, 1274];

/// Makes the calls of seeds at both routers, each until the NameNodes differ. `SEEDS=500 FIRST=2000` for others, and more.
#[allow(clippy::print_stdout, reason = "figures for whoever runs the test")]
pub fn end_alike(site: &Site) {
    let number = |name, usual| env::var(name).map_or(usual, |text| text.parse::<u64>().unwrap());
    let (first, seeds) = (number("FIRST", 1), number("SEEDS", 46));
    let (mut seen, mut wrong, mut compared) = (BTreeMap::<&str, usize>::new(), Vec::new(), 0);
    for seed in (first..first + seeds).chain(TORN) {
        let calls = sequence(seed);
        let [java, ours] = site.in_turn(site.usual(), &calls);
        for (at, (java, ours)) in java.iter().zip(&ours).enumerate() {
            let call = &calls[at];
            compared += 1;
            let leaks = leaks(call, &ours.answer);
            match KNOWN.iter().find(|known| known.is(call, java, ours)) {
                _ if java == ours && !leaks => {}
                Some(known) if !leaks => *seen.entry(known.row).or_default() += 1,
                _ => {
                    let before: String = calls[..at].iter().map(|call| format!("    {call}\n")).collect();
                    wrong.push(format!("seed {seed}:\n{before}{call}\n    Java: {java}\n    ours: {ours}"));
                }
            }
            if java.trees != ours.trees {
                break;
            }
        }
    }
    println!("  {compared} calls of {seeds} sequences and more; differences: {seen:?}");
    site.saw(seen.into_keys());
    assert!(wrong.is_empty(), "{} calls are answered otherwise:\n{}", wrong.len(), wrong.join("\n"));
}
