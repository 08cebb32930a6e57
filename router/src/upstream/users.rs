//! How much each user has in flight to one subcluster.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use hashbrown::HashMap;
use parking_lot::RwLock;

/// When this many users are known, those without calls are forgotten.
const SWEEP_AT: usize = 10_000;

/// Bytes in flight by user.
#[derive(Debug, Default)]
pub(super) struct Users(RwLock<HashMap<Arc<str>, Arc<AtomicUsize>>>);

impl Users {
    /// What a user holds.
    pub(super) fn held_by(&self, user: &Arc<str>) -> Arc<AtomicUsize> {
        if let Some(held) = self.0.read().get(user) {
            return held.clone();
        }
        let mut users = self.0.write();
        if users.len() >= SWEEP_AT {
            users.retain(|_, held| Arc::strong_count(held) > 1);
        }
        users.entry(user.clone()).or_default().clone()
    }
}
