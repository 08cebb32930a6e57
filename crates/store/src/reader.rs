use std::sync::Arc;

use crate::record::{DecodeError, Record};
use crate::{Answer, Revision, Version};

/// Reads the records of one kind.
pub trait Reader<R: Record>: Send + Sync + 'static {
    /// All records, in the state of one revision.
    fn list(&self) -> Answer<'_, Snapshot<R>>;

    /// Follows the records. Without `from`, the first event is a snapshot; with it, the first change after that revision,
    /// or [`Event::FellBehind`] if the store no longer knows what came after it.
    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>>;
}

/// A reader that follows the changes.
pub trait Watch<R>: Send {
    /// Waits for the next event. After an error the watch goes on where it was; a call that is dropped loses nothing.
    fn next(&mut self) -> Answer<'_, Event<R>>;
}

/// What a watch delivers.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<R> {
    /// All records: replaces everything that was known.
    Snapshot(Snapshot<R>),
    /// What changed in one revision, each record at most once.
    Changed {
        /// The revision.
        revision: Revision,
        /// The changes.
        changes: Arc<[Change<R>]>,
    },
    /// Changes were missed. What is known is old, but was true; the next event is a snapshot.
    FellBehind,
}

/// A change to one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<R> {
    /// It was written.
    Put {
        /// What it is now.
        record: Arc<R>,
        /// Its version, for the next write: older than the revision where changes of several moments are shown as one.
        version: Version,
    },
    /// The record with this key was deleted.
    Delete(String),
}

impl<R: Record> Change<R> {
    /// How large its record is, encoded; of one that was deleted, its key.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Put { record, .. } => record.encode().len(),
            Self::Delete(key) => key.len(),
        }
    }
}

/// The records of one kind at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot<R> {
    /// The revision.
    pub revision: Revision,
    /// The records, by key.
    pub records: Vec<Versioned<R>>,
    /// The records that cannot be read, by key.
    pub broken: Vec<Broken>,
}

/// A record and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<R> {
    /// Its version.
    pub version: Version,
    /// The record.
    pub record: R,
}

/// A record that cannot be read: it is left out, and the others are served.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// Its key.
    pub key: String,
    /// Its version; [`Version::ABSENT`] if not even that can be read, and so it can be replaced in any case.
    pub version: Version,
    /// What is wrong with it.
    pub reason: DecodeError,
}
