//! Why a subcluster gave no result.

use anabranch_hrpc::Exception;

/// A call that brought no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The NameNode threw it.
    #[error("{0}")]
    Remote(Exception),
    /// No NameNode could be reached.
    #[error("No namenodes available under nameservice {nameservice}: {reason}")]
    Unreachable {
        /// Which subcluster.
        nameservice: String,
        /// What the last attempt met.
        reason: String,
    },
    /// None of its NameNodes is active.
    #[error("No namenode available to invoke {method} in [{nameservice}]")]
    NoActive {
        /// Which subcluster.
        nameservice: String,
        /// Method name.
        method: String,
    },
    /// No answer came, so that it may have run, and it may not be sent again.
    #[error("{nameservice} gave no answer to {method}, which may have run: {reason}")]
    Lost {
        /// Which subcluster.
        nameservice: String,
        /// Method name.
        method: String,
        /// What came in place of it.
        reason: String,
    },
    /// No answer in time.
    #[error("{nameservice} did not answer {method} in time")]
    TimedOut {
        /// Which subcluster.
        nameservice: String,
        /// Method name.
        method: String,
    },
    /// The calls in flight to it hold what they may hold.
    #[error("overloaded for NS: {nameservice}{}", user.as_ref().map_or_else(String::new, |user| format!(", by user {user}")))]
    Overloaded {
        /// Which subcluster.
        nameservice: String,
        /// Whose calls are too many, if others still have room.
        user: Option<String>,
    },
    /// The configuration does not know it.
    #[error("Cannot locate a registered namenode for {nameservice}")]
    Unknown {
        /// Which subcluster.
        nameservice: String,
    },
    /// The request is larger than what it takes.
    #[error("{nameservice}: {reason}")]
    TooLarge {
        /// Which subcluster.
        nameservice: String,
        /// Its size and the limit.
        reason: String,
    },
    /// Its answer is not what the protocol says.
    #[error("unreadable answer of {nameservice}: {reason}")]
    Unreadable {
        /// Which subcluster.
        nameservice: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Failure {
    /// Whether another location may do better: the subcluster is away, rather than of another opinion.
    pub fn is_unavailable(&self) -> bool {
        !matches!(self, Self::Remote(_) | Self::Unknown { .. } | Self::TooLarge { .. } | Self::Unreadable { .. })
    }

    /// The same, and not only for this call.
    pub fn is_away(&self) -> bool {
        self.is_unavailable() && !self.is_shed()
    }

    /// Whether this router held too many calls to send one more.
    pub fn is_shed(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }
}
