//! Everything that a MountTable refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anabranch_api::{MountTable, RouterFleet};
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use crate::context::{Context, Guarded};
use crate::link::Link;
use crate::triggers;

/// What was found.
pub struct Found {
    /// The fleet that serves the mounts, or why there is none.
    pub fleet: Result<Arc<Guarded<RouterFleet>>, String>,
    /// The way to its store, once the fleet has one.
    pub link: Option<Arc<Link>>,
    /// The labels of the MountTable's Kubernetes namespace.
    pub labels: BTreeMap<String, String>,
    /// The nameservices that mounts of the fleet may lead to.
    pub nameservices: BTreeSet<String>,
}

/// Looks in what the operator has seen; asks nobody.
pub fn dereference(context: &Context, table: &MountTable) -> Found {
    let home = table.namespace().unwrap_or_default();
    let fleet = find_fleet(context, table, &home);
    let uid = fleet.as_ref().ok().and_then(|fleet| fleet.uid());
    let link = uid.and_then(|uid| context.links.get(&uid));
    let labels = context.namespaces.get(&ObjectRef::new(&home));
    let labels = labels.map(|namespace| namespace.labels().clone()).unwrap_or_default();
    let mut nameservices = BTreeSet::new();
    if let Ok(fleet) = &fleet {
        let (namespace, name) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
        for subcluster in context.subclusters.state() {
            let Ok(subcluster) = &subcluster.0 else { continue };
            if triggers::serves(&namespace, &name, subcluster) {
                nameservices.insert(subcluster.spec.nameservice_id.clone());
            }
        }
    }
    if let Some(link) = &link {
        // In a mixed fleet, Java routers know nameservices that no Subcluster describes.
        let members = link.members.read();
        nameservices.extend(members.iter().map(|(_, seen)| seen.record.message().nameservice_id().to_owned()));
    }
    Found { fleet, link, labels, nameservices }
}

fn find_fleet(context: &Context, table: &MountTable, home: &str) -> Result<Arc<Guarded<RouterFleet>>, String> {
    if let Some(reference) = &table.spec.fleet_ref {
        let namespace = reference.namespace.as_deref().unwrap_or(home);
        let found = context.fleet(namespace, &reference.name);
        return found.ok_or_else(|| format!("there is no RouterFleet {namespace}/{}", reference.name));
    }
    let mut here = context.fleets.state().into_iter().filter(|fleet| fleet.namespace().as_deref() == Some(home));
    match (here.next(), here.next()) {
        (Some(fleet), None) => Ok(fleet),
        (None, _) => Err(format!("there is no RouterFleet in {home}; name one of another namespace in fleetRef")),
        (Some(one), Some(other)) => Err(format!(
            "{home} has several RouterFleets, such as {} and {}; name one in fleetRef",
            one.name_any(),
            other.name_any()
        )),
    }
}
