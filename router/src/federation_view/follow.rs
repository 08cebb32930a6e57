//! Fills the view from a state store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anabranch_store::{
    Backoff, Change, DisabledNameservice, Event, Membership, Reader, Record, RouterState, StoreError, Watch,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{FederationView, Operation};

impl FederationView {
    /// Follows the records of a store until `stop`. While the store is away, what is known stays.
    ///
    /// Must be called within a tokio runtime: the work is done by tasks of it.
    pub fn follow<S>(&self, store: &S, stop: &CancellationToken)
    where
        S: Reader<Membership> + Reader<RouterState> + Reader<DisabledNameservice> + ?Sized,
    {
        self.spawn(Reader::<Membership>::watch(store, None), Self::set_memberships, stop);
        self.spawn(Reader::<RouterState>::watch(store, None), Self::set_routers, stop);
        self.spawn(Reader::<DisabledNameservice>::watch(store, None), Self::set_disabled, stop);
    }

    fn spawn<R: Record>(&self, watch: Box<dyn Watch<R>>, set: fn(&Self, Vec<Arc<R>>), stop: &CancellationToken) {
        let (view, stop) = (self.clone(), stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(keep(view, watch, set)).await });
    }
}

async fn keep<R: Record>(view: FederationView, mut watch: Box<dyn Watch<R>>, set: fn(&FederationView, Vec<Arc<R>>)) {
    let mut known: BTreeMap<String, Arc<R>> = BTreeMap::new();
    let mut backoff = Backoff::default();
    loop {
        match watch.next().await {
            Ok(event) => {
                let began = Instant::now();
                if apply(&mut known, event) {
                    set(&view, known.values().cloned().collect());
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

/// Takes an event over; whether anything may have changed.
fn apply<R: Record>(known: &mut BTreeMap<String, Arc<R>>, event: Event<R>) -> bool {
    match event {
        Event::Snapshot(snapshot) => {
            let records = snapshot.records.into_iter().map(|versioned| Arc::new(versioned.record));
            *known = records.map(|record| (record.key().to_owned(), record)).collect();
        }
        Event::Changed { changes, .. } => {
            for change in changes.iter() {
                match change {
                    Change::Put { record, .. } => drop(known.insert(record.key().to_owned(), record.clone())),
                    Change::Delete(key) => drop(known.remove(key)),
                }
            }
        }
        Event::FellBehind => return false,
    }
    true
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
        view.follow(&store, &stop);
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
