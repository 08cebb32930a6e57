//! A router with a state store over fake NameNodes, and administrators of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{CallId, ClientError, ConnectOptions, Connection, Exception, Identity, Payload, Request, wire};
use anabranch_router::config::{AdminConfig, HeartbeatConfig, ProxyUsers};
use anabranch_router::{Router, RouterConfig, RunningRouter, Runtimes, Sources, trusted};
use anabranch_store::{
    Answer, JournalStore, Reader, Record, Refusal, Revision, Snapshot, StateStore, StoreError, Version, Watch, Write,
    Writer, feed,
};
use anabranch_telemetry::{Build, Metrics, Readiness};
use anabranch_testkit::fake_namenode::{FakeNamenode, PATIENCE};
use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use tokio::time::Instant;

use crate::forwarding::{self, Client};

const ROUTER: &str = "org.apache.hadoop.hdfs.protocolPB.RouterAdminProtocol";

pub struct Rig {
    pub router: RunningRouter,
    pub readiness: Readiness,
    pub metrics: Metrics,
    pub store: Store,
    /// `ns0` and `ns1`, whose every path exists.
    pub namenodes: [FakeNamenode; 2],
}

/// What tests change of the configuration.
pub fn config(namenodes: &[FakeNamenode; 2]) -> RouterConfig {
    let [ns0, ns1] = [namenodes[0].address, namenodes[1].address];
    let plain = forwarding::config(&[("ns0", &[ns0]), ("ns1", &[ns1])]);
    RouterConfig {
        superuser: "root".into(),
        default_nameservice: Some("ns0".into()),
        proxy_users: ProxyUsers {
            groups: vec![("ann".into(), vec!["staff".into()]), ("sue".into(), vec!["supergroup".into()])],
            ..ProxyUsers::default()
        },
        admin: AdminConfig { address: Some(([127, 0, 0, 1], 0).into()), ..AdminConfig::default() },
        // Tests count what administrators write.
        heartbeat: HeartbeatConfig { router: false, ..HeartbeatConfig::default() },
        ..plain
    }
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut RouterConfig), sources: impl FnOnce(&mut Sources)) -> Self {
        let namenodes = [forwarding::namenode("BP-0", "hdfs").await, forwarding::namenode("BP-1", "hdfs").await];
        let mut config = config(&namenodes);
        change(&mut config);
        let store = Store::default();
        let (metrics, readiness) = (Metrics::new(Build::of("0", None)).unwrap(), Readiness::new());
        let mounts = trusted(feed(&store, Some("ns0".parse().unwrap())), config.safe_mode.staleness());
        let shared: Arc<dyn StateStore> = Arc::new(store.clone());
        let mut given = Sources { store: Some(shared), ..Sources::from(mounts) };
        sources(&mut given);
        let router = Router::start(config, given, &metrics, &readiness, &Runtimes::current()).await.unwrap();
        Self { router, readiness, metrics, store, namenodes }
    }

    /// Started, and ready.
    pub async fn ready() -> Self {
        let rig = Self::start().await;
        rig.readiness.wait_ready().await;
        rig
    }

    pub async fn admin(&self, user: &str) -> Administrator {
        self.admin_as(Identity::simple(user), ROUTER).await
    }

    pub async fn admin_as(&self, identity: Identity, protocol: &'static str) -> Administrator {
        let options = ConnectOptions::default();
        let connection =
            Connection::open(self.router.admin_addr.unwrap(), &identity, protocol, &options).await.unwrap();
        Administrator { connection, protocol, next: AtomicI32::new(0) }
    }

    pub async fn client(&self, user: &str) -> Client {
        Client::connect(self.router.rpc_addr, Identity::simple(user)).await
    }

    pub fn pending(&self) -> Vec<String> {
        self.readiness.pending().iter().map(ToString::to_string).collect()
    }
}

pub struct Administrator {
    connection: Connection,
    protocol: &'static str,
    next: AtomicI32,
}

impl Administrator {
    pub async fn call<R: Message + Default>(
        &self,
        method: &'static str,
        request: impl Message,
    ) -> Result<R, Exception> {
        let call_id = self.next.fetch_add(1, Ordering::Relaxed);
        let request = Request {
            id: CallId { client_id: Bytes::from_static(forwarding::CLIENT_ID), call_id, retry_count: 0 },
            method: method.into(),
            protocol: self.protocol,
            version: 1,
            caller_context: None,
            payload: Payload::message(&request),
            deadline: Instant::now() + PATIENCE,
        };
        match self.connection.call(request).await {
            Ok(reply) => Ok(R::decode(wire::take_delimited(&mut &reply[..]).unwrap()).unwrap()),
            Err(ClientError::Remote(exception) | ClientError::Fatal(exception)) => Err(exception),
            Err(other) => panic!("{method}: {other}"),
        }
    }

    pub async fn add(&self, entry: pb::MountTableRecordProto) -> Result<bool, Exception> {
        let request = pb::AddMountTableEntryRequestProto { entry: Some(entry) };
        Ok(self.call::<pb::AddMountTableEntryResponseProto>("addMountTableEntry", request).await?.status())
    }

    pub async fn add_all(&self, entry: Vec<pb::MountTableRecordProto>) -> Result<(bool, Vec<String>), Exception> {
        let request = pb::AddMountTableEntriesRequestProto { entry };
        let answer: pb::AddMountTableEntriesResponseProto = self.call("addMountTableEntries", request).await?;
        Ok((answer.status(), answer.failed_entries_keys))
    }

