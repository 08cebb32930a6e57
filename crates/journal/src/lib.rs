//! The metadata journal: an ordered, durable sequence of batches over an ordered key space.
//!
//! The state store and the namespace service both keep their state as keys in *tables*, and change it only by committing
//! a [`Batch`]. A batch is applied whole or not at all, gets the next [`Revision`], and is durable before
//! [`Journal::commit`] returns: what was acknowledged survives `kill -9` and power loss. Reads see the latest committed
//! batch. What differs between drivers is where the sequence is kept; the state machine above is the same.
//!
//! There is one writer. It decides on what it reads and what it is about to write, and commits the results, so every
//! driver, and every replica of one, holds the same bytes whatever the code that computed them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

mod batch;
mod rocks;

pub use batch::{Batch, Change};
pub use rocks::{Options, RocksJournal};

/// Counts committed batches: 0 for an empty journal, then 1, 2, …
pub type Revision = u64;

/// The name of a table; the set of tables is fixed when a journal is opened.
pub type Table = &'static str;

/// What [`Journal::commit`] returns.
pub type Commit<'a> = Pin<Box<dyn Future<Output = Result<Revision, Error>> + Send + 'a>>;

/// One key and its value, as a scan yields them.
pub type Row = (Box<[u8]>, Box<[u8]>);

/// What [`Journal::scan`] returns.
pub type Scan<'a> = Box<dyn Iterator<Item = Result<Row, Error>> + 'a>;

/// An ordered, durable sequence of batches, and the state that they add up to.
pub trait Journal: Send + Sync + 'static {
    /// The value of a key in the latest committed state.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Keys at or above `from` and below `to` (`None`: no upper bound), in byte order, in the state of one moment.
    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a>;

    /// A view of the latest committed state that later commits do not change. Cheap to take; while it is kept, the
    /// driver keeps what was overwritten since.
    fn snapshot(&self) -> Box<dyn Snapshot + '_>;

    /// Makes a batch durable and visible. An error may come after the batch became durable (a lost reply), if
    /// [`Error::may_be_done`] says so: the caller must read then before it decides that nothing happened.
    fn commit(&self, batch: Batch) -> Commit<'_>;

    /// The revision of the latest committed batch.
    fn revision(&self) -> Revision;
}

/// The committed state of one moment.
pub trait Snapshot: Send + Sync {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Keys at or above `from` and below `to` (`None`: no upper bound), in byte order.
    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a>;
}

/// Why the journal could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory is in use by another process.
    #[error("{path} is in use by another process; stop it, or choose another data directory")]
    Locked {
        /// The journal's directory.
        path: String,
    },
    /// The data belongs to a newer or older program.
    #[error("{path} has format {found}; this program reads format {expected}")]
    Format {
        /// The journal's directory.
        path: String,
        /// What is on disk.
        found: String,
        /// What this program writes.
        expected: u32,
    },
    /// There is no room for the batch, which was not written. Writes go on by themselves when there is.
    #[error(
        "{path}: No space left on device: free some space there or make the volume larger; until then it is read, and not \
         written"
    )]
    Full {
        /// The journal's directory.
        path: String,
    },
    /// A table that was not named when the journal was opened.
    #[error("no table {0:?}")]
    NoTable(Table),
    /// The storage engine's own words: an I/O error, a corruption.
    #[error("{0}")]
    Storage(String),
}

impl Error {
    /// Whether a batch whose commit ended like this may be durable all the same: read before you decide.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Storage(_))
    }
}

impl fmt::Debug for dyn Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal at revision {}", self.revision())
    }
}

/// The smallest key above every key that starts with `prefix`: the upper bound of a scan over the prefix. `None` when
/// there is none (the prefix is empty or all 0xff).
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&b| b != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    #[test]
    fn prefix_end_is_the_next_key_outside() {
        assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(prefix_end(&[1, 0xff]), Some(vec![2]));
        assert_eq!(prefix_end(&[0xff]), None);
        assert_eq!(prefix_end(b""), None);
    }
}
