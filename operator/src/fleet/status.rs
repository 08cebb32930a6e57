//! What is known about a fleet.

use std::sync::Arc;

use anabranch_api::{ConditionStatus, RouterFleet, RouterFleetStatus};
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::controller::Action;

use super::apply::Applied;
use super::drift::Undeclared;
use super::validate::Validated;
use crate::conditions::Conditions;
use crate::context::Context;
use crate::error::Error;
use crate::link::{AddressError, Link};
use crate::names::{self, ROUTER};
use crate::status::settle;

/// Conditions that mean trouble.
const BAD: [(&str, ConditionStatus); 3] =
    [("Available", ConditionStatus::False), ("Degraded", ConditionStatus::True), ("Drifted", ConditionStatus::True)];

/// What holds where the fleet is as it is declared.
const READY: [(&str, ConditionStatus); 3] = [
    ("Degraded", ConditionStatus::False),
    ("Available", ConditionStatus::True),
    ("Progressing", ConditionStatus::False),
];

/// Says what is known about a fleet, if that is news.
///
/// # Errors
/// When the API server fails.
pub async fn update(
    context: &Context,
    fleet: &RouterFleet,
    validated: &Validated,
    applied: &Applied,
    link: Result<&Arc<Link>, &AddressError>,
    undeclared: Option<&Undeclared>,
) -> Result<(), Error> {
    let before = fleet.status.clone().unwrap_or_default();
    let summary = link.as_ref().ok().map(|link| link.routers.summary()).unwrap_or_default();
    let count = |count: Option<i32>| count.unwrap_or_default();
    let spec_replicas = applied.deployment.spec.replicas;
    let rollout = applied.deployment.status.clone().unwrap_or_default();
    let (ready, desired) = (count(rollout.ready_replicas), count(spec_replicas));
    let trouble = degraded(validated, link, summary.safe_mode);
    let (progressing, progress) = progressing(&applied.deployment);
    let enough = desired == 0 || count(rollout.available_replicas) >= (desired - desired / 4).max(1);
    let available = format!("{ready} of {desired} routers are ready");
    let conditions = Conditions::after(&before.conditions, fleet.metadata.generation)
        .with("Available", enough, if enough { "Available" } else { "TooFewRouters" }, available)
        .with("Progressing", progressing, if progressing { "RollingOut" } else { "RolledOut" }, progress)
        .with("ReconciliationPaused", false, "Reconciling", "the fleet is kept as it is described");
    let conditions = match trouble {
        None => conditions.with("Degraded", false, "AsExpected", "the store answers, and every router serves"),
        Some((reason, message)) => conditions.with("Degraded", true, reason, message),
    };
    let conditions = match undeclared.map(|undeclared| undeclared.paths.as_slice()) {
        None => conditions.unchanged("Drifted"),
        Some([]) => conditions.with("Drifted", false, "AsDeclared", "every mount in the state store is declared"),
        Some(paths) => {
            conditions.with("Drifted", true, "Undeclared", format!("no MountTable declares {}", paths.join(", ")))
        }
    };
    let served = summary.served.first().and_then(|revision| i64::try_from(*revision).ok());
    let status = RouterFleetStatus {
        observed_generation: fleet.metadata.generation,
        replicas: count(rollout.replicas),
        desired_replicas: desired,
        ready_replicas: ready,
        safe_mode_routers: i32::try_from(summary.safe_mode).unwrap_or(i32::MAX),
        selector: Some(ROUTER.query(&validated.name)),
        revision: served.or(before.revision),
        discovery_config_map: Some(names::discovery(&validated.name)),
        conditions: conditions.ready(&READY).done(),
    };
    settle(context, fleet, &before, &status, &BAD).await
}

fn degraded(
    validated: &Validated,
    link: Result<&Arc<Link>, &AddressError>,
    safe_mode: usize,
) -> Option<(&'static str, String)> {
    match link {
        Err(error) => return Some(("StoreAddress", error.to_string())),
        Ok(link) => {
            if let Some(trouble) = link.trouble.borrow().clone() {
                return Some(("StoreUnavailable", trouble));
            }
        }
    }
    if !validated.left_out.is_empty() {
        return Some(("InvalidSubcluster", validated.left_out.join("; ")));
    }
    let unreadable = link.map_or(0, |link| link.mounts.read().unreadable());
    if unreadable > 0 {
        return Some(("UnreadableRecords", format!("{unreadable} mounts in the store cannot be read")));
    }
    (safe_mode > 0).then(|| ("SafeMode", format!("{safe_mode} routers are in safe mode and refuse calls")))
}

/// Whether a rollout is under way, and how far it is.
fn progressing(deployment: &Deployment) -> (bool, String) {
    let desired = deployment.spec.replicas.unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let seen = status.observed_generation == deployment.metadata.generation;
    let updated = status.updated_replicas.unwrap_or_default();
    let all = status.replicas.unwrap_or_default();
    let available = status.available_replicas.unwrap_or_default();
    let done = seen && updated == desired && all == desired && available == desired;
    (!done, format!("{updated} of {desired} routers run what the fleet describes"))
}

/// Says of a fleet that is paused that it is.
///
/// # Errors
/// When the API server fails.
pub async fn paused(context: &Context, fleet: &RouterFleet) -> Result<(), Error> {
    let before = fleet.status.clone().unwrap_or_default();
    let others = before.conditions.iter().filter(|condition| condition.kind != "ReconciliationPaused").cloned();
    let message = format!("the annotation {} is \"true\"", names::PAUSED);
    let said = Conditions::after(&before.conditions, fleet.metadata.generation)
        .with("ReconciliationPaused", true, "Paused", message)
        .done();
    let conditions = others.chain(said).collect();
    let status = RouterFleetStatus { conditions, ..before.clone() };
    settle(context, fleet, &before, &status, &BAD).await
}

/// Says of a fleet what is wrong with it; what runs goes on.
///
/// # Errors
/// When the API server fails.
pub async fn invalid(context: &Context, fleet: &RouterFleet, problems: &[String]) -> Result<Action, Error> {
    stuck(context, fleet, "Invalid", problems.join("; ")).await?;
    Ok(Action::await_change())
}

/// Says of a fleet why not all of it is as it should be.
///
/// # Errors
/// That, or that the API server fails.
pub async fn failed<T>(context: &Context, fleet: &RouterFleet, error: Error) -> Result<T, Error> {
    stuck(context, fleet, "ApplyFailed", error.to_string()).await?;
    Err(error)
}

async fn stuck(context: &Context, fleet: &RouterFleet, reason: &str, message: String) -> Result<(), Error> {
    let before = fleet.status.clone().unwrap_or_default();
    let conditions = Conditions::after(&before.conditions, fleet.metadata.generation)
        .with("Degraded", true, reason, message)
        .with("ReconciliationPaused", false, "Reconciling", "waits for what is missing");
    let conditions = if before.conditions.iter().any(|condition| condition.kind == "Available") {
        conditions.unchanged("Available")
    } else {
        conditions.with("Available", false, reason, "nothing was made yet")
    };
    let status = RouterFleetStatus {
        observed_generation: fleet.metadata.generation,
        conditions: conditions.ready(&READY).done(),
        ..before.clone()
    };
    settle(context, fleet, &before, &status, &BAD).await
}
