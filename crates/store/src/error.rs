use crate::{DecodeError, MAX_CHANGES, MAX_RECORD_BYTES, MAX_WRITE_BYTES, Version};

/// Why the store could not answer. [`StoreError::may_be_done`] says what that means for a write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What keeps the records failed.
    #[error("state store: {0}")]
    Journal(#[from] anabranch_journal::Error),
    /// The ZooKeeper ensemble that keeps the records did not do what it was asked for.
    #[error("state store: {0}")]
    ZooKeeper(#[from] crate::zookeeper::ZooKeeperError),
    /// A write of too many changes; nothing was written.
    #[error("state store: {0} changes in one write, at most {MAX_CHANGES} are accepted")]
    TooManyChanges(usize),
    /// A write that is too large to be sent; nothing was written.
    #[error("state store: {0} bytes in one write, at most {MAX_WRITE_BYTES} are accepted")]
    TooManyBytes(usize),
    /// No server could be asked, or it did not begin; nothing was written.
    #[error("state store: {0}")]
    NotDone(String),
    /// Whoever asked may only read here; nothing was written.
    #[error("state store: {0}")]
    ReadOnly(String),
    /// There was no answer, or one that does not tell: a write may have been made.
    #[error("state store: {0}")]
    Unknown(String),
    /// The write was refused; nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others kept changing the same records.
    #[error("state store: gave up after {attempts} attempts, because others keep changing the same records: {refusal}")]
    Contended {
        /// How often the records were read and written.
        attempts: u32,
        /// What came of the last attempt.
        refusal: Refusal,
    },
    /// The task that did the work ended early.
    #[error("state store: interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl StoreError {
    /// Whether a write that ended like this may have been made all the same: read before you decide.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::TooManyChanges(_)
            | Self::TooManyBytes(_)
            | Self::NotDone(_)
            | Self::ReadOnly(_)
            | Self::Refused(_) => false,
            Self::ZooKeeper(error) => error.may_be_done(),
            Self::Journal(error) => error.may_be_done(),
            Self::Unknown(_) | Self::Contended { .. } | Self::Interrupted(_) => true,
        }
    }
}

/// Why one change was not made; others in the same write may have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The record is not what the writer thought it was: read again, decide again.
    #[error("{key}: expected version {}, found {} (0: absent)", expected.0, found.0)]
    Conflict {
        /// The record.
        key: String,
        /// The version that was expected.
        expected: Version,
        /// The version that is there.
        found: Version,
    },
    /// The record breaks a rule.
    #[error("{0}")]
    Invalid(#[from] DecodeError),
    /// The record is too large.
    #[error("{key}: the record takes {bytes} bytes, at most {MAX_RECORD_BYTES} are accepted")]
    TooLarge {
        /// The record.
        key: String,
        /// Its encoded size.
        bytes: usize,
    },
}
