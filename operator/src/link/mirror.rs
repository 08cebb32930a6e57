//! The records of one kind, as a watch tells of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anabranch_store::{Change, Event, Record, Version};
use tokio::time::Instant;

/// A record, and when it came.
#[derive(Debug, Clone)]
pub struct Seen<R> {
    /// Its version.
    pub version: Version,
    /// The record.
    pub record: Arc<R>,
    /// When it came here.
    pub at: Instant,
}

/// Records by key.
#[derive(Debug)]
pub struct Mirror<R> {
    records: BTreeMap<String, Seen<R>>,
    /// Those that cannot be read, with the reason.
    pub broken: BTreeMap<String, (Version, String)>,
    /// Whether the first snapshot has come.
    pub complete: bool,
}

impl<R> Default for Mirror<R> {
    fn default() -> Self {
        Self { records: BTreeMap::new(), broken: BTreeMap::new(), complete: false }
    }
}

impl<R: Record> Mirror<R> {
    /// A record.
    pub fn get(&self, key: &str) -> Option<&Seen<R>> {
        self.records.get(key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Seen<R>)> {
        self.records.iter()
    }

    /// Takes an event; the records that came, went, or `differ`.
    pub fn take(&mut self, event: Event<R>, differ: impl Fn(&R, &R) -> bool) -> Vec<Arc<R>> {
        let mut changed = Vec::new();
        match event {
            Event::Snapshot(snapshot) => {
                self.complete = true;
                let broken = snapshot.broken.into_iter();
                self.broken = broken.map(|broken| (broken.key, (broken.version, broken.reason.short()))).collect();
                let gone = std::mem::take(&mut self.records);
                for stored in snapshot.records {
                    let record = Arc::new(stored.record);
                    if gone.get(record.key()).is_none_or(|old| differ(&old.record, &record)) {
                        changed.push(record.clone());
                    }
                    let seen = Seen { version: stored.version, record: record.clone(), at: Instant::now() };
                    self.records.insert(record.key().to_owned(), seen);
                }
                let gone = gone.into_iter().filter(|(key, _)| !self.records.contains_key(key));
                changed.extend(gone.map(|(_, seen)| seen.record));
            }
            Event::Changed { changes, .. } => {
                for change in changes.iter() {
                    match change {
                        Change::Put { record, version } => {
                            let old = self.put(record.clone(), *version);
                            if old.is_none_or(|old| differ(&old.record, record)) {
                                changed.push(record.clone());
                            }
                        }
                        Change::Delete(key) => {
                            self.broken.remove(key);
                            changed.extend(self.records.remove(key).map(|seen| seen.record));
                        }
                    }
                }
            }
            Event::FellBehind => {}
        }
        changed
    }

    /// Takes a record, if it is newer than the one that is known; that one.
    pub fn put(&mut self, record: Arc<R>, version: Version) -> Option<Seen<R>> {
        self.broken.remove(record.key());
        if self.records.get(record.key()).is_some_and(|known| known.version > version) {
            return None;
        }
        self.records.insert(record.key().to_owned(), Seen { version, record, at: Instant::now() })
    }

    /// Forgets a record.
    pub fn remove(&mut self, key: &str) -> Option<Seen<R>> {
        self.broken.remove(key);
        self.records.remove(key)
    }
}
