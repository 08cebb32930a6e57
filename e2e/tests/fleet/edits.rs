//! Mounts that change.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use anabranch_e2e::kube::wait_for;
use anabranch_testkit::http;
use serde_json::Value;

use crate::operator;
use crate::rig::{NAMESPACE, Rig, apply_here, await_routers};

/// Edits of a mount, each of which is to be live everywhere before the next.
const EDITS: usize = 100;
/// Of a hundred edits, all but one are live within this after `kubectl apply` has returned.
const LIVE: Duration = Duration::from_secs(1);
/// Long after any edit.
const PATIENCE: Duration = Duration::from_secs(60);

fn edit(version: usize) {
    let table = format!(
        "apiVersion: anabranch.io/v1alpha1\nkind: MountTable\nmetadata: {{ name: edits }}\nspec:\n  entries:\n    \
         - {{ path: /edits, destinations: [{{ nameservice: ns0, path: /v{version} }}] }}\n"
    );
    apply_here(&table).unwrap();
}

/// Waits until a router (`host:port`) sends `/edits` to this version.
fn await_version(router: &str, version: usize) {
    let (end, path) = (Instant::now() + PATIENCE, format!("/v{version}"));
    loop {
        let answer: Value = serde_json::from_str(&http::get(router, "/explain?path=/edits").unwrap().body).unwrap();
        if answer["destinations"][0]["path"] == path {
            return;
        }
        assert!(Instant::now() < end, "{router} has no {path} but {answer}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// How long each edit takes from the return of `kubectl apply` until every router has it, sorted.
fn latencies(routers: &[(String, String)], versions: std::ops::Range<usize>) -> Vec<Duration> {
    let mut found: Vec<Duration> = versions
        .map(|version| {
            let (told, ends) = sync_channel(routers.len());
            thread::scope(|scope| {
                for (_, address) in routers {
                    let told = told.clone();
                    scope.spawn(move || {
                        await_version(&format!("{address}:50071"), version);
                        told.send(Instant::now()).unwrap();
                    });
                }
                edit(version);
                let applied = Instant::now();
                drop(told);
                ends.iter().map(|at| at.saturating_duration_since(applied)).max().unwrap_or_default()
            })
        })
        .collect();
    found.sort();
    found
}

#[allow(clippy::print_stdout, reason = "says what was measured")]
pub fn live(rig: &Rig) {
    let routers = await_routers(3);
    edit(0);
    wait_for("condition=Programmed", &["-n", NAMESPACE, "mounttable/edits"]).unwrap();
    rig.clients.lose_nothing(|| {
        let latencies = latencies(&routers, 1..EDITS + 1);
        let [median, p99, last] = [EDITS / 2, EDITS * 99 / 100 - 1, EDITS - 1].map(|at| latencies[at]);
        println!(
            "    live on {} routers after {median:.1?} (median), {p99:.1?} (p99), {last:.1?} (last)",
            routers.len()
        );
        assert!(p99 < LIVE, "{latencies:?}");
    });
}

/// It counts, and the status says so.
pub fn while_operators_die(rig: &Rig) {
    let routers = await_routers(3);
    rig.clients.lose_nothing(|| {
        operator::killed_during(|| {
            edit(EDITS + 1);
            for (_, address) in &routers {
                await_version(&format!("{address}:50071"), EDITS + 1);
            }
        });
        wait_for("condition=Programmed", &["-n", NAMESPACE, "mounttable/edits"]).unwrap();
    });
}
