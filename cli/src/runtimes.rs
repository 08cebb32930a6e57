//! Two runtimes: calls on one, everything else on the other, so that neither makes the other look dead.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// How long a task may take to end when it is dropped; longer takes only a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Both, owned by the main thread.
pub(crate) struct Runtimes {
    /// Carries calls: as many threads as the machine has cores.
    pub(crate) data: Runtime,
    /// Carries HTTP, the store's watch, files and signals.
    pub(crate) control: Runtime,
}

impl Runtimes {
    pub(crate) fn new() -> Result<Self, Failure> {
        let failed = |error| Failure::internal(format!("cannot start threads: {error}"));
        let data = Builder::new_multi_thread().thread_name("data").enable_all().build().map_err(failed)?;
        let control = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("control")
            .enable_all()
            .build()
            .map_err(failed)?;
        Ok(Self { data, control })
    }

    /// What the router is told about them.
    pub(crate) fn handles(&self) -> anabranch_router::Runtimes {
        anabranch_router::Runtimes { data: self.data.handle().clone(), control: self.control.handle().clone() }
    }

    /// Ends both. Their tasks are dropped, and with them the databases that they hold: RocksDB must be closed before the
    /// process ends, or its threads meet the remains of its global state.
    pub(crate) fn stop(self) {
        self.data.shutdown_timeout(PATIENCE);
        self.control.shutdown_timeout(PATIENCE);
    }
}
