//! Mount tables for routers, as the store changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use anabranch_federation::{MountEntry, MountTable, NameserviceId};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Backoff, Change, Event, Reader, Snapshot, StoreError, Watch};

/// The two sides of a feed that readers hold.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The table of the latest revision; `None` until the first one was read.
    pub tables: watch::Receiver<Option<Arc<MountTable>>>,
    /// How it goes.
    pub health: watch::Receiver<Health>,
}

/// What a router must know to decide whether it may go on with the table that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Since when the store has not answered; `None`: it answers.
    pub failing_since: Option<Instant>,
    /// How many stored records cannot be read.
    pub broken: usize,
}

/// Follows the mount table of a store until the feed's last table receiver is dropped. Paths without an entry go to
/// `default_nameservice`. While the store is away the last table stays; the feed goes on by itself when it is back.
///
/// Must be called within a tokio runtime: the work is done by a task of it.
pub fn feed(reader: &(impl Reader<MountEntry> + ?Sized), default_nameservice: Option<NameserviceId>) -> Feed {
    let (tables, tables_out) = watch::channel(None);
    let (health, health_out) = watch::channel(Health::default());
    let follower = Follower { watch: reader.watch(None), default_nameservice, tables, health, broken: BTreeSet::new() };
    tokio::spawn(follower.run());
    Feed { tables: tables_out, health: health_out }
}

struct Follower {
    watch: Box<dyn Watch<MountEntry>>,
    default_nameservice: Option<NameserviceId>,
    tables: watch::Sender<Option<Arc<MountTable>>>,
    health: watch::Sender<Health>,
    /// The stored records that cannot be read.
    broken: BTreeSet<String>,
}

impl Follower {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let event = tokio::select! {
                () = self.tables.closed() => return,
                event = self.watch.next() => event,
            };
            let Err(error) = self.take(event) else {
                backoff.reset();
                continue;
            };
            let pause = backoff.pause();
            tracing::warn!(%error, retry_in = ?pause, "the mount table cannot be read; the last one stays in use");
            self.health.send_if_modified(|health| {
                let first = health.failing_since.is_none();
                health.failing_since.get_or_insert_with(Instant::now);
                first
            });
            tokio::select! {
                () = self.tables.closed() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn take(&mut self, event: Result<Event<MountEntry>, StoreError>) -> Result<(), StoreError> {
        match event? {
            Event::Snapshot(snapshot) => self.replace(snapshot),
            Event::Changed { revision, changes } => self.change(revision, &changes),
            Event::FellBehind => tracing::info!("missed changes of the mount table; reading it anew"),
        }
        let health = Health { failing_since: None, broken: self.broken.len() };
        self.health.send_if_modified(|known| std::mem::replace(known, health) != health);
        Ok(())
    }

    fn replace(&mut self, snapshot: Snapshot<MountEntry>) {
        for broken in &snapshot.broken {
            tracing::warn!(mount = broken.key, reason = broken.reason.short(), "left out a mount that cannot be read");
        }
        self.broken = snapshot.broken.into_iter().map(|broken| broken.key).collect();
        let entries = snapshot.records.into_iter().map(|stored| stored.record);
        let table = MountTable::build(entries, self.default_nameservice.clone());
        self.tables.send_replace(Some(Arc::new(table.with_revision(snapshot.revision))));
    }

    fn change(&mut self, revision: u64, changes: &[Change<MountEntry>]) {
        // A change comes after a snapshot, so there is a table.
        let Some(table) = self.tables.borrow().clone() else { return };
        let mut table = MountTable::clone(&table).with_revision(revision);
        for change in changes {
            let source = match change {
                Change::Put { record: entry, .. } => {
                    table.insert(MountEntry::clone(entry));
                    entry.source.as_str()
                }
                Change::Delete(source) => {
                    table.remove(source);
                    source
                }
            };
            self.broken.remove(source);
        }
        self.tables.send_replace(Some(Arc::new(table)));
    }
}

#[cfg(test)]
mod tests;
