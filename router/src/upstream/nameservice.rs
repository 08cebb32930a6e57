//! One subcluster: its NameNodes, which of them was active last, and how much is asked of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anabranch_federation::NameserviceId;

use super::{Failure, Namenode};
use crate::config::NameserviceConfig;
use crate::metrics::{Metrics, NameserviceMetrics};

/// A subcluster.
pub struct Nameservice {
    id: NameserviceId,
    namenodes: Vec<Namenode>,
    preferred: AtomicUsize,
    in_flight: AtomicUsize,
    limit: usize,
    metrics: NameserviceMetrics,
}

impl Nameservice {
    pub(super) fn new(
        id: NameserviceId,
        config: &NameserviceConfig,
        limit: usize,
        max_connections: usize,
        metrics: &Metrics,
    ) -> Self {
        let namenodes =
            config.namenodes.iter().map(|namenode| Namenode::new(&namenode.rpc_address, max_connections)).collect();
        Self {
            metrics: metrics.nameservice(id.as_str()),
            id,
            namenodes,
            preferred: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            limit,
        }
    }

    /// Its id.
    pub fn id(&self) -> &NameserviceId {
        &self.id
    }

    /// Its NameNodes, at least one.
    pub fn namenodes(&self) -> &[Namenode] {
        &self.namenodes
    }

    /// What is counted about it.
    pub fn metrics(&self) -> &NameserviceMetrics {
        &self.metrics
    }

    /// Index of the NameNode that answered last.
    pub fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    pub(super) fn prefer(&self, namenode: usize) {
        if self.preferred() != namenode {
            self.preferred.store(namenode, Ordering::Relaxed);
            self.metrics.failovers.inc();
            let address = self.namenodes[namenode].address();
            tracing::info!(nameservice = %self.id, active = address, "another NameNode answers now");
        }
    }

    /// Asks another NameNode first from now on, if this one is asked first: it did not answer in time. It may hang while
    /// another has become active; if not, that one says so at once, and this one is found again.
    pub(super) fn doubt(&self, namenode: usize) {
        let next = (namenode + 1) % self.namenodes.len().max(1);
        if next != namenode
            && self.preferred.compare_exchange(namenode, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let (silent, next) = (self.namenodes[namenode].address(), self.namenodes[next].address());
            tracing::info!(nameservice = %self.id, silent, next, "a NameNode did not answer in time; another is asked first");
        }
    }

    /// Takes a place among the calls in flight to this subcluster. The fixed limit stands where an adaptive one belongs.
    pub(super) fn admit(&self) -> Result<Flight<'_>, Failure> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.metrics.shed.inc();
            return Err(Failure::Overloaded { nameservice: self.id.to_string() });
        }
        self.metrics.in_flight.inc();
        Ok(Flight { nameservice: self, started: Instant::now() })
    }
}

/// A place among the calls in flight; given back when dropped.
pub(super) struct Flight<'a> {
    nameservice: &'a Nameservice,
    started: Instant,
}

impl Flight<'_> {
    /// Counts the time until now as the latency of an answer.
    pub(super) fn answered(&self) {
        self.nameservice.metrics.latency.observe(self.started.elapsed().as_secs_f64());
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.nameservice.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.nameservice.metrics.in_flight.dec();
    }
}
