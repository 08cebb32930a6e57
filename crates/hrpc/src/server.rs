//! A port that speaks Hadoop RPC.

mod budget;
mod connection;
mod drain;
mod limits;
mod meta;
mod stats;

use std::future::{Future, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

pub use drain::Drain;
pub use limits::Limits;
pub use stats::ServerStats;

use crate::{Call, Exception, Identity, Reply};
use budget::Budget;
use connection::{Session, serve_call};

/// A protocol that a port serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// The Java interface, such as `org.apache.hadoop.hdfs.protocol.ClientProtocol`.
    pub name: &'static str,
    /// The one version of it that is served.
    pub version: u64,
}

/// What a port does with calls.
pub trait Handler: Send + Sync + 'static {
    /// What is served. Protocol and version of a call are checked before [`Handler::call`]; `ProtocolMetaInfoPB` is
    /// answered from this list.
    fn protocols(&self) -> &'static [Protocol];

    /// Whether the identity that a connection claims may call the protocol that it names (which may be empty). An error
    /// is sent as FATAL, and the connection closed. No call is taken before it is known; it must not block, and has the time
    /// of a handshake. Without an answer of its own a handler lets nobody impersonate.
    fn authorize(
        &self,
        peer: SocketAddr,
        identity: &Identity,
        protocol: &str,
    ) -> impl Future<Output = Result<(), Exception>> + Send {
        let _ = (peer, protocol);
        ready(match &identity.real_user {
            None => Ok(()),
            Some(real) => Err(Exception::impersonation_refused(real, &identity.user)),
        })
    }

    /// Answers a call. It runs on the connection's task, beside the other calls of the connection, and so must not
    /// block. A peer that leaves does not cut it short: `call.peer.gone` tells. The deadline of a drain does.
    fn call(&self, call: Call) -> impl Future<Output = Reply> + Send;
}

/// A port before it is served.
#[derive(Debug)]
pub struct Server<H> {
    handler: Arc<H>,
    shared: Arc<Shared>,
}

/// What the connections of a server share.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    stats: Arc<ServerStats>,
    budget: Budget,
}

/// How long a failing accept waits for descriptors to come free; there is nothing to be woken by.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

impl<H: Handler> Server<H> {
    /// A server within limits.
    pub fn new(handler: Arc<H>, limits: Limits) -> Self {
        let stats = Arc::<ServerStats>::default();
        let budget = Budget::new(limits.max_bytes_in_flight, stats.clone());
        Self { handler, shared: Arc::new(Shared { limits, stats, budget }) }
    }

    /// What it counts, while it serves and afterwards.
    pub fn stats(&self) -> Arc<ServerStats> {
        self.shared.stats.clone()
    }

    /// Serves until the drain has started and every connection is gone, which is at its deadline at the latest.
    pub async fn serve(self, listener: TcpListener, drain: Drain) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.wait_started() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => self.accept(&connections, stream, address, &drain),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; trying again");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }

    fn accept(&self, connections: &TaskTracker, stream: TcpStream, address: SocketAddr, drain: &Drain) {
        let Some(open) = self.shared.stats.open(self.shared.limits.max_connections) else {
            tracing::debug!(%address, "refused a connection: too many are open");
            return;
        };
        // Replies are written when there is nothing more to add to them; waiting would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%address, %error, "the connection was gone at once");
            return;
        }
        let (handler, shared, drain) = (self.handler.clone(), self.shared.clone(), drain.clone());
        connections.spawn(async move {
            let handler = &*handler;
            let start = |call, bytes| serve_call(handler, &shared, call, bytes);
            let session = Session::new(stream, address, &shared, handler);
            session.run(start, &drain).await;
            drop(open);
        });
    }
}

/// Errors of `accept` that concern only the connection that was to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
