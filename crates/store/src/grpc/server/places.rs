use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How often it is told that connections wait.
const TOLD: Duration = Duration::from_secs(60);

/// The places for connections.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    most: usize,
    open: IntGauge,
    /// When it was last told that there is none.
    told: Arc<Mutex<Option<Instant>>>,
}

/// One place, for as long as it is held.
pub(super) struct Place {
    open: IntGauge,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Places {
    /// So many for those who may write, and so many for those who only read.
    pub(super) fn both(most: usize, registry: &Registry) -> prometheus::Result<[Self; 2]> {
        let open = Opts::new("anabranch_store_connections", "Connections that are open, by what they may do.");
        let open = IntGaugeVec::new(open, &["access"])?;
        registry.register(Box::new(open.clone()))?;
        let limit =
            Opts::new("anabranch_store_connections_limit", "How many of each may be open at a time; others wait.");
        let limit = IntGauge::with_opts(limit)?;
        registry.register(Box::new(limit.clone()))?;
        limit.set(i64::try_from(most).unwrap_or(i64::MAX));
        let places = |access: &str| Self {
            free: Arc::new(Semaphore::new(most)),
            most,
            open: open.with_label_values(&[access]),
            told: Arc::default(),
        };
        Ok([places("write"), places("read")])
    }

    /// A place for a connection that is there; `None` never, as nobody closes the places.
    pub(super) async fn take(&self) -> Option<Place> {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.tell();
                self.free.clone().acquire_owned().await.ok()?
            }
        };
        self.open.inc();
        Some(Place { open: self.open.clone(), _permit: permit })
    }

    fn tell(&self) {
        let mut told = self.told.lock();
        if told.is_none_or(|told| told.elapsed() >= TOLD) {
            *told = Some(Instant::now());
            tracing::warn!(
                limit = self.most,
                "all connections are taken, and routers or operators wait for one; raise --max-connections, or find out \
                 who holds so many"
            );
        }
    }
}
