//! Which subcluster owns a block pool. Calls about blocks name the pool, and may come without a path.

use anabranch_federation::NameserviceId;
use hashbrown::HashMap;
use parking_lot::RwLock;
use tokio::time::{Duration, Instant};

/// Block pools are asked for again at most this often, so that calls with made-up pools do not flood the NameNodes.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Pools and their owners, as NameNodes told.
#[derive(Debug, Default)]
pub struct BlockPools {
    owners: RwLock<HashMap<String, NameserviceId>>,
    /// Held while the NameNodes are asked, so that one call asks for all that wait. When they were asked last.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

impl BlockPools {
    /// The owner of a pool.
    pub fn owner(&self, pool: &str) -> Option<NameserviceId> {
        self.owners.read().get(pool).cloned()
    }

    /// A pool of a subcluster.
    pub fn pool_of(&self, nameservice: &NameserviceId) -> Option<String> {
        self.owners.read().iter().find(|(_, owner)| *owner == nameservice).map(|(pool, _)| pool.clone())
    }

    /// Notes an owner.
    pub fn learn(&self, pool: &str, nameservice: &NameserviceId) {
        if self.owners.read().get(pool) != Some(nameservice) {
            self.owners.write().insert(pool.to_owned(), nameservice.clone());
        }
    }

    /// The owner of a pool; `ask` fills in what is missing, unless that was just done.
    pub async fn find(&self, pool: &str, ask: impl AsyncFnOnce()) -> Option<NameserviceId> {
        if let Some(owner) = self.owner(pool) {
            return Some(owner);
        }
        let mut asked = self.asked.lock().await;
        if self.owner(pool).is_none() && asked.is_none_or(|last| last.elapsed() >= ASK_EVERY) {
            ask().await;
            *asked = Some(Instant::now());
        }
        self.owner(pool)
    }
}
