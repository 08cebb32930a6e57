use std::collections::BTreeMap;
use std::sync::Arc;

use super::layout;
use crate::record::{DecodeError, Record};
use crate::{Broken, Change, Revision, Snapshot, Version, Versioned};

/// The records of a kind as they are in ZooKeeper, up to some transaction.
#[derive(Debug)]
pub(super) struct Mirror<R> {
    /// By the names of their nodes.
    nodes: BTreeMap<String, Node<R>>,
    /// Whether all were read once.
    pub(super) loaded: bool,
}

#[derive(Debug)]
struct Node<R> {
    version: Version,
    content: Result<Arc<R>, DecodeError>,
}

/// What a node was found to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found<R> {
    /// A record.
    Record(Arc<R>),
    /// What is none.
    Broken(DecodeError),
    /// Nothing: a Java router makes a node first and fills it then.
    Empty,
    /// There is no such node.
    Removed,
}

/// A node that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read<R> {
    pub(super) name: String,
    /// The transaction that wrote it; of one that was removed, the last that removed or made any.
    pub(super) zxid: u64,
    pub(super) found: Found<R>,
}

/// What changed at a revision.
#[derive(Debug, PartialEq)]
pub(super) struct Step<R> {
    pub(super) revision: Revision,
    pub(super) changes: Vec<Change<R>>,
    /// Something is broken now that was not: changes cannot say so, but a snapshot can.
    pub(super) damaged: bool,
}

impl<R: Record> Node<R> {
    fn key(&self, name: &str) -> String {
        self.content.as_ref().map_or_else(|_| layout::key(name), |record| record.key().to_owned())
    }
}

impl<R: Record> Mirror<R> {
    pub(super) fn new() -> Self {
        Self { nodes: BTreeMap::new(), loaded: false }
    }

    /// Takes in what was read, in this order where one transaction changed several, and tells what that changes, revision
    /// by revision. With `at_once`, or when it cannot be told which transaction removed a node, all is one change at the
    /// last revision: that may be of a node that was made and removed meanwhile.
    pub(super) fn apply(&mut self, mut read: Vec<Read<R>>, at_once: bool) -> Vec<Step<R>> {
        let removes = |read: &Read<R>| read.found == Found::Removed && self.nodes.contains_key(&read.name);
        let at_once = at_once || read.iter().any(removes);
        if !at_once {
            read.sort_by_key(|read| read.zxid);
        }
        let newest = read.iter().map(|read| read.zxid).max().filter(|_| at_once);
        let mut steps: Vec<Step<R>> = Vec::new();
        for Read { name, zxid, found } in read {
            let mut step = Step { revision: newest.unwrap_or(zxid), changes: Vec::new(), damaged: false };
            self.take(name, Version(zxid), found, &mut step);
            if step.changes.is_empty() && !step.damaged {
                continue;
            }
            match steps.last_mut().filter(|last| at_once || last.revision == zxid) {
                Some(last) => {
                    last.changes.append(&mut step.changes);
                    last.damaged |= step.damaged;
                }
                None => steps.push(step),
            }
        }
        steps
    }

    fn take(&mut self, name: String, version: Version, found: Found<R>, step: &mut Step<R>) {
        let known = self.nodes.get(&name);
        let content = match found {
            Found::Empty | Found::Removed => {
                if let Some(node) = self.nodes.remove(&name) {
                    step.changes.push(Change::Delete(node.key(&name)));
                }
                return;
            }
            _ if known.is_some_and(|node| node.version == version) => return,
            Found::Record(record) => {
                // Keys that differ can have one name.
                let replaced = known.map(|node| node.key(&name)).filter(|key| key != record.key());
                step.changes.extend(replaced.map(Change::Delete));
                step.changes.push(Change::Put { record: record.clone(), version });
                Ok(record)
            }
            Found::Broken(reason) => {
                step.damaged = true;
                Err(reason)
            }
        };
        self.nodes.insert(name, Node { version, content });
    }

