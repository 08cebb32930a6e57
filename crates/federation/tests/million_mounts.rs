//! What a mount table costs as it grows to a million mounts: a path of the mounts in use is found in a quarter of a
//! microsecond, one of the others in the time of two looks at memory that is in no cache; and an edit copies the way to one
//! entry, not the table. The figures, in the best case:
//! `cargo test --release -p anabranch-federation --test million_mounts -- --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use anabranch_federation::{MountEntry, MountTable, NameserviceId};

/// As in the programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [usize; 3] = [1_000, 30_000, 1_000_000];
const PATHS: usize = 50_000;
/// Mounts that clients use at one time.
const IN_USE: usize = 1_000;
const EDITS: usize = 2_000;
/// The best of these counts: what else the machine does meanwhile makes others slower, and none faster.
const ROUNDS: usize = 10;

struct Cost {
    used_ns: u64,
    any_ns: u64,
    edit_ns: u64,
    build_ns: u64,
    bytes: u64,
}

fn source(i: usize) -> String {
    format!("/org{:03}/team{:03}/data{i}", i % 100, i / 100 % 100)
}

fn entry(i: usize) -> MountEntry {
    MountEntry::parse(&source(i), [("ns1", "/elsewhere")]).unwrap()
}

/// Memory of this process in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Nanoseconds of each of `count` steps. By the clock of the wall: some kernels account a thread's time in ticks of
/// milliseconds, which is longer than a round takes.
fn each(count: usize, work: impl FnOnce()) -> u64 {
    let began = Instant::now();
    work();
    u64::try_from(began.elapsed().as_nanos()).unwrap() / count as u64
}

fn measure(mounts: usize) -> Cost {
    // Scattered over the table, and no two alike near each other: the caches of the processor do not help.
    let scattered = |n: usize| n.wrapping_mul(2_654_435_761) % mounts;
    let paths: Vec<String> = (0..PATHS).map(|n| source(scattered(n)) + "/2024/part-0").collect();
    let edited: Vec<MountEntry> = (0..EDITS).map(|n| entry(scattered(n))).collect();
    let before = memory();
    let mut table = MountTable::default();
    let build_ns = each(1, || table = MountTable::build((0..mounts).map(entry), NameserviceId::parse("ns0").ok()));
    let bytes = memory().saturating_sub(before);
    assert_eq!(table.len(), mounts);
    let resolve = |among: usize| {
        let paths = paths[..among].iter().cycle().take(PATHS);
        for path in paths {
            let resolved = black_box(&table).resolve(path).unwrap();
            assert!(resolved.entry.is_some());
            black_box(resolved);
        }
    };
    let best = |among| (0..ROUNDS).map(|_| each(PATHS, || resolve(among))).min().unwrap();
    let (used_ns, any_ns) = (best(IN_USE), best(PATHS));
    let edit_ns = (0..ROUNDS).map(|_| {
        let edited = edited.clone();
        let mut table = table.clone();
        each(EDITS, || {
            // Each edit makes a table of its own, as for a reader that keeps the one before.
            for entry in edited {
                table = black_box(table.with(entry));
            }
        })
    });
    Cost { used_ns, any_ns, edit_ns: edit_ns.min().unwrap(), build_ns, bytes }
}

#[test]
fn a_million_mounts_cost_an_edit_and_a_lookup_little_more_than_a_thousand() {
    println!("{:>9} {:>8} {:>8} {:>8} {:>9} {:>6}", "mounts", "in use ns", "any ns", "edit ns", "build ms", "MiB");
    let costs = SIZES.map(|mounts| {
        let cost = measure(mounts);
        let Cost { used_ns, any_ns, edit_ns, build_ns, bytes } = cost;
        println!("{mounts:>9} {used_ns:>9} {any_ns:>8} {edit_ns:>8} {:>9} {:>6}", build_ns / 1_000_000, bytes >> 20);
        cost
    });
    let [small, _, large] = &costs;
    // Several times as much for a machine that does other things as well, and without optimisation for release.
    assert!(large.used_ns < 1_500, "{} ns to find a path that is in use among a million", large.used_ns);
    assert!(large.any_ns < 6_000, "{} ns to find a path among a million", large.any_ns);
    // A thousand times the mounts; what is left is depth, and memory that is in no cache.
    assert!(large.edit_ns < small.edit_ns * 50, "{} ns for an edit, {} among a thousand", large.edit_ns, small.edit_ns);
    assert!(large.edit_ns < large.build_ns / 1_000, "an edit costs as much as a thousandth of all");
    assert!(large.bytes < 1 << 30, "{} MiB", large.bytes >> 20);
}
