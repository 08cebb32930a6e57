use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What a server counts. Read the fields with `load`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections that are open.
    pub connections_open: AtomicUsize,
    /// Connections ever accepted, the refused ones included.
    pub connections_accepted: AtomicU64,
    /// Connections closed at once because too many were open.
    pub connections_refused: AtomicU64,
    /// Connections refused before calls could begin: wrong version, not authorized, too slow.
    pub handshakes_failed: AtomicU64,
    /// Connections closed for what they sent or did not take: broken frames and headers, time-outs.
    pub connections_cut: AtomicU64,
    /// Connections closed because they were idle.
    pub connections_idled: AtomicU64,
    /// Connections closed so that their clients connect again, see `Drain::shed`.
    pub connections_shed: AtomicU64,
    /// Calls with the handler.
    pub calls_in_flight: AtomicUsize,
    /// Bytes of requests that are held.
    pub bytes_in_flight: AtomicUsize,
    /// Calls ever received, also those that no handler saw.
    pub calls: AtomicU64,
    /// Calls answered with an exception.
    pub calls_failed: AtomicU64,
    /// Calls answered with `RetriableException` because the server was draining.
    pub calls_refused: AtomicU64,
    /// Bytes read.
    pub bytes_received: AtomicU64,
    /// Bytes written.
    pub bytes_sent: AtomicU64,
}

impl ServerStats {
    /// Counts a connection for as long as the guard lives; `None` if there are too many.
    pub(super) fn open(self: &Arc<Self>, max: usize) -> Option<OpenConnection> {
        self.connections_accepted.fetch_add(1, Relaxed);
        // Only the accept loop adds, so that looking first is exact.
        if self.connections_open.load(Relaxed) >= max {
            self.connections_refused.fetch_add(1, Relaxed);
            return None;
        }
        self.connections_open.fetch_add(1, Relaxed);
        Some(OpenConnection(self.clone()))
    }
}

/// An open connection, counted.
#[must_use]
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<ServerStats>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Relaxed);
    }
}
