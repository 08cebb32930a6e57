use std::collections::BTreeMap;
use std::sync::Arc;

use anabranch_journal::{Batch, Change, Commit, Error, Journal, Revision, Scan, Snapshot, Table};
use parking_lot::RwLock;

/// A journal that keeps nothing beyond the process: for tests.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    revision: Revision,
    rows: Rows,
}

type Key = (Table, Box<[u8]>);

/// Copied by a commit while a snapshot of it is kept.
#[derive(Debug, Default, Clone)]
struct Rows(Arc<BTreeMap<Key, Box<[u8]>>>);

impl Snapshot for Rows {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(&(table, key.into())).map(|value| value.to_vec()))
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        let above = self.0.range((table, from.into())..);
        let inside = above.take_while(|((other, key), _)| *other == table && to.is_none_or(|to| **key < *to));
        let rows: Vec<_> = inside.map(|((_, key), value)| Ok((key.clone(), value.clone()))).collect();
        Box::new(rows.into_iter())
    }
}

impl Journal for MemoryJournal {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.state.read().rows.get(table, key)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        let rows: Vec<_> = self.state.read().rows.scan(table, from, to).collect();
        Box::new(rows.into_iter())
    }

    fn snapshot(&self) -> Box<dyn Snapshot + '_> {
        Box::new(self.state.read().rows.clone())
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        Box::pin(async move {
            let mut state = self.state.write();
            let rows = Arc::make_mut(&mut state.rows.0);
            for (table, key, change) in batch.changes() {
                match change {
                    Change::Put(value) => rows.insert((table, key.into()), value.clone()),
                    Change::Delete => rows.remove(&(table, key.into())),
                };
            }
            state.revision += 1;
            Ok(state.revision)
        })
    }

    fn revision(&self) -> Revision {
        self.state.read().revision
    }
}
