//! The RPC server's own counts, read when metrics are asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anabranch_hrpc::ServerStats;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge};

/// Shows a [`ServerStats`].
pub struct ServerCollector {
    stats: Arc<ServerStats>,
    open: IntGauge,
    held: IntGauge,
    accepted: IntCounter,
    refused: IntCounter,
    unauthorized: IntCounter,
    drained: IntCounter,
    shed: IntCounter,
}

impl ServerCollector {
    /// Over the counts of one server.
    pub fn new(stats: Arc<ServerStats>) -> prometheus::Result<Self> {
        Ok(Self {
            stats,
            open: IntGauge::new("anabranch_connections_open", "Connections of clients.")?,
            held: IntGauge::new("anabranch_request_bytes_held", "Bytes of requests being answered.")?,
            accepted: IntCounter::new("anabranch_connections_accepted_total", "Connections ever accepted.")?,
            refused: IntCounter::new(
                "anabranch_connections_refused_total",
                "Connections closed at once because too many were open.",
            )?,
            unauthorized: IntCounter::new(
                "anabranch_handshakes_failed_total",
                "Connections that ended before they could carry calls.",
            )?,
            drained: IntCounter::new("anabranch_calls_drained_total", "Calls sent elsewhere while draining.")?,
            shed: IntCounter::new(
                "anabranch_connections_shed_total",
                "Connections closed while idle so that their clients find routers that were added.",
            )?,
        })
    }

    fn read(&self) {
        let stats = &*self.stats;
        self.open.set(stats.connections_open.load(Relaxed).try_into().unwrap_or(i64::MAX));
        self.held.set(stats.bytes_in_flight.load(Relaxed).try_into().unwrap_or(i64::MAX));
        let counters = [
            (&self.accepted, &stats.connections_accepted),
            (&self.refused, &stats.connections_refused),
            (&self.unauthorized, &stats.handshakes_failed),
            (&self.drained, &stats.calls_refused),
            (&self.shed, &stats.connections_shed),
        ];
        for (shown, counted) in counters {
            shown.inc_by(counted.load(Relaxed).saturating_sub(shown.get()));
        }
    }

    fn parts(&self) -> [&dyn Collector; 7] {
        [&self.open, &self.held, &self.accepted, &self.refused, &self.unauthorized, &self.drained, &self.shed]
    }
}

impl Collector for ServerCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.parts().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}
