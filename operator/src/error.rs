//! Why a reconciliation ends early.

use anabranch_store::StoreError;

/// Why a reconciliation ends early. It is tried again, later and later.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused, or could not be reached.
    #[error("{what}: {source}")]
    Kube {
        /// What was tried.
        what: String,
        /// What came of it.
        source: kube::Error,
    },
    /// An object of this name is there, and is not ours to change.
    #[error(
        "{what} is there and belongs to {whose}: it is left as it is; delete or rename it, or give what needs the name another"
    )]
    Taken {
        /// The object.
        what: String,
        /// Whose it is.
        whose: String,
    },
    /// The state store refused, or could not be reached.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// An object cannot be written as JSON.
    #[error("cannot write {what} as JSON: {source}")]
    Json {
        /// The object.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Error {
    /// A word for metrics and events.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Kube { .. } | Self::Taken { .. } => "kubernetes",
            Self::Store(_) => "store",
            Self::Json { .. } => "internal",
        }
    }
}

/// Says what was tried.
pub trait Trying<T> {
    /// As the beginning of a sentence: `apply Deployment a/b`.
    fn trying(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Trying<T> for Result<T, kube::Error> {
    fn trying(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Kube { what: what(), source })
    }
}
