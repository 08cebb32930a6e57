use std::sync::Arc;

use imbl::GenericHashMap;
use imbl::shared_ptr::DefaultSharedPtr;

use super::Mount;
use crate::MountEntry;
use crate::path::components;

/// A map whose clones share their content. Hashes are seeded at random, so that nobody can choose names that collide.
pub(crate) type PersistentMap<K, V> = GenericHashMap<K, V, foldhash::quality::RandomState, DefaultSharedPtr>;

/// A directory of the global namespace that is a mount point or lies above one. There are no others, so a node without
/// a mount has children (but for the root of an empty table).
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) mount: Option<Arc<Mount>>,
    pub(crate) children: PersistentMap<Arc<str>, Arc<Node>>,
}

impl Node {
    /// The node at a path.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        components(path).try_fold(self, |node, (name, _)| node.children.get(name).map(|child| &**child))
    }

    /// The mounts at or above a path, the deepest last, each with the length of its part of the path.
    pub(crate) fn mounts_over(&self, path: &str) -> impl Iterator<Item = (&Mount, usize)> {
        let mut node = self;
        let below = components(path).map_while(move |(name, end)| {
            node = node.children.get(name)?;
            Some((node, end))
        });
        let all = std::iter::once((self, 0)).chain(below);
        all.filter_map(|(node, end)| Some((node.mount.as_deref()?, end)))
    }

    /// Sets or removes the mount at a path, and returns the one that was there. Nodes that are shared are copied, the
    /// others are changed in place.
    pub(crate) fn edit(&mut self, path: &str, mount: Option<Arc<Mount>>) -> Option<Arc<Mount>> {
        self.edit_below(&mut components(path).map(|(name, _)| name), mount)
    }

    fn edit_below(&mut self, names: &mut dyn Iterator<Item = &str>, mount: Option<Arc<Mount>>) -> Option<Arc<Mount>> {
        let Some(name) = names.next() else { return std::mem::replace(&mut self.mount, mount) };
        if !self.children.contains_key(name) {
            // Nothing to remove: do not copy nodes for it.
            mount.as_ref()?;
            self.children.insert(name.into(), Arc::default());
        }
        let child = Arc::make_mut(self.children.get_mut(name)?);
        let before = child.edit_below(names, mount);
        if child.mount.is_none() && child.children.is_empty() {
            self.children.remove(name);
        }
        before
    }

    /// The names of the children, sorted.
    pub(crate) fn child_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.children.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// The mounts at or below a path, parents first, siblings sorted.
    pub(crate) fn mounts(&self, path: &str) -> impl Iterator<Item = &MountEntry> {
        let mut pending: Vec<&Self> = self.at(path).into_iter().collect();
        std::iter::from_fn(move || {
            let node = pending.pop()?;
            let mut children: Vec<_> = node.children.iter().collect();
            children.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
            pending.extend(children.into_iter().map(|(_, child)| &**child));
            Some(node.mount.as_ref().map(|mount| &mount.entry))
        })
        .flatten()
    }
}
