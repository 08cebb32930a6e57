//! Turns whatever stopped a call into the Java exception that its client understands. The only place that does.

mod paths;

use anabranch_federation::Limited;
use anabranch_hrpc::wire::Malformed;
use anabranch_hrpc::{Exception, class};

pub use paths::restore;

use crate::metrics::Ending;
use crate::plan::Refusal;
use crate::upstream::Failure;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The router refused it.
    Refused(Refusal),
    /// A subcluster failed, or threw.
    Failed(Failure),
    /// The client left.
    Gone,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A parameter message that cannot be read.
impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Refused(Refusal::Unreadable(malformed.to_string()))
    }
}

impl Stop {
    /// As a label of the calls' metric.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Failed(Failure::Overloaded { .. }) => Ending::Shed,
            Self::Refused(_) => Ending::Refused,
            Self::Failed(Failure::Remote(_)) => Ending::Exception,
            Self::Failed(_) => Ending::Unavailable,
            Self::Gone => Ending::Abandoned,
        }
    }

    /// As the client sees it. `router` is the id of this router.
    pub fn into_exception(self, router: &str) -> Exception {
        match self {
            Self::Refused(refusal) => Exception::new(refusal_class(&refusal), refusal.to_string()),
            Self::Failed(Failure::Remote(exception)) => exception,
            Self::Failed(failure) => Exception::new(failure_class(&failure), failure_message(&failure, router)),
            Self::Gone => Exception::new(class::IO, "the client has left"),
        }
    }
}

fn refusal_class(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::MountPoint { .. } | Refusal::MountsBelow { .. } | Refusal::QuotaOfMount { .. } => {
            class::ACCESS_CONTROL
        }
        Refusal::QuotaExceeded(exceeded) => match exceeded.what {
            Limited::Files => class::NS_QUOTA_EXCEEDED,
            Limited::Space => class::DS_QUOTA_EXCEEDED,
            Limited::Type(_) => class::QUOTA_BY_STORAGE_TYPE_EXCEEDED,
        },
        Refusal::Directive(_) => class::INVALID_REQUEST,
        Refusal::RenameOnto { .. } => class::FILE_ALREADY_EXISTS,
        Refusal::NoDefaultNameservice { .. } => class::ROUTER_RESOLVE,
        Refusal::NoLocation { .. } | Refusal::DirectiveAway { .. } => class::NO_LOCATION,
        Refusal::SafeMode { .. } => class::STANDBY,
        Refusal::Unsupported { .. } => class::UNSUPPORTED_OPERATION,
        Refusal::InPages { .. } => class::NO_SUCH_METHOD,
        Refusal::Missing { .. } | Refusal::Unreadable(_) => class::INVALID_PROTOBUF,
        Refusal::ReadOnly { .. }
        | Refusal::ByNumber { .. }
        | Refusal::NoMountPoint { .. }
        | Refusal::RenameAcross { .. }
        | Refusal::RenamePartly { .. }
        | Refusal::RenamedPartly { .. }
        | Refusal::RenameOntoFull { .. }
        | Refusal::ConcatAcross { .. }
        | Refusal::NoQuota
        | Refusal::NoTokens
        | Refusal::NoNamespace
        | Refusal::NoNamenode { .. } => class::IO,
    }
}

/// What a Java client does next follows from the class: after `StandbyException` it asks another router, after
/// `RetriableException` the same one later, and other exceptions it hands to the application.
fn failure_class(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable { .. } => class::RETRIABLE,
        // The NameNode's retry cache answers a second try of what may have run, whichever router carries it.
        Failure::NoActive { .. } | Failure::Overloaded { .. } | Failure::TimedOut { .. } => class::STANDBY,
        Failure::Remote(_)
        | Failure::Lost { .. }
        | Failure::Unknown { .. }
        | Failure::TooLarge { .. }
        | Failure::Unreadable { .. } => class::IO,
    }
}

