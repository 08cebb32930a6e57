//! When each holder was last heard of. Kept in memory alone: after a restart every holder gets its time again.

use hashbrown::HashMap;
use parking_lot::Mutex;

/// The holder under which the service itself closes files.
pub const SERVICE: &str = "HDFS_NameNode";

/// Renewal times of lease holders, on the monotonic clock. Only holders of open files have one, so it is as large as
/// the table of leases.
#[derive(Debug)]
pub struct Leases {
    soft_ms: u64,
    hard_ms: u64,
    renewed: Mutex<HashMap<String, u64>>,
}

impl Leases {
    /// With these limits: after the soft one others may take a file over, after the hard one the service closes it.
    pub fn new(soft_ms: u64, hard_ms: u64) -> Self {
        Self { soft_ms, hard_ms, renewed: Mutex::default() }
    }

    /// A holder opened a file.
    pub fn start(&self, holder: &str, now: u64) {
        let mut renewed = self.renewed.lock();
        match renewed.get_mut(holder) {
            Some(at) => *at = now,
            None => drop(renewed.insert(holder.to_owned(), now)),
        }
    }

    /// A holder says that it is alive. One without open files is not remembered.
    pub fn renew(&self, holder: &str, now: u64) {
        if let Some(at) = self.renewed.lock().get_mut(holder) {
            *at = now;
        }
    }

    /// Every holder gets its time again.
    pub fn renew_all(&self, now: u64) {
        self.renewed.lock().values_mut().for_each(|at| *at = now);
    }

    /// Whether others may take over the holder's files.
    pub fn is_stale(&self, holder: &str, now: u64) -> bool {
        let renewed = self.renewed.lock();
        renewed.get(holder).is_none_or(|at| now.saturating_sub(*at) > self.soft_ms)
    }

    /// Holders that were not heard of for the hard limit.
    pub fn dead(&self, now: u64) -> Vec<String> {
        let renewed = self.renewed.lock();
        renewed.iter().filter(|(_, at)| now.saturating_sub(**at) > self.hard_ms).map(|(h, _)| h.clone()).collect()
    }

    /// Stale holders: those among them that have no open file any more are to be forgotten.
    pub fn stale(&self, now: u64) -> Vec<String> {
        let renewed = self.renewed.lock();
        renewed.iter().filter(|(_, at)| now.saturating_sub(**at) > self.soft_ms).map(|(h, _)| h.clone()).collect()
    }

    /// Forgets a holder that is still stale.
    pub fn forget(&self, holder: &str, now: u64) {
        if self.is_stale(holder, now) {
            self.renewed.lock().remove(holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_stale_after_the_soft_limit_and_dead_after_the_hard_one() {
        let leases = Leases::new(10, 100);
        leases.renew("a", 0);
        assert!(leases.is_stale("a", 0), "unknown holders have no time left");
        leases.start("a", 0);
        assert!(!leases.is_stale("a", 10));
        assert!(leases.is_stale("a", 11));
        leases.renew("a", 11);
        assert!(!leases.is_stale("a", 12));
        assert!(leases.dead(111).is_empty());
        assert_eq!(leases.dead(112), ["a"]);
        leases.forget("a", 12);
        assert!(!leases.is_stale("a", 12), "not forgotten while it is fresh");
        leases.forget("a", 112);
        assert!(leases.stale(112).is_empty());
    }
}
