use std::time::Duration;

/// What a peer, and all peers together, may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest request frame in bytes; a longer one closes the connection (`ipc.maximum.data.length`).
    pub max_frame: u32,
    /// Open connections; one more is accepted and closed at once.
    pub max_connections: usize,
    /// Calls of one connection that are being answered; at the limit it is not read.
    pub max_calls_per_connection: usize,
    /// Bytes of requests and of unsent replies that are held, of all connections; at the limit none is read.
    pub max_bytes_in_flight: usize,
    /// Bytes of replies that one connection has not taken; at the limit it is not read.
    pub max_unsent_bytes: usize,
    /// From accept to the connection context.
    pub handshake_timeout: Duration,
    /// For a frame that has begun: it must end, or bring 64 KiB more, within this time.
    pub frame_timeout: Duration,
    /// For a peer that does not take what is written: it must take all of it, or 64 KiB, within this time.
    pub write_timeout: Duration,
    /// A connection without calls is closed after this time, once more than `idle_threshold` are open.
    pub idle_timeout: Duration,
    /// `ipc.client.idlethreshold`.
    pub idle_threshold: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 128 << 20,
            max_connections: 20_000,
            max_calls_per_connection: 1024,
            max_bytes_in_flight: 1 << 30,
            max_unsent_bytes: 16 << 20,
            handshake_timeout: Duration::from_secs(20),
            frame_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(20),
            idle_threshold: 4000,
        }
    }
}
