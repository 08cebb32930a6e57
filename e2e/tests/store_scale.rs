//! A fleet of a hundred routers on one `anabranch-store`: how soon an edit shows in what each of them answers a client, and
//! that what it costs does not grow with the mount table.

#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anabranch_e2e::client::Client;
use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::hdfs::GetFileInfoResponseProto;
use anabranch_hrpc::wire;
use anabranch_router::config::AdminConfig;
use anabranch_router::{Mounts, Router, RouterConfig, RunningRouter, Runtimes, Sources, trusted};
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Reader, RouterState, RouterStatus, Version, Write, Writer, feed};
use anabranch_telemetry::{Build, Metrics, Readiness};
use anabranch_testkit::fault_proxy::{FaultProxy, Way};
use anabranch_testkit::pid;
use anabranch_testkit::process::{Launch, Program};
use futures_util::future::{join_all, try_join_all};
use prost::Message;
use tokio::time::{interval, sleep, timeout};

const ROUTERS: usize = 100;
const EDITS: u64 = 120;
/// The edits go on at this pace, so that reports of the routers are as frequent beside them whatever the table is.
const PACE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory that exists for the one mount below it. Routers answer for it by themselves, and date it by the mount.
fn directory(n: u64) -> String {
    format!("/warehouse/d{}/m{n}", n % 100)
}

fn mount(n: u64, tag: u64) -> MountEntry {
    let entry = MountEntry::parse(&format!("{}/data", directory(n)), [("ns0", &*format!("/v{tag}/m{n}"))]);
    MountEntry { owner: "hdfs".into(), group: "hadoop".into(), modified_ms: 1 + tag, ..entry.unwrap() }
}

/// The CPU time that a process and this one, in which the routers are, have used together.
fn cpu(program: &Program) -> Duration {
    [program.pid(), std::process::id()].map(|pid| pid::cpu(pid).unwrap()).iter().sum()
}

/// A whole router, and a client of it.
struct Member {
    mounts: Mounts,
    router: RunningRouter,
    client: Client,
}

impl Member {
    async fn start(n: usize, store: SocketAddr) -> anyhow::Result<Self> {
        let store = Arc::new(GrpcStore::new(&ClientOptions::new([store.to_string()]))?);
        let config = RouterConfig {
            router_id: format!("router-{n}:8888"),
            rpc_address: (Ipv4Addr::LOCALHOST, 0).into(),
            http_address: None,
            admin: AdminConfig { address: None, ..AdminConfig::default() },
            ..RouterConfig::default()
        };
        let feed = feed(&*store, None);
        let health = Some(feed.health.clone());
        let mounts = trusted(feed, config.safe_mode.staleness());
        let sources = Sources { health, store: Some(store), ..Sources::from(mounts.clone()) };
        let (metrics, readiness) = (Metrics::new(Build::of("0", None))?, Readiness::new());
        let router = Router::start(config, sources, &metrics, &readiness, &Runtimes::current()).await?;
        timeout(PATIENCE, readiness.wait_ready()).await?;
        let client = Client::connect(router.rpc_addr, "hdfs", PATIENCE).await?;
        Ok(Self { mounts, router, client })
    }

    /// When a directory was changed last, as the router answers a client.
    async fn modified(&self, path: &str) -> u64 {
        let reply = self.client.stat(path).await.unwrap();
        let reply = GetFileInfoResponseProto::decode(wire::take_delimited(&mut &reply[..]).unwrap()).unwrap();
        reply.fs.unwrap().modification_time
    }

