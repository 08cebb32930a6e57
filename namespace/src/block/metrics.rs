//! What the gateway counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Metrics of one gateway.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// Bytes of blocks that were taken from clients.
    pub(crate) written: IntCounter,
    /// Bytes of blocks that were sent to clients.
    pub(crate) read: IntCounter,
    /// Blocks that were closed by their writer.
    pub(crate) finalized: IntCounter,
    /// Open connections.
    pub(crate) connections: IntGauge,
    /// Blocks that are being written or read, by `operation`.
    pub(crate) active: prometheus::IntGaugeVec,
    /// Operations by `operation` and `outcome`.
    pub(crate) operations: IntCounterVec,
    /// Checksum errors that readers reported.
    pub(crate) reported: IntCounter,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| register(registry, IntCounter::new(name, help)?);
        let labelled = |name: &str, help: &str, labels: &[&str]| {
            register(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            written: counter("anabranch_block_written_bytes_total", "Bytes of blocks taken from clients.")?,
            read: counter("anabranch_block_read_bytes_total", "Bytes of blocks sent to clients.")?,
            finalized: counter("anabranch_block_finalized_total", "Blocks that were closed by their writer.")?,
            connections: register(
                registry,
                IntGauge::new("anabranch_block_connections", "Open connections of the block gateway.")?,
            )?,
            active: register(
                registry,
                prometheus::IntGaugeVec::new(
                    Opts::new("anabranch_block_active_transfers", "Blocks that are being written or read."),
                    &["operation"],
                )?,
            )?,
            operations: labelled(
                "anabranch_block_operations_total",
                "Operations of the block gateway by their outcome: ok, or what went wrong.",
                &["operation", "outcome"],
            )?,
            reported: counter("anabranch_block_reported_corrupt_total", "Checksum errors that readers reported.")?,
        })
    }

    /// Counts a transfer as active until the guard is dropped.
    pub(crate) fn transfer(&self, operation: &str) -> Counted {
        Counted::up(self.active.with_label_values(&[operation]))
    }
}

fn register<C: prometheus::core::Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// One more in a gauge while it lives.
#[derive(Debug)]
pub(crate) struct Counted(IntGauge);

impl Counted {
    pub(crate) fn up(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
