//! Why a call of an administrator has no result, and the Java exception that says it.

use anabranch_hrpc::{Exception, class};
use anabranch_store::{Refusal, StoreError};

use crate::respond::Stop;
use crate::safe_mode::Cause;

/// See the module. The sentences are those of Hadoop's router where it has any.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// An entry does not let the caller do that.
    #[error(
        "Permission denied while accessing mount table {source_path}: user {user} does not have {action} permissions."
    )]
    Denied { source_path: String, user: String, action: &'static str },
    /// Only superusers may.
    #[error("{0} is not a super user")]
    NoSuperuser(String),
    /// A request that cannot be right.
    #[error("{0}")]
    Invalid(String),
    /// A component of a destination is longer than the configuration allows.
    #[error(
        "The maximum path component name limit of {component} in directory {path} is exceeded: limit={limit} length={length}"
    )]
    ComponentTooLong { component: String, path: String, limit: usize, length: usize },
    /// Destinations do not exist.
    #[error("File not found in downstream nameservices: {0}")]
    NoDestination(String),
    /// Mounts come from files.
    #[error("{what} state store is not available.")]
    NoStore { what: &'static str },
    /// The state store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The state store failed while it was to change something.
    #[error("{0}; it is not known whether the change was made")]
    Unsure(StoreError),
    /// Others kept changing the same records.
    #[error("gave up after {0} attempts, because others keep changing the same records")]
    Contended(u32),
    /// Safe mode stays on.
    #[error("Safe mode stays on: {0}")]
    StaysOn(Cause),
    /// It took too long.
    #[error("{}", match changes {
        true => "no end within the time for a call; it is not known whether the change was made",
        false => "no end within the time for a call",
    })]
    TimedOut { changes: bool },
    /// The configuration cannot be read again.
    #[error("the configuration stays as it was: {0}")]
    Configuration(String),
    /// A subcluster, or the mount table, gives no answer.
    #[error("{}", .0.clone().into_exception("").message)]
    Stop(Stop),
    /// Another exception.
    #[error("{0}")]
    Exception(#[from] Exception),
    /// A task of this router ended early.
    #[error("interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Problem {
    /// Of a change that the state store did not acknowledge.
    pub(super) fn of_change(error: StoreError) -> Self {
        if error.may_be_done() { Self::Unsure(error) } else { Self::Store(error) }
    }

    /// As the client sees it.
    pub(super) fn into_exception(self, router: &str) -> Exception {
        let class = match &self {
            Self::Denied { .. } | Self::NoSuperuser(_) | Self::Store(StoreError::ReadOnly(_)) => class::ACCESS_CONTROL,
            Self::Invalid(_) | Self::NoDestination(_) => class::ILLEGAL_ARGUMENT,
            Self::ComponentTooLong { .. } => class::PATH_COMPONENT_TOO_LONG,
            Self::Store(StoreError::Refused(Refusal::Invalid(_) | Refusal::TooLarge { .. })) => class::ILLEGAL_ARGUMENT,
            Self::Store(_) | Self::Unsure(_) => class::STATE_STORE_UNAVAILABLE,
            Self::NoStore { .. }
            | Self::Contended(_)
            | Self::StaysOn(_)
            | Self::TimedOut { .. }
            | Self::Configuration(_)
            | Self::Interrupted(_) => class::IO,
            Self::Stop(stop) => return stop.clone().into_exception(router),
            Self::Exception(exception) => return exception.clone(),
        };
        Exception::new(class, self.to_string())
    }
}
