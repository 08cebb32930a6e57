//! `Subcluster`: what runs for an embedded one, whether it is in service, and what routers report of it.

mod apply;
mod build;
mod members;
mod status;

use std::sync::Arc;

use anabranch_api::{Backend, Subcluster, SubclusterKind, SubclusterSettings};
use futures_util::TryFutureExt;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use crate::context::{Context, Guarded, is_paused};
use crate::error::Error;
use crate::link::{Link, SOON};
use crate::status::readable;
use crate::triggers;

pub use apply::enable;

/// `<subcluster>-namespace`: Service and StatefulSet of an embedded subcluster.
pub fn service(subcluster: &str) -> String {
    format!("{subcluster}-namespace")
}

/// Makes what a subcluster needs, and says what is known of it.
///
/// # Errors
/// When the API server or a store fail; it is tried again.
pub async fn reconcile(subcluster: Arc<Guarded<Subcluster>>, context: Arc<Context>) -> Result<Action, Error> {
    let context = &*context;
    let Some(subcluster) = readable(context, &subcluster, None).await? else { return Ok(Action::await_change()) };
    if subcluster.metadata.deletion_timestamp.is_some() || is_paused(subcluster) {
        return Ok(Action::await_change());
    }
    let links = links(context, subcluster);
    let settings = match validate(subcluster) {
        Ok(settings) => settings,
        Err(problems) => return status::invalid(context, subcluster, &problems).await,
    };
    let made = async { apply::apply(context, &build::build(subcluster, &settings, &context.images)?).await };
    let running = made.or_else(|error| status::failed(context, subcluster, error)).await?;
    let disabled = apply::disable(subcluster, &settings, &links).await?;
    if is_pending(context, subcluster) {
        return Ok(Action::requeue(SOON));
    }
    let members = members::members(&settings, &links);
    status::update(context, subcluster, &settings, &members, running, disabled).await?;
    Ok(Action::requeue(context.resync))
}

/// Whether it is not known yet what some fleet's routers report.
fn is_pending(context: &Context, subcluster: &Subcluster) -> bool {
    context.fleets.state().iter().any(|fleet| {
        let (namespace, name) = (fleet.namespace().unwrap_or_default(), fleet.name_any());
        triggers::serves(&namespace, &name, subcluster) && context.awaits(fleet)
    })
}

/// The stores of the fleets that serve a subcluster.
fn links(context: &Context, subcluster: &Subcluster) -> Vec<Arc<Link>> {
    let serves = |link: &Arc<Link>| triggers::serves(&link.fleet.namespace, &link.fleet.name, subcluster);
    context.links.all().into_iter().filter(serves).collect()
}

fn validate(subcluster: &Subcluster) -> Result<SubclusterSettings, Vec<String>> {
    let name = subcluster.name_any();
    let long = name.len() > crate::names::MAX_NAME;
    let unsupported = |settings: &SubclusterSettings| match settings.kind {
        SubclusterKind::Embedded { backend, .. } if backend != Backend::Rocksdb => {
            let found = format!("{backend:?}").to_lowercase();
            Some(format!("spec.embedded.backend.type: found {found}; this release runs rocksdb"))
        }
        _ => None,
    };
    let too_long = format!("metadata.name: has {} characters; expected at most {}", name.len(), crate::names::MAX_NAME);
    match subcluster.spec.to_settings() {
        Ok(settings) if !long => match unsupported(&settings) {
            None => Ok(settings),
            Some(problem) => Err(vec![problem]),
        },
        Ok(_) => Err(vec![too_long]),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
    }
}
