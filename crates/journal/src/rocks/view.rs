//! What is read of a RocksDB. It stays open while anybody reads.

use std::sync::Arc;

use rocksdb::{DB, DBIterator, Direction, IteratorMode, ReadOptions};
use self_cell::self_cell;

use super::place::Place;
use crate::{Error, Row, Scan, Snapshot, Table};

type Pin<'d> = rocksdb::Snapshot<'d>;

self_cell!(
    /// Rows of a table, and where they are.
    pub(super) struct Rows {
        owner: Arc<DB>,
        #[not_covariant]
        dependent: DBIterator,
    }
);

self_cell!(
    /// The state of a moment, and where it is.
    struct Pinned {
        owner: Arc<DB>,
        #[covariant]
        dependent: Pin,
    }
);

/// The committed state of one moment.
pub(super) struct View<'a> {
    place: &'a Place,
    /// Or why there is nothing to read.
    at: Result<Pinned, String>,
}

/// Rows of the latest committed state.
pub(super) fn rows(db: Arc<DB>, place: &Place, table: Table, from: &[u8], to: Option<&[u8]>) -> Result<Rows, Error> {
    let (mode, options) = range(from, to);
    Rows::try_new(db, |db| Ok(db.iterator_cf_opt(place.family(db, table)?, options, mode)))
}

impl Iterator for Rows {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.with_dependent_mut(|_, rows| rows.next()).map(|row| Ok(row?))
    }
}

impl<'a> View<'a> {
    pub(super) fn new(place: &'a Place, db: Result<Arc<DB>, String>) -> Self {
        Self { place, at: db.map(|db| Pinned::new(db, |db| db.snapshot())) }
    }

    fn at(&self) -> Result<&Pinned, Error> {
        self.at.as_ref().map_err(|reason| Error::Storage(reason.clone()))
    }
}

impl Snapshot for View<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let at = self.at()?;
        Ok(at.borrow_dependent().get_cf(self.place.family(at.borrow_owner(), table)?, key)?)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        let family = self.at().and_then(|at| Ok((at, self.place.family(at.borrow_owner(), table)?)));
        match family {
            Ok((at, family)) => {
                let (mode, options) = range(from, to);
                Box::new(at.borrow_dependent().iterator_cf_opt(family, options, mode).map(|row| Ok(row?)))
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

fn range<'f>(from: &'f [u8], to: Option<&[u8]>) -> (IteratorMode<'f>, ReadOptions) {
    let mut options = ReadOptions::default();
    if let Some(to) = to {
        options.set_iterate_upper_bound(to);
    }
    (IteratorMode::From(from, Direction::Forward), options)
}
