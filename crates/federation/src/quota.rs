use std::fmt;

use serde::{Deserialize, Serialize};

mod exceeded;
mod limits;
mod usage;

pub use exceeded::{Exceeded, Growth, Limited, binary};
pub use limits::Limits;
pub use usage::{Usage, Usages};

/// A kind of storage that can have a quota of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StorageType {
    /// Spinning disk.
    Disk,
    /// Flash.
    Ssd,
    /// Dense, slow disk.
    Archive,
    /// Memory, written to disk lazily.
    RamDisk,
    /// Another system, through the NameNode.
    Provided,
    /// Non-volatile memory.
    Nvdimm,
}

impl StorageType {
    /// Every type with the name and the number that protocols use.
    pub const ALL: [(Self, &'static str, i32); 6] = [
        (Self::Disk, "DISK", 1),
        (Self::Ssd, "SSD", 2),
        (Self::Archive, "ARCHIVE", 3),
        (Self::RamDisk, "RAM_DISK", 4),
        (Self::Provided, "PROVIDED", 5),
        (Self::Nvdimm, "NVDIMM", 6),
    ];

    /// The type with this protocol number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|&(_, _, known)| known == number).map(|(kind, _, _)| kind)
    }

    /// The number that protocols use.
    pub fn number(self) -> i32 {
        Self::ALL[self as usize].2
    }

    /// The name, such as `RAM_DISK`.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A quota with what counts against it, in entries or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Limit {
    /// The most that may be used; `None`: no limit. On the wire `None` is −1.
    pub quota: Option<u64>,
    /// What was used when it was last counted.
    pub used: u64,
}

impl Limit {
    /// A limit with nothing used yet.
    pub fn of(quota: u64) -> Self {
        Self { quota: Some(quota), used: 0 }
    }

    /// Whether more is used than the quota allows.
    pub fn is_exceeded(self) -> bool {
        self.quota.is_some_and(|quota| self.used > quota)
    }
}

/// The quotas of a mount.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Quota {
    /// Files and directories.
    pub files: Limit,
    /// Bytes, replicas counted.
    pub space: Limit,
    /// Bytes by type of storage, replicas counted, sorted by type, each type at most once.
    pub by_type: Vec<(StorageType, Limit)>,
}

impl Quota {
    /// Whether any quota is set.
    pub fn is_set(&self) -> bool {
        [self.files, self.space].iter().chain(self.by_type.iter().map(|(_, limit)| limit)).any(|l| l.quota.is_some())
    }

    /// Whether both set the same limits, whatever is used.
    pub fn same_limits(&self, other: &Self) -> bool {
        self.limits() == other.limits()
    }

    /// What it limits, whatever is used.
    pub fn limits(&self) -> Limits {
        let mut limits =
            Limits { files: self.files.quota, space: self.space.quota, by_type: [None; StorageType::ALL.len()] };
        for (kind, limit) in &self.by_type {
            limits.by_type[*kind as usize] = limit.quota;
        }
        limits
    }

    /// The same limits with what is used of them.
    #[must_use]
    pub fn with_usage(&self, usage: Usage) -> Self {
        let by_type = self.by_type.iter().map(|&(kind, Limit { quota, .. })| {
            let used = usage.by_type[kind as usize];
            (kind, Limit { quota, used })
        });
        Self {
            files: Limit { used: usage.files, ..self.files },
            space: Limit { used: usage.space, ..self.space },
            by_type: by_type.collect(),
        }
    }
}

/// As `dfsrouteradmin -ls` shows it: `NsQuota: 3/2, SsQuota: -/0`; bytes are not abbreviated.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |limit: &Limit| limit.quota.map_or_else(|| "-".to_owned(), |quota| quota.to_string());
        write!(f, "NsQuota: {}/{}", shown(&self.files), self.files.used)?;
        write!(f, ", SsQuota: {}/{}", shown(&self.space), self.space.used)?;
        for (kind, limit) in self.by_type.iter().filter(|(_, limit)| limit.quota.is_some()) {
            write!(f, ", {}: {}/{}", kind.name(), shown(limit), limit.used)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_numbers_of_the_protocol() {
        for (kind, name, number) in StorageType::ALL {
            assert_eq!((kind.name(), kind.number()), (name, number));
            assert_eq!(StorageType::from_number(number), Some(kind));
        }
        assert_eq!(StorageType::from_number(0), None);
    }

    #[test]
    fn a_quota_is_exceeded_only_above_it() {
        assert!(!Limit { quota: Some(3), used: 3 }.is_exceeded());
        assert!(Limit { quota: Some(3), used: 4 }.is_exceeded());
        assert!(!Limit { quota: None, used: u64::MAX }.is_exceeded());
    }

    #[test]
    fn usage_is_no_change_of_limits() {
        let mut quota = Quota { files: Limit::of(3), ..Quota::default() };
        let before = quota.clone();
        quota.files.used = 2;
        quota.by_type.push((StorageType::Ssd, Limit { quota: None, used: 9 }));
        assert!(quota.same_limits(&before) && quota.is_set());
        quota.by_type[0].1.quota = Some(1);
        assert!(!quota.same_limits(&before));
        assert_eq!(quota.to_string(), "NsQuota: 3/2, SsQuota: -/0, SSD: 1/9");
        assert!(!Quota::default().is_set());
    }
}
