/// Why ZooKeeper did not do what the store asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZooKeeperError {
    /// A setting without a meaning.
    #[error("ZooKeeper: {0}")]
    Option(String),
    /// Certificates or keys cannot be used, or the handshake failed.
    #[error("ZooKeeper: TLS: {0}")]
    Tls(String),
    /// A way of authentication that this machine does not have.
    #[error("ZooKeeper: SASL GSSAPI: {0}")]
    Mechanism(String),
    /// The server does not know who the store is, or the other way round.
    #[error("ZooKeeper: authentication: {0}")]
    Authentication(String),
    /// No server answers; the request was not sent.
    #[error("ZooKeeper: {0}")]
    Unavailable(String),
    /// The connection was lost before the answer came.
    #[error(
        "ZooKeeper: the connection was lost before the answer came; whether the request was carried out is not known"
    )]
    Lost,
    /// The ensemble has given the session up.
    #[error("ZooKeeper: the session has expired")]
    Expired,
    /// The store is being dropped.
    #[error("ZooKeeper: the store was closed")]
    Closed,
    /// The server sent what cannot be understood.
    #[error("ZooKeeper: the server's answer cannot be understood")]
    Malformed,
    /// The server has no persistent watches.
    #[error("ZooKeeper: the server is older than 3.6, which is the first with persistent watches")]
    TooOld,
    /// A record was removed and made anew while it was written, with a node that looks the same to ZooKeeper.
    #[error(
        "ZooKeeper: {path}: while it was written, another program removed the record and made it anew; what that program \
         wrote is overwritten: read the record again"
    )]
    Remade {
        /// The node.
        path: String,
    },
    /// More than servers take in one request; nothing was sent.
    #[error("ZooKeeper: {bytes} bytes in one request, servers take {limit}; make fewer changes at once")]
    TooLarge {
        /// The size of the request.
        bytes: usize,
        /// The most that is sent.
        limit: usize,
    },
    /// The server refused the request; nothing was done.
    #[error("ZooKeeper: {path}: {} ({code})", name(*.code))]
    Refused {
        /// ZooKeeper's number of the reason.
        code: i32,
        /// The node.
        path: String,
    },
}

impl ZooKeeperError {
    /// Whether a write that ended like this may have been made all the same.
    pub(crate) fn may_be_done(&self) -> bool {
        match self {
            Self::Lost | Self::Expired | Self::Closed | Self::Malformed | Self::Remade { .. } => true,
            Self::Option(_) | Self::Tls(_) | Self::Mechanism(_) | Self::Authentication(_) => false,
            Self::Unavailable(_) | Self::TooOld | Self::TooLarge { .. } | Self::Refused { .. } => false,
        }
    }

    /// Whether there is no use in waiting for better times.
    pub(super) fn stays(&self) -> bool {
        matches!(
            self,
            Self::Tls(_)
                | Self::Authentication(_)
                | Self::TooOld
                | Self::Refused { .. }
                | Self::Closed
                | Self::Malformed
        )
    }

    /// The same with the server that it comes from.
    pub(super) fn at(self, member: &str) -> Self {
        match self {
            Self::Tls(text) => Self::Tls(format!("{member}: {text}")),
            Self::Authentication(text) => Self::Authentication(format!("{member}: {text}")),
            Self::Unavailable(text) => Self::Unavailable(format!("{member}: {text}")),
            Self::Malformed => Self::Unavailable(format!("{member} does not speak ZooKeeper's protocol")),
            other => other,
        }
    }
}

impl From<std::io::Error> for ZooKeeperError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

fn name(code: i32) -> &'static str {
    match code {
        -4 => "connection loss",
        -6 => "not implemented",
        -8 => "bad arguments",
        -101 => "no such node",
        -102 => "no permission",
        -103 => "another version",
        -110 => "the node exists",
        -112 => "the session has expired",
        -114 => "invalid ACL",
        -118 => "the session has moved to another server",
        -119 => "the server is read-only",
        -125 => "quota exceeded",
        _ => "refused",
    }
}
