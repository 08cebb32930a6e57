//! What became of a MountTable.

use anabranch_api::{ConditionStatus, MountTable, MountTableStatus};
use kube::ResourceExt;

use super::apply::Applied;
use super::dereference::Found;
use super::validate::Validated;
use crate::conditions::Conditions;
use crate::context::Context;
use crate::error::Error;
use crate::status::settle;

/// Conditions that mean trouble.
const BAD: [(&str, ConditionStatus); 4] = [
    ("Accepted", ConditionStatus::False),
    ("ResolvedRefs", ConditionStatus::False),
    ("Programmed", ConditionStatus::Unknown),
    ("Drifted", ConditionStatus::True),
];

/// What holds where clients get what is declared.
const READY: [(&str, ConditionStatus); 4] = [
    ("Accepted", ConditionStatus::True),
    ("ResolvedRefs", ConditionStatus::True),
    ("Programmed", ConditionStatus::True),
    ("Drifted", ConditionStatus::False),
];

/// Says what became of a MountTable, if that is news.
///
/// # Errors
/// When the API server fails.
pub async fn update(
    context: &Context,
    table: &MountTable,
    found: &Found,
    validated: &Validated,
    applied: &Applied,
) -> Result<(), Error> {
    let (namespace, name) = (table.namespace().unwrap_or_default(), table.name_any());
    let before = table.status.clone().unwrap_or_default();
    let serving = applied
        .revision
        .zip(found.link.as_ref())
        .map(|(revision, link)| link.routers.await_revision(&namespace, &name, revision));
    let trouble = found.link.as_ref().and_then(|link| link.trouble.borrow().clone());
    let (status, reason, message) = programmed(&before, validated, applied, serving, found.link.is_some(), trouble);
    let (accepted, accepted_reason, accepted_message) = accepted(found, validated);
    let (resolved, resolved_reason, resolved_message) = resolved(found, validated);
    let conditions = Conditions::after(&before.conditions, table.metadata.generation)
        .with("Accepted", accepted, accepted_reason, accepted_message)
        .with("ResolvedRefs", resolved, resolved_reason, resolved_message)
        .with("Programmed", status, reason, message);
    let conditions = match drifted(applied) {
        None => conditions.with("Drifted", false, "AsDeclared", "the state store holds what is declared"),
        Some(message) => conditions.with("Drifted", true, "ChangedInStore", message),
    };
    let conditions = conditions.ready(&READY);
    let after = MountTableStatus {
        observed_generation: table.metadata.generation,
        revision: applied.revision.and_then(|revision| i64::try_from(revision).ok()).or(before.revision),
        routers: serving.map(|(serving, all)| format!("{serving}/{all}")).or(before.routers.clone()),
        conditions: conditions.done(),
    };
    let after = settled(&before, after);
    settle(context, table, &before, &after, &BAD).await
}

/// Routers that come and go later are no news of a revision that all of them served: one edit costs writes for that edit
/// only, however many MountTables there are.
fn settled(before: &MountTableStatus, after: MountTableStatus) -> MountTableStatus {
    let key = |status: &MountTableStatus| {
        let conditions = status.conditions.iter();
        let programmed = conditions.clone().any(|c| c.kind == "Programmed" && c.status == ConditionStatus::True);
        let others: Vec<_> = conditions
            .filter(|c| c.kind != "Programmed")
            .map(|c| (c.kind.clone(), c.status, c.reason.clone(), c.message.clone()))
            .collect();
        programmed.then_some((status.observed_generation, status.revision, others))
    };
    match key(before) {
        Some(known) if Some(&known) == key(&after).as_ref() => before.clone(),
        _ => after,
    }
}

type Verdict = (ConditionStatus, &'static str, String);

fn accepted(found: &Found, validated: &Validated) -> Verdict {
    let no = |reason, problems: &[String]| (ConditionStatus::False, reason, problems.join("; "));
    if !validated.invalid.is_empty() {
        return no("Invalid", &validated.invalid);
    }
    if let Err(problem) = &found.fleet {
        return (ConditionStatus::False, "FleetNotFound", problem.clone());
    }
    if !validated.refused.is_empty() {
        return no("NotAllowed", &validated.refused);
    }
    if !validated.conflicts.is_empty() {
        return no("Conflicted", &validated.conflicts);
    }
    (ConditionStatus::True, "Accepted", "every entry is valid, allowed and its own".to_owned())
}

fn resolved(found: &Found, validated: &Validated) -> Verdict {
    if let Err(problem) = &found.fleet {
        return (ConditionStatus::False, "FleetNotFound", problem.clone());
    }
    if validated.unresolved.is_empty() {
        return (ConditionStatus::True, "ResolvedRefs", "every nameservice is known".to_owned());
    }
    let unknown: Vec<&str> = validated.unresolved.iter().map(String::as_str).collect();
    let message = format!(
        "no Subcluster of the fleet has the nameserviceId {}; calls below these mounts fail until one has",
        unknown.join(", ")
    );
    (ConditionStatus::False, "NameserviceNotFound", message)
}

fn programmed(
    before: &MountTableStatus,
    validated: &Validated,
    applied: &Applied,
    serving: Option<(usize, usize)>,
    linked: bool,
    trouble: Option<String>,
) -> Verdict {
    use ConditionStatus::{False, True, Unknown};
    if let (true, Some(trouble)) = (linked, trouble) {
        return (Unknown, "StoreUnavailable", trouble);
    }
    if !linked {
        return (False, "NoStore", "the fleet has no state store yet".to_owned());
    }
    let Some(entries) = &validated.entries else {
        let earlier = before.revision.map_or_else(String::new, |revision| format!("; revision {revision} stays"));
        return (False, "Invalid", format!("nothing is written{earlier}"));
    };
    if let Some(refused) = applied.refused.first() {
        return (False, "Refused", format!("the state store does not take {refused}"));
    }
    if !applied.drift.is_empty() {
        let paths: Vec<&str> = applied.drift.iter().map(|drift| drift.path.as_str()).collect();
        return (False, "Drifted", format!("left as someone else wrote them: {}", paths.join(", ")));
    }
    match (applied.revision, serving) {
        (Some(revision), Some((serving, all))) if serving == all && all > 0 => {
            (True, "Programmed", format!("{all} routers serve revision {revision}"))
        }
        (Some(revision), Some((_, 0))) => {
            (False, "NoRouters", format!("revision {revision} is stored; no router runs"))
        }
        (Some(revision), Some((serving, all))) => {
            (False, "Pending", format!("{serving} of {all} routers serve revision {revision}"))
        }
        _ if entries.is_empty() => (True, "Programmed", "there is nothing to serve".to_owned()),
        _ => (False, "Pending", "not stored yet".to_owned()),
    }
}

fn drifted(applied: &Applied) -> Option<String> {
    let shown: Vec<String> = applied.drift.iter().map(|drift| format!("{}: {}", drift.path, drift.found)).collect();
    (!shown.is_empty()).then(|| shown.join("; "))
}