fn failure_message(failure: &Failure, router: &str) -> String {
    match failure {
        Failure::Overloaded { .. } => format!("Router {router} is {failure}"),
        Failure::NoActive { .. } | Failure::Unknown { .. } => format!("{failure} from {router}"),
        _ => failure.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use anabranch_federation::{Exceeded, MountPath, StorageType};

    use super::*;

    fn said(stop: Stop) -> (String, String) {
        let exception = stop.into_exception("host_8888");
        (exception.class.into_owned(), exception.message)
    }

    fn exceeded(what: Limited) -> Exceeded {
        Exceeded { source: MountPath::parse("/q").unwrap(), what, quota: 1, used: 2 }
    }

    #[test]
    fn refusals_speak_as_the_java_router_does() {
        let rows = [
            (
                Refusal::MountPoint { path: "/a".into() },
                class::ACCESS_CONTROL,
                "The operation is not allowed because the path: /a is a mount point",
            ),
            (
                Refusal::MountsBelow { path: "/a".into(), children: "b,c".into() },
                class::ACCESS_CONTROL,
                "The operation is not allowed because there are mount points: b,c under the path: /a",
            ),
            (
                Refusal::NoDefaultNameservice { path: "/x".into() },
                class::ROUTER_RESOLVE,
                "Cannot find locations for /x, because the default nameservice is disabled to read or write",
            ),
            (Refusal::ReadOnly { path: "/r/x".into() }, class::IO, "/r/x is in a read only mount point"),
            (
                Refusal::RenameAcross { src: "/a/f".into(), dst: "/b/f".into() },
                class::IO,
                "Rename of /a/f to /b/f is not allowed, no eligible destination in the same namespace was found",
            ),
            (
                Refusal::RenameOnto { dst: "/b/f".into() },
                class::FILE_ALREADY_EXISTS,
                "rename destination /b/f already exists",
            ),
            (
                Refusal::QuotaExceeded(exceeded(Limited::Files)),
                class::NS_QUOTA_EXCEEDED,
                "The NameSpace quota (directories and files) of directory /q is exceeded: quota=1 file count=2",
            ),
            (
                Refusal::QuotaExceeded(exceeded(Limited::Space)),
                class::DS_QUOTA_EXCEEDED,
                "The DiskSpace quota of /q is exceeded: quota = 1 B = 1 B but diskspace consumed = 2 B = 2 B",
            ),
            (
                Refusal::QuotaExceeded(exceeded(Limited::Type(StorageType::Ssd))),
                class::QUOTA_BY_STORAGE_TYPE_EXCEEDED,
                "Quota by storage type : SSD on path : /q is exceeded. quota = 1 B but space consumed = 2 B",
            ),
            (
                Refusal::QuotaOfMount { user: "ann (auth:SIMPLE)".into(), path: "/q".into() },
                class::ACCESS_CONTROL,
                "Permission denied: ann (auth:SIMPLE) is not allowed to change quota of /q",
            ),
            (
                Refusal::SafeMode { router: "host_8888".into(), category: "WRITE" },
                class::STANDBY,
                "Router host_8888 is in safe mode and cannot handle WRITE requests",
            ),
            (
                Refusal::Unsupported { method: "listOpenFiles" },
                class::UNSUPPORTED_OPERATION,
                "Operation \"listOpenFiles\" is not supported",
            ),
        ];
        for (refusal, class, message) in rows {
            assert_eq!(said(refusal.into()), (class.to_owned(), message.to_owned()));
        }
    }

    #[test]
    fn failures_tell_the_client_where_to_try_next() {
        let nameservice = || "ns1".to_owned();
        let rows = [
            (
                Failure::NoActive { nameservice: nameservice(), method: "mkdirs".into() },
                class::STANDBY,
                "No namenode available to invoke mkdirs in [ns1] from host_8888",
            ),
            (
                Failure::Unreachable { nameservice: nameservice(), reason: "refused".into() },
                class::RETRIABLE,
                "No namenodes available under nameservice ns1: refused",
            ),
            (
                Failure::Overloaded { nameservice: nameservice(), user: None },
                class::STANDBY,
                "Router host_8888 is overloaded for NS: ns1",
            ),
            (
                Failure::Overloaded { nameservice: nameservice(), user: Some("alice".into()) },
                class::STANDBY,
                "Router host_8888 is overloaded for NS: ns1, by user alice",
            ),
            (
                Failure::Unknown { nameservice: nameservice() },
                class::IO,
                "Cannot locate a registered namenode for ns1 from host_8888",
            ),
        ];
        for (failure, class, message) in rows {
            assert_eq!(said(failure.into()), (class.to_owned(), message.to_owned()));
        }
    }

    #[test]
    fn a_remote_exception_passes_as_it_is() {
        let exception = Exception::new(class::SAFE_MODE, "Name node is in safe mode.");
        assert_eq!(Stop::Failed(Failure::Remote(exception.clone())).into_exception("r"), exception);
    }
}
