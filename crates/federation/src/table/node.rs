use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use imbl::GenericHashMap;
use imbl::shared_ptr::DefaultSharedPtr;
use smol_str::SmolStr;

use super::Mount;
use crate::MountEntry;
use crate::path::components;

/// A map whose clones share their content. Hashes are seeded at random, so that nobody can choose names that collide.
pub(crate) type PersistentMap<K, V> = GenericHashMap<K, V, foldhash::quality::RandomState, DefaultSharedPtr>;

/// A directory of the global namespace that is a mount point or lies above one. There are no others, so a node without
/// a mount has children (but for the root of an empty table).
///
/// Name and mount lie in the node itself, and the children are a set of nodes: in a table that no cache holds, each hop to
/// a place of its own would cost as much as all else that a step does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    name: SmolStr,
    children: PersistentMap<Child, ()>,
    mount: Option<Mount>,
    /// When the mounts here and below were last changed, in milliseconds since 1970; 0 without any.
    modified_ms: u64,
}

/// A node, by its name.
#[derive(Debug, Clone)]
struct Child(Arc<Node>);

impl Borrow<str> for Child {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl PartialEq for Child {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Child {}

impl Hash for Child {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_str().hash(state);
    }
}

impl Node {
    fn child(&self, name: &str) -> Option<&Self> {
        self.children.get_key_value(name).map(|(child, ())| &*child.0)
    }

    /// The children, in no order.
    fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.keys().map(|child| &*child.0)
    }

    /// The node at a path.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        components(path).try_fold(self, |node, (name, _)| node.child(name))
    }

    /// The mount at the node itself.
    pub(crate) fn mount(&self) -> Option<&Mount> {
        self.mount.as_ref()
    }

    /// When the mounts here and below were last changed, in milliseconds since 1970.
    pub(crate) fn modified_ms(&self) -> u64 {
        self.modified_ms
    }

    /// Whether there is nothing below.
    pub(crate) fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// The mounts at or above a path, the deepest last, each with the length of its part of the path.
    pub(crate) fn mounts_over(&self, path: &str) -> impl Iterator<Item = (&Mount, usize)> {
        let mut node = self;
        let below = components(path).map_while(move |(name, end)| {
            node = node.child(name)?;
            Some((node, end))
        });
        let all = std::iter::once((self, 0)).chain(below);
        all.filter_map(|(node, end)| Some((node.mount()?, end)))
    }

    /// Sets or removes the mount at a path, and returns the one that was there. Nodes that are shared are copied, the
    /// others are changed in place.
    pub(crate) fn edit(&mut self, path: &str, mount: Option<Mount>) -> Option<Mount> {
        // Nothing to remove: do not copy nodes for it.
        if mount.is_none() {
            self.at(path)?.mount()?;
        }
        self.edit_below(&mut components(path).map(|(name, _)| name), mount)
    }

    fn edit_below(&mut self, names: &mut dyn Iterator<Item = &str>, mount: Option<Mount>) -> Option<Mount> {
        let date = |mount: &Option<Mount>| mount.as_ref().map_or(0, |mount| mount.entry.modified_ms);
        let added = date(&mount);
        let before = self.edit_named(names, mount);
        if added >= self.modified_ms {
            self.modified_ms = added;
        } else if date(&before) >= self.modified_ms {
            // The newest has gone: rare, since what changes is nearly always newer than all.
            let below = self.children().map(|child| child.modified_ms).max();
            self.modified_ms = date(&self.mount).max(below.unwrap_or(0));
        }
        before
    }

    fn edit_named(&mut self, names: &mut dyn Iterator<Item = &str>, mount: Option<Mount>) -> Option<Mount> {
        let Some(name) = names.next() else { return std::mem::replace(&mut self.mount, mount) };
        let mut child = match self.children.remove_with_key(name) {
            Some((Child(child), ())) => child,
            None => Arc::new(Self { name: name.into(), ..Self::default() }),
        };
        let before = Arc::make_mut(&mut child).edit_below(names, mount);
        if child.mount.is_some() || !child.is_leaf() {
            self.children.insert(Child(child), ());
        }
        before
    }

    /// How many children there are.
    pub(crate) fn len(&self) -> usize {
        self.children.len()
    }

    /// The names of the children, sorted.
    pub(crate) fn child_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.children().map(|child| child.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The mounts at or below a path, parents first, siblings sorted.
    pub(crate) fn mounts(&self, path: &str) -> impl Iterator<Item = &MountEntry> {
        let mut pending: Vec<&Self> = self.at(path).into_iter().collect();
        std::iter::from_fn(move || {
            let node = pending.pop()?;
            let below = pending.len();
            pending.extend(node.children());
            pending[below..].sort_unstable_by(|a, b| b.name.cmp(&a.name));
            Some(node.mount().map(|mount| &mount.entry))
        })
        .flatten()
    }
}
