//! What a mount table costs as it grows: `cargo run --release -p anabranch-federation --example mount_table_cost`.
//!
//! For each size and shape: nanoseconds to resolve a path below a random mount, and microseconds to replace a random
//! entry in a table that a reader holds on to, so that the change has to copy what it touches.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use anabranch_federation::{MountEntry, MountTable, NameserviceId};

/// A name of a shape, and the source of its i-th mount.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 2] = [
    ("/org/team/data", |i| format!("/org{:03}/team{:03}/data{i}", i % 100, i / 100 % 100)),
    ("flat", |i| format!("/warehouse/table{i}")),
];
const LOOKUPS: usize = 1_000_000;
const EDITS: usize = 10_000;

fn main() {
    println!("{:<16} {:>9} {:>10} {:>11} {:>9}", "shape", "mounts", "build ms", "resolve ns", "edit us");
    for (name, source) in SHAPES {
        for mounts in [10_000, 100_000, 1_000_000] {
            measure(name, source, mounts);
        }
    }
}

fn measure(name: &str, source: fn(usize) -> String, mounts: usize) {
    let entry = |i| MountEntry::parse(&source(i), [("ns1", "/elsewhere")]).expect("a valid entry");
    let started = Instant::now();
    let mut table = MountTable::build((0..mounts).map(entry), NameserviceId::parse("ns0").ok());
    let build = started.elapsed();

    // Scattered over the table, and no two alike near each other: the caches of the processor do not help.
    let scattered = |n: usize| n.wrapping_mul(2_654_435_761) % mounts;
    let paths: Vec<String> = (0..LOOKUPS).map(|n| source(scattered(n)) + "/2024/part-0").collect();
    let started = Instant::now();
    for path in &paths {
        black_box(table.resolve(path).expect("a location"));
    }
    let resolve = started.elapsed();

    let entries: Vec<_> = (0..EDITS).map(|n| entry(scattered(n))).collect();
    let started = Instant::now();
    for entry in entries {
        table = table.with(entry);
    }
    let edit = started.elapsed();
    println!(
        "{name:<16} {mounts:>9} {:>10} {:>11} {:>9.2}",
        build.as_millis(),
        resolve.as_nanos() / LOOKUPS as u128,
        edit.as_secs_f64() * 1e6 / EDITS as f64,
    );
}
