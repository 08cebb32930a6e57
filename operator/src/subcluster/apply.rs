//! Applies what a subcluster needs, and takes it out of service or back.

use std::sync::Arc;

use anabranch_api::{Subcluster, SubclusterSettings};
use anabranch_store::{DisabledNameservice, Refusal, StoreError, Version, Write, Writer};
use anabranch_telemetry::clock;
use kube::ResourceExt;

use crate::child::Child;
use crate::context::Context;
use crate::error::Error;
use crate::link::Link;

/// Applies everything; whether what runs is ready (`None`: nothing runs here).
///
/// # Errors
/// When the API server fails.
pub async fn apply(context: &Context, children: &[Child]) -> Result<Option<bool>, Error> {
    let mut ready = None;
    for child in children {
        let live = child.apply(&context.client).await?;
        if child.resource.kind == "StatefulSet" {
            let status = &live.data["status"];
            ready = Some(status["readyReplicas"].as_i64().unwrap_or_default() > 0);
        }
    }
    Ok(ready)
}

/// Makes the stores agree with `spec.disabled`; whether it is the object that says so. What an administrator disabled by
/// hand stays so: only what was declared is taken back.
///
/// # Errors
/// When a store fails.
pub async fn disable(
    subcluster: &Subcluster,
    settings: &SubclusterSettings,
    links: &[Arc<Link>],
) -> Result<bool, Error> {
    let (namespace, name) = (subcluster.namespace().unwrap_or_default(), subcluster.name_any());
    let id = settings.nameservice.as_str();
    for link in links.iter().filter(|link| link.disabled.read().complete) {
        let mark = link.fleet.mark(&namespace, &name);
        let is_ours = |record: &DisabledNameservice| {
            record.declared_by().and_then(|by| link.fleet.unmark(by)) == Some((&*namespace, &*name))
        };
        let stored = link.disabled.read().get(id).cloned();
        match (settings.disabled, stored) {
            (true, None) => {
                let record = DisabledNameservice::since(id, clock::wall_ms()).map_err(Refusal::from);
                let record = record.map_err(StoreError::from)?.marked(Some(mark));
                write(link, Write::Put { record, expected: Version::ABSENT }).await?;
            }
            (false, Some(seen)) if is_ours(&seen.record) => enable(link, id, seen.version).await?,
            _ => {}
        }
    }
    Ok(settings.disabled)
}

/// Takes a nameservice back into service.
///
/// # Errors
/// When the store fails.
pub async fn enable(link: &Link, nameservice: &str, version: Version) -> Result<(), Error> {
    write(link, Write::Delete { key: nameservice.to_owned(), expected: version }).await
}

async fn write(link: &Link, change: Write<DisabledNameservice>) -> Result<(), Error> {
    let store: &dyn Writer<DisabledNameservice> = &*link.store;
    // What is refused, someone else wrote at the same time: the watch tells, and this is looked at again.
    Ok(store.write(vec![change]).await.map(drop)?)
}
