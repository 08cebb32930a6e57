//! The way to the state stores of fleets: one connection each, and what the records there are.

mod mirror;
mod routers;
mod tables;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anabranch_api::{MountTable, RouterFleet, Subcluster};
use anabranch_federation::MountEntry;
use anabranch_store::grpc::{ClientError, ClientOptions};
use anabranch_store::zookeeper::{ZooKeeperError, ZooKeeperOptions};
use anabranch_store::{
    Backoff, DisabledNameservice, Event, GrpcStore, Membership, Reader, Record, RouterState, StateStore, StoreError,
    Watch, ZooKeeperStore,
};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use mirror::{Mirror, Seen};
pub use routers::Routers;
pub use tables::Mounts;

/// Where a fleet's records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// An `anabranch-store`.
    Server {
        /// `host:port`.
        endpoint: String,
    },
    /// A ZooKeeper ensemble.
    ZooKeeper {
        /// Its servers.
        address: String,
        /// The znode below which the records are.
        parent: String,
    },
}

/// Why there is no way to a store, whoever answers there.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Of an `anabranch-store`.
    #[error("{0}")]
    Server(#[from] ClientError),
    /// Of an ensemble.
    #[error("{0}")]
    ZooKeeper(#[from] ZooKeeperError),
}

impl StoreAddress {
    fn open(&self) -> Result<Arc<dyn StateStore>, AddressError> {
        Ok(match self {
            Self::Server { endpoint } => Arc::new(GrpcStore::new(&ClientOptions::new([endpoint.clone()]))?),
            Self::ZooKeeper { address, parent } => {
                Arc::new(ZooKeeperStore::open(ZooKeeperOptions::new(address)?.with_parent(parent)?)?)
            }
        })
    }
}

/// Objects to be looked at again, by kind.
#[derive(Clone)]
pub struct Triggers {
    /// Fleets.
    pub fleets: mpsc::Sender<ObjectRef<DeserializeGuard<RouterFleet>>>,
    /// MountTables.
    pub tables: mpsc::Sender<ObjectRef<DeserializeGuard<MountTable>>>,
    /// Subclusters, by their nameservice and the namespace of their fleet.
    pub subclusters: mpsc::Sender<ObjectRef<DeserializeGuard<Subcluster>>>,
}

/// The fleet at this end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FleetId {
    /// `metadata.uid`.
    pub uid: String,
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl FleetId {
    /// What its entries are marked with that a MountTable declares.
    pub fn mark(&self, namespace: &str, table: &str) -> String {
        format!("{}/{namespace}/{table}", self.uid)
    }

    /// The Kubernetes namespace and the name of the MountTable behind a mark of this fleet.
    pub fn unmark<'a>(&self, mark: &'a str) -> Option<(&'a str, &'a str)> {
        mark.strip_prefix(&*self.uid)?.strip_prefix('/')?.split_once('/')
    }
}

/// A connection to the store of one fleet. Ends when it is dropped.
pub struct Link {
    /// Whose it is.
    pub fleet: FleetId,
    /// Where it leads.
    pub address: StoreAddress,
    /// The store itself, for writing.
    pub store: Arc<dyn StateStore>,
    /// The mounts there.
    pub mounts: Arc<RwLock<Mounts>>,
    /// What routers say of themselves.
    pub routers: Arc<Routers>,
    /// What routers say of NameNodes.
    pub members: Arc<RwLock<Mirror<Membership>>>,
    /// Nameservices that are out of service.
    pub disabled: Arc<RwLock<Mirror<DisabledNameservice>>>,
    /// Why the store cannot be read; `None` when it can.
    pub trouble: watch::Receiver<Option<String>>,
    announced: AtomicBool,
    _tasks: JoinSet<()>,
}

/// Links by the fleet's uid.
pub struct Links {
    triggers: Triggers,
    open: Mutex<HashMap<String, Arc<Link>>>,
}

impl Links {
    /// None yet. What changes in a store is told to `triggers`.
    pub fn new(triggers: Triggers) -> Self {
        Self { triggers, open: Mutex::default() }
    }

    /// The link of a fleet, if there is one.
    pub fn get(&self, uid: &str) -> Option<Arc<Link>> {
        self.open.lock().get(uid).cloned()
    }

    /// The link of a fleet; a new one if there is none to this address.
    ///
    /// # Errors
    /// When the address is none.
    pub fn ensure(&self, fleet: &FleetId, address: &StoreAddress) -> Result<Arc<Link>, AddressError> {
        let mut open = self.open.lock();
        if let Some(link) = open.get(&fleet.uid).filter(|link| link.address == *address) {
            return Ok(link.clone());
        }
        let link = Arc::new(Link::open(fleet.clone(), address.clone(), &self.triggers)?);
        open.insert(fleet.uid.clone(), link.clone());
        Ok(link)
    }

    /// All links.
    pub fn all(&self) -> Vec<Arc<Link>> {
        self.open.lock().values().cloned().collect()
    }

