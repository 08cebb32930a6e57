use super::StorageType;
use crate::MountPath;
use crate::table::PersistentMap;

/// What is used of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Files and directories.
    pub files: u64,
    /// Bytes, replicas counted.
    pub space: u64,
    /// Bytes by type of storage, replicas counted, in the order of [`StorageType::ALL`].
    pub by_type: [u64; StorageType::ALL.len()],
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut by_type = self.by_type;
        by_type.iter_mut().zip(other.by_type).for_each(|(one, other)| *one = one.saturating_add(other));
        Self { files: self.files.saturating_add(other.files), space: self.space.saturating_add(other.space), by_type }
    }
}

/// What was last found to be used of mounts that have quotas, in all of their destinations and in the mounts below them. It
/// is a persistent structure: a clone shares everything, and a change copies little.
#[derive(Debug, Clone, Default)]
pub struct Usages(PersistentMap<MountPath, Usage>);

impl Usages {
    /// What is used of the mount with this source; `None`: not known.
    pub fn get(&self, source: &str) -> Option<Usage> {
        self.0.get(source).copied()
    }

    /// Notes what is used of a mount.
    pub fn insert(&mut self, source: MountPath, usage: Usage) {
        self.0.insert(source, usage);
    }

    /// Forgets mounts.
    pub fn retain(&mut self, keep: impl Fn(&MountPath) -> bool) {
        self.0.retain(|source, _| keep(source));
    }
}
