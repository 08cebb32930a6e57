//! A NameNode that answers what a test tells it to, and remembers what it was asked.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::common::{GetServiceStatusResponseProto, HaServiceStateProto};
use anabranch_hdfs_proto::hdfs::{
    NamespaceInfoProto, SetSafeModeResponseProto, StorageInfoProto, VersionResponseProto,
};
use anabranch_hrpc::{Call, Drain, Exception, Handler, Identity, Limits, Payload, Protocol, Reply, Server, class};
use anyhow::Context;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than anything takes that is not broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

type Script = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

/// A running fake. It ends when it is dropped.
pub struct FakeNamenode {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    drain: Drain,
    task: JoinHandle<()>,
}

struct State {
    block_pool: String,
    scripts: Mutex<HashMap<&'static str, Script>>,
    /// Methods whose calls wait.
    held: watch::Sender<Vec<&'static str>>,
    standby: Mutex<bool>,
    /// What it says of its high availability state; none if it knows of no such thing.
    ha: Mutex<Option<HaServiceStateProto>>,
    calls: watch::Sender<Vec<Call>>,
}

impl FakeNamenode {
    /// On a free port of the loopback interface. `block_pool` is what `versionRequest` tells.
    pub async fn start(block_pool: &str) -> anyhow::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), block_pool).await
    }

    /// At an address, such as that of a fake that was stopped.
    pub async fn start_at(address: SocketAddr, block_pool: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            block_pool: block_pool.to_owned(),
            scripts: Mutex::default(),
            held: watch::Sender::default(),
            standby: Mutex::new(false),
            ha: Mutex::new(None),
            calls: watch::Sender::default(),
        });
        let drain = Drain::new(Duration::ZERO);
        let task = tokio::spawn(Server::new(state.clone(), Limits::default()).serve(listener, drain.clone()));
        Ok(Self { address, state, drain, task })
    }

    /// From now on, calls of this method are answered so.
    pub fn script(&self, method: &'static str, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        self.state.scripts.lock().insert(method, Arc::new(answer));
    }

    /// From now on, calls of this method have this result.
    pub fn answer(&self, method: &'static str, result: impl Message + 'static) {
        let payload = Payload::message(&result);
        self.script(method, move |_| Ok(payload.clone()));
    }

    /// From now on, calls of this method throw.
    pub fn throw(&self, method: &'static str, class: &'static str, message: &str) {
        let exception = Exception::new(class, message);
        self.script(method, move |_| Err(exception.clone()));
    }

    /// Whether it answers that it is not the active one.
    pub fn set_standby(&self, standby: bool) {
        *self.state.standby.lock() = standby;
    }

    /// What `getServiceStatus` tells; what is neither active nor observer throws at calls of clients.
    pub fn set_state(&self, state: HaServiceStateProto) {
        *self.state.ha.lock() = Some(state);
        self.set_standby(!matches!(state, HaServiceStateProto::Active | HaServiceStateProto::Observer));
    }

    /// Calls of this method wait until [`FakeNamenode::release`].
    pub fn hold(&self, method: &'static str) {
        self.state.held.send_modify(|held| held.push(method));
    }

    /// Nothing waits any more.
    pub fn release(&self) {
        self.state.held.send_replace(Vec::new());
    }

    /// The calls of a method until now, in the order in which they came; those to a standby too.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        of(&self.state.calls.borrow(), method)
    }

    /// Waits for the first `count` calls of a method to have come, and returns all that have.
    ///
    /// # Panics
    /// When they do not come within [`PATIENCE`].
    pub async fn wait_calls(&self, method: &str, count: usize) -> Vec<Call> {
        let mut calls = self.state.calls.subscribe();
        let arrived = calls.wait_for(|calls| of(calls, method).len() >= count);
        let arrived = tokio::time::timeout(PATIENCE, arrived).await;
        assert!(arrived.is_ok(), "{count} calls of {method} were to come, {} did", self.calls(method).len());
        self.calls(method)
    }

    /// Ends it: its port is free and its connections are cut when this returns.
    pub async fn stop(mut self) {
        self.drain.start();
        // The server ends by itself; that it panicked, the test would have seen.
        let _ = (&mut self.task).await;
    }
}

impl Drop for FakeNamenode {
    fn drop(&mut self) {
        self.drain.start();
    }
}

fn of(calls: &[Call], method: &str) -> Vec<Call> {
    calls.iter().filter(|call| call.method.as_str() == method).cloned().collect()
}

impl Handler for State {
    fn protocols(&self) -> &'static [Protocol] {
        &[
            Protocol { name: "org.apache.hadoop.hdfs.protocol.ClientProtocol", version: 1 },
            Protocol { name: "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol", version: 1 },
            Protocol { name: "org.apache.hadoop.ha.HAServiceProtocol", version: 1 },
        ]
    }

    async fn authorize(&self, _: SocketAddr, _: &Identity, _: &str) -> Result<(), Exception> {
        Ok(())
    }

    async fn call(&self, call: Call) -> Reply {
        let method = call.method.as_str().to_owned();
        self.calls.send_modify(|calls| calls.push(call.clone()));
        if *self.standby.lock() && !PROBES.contains(&method.as_str()) {
            let message =
                "Operation category READ is not supported in state standby. Visit https://s.apache.org/sbnn-error";
            return Err(Exception::new(class::STANDBY, message));
        }
        // The sender lives in self, so the channel cannot close while this waits.
        let _ = self.held.subscribe().wait_for(|held| !held.iter().any(|one| *one == method)).await;
        let script = self.scripts.lock().get(method.as_str()).cloned();
        match script {
            Some(answer) => answer(&call),
            None => self.unscripted(&method, call.protocol),
        }
    }
}

/// What a standby answers, too.
const PROBES: [&str; 3] = ["versionRequest", "setSafeMode", "getServiceStatus"];

impl State {
    fn unscripted(&self, method: &str, protocol: &str) -> Reply {
        match method {
            "versionRequest" => {
                let storage_info = StorageInfoProto { cluster_id: CLUSTER.to_owned(), ..Default::default() };
                let block_pool_id = self.block_pool.clone();
                let info = NamespaceInfoProto { block_pool_id, storage_info, ..Default::default() };
                Ok(Payload::message(&VersionResponseProto { info }))
            }
            "setSafeMode" => Ok(Payload::message(&SetSafeModeResponseProto { result: false })),
            "getServiceStatus" => match *self.ha.lock() {
                Some(state) => {
                    let status = GetServiceStatusResponseProto { state: state.into(), ..Default::default() };
                    Ok(Payload::message(&status))
                }
                None => Err(Exception::new(class::IO, "HA for namenode is not enabled")),
            },
            _ => Err(Exception::no_such_method(method, protocol)),
        }
    }
}

/// The cluster id of all fakes.
pub const CLUSTER: &str = "CID-1";
