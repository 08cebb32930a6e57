//! Quotas of mounts that have changed.

use std::collections::BTreeSet;
use std::time::Duration;

use anabranch_federation::{MountPath, MountTable};
use tokio::time::timeout;

use super::Admin;
use crate::quotas::Round;

/// How long an administrator waits for NameNodes. Their quotas are set later all the same.
const PATIENCE: Duration = Duration::from_secs(10);

impl Admin {
    /// Sets the quotas of changed mounts on NameNodes, and takes those back that are no more, all as the router's own user:
    /// whoever may change a mount need not be a superuser there. What can't be done is told in the log.
    pub(super) async fn set_quotas(&self, before: Option<&MountTable>, changed: &BTreeSet<String>) {
        if !self.core.quotas.are_heeded() {
            return;
        }
        let now = self.core.mounts.load_full();
        let limited =
            |table: Option<&MountTable>, source| table.is_some_and(|table| table.limits_over(source).is_set());
        let concerned = changed.iter().filter(|source| limited(before, source) || limited(now.as_deref(), source));
        let sources: Vec<MountPath> = concerned.filter_map(|source| MountPath::parse(source).ok()).collect();
        if sources.is_empty() {
            return;
        }
        let round = Round::run(&self.core, &self.data, Some(sources.clone()), true);
        if timeout(PATIENCE, round).await.is_err() {
            tracing::warn!(?sources, "quotas are not set on all NameNodes yet");
        }
    }
}
