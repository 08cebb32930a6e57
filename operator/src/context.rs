//! What every reconciliation is given.

use std::sync::Arc;
use std::time::Duration;

use anabranch_api::{Condition, ConditionStatus, MountTable, RouterFleet, Subcluster};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PartialObjectMeta;
use kube::core::DeserializeGuard;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, Resource, ResourceExt};

use crate::control::Setup;
use crate::index::Index;
use crate::link::{FleetId, Links};
use crate::metrics::Metrics;
use crate::names::{MANAGER, PAUSED};
use crate::triggers;
use crate::watches::Listing;

/// An object as a watch tells of it: one that cannot be read does not end the watch.
pub type Guarded<K> = DeserializeGuard<K>;

/// What every reconciliation is given.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// Every RouterFleet.
    pub fleets: Store<Guarded<RouterFleet>>,
    /// Every MountTable.
    pub tables: Store<Guarded<MountTable>>,
    /// Every Subcluster.
    pub subclusters: Store<Guarded<Subcluster>>,
    /// Every Kubernetes namespace, for its labels; empty where the operator sees one only.
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
    /// Subclusters by nameservice.
    pub nameservices: Arc<Index<Subcluster>>,
    /// Whether all of these were listed.
    pub listing: Listing,
    /// The state stores of fleets.
    pub links: Links,
    /// Images of the programs that it runs.
    pub images: Images,
    /// The Kubernetes namespace of the operator itself.
    pub home: String,
    /// Which cluster this is.
    pub cluster: String,
    /// What is counted.
    pub metrics: Metrics,
    /// How long until an object is looked at again when nothing tells of a change.
    pub resync: Duration,
    recorder: Recorder,
}

/// Images of the programs that an operator runs, where an object names none.
#[derive(Debug, Clone)]
pub struct Images {
    /// `anabranch-router`.
    pub router: String,
    /// `anabranch-store`.
    pub store: String,
    /// `anabranch-namespace`.
    pub namespace: String,
    /// When they are pulled: `Always`, `IfNotPresent` or `Never`.
    pub pull_policy: String,
}

/// Where the objects of a [`Context`] come from.
pub struct Stores {
    /// Every RouterFleet.
    pub fleets: Store<Guarded<RouterFleet>>,
    /// Every MountTable.
    pub tables: Store<Guarded<MountTable>>,
    /// Every Subcluster.
    pub subclusters: Store<Guarded<Subcluster>>,
    /// Every Kubernetes namespace.
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
    /// Subclusters by nameservice.
    pub nameservices: Arc<Index<Subcluster>>,
    /// Whether all of these were listed.
    pub listing: Listing,
}

impl Context {
    /// Looks at what `setup` names.
    pub fn new(setup: &Setup, stores: Stores, links: Links) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(setup.identity.clone()) };
        let recorder = Recorder::new(setup.client.clone(), reporter);
        let Stores { fleets, tables, subclusters, namespaces, nameservices, listing } = stores;
        let Setup { client, images, home, cluster, metrics, resync, .. } = setup.clone();
        Self {
            client,
            fleets,
            tables,
            subclusters,
            namespaces,
            nameservices,
            listing,
            links,
            images,
            home,
            cluster,
            metrics,
            resync,
            recorder,
        }
    }

    /// A fleet.
    pub fn fleet(&self, namespace: &str, name: &str) -> Option<Arc<Guarded<RouterFleet>>> {
        self.fleets.get(&ObjectRef::new(name).within(namespace))
    }

    /// Whether a fleet is there, and not about to go.
    pub fn stays(&self, fleet: &FleetId) -> bool {
        let found = self.fleet(&fleet.namespace, &fleet.name);
        let same = found.filter(|found| found.uid().as_deref() == Some(&*fleet.uid));
        same.is_some_and(|found| found.meta().deletion_timestamp.is_none())
    }

    /// Ends the links of fleets that are gone. An ensemble stays when a fleet goes, so the link to it lasts until the fleet's
    /// MountTables that go as well have removed what they have there.
    pub fn end_links(&self) {
        let fleets = self.fleets.state();
        let here = |fleet: &FleetId| fleets.iter().any(|known| known.uid().as_deref() == Some(&*fleet.uid));
        let leaves = |fleet: &FleetId, table: &Guarded<MountTable>| {
            let Ok(table) = &table.0 else { return false };
            let goes = table.metadata.deletion_timestamp.is_some();
            goes && triggers::is_of(table, &fleet.namespace, &fleet.name)
        };
        let awaited = |fleet: &FleetId| fleet.shared && self.tables.state().iter().any(|table| leaves(fleet, table));
        self.links.retain(|fleet| here(fleet) || awaited(fleet));
        self.links.forget(|uid| fleets.iter().any(|known| known.uid().as_deref() == Some(uid)));
    }

    /// Whether it is not known yet what the store of a fleet holds, though it soon will be: see [`Links::is_pending`].
    pub fn awaits(&self, fleet: &Guarded<RouterFleet>) -> bool {
        let stays = fleet.0.is_ok() && fleet.meta().deletion_timestamp.is_none();
        stays && fleet.uid().is_some_and(|uid| self.links.is_pending(&uid))
    }

    /// Tells of conditions that changed, as events of the object. What is lost is lost: events are for people who look.
    pub async fn tell<K>(&self, object: &K, before: &[Condition], after: &[Condition], bad: &[(&str, ConditionStatus)])
    where
        K: Resource<DynamicType = ()>,
    {
        // What sums up others is told by them.
        let sums_up = |condition: &Condition| condition.kind == "Ready" && bad.iter().all(|(kind, _)| *kind != "Ready");
        for condition in after.iter().filter(|condition| !sums_up(condition)) {
            let same = |old: &&Condition| old.kind == condition.kind;
            let old = before.iter().find(same);
            let worth = match old {
                Some(old) => (old.status, &old.reason) != (condition.status, &condition.reason),
                // What holds from the start and is no trouble is no news.
                None => true,
            };
            let is_bad = bad.contains(&(condition.kind.as_str(), condition.status));
            if !worth || (old.is_none() && !is_bad && condition.status != ConditionStatus::True) {
                continue;
            }
            let event = Event {
                type_: if is_bad { EventType::Warning } else { EventType::Normal },
                reason: condition.reason.clone(),
                note: Some(short(&condition.message)),
                action: condition.kind.clone(),
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, &object.object_ref(&())).await {
                tracing::debug!(%error, object = object.name_any(), "an event was not recorded");
            }
        }
    }
}

/// A note of at most a kilobyte.
fn short(message: &str) -> String {
    message[..message.floor_char_boundary(1000)].to_owned()
}

/// Whether an object should be left alone.
pub fn is_paused(object: &impl ResourceExt) -> bool {
    object.annotations().get(PAUSED).is_some_and(|paused| paused == "true")
}
