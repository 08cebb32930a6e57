//! A MountTable goes: its entries leave the store first.

use std::sync::Arc;
use std::time::Duration;

use anabranch_api::{MountTable, RouterFleet};
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::apply::write;
use super::dereference::find_fleet;
use super::validate::tell;
use crate::context::{Context, Guarded};
use crate::error::{Error, Trying};
use crate::link::{Link, StoreAddress};
use crate::names::{FINALIZER, MANAGER, SKIP_CLEANUP};

/// How soon to look again while a store cannot be read.
const SOON: Duration = Duration::from_secs(2);

/// Removes a MountTable's entries from every store that they are in, and then the finalizer.
///
/// # Errors
/// When the API server or a store fail.
pub async fn release(context: &Context, table: &Guarded<MountTable>) -> Result<Action, Error> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let skip = table.annotations().get(SKIP_CLEANUP).is_some_and(|skip| skip == "true");
    let fleet = table.0.as_ref().ok().and_then(|table| find_fleet(context, table).ok());
    let its = fleet.as_ref().and_then(|fleet| fleet.uid());
    for link in context.links.all() {
        release_claims(context, table, &link).await;
        // A store of a fleet's own goes with the fleet.
        let goes = matches!(link.address, StoreAddress::Server { .. }) && !context.stays(&link.fleet);
        if skip || goes {
            continue;
        }
        let needed = its.as_ref() == Some(&link.fleet.uid) || holds(&link, table);
        // Other fleets' stores that are away hold nobody up: what may be left in them is found by its mark.
        if needed && !clean(context, table, &link).await? {
            return Ok(Action::requeue(SOON));
        }
    }
    // Right after a start, its store is not known yet.
    let unknown = |fleet: &Guarded<RouterFleet>| {
        let stays = fleet.meta().deletion_timestamp.is_none() && fleet.0.is_ok();
        stays && fleet.uid().is_some_and(|uid| context.links.get(&uid).is_none())
    };
    let waits = match &table.0 {
        Ok(_) => fleet.is_some_and(|fleet| unknown(&fleet)),
        // It may be any fleet's.
        Err(_) => context.fleets.state().iter().any(|fleet| context.awaits(fleet)),
    };
    if !skip && waits {
        return Ok(Action::requeue(SOON));
    }
    for link in context.links.all() {
        link.mounts.write().forget(&super::mark(&link, table));
    }
    if !is_there(table) {
        return Ok(Action::await_change());
    }
    match set(context, table, &[]).await {
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        patched => patched.trying(|| format!("remove the finalizer of MountTable {namespace}/{name}"))?,
    }
    Ok(Action::await_change())
}

/// A MountTable whose entries are in the store of `link` has nothing more to say to other fleets; those that served it remove
/// what is left of it.
pub async fn leave_others(context: &Context, table: &MountTable, link: &Link) {
    for other in context.links.all() {
        if other.fleet == link.fleet {
            continue;
        }
        release_claims(context, table, &other).await;
        if other.address != link.address && holds(&other, table) {
            context.links.tell_fleet(&other.fleet).await;
        }
    }
}

async fn release_claims(context: &Context, table: &impl ResourceExt, link: &Link) {
    if let Some(uid) = table.uid() {
        link.mounts.write().heard.remove(&uid);
    }
    end_claims(context, link, &table.namespace().unwrap_or_default(), &table.name_any()).await;
}

async fn end_claims(context: &Context, link: &Link, namespace: &str, name: &str) {
    let touched = link.mounts.write().claims.release(namespace, name);
    link.routers.forget(namespace, name);
    tell(context, link, touched).await;
}

/// Ends the claims of a MountTable that is gone. One of which no store holds anything has no finalizer.
pub async fn give_up(context: &Context, namespace: &str, name: &str) {
    for link in context.links.all() {
        end_claims(context, &link, namespace, name).await;
    }
}

/// Whether a store is known to hold records of a MountTable.
pub fn holds(link: &Link, table: &impl ResourceExt) -> bool {
    link.mounts.read().marked(&super::mark(link, table)).next().is_some()
}

/// The finalizer must be there before a store holds anything.
///
/// # Errors
/// When the API server fails.
pub async fn ensure(context: &Context, table: &MountTable) -> Result<(), Error> {
    if is_there(table) {
        return Ok(());
    }
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    set(context, table, &[FINALIZER]).await.trying(|| format!("add the finalizer of MountTable {namespace}/{name}"))
}

fn is_there(table: &impl ResourceExt) -> bool {
    table.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Says which finalizers the operator wants.
async fn set(context: &Context, table: &impl ResourceExt, finalizers: &[&str]) -> Result<(), kube::Error> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let api: Api<MountTable> = Api::namespaced(context.client.clone(), &namespace);
    let manifest = json!({
        "apiVersion": anabranch_api::API_VERSION,
        "kind": "MountTable",
        "metadata": { "name": name, "finalizers": finalizers },
    });
    api.patch_metadata(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(manifest)).await.map(drop)
}

/// Whether nothing of the MountTable is left in a store.
async fn clean(context: &Context, table: &impl ResourceExt, link: &Arc<Link>) -> Result<bool, Error> {
    let deletes = {
        let mounts = link.mounts.read();
        if !mounts.complete() {
            return Ok(false);
        }
        mounts.deletions(&super::mark(link, table))
    };
    Ok(deletes.is_empty() || write(context, link, deletes).await?.is_whole())
}
