use anabranch_federation::MountEntry;

use crate::record::MAX_RECORD_BYTES;
use crate::{Answer, DisabledNameservice, Membership, Reader, Record, Refusal, RouterState, StoreError, Version};

/// The most changes in one write.
pub const MAX_CHANGES: usize = 1000;

/// The most bytes of encoded records and keys in one write that goes over a network.
pub const MAX_WRITE_BYTES: usize = 16 << 20;

/// One change to the records of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write<R> {
    /// Writes the record if the stored one has the expected version.
    Put {
        /// The record.
        record: R,
        /// What it replaces.
        expected: Version,
    },
    /// Deletes the record if it has the expected version.
    Delete {
        /// The record's key.
        key: String,
        /// What is deleted.
        expected: Version,
    },
}

impl<R: Record> Write<R> {
    /// The key of the record that changes.
    pub fn key(&self) -> &str {
        match self {
            Self::Put { record, .. } => record.key(),
            Self::Delete { key, .. } => key,
        }
    }

    /// The version that the change expects.
    pub fn expected(&self) -> Version {
        match self {
            Self::Put { expected, .. } | Self::Delete { expected, .. } => *expected,
        }
    }
}

/// Writes the records of one kind. Who holds a writer of one kind can't write another.
pub trait Writer<R: Record>: Send + Sync + 'static {
    /// Makes up to [`MAX_CHANGES`] changes, each judged by itself, in order: the answers say which were made. Those that
    /// are made are durable when this returns, and get the same version. A call that is dropped may still be carried out.
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, Refusal>>>;

    /// Writes one record.
    fn put(&self, record: R, expected: Version) -> Answer<'_, Version> {
        Box::pin(one(self.write(vec![Write::Put { record, expected }])))
    }

    /// Deletes one record.
    fn delete(&self, key: String, expected: Version) -> Answer<'_, Version> {
        Box::pin(one(self.write(vec![Write::Delete { key, expected }])))
    }
}

async fn one(write: Answer<'_, Vec<Result<Version, Refusal>>>) -> Result<Version, StoreError> {
    // One change has one answer.
    write.await?.pop().map_or(Err(StoreError::TooManyChanges(0)), |answer| Ok(answer?))
}

/// Whether a change may be made to a record that has the version `found`.
pub(crate) fn admit<R: Record>(change: &Write<R>, found: Version) -> Result<(), Refusal> {
    let key = || change.key().to_owned();
    let expected = change.expected();
    // Deleting what does not exist is a conflict even if that was expected: nothing would have been done.
    let nothing_to_delete = matches!(change, Write::Delete { .. }) && found == Version::ABSENT;
    if expected != found || nothing_to_delete {
        return Err(Refusal::Conflict { key: key(), expected, found });
    }
    if let Write::Put { record, .. } = change {
        record.validate()?;
        let bytes = record.encode().len();
        if bytes > MAX_RECORD_BYTES {
            return Err(Refusal::TooLarge { key: key(), bytes });
        }
    }
    Ok(())
}

/// A store whose records of one kind can be read and written.
pub trait Records<R: Record>: Reader<R> + Writer<R> {}

impl<R: Record, S: Reader<R> + Writer<R>> Records<R> for S {}

/// A whole state store.
pub trait StateStore:
    Records<MountEntry> + Records<Membership> + Records<RouterState> + Records<DisabledNameservice>
{
}

impl<S> StateStore for S where
    S: Records<MountEntry> + Records<Membership> + Records<RouterState> + Records<DisabledNameservice>
{
}