    pub async fn update(&self, entry: pb::MountTableRecordProto) -> Result<bool, Exception> {
        let request = pb::UpdateMountTableEntryRequestProto { entry: Some(entry) };
        Ok(self.call::<pb::UpdateMountTableEntryResponseProto>("updateMountTableEntry", request).await?.status())
    }

    pub async fn remove(&self, source: &str) -> Result<bool, Exception> {
        let request = pb::RemoveMountTableEntryRequestProto { src_path: Some(source.into()) };
        Ok(self.call::<pb::RemoveMountTableEntryResponseProto>("removeMountTableEntry", request).await?.status())
    }

    pub async fn entries(&self, path: &str) -> Result<Vec<pb::MountTableRecordProto>, Exception> {
        let request = pb::GetMountTableEntriesRequestProto { src_path: Some(path.into()) };
        Ok(self.call::<pb::GetMountTableEntriesResponseProto>("getMountTableEntries", request).await?.entries)
    }

    pub async fn sources(&self, path: &str) -> Vec<String> {
        self.entries(path).await.unwrap().into_iter().filter_map(|entry| entry.src_path).collect()
    }
}

/// An entry as the command line makes it.
pub fn entry(source: &str, destinations: &[(&str, &str)]) -> pb::MountTableRecordProto {
    let destination = |(nameservice, path): &(&str, &str)| pb::RemoteLocationProto {
        nameservice_id: Some(nameservice.to_string()),
        path: Some(path.to_string()),
    };
    pb::MountTableRecordProto {
        src_path: Some(source.into()),
        destinations: destinations.iter().map(destination).collect(),
        date_created: Some(5),
        date_modified: Some(5),
        ..Default::default()
    }
}

pub fn owned(source: &str, owner: &str, mode: i32) -> pb::MountTableRecordProto {
    let plain = entry(source, &[("ns0", "/d")]);
    pb::MountTableRecordProto { owner_name: Some(owner.into()), mode: Some(mode), ..plain }
}

/// A store in memory that can be disturbed.
#[derive(Clone)]
pub struct Store {
    pub inner: JournalStore,
    trouble: Arc<Mutex<Trouble>>,
    /// How many writes of mounts were asked for.
    pub writes: Arc<AtomicUsize>,
    /// The kinds of the watches that were begun.
    pub watches: Arc<Mutex<Vec<&'static str>>>,
}

/// What happens to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// All fail, and nothing is done.
    Away,
    /// Writes are done, and fail all the same.
    Unsure,
    /// Writes are refused, as beside a client.
    ReadOnly,
    /// Somebody else removes the mount that is to be changed, so many times, just before.
    Overtaken(usize),
}

impl Default for Store {
    fn default() -> Self {
        Self {
            inner: JournalStore::in_memory(),
            trouble: Arc::new(Mutex::new(Trouble::None)),
            writes: Arc::default(),
            watches: Arc::default(),
        }
    }
}

impl Store {
    pub fn disturb(&self, trouble: Trouble) {
        *self.trouble.lock() = trouble;
    }

    fn away() -> StoreError {
        StoreError::Journal(anabranch_journal::Error::Storage("the store is away".into()))
    }

    async fn overtake(&self, key: &str) {
        let snapshot: Snapshot<MountEntry> = self.inner.list().await.unwrap();
        let mut entry = MountEntry::parse(key, [("ns1", "/other")]).unwrap();
        let found = snapshot.records.iter().find(|stored| stored.record.key() == key);
        entry.modified_ms = found.map_or(1, |stored| stored.version.0);
        let expected = found.map_or(Version::ABSENT, |stored| stored.version);
        let write = Write::Put { record: entry, expected };
        self.inner.write(vec![write]).await.unwrap().remove(0).unwrap();
    }
}

impl<R: Record> Reader<R> for Store
where
    JournalStore: Reader<R>,
{
    fn list(&self) -> Answer<'_, Snapshot<R>> {
        match *self.trouble.lock() {
            Trouble::Away => Box::pin(async { Err(Self::away()) }),
            _ => self.inner.list(),
        }
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>> {
        self.watches.lock().push(R::KIND);
        Box::new(Disturbed { store: self.clone(), watch: self.inner.watch(from), lost: false })
    }
}

struct Disturbed<R> {
    store: Store,
    watch: Box<dyn Watch<R>>,
    lost: bool,
}

impl<R: Record> Watch<R> for Disturbed<R>
where
    JournalStore: Reader<R>,
{
    fn next(&mut self) -> Answer<'_, anabranch_store::Event<R>> {
        Box::pin(async move {
            loop {
                if *self.store.trouble.lock() == Trouble::Away {
                    self.lost = true;
                    return Err(Store::away());
                }
                if std::mem::take(&mut self.lost) {
                    self.watch = self.store.inner.watch(None);
                }
                // As a session that is lost: it shows within a moment, not at the next change.
                tokio::select! {
                    event = self.watch.next() => return event,
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
            }
        })
    }
}

impl<R: Record> Writer<R> for Store
where
    JournalStore: Writer<R>,
{
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        Box::pin(async move {
            self.writes.fetch_add(1, Ordering::Relaxed);
            let trouble = *self.trouble.lock();
            match trouble {
                Trouble::Away => return Err(Self::away()),
                Trouble::ReadOnly => return Err(StoreError::ReadOnly("this address is read-only".into())),
                Trouble::Overtaken(times) if times > 0 => {
                    self.disturb(Trouble::Overtaken(times - 1));
                    for change in &changes {
                        self.overtake(change.key()).await;
                    }
                }
                _ => {}
            }
            let answers = self.inner.write(changes).await;
            if trouble == Trouble::Unsure { Err(Self::away()) } else { answers }
        })
    }
}
