//! `RouterFleet`: the routers, their state store, and what clients need to find them.

mod apply;
pub mod build;
mod dereference;
mod drift;
mod status;
mod validate;

use std::sync::Arc;

use anabranch_api::RouterFleet;
pub use dereference::found_among;
use futures_util::TryFutureExt;
use kube::runtime::controller::Action;

use crate::context::{Context, Guarded, is_paused};
use crate::error::Error;
use crate::link::SOON;
use crate::status::readable;
pub use validate::{Validated, validate};

/// Makes everything that a fleet consists of.
///
/// # Errors
/// When the API server or the store fail; it is tried again.
pub async fn reconcile(fleet: Arc<Guarded<RouterFleet>>, context: Arc<Context>) -> Result<Action, Error> {
    let context = &*context;
    let Some(fleet) = readable(context, &fleet, Some(("Degraded", true))).await? else {
        return Ok(Action::await_change());
    };
    if fleet.metadata.deletion_timestamp.is_some() {
        // What it owns is collected by the cluster.
        return Ok(Action::await_change());
    }
    let found = dereference::dereference(context, fleet);
    let validated = match validate(fleet, &found) {
        Ok(validated) => validated,
        Err(problems) => {
            dereference::refuse(context, fleet).await;
            return status::invalid(context, fleet, &problems).await;
        }
    };
    let linked = dereference::link(context, &validated);
    match &linked {
        Ok(link) => dereference::announce(context, link).await,
        Err(_) => dereference::refuse(context, fleet).await,
    }
    if is_paused(fleet) {
        status::paused(context, fleet).await?;
        return Ok(Action::await_change());
    }
    let made = async {
        let resources = build::build(&validated, &context.images, &context.home)?;
        apply::apply(context, resources, &validated).await
    };
    let applied = made.or_else(|error| status::failed(context, fleet, error)).await?;
    if linked.as_ref().is_ok_and(|link| link.is_pending()) {
        return Ok(Action::requeue(SOON));
    }
    let drift = drift::settle(context, fleet, linked.as_ref().ok()).await;
    let judged = drift.as_ref().ok().and_then(Option::as_ref);
    status::update(context, fleet, &validated, &applied, linked.as_ref(), judged).await?;
    drift?;
    Ok(Action::requeue(context.resync))
}
