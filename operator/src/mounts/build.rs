//! What has to be written for a MountTable.

use std::sync::Arc;

use anabranch_api::{DriftPolicy, MountTable};
use anabranch_telemetry::clock;

use super::dereference::Found;
use super::validate::Validated;
use crate::context::Context;
use crate::link::{Link, Mounts};
use crate::publish::plan::{Look, Plan, Stored, plan};

/// The mounts of a store, as one MountTable looks at them.
struct View<'a> {
    mounts: &'a Mounts,
    /// Its marks of the time when another fleet served it from the same store.
    former: Vec<String>,
}

impl Look for View<'_> {
    fn stored(&self, path: &str) -> Option<Stored<'_>> {
        let known = self.mounts.get(path).map(|seen| Stored { record: Some(&*seen.record), version: seen.version });
        known.or_else(|| self.mounts.broken(path).map(|version| Stored { record: None, version }))
    }

    fn is_ours(&self, mark: &str) -> bool {
        self.mounts.fleet().unmark(mark).is_some() || self.former.iter().any(|former| former == mark)
    }

    fn marked(&self, mark: &str) -> Vec<String> {
        self.mounts.marked(mark).cloned().collect()
    }
}

/// The plan; `None` when there is nothing to plan with: no store, or one that is not read yet, or an object that breaks a
/// rule.
pub fn build(context: &Context, found: &Found, validated: &Validated, table: &MountTable) -> Option<Plan> {
    let (link, entries) = (found.link.as_ref()?, validated.entries.as_ref()?);
    let policy = match found.fleet.as_ref().map(|fleet| &fleet.0) {
        Ok(Ok(fleet)) => fleet.spec.drift_policy,
        _ => DriftPolicy::Observe,
    };
    let mounts = link.mounts.read();
    let shares = |other: &Arc<Link>| other.address == link.address && other.fleet != link.fleet;
    let sharing = context.links.all().into_iter().filter(shares);
    let view = View { mounts: &mounts, former: sharing.map(|other| super::mark(&other, table)).collect() };
    mounts.complete().then(|| plan(&super::mark(link, table), entries, &view, policy, clock::wall_ms()))
}
