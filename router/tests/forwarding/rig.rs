//! A router over fake NameNodes, and a client of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anabranch_federation::{MountEntry, MountTable, NameserviceId, Order};
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{
    CallId, CallerContext, ClientError, ConnectOptions, Connection, Exception, Identity, Payload, Request, wire,
};
use anabranch_router::config::{AdminConfig, NamenodeConfig, NameserviceConfig};
use anabranch_router::{Router, RouterConfig, RunningRouter, Runtimes, Sources};
use anabranch_store::StateStore;
use anabranch_telemetry::{Build, Metrics, Readiness};
use anabranch_testkit::fake_namenode::{FakeNamenode, PATIENCE};
use bytes::Bytes;
use prost::Message;
use tokio::sync::watch;
use tokio::time::Instant;

pub const CLIENT_ID: &[u8; 16] = b"0123456789abcdef";

pub struct Rig {
    pub router: RunningRouter,
    pub metrics: Metrics,
    pub readiness: Readiness,
    pub mounts: watch::Sender<Option<Arc<MountTable>>>,
}

/// `(source, [(nameservice, path)])`, with one destination or in HASH_ALL order.
pub type Mount<'a> = (&'a str, &'a [(&'a str, &'a str)]);

pub fn table(mounts: &[Mount<'_>], default: Option<&str>) -> Arc<MountTable> {
    let entries = mounts.iter().map(|(source, destinations)| {
        let order = if destinations.len() > 1 { Order::HashAll } else { Order::Hash };
        let entry = MountEntry::parse(source, destinations.iter().copied()).unwrap();
        MountEntry { order, read_only: source.contains("read-only"), owner: "mounter".into(), ..entry }
    });
    Arc::new(MountTable::build(entries, default.map(|id| NameserviceId::parse(id).unwrap())))
}

pub fn config(nameservices: &[(&str, &[SocketAddr])]) -> RouterConfig {
    let nameservices = nameservices
        .iter()
        .map(|(id, addresses)| NameserviceConfig {
            id: id.to_string(),
            namenodes: addresses
                .iter()
                .map(|address| NamenodeConfig { id: None, rpc_address: address.to_string() })
                .collect(),
        })
        .collect();
    RouterConfig {
        router_id: "host_8888".into(),
        rpc_address: (Ipv4Addr::LOCALHOST, 0).into(),
        http_address: None,
        admin: AdminConfig { address: None, ..AdminConfig::default() },
        nameservices,
        ..RouterConfig::default()
    }
}

impl Rig {
    pub async fn start(config: RouterConfig, table: Option<Arc<MountTable>>) -> Self {
        Self::start_in_fleet(config, table, None).await
    }

    pub async fn start_in_fleet(
        config: RouterConfig,
        table: Option<Arc<MountTable>>,
        store: Option<Arc<dyn StateStore>>,
    ) -> Self {
        let metrics = Metrics::new(Build::of("1.2.3", Some("abc"))).unwrap();
        let readiness = Readiness::new();
        let loaded = table.is_some();
        let (mounts, receiver) = watch::channel(table);
        let sources = Sources { store, ..Sources::from(receiver) };
        let router = Router::start(config, sources, &metrics, &readiness, &Runtimes::current()).await.unwrap();
        if loaded {
            readiness.wait_ready().await;
        }
        Self { router, metrics, readiness, mounts }
    }

    pub async fn client(&self, user: &str) -> Client {
        self.client_as(Identity::simple(user)).await
    }

    pub async fn client_as(&self, identity: Identity) -> Client {
        Client::connect(self.router.rpc_addr, identity).await
    }

    /// Waits until a line of the metrics reads so.
    pub async fn wait_metric(&self, line: &str) {
        let ends = Instant::now() + PATIENCE;
        loop {
            let text = self.metrics.render().unwrap();
            if text.lines().any(|found| found == line) {
                return;
            }
            assert!(Instant::now() < ends, "no {line:?} in {text}");
            tokio::task::yield_now().await;
        }
    }
}

pub struct Client {
    connection: Connection,
    next: AtomicI32,
}

impl Client {
    pub async fn connect(router: SocketAddr, identity: Identity) -> Self {
        let options = ConnectOptions::default();
        let protocol = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
        let connection = Connection::open(router, &identity, protocol, &options).await.unwrap();
        Self { connection, next: AtomicI32::new(0) }
    }

    pub async fn raw(&self, id: CallId, method: &'static str, payload: Payload) -> Result<Bytes, ClientError> {
        let request = Request {
            id,
            method: method.into(),
            protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
            version: 1,
            caller_context: Some(CallerContext { context: "job_7,clientIp:6.6.6.6".into(), signature: None }),
            payload,
            deadline: Instant::now() + PATIENCE,
        };
        self.connection.call(request).await
    }

    pub fn id(&self) -> CallId {
        let call_id = self.next.fetch_add(1, Ordering::Relaxed);
        CallId { client_id: Bytes::from_static(CLIENT_ID), call_id, retry_count: 0 }
    }

    pub async fn call<R: Message + Default>(
        &self,
        method: &'static str,
        request: impl Message,
    ) -> Result<R, Exception> {
        match self.raw(self.id(), method, Payload::message(&request)).await {
            Ok(reply) => Ok(R::decode(wire::take_delimited(&mut &reply[..]).unwrap()).unwrap()),
            Err(ClientError::Remote(exception) | ClientError::Fatal(exception)) => Err(exception),
            Err(other) => panic!("{method}: {other}"),
        }
    }

    pub async fn info(&self, src: &str) -> Result<Option<pb::HdfsFileStatusProto>, Exception> {
        let request = pb::GetFileInfoRequestProto { src: src.into() };
        Ok(self.call::<pb::GetFileInfoResponseProto>("getFileInfo", request).await?.fs)
    }

    /// Names in a listing.
    pub async fn list(&self, src: &str) -> Result<Option<Vec<String>>, Exception> {
        let request = pb::GetListingRequestProto { src: src.into(), ..Default::default() };
        let list = self.call::<pb::GetListingResponseProto>("getListing", request).await?.dir_list;
        Ok(list.map(|list| list.partial_listing.iter().map(name).collect()))
    }
}

fn name(status: &pb::HdfsFileStatusProto) -> String {
    format!("{}:{}", String::from_utf8_lossy(&status.path), status.owner)
}

pub fn directory(name: &str, owner: &str) -> pb::HdfsFileStatusProto {
    pb::HdfsFileStatusProto {
        file_type: pb::hdfs_file_status_proto::FileType::IsDir.into(),
        path: Bytes::copy_from_slice(name.as_bytes()),
        owner: owner.into(),
        ..Default::default()
    }
}

pub fn info(status: Option<pb::HdfsFileStatusProto>) -> pb::GetFileInfoResponseProto {
    pb::GetFileInfoResponseProto { fs: status }
}

pub fn listing(statuses: Vec<pb::HdfsFileStatusProto>) -> pb::GetListingResponseProto {
    let list = pb::DirectoryListingProto { partial_listing: statuses, remaining_entries: 0 };
    pb::GetListingResponseProto { dir_list: Some(list) }
}

/// A fake whose every path is a directory of this owner.
pub async fn namenode(pool: &str, owner: &str) -> FakeNamenode {
    let fake = FakeNamenode::start(pool).await.unwrap();
    fake.answer("getFileInfo", info(Some(directory("", owner))));
    fake
}