    /// A MountTable should be looked at again.
    pub async fn tell_table(&self, table: ObjectRef<DeserializeGuard<MountTable>>) {
        // The receiver is gone when the operator ends.
        drop(self.triggers.tables.send(table).await);
    }

    /// Ends the links of fleets that are gone.
    pub fn retain(&self, alive: impl Fn(&FleetId) -> bool) {
        self.open.lock().retain(|_, link| alive(&link.fleet));
    }
}

impl Link {
    fn open(fleet: FleetId, address: StoreAddress, triggers: &Triggers) -> Result<Self, AddressError> {
        let store = address.open()?;
        let mut tasks = JoinSet::new();
        let (trouble, troubled) = watch::channel(Some("not read yet".to_owned()));
        let mounts = Arc::new(RwLock::new(Mounts::new(fleet.clone())));
        let routers = Arc::new(Routers::new(fleet.clone(), triggers.clone()));
        let members: Arc<RwLock<Mirror<Membership>>> = Arc::default();
        let disabled: Arc<RwLock<Mirror<DisabledNameservice>>> = Arc::default();

        let reading = Follower::new(&*store, Some(trouble));
        tasks.spawn(follow_mounts(reading, mounts.clone(), fleet.clone(), triggers.clone()));
        tasks.spawn(follow_routers(Follower::new(&*store, None), routers.clone()));
        let told = (triggers.subclusters.clone(), fleet.namespace.clone());
        let reading = Follower::new(&*store, None);
        tasks.spawn(follow_nameservices(reading, members.clone(), told.clone(), state_differs, served));
        let reading = Follower::new(&*store, None);
        tasks.spawn(follow_nameservices(reading, disabled.clone(), told, |_, _| false, out_of_service));
        Ok(Self {
            fleet,
            address,
            store,
            mounts,
            routers,
            members,
            disabled,
            trouble: troubled,
            announced: AtomicBool::default(),
            _tasks: tasks,
        })
    }
}

impl Link {
    /// Whether the store was read for the first time since this was asked last: everyone who waited for it may go on.
    pub fn is_new(&self) -> bool {
        self.mounts.read().complete() && !self.announced.swap(true, Ordering::Relaxed)
    }
}

async fn follow_mounts(
    mut events: Follower<MountEntry>,
    mounts: Arc<RwLock<Mounts>>,
    fleet: FleetId,
    triggers: Triggers,
) {
    loop {
        let event = events.next().await;
        let touched = mounts.write().take(event);
        tables::tell(&triggers, &fleet, touched).await;
    }
}

async fn follow_routers(mut events: Follower<RouterState>, routers: Arc<Routers>) {
    let follow = async {
        loop {
            routers.take(events.next().await).await;
        }
    };
    tokio::join!(follow, routers.expire());
}

/// Subclusters are told by nameservice: [`crate::triggers`] finds the objects.
async fn follow_nameservices<R: Record>(
    mut events: Follower<R>,
    mirror: Arc<RwLock<Mirror<R>>>,
    (triggers, namespace): (mpsc::Sender<ObjectRef<DeserializeGuard<Subcluster>>>, String),
    differ: fn(&R, &R) -> bool,
    nameservice: fn(&R) -> &str,
) {
    loop {
        let event = events.next().await;
        let changed = mirror.write().take(event, differ);
        for record in changed {
            // The receiver is gone when the operator ends.
            drop(triggers.send(ObjectRef::new(nameservice(&record)).within(&namespace)).await);
        }
    }
}

fn state_differs(old: &Membership, new: &Membership) -> bool {
    old.state() != new.state()
}

fn served(record: &Membership) -> &str {
    record.message().nameservice_id()
}

fn out_of_service(record: &DisabledNameservice) -> &str {
    record.nameservice()
}

/// The events of a store, however long it is away.
struct Follower<R> {
    watch: Box<dyn Watch<R>>,
    backoff: Backoff,
    /// Why the store cannot be read, for whoever wants to know.
    trouble: Option<watch::Sender<Option<String>>>,
}

impl<R: Record> Follower<R> {
    fn new(store: &(impl Reader<R> + ?Sized), trouble: Option<watch::Sender<Option<String>>>) -> Self {
        Self { watch: store.watch(None), backoff: Backoff::default(), trouble }
    }

    async fn next(&mut self) -> Event<R> {
        loop {
            match self.watch.next().await {
                Ok(event) => {
                    self.backoff.reset();
                    if let Some(trouble) = &self.trouble {
                        trouble.send_if_modified(|known| known.take().is_some());
                    }
                    return event;
                }
                Err(error) => {
                    self.note(&error);
                    let pause = self.backoff.pause();
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn note(&self, error: &StoreError) {
        let Some(trouble) = &self.trouble else { return };
        trouble.send_if_modified(|known| {
            let first = known.is_none();
            *known = Some(error.to_string());
            if first {
                tracing::warn!(%error, "a state store cannot be read; trying again");
            }
            first
        });
    }
}
