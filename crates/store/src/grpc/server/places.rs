use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{IntGauge, Opts, Registry};
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
    pub(super) fn new(most: usize, registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let open = gauge("anabranch_store_connections", "Connections of routers and operators that are open.")?;
        let limit = gauge("anabranch_store_connections_limit", "How many may be open at a time; others wait.")?;
        limit.set(i64::try_from(most).unwrap_or(i64::MAX));
        Ok(Self { free: Arc::new(Semaphore::new(most)), most, open, told: Arc::default() })
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
