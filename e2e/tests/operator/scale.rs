//! Ten thousand mounts by the program itself, as it runs in a cluster.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anabranch_federation::MountEntry;
use anabranch_store::Version;
use anabranch_testkit::net::free_address;
use anabranch_testkit::pid;
use anabranch_testkit::process::program;
use anabranch_testkit::scratch::Scratch;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::killed::report;
use crate::objects::external;
use crate::rig::Rig;
use crate::routers::Routers;
use crate::site::{Site, until};
use crate::store::Store;

const TABLES: usize = 200;
const ENTRIES: usize = 50;
const SUBCLUSTERS: usize = 200;
const ROUTERS: usize = 3;

/// How long all of it may take, and how much memory.
const LIMIT: Duration = Duration::from_secs(60);
const MEMORY: u64 = 200 << 20;

/// How often the operator looks at everything.
const RESYNC: u64 = 4;

/// For so long nothing is written when all is done: more than two looks at everything.
const STEADY: Duration = Duration::from_secs(10);

/// The operator as a process. In a cluster, the store's name leads to a Service; here a file of hosts that only this process
/// sees does.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(rig: &Rig, site: &Site, store: IpAddr, dir: &Scratch) -> Self {
        let (hosts, log) = (dir.path().join("hosts"), dir.path().join("operator.log"));
        fs::write(&hosts, format!("127.0.0.1 localhost\n{store} main-store.{}.svc\n", site.namespace)).unwrap();
        let script = r#"mount --bind "$HOSTS" /etc/hosts && exec "$0" "$@""#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(program("anabranch-operator"));
        let http = free_address().unwrap().to_string();
        command.args(["--watch-namespace", &site.namespace, "--namespace", &site.namespace, "--http", &http]);
        command.args(["--resync", &RESYNC.to_string(), "--identity", "operator"]);
        command.env("HOSTS", hosts).env("KUBECONFIG", rig.plane.kubeconfig("operator")).stdin(Stdio::null());
        let file = File::create(&log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), log }
    }

    /// The most memory that it ever took, in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
    }

    /// Processor time so far, in seconds.
    fn seconds(&self) -> f64 {
        pid::cpu(self.child.id()).unwrap().as_secs_f64()
    }

    fn complaints(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap();
        let bad = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        log.lines().filter(bad).map(str::to_owned).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn path(table: usize, entry: usize) -> String {
    format!("/data/{table}/{entry}")
}

fn table(number: usize, edited: bool) -> Value {
    let entry = |entry: usize| {
        let to = if edited && entry == 7 { "/edited".to_owned() } else { path(number, entry) };
        let nameservice = format!("ns{}", (number + entry) % SUBCLUSTERS);
        json!({ "path": path(number, entry), "destinations": [{ "nameservice": nameservice, "path": to }] })
    };
    json!({ "entries": (0..ENTRIES).map(entry).collect::<Vec<_>>() })
}

/// How often the operator wrote what.
type Writes = BTreeMap<String, usize>;

/// What the operator writes to the API server, from when it was made.
struct Audit {
    log: BufReader<File>,
    rest: String,
    writes: Writes,
}

impl Audit {
    fn begin(rig: &Rig) -> Self {
        let mut log = BufReader::new(File::open(rig.plane.audit_log()).unwrap());
        log.seek(SeekFrom::End(0)).unwrap();
        Self { log, rest: String::new(), writes: Writes::new() }
    }

    /// What it has written so far, but for leases and events.
    fn written(&mut self) -> &Writes {
        // The last line may be half written.
        while self.log.read_line(&mut self.rest).unwrap() > 0 && self.rest.ends_with('\n') {
            let entry: Value = serde_json::from_str(&self.rest).unwrap_or_default();
            self.rest.clear();
            let object = &entry["objectRef"];
            let text = |key: &str| object[key].as_str().unwrap_or_default();
            if entry["user"]["username"] == "operator" && !matches!(text("resource"), "leases" | "events") {
                let verb = entry["verb"].as_str().unwrap_or_default();
                let what = format!("{verb} {} {} {}", text("resource"), text("name"), text("subresource"));
                *self.writes.entry(what).or_default() += 1;
            }
        }
        &self.writes
    }

    /// Waits until nothing was written for longer than everything is looked at; what was written until then.
    async fn steady(&mut self) -> Writes {
        let mut known = (Writes::new(), Instant::now());
        until("nothing is written", async || {
            let found = self.written();
            if *found != known.0 {
                known = (found.clone(), Instant::now());
            }
            if known.1.elapsed() > Duration::from_secs(RESYNC + 1) { Ok(known.0.clone()) } else { Err("it writes") }
        })
        .await
    }
}

fn since(earlier: &Writes, later: &Writes) -> Writes {
    let more =
        |(what, count): (&String, &usize)| (what.clone(), count - earlier.get(what).copied().unwrap_or_default());
    later.iter().map(more).filter(|(_, count)| *count > 0).collect()
}

/// The versions of all mounts: each write makes a new one.
async fn versions(store: &Store) -> BTreeMap<String, Version> {
    let stored = store.all::<MountEntry>().await;
    stored.into_iter().map(|stored| (stored.record.source.to_string(), stored.version)).collect()
}

/// See the module.
pub fn ten_thousand(rig: &Rig) {
    rig.runtime.block_on(async {
        let mut site = Site::new(rig, "scale").await;
        // The port is the one that stores have in a cluster, and so the address must be one of our own.
        let address = IpAddr::V4(Ipv4Addr::new(127, 89, 90, 1));
        site.add_store_at("main", (address, 8890).into());
        let dir = Scratch::new("operator").unwrap();
        let mut audit = Audit::begin(rig);
        let process = Process::start(rig, &site, address, &dir);
        let _routers = Routers::start(site.store().open(), ROUTERS);

        let begin = Instant::now();
        let site = &site;
        site.apply("RouterFleet", "main", json!({})).await;
        let subclusters = (0..SUBCLUSTERS).map(|number| async move {
            let id = format!("ns{number}");
            site.apply("Subcluster", &id, external(&id)).await;
        });
        stream::iter(subclusters).buffer_unordered(16).collect::<Vec<_>>().await;
        let tables = (0..TABLES).map(|number| async move {
            site.apply("MountTable", &format!("table-{number}"), table(number, false)).await;
        });
        stream::iter(tables).buffer_unordered(16).collect::<Vec<_>>().await;
        let applied = begin.elapsed();
        let programmed = async || {
            let tables = site.list("MountTable", "").await;
            let holds = |table: &&Value| {
                let conditions = table["status"]["conditions"].as_array();
                let found = conditions.into_iter().flatten().filter(|it| it["status"] == "True");
                let kinds: Vec<&str> = found.filter_map(|it| it["type"].as_str()).collect();
                ["Accepted", "Programmed", "ResolvedRefs"].iter().all(|kind| kinds.contains(kind))
            };
            let done = tables.iter().filter(holds).count();
            if done == TABLES { Ok(()) } else { Err(format!("{done} of {TABLES}")) }
        };
        while begin.elapsed() < LIMIT && programmed().await.is_err() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        programmed()
            .await
            .unwrap_or_else(|error| panic!("programmed within {LIMIT:?}: {error}: {}", process.log.display()));
        let took = begin.elapsed();
        let writes: usize = audit.written().values().sum();
        report(&format!(
            "{} mounts in {TABLES} tables, {SUBCLUSTERS} subclusters: applied in {:.1} s, programmed after {:.1} s, \
             {writes} writes to the API server, {:.1} s of processor time, {} MiB at most",
            TABLES * ENTRIES,
            applied.as_secs_f32(),
            took.as_secs_f32(),
            process.seconds(),
            process.memory() >> 20,
        ));
        assert!(process.memory() < MEMORY, "{} bytes", process.memory());

        // Steady.
        let settled = audit.steady().await;
        let (busy, mounts) = (process.seconds(), versions(site.store()).await);
        tokio::time::sleep(STEADY).await;
        assert_eq!(since(&settled, audit.written()), Writes::new());
        assert_eq!(versions(site.store()).await, mounts);
        report(&format!(
            "{STEADY:?} steady, all looked at every {RESYNC} s: {:.1} s of processor time",
            process.seconds() - busy
        ));

        // One edit.
        site.apply("MountTable", "table-99", table(99, true)).await;
        until("it is stored", async || {
            let found = versions(site.store()).await;
            let changed: Vec<&String> =
                found.iter().filter(|it| mounts.get(it.0) != Some(it.1)).map(|it| it.0).collect();
            if changed == [&path(99, 7)] && found.len() == mounts.len() { Ok(()) } else { Err(format!("{changed:?}")) }
        })
        .await;
        site.condition("MountTable", "table-99", "Programmed", "True/Programmed").await;
        let cost = since(&settled, &audit.steady().await);
        report(&format!("one edit: one record, {cost:?}"));
        let (status, fleet) = ("patch mounttables table-99 status", "patch routerfleets main status");
        assert!(cost.keys().all(|what| what == status || what == fleet), "{cost:?}");
        // Stored, and served by one, two and all routers; and once the fleet's revision.
        assert!(cost[status] <= 1 + ROUTERS && cost.get(fleet).is_none_or(|count| *count == 1), "{cost:?}");
        let changed: Vec<_> = versions(site.store()).await.into_iter().filter(|it| mounts[&it.0] != it.1).collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(process.complaints(), Vec::<String>::new());
    });
}
