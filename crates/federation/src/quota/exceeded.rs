//! Which quota stands in the way of a call, and the words in which HDFS says so.

use std::fmt;

use super::{StorageType, Usages};
use crate::{MountEntry, MountPath, MountTable};

/// What a call may add to a tree, and so which quotas stand in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Nothing.
    Nothing,
    /// Files and directories.
    Names,
    /// Bytes.
    Space,
    /// Both.
    NamesAndSpace,
}

/// What a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Files and directories.
    Files,
    /// Bytes.
    Space,
    /// Bytes of one type of storage.
    Type(StorageType),
}

/// A quota of which more is used than it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// The mount that has the quota.
    pub source: MountPath,
    /// What it limits.
    pub what: Limited,
    /// The most that may be used.
    pub quota: u64,
    /// What is used.
    pub used: u64,
}

impl Usages {
    /// The exceeded quota of the deepest mount at or above a normalised path, if a call that adds something there has to
    /// heed one. What comes `from` another path adds nothing to mounts above both.
    pub fn exceeded(&self, table: &MountTable, path: &str, growth: Growth, from: Option<&str>) -> Option<Exceeded> {
        if growth == Growth::Nothing || table.limited().is_empty() {
            return None;
        }
        let over = table.mounts_over(path).map(|(mount, _)| &mount.entry);
        let grows = |entry: &&MountEntry| from.is_none_or(|from| !entry.source.covers(from));
        over.filter(grows).filter_map(|entry| self.exceeded_by(entry, growth)).last()
    }

    /// The exceeded quota of one mount.
    pub fn exceeded_by(&self, entry: &MountEntry, growth: Growth) -> Option<Exceeded> {
        if !entry.quota.is_set() {
            return None;
        }
        let usage = self.get(entry.source.as_str())?;
        let over = |what, quota: Option<u64>, used| {
            let quota = quota.filter(|quota| used > *quota)?;
            Some(Exceeded { source: entry.source.clone(), what, quota, used })
        };
        let names = || over(Limited::Files, entry.quota.files.quota, usage.files);
        let space = || {
            let mut types = entry.quota.by_type.iter();
            let by_type = || {
                types.find_map(|&(kind, limit)| over(Limited::Type(kind), limit.quota, usage.by_type[kind as usize]))
            };
            over(Limited::Space, entry.quota.space.quota, usage.space).or_else(by_type)
        };
        match growth {
            Growth::Nothing => None,
            Growth::Names => names(),
            Growth::Space => space(),
            Growth::NamesAndSpace => names().or_else(space),
        }
    }
}

/// As a NameNode says it.
impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, what, quota, used } = self;
        match what {
            Limited::Files => write!(
                f,
                "The NameSpace quota (directories and files) of directory {source} is exceeded: quota={quota} file count={used}"
            ),
            Limited::Space => write!(
                f,
                "The DiskSpace quota of {source} is exceeded: quota = {quota} B = {} but diskspace consumed = {used} B = {}",
                binary(*quota),
                binary(*used)
            ),
            Limited::Type(kind) => write!(
                f,
                "Quota by storage type : {} on path : {source} is exceeded. quota = {} but space consumed = {}",
                kind.name(),
                binary(*quota),
                binary(*used)
            ),
        }
    }
}

/// Bytes as Hadoop abbreviates them: `1 KB` is 1024 bytes, and what is no whole number has two digits behind the point.
pub fn binary(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    let exponent = bytes.checked_ilog2().unwrap_or(0) / 10;
    let unit = |exponent: u32| UNITS.get(exponent as usize - 1).copied().unwrap_or_default();
    let shift = exponent * 10;
    if exponent == 0 {
        return format!("{bytes} B");
    }
    if bytes.trailing_zeros() >= shift {
        return format!("{} {}", bytes >> shift, unit(exponent));
    }
    let hundredths = |shift: u32| (u128::from(bytes) * 100 + (1 << (shift - 1))) >> shift;
    let (hundredths, exponent) = match hundredths(shift) {
        // Rounded up to the next unit.
        full if full >= 102_400 => (hundredths(shift + 10), exponent + 1),
        some => (some, exponent),
    };
    format!("{}.{:02} {}", hundredths / 100, hundredths % 100, unit(exponent))
}

#[cfg(test)]
mod tests;
