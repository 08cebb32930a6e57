use std::sync::Arc;
use std::time::Duration;

use anabranch_store::{Record, Refusal, StoreError, Version, Writer};
use tokio::time::timeout;

/// How long a write may take. The next round writes anew.
const PATIENCE: Duration = Duration::from_secs(10);

/// Times that a record is written, when somebody else has written it meanwhile.
const ATTEMPTS: usize = 3;

/// Keeps one record in the store that nobody but this router should write.
pub(super) struct Keeper<R: Record> {
    store: Arc<dyn Writer<R>>,
    version: Version,
    /// Whether the last write failed, so that it is told once.
    failing: bool,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no answer in {PATIENCE:?}")]
    Late,
}

impl<R: Record> Keeper<R> {
    /// Nothing is known of what is there.
    pub(super) fn new(store: Arc<dyn Writer<R>>) -> Self {
        Self { store, version: Version::ABSENT, failing: false }
    }

    /// Writes the record over whatever is there: another router may have marked it as expired, or a former life of this
    /// one left it behind.
    pub(super) async fn put(&mut self, record: R) {
        let key = record.key().to_owned();
        let written = timeout(PATIENCE, self.try_put(record)).await.unwrap_or(Err(NotKept::Late));
        match (written, std::mem::replace(&mut self.failing, false)) {
            (Ok(()), false) => {}
            (Ok(()), true) => tracing::info!(kind = R::KIND, key, "heartbeats reach the state store again"),
            (Err(error), failing) => {
                self.failing = true;
                if !failing {
                    tracing::warn!(kind = R::KIND, key, %error, "a heartbeat did not reach the state store; going on");
                }
            }
        }
    }

    async fn try_put(&mut self, record: R) -> Result<(), NotKept> {
        let mut attempts = 1..=ATTEMPTS;
        loop {
            let last = attempts.next() == Some(ATTEMPTS);
            match self.store.put(record.clone(), self.version).await {
                Ok(version) => {
                    self.version = version;
                    return Ok(());
                }
                Err(StoreError::Refused(Refusal::Conflict { found, .. })) if !last => self.version = found,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::RouterRecordProto;
    use anabranch_store::{JournalStore, Reader, RouterState};

    use super::*;

    fn state(status: &str) -> RouterState {
        let text = |text: &str| Some(text.to_owned());
        RouterState::new(RouterRecordProto { address: text("r:1"), status: text(status), ..Default::default() })
            .unwrap()
    }

    #[tokio::test]
    async fn what_others_wrote_is_written_over() {
        let store = JournalStore::in_memory();
        let left_behind = store.put(state("SHUTDOWN"), Version::ABSENT).await.unwrap();
        let mut keeper = Keeper::<RouterState>::new(Arc::new(store.clone()));
        keeper.put(state("RUNNING")).await;
        let kept = Reader::<RouterState>::list(&store).await.unwrap().records.remove(0);
        assert!(kept.version > left_behind);
        assert_eq!(kept.record, state("RUNNING"));
        // Another router marks it, and later it is deleted; its owner is not impressed.
        let marked = store.put(state("EXPIRED"), kept.version).await.unwrap();
        keeper.put(state("SAFEMODE")).await;
        let kept = Reader::<RouterState>::list(&store).await.unwrap().records.remove(0);
        assert!(kept.version > marked && kept.record == state("SAFEMODE"));
        Writer::<RouterState>::delete(&store, "r:1".to_owned(), kept.version).await.unwrap();
        keeper.put(state("RUNNING")).await;
        assert_eq!(Reader::<RouterState>::list(&store).await.unwrap().records.remove(0).record, state("RUNNING"));
    }
}
