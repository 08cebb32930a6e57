//! The driver that keeps everything in one local RocksDB. The sequence of batches is RocksDB's own write-ahead log, synced
//! on each commit; the number of the last batch is a key written in the same atomic write.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, ErrorKind, IteratorMode, ReadOptions,
    WriteBatch, WriteOptions,
};

use crate::{Batch, Change, Commit, Error, Journal, Revision, Scan, Snapshot, Table};

const META: Table = "journal";
const REVISION: &[u8] = b"revision";
const FORMAT: &[u8] = b"format";
const FORMAT_VERSION: u32 = 1;

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
    db: DB,
    tables: Vec<Table>,
    revision: AtomicU64,
    /// Held while a batch is written: revisions are given in the order of the writes.
    writing: Mutex<()>,
}

impl RocksJournal {
    /// Opens the journal in `dir`, which is created when it does not exist. `tables` may grow from one open to the next.
    pub fn open(dir: &Path, tables: &[Table], options: &Options) -> Result<Self, Error> {
        let path = || dir.display().to_string();
        let mut settings = rocksdb::Options::default();
        settings.create_if_missing(true);
        settings.create_missing_column_families(true);
        settings.set_db_write_buffer_size(options.write_buffer_bytes);
        settings.set_max_total_wal_size(4 * options.write_buffer_bytes as u64);
        settings.set_keep_log_file_num(4);
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(options.cache_bytes));
        blocks.set_bloom_filter(10.0, false);
        let mut table_settings = rocksdb::Options::default();
        table_settings.set_block_based_table_factory(&blocks);
        table_settings.set_compression_type(DBCompressionType::Lz4);

        let mut all: Vec<Table> = vec![META];
        all.extend(tables);
        let families = all.iter().map(|&name| ColumnFamilyDescriptor::new(name, table_settings.clone()));
        let db = DB::open_cf_descriptors(&settings, dir, families).map_err(|error| {
            if error.kind() == ErrorKind::IOError && error.as_ref().contains("lock") {
                Error::Locked { path: path() }
            } else {
                Error::Storage(format!("{}: {error}", path()))
            }
        })?;
        let inner = Inner { db, tables: all, revision: AtomicU64::new(0), writing: Mutex::new(()) };
        inner.check_format(&path())?;
        if let Some(bytes) = inner.get(META, REVISION)? {
            let revision = bytes.try_into().map(u64::from_be_bytes);
            inner.revision.store(
                revision.map_err(|_| Error::Storage(format!("{}: malformed revision", path())))?,
                Ordering::Release,
            );
        }
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    fn family(&self, table: Table) -> Result<&rocksdb::ColumnFamily, Error> {
        self.db.cf_handle(table).filter(|_| self.tables.contains(&table)).ok_or(Error::NoTable(table))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.db.get_cf(self.family(table)?, key)?)
    }

    fn check_format(&self, path: &str) -> Result<(), Error> {
        let expected = FORMAT_VERSION.to_be_bytes();
        match self.get(META, FORMAT)? {
            None => Ok(self.db.put_cf_opt(self.family(META)?, FORMAT, expected, &synced())?),
            Some(found) if found == expected => Ok(()),
            Some(found) => Err(Error::Format {
                path: path.to_owned(),
                found: <[u8; 4]>::try_from(&found[..])
                    .map_or_else(|_| format!("{found:?}"), |b| u32::from_be_bytes(b).to_string()),
                expected: FORMAT_VERSION,
            }),
        }
    }

    fn write(&self, batch: &Batch) -> Result<Revision, Error> {
        let mut write = WriteBatch::default();
        for (table, key, change) in batch.changes() {
            let family = self.family(table)?;
            match change {
                Change::Put(value) => write.put_cf(family, key, value),
                Change::Delete => write.delete_cf(family, key),
            }
        }
        let _writing = self.writing.lock();
        let revision = self.revision.load(Ordering::Acquire) + 1;
        write.put_cf(self.family(META)?, REVISION, revision.to_be_bytes());
        self.db.write_opt(write, &synced())?;
        self.revision.store(revision, Ordering::Release);
        Ok(revision)
    }
}

