//! How often the state store was used, and how long it took.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What is done with a state store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Records were read.
    Read,
    /// Records were written.
    Write,
    /// Records were deleted.
    Remove,
    /// The store did not do what was asked.
    Failure,
}

/// Counts by operation, and how often the records of each kind were taken over.
#[derive(Debug, Default)]
pub struct Operations {
    counts: [(AtomicU64, AtomicU64); 4],
    loads: [AtomicU64; KINDS.len()],
}

/// The kinds of records, as the Java router names their caches.
pub const KINDS: [&str; 4] = ["MembershipState", "MountTable", "RouterState", "DisabledNameservice"];

impl Operations {
    /// Counts one operation.
    pub fn count(&self, operation: Operation, took: Duration) {
        let (number, nanos) = &self.counts[operation as usize];
        number.fetch_add(1, Relaxed);
        nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// How often, and how many milliseconds it took on average.
    pub fn of(&self, operation: Operation) -> (u64, f64) {
        let (number, nanos) = &self.counts[operation as usize];
        let number = number.load(Relaxed);
        let total = Duration::from_nanos(nanos.load(Relaxed)).as_secs_f64() * 1e3;
        (number, if number == 0 { 0.0 } else { total / number as f64 })
    }

    /// Records of a kind were taken over.
    pub(crate) fn loaded(&self, kind: &str) {
        if let Some(at) = KINDS.iter().position(|known| *known == kind) {
            self.loads[at].fetch_add(1, Relaxed);
        }
    }

    /// How often records of a kind were taken over.
    pub(crate) fn loads(&self, kind: &str) -> u64 {
        KINDS.iter().position(|known| *known == kind).map_or(0, |at| self.loads[at].load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_with_their_mean_time() {
        let operations = Operations::default();
        assert_eq!(operations.of(Operation::Read), (0, 0.0));
        operations.count(Operation::Read, Duration::from_millis(1));
        operations.count(Operation::Read, Duration::from_millis(2));
        operations.loaded("MountTable");
        assert_eq!(operations.of(Operation::Read), (2, 1.5));
        assert_eq!(operations.of(Operation::Write), (0, 0.0));
        assert_eq!((operations.loads("MountTable"), operations.loads("RouterState")), (1, 0));
    }
}
