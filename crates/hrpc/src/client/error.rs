use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::Exception;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered with an exception; the connection lives on.
    #[error("{0}")]
    Remote(Exception),
    /// The server answered with an exception and closes the connection.
    #[error("the server ended the connection: {0}")]
    Fatal(Exception),
    /// No connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The server.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The deadline passed. A call that was not sent never will be.
    #[error("no reply in time (sent: {sent})")]
    Timeout {
        /// Whether the server may have got the call.
        sent: bool,
    },
    /// The connection ended before the reply.
    #[error("the connection ended: {reason} (sent: {sent})")]
    Closed {
        /// Whether the server may have got the call.
        sent: bool,
        /// Why it ended.
        reason: Arc<str>,
    },
    /// The request exceeds what the server takes.
    #[error("request of {length} bytes, at most {max} are accepted")]
    TooLarge {
        /// Its length in bytes, or a little more.
        length: usize,
        /// The limit.
        max: u32,
    },
    /// A call of the same identity is in flight on this connection.
    #[error("a call with this client id, call id and retry count is in flight on the connection")]
    DuplicateCall,
    /// The server does not keep to the protocol.
    #[error("broken reply: {0}")]
    Protocol(String),
}

impl ClientError {
    /// Whether the server may have executed the call. If not, it can be made elsewhere whatever it does.
    pub fn may_have_executed(&self) -> bool {
        match self {
            Self::Timeout { sent } | Self::Closed { sent, .. } => *sent,
            Self::Remote(_) | Self::Protocol(_) => true,
            Self::Fatal(_) | Self::Connect { .. } | Self::TooLarge { .. } | Self::DuplicateCall => false,
        }
    }
}
