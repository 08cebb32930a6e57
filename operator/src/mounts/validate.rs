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
}

/// Checks all entries, and claims their paths.
pub async fn validate(context: &Context, table: &MountTable, found: &Found) -> Validated {
    let validated = claimed(context, table, found).await;
    if let (Some(link), Some(uid)) = (&found.link, table.uid()) {
        link.mounts.write().heard.insert(uid);
    }
    validated
}

async fn claimed(context: &Context, table: &MountTable, found: &Found) -> Validated {
    let mut validated = Validated::default();
    let entries = match table.spec.to_entries() {
        Ok(entries) => entries,
        Err(errors) => {
            validated.invalid = errors.iter().map(ToString::to_string).collect();
            return validated;
        }
    };
    let (Ok(fleet), Some(link)) = (&found.fleet, &found.link) else { return validated };
    let Ok(fleet) = &fleet.0 else { return validated };
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
    let claim = claim(table);
    let paths = allowed.iter().map(|entry| entry.source.to_string()).collect();
    let touched = link.mounts.write().claims.set(claim.clone(), paths);
    tell(context, link, touched).await;
    let mounts = link.mounts.read();
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

fn claim(table: &MountTable) -> Claim {
    let created = table.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_millisecond());
    Claim { created_ms: created, namespace: table.namespace().unwrap_or_default(), name: table.name_any() }
}

/// Others whose right to a path changed look again.
pub async fn tell(context: &Context, link: &Link, touched: BTreeSet<(String, String)>) {
    for (namespace, name) in touched {
        tracing::debug!(fleet = link.fleet.name, namespace, name, "the right to a path has changed");
        context.links.tell_table(ObjectRef::new(&name).within(&namespace)).await;
    }
}
