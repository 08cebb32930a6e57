//! Everything that a fleet refers to.

use std::sync::Arc;

use anabranch_api::{RouterFleet, Subcluster};
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use super::validate::Validated;
use crate::context::{Context, Guarded};
use crate::link::{AddressError, FleetId, Link, StoreAddress};
use crate::triggers;

/// What was found: the Subclusters of the fleet, by name.
pub struct Found {
    /// Those that can be read.
    pub subclusters: Vec<Arc<Guarded<Subcluster>>>,
}

/// Looks in what the operator has seen; asks nobody.
pub fn dereference(context: &Context, fleet: &RouterFleet) -> Found {
    found_among(context.subclusters.state(), fleet)
}

/// The Subclusters of the fleet among these.
pub fn found_among(subclusters: impl IntoIterator<Item = Arc<Guarded<Subcluster>>>, fleet: &RouterFleet) -> Found {
    let (namespace, name) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
    let serves = |subcluster: &Arc<Guarded<Subcluster>>| {
        let Ok(subcluster) = &subcluster.0 else { return false };
        triggers::serves(&namespace, &name, subcluster) && subcluster.metadata.deletion_timestamp.is_none()
    };
    let mut subclusters: Vec<_> = subclusters.into_iter().filter(serves).collect();
    subclusters.sort_by_key(|subcluster| subcluster.name_any());
    Found { subclusters }
}

/// The way to the fleet's store.
///
/// # Errors
/// When its address is none.
pub fn link(context: &Context, fleet: &Validated) -> Result<Arc<Link>, AddressError> {
    let id = FleetId {
        uid: fleet.owner.uid.clone(),
        namespace: fleet.namespace.clone(),
        name: fleet.name.clone(),
        cluster: context.cluster.clone(),
        shared: matches!(fleet.store, StoreAddress::ZooKeeper { .. }),
    };
    let link = context.links.ensure(&id, &fleet.store)?;
    context.end_links();
    Ok(link)
}

/// MountTables that came before the store was read look again.
pub async fn announce(context: &Context, link: &Link) {
    if link.is_new() {
        tell_tables(context, &link.fleet.namespace, &link.fleet.name).await;
    }
}

/// There will be no way to the store of a fleet as it is; its MountTables say so.
pub async fn refuse(context: &Context, fleet: &RouterFleet) {
    if fleet.uid().is_some_and(|uid| context.links.refuse(&uid)) {
        tell_tables(context, &fleet.namespace().unwrap_or_default(), &fleet.name_any()).await;
    }
}

async fn tell_tables(context: &Context, namespace: &str, fleet: &str) {
    for table in context.tables.state() {
        let Ok(table) = &table.0 else { continue };
        if triggers::is_of(table, namespace, fleet) {
            let home = table.namespace().unwrap_or_default();
            context.links.tell_table(ObjectRef::new(&table.name_any()).within(&home)).await;
        }
    }
}
