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

use crate::link::Links;
use crate::metrics::Metrics;
use crate::names::{MANAGER, PAUSED};

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
    /// The state stores of fleets.
    pub links: Links,
    /// Images of the programs that it runs.
    pub images: Images,
    /// What is counted.
    pub metrics: Metrics,
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
}

impl Context {
    /// Reports events as `instance`.
    pub fn new(client: Client, stores: Stores, links: Links, images: Images, metrics: Metrics, instance: &str) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(instance.to_owned()) };
        let recorder = Recorder::new(client.clone(), reporter);
        let Stores { fleets, tables, subclusters, namespaces } = stores;
        Self { client, fleets, tables, subclusters, namespaces, links, images, metrics, recorder }
    }

    /// A fleet.
    pub fn fleet(&self, namespace: &str, name: &str) -> Option<Arc<Guarded<RouterFleet>>> {
        self.fleets.get(&ObjectRef::new(name).within(namespace))
    }

    /// Tells of conditions that changed, as events of the object. What is lost is lost: events are for people who look.
    pub async fn tell<K>(&self, object: &K, before: &[Condition], after: &[Condition], bad: &[(&str, ConditionStatus)])
    where
        K: Resource<DynamicType = ()>,
    {
        for condition in after {
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

/// How long until an object is looked at again when nothing tells of a change.
pub const RESYNC: Duration = Duration::from_secs(60);
