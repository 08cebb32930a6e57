//! Mounts in a fleet's store that nobody declares.

use std::sync::Arc;

use anabranch_api::{DriftPolicy, FleetRef, MAX_ENTRIES, MountTable, MountTableSpec, RouterFleet};
use anabranch_federation::MountEntry;
use anabranch_store::{DisabledNameservice, Version, Write};
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource, ResourceExt};

use crate::adopt;
use crate::context::Context;
use crate::error::{Error, Trying};
use crate::link::{Link, Seen};
use crate::names::{self, MANAGER};
use crate::{mounts, subcluster, triggers};

/// What was found that nobody declares.
#[derive(Debug, Default)]
pub struct Undeclared {
    /// The paths that stay so, with the reason where it is not the policy.
    pub paths: Vec<String>,
}

/// Does what the policy says about what nobody declares. Whatever carries the mark of a MountTable that is gone goes.
/// `None`: it cannot be told yet.
///
/// # Errors
/// When the API server or the store fail.
pub async fn settle(
    context: &Context,
    fleet: &RouterFleet,
    link: Option<&Arc<Link>>,
) -> Result<Option<Undeclared>, Error> {
    let Some(link) = link.filter(|link| link.mounts.read().complete()) else { return Ok(None) };
    take_back(context, link).await?;
    if !mounts::all_heard(context, link) {
        return Ok(None);
    }
    let (orphans, found) = orphans_and_others(context, link);
    if !orphans.is_empty() {
        mounts::write(context, link, orphans).await?;
    }
    let paths = match fleet.spec.drift_policy {
        _ if found.is_empty() => Vec::new(),
        DriftPolicy::Observe => found.iter().map(|(entry, _)| entry.source.to_string()).collect(),
        DriftPolicy::Adopt => adopt(context, fleet, found.iter().map(|(entry, _)| entry)).await?,
        DriftPolicy::Enforce => {
            let delete = |(entry, expected): (MountEntry, _)| Write::Delete { key: entry.source.to_string(), expected };
            mounts::write(context, link, found.into_iter().map(delete).collect()).await?;
            Vec::new()
        }
    };
    Ok(Some(Undeclared { paths }))
}

/// Takes nameservices back into service that a Subcluster took out which the fleet does not serve any more.
async fn take_back(context: &Context, link: &Link) -> Result<(), Error> {
    let left = |seen: &Seen<DisabledNameservice>| {
        let Some((namespace, name)) = seen.record.declared_by().and_then(|mark| link.fleet.unmark(mark)) else {
            return false;
        };
        let Some(subcluster) = context.subclusters.get(&ObjectRef::new(name).within(namespace)) else { return true };
        let Ok(subcluster) = &subcluster.0 else { return false };
        !triggers::serves(&link.fleet.namespace, &link.fleet.name, subcluster)
    };
    let left: Vec<_> = {
        let disabled = link.disabled.read();
        disabled.iter().filter(|(_, seen)| left(seen)).map(|(id, seen)| (id.clone(), seen.version)).collect()
    };
    for (nameservice, version) in left {
        subcluster::enable(link, &nameservice, version).await?;
    }
    Ok(())
}

/// What deletes the records with the mark of a MountTable that the fleet does not serve, as we wrote them; and all other
/// records that nobody declares.
fn orphans_and_others(context: &Context, link: &Link) -> (Vec<Write<MountEntry>>, Vec<(MountEntry, Version)>) {
    let known = link.mounts.read();
    let gone = |mark: &&String| {
        link.fleet.unmark(mark).is_some_and(|(namespace, name)| has_left(context, link, namespace, name))
    };
    let (mut orphans, mut others) = (Vec::new(), Vec::new());
    let mut note = |seen: &Seen<MountEntry>| others.push((MountEntry::clone(&seen.record), seen.version));
    known.foreign().for_each(&mut note);
    for mark in known.marks().filter(gone) {
        orphans.extend(known.deletions(mark));
        known.records(mark).filter(|seen| !seen.record.is_as_declared()).for_each(&mut note);
    }
    (orphans, others)
}

/// Whether a MountTable is gone, or is served by another fleet whose store holds its entries by now.
fn has_left(context: &Context, link: &Link, namespace: &str, name: &str) -> bool {
    let Some(table) = context.tables.get(&ObjectRef::new(name).within(namespace)) else { return true };
    // What nobody can understand keeps what it has.
    let Ok(table) = &table.0 else { return false };
    if triggers::is_of(table, &link.fleet.namespace, &link.fleet.name) || table.spec.to_entries().is_err() {
        return false;
    }
    let fleet = mounts::find_fleet(context, table).ok().and_then(|fleet| fleet.uid());
    let Some(now) = fleet.and_then(|uid| context.links.get(&uid)) else { return false };
    // In a store that both share, its records were marked anew, and none is deleted in between.
    let heard = table.uid().is_some_and(|uid| now.mounts.read().heard.contains(&uid));
    heard && now.address != link.address
}

/// Declares entries in the fleet's own MountTable for such; the paths of those that no MountTable can declare, or for which
/// this one has no room.
async fn adopt(
    context: &Context,
    fleet: &RouterFleet,
    entries: impl Iterator<Item = &MountEntry>,
) -> Result<Vec<String>, Error> {
    let (namespace, name) = (fleet.namespace().unwrap_or_default(), names::adopted(&fleet.name_any()));
    let api: Api<MountTable> = Api::namespaced(context.client.clone(), &namespace);
    let known = api.get_opt(&name).await.trying(|| format!("get MountTable {namespace}/{name}"))?;
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let room = MAX_ENTRIES.saturating_sub(known.as_ref().map_or(0, |table| table.spec.entries.len()));
    for entry in entries {
        match adopt::declare(entry) {
            Ok((spec, _)) if taken.len() < room => taken.push(spec),
            Ok(_) => left.push(format!("{} (MountTable {name} is full)", entry.source)),
            Err(problem) => left.push(format!("{} (cannot be adopted: {problem})", entry.source)),
        }
    }
    if taken.is_empty() {
        return Ok(left);
    }
    if let Some(table) = known {
        adopt::take_over(context, &table, &taken).await?;
        return Ok(left);
    }
    let mut spec =
        MountTableSpec { fleet_ref: Some(FleetRef { name: fleet.name_any(), namespace: None }), entries: Vec::new() };
    adopt::merge(&mut spec, &taken);
    let metadata = ObjectMeta {
        name: Some(name.clone()),
        namespace: Some(namespace.clone()),
        owner_references: fleet.owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    };
    let table = MountTable { metadata, spec, status: None };
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&parameters, &table).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(left),
        created => created.map(|_| left).trying(|| format!("create MountTable {namespace}/{name}")),
    }
}
