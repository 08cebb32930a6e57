//! Which routers there are, and what each serves.

use std::collections::BTreeMap;
use std::time::Duration;

use anabranch_api::MountTable;
use anabranch_store::{Event, Revision, RouterState, RouterStatus};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{FleetId, Mirror, Triggers};

/// A router that has not been heard of for that long is not waited for. Routers report every five seconds.
const SILENCE: Duration = Duration::from_secs(20);

/// How often silent ones are looked for.
const ROUND: Duration = Duration::from_secs(5);

/// The routers of a fleet.
pub struct Routers {
    fleet: FleetId,
    triggers: Triggers,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    mirror: Mirror<RouterState>,
    summary: Summary,
    /// MountTables that wait until every router serves a revision.
    waiting: BTreeMap<(String, String), Revision>,
}

/// What matters of all routers together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The revisions that live routers serve, sorted. A Java router tells none and is not counted.
    pub served: Vec<Revision>,
    /// How many are in safe mode.
    pub safe_mode: usize,
}

impl Summary {
    /// How many routers serve a revision, of how many.
    pub fn serving(&self, revision: Revision) -> (usize, usize) {
        let behind = self.served.partition_point(|served| *served < revision);
        (self.served.len() - behind, self.served.len())
    }
}

impl Routers {
    pub(super) fn new(fleet: FleetId, triggers: Triggers) -> Self {
        Self { fleet, triggers, inner: Mutex::default() }
    }

    /// Whether they are known.
    pub fn complete(&self) -> bool {
        self.inner.lock().mirror.complete
    }

    /// What is known of them.
    pub fn summary(&self) -> Summary {
        self.inner.lock().summary.clone()
    }

    /// How many routers serve a revision, of how many. If not all do, the MountTable is looked at again when that changes.
    pub fn await_revision(&self, namespace: &str, table: &str, revision: Revision) -> (usize, usize) {
        let mut inner = self.inner.lock();
        let (serving, all) = inner.summary.serving(revision);
        let key = (namespace.to_owned(), table.to_owned());
        if serving < all || all == 0 {
            inner.waiting.insert(key, revision);
        } else {
            inner.waiting.remove(&key);
        }
        (serving, all)
    }

    /// A MountTable that is gone waits for nothing.
    pub fn forget(&self, namespace: &str, table: &str) {
        self.inner.lock().waiting.remove(&(namespace.to_owned(), table.to_owned()));
    }

    pub(super) async fn take(&self, event: Event<RouterState>) {
        drop(self.inner.lock().mirror.take(event, |_, _| false));
        self.settle().await;
    }

    /// Looks again and again for routers that have fallen silent.
    pub(super) async fn expire(&self) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.settle().await;
        }
    }

    /// Tells whoever waits for what has changed.
    async fn settle(&self) {
        let (tables, fleet) = self.inner.lock().settle();
        // The receivers are gone when the operator ends.
        for (namespace, name) in tables {
            let table: ObjectRef<DeserializeGuard<MountTable>> = ObjectRef::new(&name).within(&namespace);
            drop(self.triggers.tables.send(table).await);
        }
        if fleet {
            let FleetId { namespace, name, .. } = &self.fleet;
            drop(self.triggers.fleets.send(ObjectRef::new(name).within(namespace)).await);
        }
    }
}

impl Inner {
    fn settle(&mut self) -> (Vec<(String, String)>, bool) {
        let gone = |status| matches!(status, RouterStatus::Shutdown | RouterStatus::Expired | RouterStatus::Stopping);
        let now = Instant::now();
        let mut summary = Summary::default();
        for (_, seen) in self.mirror.iter() {
            let status = seen.record.status();
            if gone(status) || now.duration_since(seen.at) > SILENCE {
                continue;
            }
            summary.served.extend(seen.record.served());
            summary.safe_mode += usize::from(status == RouterStatus::SafeMode);
        }
        summary.served.sort_unstable();
        let before = std::mem::replace(&mut self.summary, summary);
        let summary = &self.summary;
        let routers_changed = (before.served.len(), before.safe_mode) != (summary.served.len(), summary.safe_mode);
        let moved = |revision: &Revision| before.serving(*revision) != summary.serving(*revision);
        let tables = self.waiting.iter().filter(|(_, revision)| moved(revision)).map(|(table, _)| table.clone());
        (tables.collect(), routers_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_are_counted_by_the_revision_that_they_serve() {
        let summary = Summary { served: vec![3, 5, 5], safe_mode: 0 };
        for (revision, expected) in [(1, (3, 3)), (3, (3, 3)), (4, (2, 3)), (5, (2, 3)), (6, (0, 3))] {
            assert_eq!(summary.serving(revision), expected);
        }
        assert_eq!(Summary::default().serving(1), (0, 0));
    }
}
