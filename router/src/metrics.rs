//! What the data plane counts. Label sets are closed: methods, outcomes, and the nameservices that there are. The hot
//! path looks nothing up; its handles are made once.

mod admin;
mod quota;
mod safe_mode;
mod server;
mod tally;

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

pub use admin::AdminMetrics;
pub use quota::QuotaMetrics;
pub use safe_mode::SafeModeCollector;
pub use server::ServerCollector;
pub use tally::{Attempts, Reason, Tally};

use crate::method;

/// How a call ended, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a result.
    Ok,
    /// With an exception of a NameNode.
    Exception,
    /// Refused by the router for what the mount table says.
    Refused,
    /// The subcluster could not be reached, or did not answer in time.
    Unavailable,
    /// Shed, for too much was in flight.
    Shed,
    /// The client left before the answer.
    Abandoned,
}

impl Ending {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Ok, "ok"),
        (Self::Exception, "exception"),
        (Self::Refused, "refused"),
        (Self::Unavailable, "unavailable"),
        (Self::Shed, "shed"),
        (Self::Abandoned, "abandoned"),
    ];

    fn label(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Metrics of a router.
pub struct Metrics {
    calls: IntCounterVec,
    by_row: Vec<[OnceLock<IntCounter>; Ending::ALL.len()]>,
    latency: HistogramVec,
    upstream_in_flight: IntGaugeVec,
    failovers: IntCounterVec,
    shed: IntCounterVec,
    /// What the management beans show besides.
    pub tally: Tally,
    /// Calls of administrators.
    pub admin: AdminMetrics,
    /// Quotas of mounts.
    pub quotas: QuotaMetrics,
    /// Calls in flight.
    pub in_flight: IntGauge,
    /// Revision of the mount table in use.
    pub mount_revision: IntGauge,
    /// Entries of the mount table in use.
    pub mount_entries: IntGauge,
    /// Records in the state store that cannot be read, and so are left out, by kind.
    pub unreadable: IntGaugeVec,
}

/// Metrics of one subcluster.
pub struct NameserviceMetrics {
    /// Seconds until an answer, all attempts included.
    pub latency: Histogram,
    /// Calls in flight.
    pub in_flight: IntGauge,
    /// How often another NameNode became the one that answers.
    pub failovers: IntCounter,
    /// Calls refused because too many were in flight.
    pub shed: IntCounter,
    /// Attempts at its NameNodes.
    pub attempts: Attempts,
}

/// Upper bounds in seconds: a NameNode answers most calls within a millisecond, and the slowest end at the call timeout.
const BUCKETS: [f64; 14] = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0, 60.0];

/// Registers counters with labels.
fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Registers a gauge.
fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let metric = IntGauge::new(name, help)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When the registry has a metric of one of these names, as it has after a second router.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, labels: &[&str]| counters(registry, name, help, labels);
        let gauge = |name: &str, help: &str| gauge(registry, name, help);
        let latency = HistogramOpts::new("anabranch_upstream_seconds", "Time until a subcluster answered a call.");
        let latency = HistogramVec::new(latency.buckets(BUCKETS.to_vec()), &["nameservice"])?;
        registry.register(Box::new(latency.clone()))?;
        let upstream_in_flight = Opts::new("anabranch_upstream_in_flight", "Calls in flight to a subcluster.");
        let upstream_in_flight = IntGaugeVec::new(upstream_in_flight, &["nameservice"])?;
        registry.register(Box::new(upstream_in_flight.clone()))?;
        let unreadable = Opts::new(
            "anabranch_store_unreadable_records",
            "Records in the state store that cannot be read, and so are left out, by kind.",
        );
        let unreadable = IntGaugeVec::new(unreadable, &["kind"])?;
        registry.register(Box::new(unreadable.clone()))?;
        Ok(Self {
            calls: counters("anabranch_calls_total", "Calls of clients by how they ended.", &["method", "outcome"])?,
            by_row: method::rows().iter().map(|_| Default::default()).collect(),
            latency,
            upstream_in_flight,
            failovers: counters(
                "anabranch_upstream_failovers_total",
                "How often another NameNode of a subcluster became the one that answers.",
                &["nameservice"],
            )?,
            shed: counters(
                "anabranch_upstream_shed_total",
                "Calls refused because too many were in flight to a subcluster.",
                &["nameservice"],
            )?,
            tally: Tally::default(),
            admin: AdminMetrics::new(registry)?,
            quotas: QuotaMetrics::new(registry)?,
            in_flight: gauge("anabranch_calls_in_flight", "Calls of clients being answered.")?,
            mount_revision: gauge("anabranch_mount_table_revision", "Revision of the mount table in use.")?,
            mount_entries: gauge("anabranch_mount_table_entries", "Entries of the mount table in use.")?,
            unreadable,
        })
    }

    /// Counts a call of the row at this place of the method table.
    pub fn ended(&self, row: usize, ending: Ending, elapsed: Duration) {
        let Some(counters) = self.by_row.get(row) else { return };
        let make = || self.calls.with_label_values(&[method::rows()[row].name, ending.label()]);
        counters[ending as usize].get_or_init(make).inc();
        self.tally.ended(row, elapsed);
    }

    /// Calls of a row that ended so.
    pub fn calls(&self, row: usize, ending: Ending) -> u64 {
        self.by_row.get(row).and_then(|counters| counters[ending as usize].get()).map_or(0, IntCounter::get)
    }

    /// Calls of a row, however they ended.
    pub fn all_calls(&self, row: usize) -> u64 {
        Ending::ALL.iter().map(|(ending, _)| self.calls(row, *ending)).sum()
    }

    /// The metrics of one subcluster.
    pub fn nameservice(&self, id: &str) -> NameserviceMetrics {
        NameserviceMetrics {
            latency: self.latency.with_label_values(&[id]),
            in_flight: self.upstream_in_flight.with_label_values(&[id]),
            failovers: self.failovers.with_label_values(&[id]),
            shed: self.shed.with_label_values(&[id]),
            attempts: Attempts::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_in_the_order_of_their_endings() {
        for (place, (ending, label)) in Ending::ALL.iter().enumerate() {
            assert_eq!((*ending as usize, ending.label()), (place, *label));
        }
    }

    #[test]
    fn a_call_is_counted_by_method_and_ending() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let (row, _) = method::find("getFileInfo").unwrap();
        metrics.ended(row, Ending::Ok, Duration::from_millis(2));
        metrics.ended(row, Ending::Ok, Duration::from_millis(4));
        assert_eq!((metrics.calls(row, Ending::Ok), metrics.all_calls(row + 1)), (2, 0));
        assert_eq!(metrics.tally.elapsed_ms(row), 6.0);
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text.contains(r#"anabranch_calls_total{method="getFileInfo",outcome="ok"} 2"#), "{text}");
    }
}
