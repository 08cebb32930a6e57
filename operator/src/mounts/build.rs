//! What has to be written for a MountTable.

use std::sync::Arc;

use anabranch_api::{DriftPolicy, MountTable};
use anabranch_telemetry::clock;
use kube::ResourceExt;

use super::dereference::Found;
use super::validate::Validated;
use crate::context::Context;
use crate::link::{Link, Mounts};
use crate::publish::plan::{Look, Plan, Stored, plan};

/// The mounts of a store, as one MountTable looks at them.
struct View<'a> {
    mounts: &'a Mounts,
    /// Which MountTable looks.
    table: (String, String),
    /// Other fleets that use the same store: one of them may have served the MountTable before.
    former: Vec<Arc<Link>>,
}

impl Look for View<'_> {
    fn stored(&self, path: &str) -> Option<Stored<'_>> {
        let known = self.mounts.get(path).map(|seen| Stored { record: Some(&*seen.record), version: seen.version });
        known.or_else(|| self.mounts.broken(path).map(|version| Stored { record: None, version }))
    }

    fn is_ours(&self, mark: &str) -> bool {
        let its = (&*self.table.0, &*self.table.1);
        self.mounts.fleet().unmark(mark).is_some()
            || self.former.iter().any(|former| former.fleet.unmark(mark) == Some(its))
    }

    fn marked(&self, mark: &str) -> Vec<String> {
        self.mounts.marked(mark).cloned().collect()
    }
}

/// The plan; `None` when there is nothing to plan with: no store, or one that is not read yet, or an object that breaks a
/// rule, or others of which it is not known what they claim.
pub fn build(context: &Context, found: &Found, validated: &Validated, table: &MountTable) -> Option<Plan> {
    let (link, entries) = (found.link.as_ref()?, validated.entries.as_ref().filter(|_| validated.settled)?);
    let policy = match found.fleet.as_ref().map(|fleet| &fleet.0) {
        Ok(Ok(fleet)) => fleet.spec.drift_policy,
        _ => DriftPolicy::Observe,
    };
    let mark = super::mark(link, table);
    let mounts = link.mounts.read();
    let shares = |other: &Arc<Link>| other.address == link.address && other.fleet != link.fleet;
    let former = context.links.all().into_iter().filter(shares).collect();
    let table = (table.namespace().unwrap_or_default(), table.name_any());
    let view = View { mounts: &mounts, former, table };
    Some(plan(&mark, entries, &view, policy, clock::wall_ms()))
}
