//! What the operator counts.

use std::time::Duration;

use anabranch_telemetry::Metrics as Registry;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

/// What the operator counts. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    reconciliations: IntCounterVec,
    seconds: HistogramVec,
    writes: IntCounterVec,
    admissions: IntCounterVec,
    /// Whether this process holds the lease.
    pub leader: IntGauge,
}

impl Metrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// When one of these names is registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let opts = |name: &str, help: &str| Opts::new(name, help);
        let reconciliations = IntCounterVec::new(
            opts(
                "anabranch_operator_reconciliations_total",
                "Reconciliations, by kind and outcome; `watch`: nothing is heard of such objects.",
            ),
            &["kind", "outcome"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("anabranch_operator_reconcile_seconds", "How long reconciliations took, by kind.")
                .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]),
            &["kind"],
        )?;
        let writes = IntCounterVec::new(
            opts("anabranch_operator_store_writes_total", "Mount entries written to state stores, by what was done."),
            &["change"],
        )?;
        let admissions = IntCounterVec::new(
            opts(
                "anabranch_operator_admissions_total",
                "Pods that the webhook was asked about, by what became of them.",
            ),
            &["outcome"],
        )?;
        let leader = IntGauge::new("anabranch_operator_leader", "1 if this process holds the lease, else 0.")?;
        Ok(Self {
            reconciliations: registry.register(reconciliations)?,
            seconds: registry.register(seconds)?,
            writes: registry.register(writes)?,
            admissions: registry.register(admissions)?,
            leader: registry.register(leader)?,
        })
    }

    /// A reconciliation of a kind ended: `ok`, or the category of its error.
    pub fn reconciled(&self, kind: &str, outcome: &str, took: Duration) {
        self.reconciliations.with_label_values(&[kind, outcome]).inc();
        self.seconds.with_label_values(&[kind]).observe(took.as_secs_f64());
    }

    /// A watch of objects of a kind, or of what is made for them, failed, and does not go on by itself.
    pub fn unheard(&self, kind: &str) {
        self.reconciliations.with_label_values(&[kind, "watch"]).inc();
    }

    /// The webhook was asked about a pod: `injected`, `left` as it was, `refused`, or `failed`.
    pub fn admitted(&self, outcome: &str) {
        self.admissions.with_label_values(&[outcome]).inc();
    }

    /// Mount entries were written: `put` or `delete`.
    pub fn wrote(&self, change: &str) {
        self.writes.with_label_values(&[change]).inc();
    }
}
