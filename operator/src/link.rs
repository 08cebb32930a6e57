//! The way to the state stores of fleets: one connection each, and what the records there are.

mod address;
mod fleet;
mod follow;
mod members;
mod mirror;
mod routers;
mod tables;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anabranch_api::{MountTable, RouterFleet, Subcluster};
use anabranch_store::{DisabledNameservice, Membership, StateStore};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use address::{AddressError, Dial, StoreAddress};
pub use fleet::FleetId;
use follow::Follower;
pub use members::Members;
pub use mirror::{Mirror, Seen};
pub use routers::Routers;
pub use tables::Mounts;

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
    pub members: Arc<RwLock<Members>>,
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
    dial: Dial,
    open: Mutex<HashMap<String, Arc<Link>>>,
    /// Fleets, by uid, that have none for a reason.
    refused: Mutex<HashSet<String>>,
}

/// The trouble of a store that was not asked yet.
const UNREAD: &str = "not read yet";

/// How soon to look again while it is not known what a store holds.
pub const SOON: Duration = Duration::from_millis(250);

impl Links {
    /// None yet. Stores are reached by `dial`; what changes in one is told to `triggers`.
    pub fn new(triggers: Triggers, dial: Dial) -> Self {
        Self { triggers, dial, open: Mutex::default(), refused: Mutex::default() }
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
        let link = Arc::new(Link::open(fleet.clone(), address.clone(), &self.triggers, &self.dial)?);
        open.insert(fleet.uid.clone(), link.clone());
        self.refused.lock().remove(&fleet.uid);
        Ok(link)
    }

    /// Notes that a fleet has no link, and will not have one as it is; whether that is news.
    pub fn refuse(&self, uid: &str) -> bool {
        self.get(uid).is_none() && self.refused.lock().insert(uid.to_owned())
    }

    /// Whether it is not known yet what the store of a fleet holds, nor that it cannot be known: the time for news has not
    /// come.
    pub fn is_pending(&self, uid: &str) -> bool {
        match self.get(uid) {
            Some(link) => link.is_pending(),
            None => !self.refused.lock().contains(uid),
        }
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

    /// The fleet at the end of a link should be looked at again.
    pub async fn tell_fleet(&self, fleet: &FleetId) {
        // The receiver is gone when the operator ends.
        drop(self.triggers.fleets.send(ObjectRef::new(&fleet.name).within(&fleet.namespace)).await);
    }

    /// Ends all links but those of these fleets.
    pub fn retain(&self, stays: impl Fn(&FleetId) -> bool) {
        self.open.lock().retain(|_, link| stays(&link.fleet));
    }

    /// Forgets that fleets had none, but for these, by uid.
    pub fn forget(&self, stays: impl Fn(&str) -> bool) {
        self.refused.lock().retain(|uid| stays(uid));
    }
}

impl Link {
    fn open(fleet: FleetId, address: StoreAddress, triggers: &Triggers, dial: &Dial) -> Result<Self, AddressError> {
        let store = dial(&address)?;
        let mut tasks = JoinSet::new();
        let (trouble, troubled) = watch::channel(Some(UNREAD.to_owned()));
        let mounts = Arc::new(RwLock::new(Mounts::new(fleet.clone())));
        let routers = Arc::new(Routers::new(fleet.clone(), triggers.clone()));
        let members: Arc<RwLock<Members>> = Arc::default();
        let disabled: Arc<RwLock<Mirror<DisabledNameservice>>> = Arc::default();

        let reading = Follower::new(&*store, Some(trouble));
        tasks.spawn(follow::mounts(reading, mounts.clone(), fleet.clone(), triggers.clone()));
        tasks.spawn(follow::routers(Follower::new(&*store, None), routers.clone()));
        let told = (triggers.subclusters.clone(), fleet.namespace.clone());
        let (reports, out) = (members.clone(), disabled.clone());
        tasks.spawn(follow::nameservices::<Membership>(
            Follower::new(&*store, None),
            move |event| reports.write().take(event),
            |report| report.message().nameservice_id(),
            told.clone(),
        ));
        tasks.spawn(follow::nameservices::<DisabledNameservice>(
            Follower::new(&*store, None),
            move |event| out.write().take(event, |_, _| false),
            DisabledNameservice::nameservice,
            told,
        ));
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

    /// See [`Links::is_pending`].
    pub fn is_pending(&self) -> bool {
        match self.trouble.borrow().as_deref() {
            Some(trouble) => trouble == UNREAD,
            None => !(self.routers.complete() && self.members.read().complete() && self.disabled.read().complete),
        }
    }

    /// Whether the store was read for the first time since this was asked last: everyone who waited for it may go on.
    pub fn is_new(&self) -> bool {
        self.mounts.read().complete() && !self.announced.swap(true, Ordering::Relaxed)
    }
}