impl Journal for RocksJournal {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(table, key)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        let family = match self.inner.family(table) {
            Ok(family) => family,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let (mode, options) = range(from, to);
        Box::new(self.inner.db.iterator_cf_opt(family, options, mode).map(|row| Ok(row?)))
    }

    fn snapshot(&self) -> Box<dyn Snapshot + '_> {
        Box::new(RocksSnapshot { inner: &self.inner, at: self.inner.db.snapshot() })
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

struct RocksSnapshot<'a> {
    inner: &'a Inner,
    at: rocksdb::Snapshot<'a>,
}

impl Snapshot for RocksSnapshot<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.at.get_cf(self.inner.family(table)?, key)?)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        let family = match self.inner.family(table) {
            Ok(family) => family,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let (mode, options) = range(from, to);
        Box::new(self.at.iterator_cf_opt(family, options, mode).map(|row| Ok(row?)))
    }
}

fn range<'f>(from: &'f [u8], to: Option<&[u8]>) -> (IteratorMode<'f>, ReadOptions) {
    let mut options = ReadOptions::default();
    if let Some(to) = to {
        options.set_iterate_upper_bound(to);
    }
    (IteratorMode::From(from, rocksdb::Direction::Forward), options)
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

impl From<rocksdb::Error> for Error {
    fn from(error: rocksdb::Error) -> Self {
        Self::Storage(error.into_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Table = "t";

    fn open(dir: &Path) -> Result<RocksJournal, Error> {
        RocksJournal::open(dir, &[T], &Options::default())
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path()).unwrap();
        assert_eq!(journal.revision(), 0);
        let mut batch = Batch::new();
        batch.put(T, *b"a", *b"1");
        batch.put(T, *b"b", *b"2");
        assert_eq!(journal.commit(batch).await.unwrap(), 1);
        let mut batch = Batch::new();
        batch.delete(T, *b"a");
        assert_eq!(journal.commit(batch).await.unwrap(), 2);
        drop(journal);

        let journal = open(dir.path()).unwrap();
        assert_eq!(journal.revision(), 2);
        assert_eq!(journal.get(T, b"a").unwrap(), None);
        assert_eq!(journal.get(T, b"b").unwrap().as_deref(), Some(&b"2"[..]));
    }

    #[tokio::test]
    async fn scans_are_ordered_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path()).unwrap();
        let mut batch = Batch::new();
        for key in [b"b1", b"a2", b"a1", b"c1"] {
            batch.put(T, *key, *key);
        }
        journal.commit(batch).await.unwrap();
        let keys: Vec<_> = journal.scan(T, b"a2", Some(b"c")).map(|row| row.unwrap().0).collect();
        assert_eq!(keys, [Box::from(*b"a2"), Box::from(*b"b1")]);
        assert_eq!(journal.scan(T, b"", None).count(), 4);
    }

    #[tokio::test]
    async fn a_snapshot_does_not_see_later_commits() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path()).unwrap();
        let mut batch = Batch::new();
        batch.put(T, *b"a", *b"1");
        journal.commit(batch).await.unwrap();
        let snapshot = journal.snapshot();
        let mut batch = Batch::new();
        batch.delete(T, *b"a");
        batch.put(T, *b"b", *b"2");
        journal.commit(batch).await.unwrap();
        assert_eq!(snapshot.get(T, b"a").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(snapshot.scan(T, b"", None).count(), 1);
        assert_eq!(journal.get(T, b"a").unwrap(), None);
    }

    #[test]
    fn a_second_opener_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let _first = open(dir.path()).unwrap();
        let error = open(dir.path()).err().unwrap();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
    }

    #[test]
    fn an_unknown_table_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path()).unwrap();
        assert!(matches!(journal.get("other", b"k"), Err(Error::NoTable("other"))));
        assert!(matches!(journal.scan("other", b"", None).next(), Some(Err(Error::NoTable("other")))));
    }
}
