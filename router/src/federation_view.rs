//! What this router knows of the federation from the state store: one watch for each kind of record, which all share who
//! act on the records or show them.

mod follow;
mod known;
mod operations;
mod standing;

use std::sync::Arc;

use anabranch_store::{DisabledNameservice, Membership, RouterState};
use tokio::sync::watch;

pub use known::Known;
pub(crate) use operations::KINDS;
pub use operations::{Operation, Operations};
pub(crate) use standing::{Namenode, Standing};

/// The view. Clones share it.
#[derive(Clone, Default)]
pub struct FederationView {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    memberships: watch::Sender<Known<Membership>>,
    routers: watch::Sender<Known<RouterState>>,
    disabled: watch::Sender<Known<DisabledNameservice>>,
    operations: Operations,
}

impl FederationView {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// All membership records as they are stored, those of every router: which of them speaks for a NameNode is decided
    /// where they are looked at.
    pub fn memberships(&self) -> watch::Receiver<Known<Membership>> {
        self.inner.memberships.subscribe()
    }

    /// All router records; none where nobody needs them.
    pub fn routers(&self) -> watch::Receiver<Known<RouterState>> {
        self.inner.routers.subscribe()
    }

    /// The nameservices that are out of service.
    pub fn disabled(&self) -> watch::Receiver<Known<DisabledNameservice>> {
        self.inner.disabled.subscribe()
    }

    /// Counts of what is done with the state store.
    pub fn operations(&self) -> &Operations {
        &self.inner.operations
    }
}
