//! Reading and changing what the state store has.

use std::collections::BTreeSet;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::{DisabledNameservice, MAX_CHANGES, Records, Refusal, StoreError, Write};
use tokio::time::timeout;

use super::Admin;
use super::problem::Problem;
use super::stored::Stored;

/// How often a decision is made anew because others have changed the same records.
pub(super) const ATTEMPTS: u32 = 20;
/// How long a change is waited for in this router's own mount table. It is made all the same.
const SETTLE: Duration = Duration::from_secs(5);

impl Admin {
    /// The stored mounts.
    pub(super) fn mounts(&self) -> Result<&dyn Records<MountEntry>, Problem> {
        let store = self.store.as_deref().ok_or(Problem::NoStore { what: "Mount table" })?;
        Ok(store)
    }

    /// The stored subclusters that are out of service.
    pub(super) fn disabled(&self) -> Result<&dyn Records<DisabledNameservice>, Problem> {
        let store = self.store.as_deref().ok_or(Problem::NoStore { what: "Disabled Nameservice" })?;
        Ok(store)
    }

    /// Makes the changes that `decide` finds right for what is stored and was not made before, and decides again where
    /// others were faster. Returns the keys of what was changed, when this router has it in use.
    pub(super) async fn change(
        &self,
        decide: impl Fn(&Stored<'_>, &BTreeSet<String>) -> Result<Vec<Write<MountEntry>>, Problem> + Send + Sync,
    ) -> Result<BTreeSet<String>, Problem> {
        let store = self.mounts()?;
        let before = self.core.mounts.load_full();
        let (mut made, mut newest) = (BTreeSet::new(), 0);
        for _ in 0..ATTEMPTS {
            let snapshot = store.list().await?;
            let changes = decide(&Stored::of(&snapshot), &made)?;
            let mut conflict = false;
            for changes in changes.chunks(MAX_CHANGES) {
                let answers = store.write(changes.to_vec()).await.map_err(Problem::of_change)?;
                for (change, answer) in changes.iter().zip(answers) {
                    match answer {
                        Ok(version) => {
                            made.insert(change.key().to_owned());
                            newest = version.0.max(newest);
                        }
                        Err(Refusal::Conflict { .. }) => conflict = true,
                        Err(refusal) => return Err(StoreError::Refused(refusal).into()),
                    }
                }
            }
            if !conflict {
                self.settle(newest).await;
                self.set_quotas(before.as_deref(), &made).await;
                return Ok(made);
            }
        }
        Err(Problem::Contended(ATTEMPTS))
    }

    /// Waits until this router has a revision in use, for a while.
    async fn settle(&self, revision: u64) {
        if timeout(SETTLE, self.in_use(revision)).await.is_err() {
            tracing::warn!(revision, "a change of mounts is stored, but not in use here yet");
        }
    }

    /// Waits until this router has a revision in use.
    pub(super) async fn in_use(&self, revision: u64) {
        let mut in_use = self.core.revision.subscribe();
        // The sender lives in the state that this holds.
        let _ = in_use.wait_for(|used| used.is_some_and(|used| used >= revision)).await;
    }
}

/// Whether a write was made; false when others were faster.
///
/// # Errors
/// When it was refused, or it is not known what became of it.
pub(super) fn was_made<T>(result: Result<T, StoreError>) -> Result<bool, Problem> {
    match result {
        Ok(_) => Ok(true),
        Err(StoreError::Refused(Refusal::Conflict { .. })) => Ok(false),
        Err(error) => Err(Problem::of_change(error)),
    }
}
