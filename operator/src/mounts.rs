//! `MountTable`: its entries become records in the state store of its fleet.

mod apply;
mod build;
mod dereference;
mod finalize;
mod status;
mod validate;

use std::sync::Arc;

use anabranch_api::MountTable;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};

use crate::context::{Context, Guarded, is_paused};
use crate::error::Error;
use crate::link::{FleetId, Link, Mounts, SOON};
use crate::publish::claims::Claim;
use crate::status::readable;
use crate::triggers;

pub use apply::write;
pub use dereference::find_fleet;
pub use finalize::give_up;

/// Makes the store hold what a MountTable declares.
///
/// # Errors
/// When the API server or the store fail; it is tried again.
pub async fn reconcile(table: Arc<Guarded<MountTable>>, context: Arc<Context>) -> Result<Action, Error> {
    if table.meta().deletion_timestamp.is_some() {
        return finalize::release(&context, &table).await;
    }
    let Some(table) = readable(&context, &table, Some(("Accepted", false))).await? else {
        return Ok(Action::await_change());
    };
    let found = dereference::dereference(&context, table);
    let validated = validate::validate(&context, table, &found).await;
    if is_paused(table) {
        // What it has it keeps, against younger ones and against drift.
        return Ok(Action::await_change());
    }
    // Without a store nothing is handed out, and there is something to tell.
    let unsettled =
        |link: &Arc<Link>| !validated.settled && (link.mounts.read().complete() || !all_heard(&context, link));
    if found.fleet.as_ref().is_ok_and(|fleet| context.awaits(fleet)) || found.link.as_ref().is_some_and(unsettled) {
        return Ok(Action::requeue(SOON));
    }
    let plan = build::build(&context, &found, &validated, table);
    let applied = apply::apply(&context, table, &found, &validated, plan).await?;
    status::update(&context, table, &found, &validated, &applied).await?;
    Ok(Action::requeue(applied.again.unwrap_or(context.resync)))
}

/// Whether it is known of every MountTable of a fleet what it claims. Right after a start it is not: what some declare looks
/// undeclared, and younger ones seem to have the paths of older ones.
pub fn all_heard(context: &Context, link: &Link) -> bool {
    let FleetId { uid, namespace, name, .. } = &link.fleet;
    let heard = &link.mounts.read().heard;
    context.tables.state().iter().all(|table| {
        let Ok(table) = &table.0 else { return true };
        let known = || table.uid().is_some_and(|uid| heard.contains(&uid));
        // One that does not say which of several fleets has none.
        let served = || find_fleet(context, table).is_ok_and(|fleet| fleet.uid().as_ref() == Some(uid));
        let goes = table.metadata.deletion_timestamp.is_some();
        goes || !triggers::is_of(table, namespace, name) || known() || !served()
    })
}

/// Once all are heard, those of which nobody can tell what they declare claim what is stored for them: no other gets that.
/// Who comes later is younger than all that were there.
async fn settle(context: &Context, link: &Link) {
    let is_due = |mounts: &Mounts| mounts.complete() && !mounts.settled;
    if !is_due(&link.mounts.read()) || !all_heard(context, link) {
        return;
    }
    let tables = context.tables.state();
    let is_mute = |table: &Guarded<MountTable>| table.0.as_ref().map_or(true, |table| table.spec.to_entries().is_err());
    let mute = tables.iter().filter(|table| finalize::holds(link, &***table) && is_mute(table));
    let claims: Vec<Claim> = mute.map(|table| validate::claim(&**table)).collect();
    let touched = link.mounts.write().settle(claims);
    validate::tell(context, link, touched).await;
}

/// The mark of a MountTable's entries in a fleet's store.
fn mark(link: &Link, table: &impl ResourceExt) -> String {
    link.fleet.mark(&table.namespace().unwrap_or_default(), &table.name_any())
}
