//! Where a journal is, and how it is opened there.

use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::{BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, ErrorKind};

use super::{Disk, META, Options, REVISION, is_of_full_disk, synced};
use crate::{Error, Revision, Table};

const FORMAT: &[u8] = b"format";
const FORMAT_VERSION: u32 = 1;
/// What opening takes besides the tables that are made of the log, in bytes.
const SPARE: u64 = 1 << 20;

/// The directory of a journal, and what is in it.
pub(super) struct Place {
    dir: PathBuf,
    tables: Vec<Table>,
    options: Options,
}

/// A RocksDB that is open; to be read only when the disk is full.
pub(super) struct Opened {
    pub(super) db: DB,
    pub(super) revision: Revision,
    pub(super) disk: Disk,
}

impl Place {
    pub(super) fn new(dir: &Path, tables: &[Table], options: &Options) -> Self {
        let tables = std::iter::once(META).chain(tables.iter().copied()).collect();
        Self { dir: dir.to_owned(), tables, options: options.clone() }
    }

    pub(super) fn path(&self) -> String {
        self.dir.display().to_string()
    }

    pub(super) fn full(&self) -> Error {
        Error::Full { path: self.path() }
    }

    pub(super) fn family<'d>(&self, db: &'d DB, table: Table) -> Result<&'d ColumnFamily, Error> {
        db.cf_handle(table).filter(|_| self.tables.contains(&table)).ok_or(Error::NoTable(table))
    }

    pub(super) fn open(&self) -> Result<Opened, Error> {
        let settings = self.settings();
        let (db, disk) = match DB::open_cf_descriptors(&settings, &self.dir, self.families()) {
            Ok(db) => (db, Disk::Fine),
            Err(error) if is_of_full_disk(&error) => {
                let read = DB::open_cf_descriptors_read_only(&settings, &self.dir, self.families(), false);
                // There may be nothing yet.
                (read.map_err(|_| self.full())?, Disk::Full)
            }
            Err(error) if error.kind() == ErrorKind::IOError && error.as_ref().contains("lock") => {
                return Err(Error::Locked { path: self.path() });
            }
            Err(error) => return Err(Error::Storage(format!("{}: {error}", self.path()))),
        };
        let meta = self.family(&db, META)?;
        self.check_format(&db, meta, disk)?;
        let revision = match db.get_cf(meta, REVISION)?.map(<[u8; 8]>::try_from) {
            None => 0,
            Some(Ok(bytes)) => Revision::from_be_bytes(bytes),
            Some(Err(_)) => return Err(Error::Storage(format!("{}: malformed revision", self.path()))),
        };
        Ok(Opened { db, revision, disk })
    }

    fn check_format(&self, db: &DB, meta: &ColumnFamily, disk: Disk) -> Result<(), Error> {
        let expected = FORMAT_VERSION.to_be_bytes();
        match db.get_cf(meta, FORMAT)? {
            None if disk == Disk::Full => Err(self.full()),
            None => db.put_cf_opt(meta, FORMAT, expected, &synced()).map_err(|error| match is_of_full_disk(&error) {
                true => self.full(),
                false => error.into(),
            }),
            Some(found) if found == expected => Ok(()),
            Some(found) => Err(Error::Format {
                path: self.path(),
                found: <[u8; 4]>::try_from(&found[..])
                    .map_or_else(|_| format!("{found:?}"), |b| u32::from_be_bytes(b).to_string()),
                expected: FORMAT_VERSION,
            }),
        }
    }

    /// Whether what is on a disk that was full can be opened to be written: what is in the log becomes tables then.
    pub(super) fn has_room(&self) -> bool {
        let Ok(files) = fs::read_dir(&self.dir) else { return false };
        let logs = files.flatten().filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
        let logged: u64 = logs.filter_map(|log| Some(log.metadata().ok()?.len())).sum();
        rustix::fs::statvfs(&self.dir).is_ok_and(|volume| volume.f_bavail * volume.f_frsize >= logged + SPARE)
    }

    fn settings(&self) -> rocksdb::Options {
        let write_buffer_bytes = self.options.write_buffer_bytes;
        let mut settings = rocksdb::Options::default();
        settings.create_if_missing(true);
        settings.create_missing_column_families(true);
        settings.set_db_write_buffer_size(write_buffer_bytes);
        settings.set_max_total_wal_size(4 * write_buffer_bytes as u64);
        settings.set_keep_log_file_num(4);
        settings
    }

    fn families(&self) -> Vec<ColumnFamilyDescriptor> {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(self.options.cache_bytes));
        blocks.set_bloom_filter(10.0, false);
        let mut settings = rocksdb::Options::default();
        settings.set_block_based_table_factory(&blocks);
        settings.set_compression_type(DBCompressionType::Lz4);
        self.tables.iter().map(|&name| ColumnFamilyDescriptor::new(name, settings.clone())).collect()
    }
}
