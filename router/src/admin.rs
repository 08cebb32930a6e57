//! Administration: RouterAdminProtocol and its companions, as `hdfs dfsrouteradmin` calls them.
//!
//! What a call may do is decided by plain functions of the stored records and the caller ([`stored`], [`caller`],
//! [`entry`]); the files of the methods read, decide and write. A write names the version that it replaces, so that a
//! decision never counts for records that have changed meanwhile: it is made anew.

mod caller;
mod destination;
mod entry;
mod listing;
mod mounts;
mod nameservices;
mod problem;
mod quotas;
mod refresh;
mod safe_mode;
mod store;
mod stored;
mod table;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use anabranch_hrpc::{Call, Exception, Handler, Identity, Payload, Protocol, Reply};
use anabranch_store::StateStore;
use prost::Message;
use tokio::runtime::Handle;
use tokio::time::{Duration, Instant, timeout};

use self::caller::Caller;
use self::problem::Problem;
pub(crate) use self::table::METHODS;
use crate::config::ProxyUsers;
use crate::core::Core;

/// How long one call may take, all that it asks of the state store and of subclusters included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads the rules for proxy users again, from where the router got them at its start. May block.
pub type ReadProxyUsers = Arc<dyn Fn() -> Result<ProxyUsers, String> + Send + Sync>;

/// Serves administrators.
pub struct Admin {
    core: Arc<Core>,
    /// None where mounts come from files.
    store: Option<Arc<dyn StateStore>>,
    /// None where there is nothing to read again.
    proxy_users: Option<ReadProxyUsers>,
    /// The runtime of the data plane, which has the connections to NameNodes.
    data: Handle,
}

/// What a method gives.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<Payload, Problem>> + Send + 'a>>;

impl Admin {
    /// A handler over the state of the data plane.
    pub fn new(
        core: Arc<Core>,
        store: Option<Arc<dyn StateStore>>,
        proxy_users: Option<ReadProxyUsers>,
        data: Handle,
    ) -> Self {
        Self { core, store, proxy_users, data }
    }

    /// Who calls, with what decides what they may do.
    async fn caller(&self, call: &Call) -> Caller {
        let (config, identity) = (&self.core.config, &call.peer.identity);
        let groups = self.core.groups.of(identity.short_name()).await;
        Caller::new(config, identity, groups)
    }
}

/// A result.
fn answer(message: &impl Message) -> Result<Payload, Problem> {
    Ok(Payload::message(message))
}

impl Handler for Admin {
    fn protocols(&self) -> &'static [Protocol] {
        table::PROTOCOLS
    }

    async fn authorize(&self, peer: SocketAddr, identity: &Identity, _protocol: &str) -> Result<(), Exception> {
        self.core.authorize(peer, identity).await
    }

    async fn call(&self, call: Call) -> Reply {
        let served =
            |method: &table::Method| method.protocol.name == call.protocol && method.name == call.method.as_str();
        let Some((at, method)) = METHODS.iter().enumerate().find(|(_, method)| served(method)) else {
            return Err(Exception::no_such_method(call.method.as_str(), call.protocol));
        };
        let began = Instant::now();
        let done = timeout(PATIENCE, (method.call)(self, &call)).await;
        let result = done.unwrap_or(Err(Problem::TimedOut { changes: method.changes }));
        self.core.metrics.admin.ended(at, result.is_ok(), began.elapsed());
        let user = &call.peer.identity;
        match &result {
            Ok(_) if method.changes => tracing::info!(method = method.name, %user, "administration"),
            Ok(_) => {}
            Err(problem) => tracing::info!(method = method.name, %user, %problem, "administration: refused"),
        }
        result.map_err(|problem| problem.into_exception(&self.core.config.router_id))
    }
}
