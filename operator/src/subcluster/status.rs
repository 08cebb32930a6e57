//! What is known about a subcluster.

use anabranch_api::{ByteSize, ConditionStatus, Subcluster, SubclusterKind, SubclusterSettings, SubclusterStatus};
use anabranch_store::NamenodeState;
use kube::runtime::controller::Action;

use super::members::Members;
use crate::conditions::Conditions;
use crate::context::Context;
use crate::error::Error;
use crate::status::settle;

/// Conditions that mean trouble.
const BAD: [(&str, ConditionStatus); 3] =
    [("Ready", ConditionStatus::False), ("Reachable", ConditionStatus::False), ("HAHealthy", ConditionStatus::False)];

type Verdict = (ConditionStatus, &'static str, String);

/// Says what is known, if that is news.
///
/// # Errors
/// When the API server fails.
pub async fn update(
    context: &Context,
    subcluster: &Subcluster,
    settings: &SubclusterSettings,
    members: &Members,
    running: Option<bool>,
    declared: bool,
) -> Result<(), Error> {
    let before = subcluster.status.clone().unwrap_or_default();
    let reachable = reachable(members);
    let ha = ha_healthy(settings, members);
    let out = declared || members.disabled;
    let ready = match (out, running, reachable.0) {
        (true, ..) => (ConditionStatus::False, "Disabled", "it is out of service".to_owned()),
        (_, Some(false), _) => (ConditionStatus::False, "Starting", "its pod is not ready".to_owned()),
        (_, Some(true), ConditionStatus::Unknown) => {
            (ConditionStatus::True, "Running", "its pod is ready; no router has reported it yet".to_owned())
        }
        _ => reachable.clone(),
    };
    let disabled = match (declared, members.disabled) {
        (true, _) => (ConditionStatus::True, "Declared", "spec.disabled is true".to_owned()),
        (false, true) => {
            (ConditionStatus::True, "ByAdministrator", "dfsrouteradmin -nameservice disable was called".to_owned())
        }
        (false, false) => (ConditionStatus::False, "InService", "it is in service".to_owned()),
    };
    let mut conditions = Conditions::after(&before.conditions, subcluster.metadata.generation);
    for (kind, (status, reason, message)) in
        [("Ready", ready), ("Reachable", reachable), ("HAHealthy", ha), ("Disabled", disabled)]
    {
        conditions = conditions.with(kind, status, reason, message);
    }
    let status = SubclusterStatus {
        observed_generation: subcluster.metadata.generation,
        active_namenode: members.active.clone(),
        capacity: members.capacity.map(shown),
        used: members.used.map(shown),
        files: members.files,
        blocks: members.blocks,
        conditions: conditions.done(),
    };
    settle(context, subcluster, &before, &status, &BAD).await
}

fn reachable(members: &Members) -> Verdict {
    let states: Vec<String> = members.states.iter().map(|(id, state)| format!("{id} is {}", state.name())).collect();
    let message = states.join(", ");
    match (&members.active, members.states.is_empty()) {
        (_, true) => (ConditionStatus::Unknown, "NotReported", "no router has reported it yet".to_owned()),
        (Some(_), _) => (ConditionStatus::True, "Active", message),
        (None, _) => (ConditionStatus::False, "NoActiveNamenode", message),
    }
}

/// Whether a NameNode may fail without harm: one is active, and all others stand by.
fn ha_healthy(settings: &SubclusterSettings, members: &Members) -> Verdict {
    let namenodes = match &settings.kind {
        SubclusterKind::External { namenodes } => namenodes.len(),
        SubclusterKind::Embedded { replicas, .. } => usize::try_from(*replicas).unwrap_or(1),
    };
    if namenodes < 2 {
        return (ConditionStatus::Unknown, "SingleNamenode", "it has one NameNode".to_owned());
    }
    let fit = |state: &NamenodeState| {
        matches!(state, NamenodeState::Active | NamenodeState::Standby | NamenodeState::Observer)
    };
    let unfit: Vec<&str> = members.states.iter().filter(|(_, state)| !fit(state)).map(|(id, _)| id.as_str()).collect();
    if members.states.is_empty() {
        return (ConditionStatus::Unknown, "NotReported", "no router has reported it yet".to_owned());
    }
    if members.active.is_none() || !unfit.is_empty() || members.states.len() < namenodes {
        let message = format!("{} of {namenodes} NameNodes serve or stand by", members.states.len() - unfit.len());
        return (ConditionStatus::False, "NamenodeMissing", message);
    }
    (ConditionStatus::True, "StandbyReady", format!("{namenodes} NameNodes serve or stand by"))
}

/// Bytes with a suffix and three digits at most, as people read them.
fn shown(bytes: u64) -> String {
    let mut exact = (bytes, 0);
    while exact.0 >= 10_240 && exact.1 < 5 {
        exact = (exact.0 / 1024, exact.1 + 1);
    }
    ByteSize::from(exact.0 << (10 * exact.1)).to_string()
}

/// Says of a subcluster what is wrong with it; what runs goes on.
///
/// # Errors
/// When the API server fails.
pub async fn invalid(context: &Context, subcluster: &Subcluster, problems: &[String]) -> Result<Action, Error> {
    stuck(context, subcluster, "Invalid", problems.join("; ")).await?;
    Ok(Action::await_change())
}

/// Says of a subcluster why not all of it is as it should be; what runs goes on.
///
/// # Errors
/// That, or that the API server fails.
pub async fn failed<T>(context: &Context, subcluster: &Subcluster, error: Error) -> Result<T, Error> {
    stuck(context, subcluster, "ApplyFailed", error.to_string()).await?;
    Err(error)
}

async fn stuck(context: &Context, subcluster: &Subcluster, reason: &str, message: String) -> Result<(), Error> {
    let before = subcluster.status.clone().unwrap_or_default();
    let conditions = Conditions::after(&before.conditions, subcluster.metadata.generation)
        .with("Ready", false, reason, message)
        .done();
    let status = SubclusterStatus { observed_generation: subcluster.metadata.generation, conditions, ..before.clone() };
    settle(context, subcluster, &before, &status, &BAD).await
}
