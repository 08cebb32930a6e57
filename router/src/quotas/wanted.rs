//! What a mount table asks of NameNodes. Plain functions.

use std::collections::{BTreeMap, BTreeSet};

use anabranch_federation::{Destination, Limits, MountEntry, MountPath, MountTable};

use crate::plan::outermost;

/// See the module.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The limits of each directory that a mount with a quota in effect leads to: those of the mount table there, the lower
    /// ones where several mounts lead to it. Other directories keep what they have.
    pub limits: BTreeMap<Destination, Limits>,
    /// The mounts that have quotas, sorted, each with the directories whose use counts for it: its own and those of the mounts
    /// below, but for those that lie inside another one.
    pub parts: Vec<(MountPath, Vec<Destination>)>,
}

/// Looks at the mounts that have quotas, and at all below them.
pub fn wanted(table: &MountTable) -> Wanted {
    let mut wanted = Wanted::default();
    for source in table.limited().keys() {
        let below: Vec<&MountEntry> = table.entries_below(source.as_str()).collect();
        wanted.parts.push((source.clone(), parts(&below)));
        for entry in below {
            let limits = table.limits_over(entry.source.as_str());
            for destination in &entry.destinations {
                let known = wanted.limits.entry(destination.clone()).or_insert(limits);
                *known = known.tightened(limits);
            }
        }
    }
    wanted
}

/// The directories of all mounts at these paths and below.
pub fn directories<'a>(table: &MountTable, sources: impl IntoIterator<Item = &'a MountPath>) -> BTreeSet<Destination> {
    let entries = sources.into_iter().flat_map(|source| table.entries_below(source.as_str()));
    entries.flat_map(|entry| entry.destinations.iter().cloned()).collect()
}

fn parts(entries: &[&MountEntry]) -> Vec<Destination> {
    let all: Vec<&Destination> = entries.iter().flat_map(|entry| &entry.destinations).collect();
    let places: Vec<_> = all.iter().map(|one| (&one.nameservice, one.path.as_str())).collect();
    let kept = outermost(&places);
    all.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(one, _)| one.clone()).collect()
}

#[cfg(test)]
mod tests;
