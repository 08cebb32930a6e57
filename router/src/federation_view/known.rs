use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anabranch_store::{Change, Event, Record, Version};
use anabranch_telemetry::clock::wall_ms;
use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use tokio::time::Instant;

/// After a store was away all records are old, since nobody could write them. For so long, their age does not count yet.
const GRACE: Duration = Duration::from_secs(30);

/// The records of one kind, as the state store told them last. A clone shares them, and a change copies the little that is
/// above the changed one.
#[derive(Debug, Clone)]
pub struct Known<R> {
    records: OrdMap<Arc<str>, (Version, Arc<R>)>,
    /// The keys of the records that cannot be read.
    broken: Arc<BTreeSet<String>>,
    loaded: bool,
    stopped: Option<Stopped>,
}

/// When the age of records stopped to count.
#[derive(Debug, Clone, Copy)]
struct Stopped {
    at_ms: u64,
    /// When it counts again; none while the store is away.
    until: Option<Instant>,
}

impl<R> Default for Known<R> {
    fn default() -> Self {
        Self { records: OrdMap::new(), broken: Arc::default(), loaded: false, stopped: None }
    }
}

impl<R: Record> Known<R> {
    /// Whether they were read once.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// All of them, by key.
    pub fn records(&self) -> impl Iterator<Item = &R> {
        self.stored().map(|(_, record)| record)
    }

    /// The same, with their versions.
    pub fn stored(&self) -> impl Iterator<Item = (Version, &R)> {
        self.records.values().map(|(version, record)| (*version, &**record))
    }

    /// The keys of those that cannot be read.
    pub fn broken(&self) -> &BTreeSet<String> {
        &self.broken
    }

    /// The keys of what is different from `before`, and what it is now; `None`: deleted. Costs what has changed.
    pub fn since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'a str, Option<&'a R>)> {
        before.records.diff(&self.records).map(|item| match item {
            DiffItem::Add(key, (_, record)) | DiffItem::Update { new: (key, (_, record)), .. } => {
                (&**key, Some(&**record))
            }
            DiffItem::Remove(key, _) => (&**key, None),
        })
    }

    /// The time by which the age of records is judged.
    pub fn now_ms(&self) -> u64 {
        match self.stopped {
            Some(Stopped { at_ms, until }) if until.is_none_or(|until| Instant::now() < until) => at_ms,
            _ => wall_ms(),
        }
    }

    /// The store told this.
    pub(crate) fn take(&mut self, event: Event<R>) {
        if self.is_away() {
            tracing::info!(kind = R::KIND, "the state store can be read again");
        }
        if let Some(Stopped { until: until @ None, .. }) = &mut self.stopped {
            *until = Some(Instant::now() + GRACE);
        }
        match event {
            Event::Snapshot(snapshot) => {
                for broken in &snapshot.broken {
                    tracing::warn!(
                        kind = R::KIND,
                        record = broken.key,
                        reason = broken.reason.short(),
                        "left out a record that cannot be read"
                    );
                }
                self.loaded = true;
                self.broken = Arc::new(snapshot.broken.into_iter().map(|broken| broken.key).collect());
                let records = snapshot.records.into_iter();
                self.records = records
                    .map(|stored| (Arc::from(stored.record.key()), (stored.version, Arc::new(stored.record))))
                    .collect();
            }
            Event::Changed { changes, .. } => changes.iter().for_each(|change| self.change(change)),
            Event::FellBehind => {}
        }
    }

    fn change(&mut self, change: &Change<R>) {
        let key = match change {
            Change::Put { record, version } => {
                self.records.insert(record.key().into(), (*version, record.clone()));
                record.key()
            }
            Change::Delete(key) => {
                self.records.remove(&**key);
                key
            }
        };
        if self.broken.contains(key) {
            Arc::make_mut(&mut self.broken).remove(key);
        }
    }

    /// The store does not answer; what is known stays. Whether that is news.
    pub(super) fn away(&mut self) -> bool {
        let news = !self.is_away();
        self.stopped = Some(Stopped { at_ms: self.now_ms(), until: None });
        news
    }

    fn is_away(&self) -> bool {
        self.stopped.is_some_and(|stopped| stopped.until.is_none())
    }
}

#[cfg(test)]
mod tests;
