//! What the service counts.

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

use crate::state::record::Counters;

/// The metrics of a namespace service.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Calls by method and outcome (`ok`, or the short name of the exception).
    pub calls: IntCounterVec,
    /// Operations that wait for the writer.
    pub queued: IntGauge,
    /// Seconds that a commit takes.
    pub commit_seconds: Histogram,
    /// Operations that one commit makes durable.
    pub group_size: Histogram,
    /// Inodes, those that wait to be reaped included.
    pub inodes: IntGauge,
    /// Blocks in use.
    pub blocks: IntGauge,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter =
            |name, help, labels: &[&str]| register(registry, IntCounterVec::new(Opts::new(name, help), labels)?);
        let gauge = |name, help| register(registry, IntGauge::new(name, help)?);
        let histogram = |name, help, buckets| {
            register(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?)
        };
        Ok(Self {
            calls: counter(
                "anabranch_namespace_calls_total",
                "Calls by method and outcome: ok, or the exception's short class name.",
                &["method", "outcome"],
            )?,
            queued: gauge("anabranch_namespace_queued_operations", "Operations that wait for the writer.")?,
            commit_seconds: histogram(
                "anabranch_namespace_commit_seconds",
                "Time to make a group of operations durable.",
                prometheus::exponential_buckets(0.000_1, 2.0, 16)?,
            )?,
            group_size: histogram(
                "anabranch_namespace_commit_operations",
                "Operations made durable together.",
                prometheus::exponential_buckets(1.0, 2.0, 9)?,
            )?,
            inodes: gauge(
                "anabranch_namespace_inodes",
                "Files and directories, deleted ones not yet reaped included.",
            )?,
            blocks: gauge("anabranch_namespace_blocks", "Blocks of files.")?,
        })
    }
}

impl Metrics {
    /// Notes what there is.
    pub fn show(&self, counters: &Counters) {
        self.inodes.set(i64::try_from(counters.inodes).unwrap_or(i64::MAX));
        self.blocks.set(i64::try_from(counters.blocks).unwrap_or(i64::MAX));
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
