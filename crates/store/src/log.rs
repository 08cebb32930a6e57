use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Change, Revision};

/// The latest changes of one kind of record. Watchers read it at their own pace: none has a queue of its own, and a slow one
/// costs nothing but the risk to fall behind.
#[derive(Debug)]
pub(crate) struct Log<R> {
    capacity: Capacity,
    kept: Mutex<Kept<R>>,
    newest: watch::Sender<Revision>,
}

/// How much a log keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Changes.
    pub(crate) changes: usize,
    /// Bytes of their records, encoded.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Kept<R> {
    /// Counts how often the log lost track of what changed.
    epoch: u64,
    /// Changes up to this revision are no longer kept.
    floor: Revision,
    revisions: VecDeque<Made<R>>,
    changes: usize,
    bytes: usize,
}

/// What changed in one revision.
#[derive(Debug)]
struct Made<R> {
    revision: Revision,
    changes: Arc<[Change<R>]>,
    bytes: usize,
}

/// How far a watcher has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) seen: Revision,
}

/// What comes after a position.
#[derive(Debug, PartialEq)]
pub(crate) enum Next<R> {
    /// These changes.
    Changed(Revision, Arc<[Change<R>]>),
    /// Nothing yet.
    Nothing,
    /// The log does not know: it reaches back less far, or the revision is none of this store's.
    Unknown,
}

impl<R> Log<R> {
    /// A log of a store that is at `revision`.
    pub(crate) fn new(capacity: Capacity, revision: Revision) -> Self {
        let kept = Kept { epoch: 0, floor: revision, revisions: VecDeque::new(), changes: 0, bytes: 0 };
        Self { capacity, kept: Mutex::new(kept), newest: watch::Sender::new(revision) }
    }

    /// Adds the changes of the next revision, whose encoded records have so many bytes together.
    pub(crate) fn push(&self, revision: Revision, changes: Arc<[Change<R>]>, bytes: usize) {
        let mut kept = self.kept.lock();
        kept.changes += changes.len();
        kept.bytes += bytes;
        kept.revisions.push_back(Made { revision, changes, bytes });
        while kept.changes > self.capacity.changes || kept.bytes > self.capacity.bytes {
            let Some(dropped) = kept.revisions.pop_front() else { break };
            kept.floor = dropped.revision;
            kept.changes -= dropped.changes.len();
            kept.bytes -= dropped.bytes;
        }
        self.newest.send_replace(revision);
    }

    /// Forgets everything, because it is not known what changed up to `revision`: all watchers have fallen behind.
    pub(crate) fn restart(&self, revision: Revision) {
        let mut kept = self.kept.lock();
        *kept = Kept { epoch: kept.epoch + 1, floor: revision, revisions: VecDeque::new(), changes: 0, bytes: 0 };
        self.newest.send_replace(revision);
    }

    /// Positions of this epoch are comparable with each other.
    pub(crate) fn epoch(&self) -> u64 {
        self.kept.lock().epoch
    }

    /// What comes after a position.
    pub(crate) fn after(&self, Position { epoch, seen }: Position) -> Next<R> {
        let kept = self.kept.lock();
        if epoch != kept.epoch || seen < kept.floor || seen > *self.newest.borrow() {
            return Next::Unknown;
        }
        let at = kept.revisions.partition_point(|made| made.revision <= seen);
        kept.revisions.get(at).map_or(Next::Nothing, |made| Next::Changed(made.revision, made.changes.clone()))
    }

    /// The revision of the last change.
    pub(crate) fn newest(&self) -> Revision {
        *self.newest.borrow()
    }

    /// Wakes up whenever something was added.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Revision> {
        self.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(log: &Log<u8>, revision: Revision, changes: usize) {
        log.push(revision, (0..changes).map(|i| Change::Delete(i.to_string())).collect(), 10 * changes);
    }

    fn next(log: &Log<u8>, seen: Revision) -> Option<Revision> {
        match log.after(Position { epoch: log.epoch(), seen }) {
            Next::Changed(revision, _) => Some(revision),
            Next::Nothing => Some(seen),
            Next::Unknown => None,
        }
    }

    #[test]
    fn it_knows_how_far_back_it_reaches() {
        let log = Log::new(Capacity { changes: 4, bytes: 1000 }, 10);
        assert_eq!((next(&log, 10), next(&log, 9), next(&log, 11)), (Some(10), None, None));
        push(&log, 11, 2);
        // Revisions without changes of this kind leave gaps.
        push(&log, 14, 2);
        assert_eq!([10, 11, 12, 13, 14].map(|seen| next(&log, seen)), [11, 14, 14, 14, 14].map(Some));
        push(&log, 15, 1);
        assert_eq!([10, 11, 14, 15].map(|seen| next(&log, seen)), [None, Some(14), Some(15), Some(15)]);
        push(&log, 16, 5);
        assert_eq!([15, 16].map(|seen| next(&log, seen)), [None, Some(16)]);
    }

    #[test]
    fn large_records_shorten_its_reach() {
        let log = Log::new(Capacity { changes: 1000, bytes: 100 }, 0);
        (1..=10).for_each(|revision| push(&log, revision, 1));
        assert_eq!(next(&log, 0), Some(1), "all ten fit");
        push(&log, 11, 4);
        assert_eq!([3, 4].map(|seen| next(&log, seen)), [None, Some(5)]);
        push(&log, 12, 11);
        assert_eq!([10, 11, 12].map(|seen| next(&log, seen)), [None, None, Some(12)]);
    }

    #[test]
    fn after_a_restart_every_position_is_unknown() {
        let log = Log::new(Capacity { changes: 4, bytes: 1000 }, 0);
        let before = Position { epoch: log.epoch(), seen: 0 };
        log.restart(0);
        assert_eq!(log.after(before), Next::Unknown);
        assert_eq!(next(&log, 0), Some(0));
    }
}
