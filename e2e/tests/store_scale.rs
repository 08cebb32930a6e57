//! A fleet of a hundred routers that watch one `anabranch-store`: how soon an edit is served by all, and that what it costs
//! does not grow with the mount table.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anabranch_federation::{MountEntry, MountTable};
use anabranch_store::feed::{Feed, feed};
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Reader, Version, Write, Writer};
use anabranch_testkit::fault_proxy::{FaultProxy, Way};
use anabranch_testkit::process::{Launch, Program};

const ROUTERS: usize = 100;
const EDITS: u64 = 120;
const PATIENCE: Duration = Duration::from_secs(120);

fn mount(n: u64, tag: u64) -> MountEntry {
    let entry = MountEntry::parse(&format!("/warehouse/d{}/m{n}", n % 100), [("ns0", &*format!("/v{tag}/m{n}"))]);
    MountEntry { owner: "hdfs".into(), group: "hadoop".into(), ..entry.unwrap() }
}

/// Where a path lives.
fn resolved(table: &MountTable, path: &str) -> String {
    table.resolve(path).unwrap().locations[0].path.to_string()
}

/// The CPU time that a process and this one, in which the routers are, have used together.
fn cpu(program: &Program) -> Duration {
    let used = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // The command's name, in parentheses, may hold anything: fields are counted after it. See proc(5).
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2);
        Duration::from_millis(10) * fields.map(|ticks| ticks.parse::<u32>().unwrap()).sum::<u32>()
    };
    used(&program.pid().to_string()) + used("self")
}

/// A store with mounts and the routers that watch it, each on a connection of its own, through a proxy that counts bytes.
struct Fleet {
    program: Program,
    proxy: FaultProxy,
    store: GrpcStore,
    versions: Vec<Version>,
    feeds: Vec<Feed>,
    _dir: tempfile::TempDir,
}

impl Fleet {
    async fn start(mounts: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data").display().to_string();
        let mut program =
            Launch::new("anabranch-store").args(["--listen", "127.0.0.1:0", "--data", &data]).start().unwrap();
        let line = program.wait_for("an address", PATIENCE, |line| line.contains("is listening")).unwrap();
        let address: SocketAddr = line.split_once("rpc=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let client = |address: SocketAddr| GrpcStore::new(&ClientOptions::new([address.to_string()])).unwrap();
        let store = client(address);
        let mut versions = Vec::new();
        let all: Vec<_> = (0..mounts).collect();
        for some in all.chunks(1000) {
            let put = |n: &u64| Write::Put { record: mount(*n, 0), expected: Version::ABSENT };
            let answers = store.write(some.iter().map(put).collect()).await.unwrap();
            versions.extend(answers.into_iter().map(Result::unwrap));
        }
        let proxy = FaultProxy::start(address).await.unwrap();
        let feeds: Vec<_> = (0..ROUTERS).map(|_| feed(&client(proxy.address()), None)).collect();
        let fleet = Self { program, proxy, store, versions, feeds, _dir: dir };
        let revision = Reader::<MountEntry>::list(&fleet.store).await.unwrap().revision;
        fleet.served(revision, |table| assert_eq!(table.len() as u64, mounts)).await;
        fleet
    }

    /// Waits until all routers serve a revision, and looks at the table of each.
    async fn served(&self, revision: u64, look: impl Fn(&MountTable)) {
        for feed in &self.feeds {
            let mut tables = feed.tables.clone();
            let arrived = tables.wait_for(|table| table.as_ref().is_some_and(|table| table.revision() >= revision));
            let table = tokio::time::timeout(PATIENCE, arrived).await.expect("the revision").unwrap().clone();
            look(&table.unwrap());
        }
    }

    /// Edits one mount; the time from the acknowledgement until the last router resolves by it.
    async fn edit(&mut self, n: u64, tag: u64) -> Duration {
        let at = usize::try_from(n).unwrap();
        let version = self.store.put(mount(n, tag), self.versions[at]).await.unwrap();
        let acknowledged = Instant::now();
        self.versions[at] = version;
        let (path, expected) = (format!("/warehouse/d{}/m{n}/file", n % 100), format!("/v{tag}/m{n}/file"));
        self.served(version.0, |table| assert_eq!(resolved(table, &path), expected)).await;
        acknowledged.elapsed()
    }

    /// Edits as often as is measured; the times in order, the bytes to all routers and the CPU time of the store for each.
    async fn edits(&mut self) -> (Vec<Duration>, u64, Duration) {
        let (bytes, before) = (self.proxy.passed(Way::Replies), cpu(&self.program));
        let mut times = Vec::new();
        for tag in 1..=EDITS {
            let n = tag * 7919 % self.versions.len() as u64;
            times.push(self.edit(n, tag).await);
        }
        times.sort();
        let bytes = (self.proxy.passed(Way::Replies) - bytes) / EDITS;
        (times, bytes, (cpu(&self.program) - before) / u32::try_from(EDITS).unwrap())
    }
}

/// What edits of one fleet came to.
struct Measured {
    p50: Duration,
    p99: Duration,
    bytes: u64,
    cpu: Duration,
}

#[expect(clippy::print_stderr, reason = "the numbers are of interest when nothing fails, too")]
async fn measure(mounts: u64) -> Measured {
    let mut fleet = Fleet::start(mounts).await;
    let (times, bytes, cpu) = fleet.edits().await;
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let measured = Measured { p50: at(50), p99: at(99), bytes, cpu };
    let Measured { p50, p99, .. } = measured;
    eprintln!("{mounts} mounts: p50 {p50:?}, p99 {p99:?}, {bytes} bytes and {cpu:?} of CPU for each of {EDITS} edits");
    measured
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_reaches_a_hundred_routers_at_a_cost_that_does_not_grow() {
    let small = measure(100).await;
    let large = measure(10_000).await;
    assert!(large.p99 < Duration::from_millis(250), "p50 {:?}, p99 {:?}", large.p50, large.p99);
    assert!(large.bytes < small.bytes * 5 / 4, "{} bytes, {} with a hundredth of the mounts", large.bytes, small.bytes);
    assert!(large.cpu < 2 * small.cpu, "{:?} of CPU, {:?} with a hundredth of the mounts", large.cpu, small.cpu);
}
