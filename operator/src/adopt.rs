//! What someone else wrote into a store becomes declared.

use anabranch_api::{DestinationSpec, MountEntrySpec, MountOrder, MountTable, MountTableSpec, QuotaSpec};
use anabranch_federation::MountEntry;
use kube::api::PostParams;
use kube::{Api, ResourceExt};

use crate::context::Context;
use crate::error::{Error, Trying};
use crate::names::MANAGER;

/// Writes entries over those of a MountTable with the same paths, or adds them. Does nothing when the object has changed in
/// the meantime: it is looked at again anyway.
///
/// # Errors
/// When the API server fails.
pub async fn take_over(context: &Context, table: &MountTable, entries: &[MountEntry]) -> Result<(), Error> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let api: Api<MountTable> = Api::namespaced(context.client.clone(), &namespace);
    let mut changed = table.clone();
    // Not a field that the server takes from a client.
    changed.metadata.managed_fields = None;
    merge(&mut changed.spec, entries);
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match api.replace(&name, &parameters, &changed).await {
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
        replaced => replaced.map(drop).trying(|| format!("adopt entries into MountTable {namespace}/{name}")),
    }
}

/// Puts entries into a spec.
pub fn merge(spec: &mut MountTableSpec, entries: &[MountEntry]) {
    for entry in entries {
        let said = describe(entry);
        match spec.entries.iter_mut().find(|known| known.path == said.path) {
            Some(known) => *known = said,
            None => spec.entries.push(said),
        }
    }
}

/// The entry as a MountTable would declare it.
fn describe(entry: &MountEntry) -> MountEntrySpec {
    let destination = |to: &anabranch_federation::Destination| DestinationSpec {
        nameservice: to.nameservice.to_string(),
        path: to.path.to_string(),
    };
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let several = entry.destinations.len() > 1;
    MountEntrySpec {
        path: entry.source.to_string(),
        destinations: entry.destinations.iter().map(destination).collect(),
        // With one destination the order has no meaning, and the schema takes none.
        order: if several { MountOrder::from(entry.order) } else { MountOrder::default() },
        read_only: entry.read_only,
        fault_tolerant: entry.fault_tolerant,
        owner: named(&entry.owner),
        group: named(&entry.group),
        mode: format!("{:04o}", entry.mode),
        quota: entry.quota.is_set().then(|| QuotaSpec::from(&entry.quota)),
    }
}
