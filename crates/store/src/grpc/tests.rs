//! Over real connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ClientOptions, GrpcStore, ServeError, ServerOptions, StoreServer};
use crate::suite::{self, HISTORY, Sample, Store};
use crate::{JournalStore, Membership, MemoryJournal, Options, RouterState, StateStore};

mod conformance;
mod faults;
mod hardship;
mod read_only;
mod restart;
mod seeds;
mod tls;

const PATIENCE: Duration = Duration::from_secs(30);

/// A store with a short history.
fn journal_store() -> JournalStore {
    JournalStore::new(MemoryJournal::default(), &Options { history: HISTORY, ..Options::default() })
}

/// A server that is stopped when dropped.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    registry: prometheus::Registry,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    async fn start(store: impl StateStore) -> Self {
        Self::with(store, ServerOptions::default(), "127.0.0.1:0".parse().unwrap()).await
    }

    async fn with(store: impl StateStore, options: ServerOptions, at: SocketAddr) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, registry) = (CancellationToken::new(), prometheus::Registry::new());
        let server = StoreServer::new(Arc::new(store), options, &registry, stop.clone()).unwrap();
        Self { address, stop, registry, task: tokio::spawn(server.serve(listener)) }
    }

    /// Stops it as a deployment does, and waits for its end.
    async fn end(mut self) -> SocketAddr {
        self.stop.cancel();
        (&mut self.task).await.unwrap().unwrap();
        self.address
    }

    fn metric(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name);
        let metrics = family.into_iter().flat_map(|family| family.get_metric());
        metrics.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn client(address: SocketAddr) -> GrpcStore {
    GrpcStore::new(&ClientOptions::new([address.to_string()])).unwrap()
}

/// A client that gives up soon.
fn hasty(address: SocketAddr) -> GrpcStore {
    let soon = Duration::from_millis(500);
    let options =
        ClientOptions { connect: soon, call: soon, keep_alive: soon, ..ClientOptions::new([address.to_string()]) };
    GrpcStore::new(&options).unwrap()
}
