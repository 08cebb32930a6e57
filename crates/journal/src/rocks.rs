//! The driver that keeps everything in one local RocksDB. The sequence of batches is RocksDB's own write-ahead log, synced
//! on each commit; the number of the last batch is a key written in the same atomic write.
//!
//! A RocksDB that found its disk full writes no more, whatever room there is later, until it is opened anew. That is done
//! before the next commit for which there is room. What is read meanwhile waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rocksdb::{DB, ErrorKind, WriteBatch, WriteOptions};

use crate::{Batch, Change, Commit, Error, Journal, Revision, Scan, Snapshot, Table};

mod place;
mod view;

use place::{Opened, Place};
use view::View;

const META: Table = "journal";
const REVISION: &[u8] = b"revision";
/// How long readers are waited for before RocksDB is opened anew, in milliseconds.
const READERS: u32 = 1000;

/// How a [`RocksJournal`] is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for cached blocks, in bytes.
    pub cache_bytes: usize,
    /// Memory for unflushed writes over all tables, in bytes.
    pub write_buffer_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, write_buffer_bytes: 64 << 20 }
    }
}

/// A journal in a directory of this machine.
pub struct RocksJournal {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    /// Or why it could not be opened anew.
    db: RwLock<Result<Arc<DB>, String>>,
    revision: AtomicU64,
    /// Held while a batch is written: revisions are given in the order of the writes.
    disk: Mutex<Disk>,
}

/// Whether anything can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Fine,
    /// It was found full, and RocksDB has to be opened anew.
    Full,
}

impl RocksJournal {
    /// Opens the journal in `dir`, which is created when it does not exist. `tables` may grow from one open to the next.
    ///
    /// When the disk is full, what is there is opened to be read.
    pub fn open(dir: &Path, tables: &[Table], options: &Options) -> Result<Self, Error> {
        let place = Place::new(dir, tables, options);
        let Opened { db, revision, disk } = place.open()?;
        if disk == Disk::Full {
            tracing::error!("{}", place.full());
        }
        let (db, revision, disk) = (RwLock::new(Ok(Arc::new(db))), AtomicU64::new(revision), Mutex::new(disk));
        Ok(Self { inner: Arc::new(Inner { place, db, revision, disk }) })
    }
}

impl Inner {
    fn db(&self) -> Result<Arc<DB>, Error> {
        self.db.read().clone().map_err(Error::Storage)
    }

    fn write(&self, batch: &Batch) -> Result<Revision, Error> {
        let mut disk = self.disk.lock();
        if *disk == Disk::Full {
            self.open_anew()?;
            *disk = Disk::Fine;
            tracing::info!(path = %self.place.path(), "there is room on the disk again: writes go on");
        }
        let db = self.db()?;
        let mut write = WriteBatch::default();
        for (table, key, change) in batch.changes() {
            let family = self.place.family(&db, table)?;
            match change {
                Change::Put(value) => write.put_cf(family, key, value),
                Change::Delete => write.delete_cf(family, key),
            }
        }
        let revision = self.revision.load(Ordering::Acquire) + 1;
        write.put_cf(self.place.family(&db, META)?, REVISION, revision.to_be_bytes());
        match db.write_opt(write, &synced()) {
            Ok(()) => {
                self.revision.store(revision, Ordering::Release);
                Ok(revision)
            }
            Err(error) if is_of_full_disk(&error) => {
                *disk = Disk::Full;
                let full = self.place.full();
                tracing::error!(%error, "{full}");
                // What could not be appended is not in the log; what could not be synced may be.
                if error.as_ref().contains("sync") { Err(error.into()) } else { Err(full) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens RocksDB anew after the disk was full.
    fn open_anew(&self) -> Result<(), Error> {
        if !self.place.has_room() {
            return Err(self.place.full());
        }
        let mut slot = self.db.write();
        let closed = Err(format!("{}: it is being opened anew", self.place.path()));
        if let Ok(db) = std::mem::replace(&mut *slot, closed)
            && let Err(db) = close(db)
        {
            *slot = Ok(db);
            return Err(self.place.full());
        }
        let Opened { db, revision, disk } = self.place.open().inspect_err(|error| *slot = Err(error.to_string()))?;
        *slot = Ok(Arc::new(db));
        let known = self.revision.swap(revision, Ordering::AcqRel);
        match disk {
            Disk::Full => Err(self.place.full()),
            Disk::Fine if revision != known => {
                Err(Error::Storage(format!("{}: opened anew at revision {revision}, not {known}", self.place.path())))
            }
            Disk::Fine => Ok(()),
        }
    }
}

/// Closes RocksDB, which others may be reading still; gives it back when they don't come to their end.
fn close(mut db: Arc<DB>) -> Result<(), Arc<DB>> {
    for _ in 0..READERS {
        match Arc::try_unwrap(db) {
            Ok(db) => {
                drop(db);
                return Ok(());
            }
            Err(read) => db = read,
        }
        thread::sleep(Duration::from_millis(1));
    }
    Err(db)
}

impl Journal for RocksJournal {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let db = self.inner.db()?;
        Ok(db.get_cf(self.inner.place.family(&db, table)?, key)?)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        match self.inner.db().and_then(|db| view::rows(db, &self.inner.place, table, from, to)) {
            Ok(rows) => Box::new(rows),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn snapshot(&self) -> Box<dyn Snapshot + '_> {
        let db = self.inner.db.read().clone();
        Box::new(View::new(&self.inner.place, db))
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        let inner = self.inner.clone();
        Box::pin(async move {
            // A sync may take milliseconds; the async threads serve others meanwhile.
            let written = tokio::task::spawn_blocking(move || inner.write(&batch)).await;
            written.map_err(|error| Error::Storage(format!("commit was interrupted: {error}")))?
        })
    }

    fn revision(&self) -> Revision {
        self.inner.revision.load(Ordering::Acquire)
    }
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

/// Whether something could not be written for lack of room.
fn is_of_full_disk(error: &rocksdb::Error) -> bool {
    let told = |words| error.as_ref().contains(words);
    error.kind() == ErrorKind::IOError && (told("No space left on device") || told("Disk quota exceeded"))
}

impl From<rocksdb::Error> for Error {
    fn from(error: rocksdb::Error) -> Self {
        Self::Storage(error.into_string())
    }
}

#[cfg(test)]
mod tests;
