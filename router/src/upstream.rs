//! Subclusters: which NameNode gets a call, over which connection, and what happens when it fails.

mod compose;
mod directory;
mod failover;
mod failure;
mod namenode;
mod nameservice;
mod pool;
mod room;
mod trouble;
mod users;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anabranch_federation::NameserviceId;
use anabranch_federation::membership::Registration;
use anabranch_hrpc::{CallId, CallerContext, ConnectOptions, Identity, Payload, Protocol, Request};
use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::{Duration, Instant};

pub use compose::Member;
use compose::{Composition, compose};
pub use directory::Directory;
pub use failover::{Journey, Outcome, Step};
pub use failure::Failure;
pub use namenode::Namenode;
pub use nameservice::Nameservice;
pub use pool::Connected;
pub use room::Room;
pub(crate) use trouble::Trouble;

use crate::config::{NameserviceConfig, UpstreamConfig};
use crate::method::Repeat;
use crate::metrics::Metrics;

/// What clients speak.
pub const CLIENT_PROTOCOL: Protocol = Protocol { name: "org.apache.hadoop.hdfs.protocol.ClientProtocol", version: 1 };
/// What NameNodes speak among themselves; tells which block pool a NameNode has.
pub const NAMENODE_PROTOCOL: Protocol =
    Protocol { name: "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol", version: 1 };

/// Asks which groups NameNodes see a user in.
pub const GET_USER_MAPPINGS_PROTOCOL: Protocol =
    Protocol { name: "org.apache.hadoop.tools.GetUserMappingsProtocol", version: 1 };
/// Makes NameNodes read groups, and who may act for whom, anew.
pub const REFRESH_USER_MAPPINGS_PROTOCOL: Protocol =
    Protocol { name: "org.apache.hadoop.security.RefreshUserMappingsProtocol", version: 1 };

/// A call on its way to a NameNode.
pub struct Outgoing<'a> {
    /// Method name.
    pub method: &'static str,
    /// The protocol that declares it.
    pub protocol: Protocol,
    /// As whom.
    pub identity: &'a Identity,
    /// The caller's identity of the call, or the router's for calls of its own.
    pub id: CallId,
    /// Makes what the NameNode notes about the call; asked once per attempt.
    pub context: &'a (dyn Fn() -> Option<CallerContext> + Sync),
    /// The parameter message with its length in front.
    pub payload: Bytes,
    /// Whether it may be sent again when it is not known whether it ran.
    pub repeat: Repeat,
    /// When all attempts must have ended.
    pub deadline: Instant,
}

impl Outgoing<'_> {
    /// Whether a second attempt is harmless after one that may have run.
    fn repeatable(&self) -> bool {
        match self.repeat {
            Repeat::Idempotent => true,
            Repeat::AtMostOnce => self.id.client_id.len() == CLIENT_ID_LENGTH && self.id.call_id >= 0,
            Repeat::Never => false,
        }
    }
}

/// Bytes of a client id that a NameNode's retry cache takes.
const CLIENT_ID_LENGTH: usize = 16;

/// All subclusters.
pub struct Upstream {
    directory: ArcSwap<Directory>,
    configured: Vec<(NameserviceId, NameserviceConfig)>,
    room: Room,
    metrics: Arc<Metrics>,
    options: ConnectOptions,
    config: UpstreamConfig,
    client_id: Bytes,
    next_call: AtomicI32,
}

impl Upstream {
    /// Connects to nothing yet. `room` bounds what is in flight.
    pub fn new(
        configured: Vec<(NameserviceId, NameserviceConfig)>,
        config: UpstreamConfig,
        room: Room,
        metrics: Arc<Metrics>,
    ) -> Self {
        let upstream = Self {
            directory: ArcSwap::default(),
            configured,
            room,
            metrics,
            options: ConnectOptions {
                connect_timeout: config.connect_timeout,
                handshake_timeout: config.handshake_timeout,
                max_frame: config.max_frame,
                idle_close: config.idle_close,
                ping_interval: PING_INTERVAL,
                ..ConnectOptions::default()
            },
            config,
            client_id: Bytes::copy_from_slice(&rand::random::<[u8; CLIENT_ID_LENGTH]>()),
            next_call: AtomicI32::new(0),
        };
        upstream.update(&[], Vec::new());
        upstream
    }

    /// The subclusters that there are now.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Puts what the records of the fleet say in use. Calls that have begun keep what they began with. There is one who
    /// calls this, so that no update is lost to another.
    pub fn update(&self, registrations: &[Registration], disabled: Vec<NameserviceId>) {
        let last = self.directory();
        let in_use = |id: &str| last.get(id).map_or_else(Vec::new, |known| known.members().to_vec());
        let composed = compose(&self.configured, registrations, in_use);
        let every = composed.into_iter().map(|one| self.nameservice(&last, one)).collect();
        self.directory.store(Arc::new(Directory::new(every, disabled)));
    }

