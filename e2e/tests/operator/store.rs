//! A state store as a process, in place of the one that would run in a pod.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Reader, Record, StateStore, Version, Versioned, Writer};
use anabranch_testkit::net::free_address;
use anabranch_testkit::process::{Launch, Program};
use anabranch_testkit::scratch::Scratch;
use parking_lot::Mutex;

/// See the module.
pub struct Store {
    launch: Launch,
    program: Mutex<Program>,
    address: SocketAddr,
    _data: Scratch,
}

impl Store {
    /// Starts one on an address of its own.
    pub fn start() -> Self {
        Self::at(free_address().unwrap())
    }

    /// Starts one there.
    pub fn at(address: SocketAddr) -> Self {
        let data = Scratch::new("store").unwrap();
        let dir = data.path().display().to_string();
        let launch = Launch::new("anabranch-store").args(["--data", &dir, "--listen", &address.to_string()]);
        Self { program: Mutex::new(start(&launch)), launch, address, _data: data }
    }

    /// A client of it.
    pub fn open(&self) -> Arc<dyn StateStore> {
        Arc::new(GrpcStore::new(&ClientOptions::new([self.address.to_string()])).unwrap())
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.program.lock().kill().unwrap();
    }

    /// Starts it again where it was.
    pub fn restart(&self) {
        let mut program = self.program.lock();
        program.ignore_log();
        *program = start(&self.launch);
    }

    /// All records of a kind.
    pub async fn all<R: Record>(&self) -> Vec<Versioned<R>>
    where
        dyn StateStore: Reader<R>,
    {
        Reader::<R>::list(&*self.open()).await.unwrap().records
    }

    /// The mounts there, each as `path -> destinations`.
    pub async fn mounts(&self) -> Vec<String> {
        let shown = |record: MountEntry| {
            let to: Vec<String> =
                record.destinations.iter().map(|to| format!("{}{}", to.nameservice, to.path)).collect();
            format!("{} -> {}", record.source, to.join(","))
        };
        self.all::<MountEntry>().await.into_iter().map(|stored| shown(stored.record)).collect()
    }

    /// Writes a mount as someone who is not the operator.
    pub async fn mount(&self, path: &str, to: &str) {
        self.put(MountEntry::parse(path, [("ns0", to)]).unwrap()).await;
    }

    /// Writes an entry as someone who is not the operator.
    pub async fn put(&self, entry: MountEntry) {
        let stored = self.all::<MountEntry>().await.into_iter().find(|stored| stored.record.source == entry.source);
        let expected = stored.as_ref().map_or(Version::ABSENT, |stored| stored.version);
        // As our routers do, which keep the mark.
        let declared = stored.and_then(|stored| stored.record.declared);
        Writer::<MountEntry>::put(&*self.open(), MountEntry { declared, ..entry }, expected).await.unwrap();
    }
}

fn start(launch: &Launch) -> Program {
    let mut program = launch.start().unwrap();
    let listens = |line: &str| line.contains("state store is listening");
    program.wait_for("an address", Duration::from_secs(60), listens).unwrap();
    program
}
