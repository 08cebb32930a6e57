//! When a mount table is too old to be trusted.

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountTable;
use anabranch_store::feed::{Feed, Health};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::Mounts;

/// The tables of a feed, until its store has been away for longer than `limit`
/// (`dfs.federation.router.safemode.expiration`): then none, so that the router sends its clients to others. The table
/// returns by itself with the store.
///
/// Must be called within a tokio runtime: the work is done by a task of it, which ends with the last receiver.
pub fn trusted(feed: Feed, limit: Duration) -> Mounts {
    let (sender, receiver) = watch::channel(feed.tables.borrow().clone());
    tokio::spawn(guard(feed, limit, sender));
    receiver
}

async fn guard(mut feed: Feed, limit: Duration, out: watch::Sender<Option<Arc<MountTable>>>) {
    loop {
        let table = feed.tables.borrow_and_update().clone();
        let health = *feed.health.borrow_and_update();
        let expires = expiry(&health, limit);
        let usable = expires.is_none_or(|expires| Instant::now() < expires);
        let shown = table.filter(|_| usable);
        out.send_if_modified(|current| {
            let same = match (&*current, &shown) {
                (Some(current), Some(shown)) => Arc::ptr_eq(current, shown),
                (None, None) => true,
                _ => false,
            };
            if !same {
                if shown.is_none() {
                    tracing::error!(?limit, "the state store has been away for too long; going into safe mode");
                }
                *current = shown;
            }
            !same
        });
        let expired = async {
            match expires.filter(|_| usable) {
                Some(expires) => sleep_until(expires).await,
                None => std::future::pending().await,
            }
        };
        let goes_on = tokio::select! {
            () = out.closed() => false,
            () = expired => true,
            changed = feed.tables.changed() => changed.is_ok(),
            changed = feed.health.changed() => changed.is_ok(),
        };
        if !goes_on {
            return;
        }
    }
}

/// Until when the last table may be used; none while the store answers.
fn expiry(health: &Health, limit: Duration) -> Option<Instant> {
    health.failing_since.and_then(|since| since.checked_add(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Store {
        tables: watch::Sender<Option<Arc<MountTable>>>,
        health: watch::Sender<Health>,
    }

    fn store() -> (Store, Feed) {
        let (tables, tables_out) = watch::channel(Some(Arc::new(MountTable::default())));
        let (health, health_out) = watch::channel(Health::default());
        (Store { tables, health }, Feed { tables: tables_out, health: health_out })
    }

    #[tokio::test]
    async fn a_table_is_dropped_when_the_store_is_away_for_too_long_and_returns_with_it() {
        let (store, feed) = store();
        let mut mounts = trusted(feed, Duration::from_millis(20));
        assert!(mounts.borrow().is_some());
        let failing_since = Some(Instant::now());
        store.health.send_replace(Health { failing_since, broken: 0 });
        assert!(mounts.wait_for(Option::is_none).await.is_ok());
        assert!(failing_since.is_some_and(|since| since.elapsed() >= Duration::from_millis(20)));
        // A table that comes while the store is away is no better.
        store.tables.send_replace(Some(Arc::new(MountTable::default().with_revision(2))));
        store.health.send_replace(Health::default());
        let back = mounts.wait_for(Option::is_some).await.map(|table| table.as_ref().map(|table| table.revision()));
        assert_eq!(back.ok().flatten(), Some(2));
    }

    #[tokio::test]
    async fn new_tables_pass() {
        let (store, feed) = store();
        let mut mounts = trusted(feed, Duration::from_secs(180));
        store.tables.send_replace(Some(Arc::new(MountTable::default().with_revision(7))));
        let passed = mounts.wait_for(|table| table.as_ref().is_some_and(|table| table.revision() == 7)).await;
        assert!(passed.is_ok());
    }
}
