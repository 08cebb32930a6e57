//! What a router watches in the store.

use std::time::Duration;

use anabranch_store::{DisabledNameservice, Membership, Record, RouterState};

use crate::rig::Rig;

/// The kinds that are watched, but for the mounts, which the rig's feed reads.
async fn watched(reports: bool, rebalances: bool) -> Vec<&'static str> {
    let configure = |config: &mut anabranch_router::RouterConfig| {
        config.heartbeat.router = reports;
        config.rebalance = if rebalances { Duration::from_secs(1) } else { Duration::ZERO };
    };
    let rig = Rig::with(configure, |_| {}).await;
    rig.readiness.wait_ready().await;
    let mut kinds = rig.store.watches.lock().clone();
    rig.router.drain().await;
    kinds.sort_unstable();
    let mounts = kinds.iter().filter(|kind| **kind == "MountTable").count();
    assert_eq!(mounts, 1);
    kinds.retain(|kind| *kind != "MountTable");
    kinds
}

#[tokio::test]
async fn each_kind_is_watched_once_and_routers_only_where_somebody_needs_them() {
    let silent = [DisabledNameservice::KIND, Membership::KIND];
    let all = [DisabledNameservice::KIND, Membership::KIND, RouterState::KIND];
    assert_eq!(watched(false, false).await, silent);
    assert_eq!(watched(true, true).await, all);
    assert_eq!(watched(false, true).await, all);
}
