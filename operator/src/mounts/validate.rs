//! Which entries of a MountTable may be written.

use std::collections::BTreeSet;

use anabranch_api::{Delegation, MountTable};
use anabranch_federation::MountEntry;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use super::dereference::Found;
use crate::context::Context;
use crate::link::Link;
use crate::publish::claims::Claim;

/// What may be written, and what not and why.
#[derive(Debug, Default)]
pub struct Validated {
    /// The entries that may be written; `None`: the object breaks a rule, and what is stored for it stays.
    pub entries: Option<Vec<MountEntry>>,
    /// Rules that the object breaks.
    pub invalid: Vec<String>,
    /// Entries that the fleet does not allow.
    pub refused: Vec<String>,
    /// Entries that another MountTable has.
    pub conflicts: Vec<String>,
    /// Nameservices that nobody knows.
    pub unresolved: BTreeSet<String>,
    /// Whether it was known what all others claim.
    pub settled: bool,
}

/// Checks all entries, and claims their paths.
pub async fn validate(context: &Context, table: &MountTable, found: &Found) -> Validated {
    let mut validated = Validated::default();
    let allowed = allowed(table, found, &mut validated);
    let Some(link) = &found.link else { return validated };
    let claim = claim(table);
    let touched = {
        let mut mounts = link.mounts.write();
        mounts.heard.extend(table.uid());
        let paths = allowed.iter().flatten().map(|entry| entry.source.to_string()).collect();
        // What nobody can read keeps what it has.
        if allowed.is_some() { mounts.claims.set(claim.clone(), paths) } else { BTreeSet::new() }
    };
    tell(context, link, touched).await;
    super::settle(context, link).await;
    let mounts = link.mounts.read();
    validated.settled = mounts.settled;
    let Some(mut allowed) = allowed else { return validated };
    allowed.retain(|entry| match mounts.claims.owner(entry.source.as_str()) {
        Some(owner) if *owner != claim => {
            let Claim { namespace, name, .. } = owner;
            validated.conflicts.push(format!("{} belongs to the older MountTable {namespace}/{name}", entry.source));
            false
        }
        _ => true,
    });
    let destinations = allowed.iter().flat_map(|entry| &entry.destinations).map(|to| to.nameservice.as_str());
    validated.unresolved = destinations.filter(|name| !found.knows(context, name)).map(str::to_owned).collect();
    validated.entries = Some(allowed);
    validated
}

/// The entries that the fleet allows; `None` if the object breaks a rule, or there is no fleet to ask.
fn allowed(table: &MountTable, found: &Found, validated: &mut Validated) -> Option<Vec<MountEntry>> {
    let entries = table.spec.to_entries().map_err(|errors| {
        validated.invalid = errors.iter().map(ToString::to_string).collect();
    });
    let (entries, fleet) = (entries.ok()?, found.fleet.as_ref().ok()?.0.as_ref().ok()?);
    found.link.as_ref()?;
    let home = table.namespace().unwrap_or_default();
    let delegation =
        Delegation::of(&fleet.spec.allowed_mounts, &fleet.namespace().unwrap_or_default(), &home, &found.labels);
    let mut allowed = Vec::with_capacity(entries.len());
    for entry in entries {
        match delegation.check(&entry) {
            Ok(()) => allowed.push(entry),
            Err(problem) => validated.refused.push(problem),
        }
    }
    Some(allowed)
}

/// By which a MountTable has a right to its paths.
pub fn claim(table: &impl ResourceExt) -> Claim {
    let created = table.creation_timestamp().map_or(0, |time| time.0.as_millisecond());
    Claim { created_ms: created, namespace: table.namespace().unwrap_or_default(), name: table.name_any() }
}

/// Others whose right to a path changed look again.
pub async fn tell(context: &Context, link: &Link, touched: BTreeSet<(String, String)>) {
    for (namespace, name) in touched {
        tracing::debug!(fleet = link.fleet.name, namespace, name, "the right to a path has changed");
        context.links.tell_table(ObjectRef::new(&name).within(&namespace)).await;
    }
}
