//! What the orders LOCAL and SPACE go by beside the path: who is on which host, and how much space there is. It is found out
//! in the background, only while a mount has such an order; calls look at what is known.

mod near;
mod space;

use std::net::IpAddr;
use std::sync::Arc;

use anabranch_federation::{MountTable, NameserviceId, Order, Placement};
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use near::Near;

use crate::core::Core;
use crate::federation_view::FederationView;
use crate::router::Runtimes;

/// See the module.
pub struct Whereabouts {
    known: ArcSwap<Known>,
}

/// What is known at one moment.
#[derive(Debug, Clone)]
pub struct Known {
    near: Arc<Near>,
    available: Arc<[(NameserviceId, u64)]>,
    preference: f64,
}

impl Whereabouts {
    /// Nothing is known yet.
    pub fn new(preference: f64) -> Self {
        Self { known: ArcSwap::from_pointee(Known { near: Arc::default(), available: Arc::default(), preference }) }
    }

    /// What is known, if any mount of a table goes by it.
    pub fn of(&self, table: &MountTable) -> Option<Arc<Known>> {
        [Order::Local, Order::Space].iter().any(|order| table.uses(*order)).then(|| self.known.load_full())
    }

    fn learn_near(&self, near: Near) {
        let near = Arc::new(near);
        self.known.rcu(|known| Known { near: near.clone(), ..Known::clone(known) });
    }

    fn learn_available(&self, available: Arc<[(NameserviceId, u64)]>) {
        self.known.rcu(|known| Known { available: available.clone(), ..Known::clone(known) });
    }
}

impl Known {
    /// Where to place what a client calls for, or somebody whose address is not known.
    pub fn placement(&self, client: Option<IpAddr>) -> Placement<'_> {
        let local = client.map(|client| self.near.of(client)).unwrap_or_default();
        Placement { random: None, local, available: &self.available, preference: self.preference, all: &[] }
    }
}

/// Keeps what is known up to date, until `stop`.
pub fn follow(core: &Arc<Core>, view: &FederationView, runtimes: &Runtimes, stop: &CancellationToken) {
    let near = near::follow(core.clone(), runtimes.data.clone());
    let space = space::follow(core.clone(), view.clone());
    runtimes.control.spawn(stop.clone().run_until_cancelled_owned(near));
    runtimes.control.spawn(stop.clone().run_until_cancelled_owned(space));
}

/// Waits until a mount has this order.
async fn used(core: &Core, revision: &mut watch::Receiver<Option<u64>>, order: Order) {
    let uses = |_: &Option<u64>| core.mounts.load().as_ref().is_some_and(|table| table.uses(order));
    // The sender is the router's own.
    let _ = revision.wait_for(uses).await;
}
