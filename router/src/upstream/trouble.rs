//! Why one attempt at one NameNode brought no result.

use anabranch_federation::NameserviceId;
use anabranch_hdfs_proto::common::rpc_response_header_proto::RpcErrorCodeProto;
use anabranch_hrpc::{ClientError, Exception, class};

use super::{Failure, Outcome};

/// What went wrong. Cheap to tell to several calls that waited for the same connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// The NameNode threw this.
    #[error("{0}")]
    Exception(Exception),
    /// No connection.
    #[error("{0}")]
    NotReached(String),
    /// The call did not go out.
    #[error("{0}")]
    NotSent(String),
    /// The same call is in flight on the connection.
    #[error("the same call is in flight")]
    Duplicate,
    /// It went out, and no answer came.
    #[error("{0}")]
    Lost(String),
    /// It went out, and another NameNode became active before an answer came.
    #[error("another NameNode is active now")]
    Superseded,
    /// The deadline passed.
    #[error("no answer in time")]
    TimedOut,
    /// Larger than what the NameNode takes.
    #[error("{0}")]
    TooLarge(String),
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        let reason = error.to_string();
        match error {
            ClientError::Remote(exception) => Self::Exception(exception),
            // The user is not welcome: so it will be over any other connection.
            ClientError::Fatal(exception) if exception.detail == RpcErrorCodeProto::FatalUnauthorized => {
                // For the client it is an exception of its call, not the end of its connection.
                Self::Exception(Exception { detail: RpcErrorCodeProto::ErrorApplication, ..exception })
            }
            // Whatever broke the connection need not have been this call.
            ClientError::Fatal(_) => Self::Lost(reason),
            ClientError::Connect { .. } => Self::NotReached(reason),
            ClientError::Timeout { .. } => Self::TimedOut,
            ClientError::Closed { sent: false, .. } => Self::NotSent(reason),
            ClientError::Closed { sent: true, .. } | ClientError::Protocol(_) => Self::Lost(reason),
            ClientError::TooLarge { .. } => Self::TooLarge(reason),
            ClientError::DuplicateCall => Self::Duplicate,
        }
    }
}

impl Trouble {
    /// What the failover decision makes of it.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Exception(exception) if exception.is(class::STANDBY) || starts(exception) => Outcome::Standby,
            Self::Exception(_) | Self::TooLarge(_) => Outcome::Answered,
            Self::NotReached(_) => Outcome::NotReached,
            Self::NotSent(_) | Self::Duplicate => Outcome::NotSent,
            Self::Lost(_) => Outcome::Lost,
            Self::Superseded => Outcome::Superseded,
            Self::TimedOut => Outcome::TimedOut,
        }
    }

    /// The failure of the call, when nothing more is tried. `repeatable`: its client may send it again.
    pub(super) fn failure(self, nameservice: &NameserviceId, method: &str, repeatable: bool) -> Failure {
        let nameservice = nameservice.to_string();
        let method = method.to_owned();
        match self {
            Self::Exception(exception) if exception.is(class::STANDBY) => Failure::NoActive { nameservice, method },
            Self::Superseded => Failure::NoActive { nameservice, method },
            Self::Exception(exception) => Failure::Remote(exception),
            Self::NotReached(reason) | Self::NotSent(reason) => Failure::Unreachable { nameservice, reason },
            Self::Duplicate => {
                Failure::Unreachable { nameservice, reason: "the same call is in flight several times".to_owned() }
            }
            Self::Lost(reason) if repeatable => Failure::Unreachable { nameservice, reason },
            Self::Lost(reason) => Failure::Lost { nameservice, method, reason },
            Self::TimedOut if repeatable => Failure::TimedOut { nameservice, method },
            Self::TimedOut => Failure::Lost { nameservice, method, reason: self.to_string() },
            Self::TooLarge(reason) => Failure::TooLarge { nameservice, reason },
        }
    }
}

/// Whether a NameNode says that it has not got as far as being active or standby.
fn starts(exception: &Exception) -> bool {
    exception.is(class::RETRIABLE) && exception.first_line().ends_with("still not started")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_failover_decision_hears() {
        let closed = |sent| ClientError::Closed { sent, reason: "reset".into() };
        let rows = [
            (ClientError::Remote(Exception::new(class::STANDBY, "standby")), Outcome::Standby),
            (ClientError::Remote(Exception::new(class::RETRIABLE, "NameNode still not started")), Outcome::Standby),
            (
                ClientError::Remote(Exception::new(class::RETRIABLE, "NameNode still not started\n\tat java")),
                Outcome::Standby,
            ),
            (ClientError::Remote(Exception::new(class::RETRIABLE, "Name node is in safe mode.")), Outcome::Answered),
            (ClientError::Remote(Exception::new(class::FILE_NOT_FOUND, "no")), Outcome::Answered),
            (ClientError::Fatal(Exception::impersonation_refused("a", "b")), Outcome::Answered),
            (ClientError::Fatal(Exception::invalid_header("another call broke it")), Outcome::Lost),
            (closed(false), Outcome::NotSent),
            (closed(true), Outcome::Lost),
            (ClientError::Timeout { sent: true }, Outcome::TimedOut),
            (ClientError::TooLarge { length: 2, max: 1 }, Outcome::Answered),
        ];
        for (error, expected) in rows {
            let name = error.to_string();
            assert_eq!(Trouble::from(error).outcome(), expected, "{name}");
        }
    }

    #[test]
    fn a_user_who_is_not_welcome_there_keeps_the_connection_here() {
        let refused = Exception::impersonation_refused("router", "zoe");
        let Trouble::Exception(seen) = Trouble::from(ClientError::Fatal(refused.clone())) else { panic!("{refused}") };
        assert_eq!((seen.class, seen.message), (refused.class, refused.message));
        assert_eq!(seen.detail, RpcErrorCodeProto::ErrorApplication);
    }

    #[test]
    fn what_may_have_run_is_an_error_of_the_client_if_it_may_not_be_sent_again() {
        let ns = NameserviceId::parse("ns0").unwrap();
        let (nameservice, method) = ("ns0".to_owned(), "delete".to_owned());
        let unreachable = Failure::Unreachable { nameservice: nameservice.clone(), reason: "reset".to_owned() };
        let timed_out = Failure::TimedOut { nameservice: nameservice.clone(), method: method.clone() };
        let rows = [(Trouble::Lost("reset".into()), unreachable), (Trouble::TimedOut, timed_out)];
        for (trouble, again) in rows {
            let (nameservice, method, reason) = (nameservice.clone(), method.clone(), trouble.to_string());
            assert_eq!(trouble.clone().failure(&ns, "delete", true), again);
            assert_eq!(trouble.failure(&ns, "delete", false), Failure::Lost { nameservice, method, reason });
        }
    }
}
