//! How much space nameservices have, from the records of their NameNodes.

use std::sync::Arc;

use anabranch_federation::membership::Lifetime;
use anabranch_federation::{NameserviceId, Order};
use anabranch_store::{Membership, NamenodeState};
use tokio::time::{Duration, sleep, timeout};

use super::used;
use crate::core::Core;
use crate::federation_view::{FederationView, Known, Standing};

/// Records come in crowds: one for each NameNode from each router.
const REST: Duration = Duration::from_secs(1);

/// Follows the records, at a distance.
pub(super) async fn follow(core: Arc<Core>, view: FederationView) {
    let (mut revision, mut records) = (core.revision.subscribe(), view.memberships());
    let (period, lifetime) = (core.config.placement.update_period, core.config.heartbeat.membership_lifetime);
    loop {
        used(&core, &mut revision, Order::Space).await;
        let known = records.borrow_and_update().clone();
        let directory = core.upstream.directory();
        let disabled: Vec<&str> = directory.disabled().iter().map(NameserviceId::as_str).collect();
        core.whereabouts.learn_available(available(&known, &disabled, lifetime));
        sleep(REST.min(period)).await;
        // Records grow too old without a change.
        let _ = timeout(period, records.changed()).await;
    }
}

/// The space of each nameservice that is in service and has said how much it has.
fn available(known: &Known<Membership>, disabled: &[&str], lifetime: Lifetime) -> Arc<[(NameserviceId, u64)]> {
    let standing = Standing::of(known.records(), disabled, lifetime, known.now_ms());
    let reachable = |state| !matches!(state, NamenodeState::Unavailable | NamenodeState::Disabled);
    let said = standing.nameservices.iter().filter(|best| reachable(best.state)).filter_map(|best| {
        Some((NameserviceId::parse(best.nameservice()).ok()?, best.record.stats?.available_space()))
    });
    said.collect()
}
