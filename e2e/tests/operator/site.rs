//! A Kubernetes namespace with a state store behind the fleet `main` in it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anabranch_operator::{AddressError, Dial, StoreAddress};
use anabranch_store::StateStore;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::rig::Rig;
use crate::store::Store;

/// How long anything may take to come about, on machines that are busy otherwise.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// See the module. Further fleets, and fleets in other namespaces, have stores of their own.
pub struct Site {
    /// The API server.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// Stores by the host that the operator knows.
    pub stores: HashMap<String, Arc<Store>>,
}

impl Site {
    /// A new one.
    pub async fn new(rig: &Rig, name: &str) -> Self {
        let mut site = Self { client: rig.client.clone(), namespace: rig.fresh(name), stores: HashMap::new() };
        site.namespace(&site.namespace, json!({})).await;
        site.add_store("main", &site.namespace.clone());
        site
    }

    /// Creates a namespace with labels.
    pub async fn namespace(&self, name: &str, labels: Value) {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            labels: serde_json::from_value(labels).unwrap(),
            ..ObjectMeta::default()
        };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    }

    /// Starts a store for a fleet.
    pub fn add_store(&mut self, fleet: &str, namespace: &str) {
        self.stores.insert(host(fleet, namespace), Arc::new(Store::start()));
    }

    /// Starts a store for a fleet of this namespace at an address.
    pub fn add_store_at(&mut self, fleet: &str, address: SocketAddr) {
        self.stores.insert(host(fleet, &self.namespace), Arc::new(Store::at(address)));
    }

    /// The store of the fleet `main`.
    pub fn store(&self) -> &Store {
        &self.stores[&host("main", &self.namespace)]
    }

    /// The store of a fleet.
    pub fn store_of(&self, fleet: &str, namespace: &str) -> &Store {
        &self.stores[&host(fleet, namespace)]
    }

    /// The way of an operator to the stores.
    pub fn dial(&self, cut: &Cut) -> Dial {
        let (stores, cut) = (self.stores.clone(), cut.clone());
        Arc::new(move |address: &StoreAddress| -> Result<Arc<dyn StateStore>, AddressError> {
            match address {
                StoreAddress::Server { endpoint } if stores.contains_key(endpoint) => {
                    Ok(cut.store(stores[endpoint].open()))
                }
                // Of a fleet that another case left.
                _ => address.open(),
            }
        })
    }

    /// Objects of a kind in a namespace.
    pub fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &resource(kind))
    }

    /// Applies an object of this namespace, as a user would.
    pub async fn apply(&self, kind: &str, name: &str, spec: Value) -> DynamicObject {
        self.apply_in(&self.namespace, kind, name, spec).await
    }

    /// Applies an object.
    pub async fn apply_in(&self, namespace: &str, kind: &str, name: &str, spec: Value) -> DynamicObject {
        let ApiResource { api_version, .. } = resource(kind);
        let manifest = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name }, "spec": spec });
        let parameters = PatchParams::apply("test").force();
        self.api(kind, namespace).patch(name, &parameters, &Patch::Apply(manifest)).await.unwrap()
    }

    /// Merges into the metadata of an object.
    pub async fn annotate(&self, kind: &str, name: &str, annotations: Value) {
        let patch = json!({ "metadata": { "annotations": annotations } });
        self.api(kind, &self.namespace).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Deletes an object.
    pub async fn delete(&self, kind: &str, name: &str) {
        self.api(kind, &self.namespace).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// An object of this namespace, if it is there.
    pub async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let found = self.api(kind, &self.namespace).get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// The objects of a kind, all or those that the operator made.
    pub async fn list(&self, kind: &str, selector: &str) -> Vec<Value> {
        let found = self.api(kind, &self.namespace).list(&ListParams::default().labels(selector)).await.unwrap();
        found.items.into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
    }

    /// Waits until a condition of an object of this namespace, at its newest generation, is as `status/reason`.
    pub async fn condition(&self, kind: &str, name: &str, condition: &str, expected: &str) {
        until(&format!("{kind} {name}: {condition} is {expected}"), async || {
            let object = self.get(kind, name).await.ok_or("it is not there")?;
            let found = said(&object, condition);
            if found == expected { Ok(()) } else { Err(format!("{found} in {}", object["status"])) }
        })
        .await;
    }

    /// An object that the operator has not looked at as it is now.
    pub async fn late(&self) -> Option<String> {
        for kind in ["RouterFleet", "MountTable", "Subcluster"] {
            for object in self.list(kind, "").await {
                if object["status"]["observedGeneration"] != object["metadata"]["generation"] {
                    return Some(format!("{kind} {}: {}", object["metadata"]["name"], object["status"]));
                }
            }
        }
        None
    }

    /// Waits until the operator has looked at all objects as they are now.
    pub async fn observed(&self) {
        until("everything is looked at", async || self.late().await.map_or(Ok(()), Err)).await;
    }

    /// Waits until the store of the fleet `main` has these mounts, as [`Store::mounts`] shows them.
    pub async fn mounts(&self, expected: &[&str]) {
        has(self.store(), expected).await;
    }
}

/// Waits until a store has these mounts.
pub async fn has(store: &Store, expected: &[&str]) {
    until("mounts", async || {
        let found = store.mounts().await;
        if found == expected { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
    })
    .await;
}

/// A condition as `status/reason`, empty if it is older than the object.
fn said(object: &Value, condition: &str) -> String {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.into_iter().flatten().find(|it| it["type"] == condition);
    let current = found.filter(|it| it["observedGeneration"] == object["metadata"]["generation"]);
    let text = |key: &str| current.and_then(|it| it[key].as_str()).unwrap_or_default();
    format!("{}/{}", text("status"), text("reason"))
}

fn host(fleet: &str, namespace: &str) -> String {
    format!("{fleet}-store.{namespace}.svc:8890")
}

/// Waits until something holds; what is wrong if it never does.
pub async fn until<T, E: std::fmt::Display>(what: &str, mut holds: impl AsyncFnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match holds().await {
            Ok(found) => return found,
            Err(error) if Instant::now() > end => panic!("{what}: not after {PATIENCE:?}: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The kinds that the operator knows: group and version, plural.
pub const KINDS: [(&str, &str, &str); 11] = [
    ("RouterFleet", "anabranch.io/v1alpha1", "routerfleets"),
    ("MountTable", "anabranch.io/v1alpha1", "mounttables"),
    ("Subcluster", "anabranch.io/v1alpha1", "subclusters"),
    ("ServiceAccount", "v1", "serviceaccounts"),
    ("ConfigMap", "v1", "configmaps"),
    ("Service", "v1", "services"),
    ("StatefulSet", "apps/v1", "statefulsets"),
    ("Deployment", "apps/v1", "deployments"),
    ("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    ("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
    ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
];

fn resource(kind: &str) -> ApiResource {
    let (kind, api_version, plural) = KINDS.into_iter().find(|(known, ..)| *known == kind).unwrap();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}
