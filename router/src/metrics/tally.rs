//! Counts that the management beans show and that are no metrics of their own.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::method::{self, Row};
use crate::plan::Refusal;
use crate::upstream::Outcome;

/// Counts by row of the method table, and of refusals.
#[derive(Debug)]
pub struct Tally {
    /// Nanoseconds that calls took, by row.
    elapsed: Vec<AtomicU64>,
    /// Calls that went to several subclusters at once, by row.
    fanned_out: Vec<AtomicU64>,
    refusals: [AtomicU64; Reason::COUNT],
    ready_after_ms: AtomicU64,
}

/// Refusals that the Java router counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A write below a read-only mount.
    ReadOnly,
    /// A change that would take a mount point away.
    Locked,
    /// No mount table that could be trusted.
    SafeMode,
    /// A method that is not implemented.
    Unsupported,
}

impl Reason {
    const COUNT: usize = 4;

    fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::ReadOnly { .. } => Some(Self::ReadOnly),
            Refusal::MountPoint { .. } | Refusal::MountsBelow { .. } => Some(Self::Locked),
            Refusal::SafeMode { .. } => Some(Self::SafeMode),
            Refusal::Unsupported { .. } => Some(Self::Unsupported),
            _ => None,
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        let by_row = || method::rows().iter().map(|_| AtomicU64::default()).collect();
        Self {
            elapsed: by_row(),
            fanned_out: by_row(),
            refusals: Default::default(),
            ready_after_ms: AtomicU64::default(),
        }
    }
}

impl Tally {
    /// A call of the row at this place ended.
    pub fn ended(&self, row: usize, elapsed: Duration) {
        if let Some(total) = self.elapsed.get(row) {
            total.fetch_add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        }
    }

    /// A call was sent to several subclusters at once.
    pub fn fanned_out(&self, row: &Row) {
        if let Some((at, _)) = method::find(row.name) {
            self.fanned_out[at].fetch_add(1, Relaxed);
        }
    }

    /// A call was refused.
    pub fn refused(&self, refusal: &Refusal) {
        if let Some(reason) = Reason::of(refusal) {
            self.refusals[reason as usize].fetch_add(1, Relaxed);
        }
    }

    /// The router had a mount table for the first time, so long after its start.
    pub fn ready(&self, after: Duration) {
        let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
        // Later times are no longer the start.
        let _ = self.ready_after_ms.compare_exchange(0, after, Relaxed, Relaxed);
    }

    /// Milliseconds until the first mount table; 0 before it.
    pub fn ready_after_ms(&self) -> u64 {
        self.ready_after_ms.load(Relaxed)
    }

    /// Milliseconds that all calls of a row took together.
    pub fn elapsed_ms(&self, row: usize) -> f64 {
        let nanos = self.elapsed.get(row).map_or(0, |total| total.load(Relaxed));
        Duration::from_nanos(nanos).as_secs_f64() * 1e3
    }

    /// Fan-outs of a row.
    pub fn fan_outs(&self, row: usize) -> u64 {
        self.fanned_out.get(row).map_or(0, |count| count.load(Relaxed))
    }

    /// Refusals for a reason.
    pub fn refusals(&self, reason: Reason) -> u64 {
        self.refusals[reason as usize].load(Relaxed)
    }
}

/// What became of attempts at the NameNodes of one subcluster.
#[derive(Debug, Default)]
pub struct Attempts {
    outcomes: [AtomicU64; Outcome::COUNT],
    retries: AtomicU64,
    gave_up: AtomicU64,
}

impl Attempts {
    /// One attempt ended.
    pub fn ended(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].fetch_add(1, Relaxed);
    }

    /// A call is sent once more.
    pub fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    /// How many attempts were second ones.
    pub fn retried(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    /// A call found no NameNode that would answer it.
    pub fn gave_up(&self) {
        self.gave_up.fetch_add(1, Relaxed);
    }

    /// How many attempts ended so.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].load(Relaxed)
    }

    /// Attempts that met no NameNode, or lost it.
    pub fn not_communicated(&self) -> u64 {
        [Outcome::NotReached, Outcome::NotSent, Outcome::Lost, Outcome::TimedOut].map(|o| self.count(o)).iter().sum()
    }

    /// Calls that found no NameNode.
    pub fn given_up(&self) -> u64 {
        self.gave_up.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_apart() {
        let tally = Tally::default();
        let (at, row) = method::find("getListing").unwrap();
        tally.ended(at, Duration::from_micros(1500));
        tally.ended(usize::MAX, Duration::from_secs(1));
        tally.fanned_out(row);
        tally.refused(&Refusal::ReadOnly { path: "/a".into() });
        tally.refused(&Refusal::NoNamespace);
        tally.ready(Duration::from_millis(7));
        tally.ready(Duration::from_millis(9));
        assert_eq!(tally.ready_after_ms(), 7);
        assert_eq!((tally.elapsed_ms(at), tally.fan_outs(at)), (1.5, 1));
        assert_eq!((tally.elapsed_ms(at + 1), tally.fan_outs(at + 1)), (0.0, 0));
        assert_eq!((tally.refusals(Reason::ReadOnly), tally.refusals(Reason::Locked)), (1, 0));
    }

    #[test]
    fn attempts_are_counted_by_outcome() {
        let attempts = Attempts::default();
        for outcome in [Outcome::Answered, Outcome::Lost, Outcome::NotReached, Outcome::Standby] {
            attempts.ended(outcome);
        }
        attempts.gave_up();
        attempts.retry();
        assert_eq!(attempts.retried(), 1);
        assert_eq!((attempts.not_communicated(), attempts.count(Outcome::Standby), attempts.given_up()), (2, 1, 1));
    }
}
