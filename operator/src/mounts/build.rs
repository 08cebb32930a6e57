//! What has to be written for a MountTable.

use anabranch_api::{DriftPolicy, MountTable};
use anabranch_telemetry::clock;

use super::dereference::Found;
use super::validate::Validated;
use crate::link::Mounts;
use crate::publish::plan::{Look, Plan, Stored, plan};

impl Look for Mounts {
    fn stored(&self, path: &str) -> Option<Stored<'_>> {
        let known = self.get(path).map(|seen| Stored { record: Some(&*seen.record), version: seen.version });
        known.or_else(|| self.broken(path).map(|version| Stored { record: None, version }))
    }

    fn is_ours(&self, mark: &str) -> bool {
        self.fleet().unmark(mark).is_some()
    }

    fn marked(&self, mark: &str) -> Vec<String> {
        Mounts::marked(self, mark).cloned().collect()
    }
}

/// The plan; `None` when there is nothing to plan with: no store, or one that is not read yet, or an object that breaks a
/// rule.
pub fn build(found: &Found, validated: &Validated, table: &MountTable) -> Option<Plan> {
    let (link, entries) = (found.link.as_ref()?, validated.entries.as_ref()?);
    let policy = match found.fleet.as_ref().map(|fleet| &fleet.0) {
        Ok(Ok(fleet)) => fleet.spec.drift_policy,
        _ => DriftPolicy::Observe,
    };
    let mounts = link.mounts.read();
    mounts.complete().then(|| plan(&super::mark(link, table), entries, &*mounts, policy, clock::wall_ms()))
}
