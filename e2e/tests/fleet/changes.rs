//! Routers that go and come, while operators are killed.

use std::process::Command;
use std::thread;

use anabranch_e2e::kube::{get, kubectl, on_node, until};
use anyhow::{Result, ensure};

use crate::operator::killed_during;
use crate::rig::{NAMESPACE, ROUTERS, Rig, await_routers};

const DEPLOYMENT: &str = "deployment/main-router";

/// Waits until other routers serve than those of before.
fn await_others(before: &[(String, String)], count: usize) {
    until("other routers", || {
        kubectl(&["rollout", "status", "-n", NAMESPACE, DEPLOYMENT, "--timeout=10s"])?;
        let now = await_routers(count);
        ensure!(!now.iter().any(|router| before.contains(router)), "still {now:?} after {before:?}");
        Ok(())
    })
    .unwrap();
}

/// `kubectl rollout restart`.
pub fn restart(rig: &Rig) {
    let before = await_routers(3);
    rig.clients.lose_nothing(|| {
        killed_during(|| {
            kubectl(&["rollout", "restart", "-n", NAMESPACE, DEPLOYMENT]).unwrap();
            await_others(&before, 3);
        });
    });
}

/// Another Hadoop property of the fleet: the operator replaces all routers.
pub fn configure(rig: &Rig) {
    let before = await_routers(3);
    rig.clients.lose_nothing(|| {
        let change = r#"{"spec":{"configuration":{"dfs.federation.router.client.allow-partial-listing":"false"}}}"#;
        killed_during(|| {
            kubectl(&["patch", "-n", NAMESPACE, "routerfleet/main", "--type=merge", "-p", change]).unwrap();
        });
        await_others(&before, 3);
    });
}

/// `kubectl scale` of the fleet, out and in and back.
pub fn scale(rig: &Rig) {
    for replicas in [5, 2, 3] {
        rig.clients.lose_nothing(|| {
            let replicas_flag = format!("--replicas={replicas}");
            killed_during(|| {
                kubectl(&["scale", "-n", NAMESPACE, "routerfleet/main", &replicas_flag]).unwrap();
            });
            await_routers(replicas);
        });
    }
}

/// `kubectl drain` of the only node, for routers: one at a time may go, and the next when another is there in its place;
/// which is when the node takes pods again.
pub fn drain(rig: &Rig) {
    let before = await_routers(3);
    rig.clients.lose_nothing(|| {
        let selector = "--pod-selector=app.kubernetes.io/name=anabranch-router,app.kubernetes.io/instance=main";
        let drain =
            ["kubectl", "drain", "node-1", selector, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s"];
        killed_during(|| {
            thread::scope(|scope| {
                let draining = scope.spawn(move || {
                    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/kube/run");
                    Command::new(run).args(drain).output().unwrap()
                });
                until("one router is evicted", || {
                    let budget = get(&["pdb", "-n", NAMESPACE, "main-router"])?;
                    ensure!(budget["status"]["currentHealthy"] == 2, "{}", budget["status"]);
                    Ok(())
                })
                .unwrap();
                kubectl(&["uncordon", "node-1"]).unwrap();
                let drained = draining.join().unwrap();
                assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
            });
        });
        await_others(&before, 3);
    });
}

/// How often containers of the routers have been started again.
fn restarts() -> Result<u64> {
    let pods = get(&["pods", "-n", NAMESPACE, "-l", ROUTERS])?;
    let pods = pods["items"].as_array().into_iter().flatten();
    Ok(pods.filter_map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64()).sum())
}

/// A router that is killed with calls in flight.
pub fn kill(rig: &Rig) {
    await_routers(3);
    let before = restarts().unwrap();
    rig.clients.lose_nothing(|| {
        killed_during(|| {
            // Routers of the fleet and the one beside a client have the same name; that of the fleet has its files.
            let killed = on_node(&["pkill", "-KILL", "-o", "-f", "^/.*anabranch-router --conf /etc/anabranch"]);
            killed.unwrap();
            until("it is missing", || {
                let now = restarts()?;
                ensure!(now == before + 1, "{now} restarts after {before}");
                Ok(())
            })
            .unwrap();
        });
        await_routers(3);
    });
}
