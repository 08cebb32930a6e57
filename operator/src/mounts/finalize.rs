//! A MountTable goes: its entries leave the store first.

use std::sync::Arc;
use std::time::Duration;

use anabranch_api::MountTable;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::apply::write;
use super::validate::tell;
use crate::context::Context;
use crate::error::{Error, Trying};
use crate::link::Link;
use crate::names::{FINALIZER, MANAGER, SKIP_CLEANUP};

/// How soon to look again while a store cannot be read.
const SOON: Duration = Duration::from_secs(2);

/// Removes a MountTable's entries from every store that it may be in, and then the finalizer.
///
/// # Errors
/// When the API server or a store fail.
pub async fn release(context: &Context, table: &MountTable) -> Result<Action, Error> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let skip = table.annotations().get(SKIP_CLEANUP).is_some_and(|skip| skip == "true");
    for link in context.links.all() {
        let touched = link.mounts.write().claims.release(&namespace, &name);
        link.routers.forget(&namespace, &name);
        tell(context, &link, touched).await;
        if !skip && !clean(context, table, &link).await? {
            return Ok(Action::requeue(SOON));
        }
    }
    if !skip && !every_fleet_has_a_link(context) {
        return Ok(Action::requeue(SOON));
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

fn is_there(table: &MountTable) -> bool {
    table.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Says which finalizers the operator wants.
async fn set(context: &Context, table: &MountTable, finalizers: &[&str]) -> Result<(), kube::Error> {
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
async fn clean(context: &Context, table: &MountTable, link: &Arc<Link>) -> Result<bool, Error> {
    let deletes = {
        let mounts = link.mounts.read();
        if !mounts.complete() {
            return Ok(false);
        }
        mounts.deletions(&super::mark(link, table))
    };
    Ok(deletes.is_empty() || write(context, link, deletes).await?.is_whole())
}

/// Right after a start, some stores are not known yet.
fn every_fleet_has_a_link(context: &Context) -> bool {
    context.fleets.state().iter().all(|fleet| {
        let leaves = fleet.meta().deletion_timestamp.is_some() || fleet.0.is_err();
        leaves || fleet.uid().is_none_or(|uid| context.links.get(&uid).is_some())
    })
}
