//! One leg of a call: what is sent to one subcluster.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use anabranch_federation::{Location, NameserviceId, fnv1a};
use anabranch_hrpc::{CallId, CallerContext};
use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use super::Forward;
use crate::merge::body;
use crate::method::Repeat;
use crate::respond::restore;
use crate::rewrite::{self, Edit, find};
use crate::session::of_client;
use crate::upstream::{Failure, Nameservice, Outgoing};

/// Where a leg goes, and the paths it has there.
#[derive(Debug, Clone)]
pub struct Leg<'a> {
    /// The subcluster.
    pub nameservice: &'a NameserviceId,
    /// In the order of the call's paths.
    pub paths: SmallVec<[Cow<'a, str>; 1]>,
    /// Another leg of the same call goes to this subcluster too.
    pub repeated: bool,
}

impl<'a> Leg<'a> {
    /// To a location of a call with one path.
    pub fn of(location: &Location<'a>) -> Self {
        let paths = SmallVec::from_buf([location.path.clone()]);
        Self { nameservice: location.nameservice, paths, repeated: false }
    }

    /// To a subcluster, with the paths as they came.
    pub fn to(nameservice: &'a NameserviceId) -> Self {
        Self { nameservice, paths: SmallVec::new(), repeated: false }
    }
}

impl Forward<'_> {
    /// Sends the client's call with the paths of a leg.
    pub(super) async fn send(&self, leg: &Leg<'_>) -> Result<Bytes, Failure> {
        let payload = self.payload(leg)?;
        self.send_payload(leg, payload).await
    }

    /// Sends another parameter message in the name of the client's call.
    pub(super) async fn send_payload(&self, leg: &Leg<'_>, payload: Bytes) -> Result<Bytes, Failure> {
        let nameservice = self.nameservice(leg)?;
        let id = self.identity(leg);
        let context = || Some(self.context(&id));
        let outgoing = self.outgoing(id.clone(), payload, &context);
        match self.core.upstream.call(nameservice, &outgoing).await {
            Ok(reply) => self.received(leg, reply),
            Err(failure) => Err(self.in_mount_paths(leg, failure)),
        }
    }

    /// Sends the client's call to every NameNode of a subcluster.
    pub(super) async fn send_to_each(&self, leg: &Leg<'_>) -> Result<Bytes, Failure> {
        let nameservice = self.nameservice(leg)?;
        let id = self.identity(leg);
        let context = || Some(self.context(&id));
        let outgoing = self.outgoing(id.clone(), self.call.payload.clone(), &context);
        self.core.upstream.call_each(nameservice, &outgoing).await
    }

    /// What a NameNode is told about a call that has this identity.
    pub(super) fn context(&self, id: &CallId) -> CallerContext {
        of_client(self.call, id, &self.core.config.caller_context_separator)
    }

    fn nameservice(&self, leg: &Leg<'_>) -> Result<&Nameservice, Failure> {
        let unknown = || Failure::Unknown { nameservice: leg.nameservice.to_string() };
        Ok(self.directory.get(leg.nameservice.as_str()).ok_or_else(unknown)?)
    }

    fn outgoing<'o>(
        &'o self,
        id: CallId,
        payload: Bytes,
        context: &'o (dyn Fn() -> Option<CallerContext> + Sync),
    ) -> Outgoing<'o> {
        Outgoing {
            method: self.row.name,
            protocol: self.row.protocol,
            identity: self.presented,
            id,
            context,
            payload,
            repeat: match self.row.repeat {
                Repeat::AtMostOnce if self.call.id.client_id.is_empty() => Repeat::Never,
                repeat => repeat,
            },
            deadline: self.deadline,
        }
    }

    /// The client's parameter message with the paths of a leg; the same bytes if they are the same.
    fn payload(&self, leg: &Leg<'_>) -> Result<Bytes, Failure> {
        if leg.paths.is_empty() {
            return Ok(self.call.payload.clone());
        }
        let mut later = 0;
        let mut edit = |place: usize, old: &[u8]| {
            // A repeated field has one path for each of its values.
            later += usize::from(place > 0);
            let at = if place == 0 { 0 } else { later };
            match leg.paths.get(at).or(leg.paths.last()) {
                Some(new) if new.as_bytes() != old => Edit::Put(new.as_bytes()),
                _ => Edit::Keep,
            }
        };
        let changed = rewrite::edit(self.call.message(), self.row.paths, &mut edit)
            .map_err(|malformed| super::unreadable("client", &malformed))?;
        Ok(changed.unwrap_or_else(|| self.call.payload.clone()))
    }

    /// The client's identity of the call; a derived one where the NameNode, or a connection to it, would mistake this leg for
    /// another.
    fn identity(&self, leg: &Leg<'_>) -> CallId {
        let id = &self.call.id;
        // Without an id, calls of several clients look alike.
        if id.client_id.is_empty() {
            return self.core.upstream.own_call();
        }
        if !leg.repeated {
            return id.clone();
        }
        let mark = mark(leg.paths.iter().flat_map(|path| path.bytes()));
        let mut client_id = BytesMut::from(&id.client_id[..]);
        for (byte, mark) in client_id.iter_mut().zip(mark) {
            *byte ^= mark;
        }
        CallId { client_id: client_id.freeze(), ..id.clone() }
    }

    /// Turns a result into what the client may see.
    fn received(&self, leg: &Leg<'_>, reply: Bytes) -> Result<Bytes, Failure> {
        let broken = |malformed| super::unreadable(leg.nameservice.as_str(), &malformed);
        if self.row.data {
            self.call.peer.note.store(noted(leg.nameservice), Ordering::Relaxed);
        }
        if let Some(place) = self.row.block {
            let pool = find(body(&reply), place).map_err(broken)?.and_then(|pool| std::str::from_utf8(pool).ok());
            if let Some(pool) = pool {
                self.core.pools.learn(pool, leg.nameservice);
            }
        }
        if let Some([field]) = self.row.stamp {
            let name = leg.nameservice.as_str().as_bytes();
            let stamped = rewrite::set_in(body(&reply), *field, NAMESPACE, name).map_err(broken)?;
            return Ok(stamped.unwrap_or(reply));
        }
        let (Some(place), Some(remote), Some(mount)) = (self.row.reply_path, leg.paths.first(), self.paths.first())
        else {
            return Ok(reply);
        };
        let places = [place];
        let mut shown: Vec<Option<String>> = Vec::new();
        let mut collect = |_: usize, old: &[u8]| {
            shown.push(std::str::from_utf8(old).ok().and_then(|old| restore(old, remote, mount)));
            Edit::Keep
        };
        rewrite::edit(body(&reply), &places, &mut collect).map_err(broken)?;
        let mut shown = shown.iter();
        let mut replace = |_: usize, _: &[u8]| match shown.next() {
            Some(Some(new)) => Edit::Put(new.as_bytes()),
            _ => Edit::Keep,
        };
        Ok(rewrite::edit(body(&reply), &places, &mut replace).map_err(broken)?.unwrap_or(reply))
    }

    fn in_mount_paths(&self, leg: &Leg<'_>, failure: Failure) -> Failure {
        leg.paths.iter().zip(self.paths).fold(failure, |failure, (remote, mount)| shown(failure, remote, mount))
    }
}

/// A failure as clients may see it, who call `mount` what was sent as `remote`.
pub(super) fn shown(failure: Failure, remote: &str, mount: &str) -> Failure {
    let Failure::Remote(mut exception) = failure else { return failure };
    if let Some(message) = restore(&exception.message, remote, mount) {
        exception.message = message;
    }
    Failure::Remote(exception)
}

/// `namespace` of `HdfsFileStatusProto`.
const NAMESPACE: u32 = 19;

/// As what a connection keeps the subcluster of whose files its client last read or wrote one.
pub(super) fn noted(nameservice: &NameserviceId) -> u64 {
    fnv1a(nameservice.as_str().bytes())
}

/// Eight bytes that differ between paths and are the same on every router and every retry.
fn mark(path: impl Iterator<Item = u8>) -> [u8; 8] {
    fnv1a(path).to_be_bytes()
}