    /// Waits until its client sees an edit. The router's own source of mounts tells when it is worth a call.
    async fn shows(&self, revision: u64, path: &str, modified: u64) {
        let mut mounts = self.mounts.clone();
        let arrived = mounts.wait_for(|table| table.as_ref().is_some_and(|table| table.revision() >= revision));
        timeout(PATIENCE, arrived).await.expect("the revision").unwrap();
        let shown = async {
            while self.modified(path).await != modified {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, shown).await.expect("the edit");
    }
}

/// A store with mounts and the routers on it, each on a connection of its own, through a proxy that counts bytes.
struct Fleet {
    program: Program,
    proxy: FaultProxy,
    store: GrpcStore,
    versions: Vec<Version>,
    members: Vec<Member>,
}

impl Fleet {
    async fn start(mounts: u64) -> Self {
        // What is measured begins when a write is acknowledged: how long its disk takes is no part of it.
        let args = ["--listen", "127.0.0.1:0", "--driver", "memory"];
        let mut program = Launch::new("anabranch-store").args(args).start().unwrap();
        let line = program.wait_for("an address", PATIENCE, |line| line.contains("is listening")).unwrap();
        let address: SocketAddr = line.split_once("rpc=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let store = GrpcStore::new(&ClientOptions::new([address.to_string()])).unwrap();
        let mut versions = Vec::new();
        let all: Vec<_> = (0..mounts).collect();
        for some in all.chunks(1000) {
            let put = |n: &u64| Write::Put { record: mount(*n, 0), expected: Version::ABSENT };
            let answers = store.write(some.iter().map(put).collect()).await.unwrap();
            versions.extend(answers.into_iter().map(Result::unwrap));
        }
        let proxy = FaultProxy::start(address).await.unwrap();
        let members = try_join_all((0..ROUTERS).map(|n| Member::start(n, proxy.address()))).await.unwrap();
        let fleet = Self { program, proxy, store, versions, members };
        fleet.reported().await;
        fleet
    }

    /// Waits until every router has said that it runs. The revision of their records, which each report raises.
    async fn reported(&self) -> u64 {
        let reported = async {
            loop {
                let routers = Reader::<RouterState>::list(&self.store).await.unwrap();
                let running = |router: &RouterState| router.status() == RouterStatus::Running;
                if routers.records.iter().filter(|stored| running(&stored.record)).count() == ROUTERS {
                    return routers.revision;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, reported).await.expect("a report of every router")
    }

    /// Edits one mount; the time from the acknowledgement until the last router shows it to its client.
    async fn edit(&mut self, n: u64, tag: u64) -> Duration {
        let at = usize::try_from(n).unwrap();
        let version = self.store.put(mount(n, tag), self.versions[at]).await.unwrap();
        let acknowledged = Instant::now();
        self.versions[at] = version;
        let path = directory(n);
        join_all(self.members.iter().map(|member| member.shows(version.0, &path, 1 + tag))).await;
        acknowledged.elapsed()
    }

    /// Edits as often as is measured.
    async fn edits(&mut self) -> Measured {
        let (bytes, before, began) = (self.proxy.passed(Way::Replies), cpu(&self.program), Instant::now());
        let first = self.versions.iter().max().unwrap().0.max(self.reported().await);
        let (mut times, mut pace) = (Vec::new(), interval(PACE));
        for tag in 1..=EDITS {
            pace.tick().await;
            times.push(self.edit(tag * 7919 % self.versions.len() as u64, tag).await);
        }
        let took = began.elapsed();
        let revisions = self.versions.iter().max().unwrap().0 - first;
        times.sort();
        Measured {
            p50: times[times.len() / 2],
            p99: times[times.len() * 99 / 100],
            bytes: (self.proxy.passed(Way::Replies) - bytes) / revisions,
            cpu: (cpu(&self.program) - before) / u32::try_from(EDITS).unwrap(),
            // Every write has a revision of its own.
            reports: revisions - EDITS,
            took,
        }
    }

    async fn end(self) {
        join_all(self.members.into_iter().map(|member| member.router.drain())).await;
    }
}

/// What edits of one fleet came to.
#[derive(Debug)]
struct Measured {
    p50: Duration,
    p99: Duration,
    /// To all routers, for each edit or report.
    bytes: u64,
    /// Of the routers and the store, for each edit.
    cpu: Duration,
    /// What the routers wrote of themselves meanwhile.
    reports: u64,
    took: Duration,
}

#[expect(clippy::print_stderr, reason = "the numbers are of interest when nothing fails, too")]
async fn measure(mounts: u64) -> Measured {
    let began = Instant::now();
    let mut fleet = Fleet::start(mounts).await;
    let started = began.elapsed();
    let measured = fleet.edits().await;
    let Measured { p50, .. } = measured;
    eprintln!("{mounts} mounts, {ROUTERS} routers after {started:.1?}, p50 {p50:.1?} of {EDITS} edits: {measured:.1?}");
    fleet.end().await;
    measured
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_served_by_a_hundred_routers_at_a_cost_that_does_not_grow() {
    let small = measure(100).await;
    let large = measure(10_000).await;
    assert!(large.p99 < Duration::from_millis(250), "{large:?}");
    assert!(large.bytes < small.bytes * 5 / 4, "{large:?}, {small:?} with a hundredth of the mounts");
    assert!(large.cpu < 2 * small.cpu, "{large:?}, {small:?} with a hundredth of the mounts");
    // One each five seconds, as without edits; not one for each edit.
    let seconds = large.took.as_secs_f64();
    assert!((large.reports as f64) < ROUTERS as f64 * (2.0 + 0.3 * seconds), "{large:?}");
}
