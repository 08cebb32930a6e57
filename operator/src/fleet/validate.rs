//! A fleet that can be built.

use anabranch_api::{FleetSettings, RouterFleet, RouterFleetSpec, StateStoreType, SubclusterSettings};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};

use super::dereference::Found;
use crate::child::Owner;
use crate::link::StoreAddress;
use crate::names::{self, MAX_NAME, port};

/// A fleet that can be built.
#[derive(Debug, Clone)]
pub struct Validated {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The reference by which the cluster collects what belongs to it.
    pub owner: OwnerReference,
    /// What it says.
    pub spec: RouterFleetSpec,
    /// What that means.
    pub settings: FleetSettings,
    /// The subclusters that it serves, with the names of their objects.
    pub subclusters: Vec<(String, SubclusterSettings)>,
    /// Where its records are.
    pub store: StoreAddress,
    /// What keeps some Subclusters out.
    pub left_out: Vec<String>,
}

impl Validated {
    /// Whose everything is that is made for it.
    pub fn owner(&self) -> Owner<'_> {
        Owner { namespace: &self.namespace, instance: &self.name, reference: &self.owner }
    }

    /// Where its records are for those who may read only. An ensemble has its own ways to tell who may write.
    pub fn readable(&self) -> StoreAddress {
        match &self.store {
            StoreAddress::Server { .. } => server(&self.namespace, &self.name, port::STORE_READERS),
            ensemble @ StoreAddress::ZooKeeper { .. } => ensemble.clone(),
        }
    }

    /// Where administrators reach its routers.
    pub fn administration(&self) -> String {
        format!("{}:{}", names::host(&self.name, &self.namespace), self.settings.admin_address.port())
    }
}

/// Checks a fleet with its Subclusters. A Subcluster that breaks a rule is left out, and the others are served.
///
/// # Errors
/// Everything that is wrong with the fleet itself.
pub fn validate(fleet: &RouterFleet, found: &Found) -> Result<Validated, Vec<String>> {
    let (namespace, name) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
    let mut problems = Vec::new();
    if name.len() > MAX_NAME {
        problems.push(format!("metadata.name: {name:?} has {} characters; expected at most {MAX_NAME}", name.len()));
    }
    let settings = fleet.spec.to_settings().map_err(|errors| {
        let errors = errors.iter().map(ToString::to_string);
        problems.iter().cloned().chain(errors).collect::<Vec<_>>()
    })?;
    let addresses = [settings.rpc_address, settings.admin_address, settings.http_address];
    if let Some(address) = addresses.iter().find(|address| !address.ip().is_unspecified()) {
        problems.push(format!("spec.listen: {address} cannot be reached from other pods; expected 0.0.0.0 or [::]"));
    }
    let owner = fleet.controller_owner_ref(&()).ok_or_else(|| vec!["metadata.uid is missing".to_owned()])?;
    if !problems.is_empty() {
        return Err(problems);
    }
    let (subclusters, left_out) = subclusters(found);
    let store = store(fleet, &namespace, &name);
    let spec = fleet.spec.clone();
    Ok(Validated { namespace, name, owner, spec, settings, subclusters, store, left_out })
}

fn subclusters(found: &Found) -> (Vec<(String, SubclusterSettings)>, Vec<String>) {
    let (mut subclusters, mut left_out): (Vec<(String, SubclusterSettings)>, Vec<String>) = Default::default();
    for object in found.subclusters.iter().filter_map(|object| object.0.as_ref().ok()) {
        let name = object.name_any();
        match object.spec.to_settings() {
            Ok(settings) => match subclusters.iter().find(|(_, known)| known.nameservice == settings.nameservice) {
                Some((other, _)) => left_out.push(format!(
                    "Subcluster {name}: its nameserviceId {} is that of Subcluster {other}",
                    settings.nameservice
                )),
                None => subclusters.push((name, settings)),
            },
            Err(errors) => left_out.extend(errors.iter().map(|error| format!("Subcluster {name}: {error}"))),
        }
    }
    (subclusters, left_out)
}

fn store(fleet: &RouterFleet, namespace: &str, name: &str) -> StoreAddress {
    match (fleet.spec.state_store.kind, &fleet.spec.state_store.zookeeper) {
        (StateStoreType::ZooKeeper, Some(zookeeper)) => {
            StoreAddress::ZooKeeper { address: zookeeper.address.clone(), parent: zookeeper.parent_path.clone() }
        }
        // The rules leave no other case.
        _ => server(namespace, name, port::STORE),
    }
}

fn server(namespace: &str, name: &str, port: i32) -> StoreAddress {
    StoreAddress::Server { endpoint: format!("{}:{port}", names::host(&names::store(name), namespace)) }
}
