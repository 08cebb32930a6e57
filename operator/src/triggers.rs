//! Which objects belong together, and so look again when another changes.

use anabranch_api::{MountTable, RouterFleet, Subcluster};
use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};

use crate::context::Guarded;
use crate::index::Index;

/// Whether a MountTable is, or may be, one of a fleet's.
pub fn is_of(table: &MountTable, namespace: &str, fleet: &str) -> bool {
    let home = table.namespace().unwrap_or_default();
    match &table.spec.fleet_ref {
        Some(reference) => reference.name == fleet && reference.namespace.as_deref().unwrap_or(&home) == namespace,
        None => home == namespace,
    }
}

/// Whether a fleet serves a Subcluster.
pub fn serves(namespace: &str, fleet: &str, subcluster: &Subcluster) -> bool {
    let chosen = subcluster.spec.fleet_ref.as_ref().is_none_or(|reference| reference.name == fleet);
    chosen && subcluster.namespace().as_deref() == Some(namespace)
}

/// The MountTables of a fleet.
pub fn tables_of_fleet(
    fleet: &Guarded<RouterFleet>,
    tables: &Store<Guarded<MountTable>>,
) -> Vec<ObjectRef<Guarded<MountTable>>> {
    let (namespace, name) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
    references(tables, |table| is_of(table, &namespace, &name))
}

/// The MountTables that lead to a subcluster.
pub fn tables_of_subcluster(
    subcluster: &Guarded<Subcluster>,
    tables: &Index<MountTable>,
) -> Vec<ObjectRef<Guarded<MountTable>>> {
    let Ok(subcluster) = &subcluster.0 else { return Vec::new() };
    let keys = tables.naming(&subcluster.spec.nameservice_id);
    keys.into_iter().map(|(namespace, name)| ObjectRef::new(&name).within(&namespace)).collect()
}

/// The MountTables in a Kubernetes namespace whose labels changed.
pub fn tables_in(namespace: &str, tables: &Store<Guarded<MountTable>>) -> Vec<ObjectRef<Guarded<MountTable>>> {
    references(tables, |table| table.namespace().as_deref() == Some(namespace))
}

/// The fleets that serve a subcluster.
pub fn fleets_of_subcluster(
    subcluster: &Guarded<Subcluster>,
    fleets: &Store<Guarded<RouterFleet>>,
) -> Vec<ObjectRef<Guarded<RouterFleet>>> {
    let home = subcluster.namespace();
    let here = fleets.state().into_iter().filter(|fleet| fleet.namespace() == home);
    here.map(|fleet| ObjectRef::from_obj(&*fleet)).collect()
}

/// The Subclusters behind a nameservice of a Kubernetes namespace.
pub fn subclusters_of(
    nameservice: &ObjectRef<Guarded<Subcluster>>,
    subclusters: &Index<Subcluster>,
) -> Vec<ObjectRef<Guarded<Subcluster>>> {
    let keys = subclusters.naming(&nameservice.name);
    let here = keys.into_iter().filter(|(namespace, _)| Some(namespace) == nameservice.namespace.as_ref());
    here.map(|(namespace, name)| ObjectRef::new(&name).within(&namespace)).collect()
}

fn references(
    tables: &Store<Guarded<MountTable>>,
    chosen: impl Fn(&MountTable) -> bool,
) -> Vec<ObjectRef<Guarded<MountTable>>> {
    let state = tables.state();
    let chosen = state.iter().filter(|table| table.0.as_ref().is_ok_and(&chosen));
    chosen.map(|table| ObjectRef::from_obj(&**table)).collect()
}
