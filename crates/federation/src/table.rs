use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use imbl::OrdMap;

use crate::ring::Ring;
use crate::{Limits, MountEntry, MountPath, NameserviceId, Order};

mod node;

use node::Node;
pub(crate) use node::PersistentMap;

/// An entry, ready to be resolved.
#[derive(Debug, Clone)]
pub(crate) struct Mount {
    pub(crate) entry: MountEntry,
    /// For a hashed order over more than one nameservice; entries over the same nameservices share it.
    pub(crate) ring: Option<Arc<Ring>>,
}

/// A mount table: which tree of the global namespace lives where.
///
/// It is a persistent structure: a clone shares everything with its original, and a change copies only the nodes above
/// the changed one. So a reader keeps the table that it started with for as long as it likes, and the cost of a change
/// does not grow with the table.
#[derive(Debug, Clone, Default)]
pub struct MountTable {
    root: Node,
    len: usize,
    default_nameservice: Option<NameserviceId>,
    revision: u64,
    /// The rings in use, by their nameservices in order.
    rings: PersistentMap<Arc<[NameserviceId]>, Weak<Ring>>,
    /// How many entries have each order.
    orders: [usize; Order::NAMES.len()],
    /// The entries that have quotas, by their sources.
    limited: OrdMap<MountPath, Limits>,
}

impl MountTable {
    /// A table of entries that were validated; of several with one source the last one counts. Paths that no entry covers
    /// go to `default_nameservice`, and nowhere if there is none.
    pub fn build(entries: impl IntoIterator<Item = MountEntry>, default_nameservice: Option<NameserviceId>) -> Self {
        let mut table = Self { default_nameservice, ..Self::default() };
        for entry in entries {
            table.insert(entry);
        }
        table
    }

    /// This table with one entry added, or replaced if there is one for its source.
    #[must_use]
    pub fn with(&self, entry: MountEntry) -> Self {
        let mut table = self.clone();
        table.insert(entry);
        table
    }

    /// This table without the entry for `source`, if there is one.
    #[must_use]
    pub fn without(&self, source: &str) -> Self {
        let mut table = self.clone();
        table.remove(source);
        table
    }

    /// Adds an entry, or replaces the one for its source. Clones made earlier do not change.
    pub fn insert(&mut self, entry: MountEntry) {
        let ring = self.ring_for(&entry);
        let (source, limits) = (entry.source.clone(), entry.quota.limits());
        self.orders[entry.order as usize] += 1;
        let before = self.root.edit(source.as_str(), Some(Mount { entry, ring }));
        self.len += 1;
        self.forget(before);
        if limits.is_set() {
            self.limited.insert(source, limits);
        }
    }

    /// Removes the entry for `source` and returns whether there was one. Clones made earlier do not change.
    pub fn remove(&mut self, source: &str) -> bool {
        let removed = self.root.edit(source, None);
        self.forget(removed)
    }

    /// Counts an entry no longer; whether there was one.
    fn forget(&mut self, mount: Option<Mount>) -> bool {
        let Some(mount) = mount else { return false };
        self.len -= 1;
        self.orders[mount.entry.order as usize] -= 1;
        self.limited.remove(&mount.entry.source);
        true
    }

    /// The entry whose source is exactly this path.
    pub fn entry(&self, source: &str) -> Option<&MountEntry> {
        self.root.at(source)?.mount().map(|mount| &mount.entry)
    }

    /// The deepest entry whose source is the path or above it.
    pub fn covering(&self, path: &str) -> Option<&MountEntry> {
        self.deepest(path).map(|(mount, _)| &mount.entry)
    }

    /// Whether the path is exactly the source of an entry.
    pub fn is_mount_point(&self, path: &str) -> bool {
        self.entry(path).is_some()
    }

    /// Whether there are entries strictly below the path.
    pub fn has_mounts_below(&self, path: &str) -> bool {
        self.root.at(path).is_some_and(|node| !node.is_leaf())
    }

    /// The next components of the entries strictly below the path, sorted, each once.
    pub fn children(&self, path: &str) -> Vec<&str> {
        self.root.at(path).map(Node::child_names).unwrap_or_default()
    }

    /// How many of them there are.
    pub fn child_count(&self, path: &str) -> usize {
        self.root.at(path).map_or(0, Node::len)
    }

    /// Whether directories at this path exist in all of its destinations: the deepest entry that covers it says so.
    pub fn is_path_all(&self, path: &str) -> bool {
        self.covering(path).is_some_and(|entry| entry.order.is_all())
    }

    /// All entries, parents before what is below them, siblings sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = &MountEntry> {
        self.root.mounts("/")
    }

    /// The entries at or below a path, in the order of [`MountTable::entries`].
    pub fn entries_below(&self, path: &str) -> impl Iterator<Item = &MountEntry> {
        self.root.mounts(path)
    }

    /// The sources of the entries that have quotas, with what they limit. Sorted; shared with the tables before and after.
    pub fn limited(&self) -> &OrdMap<MountPath, Limits> {
        &self.limited
    }

    /// The limits in effect at a path: each is that of the deepest entry at or above it that has one.
    pub fn limits_over(&self, path: &str) -> Limits {
        self.mounts_over(path).fold(Limits::default(), |above, (mount, _)| mount.entry.quota.limits().or(above))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// When the entry was changed that was changed last, in milliseconds since 1970; 0 without entries.
    pub fn modified_ms(&self) -> u64 {
        self.root.modified_ms()
    }

    /// The same of the entries at and below a path.
    pub fn modified_below(&self, path: &str) -> u64 {
        self.root.at(path).map_or(0, Node::modified_ms)
    }

    /// Whether an entry has this order, so that what the order goes by has to be known.
    pub fn uses(&self, order: Order) -> bool {
        self.orders[order as usize] > 0
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where paths go that no entry covers.
    pub fn default_nameservice(&self) -> Option<&NameserviceId> {
        self.default_nameservice.as_ref()
    }

    /// This table with another default nameservice.
    #[must_use]
    pub fn with_default_nameservice(self, default_nameservice: Option<NameserviceId>) -> Self {
        Self { default_nameservice, ..self }
    }

    /// The revision of the state store that this table shows; 0 for a table from elsewhere.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// This table as the one of a revision.
    #[must_use]
    pub fn with_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// The mounts at or above a path, the deepest last, each with the length of its part of the path.
    pub(crate) fn mounts_over(&self, path: &str) -> impl Iterator<Item = (&Mount, usize)> {
        self.root.mounts_over(path)
    }

    /// The last of them.
    pub(crate) fn deepest(&self, path: &str) -> Option<(&Mount, usize)> {
        self.mounts_over(path).last()
    }

    /// The ring of an entry, shared with the entries over the same nameservices: a ring takes kilobytes.
    fn ring_for(&mut self, entry: &MountEntry) -> Option<Arc<Ring>> {
        if !entry.order.is_hashed() || entry.destinations.len() < 2 {
            return None;
        }
        let distinct: BTreeSet<&NameserviceId> = entry.destinations.iter().map(|d| &d.nameservice).collect();
        if distinct.len() < 2 {
            return None;
        }
        let key: Arc<[NameserviceId]> = distinct.into_iter().cloned().collect();
        if let Some(ring) = self.rings.get(&key).and_then(Weak::upgrade) {
            return Some(ring);
        }
        // A set of nameservices that was not in use: rare, so the moment to forget those that are no longer.
        self.rings.retain(|_, ring| ring.strong_count() > 0);
        let ring = Arc::new(Ring::new(&key));
        self.rings.insert(key, Arc::downgrade(&ring));
        Some(ring)
    }
}

#[cfg(test)]
mod tests;
