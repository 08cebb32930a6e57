//! A client's calls: from the method's row to the answer.

mod caller_context;
mod impersonation;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anabranch_federation::{Growth, MountTable, Placement, fnv1a};
use anabranch_hdfs_proto::common::HaServiceStateProto;
use anabranch_hdfs_proto::hdfs::HaServiceStateResponseProto;
use anabranch_hrpc::{Call, CallId, Exception, Handler, Identity, Payload, Protocol, Reply};
use bytes::Bytes;

pub use caller_context::of_client;
pub use impersonation::Impersonation;

use crate::core::Core;
use crate::facts;
use crate::forward::Forward;
use crate::merge;
use crate::method::{self, Category, Here, Route, Row};
use crate::metrics::{Ending, Metrics};
use crate::plan::{Caller, Refusal};
use crate::respond::Stop;
use crate::upstream::{
    CLIENT_PROTOCOL, Directory, GET_USER_MAPPINGS_PROTOCOL, NAMENODE_PROTOCOL, REFRESH_USER_MAPPINGS_PROTOCOL,
};

/// Serves ClientProtocol, and the protocols that NameNodes serve beside it, by forwarding.
pub struct Session {
    core: Arc<Core>,
}

impl Session {
    /// A handler over the state of the data plane.
    pub fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    async fn answer(&self, call: &Call, row: &'static Row) -> Result<Bytes, Stop> {
        let core = &*self.core;
        let table = core.mounts.load_full();
        if let Some(answer) = self.here(row, table.is_some() && !core.safe_mode.is_on()) {
            return answer;
        }
        let Some(table) = table else { return Err(self.safe_mode(row.category).into()) };
        let identity = &call.peer.identity;
        let directory = core.upstream.directory();
        let paths = facts::paths(row, call.message())?;
        let usages = if row.growth == Growth::Nothing { None } else { core.quotas.usages() };
        let known = if paths.is_empty() { None } else { core.whereabouts.of(&table) };
        let placement = known.as_ref().map(|known| known.placement(Some(call.peer.address.ip()))).unwrap_or_default();
        let presented = core.presented(identity);
        let forward = Forward {
            core,
            call,
            presented: &presented,
            row,
            table: &table,
            directory: &directory,
            paths: &paths,
            caller: Caller { usages: usages.as_deref(), ..caller(call, &table, row, &directory, placement) },
            deadline: core.upstream.deadline(),
        };
        if row.category == Category::Write {
            // What may change something runs to its end, whether or not anybody waits for it.
            return forward.run().await;
        }
        tokio::select! {
            biased;
            answer = forward.run() => answer,
            () = call.peer.gone.cancelled() => Err(Stop::Gone),
        }
    }

    /// The answer to calls that go nowhere.
    fn here(&self, row: &Row, in_service: bool) -> Option<Result<Bytes, Stop>> {
        let answer = match row.route {
            Route::Here(Here::HaState) => return Some(Ok(ha_state(in_service))),
            _ if row.category == Category::Write && !in_service => Err(self.safe_mode(row.category)),
            Route::Here(Here::Nothing) => Ok(merge::empty()),
            Route::Here(Here::NoTokens) => Err(Refusal::NoTokens),
            Route::SetQuota | Route::QuotaUsage if !self.core.quotas.are_heeded() => Err(Refusal::NoQuota),
            Route::Unsupported => Err(Refusal::Unsupported { method: row.name }),
            _ => return None,
        };
        Some(answer.map_err(Stop::from))
    }

    fn safe_mode(&self, category: Category) -> Refusal {
        Refusal::SafeMode { router: self.core.config.router_id.clone(), category: category.word() }
    }
}

impl Handler for Session {
    fn protocols(&self) -> &'static [Protocol] {
        &[CLIENT_PROTOCOL, NAMENODE_PROTOCOL, GET_USER_MAPPINGS_PROTOCOL, REFRESH_USER_MAPPINGS_PROTOCOL]
    }

    async fn authorize(&self, peer: SocketAddr, identity: &Identity, _protocol: &str) -> Result<(), Exception> {
        self.core.authorize(peer, identity).await
    }

    async fn call(&self, call: Call) -> Reply {
        let found = method::find(call.method.as_str()).filter(|(_, row)| row.protocol.name == call.protocol);
        let Some((at, row)) = found else {
            return Err(Exception::no_such_method(call.method.as_str(), call.protocol));
        };
        let mut counted = Counted::new(&self.core.metrics, at);
        match self.answer(&call, row).await {
            Ok(reply) => {
                counted.ending = Ending::Ok;
                Ok(Payload::raw(reply))
            }
            Err(stop) => {
                counted.ending = stop.ending();
                if let Stop::Refused(refusal) = &stop {
                    self.core.metrics.tally.refused(refusal);
                    if let Refusal::QuotaExceeded(exceeded) = refusal {
                        self.core.metrics.quotas.refused(exceeded.what);
                        self.core.quotas.doubt(&exceeded.source);
                    }
                }
                tracing::debug!(method = row.name, user = %call.peer.identity, ?stop, "call is refused");
                Err(stop.into_exception(&self.core.config.router_id))
            }
        }
    }
}

