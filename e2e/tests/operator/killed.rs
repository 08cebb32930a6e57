//! An operator that dies at any of its requests: the next one ends up where one would that did not die.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::json;

use crate::cut::Death;
use crate::objects::{external, mounts};
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};
use crate::state::{State, difference, state};

/// How many runs go on at the same time.
const RUNS: usize = 10;

/// At how many of the requests of a phase, reads among them, it dies beside all that write. It leaves nothing behind by a
/// read, but others of its tasks are elsewhere.
const SAMPLES: usize = 8;

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
    let operator = Operator::kept(rig, &site);
    for earlier in 0..phase {
        change(&site, earlier).await;
        site.observed().await;
        operator.quiet().await;
    }
    (site, operator)
}

/// One run in which the operator dies in a phase; `false` if it does not come so far.
async fn dies(rig: &Rig, phase: usize, death: Death, expected: &State) -> bool {
    let (site, operator) = at(rig, phase).await;
    operator.cut.arm(death);
    change(&site, phase).await;
    operator.dead_or_quiet(&site).await;
    let (died, writes) = (operator.cut.is_dead(), operator.cut.take_writes());
    operator.kill().await;
    let next = Operator::kept(rig, &site);
    let what = format!("phase {phase}: {death:?}: {:?}", writes.last());
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
            operator.cut.take_requests();
            change(&site, phase).await;
            site.observed().await;
            operator.quiet().await;
            let expected = state(&site).await;
            let (undisturbed, requests) = (operator.cut.take_writes().len(), operator.cut.take_requests());
            operator.kill().await;
            let sampled = (0..SAMPLES).map(|sample| Death::Request(sample * requests / SAMPLES));
            let writes = (0..).map(|number: usize| Death::Write(number / 2, number.is_multiple_of(2)));
            let deaths = Mutex::new(sampled.chain(writes));
            let (longest, died) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let run = async || {
                loop {
                    let Some(death) = deaths.lock().next() else { return };
                    match (death, dies(rig, phase, death, &expected).await) {
                        (Death::Write(..), false) => return,
                        (Death::Write(number, _), true) => drop(longest.fetch_max(number + 1, Ordering::Relaxed)),
                        (Death::Request(_), dead) => drop(died.fetch_add(dead.into(), Ordering::Relaxed)),
                    }
                }
            };
            join_all((0..RUNS).map(|_| run())).await;
            let (longest, died) = (longest.load(Ordering::Relaxed), died.load(Ordering::Relaxed));
            report(&format!(
                "phase {phase}: {undisturbed} writes among {requests} requests undisturbed; died at each of {longest} \
                 writes, and at {died} requests"
            ));
            assert!(longest >= undisturbed / 2, "only {longest} of {undisturbed} writes were tried");
            assert!(died >= SAMPLES / 2, "only {died} of {requests} requests were tried");
        }
    });
}

#[allow(clippy::print_stdout, reason = "figures for whoever runs the test")]
pub fn report(what: &str) {
    println!("  {what}");
}
