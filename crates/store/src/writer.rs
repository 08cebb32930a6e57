use anabranch_federation::{MountEntry, MountPath};

use crate::{Answer, Reader, Refusal, StoreError, Version};

/// The most changes in one write.
pub const MAX_CHANGES: usize = 1000;

/// One change to the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountChange {
    /// Writes the entry if the stored one has the expected version.
    Put {
        /// The entry.
        entry: MountEntry,
        /// What it replaces.
        expected: Version,
    },
    /// Deletes the entry if it has the expected version.
    Delete {
        /// The entry's source.
        source: MountPath,
        /// What is deleted.
        expected: Version,
    },
}

impl MountChange {
    /// The key of the record that changes.
    pub fn source(&self) -> &MountPath {
        match self {
            Self::Put { entry, .. } => &entry.source,
            Self::Delete { source, .. } => source,
        }
    }

    /// The version that the change expects.
    pub fn expected(&self) -> Version {
        match self {
            Self::Put { expected, .. } | Self::Delete { expected, .. } => *expected,
        }
    }
}

/// Writes the mount table.
pub trait MountWriter: Send + Sync + 'static {
    /// Makes up to [`MAX_CHANGES`] changes, each judged by itself, in order: the answers say which were made. Those that
    /// are made are durable when this returns, and get the same version. A call that is dropped may still be carried out.
    fn write(&self, changes: Vec<MountChange>) -> Answer<'_, Vec<Result<Version, Refusal>>>;

    /// Writes one entry.
    fn put(&self, entry: MountEntry, expected: Version) -> Answer<'_, Version> {
        Box::pin(one(self.write(vec![MountChange::Put { entry, expected }])))
    }

    /// Deletes one entry.
    fn delete(&self, source: MountPath, expected: Version) -> Answer<'_, Version> {
        Box::pin(one(self.write(vec![MountChange::Delete { source, expected }])))
    }
}

async fn one(write: Answer<'_, Vec<Result<Version, Refusal>>>) -> Result<Version, StoreError> {
    // One change has one answer.
    write.await?.pop().map_or(Err(StoreError::TooManyChanges(0)), |answer| Ok(answer?))
}

/// A store whose mount table can be read and written.
pub trait MountStore: Reader<MountEntry> + MountWriter {}

impl<S: Reader<MountEntry> + MountWriter> MountStore for S {}