    fn nameservice(&self, last: &Directory, (id, members): Composition) -> Arc<Nameservice> {
        let connections = self.config.max_connections;
        match last.get(id.as_str()) {
            Some(known) if known.members() == members => known.clone(),
            Some(known) => {
                tracing::info!(nameservice = %id, namenodes = %shown(&members), "the NameNodes of a nameservice changed");
                Arc::new(known.with_members(members, connections))
            }
            None => {
                let metrics = self.metrics.nameservice(id.as_str());
                Arc::new(Nameservice::new(id.clone(), members, self.room.share(&id), connections, metrics))
            }
        }
    }

    /// An identity for a call of the router's own.
    pub fn own_call(&self) -> CallId {
        let call_id = self.next_call.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        CallId { client_id: self.client_id.clone(), call_id, retry_count: 0 }
    }

    /// When a call that starts now must have ended.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.config.call_timeout
    }

    /// Sends a call to the active NameNode and returns the result message with its length in front.
    pub async fn call(&self, nameservice: &Nameservice, call: &Outgoing<'_>) -> Result<Bytes, Failure> {
        let flight = nameservice.admit(&call.identity.user, call.payload.len())?;
        if nameservice.callable() == 0 {
            return Err(Failure::NoActive {
                nameservice: nameservice.id().to_string(),
                method: call.method.to_owned(),
            });
        }
        let repeatable = call.repeatable();
        let first = nameservice.preferred();
        let mut journey = Journey::new(nameservice.callable(), first, self.config.max_attempts);
        loop {
            let at = journey.namenode();
            let namenode = &nameservice.namenodes()[at];
            let result = tokio::select! {
                biased;
                result = self.attempt(namenode, call) => result,
                () = nameservice.superseded(namenode), if repeatable => Err(Trouble::Superseded),
            };
            let outcome = result.as_ref().map_or_else(Trouble::outcome, |_| Outcome::Answered);
            nameservice.metrics().attempts.ended(outcome);
            match journey.step(outcome, repeatable) {
                Step::Finish => {
                    // An answer of the one that was asked first may be older than what other calls found out since.
                    if at != first {
                        nameservice.prefer(at);
                    }
                    flight.answered();
                    return result.map_err(|trouble| trouble.failure(nameservice.id(), call.method, repeatable));
                }
                Step::Same | Step::Next => {
                    nameservice.metrics().attempts.retry();
                    tracing::debug!(nameservice = %nameservice.id(), method = call.method, ?outcome, "call is tried again");
                }
                Step::GiveUp => {
                    nameservice.metrics().attempts.gave_up();
                    if outcome == Outcome::TimedOut {
                        nameservice.doubt(at);
                    }
                    return result.map_err(|trouble| trouble.failure(nameservice.id(), call.method, repeatable));
                }
            }
        }
    }

    /// Sends a call to each NameNode of a subcluster at once; standby ones take part.
    ///
    /// # Errors
    /// The first failure in their order: what one of them did not do, the caller has to know of.
    pub async fn call_each(&self, nameservice: &Nameservice, call: &Outgoing<'_>) -> Result<Bytes, Failure> {
        let _flight = nameservice.admit(&call.identity.user, call.payload.len())?;
        let results = join_all(nameservice.namenodes().iter().map(|namenode| self.attempt(namenode, call))).await;
        let mut last = Bytes::new();
        for result in results {
            last = result.map_err(|trouble| trouble.failure(nameservice.id(), call.method, call.repeatable()))?;
        }
        Ok(last)
    }

    async fn attempt(&self, namenode: &Namenode, call: &Outgoing<'_>) -> Result<Bytes, Trouble> {
        let mut others = 0;
        loop {
            let connection =
                namenode.connection(call.identity, call.protocol, others, &self.options, call.deadline).await?;
            let request = Request {
                id: call.id.clone(),
                method: call.method.into(),
                protocol: call.protocol.name,
                version: call.protocol.version,
                caller_context: (call.context)(),
                payload: Payload::raw(call.payload.clone()),
                deadline: call.deadline,
            };
            match connection.call(request).await.map_err(Trouble::from) {
                // The same call is in flight there: a client that lost patience has sent it again.
                Err(Trouble::Duplicate) if others < MAX_DUPLICATES => others += 1,
                result => return result,
            }
        }
    }
}

/// NameNodes and their states, for the log.
fn shown(members: &[Member]) -> String {
    let one =
        |member: &Member| format!("{}={}", member.address, member.state.map_or("unreported", |state| state.name()));
    members.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A NameNode that is silent this long while calls wait is pinged, so that the loss of its machine shows before those calls
/// have run out of time.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// How many connections the same call may be in flight on at once.
const MAX_DUPLICATES: usize = 3;
