use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::membership::{Age, Lifetime};
use anabranch_store::{MAX_CHANGES, Records, Refusal, StoreError, Version, Write};
use rand::Rng;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::dated::Dated;
use crate::federation_view::Known;

/// For one write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Marks records of one kind as expired, and deletes them later, for those who wrote them and are silent. Every router has
/// one. Of their writes the first counts; those of the others expect what was there before, and are refused.
pub struct Sweeper<R: Dated> {
    store: Arc<dyn Records<R>>,
    known: watch::Receiver<Known<R>>,
    lifetime: Lifetime,
}

impl<R: Dated> Sweeper<R> {
    /// Of records that are known, to a store.
    pub fn new(store: Arc<dyn Records<R>>, known: watch::Receiver<Known<R>>, lifetime: Lifetime) -> Self {
        Self { store, known, lifetime }
    }

    /// Looks at the records again and again until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let work = async {
            loop {
                sleep(self.pause()).await;
                self.sweep().await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// How long until it looks again: so short that a mark is late by a small part of the time that records live, and other
    /// than that of other routers, so that one of them is nearly always alone.
    fn pause(&self) -> Duration {
        let every = period(self.lifetime);
        every + every.mul_f64(rand::rng().random_range(0.0..0.5))
    }

    async fn sweep(&self) {
        let known = self.known.borrow().clone();
        let writes = due(known.stored(), self.lifetime, known.now_ms());
        let keys: Vec<String> = writes.iter().map(|write| write.key().to_owned()).collect();
        if writes.is_empty() {
            return;
        }
        match timeout(PATIENCE, self.store.write(writes)).await {
            Err(_) => tracing::debug!(kind = R::KIND, "the state store was too slow to mark old records"),
            Ok(Err(error)) => tracing::debug!(kind = R::KIND, %error, "old records cannot be marked"),
            Ok(Ok(answers)) => keys.iter().zip(answers).for_each(|(key, answer)| told::<R>(key, answer)),
        }
    }
}

fn told<R: Dated>(key: &str, answer: Result<Version, Refusal>) {
    match answer {
        Ok(_) => {
            tracing::info!(kind = R::KIND, key, "nobody has written a record for long; it does not count any more")
        }
        // Another router was first, or its writer is back.
        Err(Refusal::Conflict { .. }) => {}
        Err(refusal) => {
            tracing::debug!(kind = R::KIND, key, error = %StoreError::from(refusal), "an old record cannot be marked");
        }
    }
}

/// How often ages are looked at.
pub fn period(lifetime: Lifetime) -> Duration {
    const BOUNDS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(10));
    match lifetime.expiration_ms {
        0 => BOUNDS.1,
        expiration => Duration::from_millis(expiration / 10).clamp(BOUNDS.0, BOUNDS.1),
    }
}

/// What has to be written, as the ages of records are now. A record that is marked is not marked again.
fn due<'a, R: Dated>(known: impl Iterator<Item = (Version, &'a R)>, lifetime: Lifetime, now_ms: u64) -> Vec<Write<R>> {
    let due =
        known.filter_map(|(expected, record)| match lifetime.age(record.modified_ms(), record.is_marked(), now_ms) {
            Age::Fresh => None,
            Age::Expired if record.is_marked() => None,
            Age::Expired => Some(Write::Put { record: record.marked()?, expected }),
            Age::Deleted => Some(Write::Delete { key: record.key().to_owned(), expected }),
        });
    due.take(MAX_CHANGES).collect()
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::RouterRecordProto;
    use anabranch_store::RouterState;

    use super::*;

    fn state(name: &str, status: &str, modified: u64) -> RouterState {
        RouterState::new(RouterRecordProto {
            address: Some(name.to_owned()),
            status: Some(status.to_owned()),
            date_modified: Some(modified),
            ..Default::default()
        })
        .unwrap()
    }

    #[test]
    fn old_records_are_marked_once_and_deleted_later() {
        let records = [
            state("fresh", "RUNNING", 1000),
            state("marked", "EXPIRED", 900),
            state("old", "RUNNING", 899),
            state("very-old", "EXPIRED", 849),
        ];
        let known = || records.iter().map(|one| (Version(7), one));
        let writes = |deletion_ms| due(known(), Lifetime { expiration_ms: 100, deletion_ms }, 1000);
        let marked = Write::Put { record: state("old", "EXPIRED", 899), expected: Version(7) };
        assert_eq!(writes(None), std::slice::from_ref(&marked));
        assert_eq!(writes(Some(50)), [marked, Write::Delete { key: "very-old".into(), expected: Version(7) }]);
    }

    #[test]
    fn ages_are_looked_at_in_step_with_the_lifetime() {
        let rows = [(0, 10_000), (1, 10), (5_000, 500), (300_000, 10_000)];
        for (expiration_ms, expected) in rows {
            assert_eq!(period(Lifetime { expiration_ms, deletion_ms: None }), Duration::from_millis(expected));
        }
    }
}
