use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// What a server counts, each by kind of record.
#[derive(Debug, Clone)]
pub(super) struct ServerMetrics {
    /// Watches that are open.
    pub(super) watches: IntGaugeVec,
    /// Snapshots that were read, for lists and watches.
    pub(super) snapshots: IntCounterVec,
    /// Revisions that were sent to watchers, one for each of them.
    pub(super) changes: IntCounterVec,
    /// How often a watcher was told that it fell behind.
    pub(super) fell_behind: IntCounterVec,
    /// Changes that writers asked for, by what came of them.
    pub(super) writes: IntCounterVec,
}

impl ServerMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let watches = IntGaugeVec::new(
            Opts::new("anabranch_store_watches", "Watches that are open, by kind of record."),
            &["kind"],
        )?;
        registry.register(Box::new(watches.clone()))?;
        Ok(Self {
            watches,
            snapshots: counter(
                "anabranch_store_snapshots_total",
                "Snapshots that were read for lists and watches, by kind of record.",
                &["kind"],
            )?,
            changes: counter(
                "anabranch_store_sent_revisions_total",
                "Revisions that were sent to watchers, counted for each, by kind of record.",
                &["kind"],
            )?,
            fell_behind: counter(
                "anabranch_store_fell_behind_total",
                "How often a watcher was told that it missed changes, by kind of record.",
                &["kind"],
            )?,
            writes: counter(
                "anabranch_store_writes_total",
                "Changes that writers asked for, by kind of record and outcome: made, refused, failed.",
                &["kind", "outcome"],
            )?,
        })
    }
}
