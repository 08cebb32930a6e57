//! Calls that the router makes on its own account, to find out what it has to know before it can forward.
//!
//! They carry the client's user, whose permissions apply, but the router's call identity: a NameNode's retry cache must
//! not take them for the client's call.

use std::borrow::Cow;

use anabranch_federation::{Location, NameserviceId};
use anabranch_hdfs_proto::hdfs::GetFileInfoRequestProto;
use anabranch_hrpc::{Payload, Protocol, class};
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::Forward;
use super::leg::shown;
use crate::merge::status;
use crate::method::Repeat;
use crate::upstream::{CLIENT_PROTOCOL, Failure, Outgoing};

/// What a location has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Directory,
    File,
    /// Nothing, and nothing can be made there: what is above the path is a file.
    BelowFile,
}

impl Forward<'_> {
    /// What `getFileInfo` says of a location.
    pub(super) async fn probe(&self, location: &Location<'_>, deadline: Instant) -> Result<Bytes, Failure> {
        let request = Payload::message(&GetFileInfoRequestProto { src: location.path.to_string() });
        let answer = self.ask(location.nameservice, CLIENT_PROTOCOL, "getFileInfo", request, deadline).await;
        answer.map_err(|failure| shown(failure, &location.path, self.asked(&location.path)))
    }

    /// Which of the call's paths is meant by a remote one: that of the same name.
    pub(super) fn asked(&self, remote: &str) -> &str {
        let name = |path: &str| path.rsplit_once('/').map(|(_, name)| name.to_owned());
        let same = self.paths.iter().find(|path| name(path) == name(remote));
        same.or(self.paths.first()).map_or("/", |path| path)
    }

    /// The first location that has the path, with what it has; else the first where it lies below a file, as that one tells
    /// why a call fails; none if all say that they have nothing.
    ///
    /// # Errors
    /// A failure, when no location has it and one did not say: it may be there. That this router had no room to ask counts
    /// more than others.
    pub(super) async fn existing(&self, locations: &[Location<'_>]) -> Result<Option<(usize, Found)>, Failure> {
        existing(self.look(locations).await)
    }

    /// What each of the locations has; all are asked at once.
    pub(super) async fn look(&self, locations: &[Location<'_>]) -> Vec<Result<Option<Found>, Failure>> {
        join_all(locations.iter().map(|location| async {
            match self.probe(location, self.deadline).await {
                Ok(reply) => {
                    let is_directory = status::status_of(&reply)
                        .and_then(|status| status.map(status::is_directory).transpose())
                        .map_err(|malformed| super::unreadable(location.nameservice.as_str(), &malformed))?;
                    Ok(is_directory.map(|is| if is { Found::Directory } else { Found::File }))
                }
                Err(failure) if is_below_file(&failure) => Ok(Some(Found::BelowFile)),
                Err(failure) => Err(failure),
            }
        }))
        .await
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
        let id = upstream.own_call();
        let context = || Some(self.context(&id));
        let outgoing = Outgoing {
            method,
            protocol,
            identity: self.presented,
            id: id.clone(),
            context: &context,
            payload: request.0.into_iter().next().unwrap_or_default(),
            repeat: Repeat::Idempotent,
            deadline,
        };
        upstream.call(target, &outgoing).await
    }
}

/// See [`Forward::existing`].
pub(super) fn existing(found: Vec<Result<Option<Found>, Failure>>) -> Result<Option<(usize, Found)>, Failure> {
    let (mut below, mut failure) = (None, None);
    for (at, found) in found.into_iter().enumerate() {
        match found {
            Ok(Some(Found::BelowFile)) => below = below.or(Some((at, Found::BelowFile))),
            Ok(Some(found)) => return Ok(Some((at, found))),
            Ok(None) => {}
            Err(error) if error.is_shed() => failure = Some(error),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        Some(failure) if below.is_none() => Err(failure),
        _ => Ok(below),
    }
}

/// The directory above a location; of the root, the root.
pub(super) fn parent<'l>(location: &Location<'l>) -> Location<'l> {
    let above = location.path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty());
    Location { path: Cow::Owned(above.unwrap_or("/").to_owned()), ..*location }
}

/// Whether a NameNode found a file where the path has a directory. It says so by refusing access, as to what can't be passed.
pub(super) fn is_below_file(failure: &Failure) -> bool {
    let Failure::Remote(exception) = failure else { return false };
    let class = [class::ACCESS_CONTROL, class::PARENT_NOT_DIRECTORY].iter().any(|class| exception.is(class));
    class && exception.message.lines().next().is_some_and(|line| line.ends_with("(is not a directory)"))
}
