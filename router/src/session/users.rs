//! How much each user has in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use parking_lot::RwLock;

/// When this many users are known, those without calls are forgotten.
const SWEEP_AT: usize = 10_000;

/// Calls in flight by user. A fixed limit stands where shares by load belong.
#[derive(Debug)]
pub struct Users {
    counts: RwLock<HashMap<Arc<str>, Arc<AtomicUsize>>>,
    limit: usize,
}

/// A place among the calls of a user; given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Users {
    /// At most `limit` calls of one user at a time.
    pub fn new(limit: usize) -> Self {
        Self { counts: RwLock::default(), limit }
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// A place for one more call, if there is one.
    pub fn admit(&self, user: &Arc<str>) -> Option<Place> {
        let count = self.count(user);
        if count.fetch_add(1, Ordering::Relaxed) >= self.limit {
            count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Place(count))
    }

    fn count(&self, user: &Arc<str>) -> Arc<AtomicUsize> {
        if let Some(count) = self.counts.read().get(user) {
            return count.clone();
        }
        let mut counts = self.counts.write();
        if counts.len() >= SWEEP_AT {
            counts.retain(|_, count| Arc::strong_count(count) > 1);
        }
        counts.entry(user.clone()).or_default().clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_at_the_limit_waits_for_nobody_else() {
        let users = Users::new(2);
        let (alice, bob) = (Arc::from("alice"), Arc::from("bob"));
        let first = users.admit(&alice);
        let _second = users.admit(&alice).unwrap();
        assert!(users.admit(&alice).is_none());
        assert!(users.admit(&bob).is_some());
        drop(first);
        assert!(users.admit(&alice).is_some());
    }
}
