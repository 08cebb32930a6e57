use super::StorageType;

/// What may be used at most of a tree, in entries or bytes; `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Files and directories.
    pub files: Option<u64>,
    /// Bytes, replicas counted.
    pub space: Option<u64>,
    /// Bytes by type of storage, replicas counted, in the order of [`StorageType::ALL`].
    pub by_type: [Option<u64>; StorageType::ALL.len()],
}

impl Limits {
    /// Whether there is any.
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// These, and those of `others` where there is none here.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        self.zip(others, Option::or)
    }

    /// The lower ones of both.
    #[must_use]
    pub fn tightened(self, other: Self) -> Self {
        self.zip(other, |a, b| a.into_iter().chain(b).min())
    }

    /// Those that both have alike.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        self.zip(other, |a, b| a.filter(|_| a == b))
    }

    /// These without those that `other` has alike.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a.filter(|_| a != b))
    }

    fn zip(self, other: Self, both: fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        let mut by_type = self.by_type;
        by_type.iter_mut().zip(other.by_type).for_each(|(one, other)| *one = both(*one, other));
        Self { files: both(self.files, other.files), space: both(self.space, other.space), by_type }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_joined_by_itself() {
        let limits = |files, space, ssd| {
            let mut limits = Limits { files, space, ..Limits::default() };
            limits.by_type[StorageType::Ssd as usize] = ssd;
            limits
        };
        let (a, b) = (limits(Some(3), None, Some(7)), limits(Some(2), Some(9), Some(7)));
        assert_eq!(a.or(b), limits(Some(3), Some(9), Some(7)));
        assert_eq!(a.tightened(b), limits(Some(2), Some(9), Some(7)));
        assert_eq!(a.common(b), limits(None, None, Some(7)));
        assert_eq!(b.without(a), limits(Some(2), Some(9), None));
        assert!(a.is_set() && !Limits::default().is_set());
    }
}
