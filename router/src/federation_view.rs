//! What this router knows of the federation from the state store, for those who look at it over HTTP. Whoever reads the
//! records puts them in; or [`FederationView::follow`] reads them.

mod follow;
mod operations;

use std::sync::Arc;

use anabranch_store::{DisabledNameservice, Membership, RouterState};
use arc_swap::ArcSwap;
use tokio::sync::watch;

pub(crate) use operations::KINDS;
pub use operations::{Operation, Operations};

/// The view. Clones share it.
#[derive(Clone, Default)]
pub struct FederationView {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    memberships: ArcSwap<Vec<Arc<Membership>>>,
    routers: watch::Sender<Arc<Vec<Arc<RouterState>>>>,
    disabled: ArcSwap<Vec<Arc<DisabledNameservice>>>,
    operations: Operations,
}

impl FederationView {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// All membership records as they are stored, those of every router: which of them speaks for a NameNode is decided
    /// where they are looked at.
    pub fn set_memberships(&self, records: Vec<Arc<Membership>>) {
        self.inner.operations.loaded("MembershipState");
        self.inner.memberships.store(Arc::new(records));
    }

    /// All router records.
    pub fn set_routers(&self, records: Vec<Arc<RouterState>>) {
        self.inner.operations.loaded("RouterState");
        self.inner.routers.send_replace(Arc::new(records));
    }

    /// All records of nameservices that are out of service.
    pub fn set_disabled(&self, records: Vec<Arc<DisabledNameservice>>) {
        self.inner.operations.loaded("DisabledNameservice");
        self.inner.disabled.store(Arc::new(records));
    }

    /// The membership records.
    pub fn memberships(&self) -> Arc<Vec<Arc<Membership>>> {
        self.inner.memberships.load_full()
    }

    /// The router records.
    pub fn routers(&self) -> Arc<Vec<Arc<RouterState>>> {
        self.inner.routers.borrow().clone()
    }

    /// The router records whenever they change.
    pub fn watch_routers(&self) -> watch::Receiver<Arc<Vec<Arc<RouterState>>>> {
        self.inner.routers.subscribe()
    }

    /// The nameservices that are out of service.
    pub fn disabled(&self) -> Arc<Vec<Arc<DisabledNameservice>>> {
        self.inner.disabled.load_full()
    }

    /// Counts of what is done with the state store.
    pub fn operations(&self) -> &Operations {
        &self.inner.operations
    }
}
