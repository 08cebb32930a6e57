//! Mounts in a fleet's store that nobody declares.

use std::sync::Arc;

use anabranch_api::{DriftPolicy, FleetRef, MountTable, MountTableSpec, RouterFleet};
use anabranch_federation::MountEntry;
use anabranch_store::Write;
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource, ResourceExt};

use crate::adopt;
use crate::context::Context;
use crate::error::{Error, Trying};
use crate::link::Link;
use crate::mounts;
use crate::names::{self, MANAGER};

/// What was found that nobody declares.
#[derive(Debug, Default)]
pub struct Undeclared {
    /// The paths that stay so.
    pub paths: Vec<String>,
    /// How many records cannot be read.
    pub unreadable: usize,
}

/// Does what the policy says about what nobody declares. Whatever carries the mark of a MountTable that is gone goes.
///
/// # Errors
/// When the API server or the store fail.
pub async fn settle(context: &Context, fleet: &RouterFleet, link: Option<&Arc<Link>>) -> Result<Undeclared, Error> {
    let Some(link) = link.filter(|link| link.mounts.read().complete()) else { return Ok(Undeclared::default()) };
    if !every_table_has_its_say(context, link) {
        return Ok(Undeclared::default());
    }
    let orphans = orphans(context, link);
    if !orphans.is_empty() {
        mounts::write(context, link, orphans).await?;
    }
    let found: Vec<(MountEntry, _)> = {
        let known = link.mounts.read();
        known.foreign().map(|seen| (MountEntry::clone(&seen.record), seen.version)).collect()
    };
    let unreadable = link.mounts.read().unreadable();
    let paths = match fleet.spec.drift_policy {
        _ if found.is_empty() => Vec::new(),
        DriftPolicy::Observe => found.iter().map(|(entry, _)| entry.source.to_string()).collect(),
        DriftPolicy::Adopt => {
            let entries: Vec<MountEntry> = found.into_iter().map(|(entry, _)| entry).collect();
            adopt(context, fleet, &entries).await?;
            Vec::new()
        }
        DriftPolicy::Enforce => {
            let delete = |(entry, expected): (MountEntry, _)| Write::Delete { key: entry.source.to_string(), expected };
            mounts::write(context, link, found.into_iter().map(delete).collect()).await?;
            Vec::new()
        }
    };
    Ok(Undeclared { paths, unreadable })
}

/// Right after a start, some MountTables have not claimed their paths yet; what they declare must not look undeclared.
fn every_table_has_its_say(context: &Context, link: &Link) -> bool {
    let claims = link.mounts.read().claims.claimants().collect::<std::collections::HashSet<_>>();
    context.tables.state().iter().all(|table| {
        let Ok(table) = &table.0 else { return true };
        let key = (table.namespace().unwrap_or_default(), table.name_any());
        let elsewhere = table.spec.fleet_ref.as_ref().is_some_and(|fleet| {
            let namespace = fleet.namespace.as_deref().unwrap_or(&key.0);
            (namespace, fleet.name.as_str()) != (link.fleet.namespace.as_str(), link.fleet.name.as_str())
        });
        let nothing = table.spec.entries.is_empty() || table.spec.to_entries().is_err();
        let judged = table.status.as_ref().and_then(|status| status.observed_generation) == table.metadata.generation;
        elsewhere
            || nothing
            || claims.contains(&key)
            || (judged && table.metadata.deletion_timestamp.is_none() && refused(table))
    })
}

/// Whether a MountTable has no claim because it may have none.
fn refused(table: &MountTable) -> bool {
    let conditions = table.status.iter().flat_map(|status| &status.conditions);
    conditions.filter(|condition| condition.kind == "Accepted").any(|condition| {
        condition.status == anabranch_api::ConditionStatus::False
            && matches!(condition.reason.as_str(), "NotAllowed" | "FleetNotFound" | "Invalid")
    })
}

/// Records with the mark of a MountTable of this fleet that does not exist, as we wrote them.
fn orphans(context: &Context, link: &Link) -> Vec<Write<MountEntry>> {
    let known = link.mounts.read();
    let gone = known.marks().filter(|mark| {
        let Some((namespace, name)) = link.fleet.unmark(mark) else { return false };
        context.tables.get(&ObjectRef::new(name).within(namespace)).is_none()
    });
    gone.flat_map(|mark| known.deletions(mark)).collect()
}

/// Declares entries in the fleet's own MountTable for such.
async fn adopt(context: &Context, fleet: &RouterFleet, entries: &[MountEntry]) -> Result<(), Error> {
    let (namespace, name) = (fleet.namespace().unwrap_or_default(), names::adopted(&fleet.name_any()));
    let api: Api<MountTable> = Api::namespaced(context.client.clone(), &namespace);
    if let Some(table) = api.get_opt(&name).await.trying(|| format!("get MountTable {namespace}/{name}"))? {
        return adopt::take_over(context, &table, entries).await;
    }
    let mut spec =
        MountTableSpec { fleet_ref: Some(FleetRef { name: fleet.name_any(), namespace: None }), entries: Vec::new() };
    adopt::merge(&mut spec, entries);
    let metadata = ObjectMeta {
        name: Some(name.clone()),
        namespace: Some(namespace.clone()),
        owner_references: fleet.owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    };
    let table = MountTable { metadata, spec, status: None };
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&parameters, &table).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        created => created.map(drop).trying(|| format!("create MountTable {namespace}/{name}")),
    }
}
