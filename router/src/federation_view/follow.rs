//! Fills the view from a state store.

use std::time::Duration;

use anabranch_store::{
    Backoff, DisabledNameservice, Event, Membership, Reader, Record, RouterState, StateStore, Watch,
};
use prometheus::{IntGauge, IntGaugeVec};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{FederationView, Inner, Known, Operation};

/// Where records of a kind are put.
type Place<R> = fn(&Inner) -> &watch::Sender<Known<R>>;

impl FederationView {
    /// Follows the records of a store until `stop`, those of routers only if somebody here needs them. While the store is
    /// away, what is known stays. Records that cannot be read are named in the log and counted in `unreadable`, by kind.
    ///
    /// Must be called within a tokio runtime: the work is done by tasks of it.
    pub fn follow(&self, store: &dyn StateStore, routers: bool, unreadable: &IntGaugeVec, stop: &CancellationToken) {
        self.spawn::<Membership>(store, |inner| &inner.memberships, unreadable, stop);
        self.spawn::<DisabledNameservice>(store, |inner| &inner.disabled, unreadable, stop);
        if routers {
            self.spawn::<RouterState>(store, |inner| &inner.routers, unreadable, stop);
        }
    }

    fn spawn<R: Record>(
        &self,
        reader: &(impl Reader<R> + ?Sized),
        place: Place<R>,
        unreadable: &IntGaugeVec,
        stop: &CancellationToken,
    ) {
        let (view, watch, stop) = (self.clone(), reader.watch(None), stop.clone());
        let unreadable = unreadable.with_label_values(&[R::KIND]);
        tokio::spawn(async move { stop.run_until_cancelled(keep(view, watch, place, unreadable)).await });
    }
}

async fn keep<R: Record>(view: FederationView, mut watch: Box<dyn Watch<R>>, place: Place<R>, unreadable: IntGauge) {
    let mut backoff = Backoff::default();
    loop {
        match watch.next().await {
            Ok(event) => {
                let began = Instant::now();
                if !matches!(event, Event::FellBehind) {
                    view.operations().loaded(R::KIND);
                }
                place(&view.inner).send_modify(|known| {
                    known.take(event);
                    unreadable.set(i64::try_from(known.broken().len()).unwrap_or(i64::MAX));
                });
                view.operations().count(Operation::Read, began.elapsed());
                backoff.reset();
            }
            Err(error) => {
                place(&view.inner).send_modify(|known| {
                    if known.away() {
                        tracing::warn!(kind = R::KIND, %error, "the state store cannot be read; its last records stay in use");
                    }
                });
                view.operations().count(Operation::Failure, Duration::ZERO);
                sleep(backoff.pause()).await;
            }
        }
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
            let routers = view.routers().borrow().clone();
            let shown: Vec<_> = routers.records().map(|router| (router.key(), router.status())).collect();
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
        view.follow(&store, true, &unreadable, &stop);
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
