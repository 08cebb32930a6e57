use std::path::Path;
use std::sync::Arc;

use anabranch_federation::MountEntry;
use anabranch_journal::{self as journal, Batch, Journal, RocksJournal, Table};
use tokio::sync::Mutex;

use crate::log::{Capacity, Log, Next, Position};
use crate::record::{self, Record};
use crate::{
    Answer, Broken, Change, DisabledNameservice, Event, MAX_CHANGES, Membership, MemoryJournal, Reader, Refusal,
    Revision, RouterState, Snapshot, StoreError, Version, Versioned, Watch, Write, Writer,
};

mod write;

/// The tables of the journal that a store uses.
pub const TABLES: &[Table] = &[MountEntry::KIND, Membership::KIND, RouterState::KIND, DisabledNameservice::KIND];

/// How a store is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many changes of each kind are remembered for watchers that are not up to date.
    pub history: usize,
    /// How many bytes of encoded records these changes may have.
    pub history_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { history: 16_384, history_bytes: 32 << 20 }
    }
}

/// A store over a journal: the `memory` and `rocksdb` drivers. It must be the journal's only writer. A clone is the same
/// store.
#[derive(Clone)]
pub struct JournalStore {
    inner: Arc<Inner>,
}

struct Inner {
    journal: Box<dyn Journal>,
    /// Held from the check of a precondition until the change is in the log, and while a snapshot gets its revision.
    writing: Mutex<()>,
    logs: Logs,
}

/// What changed lately, by kind.
struct Logs {
    mounts: Log<MountEntry>,
    memberships: Log<Membership>,
    routers: Log<RouterState>,
    disabled: Log<DisabledNameservice>,
}

/// A kind of record that a journal keeps, with a log of its changes.
trait Logged: Record {
    fn log(logs: &Logs) -> &Log<Self>;
}

impl Logged for MountEntry {
    fn log(logs: &Logs) -> &Log<Self> {
        &logs.mounts
    }
}

impl Logged for Membership {
    fn log(logs: &Logs) -> &Log<Self> {
        &logs.memberships
    }
}

impl Logged for RouterState {
    fn log(logs: &Logs) -> &Log<Self> {
        &logs.routers
    }
}

impl Logged for DisabledNameservice {
    fn log(logs: &Logs) -> &Log<Self> {
        &logs.disabled
    }
}

impl JournalStore {
    /// A store over a journal with [`TABLES`].
    pub fn new(journal: impl Journal, options: &Options) -> Self {
        let capacity = Capacity { changes: options.history, bytes: options.history_bytes };
        let revision = journal.revision();
        let logs = Logs {
            mounts: Log::new(capacity, revision),
            memberships: Log::new(capacity, revision),
            routers: Log::new(capacity, revision),
            disabled: Log::new(capacity, revision),
        };
        Self { inner: Arc::new(Inner { journal: Box::new(journal), writing: Mutex::new(()), logs }) }
    }

    /// A store that lives as long as the process.
    pub fn in_memory() -> Self {
        Self::new(MemoryJournal::default(), &Options::default())
    }

    /// The store in a directory of this machine, which is created when it does not exist.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let journal = RocksJournal::open(dir, TABLES, &journal::Options::default())?;
        Ok(Self::new(journal, &Options::default()))
    }
}

impl Inner {
    /// Blocks: for threads that may.
    fn snapshot<R: Logged>(&self) -> Result<Snapshot<R>, StoreError> {
        // A scan shows the state of the moment at which it starts. The revision is that of the kind's last change: others
        // move the journal on.
        let writing = self.writing.blocking_lock();
        let revision = R::log(&self.logs).newest();
        let rows = self.journal.scan(R::KIND, b"", None);
        drop(writing);
        let mut snapshot = Snapshot { revision, records: Vec::new(), broken: Vec::new() };
        for row in rows {
            let (key, kept) = row?;
            let version = record::version_of(&kept);
            match record::open(&key, &kept) {
                Ok(record) => snapshot.records.push(Versioned { version, record }),
                Err(reason) => {
                    let key = String::from_utf8_lossy(&key).into_owned();
                    snapshot.broken.push(Broken { key, version, reason });
                }
            }
        }
        Ok(snapshot)
    }
}

impl<R: Logged> Reader<R> for JournalStore {
    fn list(&self) -> Answer<'_, Snapshot<R>> {
        let inner = self.inner.clone();
        Box::pin(async move { tokio::task::spawn_blocking(move || inner.snapshot()).await? })
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>> {
        let epoch = R::log(&self.inner.logs).epoch();
        let position = from.map(|seen| Position { epoch, seen });
        Box::new(JournalWatch { store: self.clone(), position })
    }
}

impl<R: Logged> Writer<R> for JournalStore {
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            if changes.len() > MAX_CHANGES {
                return Err(StoreError::TooManyChanges(changes.len()));
            }
            // A task of its own: a caller that gives up must not tear journal and log apart.
            tokio::spawn(async move { write::write(inner, changes).await }).await?
        })
    }
}

struct JournalWatch {
    store: JournalStore,
    /// `None`: the next event is a snapshot.
    position: Option<Position>,
}

impl<R: Logged> Watch<R> for JournalWatch {
    fn next(&mut self) -> Answer<'_, Event<R>> {
        Box::pin(async move {
            let log = R::log(&self.store.inner.logs);
            let mut news = log.subscribe();
            let Some(position) = self.position else {
                let epoch = log.epoch();
                let snapshot: Snapshot<R> = self.store.list().await?;
                self.position = Some(Position { epoch, seen: snapshot.revision });
                return Ok(Event::Snapshot(snapshot));
            };
            loop {
                match log.after(position) {
                    Next::Changed(revision, changes) => {
                        self.position = Some(Position { seen: revision, ..position });
                        return Ok(Event::Changed { revision, changes });
                    }
                    Next::Unknown => {
                        self.position = None;
                        return Ok(Event::FellBehind);
                    }
                    // The sender lives in the store that this watch holds, so this cannot fail.
                    Next::Nothing => drop(news.changed().await),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
