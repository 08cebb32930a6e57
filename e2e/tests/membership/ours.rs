//! Our router, watching the NameNodes that the Java router watches.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountTable;
use anabranch_hdfs_proto::hdfs::{
    FsPermissionProto, MkdirsRequestProto, NamenodeMembershipRecordProto, RouterRecordProto,
};
use anabranch_hrpc::{CallId, ConnectOptions, Connection, Identity, Payload, Request};
use anabranch_router::config::{AdminConfig, HeartbeatConfig, MonitoredNamenode, WebScheme};
use anabranch_router::{Router, RouterConfig, RunningRouter, Runtimes, Sources};
use anabranch_store::{Change, Event, JournalStore, Membership, Reader, RouterState, Watch};
use anabranch_telemetry::{Build, Metrics, Readiness};
use anabranch_testkit::process::user;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

/// A fleet of one.
pub struct Fleet {
    store: JournalStore,
    watch: Box<dyn Watch<Membership>>,
    _router: RunningRouter,
}

impl Fleet {
    /// Watches what is in these records, by the same addresses, and under the same name.
    pub async fn start(records: &[NamenodeMembershipRecordProto]) -> Self {
        let namenode = |record: &NamenodeMembershipRecordProto| MonitoredNamenode {
            nameservice: record.nameservice_id().to_owned(),
            namenode: record.namenode_id.clone(),
            rpc_address: record.rpc_address().to_owned(),
            service_address: record.service_address().to_owned(),
            lifeline_address: record.lifeline_address().to_owned(),
            web_address: record.web_address().to_owned(),
            web_scheme: WebScheme::Http,
        };
        // What the configuration says of those that were found by looking a name up.
        let before = |found: &NamenodeMembershipRecordProto| {
            let at = |address: &str| address.replace("localhost", "127.0.0.1");
            let found = namenode(found);
            MonitoredNamenode {
                namenode: found.namenode.map(|id| id.replace("-localhost", "")),
                rpc_address: at(&found.rpc_address),
                service_address: at(&found.service_address),
                lifeline_address: at(&found.lifeline_address),
                web_address: at(&found.web_address),
                ..found
            }
        };
        let (resolved, plain): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.namenode_id.is_some());
        let heartbeat = HeartbeatConfig {
            namenodes: plain.into_iter().map(namenode).collect(),
            resolved: resolved.into_iter().map(before).collect(),
            interval: Duration::from_millis(100),
            ..HeartbeatConfig::default()
        };
        let config = RouterConfig {
            router_id: records[0].router_id().to_owned(),
            rpc_address: (Ipv4Addr::LOCALHOST, 0).into(),
            http_address: None,
            admin: AdminConfig { address: Some((Ipv4Addr::LOCALHOST, 0).into()), ..AdminConfig::default() },
            superuser: user(),
            heartbeat,
            ..RouterConfig::default()
        };
        let store = JournalStore::in_memory();
        let build = Build::of("0", None);
        let (metrics, readiness) = (Metrics::new(build).unwrap(), Readiness::new());
        let mounts = watch::channel(Some(Arc::new(MountTable::default()))).1;
        let sources = Sources { store: Some(Arc::new(store.clone())), ..Sources::from(mounts) };
        let runtimes = Runtimes::current();
        let started = Router::start(config, sources, &metrics, &readiness, &runtimes);
        let watch = Reader::<Membership>::watch(&store, None);
        Self { watch, _router: started.await.unwrap(), store }
    }

    /// What it wrote next.
    pub async fn written(&mut self) -> Vec<NamenodeMembershipRecordProto> {
        match timeout(PATIENCE, self.watch.next()).await.expect("nothing is written any more").unwrap() {
            Event::Snapshot(snapshot) => snapshot.records.into_iter().map(|one| one.record.message().clone()).collect(),
            Event::Changed { changes, .. } => changes
                .iter()
                .filter_map(|change| match change {
                    Change::Put { record, .. } => Some(record.message().clone()),
                    Change::Delete(_) => None,
                })
                .collect(),
            Event::FellBehind => Vec::new(),
        }
    }

    /// What it says of itself.
    pub async fn router(&self) -> RouterRecordProto {
        let mut routers = Reader::<RouterState>::list(&self.store).await.unwrap().records;
        routers.pop().unwrap().record.message().clone()
    }
}

/// Makes some directories, so that there is something to count.
pub async fn make_directories(namenode: &str) {
    let address = tokio::net::lookup_host(namenode).await.unwrap().next().unwrap();
    let protocol = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
    let identity = Identity::simple(user());
    let connection = Connection::open(address, &identity, protocol, &ConnectOptions::default()).await.unwrap();
    for call_id in 0..3 {
        let masked = FsPermissionProto { perm: 0o755 };
        let src = format!("/counted/{call_id}");
        let mkdirs = MkdirsRequestProto { src, masked, create_parent: true, unmasked: None };
        let request = Request {
            id: CallId { client_id: Bytes::from_static(b"0123456789abcdef"), call_id, retry_count: 0 },
            method: "mkdirs".into(),
            protocol,
            version: 1,
            caller_context: None,
            payload: Payload::message(&mkdirs),
            deadline: Instant::now() + PATIENCE,
        };
        connection.call(request).await.unwrap();
    }
}
