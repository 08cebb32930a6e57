//! What stores tell, taken into what is known of them, and told to whom it concerns.

use std::sync::Arc;

use anabranch_api::Subcluster;
use anabranch_federation::MountEntry;
use anabranch_store::{Backoff, Event, Reader, Record, RouterState, StoreError, Watch};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;
use parking_lot::RwLock;
use tokio::sync::{mpsc, watch};

use super::tables::{self, Mounts};
use super::{FleetId, Routers, Triggers};

pub(super) async fn mounts(
    mut events: Follower<MountEntry>,
    mounts: Arc<RwLock<Mounts>>,
    fleet: FleetId,
    triggers: Triggers,
) {
    loop {
        let event = events.next().await;
        let touched = mounts.write().take(event);
        tables::tell(&triggers, &fleet, touched).await;
    }
}

pub(super) async fn routers(mut events: Follower<RouterState>, routers: Arc<Routers>) {
    let follow = async {
        loop {
            routers.take(events.next().await).await;
        }
    };
    tokio::join!(follow, routers.expire());
}

/// `take` says of which records there is news. Subclusters are told by nameservice: [`crate::triggers`] finds the objects.
pub(super) async fn nameservices<R: Record>(
    mut events: Follower<R>,
    take: impl Fn(Event<R>) -> Vec<Arc<R>>,
    nameservice: fn(&R) -> &str,
    (triggers, namespace): (mpsc::Sender<ObjectRef<DeserializeGuard<Subcluster>>>, String),
) {
    loop {
        for record in take(events.next().await) {
            // The receiver is gone when the operator ends.
            drop(triggers.send(ObjectRef::new(nameservice(&record)).within(&namespace)).await);
        }
    }
}

/// The events of a store, however long it is away.
pub(super) struct Follower<R> {
    watch: Box<dyn Watch<R>>,
    backoff: Backoff,
    /// Why the store cannot be read, for whoever wants to know.
    trouble: Option<watch::Sender<Option<String>>>,
}

impl<R: Record> Follower<R> {
    pub(super) fn new(store: &(impl Reader<R> + ?Sized), trouble: Option<watch::Sender<Option<String>>>) -> Self {
        Self { watch: store.watch(None), backoff: Backoff::default(), trouble }
    }

    async fn next(&mut self) -> Event<R> {
        loop {
            match self.watch.next().await {
                Ok(event) => {
                    self.backoff.reset();
                    if let Some(trouble) = &self.trouble {
                        trouble.send_if_modified(|known| known.take().is_some());
                    }
                    return event;
                }
                Err(error) => {
                    self.note(&error);
                    let pause = self.backoff.pause();
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn note(&self, error: &StoreError) {
        let Some(trouble) = &self.trouble else { return };
        trouble.send_if_modified(|known| {
            let first = known.is_none();
            *known = Some(error.to_string());
            if first {
                tracing::warn!(%error, "a state store cannot be read; trying again");
            }
            first
        });
    }
}
