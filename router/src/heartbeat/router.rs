use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::hdfs::StateStoreVersionRecordProto;
use anabranch_store::{Revision, RouterState, RouterStatus, Writer};
use anabranch_telemetry::clock::wall_ms;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::keeper::Keeper;
use super::pace::Pace;
use super::record;
pub use super::record::Myself;
use crate::federation_view::Known;

/// Reports the router itself.
pub struct Announcer {
    /// What does not change.
    pub myself: Myself,
    /// How far the router is, until it ends.
    pub status: watch::Receiver<RouterStatus>,
    /// That it ends: counts for more than the status.
    pub ending: watch::Receiver<Option<RouterStatus>>,
    /// The revision of the mount table that it serves.
    pub revision: watch::Receiver<Option<Revision>>,
    /// The routers of the fleet.
    pub routers: watch::Receiver<Known<RouterState>>,
    /// How often it reports at least.
    pub interval: Duration,
    /// Where to.
    pub store: Arc<dyn Writer<RouterState>>,
}

impl Announcer {
    /// Reports at each change, and at each interval, until it has said that the router has ended. `versions` tells which
    /// records the router knows. Changes of the mount table are told at their [`Pace`].
    pub async fn run(mut self, versions: impl Fn() -> StateStoreVersionRecordProto) {
        let mut keeper = Keeper::new(self.store.clone());
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let created = wall_ms();
        let (mut gone, mut still, mut due, mut pace) = (false, false, None, Pace::default());
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                changed = self.status.changed(), if !gone => gone = changed.is_err(),
                changed = self.revision.changed(), if !still && due.is_none() => {
                    still = changed.is_err();
                    due = Some(pace.due(Instant::now()));
                    continue;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                changed = self.ending.changed() => if changed.is_err() {
                    return;
                },
            }
            if due.take().is_some() {
                pace.told(Instant::now(), &self.routers.borrow());
            }
            // Whatever it reports shows that it lives.
            ticks.reset();
            let revision = *self.revision.borrow_and_update();
            let ending = *self.ending.borrow_and_update();
            let status = ending.unwrap_or(*self.status.borrow_and_update());
            let message = record::router(&self.myself, status, versions(), created, wall_ms());
            match RouterState::new(message) {
                Ok(record) => keeper.put(record.serving(revision)).await,
                Err(error) => tracing::debug!(%error, "this router cannot be reported"),
            }
            if ending == Some(RouterStatus::Shutdown) {
                return;
            }
        }
    }
}
