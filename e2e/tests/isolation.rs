//! A NameNode that hangs hurts nobody but those who need it: real NameNodes, the router as it comes, and more calls than it
//! can hold.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anabranch_e2e::client::Client;
use anabranch_e2e::servers::{self, Router};
use anabranch_hdfs_proto::hdfs::DeleteRequestProto;
use anabranch_hrpc::{ClientError, class};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan};
use anabranch_testkit::process::user;
use anabranch_testkit::scratch::Scratch;
use futures_util::future::{join_all, try_join_all};
use parking_lot::Mutex;
use rustix::process::Signal;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Longer than the router itself waits for a NameNode.
const PATIENCE: Duration = Duration::from_secs(150);

/// Two nameservices in processes of their own behind a router.
struct Site {
    // In order of their end: a router without NameNodes would complain.
    router: Router,
    cluster: Cluster,
    _scratch: Scratch,
}

impl Site {
    async fn start(name: &'static str) -> Self {
        let start = move || {
            let scratch = Scratch::new(name).unwrap();
            let cluster = Cluster::start(&Jars::get().unwrap(), scratch.path(), &Plan::apart()).unwrap();
            let router = servers::router_before(&cluster, scratch.path()).unwrap();
            Self { cluster, router, _scratch: scratch }
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }
}

/// Whether the router sent the caller to another router, as it does with what it cannot hold.
fn is_shed(error: &ClientError) -> bool {
    matches!(error, ClientError::Remote(exception) if exception.class == class::STANDBY)
}

/// Calls of some clients to one subcluster that begin at a steady pace, however many are still out.
struct Flood {
    shed: Arc<AtomicUsize>,
    failed: Arc<Mutex<Vec<ClientError>>>,
    out: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Flood {
    fn start(clients: Vec<Client>, path: &'static str, burst: usize, every: Duration) -> Self {
        let [shed, out]: [Arc<AtomicUsize>; 2] = Default::default();
        let failed: Arc<Mutex<Vec<ClientError>>> = Arc::default();
        let counters = (shed.clone(), out.clone(), failed.clone());
        let task = tokio::spawn(async move {
            let mut pace = interval(every);
            pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
            for client in clients.iter().cycle() {
                pace.tick().await;
                for _ in 0..burst {
                    let (shed, out, failed) = counters.clone();
                    let client = client.clone();
                    out.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(async move {
                        match client.stat(path).await {
                            Ok(_) => {}
                            Err(error) if is_shed(&error) => drop(shed.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => failed.lock().push(error),
                        }
                        out.fetch_sub(1, Ordering::Relaxed);
                    });
                }
            }
        });
        Self { shed, failed, out, task }
    }

    fn out(&self) -> usize {
        self.out.load(Ordering::Relaxed)
    }

    fn shed(&self) -> usize {
        self.shed.load(Ordering::Relaxed)
    }

    fn no_error(&self) {
        let failed = self.failed.lock();
        assert!(failed.is_empty(), "{} calls failed, the first: {}", failed.len(), failed[0]);
    }
}

/// Calls, one after the other, of each of some clients for a time; how long each took, sorted. No call may fail.
async fn steady(clients: &[Client], root: &str, time: Duration) -> Vec<Duration> {
    let ends = Instant::now() + time;
    let one = |(n, client): (usize, &Client)| {
        let (client, dir) = (client.clone(), format!("{root}/{n}"));
        tokio::spawn(async move {
            let mut times = Vec::new();
            let mut round = 0_u64;
            while Instant::now() < ends {
                let began = Instant::now();
                match round % 5 {
                    0 => drop(client.mkdirs(&format!("{dir}/d")).await.unwrap()),
                    4 => {
                        let message = DeleteRequestProto { src: format!("{dir}/d"), recursive: true };
                        drop(client.call("delete", &message).await.unwrap());
                    }
                    _ => drop(client.stat(&dir).await.unwrap()),
                }
                times.push(began.elapsed());
                round += 1;
                // A client that thinks, so that what is measured is no queue of its own making.
                sleep(Duration::from_millis(2)).await;
            }
            times
        })
    };
    let times = join_all(clients.iter().enumerate().map(one)).await;
    let mut times: Vec<Duration> = times.into_iter().flat_map(Result::unwrap).collect();
    times.sort();
    times
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_namenode_costs_the_others_nothing() {
    const MEASURED: Duration = Duration::from_secs(2);
    /// One after the other, since a machine is not as fast at all times.
    const ROUNDS: usize = 4;
    let site = Site::start("isolation").await;
    let router = site.router.rpc;
    let me = user();
    // All are one user's, and half of those who are measured are on the connections that the flood is on.
    let flooding = try_join_all((0..4).map(|_| Client::connect(router, &me, PATIENCE))).await.unwrap();
    let apart = try_join_all((0..4).map(|_| Client::connect(router, &me, PATIENCE))).await.unwrap();
    let measured: Vec<Client> = flooding.iter().chain(&apart).cloned().collect();
    for root in ["/data0/x", "/data1/x"] {
        apart[0].mkdirs(root).await.unwrap();
    }
    steady(&measured, "/data1/warm", 2 * MEASURED).await;

    let flood = Flood::start(flooding.clone(), "/data0/x", 4, Duration::from_millis(4));
    let (mut beside, mut without) = (Vec::new(), Vec::new());
    let (mut most_out, mut shed, mut healing) = (0, 0, Duration::ZERO);
    for round in 0..ROUNDS {
        without.extend(steady(&measured, &format!("/data1/a{round}"), MEASURED).await);
        flood.no_error();
        let healthy = flood.out();

        site.cluster.signal("ns0", Signal::STOP).unwrap();
        // More than there is room for.
        let more = Flood::start(flooding.clone(), "/data0/x", 5_000, Duration::from_millis(50));
        while more.shed() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        more.task.abort();
        // What there was no room for is away: sending it away kept the processors busy.
        let mut waiting = usize::MAX;
        while more.out() != waiting {
            waiting = more.out();
            sleep(Duration::from_millis(250)).await;
        }
        beside.extend(steady(&measured, &format!("/data1/b{round}"), MEASURED).await);
        most_out = most_out.max(flood.out() + more.out());
        site.cluster.signal("ns0", Signal::CONT).unwrap();

        // What waited is answered, and nothing of it was lost.
        let healed = Instant::now();
        while flood.out() + more.out() > healthy + 100 {
            assert!(healed.elapsed() < PATIENCE, "{} calls are out", flood.out() + more.out());
            sleep(Duration::from_millis(20)).await;
        }
        healing = healing.max(healed.elapsed());
        more.no_error();
        shed += more.shed();
    }
    without.extend(steady(&measured, "/data1/c", MEASURED).await);
    flood.no_error();
    flood.task.abort();

    for times in [&mut beside, &mut without] {
        times.sort();
    }
    let (beside, baseline, calls) = (p99(&beside), p99(&without), [beside.len(), without.len()]);
    eprintln!(
        "p99 of {} calls beside a stopped NameNode {beside:.1?}, of {} without {baseline:.1?}; {most_out} calls were out, {} \
         were shed, all the others answered {healing:.1?} after it went on",
        calls[0],
        calls[1],
        shed + flood.shed(),
    );
    assert!(beside < baseline * 3 / 2, "{beside:?} against {baseline:?}");
}

/// Clients that have a hundred calls out each, and wait as Java's do before they come back to a router that sent them away.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_clients_before_a_stopped_namenode_are_within_memory() {
    const CLIENTS: usize = 2_000;
    const CALLS: usize = 100;
    const STALLED: Duration = Duration::from_secs(6);
    /// What may wait, by `anabranch.router.max.bytes.in.flight`, half of which is for calls, and half of that for one that hangs.
    const BOUND: u64 = 256 << 20;
    let site = Site::start("overload").await;
    let router = site.router.rpc;
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        clients.push(Client::connect(router, &format!("user{}", n % 50), PATIENCE).await.unwrap());
    }
    let root = Client::connect(router, &user(), PATIENCE).await.unwrap();
    root.mkdirs("/data0/x").await.unwrap();
    try_join_all(clients.iter().map(|client| client.stat("/data0/x"))).await.unwrap();
    let before = site.router.program.resident_bytes().unwrap();

    site.cluster.signal("ns0", Signal::STOP).unwrap();
    let (stopped, shed, once) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)), Instant::now());
    let caller = |client: &Client| {
        let (client, stopped, shed) = (client.clone(), stopped.clone(), shed.clone());
        async move {
            let mut pause = Duration::from_millis(500);
            loop {
                match client.stat("/data0/x").await {
                    Ok(_) if !stopped.load(Ordering::Relaxed) => return Ok(()),
                    Ok(_) => {}
                    Err(error) if is_shed(&error) => {
                        shed.fetch_add(1, Ordering::Relaxed);
                        // As org.apache.hadoop.io.retry does, but sooner: doubled each time, and not all at once.
                        sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                        pause = (2 * pause).min(Duration::from_secs(4));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    };
    let callers: Vec<_> = clients.iter().flat_map(|client| std::iter::repeat_n(client, CALLS)).collect();
    let callers: Vec<_> = callers.into_iter().map(|client| tokio::spawn(caller(client))).collect();
    let mut most = 0;
    while once.elapsed() < STALLED {
        sleep(Duration::from_millis(100)).await;
        most = most.max(site.router.program.resident_bytes().unwrap());
        root.stat("/data1").await.expect("the other subcluster answers");
    }
    let shed_meanwhile = shed.load(Ordering::Relaxed);
    stopped.store(false, Ordering::Relaxed);
    site.cluster.signal("ns0", Signal::CONT).unwrap();
    let healed = Instant::now();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    let healing = healed.elapsed();
    most = most.max(site.router.program.resident_bytes().unwrap());
    let after = site.router.program.resident_bytes().unwrap();
    eprintln!(
        "{CLIENTS} clients with {CALLS} calls each: {} MiB before, {} MiB at the most, {} MiB after; {shed_meanwhile} were sent \
         away in {STALLED:?}; every call was answered {healing:.1?} after the NameNode went on",
        before >> 20,
        most >> 20,
        after >> 20,
    );
    assert!(shed_meanwhile > 0, "nothing was too much");
    assert!(most < before + BOUND, "{} MiB", most >> 20);
}
