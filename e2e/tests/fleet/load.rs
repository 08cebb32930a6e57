//! Many clients, and how they spread over routers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anabranch_e2e::kube::{kubectl, script, until};
use anabranch_e2e::wire::Raw;
use anyhow::ensure;
use serde_json::{Value, json};

use crate::operator::killed_during;
use crate::rig::{NAMESPACE, Rig, await_routers, metric, routers, service};

/// Connections of the load.
const CONNECTIONS: usize = 160;
/// After routers were added, the load is even within this.
const EVEN: Duration = Duration::from_secs(30);

/// Clients on this machine that keep their connections as long as these last.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    /// So many connections, each with a pause between calls.
    fn start(connections: usize, pause: Duration) -> Self {
        let (stop, answers, service) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), service().unwrap());
        let workers = (0..connections).map(|_| {
            let (stop, answers) = (stop.clone(), answers.clone());
            thread::spawn(move || work(service, pause, &stop, &answers))
        });
        Self { workers: workers.collect(), stop, answers }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
    }
}

/// Connects again whenever a connection ends, as Hadoop's clients do.
fn work(service: SocketAddr, pause: Duration, stop: &AtomicBool, answers: &AtomicU64) {
    let mut connection = None;
    for call in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if connection.is_none() {
            connection = Raw::ready(service, "load").ok();
        }
        let answer = connection.as_mut().and_then(|raw| raw.stat("/north", call).ok().flatten());
        match answer {
            Some(_) => drop(answers.fetch_add(1, Ordering::Relaxed)),
            None => connection = None,
        }
        thread::sleep(pause);
    }
}

/// Connections of each router.
fn spread() -> anyhow::Result<Vec<f64>> {
    routers()?.iter().map(|(_, address)| metric(address, "anabranch_connections_open")).collect()
}

/// Routers that are added get their share of connections that were there before.
#[allow(clippy::print_stdout, reason = "says what was measured")]
pub fn evens_out(rig: &Rig) {
    kubectl(&["scale", "-n", NAMESPACE, "routerfleet/main", "--replicas=2"]).unwrap();
    await_routers(2);
    let load = Load::start(CONNECTIONS, Duration::from_millis(200));
    until("all are connected", || {
        let spread = spread()?;
        ensure!(spread.iter().sum::<f64>() >= CONNECTIONS as f64, "{spread:?}");
        Ok(())
    })
    .unwrap();
    rig.clients.lose_nothing(|| {
        killed_during(|| {
            kubectl(&["scale", "-n", NAMESPACE, "routerfleet/main", "--replicas=4"]).unwrap();
        });
        await_routers(4);
        let added = Instant::now();
        // A fair share is a quarter; chance alone takes it to less than a half of that once in a million times.
        let least = CONNECTIONS as f64 / 4.0 / 2.0;
        let even = until("an even load", || {
            let spread = spread()?;
            ensure!(spread.iter().all(|open| *open >= least), "{spread:?}");
            Ok(spread)
        })
        .unwrap();
        let took = added.elapsed();
        println!("    {even:?} connections {took:.1?} after routers were added");
        assert!(took < EVEN, "{took:?}");
    });
    assert!(load.answers.load(Ordering::Relaxed) > 0);
    drop(load);
    kubectl(&["scale", "-n", NAMESPACE, "routerfleet/main", "--replicas=3"]).unwrap();
    await_routers(3);
}

/// The cluster's own autoscaler, by the CPU that it measures: down to the fewest while it is asked for little, up to the
/// most under load, and down again. How much CPU a call takes depends on the machine, so what is little is set to suit.
pub fn autoscale(rig: &Rig) {
    script("metrics-server", &[], "").unwrap();
    await_routers(3);
    let autoscale = |percent: u32| {
        let autoscaling = json!({
            "minReplicas": 2, "maxReplicas": 4, "targetCpuPercent": percent, "scaleDownSeconds": 0,
        });
        patch(&json!({ "spec": { "autoscaling": autoscaling } }));
    };
    rig.clients.lose_nothing(|| {
        killed_during(|| autoscale(1000));
        await_routers(2);
    });
    let load = Load::start(8, Duration::ZERO);
    rig.clients.lose_nothing(|| {
        killed_during(|| autoscale(10));
        await_routers(4);
    });
    drop(load);
    rig.clients.lose_nothing(|| {
        killed_during(|| autoscale(1000));
        await_routers(2);
    });
    // The number is the fleet's own again.
    patch(&json!({ "spec": { "autoscaling": null, "replicas": 3 } }));
    await_routers(3);
}

fn patch(change: &Value) {
    kubectl(&["patch", "-n", NAMESPACE, "routerfleet/main", "--type=merge", "-p", &change.to_string()]).unwrap();
}
