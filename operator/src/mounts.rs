//! `MountTable`: its entries become records in the state store of its fleet.

mod apply;
mod build;
mod dereference;
mod finalize;
mod status;
mod validate;

use std::sync::Arc;

use anabranch_api::{MountTable, MountTableStatus};
use kube::ResourceExt;
use kube::runtime::controller::Action;

use crate::context::{Context, Guarded, is_paused};
use crate::error::Error;
use crate::link::SOON;
use crate::status::unreadable;

pub use apply::write;
pub use dereference::find_fleet;

/// Makes the store hold what a MountTable declares.
///
/// # Errors
/// When the API server or the store fail; it is tried again.
pub async fn reconcile(table: Arc<Guarded<MountTable>>, context: Arc<Context>) -> Result<Action, Error> {
    let table = match &table.0 {
        Ok(table) => table,
        Err(invalid) => {
            return unreadable::<MountTable, MountTableStatus>(
                &context,
                &invalid.metadata,
                ("Accepted", false),
                &invalid.error,
            )
            .await;
        }
    };
    if table.metadata.deletion_timestamp.is_some() {
        return finalize::release(&context, table).await;
    }
    let found = dereference::dereference(&context, table);
    let validated = validate::validate(&context, table, &found).await;
    if is_paused(table) {
        // What it has it keeps, against younger ones and against drift.
        return Ok(Action::await_change());
    }
    if found.fleet.as_ref().is_ok_and(|fleet| context.awaits(fleet)) {
        return Ok(Action::requeue(SOON));
    }
    let plan = build::build(&context, &found, &validated, table);
    let applied = apply::apply(&context, table, &found, &validated, plan).await?;
    status::update(&context, table, &found, &validated, &applied).await?;
    Ok(Action::requeue(applied.again.unwrap_or(context.resync)))
}

/// The mark of a MountTable's entries in a fleet's store.
fn mark(link: &crate::link::Link, table: &MountTable) -> String {
    link.fleet.mark(&table.namespace().unwrap_or_default(), &table.name_any())
}