fn caller<'a>(
    call: &'a Call,
    table: &MountTable,
    row: &Row,
    directory: &'a Directory,
    placement: Placement<'a>,
) -> Caller<'a> {
    // Orders look at more than the path only where a mount has several destinations; a random number is cheap enough.
    let random = (!table.is_empty() && !row.paths.is_empty()).then(|| drawn(&call.id));
    let placement = Placement { random, all: directory.ids(), ..placement };
    Caller { user: call.peer.identity.short_name(), placement, disabled: directory.disabled(), usages: None }
}

/// A random number that is the same for each try of a call, at whichever router: a file must not be made in one subcluster by
/// the first and in another one by the second. Clients without an id cannot be recognised.
fn drawn(id: &CallId) -> u64 {
    if id.client_id.is_empty() {
        return rand::random();
    }
    let bits = fnv1a(id.client_id.iter().copied().chain(id.call_id.to_be_bytes()));
    // FNV hardly mixes the high bits, which decide; this is how SplitMix64 ends.
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn ha_state(in_service: bool) -> Bytes {
    let state = if in_service { HaServiceStateProto::Active } else { HaServiceStateProto::Standby };
    let message = HaServiceStateResponseProto { state: state.into() };
    Payload::message(&message).0.swap_remove(0)
}

/// Counts a call when it ends, however it ends.
struct Counted<'a> {
    metrics: &'a Metrics,
    row: usize,
    ending: Ending,
    began: Instant,
}

impl<'a> Counted<'a> {
    fn new(metrics: &'a Metrics, row: usize) -> Self {
        metrics.in_flight.inc();
        Self { metrics, row, ending: Ending::Abandoned, began: Instant::now() }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        self.metrics.ended(self.row, self.ending, self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of_val;
    use std::time::Duration;

    use anabranch_hrpc::{CallId, Peer};
    use anabranch_telemetry::Readiness;
    use arc_swap::{ArcSwap, ArcSwapOption};
    use tokio::sync::watch;

    use super::*;
    use crate::block_pools::BlockPools;
    use crate::config::RouterConfig;
    use crate::groups::Groups;
    use crate::quotas::Quotas;
    use crate::safe_mode::SafeMode;
    use crate::upstream::{Room, Upstream};
    use crate::whereabouts::Whereabouts;

    fn session() -> Session {
        let config = RouterConfig::default();
        let metrics = Arc::new(Metrics::new(&prometheus::Registry::new()).unwrap());
        Session::new(Arc::new(Core {
            mounts: ArcSwapOption::empty(),
            revision: watch::Sender::new(None),
            safe_mode: SafeMode::new(true, false, &Readiness::new()),
            upstream: Upstream::new(Vec::new(), config.upstream.clone(), Room::new(0, &[]), metrics.clone()),
            whereabouts: Whereabouts::new(0.6),
            pools: BlockPools::default(),
            impersonation: ArcSwap::default(),
            quotas: Quotas::new(&config.quota),
            groups: Groups::new(&[], Duration::MAX),
            metrics,
            config,
        }))
    }

    #[test]
    fn each_try_of_a_call_draws_the_same() {
        let of = |client: u8, call_id, retry_count| {
            drawn(&CallId { client_id: Bytes::from(vec![client; 16]), call_id, retry_count })
        };
        let upper = (0..1_000).filter(|call| of(1, *call, 0) > u64::MAX / 2).count();
        assert!((400..600).contains(&upper), "{upper}");
        assert_eq!(of(1, 5, 0), of(1, 5, 3));
        assert_ne!(of(1, 5, 0), of(2, 5, 0));
        let anonymous = CallId { client_id: Bytes::new(), call_id: 5, retry_count: 0 };
        assert_ne!(drawn(&anonymous), drawn(&anonymous));
    }

    /// Thousands of calls wait at the same time; what each of them holds is moved when it begins.
    #[test]
    fn a_call_in_flight_takes_little_memory() {
        let peer = Peer {
            address: ([127, 0, 0, 1], 1).into(),
            identity: Identity::simple("a"),
            gone: Default::default(),
            note: Default::default(),
        };
        let call = Call {
            id: CallId { client_id: Bytes::new(), call_id: 0, retry_count: 0 },
            method: "getFileInfo".into(),
            protocol: CLIENT_PROTOCOL.name,
            caller_context: None,
            federated_state: None,
            payload: Bytes::new(),
            message_at: 0,
            peer: Arc::new(peer),
        };
        let session = session();
        let size = size_of_val(&session.call(call));
        assert!(size <= 3072, "{size} bytes");
    }
}
