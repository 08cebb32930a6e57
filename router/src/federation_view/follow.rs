//! Fills the view from a state store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anabranch_store::{
    Backoff, Change, DisabledNameservice, Event, Membership, Reader, Record, RouterState, StoreError, Watch,
};
use prometheus::{IntGauge, IntGaugeVec};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{FederationView, Operation};

impl FederationView {
    /// Follows the records of a store until `stop`. While the store is away, what is known stays. Records that cannot be
    /// read are named in the log and counted in `unreadable`, by kind.
    ///
    /// Must be called within a tokio runtime: the work is done by tasks of it.
    pub fn follow<S>(&self, store: &S, unreadable: &IntGaugeVec, stop: &CancellationToken)
    where
        S: Reader<Membership> + Reader<RouterState> + Reader<DisabledNameservice> + ?Sized,
    {
        self.spawn(Reader::<Membership>::watch(store, None), Self::set_memberships, unreadable, stop);
        self.spawn(Reader::<RouterState>::watch(store, None), Self::set_routers, unreadable, stop);
        self.spawn(Reader::<DisabledNameservice>::watch(store, None), Self::set_disabled, unreadable, stop);
    }

    fn spawn<R: Record>(
        &self,
        watch: Box<dyn Watch<R>>,
        set: fn(&Self, Vec<Arc<R>>),
        unreadable: &IntGaugeVec,
        stop: &CancellationToken,
    ) {
        let (view, unreadable, stop) = (self.clone(), unreadable.with_label_values(&[R::KIND]), stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(keep(view, watch, set, unreadable)).await });
    }
}

/// What is stored of a kind.
struct Known<R> {
    records: BTreeMap<String, Arc<R>>,
    /// Those that cannot be read.
    broken: BTreeSet<String>,
}

async fn keep<R: Record>(
    view: FederationView,
    mut watch: Box<dyn Watch<R>>,
    set: fn(&FederationView, Vec<Arc<R>>),
    unreadable: IntGauge,
) {
    let mut known = Known { records: BTreeMap::new(), broken: BTreeSet::new() };
    let mut backoff = Backoff::default();
    loop {
        match watch.next().await {
            Ok(event) => {
                let began = Instant::now();
                if known.apply(event) {
                    unreadable.set(i64::try_from(known.broken.len()).unwrap_or(i64::MAX));
                    set(&view, known.records.values().cloned().collect());
                }
                view.operations().count(Operation::Read, began.elapsed());
                backoff.reset();
            }
            Err(error) => {
                let pause = backoff.pause();
                warn(R::KIND, &error, pause);
                view.operations().count(Operation::Failure, Duration::ZERO);
                sleep(pause).await;
            }
        }
    }
}

fn warn(kind: &str, error: &StoreError, pause: Duration) {
    tracing::warn!(kind, %error, retry_in = ?pause, "records cannot be read; what is known of them stays");
}

impl<R: Record> Known<R> {
    /// Takes an event over; whether anything may have changed.
    fn apply(&mut self, event: Event<R>) -> bool {
        match event {
            Event::Snapshot(snapshot) => {
                for broken in &snapshot.broken {
                    let (record, reason) = (&broken.key, broken.reason.short());
                    tracing::warn!(kind = R::KIND, record, reason, "left out a record that cannot be read");
                }
                let records = snapshot.records.into_iter().map(|versioned| Arc::new(versioned.record));
                self.records = records.map(|record| (record.key().to_owned(), record)).collect();
                self.broken = snapshot.broken.into_iter().map(|broken| broken.key).collect();
            }
            Event::Changed { changes, .. } => {
                for change in changes.iter() {
                    let key = match change {
                        Change::Put { record, .. } => {
                            self.records.insert(record.key().to_owned(), record.clone());
                            record.key()
                        }
                        Change::Delete(key) => {
                            self.records.remove(key);
                            key
                        }
                    };
                    self.broken.remove(key);
                }
            }
            Event::FellBehind => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::RouterRecordProto;
    use anabranch_store::{JournalStore, RouterStatus, Version, Writer};

    use super::*;

    fn router(address: &str, status: RouterStatus) -> RouterState {
        let message = RouterRecordProto {
            address: Some(address.to_owned()),
            status: Some(status.name().to_owned()),
            ..RouterRecordProto::default()
        };
        RouterState::new(message).unwrap()
    }

    /// Yields until the view shows these routers.
    async fn shows(view: &FederationView, expected: &[(&str, RouterStatus)]) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let routers = view.routers();
            let shown: Vec<_> = routers.iter().map(|router| (router.key(), router.status())).collect();
            if shown == expected {
                return;
            }
            assert!(Instant::now() < end, "{shown:?}");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_view_follows_the_store() {
        let store = JournalStore::in_memory();
        let before = store.put(router("r1:1", RouterStatus::SafeMode), Version::ABSENT).await.unwrap();
        let (view, stop) = (FederationView::new(), CancellationToken::new());
        let unreadable = IntGaugeVec::new(prometheus::Opts::new("unreadable", "x"), &["kind"]).unwrap();
        view.follow(&store, &unreadable, &stop);
        shows(&view, &[("r1:1", RouterStatus::SafeMode)]).await;
        store.put(router("r2:1", RouterStatus::Running), Version::ABSENT).await.unwrap();
        store.put(router("r1:1", RouterStatus::Running), before).await.unwrap();
        shows(&view, &[("r1:1", RouterStatus::Running), ("r2:1", RouterStatus::Running)]).await;
        Writer::<RouterState>::delete(&store, "r2:1".to_owned(), Version(2)).await.unwrap();
        shows(&view, &[("r1:1", RouterStatus::Running)]).await;
        assert!(view.operations().of(Operation::Read).0 > 3);
        assert_eq!(view.operations().of(Operation::Failure).0, 0);
        stop.cancel();
    }
}
