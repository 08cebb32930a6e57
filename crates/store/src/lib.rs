//! The state store: the records that routers and operator share, behind one trait for readers and one for each kind of
//! writer, so that the wrong write does not compile.
//!
//! Every change has a [`Revision`], every record the [`Version`] at which it was last written, and every write names the
//! version that it expects to replace. A [`Watch`] delivers a snapshot, then the changes in order, and says when it fell
//! behind. What a driver must do is written down as tests: the `suite` module (feature `suite`).
//!
//! Routers use [`feed()`], which turns a reader into mount tables; whoever declares mounts uses [`publish()`].

use std::future::Future;
use std::pin::Pin;

mod backoff;
mod error;
pub mod feed;
pub mod grpc;
mod journal_store;
mod log;
mod memory_journal;
pub mod publish;
mod reader;
mod record;
#[cfg(any(test, feature = "suite"))]
pub mod suite;
mod tls;
mod writer;
pub mod zookeeper;

pub use backoff::Backoff;
pub use error::{Refusal, StoreError};
pub use feed::feed;
pub use grpc::GrpcStore;
pub use journal_store::{JournalStore, Options, TABLES};
pub use memory_journal::MemoryJournal;
pub use publish::publish;
pub use reader::{Broken, Change, Event, Reader, Snapshot, Versioned, Watch};
pub use record::{
    DecodeError, DisabledNameservice, MAX_RECORD_BYTES, Membership, NamenodeState, Record, RouterState, RouterStatus,
    mount_from_proto, mount_to_proto,
};
pub use tls::TlsError;
pub use writer::{MAX_CHANGES, MAX_WRITE_BYTES, Records, StateStore, Write, Writer};
pub use zookeeper::ZooKeeperStore;

/// Counts the changes of a store: 0 for an empty one.
pub type Revision = u64;

/// When a record was last written: the revision of that write. A record that was deleted and made anew has another
/// version than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub Revision);

impl Version {
    /// The version of a record that does not exist: a write that expects it creates the record, or is refused.
    pub const ABSENT: Self = Self(0);
}

/// What a store's methods return: traits with boxed futures, since the driver is chosen at run time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
