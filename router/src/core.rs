//! What all calls of a router share.

use std::sync::Arc;

use anabranch_federation::MountTable;
use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use crate::block_pools::BlockPools;
use crate::config::RouterConfig;
use crate::groups::Groups;
use crate::metrics::Metrics;
use crate::quotas::Quotas;
use crate::safe_mode::SafeMode;
use crate::session::Impersonation;
use crate::upstream::Upstream;
use crate::whereabouts::Whereabouts;

/// The data plane's state.
pub struct Core {
    /// As it was told at the start.
    pub config: RouterConfig,
    /// The mount table in use; none before the first, and when it is too old to be trusted.
    pub mounts: ArcSwapOption<MountTable>,
    /// The revision of the mount table in use.
    pub revision: watch::Sender<Option<u64>>,
    /// Whether changes are refused.
    pub safe_mode: SafeMode,
    /// Subclusters.
    pub upstream: Upstream,
    /// What the orders LOCAL and SPACE go by.
    pub whereabouts: Whereabouts,
    /// Owners of block pools.
    pub pools: BlockPools,
    /// Who may act for whom.
    pub impersonation: ArcSwap<Impersonation>,
    /// Quotas of mounts.
    pub quotas: Quotas,
    /// Groups of users.
    pub groups: Groups,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}
