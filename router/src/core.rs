//! What all calls of a router share.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use anabranch_federation::MountTable;
use anabranch_hrpc::{Exception, Identity};
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

impl Core {
    /// Whether a client may connect as whom it says it is.
    ///
    /// # Errors
    /// `AuthorizationException` in the words of Hadoop.
    pub async fn authorize(&self, peer: SocketAddr, identity: &Identity) -> Result<(), Exception> {
        let rules = self.impersonation.load_full();
        rules.authorize(peer, identity, &self.groups).await
    }

    /// As whom NameNodes see a client.
    pub fn presented<'i>(&self, client: &'i Identity) -> Cow<'i, Identity> {
        match &self.config.acts_as {
            None => Cow::Borrowed(client),
            Some(router) => Cow::Owned(Identity { user: client.user.clone(), real_user: Some(router.clone()) }),
        }
    }
}
