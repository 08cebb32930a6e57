//! What a group of operations has changed and not yet committed, over the committed state.

use std::collections::BTreeMap;
use std::ops::Bound;

use anabranch_journal::{Batch, Journal, Table};

use super::Fault;
use super::view::{Row, View};

type Key = (Table, Box<[u8]>);
/// `None`: the key is removed.
type Changes = BTreeMap<Key, Option<Box<[u8]>>>;

/// Pending changes in two layers: those of the operations that succeeded, and those of the one that runs.
pub struct Overlay<'j> {
    base: &'j dyn Journal,
    group: Changes,
    running: Changes,
}

impl<'j> Overlay<'j> {
    /// Nothing is changed.
    pub fn new(base: &'j dyn Journal) -> Self {
        Self { base, group: Changes::new(), running: Changes::new() }
    }

    /// Gives a key a value.
    pub fn put(&mut self, table: Table, key: impl Into<Box<[u8]>>, value: impl Into<Box<[u8]>>) {
        self.running.insert((table, key.into()), Some(value.into()));
    }

    /// Removes a key.
    pub fn delete(&mut self, table: Table, key: impl Into<Box<[u8]>>) {
        self.running.insert((table, key.into()), None);
    }

    /// Whether the running operation changed anything.
    pub fn is_dirty(&self) -> bool {
        !self.running.is_empty()
    }

    /// The running operation succeeded: the next ones see its changes.
    pub fn accept(&mut self) {
        self.group.append(&mut self.running);
    }

    /// The running operation failed: its changes never were.
    pub fn discard(&mut self) {
        self.running.clear();
    }

    /// Number of keys that the group changes.
    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// The changes of the operations that succeeded.
    pub fn into_batch(self) -> Batch {
        let mut batch = Batch::new();
        for ((table, key), value) in self.group {
            match value {
                Some(value) => batch.put(table, key, value),
                None => batch.delete(table, key),
            }
        }
        batch
    }

    fn pending(&self, key: &Key) -> Option<&Option<Box<[u8]>>> {
        self.running.get(key).or_else(|| self.group.get(key))
    }

    /// Pending changes of a range, the running operation's before the group's.
    fn pending_range(&self, table: Table, from: &[u8], to: Option<&[u8]>) -> BTreeMap<&[u8], Option<&[u8]>> {
        let low = Bound::Included((table, Box::from(from)));
        let inside = |key: &Key| key.0 == table && to.is_none_or(|to| &*key.1 < to);
        let mut found = BTreeMap::new();
        for layer in [&self.group, &self.running] {
            let changes = layer.range((low.clone(), Bound::Unbounded)).take_while(|(key, _)| inside(key));
            found.extend(changes.map(|(key, value)| (&*key.1, value.as_deref())));
        }
        found
    }
}

impl View for Overlay<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.pending(&(table, Box::from(key))) {
            Some(value) => Ok(value.as_deref().map(<[u8]>::to_vec)),
            None => Ok(self.base.get(table, key)?),
        }
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, Fault> {
        let pending = self.pending_range(table, from, to);
        let mut changes = pending.iter().peekable();
        let mut rows = Vec::new();
        let committed = self.base.scan(table, from, to);
        for row in committed {
            if rows.len() >= limit {
                return Ok(rows);
            }
            let (key, value) = row?;
            while let Some((new, value)) = changes.next_if(|(k, _)| **k < &*key) {
                rows.extend(value.map(|v| (Box::from(*new), Box::from(v))));
            }
            match changes.next_if(|(k, _)| **k == &*key) {
                Some((_, value)) => rows.extend(value.map(|v| (key, Box::from(v)))),
                None => rows.push((key, value)),
            }
        }
        for (new, value) in changes {
            rows.extend(value.map(|v| (Box::from(*new), Box::from(v))));
        }
        rows.truncate(limit);
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use anabranch_journal::{Options, RocksJournal};

    use super::*;

    const T: Table = "t";

    fn keys(overlay: &Overlay<'_>, from: &[u8], to: Option<&[u8]>, limit: usize) -> Vec<String> {
        let rows = overlay.scan(T, from, to, limit).unwrap();
        rows.iter().map(|(k, v)| format!("{}={}", k.escape_ascii(), v.escape_ascii())).collect()
    }

    #[tokio::test]
    async fn pending_changes_cover_the_committed_state() {
        let dir = tempfile::tempdir().unwrap();
        let journal = RocksJournal::open(dir.path(), &[T, "u"], &Options::default()).unwrap();
        let mut batch = Batch::new();
        for key in [b"b", b"d", b"f"] {
            batch.put(T, *key, *b"0");
        }
        journal.commit(batch).await.unwrap();

        let mut overlay = Overlay::new(&journal);
        overlay.put(T, *b"a", *b"1");
        overlay.delete(T, *b"d");
        overlay.put("u", *b"c", *b"1");
        overlay.accept();
        overlay.put(T, *b"d", *b"2");
        overlay.put(T, *b"g", *b"2");
        overlay.delete(T, *b"f");
        assert_eq!(keys(&overlay, b"", None, 9), ["a=1", "b=0", "d=2", "g=2"]);
        assert_eq!(keys(&overlay, b"b", Some(b"g"), 9), ["b=0", "d=2"]);
        assert_eq!(keys(&overlay, b"", None, 2), ["a=1", "b=0"]);
        overlay.discard();
        assert_eq!(keys(&overlay, b"", None, 9), ["a=1", "b=0", "f=0"]);
        assert_eq!(overlay.get(T, b"d").unwrap(), None);
        journal.commit(overlay.into_batch()).await.unwrap();
        assert_eq!(journal.scan(T, b"", None).count(), 3);
        assert_eq!(journal.get("u", b"c").unwrap().as_deref(), Some(&b"1"[..]));
    }
}
