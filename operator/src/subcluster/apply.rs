//! Applies what a subcluster needs, and takes it out of service or back.

use std::sync::Arc;

use anabranch_api::{Subcluster, SubclusterSettings};
use anabranch_store::{DisabledNameservice, Refusal, StoreError, Version, Writer};
use anabranch_telemetry::clock;

use crate::child::Child;
use crate::conditions::holds;
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
/// hand stays so: only what was declared before is taken back.
///
/// # Errors
/// When a store fails.
pub async fn disable(
    subcluster: &Subcluster,
    settings: &SubclusterSettings,
    links: &[Arc<Link>],
) -> Result<bool, Error> {
    let conditions = subcluster.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let declared_before = holds(conditions, "Disabled")
        && conditions.iter().any(|condition| condition.kind == "Disabled" && condition.reason == "Declared");
    for link in links.iter().filter(|link| link.disabled.read().complete) {
        let stored = link.disabled.read().get(settings.nameservice.as_str()).map(|seen| seen.version);
        let store: &dyn Writer<DisabledNameservice> = &*link.store;
        let written = match (settings.disabled, stored) {
            (true, None) => match DisabledNameservice::since(settings.nameservice.as_str(), clock::wall_ms()) {
                Ok(record) => store.put(record, Version::ABSENT).await.map(drop),
                Err(error) => Err(StoreError::from(Refusal::from(error))),
            },
            (false, Some(version)) if declared_before => {
                store.delete(settings.nameservice.to_string(), version).await.map(drop)
            }
            _ => Ok(()),
        };
        match written {
            // Someone else wrote at the same time: the watch tells, and this is looked at again.
            Ok(()) | Err(StoreError::Refused(Refusal::Conflict { .. })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(settings.disabled)
}
