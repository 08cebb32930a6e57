//! Calls that the router makes on its own account, to find out what it has to know before it can forward.
//!
//! They carry the client's user, whose permissions apply, but the router's call identity: a NameNode's retry cache must
//! not take them for the client's call.

use anabranch_federation::{Location, NameserviceId};
use anabranch_hdfs_proto::hdfs::GetFileInfoRequestProto;
use anabranch_hrpc::{Payload, Protocol};
use bytes::Bytes;
use tokio::time::Instant;

use super::Forward;
use crate::merge::status;
use crate::method::Repeat;
use crate::session::of_client;
use crate::upstream::{CLIENT_PROTOCOL, Failure, Outgoing};

impl Forward<'_> {
    /// What `getFileInfo` says of a location.
    pub(super) async fn probe(&self, location: &Location<'_>, deadline: Instant) -> Result<Bytes, Failure> {
        let request = Payload::message(&GetFileInfoRequestProto { src: location.path.to_string() });
        self.ask(location.nameservice, CLIENT_PROTOCOL, "getFileInfo", request, deadline).await
    }

    /// The first location that has the path; none if all say that they have not.
    ///
    /// # Errors
    /// The first failure, when no location has it and one did not say: it may be there.
    pub(super) async fn existing(&self, locations: &[Location<'_>]) -> Result<Option<usize>, Failure> {
        let answers = futures_util::future::join_all(locations.iter().map(|one| self.probe(one, self.deadline))).await;
        let mut failure = None;
        for (at, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(reply) => {
                    let found = status::status_of(&reply)
                        .map_err(|malformed| super::unreadable(locations[at].nameservice.as_str(), &malformed))?;
                    if found.is_some() {
                        return Ok(Some(at));
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Sends a read of the router's own.
    pub(super) async fn ask(
        &self,
        nameservice: &NameserviceId,
        protocol: Protocol,
        method: &'static str,
        request: Payload,
        deadline: Instant,
    ) -> Result<Bytes, Failure> {
        let upstream = &self.core.upstream;
        let unknown = || Failure::Unknown { nameservice: nameservice.to_string() };
        let target = self.directory.get(nameservice.as_str()).ok_or_else(unknown)?;
        let separator = &self.core.config.caller_context_separator;
        let context = || Some(of_client(self.call, separator));
        let outgoing = Outgoing {
            method,
            protocol,
            identity: self.presented,
            id: upstream.own_call(),
            context: &context,
            payload: request.0.into_iter().next().unwrap_or_default(),
            repeat: Repeat::Idempotent,
            deadline,
        };
        upstream.call(target, &outgoing).await
    }
}
