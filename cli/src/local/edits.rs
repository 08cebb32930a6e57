//! Edits of manifests while everything runs.

use anabranch_federation::MountEntry;
use anabranch_store::publish;
use anabranch_telemetry::clock;

use super::boot::Running;
use super::prepare;
use crate::manifest::{Change, Watch};

/// Brings each valid edit of mounts to the state store, from where the router has it; never ends.
pub(super) async fn follow(watch: &mut Watch, running: &Running) {
    loop {
        match watch.next().await {
            Change::Applied(federation) => apply(federation.mounts, running).await,
            Change::Refused(reason) => tracing::warn!("edit refused, the last mounts stay in use: {reason}"),
            Change::Restored => tracing::info!("the files say again what is in use"),
        }
    }
}

async fn apply(mounts: Vec<MountEntry>, running: &Running) {
    prepare::destinations(&mounts, &running.subclusters, &running.setup.user).await;
    let report = match publish(mounts, &running.store, clock::wall_ms()).await {
        Ok(report) => report,
        Err(error) => return tracing::error!(%error, "the state store did not take an edit"),
    };
    for refused in &report.refused {
        tracing::warn!(mount = %refused.source, reason = %refused.reason, "mount refused");
    }
    let listed = |paths: &std::collections::BTreeSet<_>| paths.iter().map(ToString::to_string).collect::<Vec<String>>();
    tracing::info!(
        added = ?listed(&report.added),
        updated = ?listed(&report.updated),
        removed = ?listed(&report.removed),
        "mounts changed"
    );
}