    /// The names of all nodes that hold something.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.nodes.keys()
    }

    pub(super) fn snapshot(&self, revision: Revision) -> Snapshot<R> {
        let mut snapshot = Snapshot { revision, records: Vec::new(), broken: Vec::new() };
        for (name, Node { version, content }) in &self.nodes {
            let version = *version;
            match content {
                Ok(record) => snapshot.records.push(Versioned { version, record: R::clone(record) }),
                Err(reason) => {
                    snapshot.broken.push(Broken { key: layout::key(name), version, reason: reason.clone() });
                }
            }
        }
        // Names and keys have different orders.
        snapshot.records.sort_by(|a, b| a.record.key().cmp(b.record.key()));
        snapshot.broken.sort_by(|a, b| a.key.cmp(&b.key));
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use anabranch_federation::MountEntry;

    use super::*;
    use crate::suite::{Sample, entry};

    fn read(key: &str, zxid: u64, found: Found<MountEntry>) -> Read<MountEntry> {
        Read { name: layout::name(key), zxid, found }
    }

    fn record(key: &str, zxid: u64) -> Read<MountEntry> {
        read(key, zxid, Found::Record(Arc::new(entry(key, zxid))))
    }

    fn broken(key: &str, zxid: u64) -> Read<MountEntry> {
        read(key, zxid, Found::Broken(DecodeError::Missing("x")))
    }

    /// `revision:+key-key`, with `!` where something is broken now.
    fn shown(steps: &[Step<MountEntry>]) -> Vec<String> {
        let change = |change: &Change<MountEntry>| match change {
            Change::Put { record, version } if *version == Version(record.tag()) => format!("+{}", record.key()),
            Change::Put { record, version } => panic!("{} has version {version:?}", record.key()),
            Change::Delete(key) => format!("-{key}"),
        };
        let step = |step: &Step<MountEntry>| {
            let changes: String = step.changes.iter().map(change).collect();
            format!("{}:{changes}{}", step.revision, if step.damaged { "!" } else { "" })
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn changes_come_in_the_order_of_their_transactions() {
        let mut mirror = Mirror::new();
        let steps = mirror.apply(vec![record("/b", 7), record("/a", 5), record("/c", 5)], false);
        assert_eq!(shown(&steps), ["5:+/a+/c", "7:+/b"]);
        assert!(mirror.apply(vec![record("/a", 5), read("/n", 9, Found::Removed)], false).is_empty(), "nothing new");
        // Which of several transactions removed a node cannot be told.
        let steps = mirror.apply(vec![record("/b", 8), read("/a", 9, Found::Removed), record("/d", 9)], false);
        assert_eq!(shown(&steps), ["9:+/b-/a+/d"]);
        let steps = mirror.apply(vec![record("/b", 10), record("/d", 11)], true);
        assert_eq!(shown(&steps), ["11:+/b+/d"]);
        // It is the state of a moment after that in which a node came and went.
        let steps = mirror.apply(vec![record("/b", 12), read("/n", 14, Found::Removed)], true);
        assert_eq!(shown(&steps), ["14:+/b"]);
    }

    #[test]
    fn nodes_that_are_being_written_are_left_out() {
        let mut mirror = Mirror::new();
        assert!(mirror.apply(vec![read("/a", 5, Found::Empty)], false).is_empty());
        assert_eq!(shown(&mirror.apply(vec![record("/a", 6)], false)), ["6:+/a"]);
        assert_eq!(shown(&mirror.apply(vec![read("/a", 7, Found::Empty)], false)), ["7:-/a"]);
        assert_eq!(mirror.snapshot(7).records, []);
    }

    #[test]
    fn broken_records_come_and_go() {
        let mut mirror = Mirror::new();
        assert_eq!(shown(&mirror.apply(vec![broken("/a", 5), record("/b", 5)], false)), ["5:+/b!"]);
        assert!(mirror.apply(vec![broken("/a", 5)], false).is_empty());
        let snapshot = mirror.snapshot(5);
        assert_eq!((snapshot.records.len(), snapshot.broken[0].key.as_str()), (1, "/a"));
        assert_eq!(shown(&mirror.apply(vec![broken("/b", 6)], false)), ["6:!"]);
        assert_eq!(shown(&mirror.apply(vec![record("/a", 7)], false)), ["7:+/a"]);
        assert_eq!(shown(&mirror.apply(vec![read("/b", 8, Found::Removed)], false)), ["8:-/b"]);
    }

    #[test]
    fn keys_that_share_a_node_replace_each_other() {
        let mut mirror = Mirror::new();
        mirror.apply(vec![record("/a_b", 5)], false);
        assert_eq!(shown(&mirror.apply(vec![record("/a:b", 6)], false)), ["6:-/a_b+/a:b"]);
        assert_eq!(shown(&mirror.apply(vec![read("/a:b", 7, Found::Removed)], false)), ["7:-/a:b"]);
    }

    #[test]
    fn snapshots_are_sorted_by_key() {
        let mut mirror = Mirror::new();
        mirror.apply(["/b", "/a0", "/a/c", "/a"].map(|key| record(key, 5)).into(), false);
        let keys: Vec<_> = mirror.snapshot(5).records.iter().map(|stored| stored.record.key().to_owned()).collect();
        assert_eq!(keys, ["/a", "/a/c", "/a0", "/b"]);
    }
}
