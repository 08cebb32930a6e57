//! Two runtimes: calls on one, everything else on the other, so that neither makes the other look dead.

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

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

    /// Ends both without waiting for what still runs in them.
    pub(crate) fn stop(self) {
        self.data.shutdown_background();
        self.control.shutdown_background();
    }
}
