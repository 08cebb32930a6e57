//! Everything that a MountTable refers to.

use std::collections::BTreeMap;
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
}

impl Found {
    /// Whether mounts of the fleet may lead to a nameservice.
    pub fn knows(&self, context: &Context, nameservice: &str) -> bool {
        let Ok(fleet) = &self.fleet else { return false };
        let (namespace, fleet) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
        let serves = |(home, name): (String, String)| {
            let subcluster = context.subclusters.get(&ObjectRef::new(&name).within(&home));
            subcluster.is_some_and(|it| it.0.as_ref().is_ok_and(|it| triggers::serves(&namespace, &fleet, it)))
        };
        // In a mixed fleet, Java routers know nameservices that no Subcluster describes.
        let reported = self.link.as_ref().is_some_and(|link| link.members.read().knows(nameservice));
        reported || context.nameservices.naming(nameservice).into_iter().any(serves)
    }
}

/// Looks in what the operator has seen; asks nobody.
pub fn dereference(context: &Context, table: &MountTable) -> Found {
    let home = table.namespace().unwrap_or_default();
    let fleet = find_fleet(context, table);
    let uid = fleet.as_ref().ok().and_then(|fleet| fleet.uid());
    let link = uid.and_then(|uid| context.links.get(&uid));
    let labels = context.namespaces.get(&ObjectRef::new(&home));
    let labels = labels.map(|namespace| namespace.labels().clone()).unwrap_or_default();
    Found { fleet, link, labels }
}

/// The fleet that serves the mounts.
///
/// # Errors
/// Why there is none.
pub fn find_fleet(context: &Context, table: &MountTable) -> Result<Arc<Guarded<RouterFleet>>, String> {
    let home = &*table.namespace().unwrap_or_default();
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
