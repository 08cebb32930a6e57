//! An operator that dies at any of its writes: the next one ends up where one would that did not die.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;

use crate::cut::Cut;
use crate::objects::{external, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};
use crate::state::{State, difference, state};

/// How many runs go on at the same time.
const RUNS: usize = 10;

/// What users do, one after the other, and what an operator makes of it each time.
const PHASES: usize = 3;

async fn change(site: &Site, phase: usize) {
    let embedded =
        json!({ "nameserviceId": "ns1", "type": "Embedded", "embedded": { "volume": { "ephemeral": true } } });
    match phase {
        0 => {
            site.apply("Subcluster", "near", embedded).await;
            site.apply("Subcluster", "far", external("ns0")).await;
            site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/a"), ("/both", "ns0/alpha")])).await;
            site.apply("MountTable", "beta", mounts(&[("/b", "ns1/b"), ("/both", "ns1/beta")])).await;
            let autoscaling = json!({ "minReplicas": 2, "maxReplicas": 4 });
            site.apply("RouterFleet", "main", json!({ "autoscaling": autoscaling })).await;
        }
        1 => {
            let mut far = external("ns0");
            far["disabled"] = true.into();
            site.apply("Subcluster", "far", far).await;
            // One moves, one goes, one comes, and the other table gets what both claim.
            site.apply("MountTable", "alpha", mounts(&[("/a", "ns1/elsewhere"), ("/new", "ns0/new")])).await;
            let policy = json!({ "enabled": false });
            site.apply("RouterFleet", "main", json!({ "replicas": 3, "networkPolicy": policy })).await;
        }
        _ => {
            let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 5 });
            site.apply("RouterFleet", "main", json!({ "replicas": 3, "autoscaling": autoscaling })).await;
            site.delete("MountTable", "alpha").await;
            site.delete("Subcluster", "far").await;
        }
    }
}

/// A site at the beginning of a phase, with the operator that brought it there.
async fn at(rig: &Rig, phase: usize) -> (Site, Operator) {
    let site = Site::new(rig, "killed").await;
    let operator = Operator::start(rig, &site, Cut::never());
    for earlier in 0..phase {
        change(&site, earlier).await;
        site.observed().await;
        operator.quiet().await;
    }
    (site, operator)
}

/// One run in which the operator dies at a write of a phase; `false` if there is no such write.
async fn dies(rig: &Rig, phase: usize, write: usize, carried_out: bool, expected: &State) -> bool {
    let (site, operator) = at(rig, phase).await;
    operator.cut.arm(write, carried_out);
    change(&site, phase).await;
    operator.dead_or_quiet().await;
    let (died, writes) = (operator.cut.is_dead(), operator.cut.take_writes());
    operator.kill().await;
    let next = Operator::start(rig, &site, Cut::never());
    let what = format!("phase {phase}: dead at write {write} ({carried_out}): {:?}", writes.last());
    until(&what, async || same(&site, expected).await).await;
    next.quiet().await;
    // It does not go on from there.
    assert_eq!(same(&site, expected).await, Ok(()), "{what}");
    next.kill().await;
    died
}

async fn same(site: &Site, expected: &State) -> Result<(), String> {
    difference(&state(site).await, expected).map_or(Ok(()), Err)
}

/// See the module. Both when the last write is carried out and when it is not.
pub fn at_every_write(rig: &Rig) {
    rig.runtime.block_on(async {
        for phase in 0..PHASES {
            let (site, operator) = at(rig, phase).await;
            operator.cut.take_writes();
            change(&site, phase).await;
            site.observed().await;
            operator.quiet().await;
            let expected = state(&site).await;
            let undisturbed = operator.cut.take_writes().len();
            operator.kill().await;
            let begun = AtomicUsize::new(0);
            let longest = AtomicUsize::new(0);
            let run = async || {
                loop {
                    let number = begun.fetch_add(1, Ordering::Relaxed);
                    if !dies(rig, phase, number / 2, number.is_multiple_of(2), &expected).await {
                        return;
                    }
                    longest.fetch_max(number / 2 + 1, Ordering::Relaxed);
                }
            };
            join_all((0..RUNS).map(|_| run())).await;
            let longest = longest.load(Ordering::Relaxed);
            report(&format!("phase {phase}: {undisturbed} writes undisturbed; died at each of {longest}"));
            assert!(longest >= undisturbed / 2, "only {longest} of {undisturbed} writes were tried");
        }
    });
}

#[allow(clippy::print_stdout, reason = "figures for whoever runs the test")]
pub fn report(what: &str) {
    println!("  {what}");
}
