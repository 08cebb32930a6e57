//! Calls over RPC, as clients make them, on a namespace whose block side is a fake.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "service/hardship.rs"]
mod hardship;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use anabranch_hdfs_proto::hdfs::*;
use anabranch_hrpc::{
    CallId, ClientError, ConnectOptions, Connection, Drain, Exception, Identity, Name, Payload, Request, Server, class,
};
use anabranch_journal::{Batch, Commit, Error, Journal, Options, Revision, RocksJournal, Scan, Snapshot, Table};
use anabranch_namespace::NamespaceConfig;
use anabranch_namespace::base::Base;
use anabranch_namespace::block::{BlockError, BlockId, Blocks, Capacity, Replica};
use anabranch_namespace::clock::Clock;
use anabranch_namespace::service::Node;
use anabranch_namespace::state::audit::audit;
use anabranch_namespace::state::{Moment, tables};
use anabranch_namespace::upkeep::Upkeep;
use bytes::{Buf, Bytes};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use prost::Message;

const CLIENT: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";

/// Replicas by number; no bytes.
#[derive(Default, Clone)]
struct FakeBlocks(Arc<Mutex<HashMap<u64, Replica>>>);

impl FakeBlocks {
    fn write(&self, block: &ExtendedBlockProto, len: u64, finalized: bool) {
        let id = BlockId { id: block.block_id, generation: block.generation_stamp };
        self.0.lock().insert(id.id, Replica { block: id, len, finalized });
    }
}

impl Blocks for FakeBlocks {
    fn replica(&self, id: u64) -> BoxFuture<'_, Result<Option<Replica>, BlockError>> {
        let found = self.0.lock().get(&id).copied();
        Box::pin(async move { Ok(found) })
    }

    fn recover(&self, block: BlockId, generation: u64, cut: Option<u64>) -> BoxFuture<'_, Result<u64, BlockError>> {
        let mut replicas = self.0.lock();
        let recovered = replicas.get_mut(&block.id).ok_or(BlockError::NotFound { id: block.id }).map(|replica| {
            replica.len = cut.unwrap_or(replica.len);
            replica.block.generation = generation;
            replica.finalized = true;
            replica.len
        });
        Box::pin(async move { recovered })
    }

    fn delete(&self, blocks: Vec<BlockId>) -> BoxFuture<'_, Result<(), BlockError>> {
        self.0.lock().retain(|id, _| !blocks.iter().any(|block| block.id == *id));
        Box::pin(async { Ok(()) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<BlockId>, BlockError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn capacity(&self) -> Result<Capacity, BlockError> {
        Ok(Capacity { total: 100, used: 60, remaining: 40 })
    }
}

/// A journal whose commits can be made to fail, before or after they are durable.
struct Fragile {
    inner: RocksJournal,
    broken: AtomicBool,
    mute: AtomicBool,
}

impl Journal for Fragile {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(table, key)
    }

    fn scan<'a>(&'a self, table: Table, from: &[u8], to: Option<&[u8]>) -> Scan<'a> {
        self.inner.scan(table, from, to)
    }

    fn snapshot(&self) -> Box<dyn Snapshot + '_> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        Box::pin(async move {
            if self.broken.load(Ordering::Acquire) {
                return Err(Error::Storage("No space left on device".into()));
            }
            let revision = self.inner.commit(batch).await?;
            match self.mute.load(Ordering::Acquire) {
                true => Err(Error::Storage("the answer was lost".into())),
                false => Ok(revision),
            }
        })
    }

    fn revision(&self) -> Revision {
        self.inner.revision()
    }
}

/// A clock that the test turns.
struct Turned(AtomicU64);

impl Clock for Turned {
    fn now(&self) -> Moment {
        let now = self.0.load(Ordering::Acquire);
        Moment { wall: now, monotonic: now }
    }
}

struct Rig {
    address: SocketAddr,
    journal: Arc<Fragile>,
    blocks: FakeBlocks,
    clock: Arc<Turned>,
    upkeep: Upkeep,
    calls: AtomicI32,
    _dir: tempfile::TempDir,
}

async fn rig() -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let inner = RocksJournal::open(dir.path(), tables::ALL, &Options::default()).unwrap();
    let journal = Arc::new(Fragile { inner, broken: AtomicBool::new(false), mute: AtomicBool::new(false) });
    let (blocks, clock) = (FakeBlocks::default(), Arc::new(Turned(AtomicU64::new(1_000_000))));
    let mut config = NamespaceConfig::local(dir.path(), "ns", "root");
    config.listing_limit = 2;
    let base = Base::open(&config, journal.clone(), clock.clone(), &prometheus::Registry::new()).await.unwrap();
    let node = Node { ip: "127.0.0.1".into(), host: "localhost".into(), transfer_port: 1, rpc_port: 2 };
    let (service, upkeep) = base.serve(config, Arc::new(blocks.clone()), node);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(Arc::new(service), anabranch_hrpc::Limits::default());
    tokio::spawn(server.serve(listener, Drain::new(Duration::from_secs(1))));
    Rig { address, journal, blocks, clock, upkeep, calls: AtomicI32::new(0), _dir: dir }
}

struct User<'r> {
    rig: &'r Rig,
    connection: Connection,
}

impl Rig {
    async fn user(&self, name: &str) -> User<'_> {
        let options = ConnectOptions::default();
        let connection = Connection::open(self.address, &Identity::simple(name), CLIENT, &options).await.unwrap();
        User { rig: self, connection }
    }
}

impl User<'_> {
    async fn call<M: Message + Default>(&self, method: &str, request: &impl Message) -> Result<M, Exception> {
        let call_id = self.rig.calls.fetch_add(1, Ordering::Relaxed);
        self.call_as(call_id, CLIENT, method, request).await
    }

    async fn call_as<M: Message + Default>(
        &self,
        call_id: i32,
        protocol: &'static str,
        method: &str,
        request: &impl Message,
    ) -> Result<M, Exception> {
        let request = Request {
            id: CallId { client_id: Bytes::from_static(b"0123456789abcdef"), call_id, retry_count: 0 },
            method: Name::new(Bytes::copy_from_slice(method.as_bytes())).unwrap(),
            protocol,
            version: 1,
            caller_context: None,
            payload: Payload::message(request),
            deadline: tokio::time::Instant::now() + Duration::from_secs(60),
        };
        match self.connection.call(request).await {
            Ok(mut reply) => {
                prost::decode_length_delimiter(&mut reply).unwrap();
                Ok(M::decode(reply.copy_to_bytes(reply.remaining())).unwrap())
            }
            Err(ClientError::Remote(exception)) => Err(exception),
            Err(error) => panic!("{method}: {error}"),
        }
    }

    async fn mkdirs(&self, path: &str) -> Result<MkdirsResponseProto, Exception> {
        let masked = FsPermissionProto { perm: 0o755 };
        let request = MkdirsRequestProto { src: path.into(), masked, create_parent: true, unmasked: None };
        self.call("mkdirs", &request).await
    }

    async fn create(&self, path: &str, holder: &str) -> Result<CreateResponseProto, Exception> {
        let request = CreateRequestProto {
            src: path.into(),
            masked: FsPermissionProto { perm: 0o644 },
            client_name: holder.into(),
            create_flag: 1,
            create_parent: true,
            replication: 1,
            block_size: 100,
            ..Default::default()
        };
        self.call("create", &request).await
    }

    async fn add_block(&self, path: &str, holder: &str) -> ExtendedBlockProto {
        let request = AddBlockRequestProto { src: path.into(), client_name: holder.into(), ..Default::default() };
        let added: AddBlockResponseProto = self.call("addBlock", &request).await.unwrap();
        added.block.b
    }

    async fn complete(&self, path: &str, holder: &str, last: ExtendedBlockProto) -> bool {
        let request =
            CompleteRequestProto { src: path.into(), client_name: holder.into(), last: Some(last), file_id: None };
        self.call::<CompleteResponseProto>("complete", &request).await.unwrap().result
    }

    async fn info(&self, path: &str) -> Option<HdfsFileStatusProto> {
        let request = GetFileInfoRequestProto { src: path.into() };
        self.call::<GetFileInfoResponseProto>("getFileInfo", &request).await.unwrap().fs
    }
}

#[tokio::test]
async fn a_file_is_complete_when_its_last_block_is_closed() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.create("/d/f", "h").await.unwrap();
    let block = root.add_block("/d/f", "h").await;
    let written = ExtendedBlockProto { num_bytes: Some(7), ..block.clone() };
    assert!(!root.complete("/d/f", "h", written.clone()).await, "there is no replica");
    rig.blocks.write(&block, 7, false);
    assert!(!root.complete("/d/f", "h", written.clone()).await, "it is open");
    rig.blocks.write(&block, 7, true);
    assert!(root.complete("/d/f", "h", written).await);
    let status = root.info("/d/f").await.unwrap();
    assert_eq!((status.length, status.owner.as_str(), status.group.as_str()), (7, "root", "supergroup"));
    let request = GetBlockLocationsRequestProto { src: "/d/f".into(), offset: 0, length: 100 };
    let found: GetBlockLocationsResponseProto = root.call("getBlockLocations", &request).await.unwrap();
    let locations = found.locations.unwrap();
    assert!(!locations.under_construction && locations.is_last_block_complete);
    assert_eq!(locations.blocks[0].locs[0].id.xfer_port, 1);
    let length = GetReplicaVisibleLengthRequestProto { block: locations.blocks[0].b.clone() };
    let datanode = "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol";
    let visible: GetReplicaVisibleLengthResponseProto =
        root.call_as(900, datanode, "getReplicaVisibleLength", &length).await.unwrap();
    assert_eq!(visible.length, 7);
    let request = DeleteRequestProto { src: "/d".into(), recursive: true };
    assert!(root.call::<DeleteResponseProto>("delete", &request).await.unwrap().result);
    rig.upkeep.round().await.unwrap();
    assert!(rig.blocks.0.lock().is_empty(), "the replica is gone");
    assert_eq!(audit(&rig.journal.snapshot()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn listings_come_in_pages() {
    let rig = rig().await;
    let root = rig.user("root").await;
    for name in ["a", "b", "c", "d", "e"] {
        root.mkdirs(&format!("/l/{name}")).await.unwrap();
    }
    let (mut names, mut after, mut left) = (Vec::new(), Bytes::new(), Vec::new());
    loop {
        let request = GetListingRequestProto { src: "/l".into(), start_after: after, need_location: false };
        let page = root.call::<GetListingResponseProto>("getListing", &request).await.unwrap().dir_list.unwrap();
        names.extend(page.partial_listing.iter().map(|s| String::from_utf8(s.path.to_vec()).unwrap()));
        left.push(page.remaining_entries > 0);
        after = Bytes::from(names.last().unwrap().clone());
        if page.remaining_entries == 0 {
            break;
        }
    }
    assert_eq!((names.concat().as_str(), left), ("abcde", vec![true, true, false]));
}

#[tokio::test]
async fn dead_writers_lose_their_files() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.create("/soft", "h").await.unwrap();
    root.create("/hard", "h").await.unwrap();
    let block = root.add_block("/soft", "h").await;
    rig.blocks.write(&block, 5, false);
    let append = AppendRequestProto { src: "/soft".into(), client_name: "other".into(), flag: Some(4) };
    let refused = root.call::<AppendResponseProto>("append", &append).await.unwrap_err();
    assert_eq!(refused.class, class::ALREADY_BEING_CREATED);
    rig.clock.0.fetch_add(60_001, Ordering::AcqRel);
    let taken: AppendResponseProto = root.call("append", &append).await.unwrap();
    assert_eq!(taken.block.unwrap().b.num_bytes, Some(5), "what was written is kept");
    rig.clock.0.fetch_add(1_200_001, Ordering::AcqRel);
    rig.upkeep.round().await.unwrap();
    let closed = IsFileClosedRequestProto { src: "/hard".into() };
    assert!(root.call::<IsFileClosedResponseProto>("isFileClosed", &closed).await.unwrap().result);
    assert_eq!(audit(&rig.journal.snapshot()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_repeated_call_is_answered_and_not_executed() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.mkdirs("/a").await.unwrap();
    let request = RenameRequestProto { src: "/a".into(), dst: "/b".into() };
    for _ in 0..2 {
        let renamed: RenameResponseProto = root.call_as(777, CLIENT, "rename", &request).await.unwrap();
        assert!(renamed.result);
    }
    let renamed: RenameResponseProto = root.call_as(778, CLIENT, "rename", &request).await.unwrap();
    assert!(!renamed.result, "another call finds nothing to rename");
}

#[tokio::test]
async fn safe_mode_refuses_changes_and_answers_reads() {
    let rig = rig().await;
    let (root, ann) = (rig.user("root").await, rig.user("ann").await);
    let enter = SetSafeModeRequestProto { action: SafeModeActionProto::SafemodeEnter.into(), checked: None };
    let denied = ann.call::<SetSafeModeResponseProto>("setSafeMode", &enter).await.unwrap_err();
    assert_eq!(denied.class, class::ACCESS_CONTROL);
    assert!(root.call::<SetSafeModeResponseProto>("setSafeMode", &enter).await.unwrap().result);
    let refused = root.mkdirs("/x").await.unwrap_err();
    assert_eq!(refused.class, class::SAFE_MODE);
    assert!(refused.message.starts_with("Cannot create directory /x. Name node is in safe mode.\n"), "{refused}");
    assert!(root.info("/").await.is_some());
    let leave = SetSafeModeRequestProto { action: SafeModeActionProto::SafemodeLeave.into(), checked: None };
    assert!(!root.call::<SetSafeModeResponseProto>("setSafeMode", &leave).await.unwrap().result);
    root.mkdirs("/x").await.unwrap();
}

#[tokio::test]
async fn a_failing_journal_makes_the_namespace_read_only_until_it_works() {
    let rig = rig().await;
    let root = rig.user("root").await;
    root.mkdirs("/before").await.unwrap();
    rig.journal.broken.store(true, Ordering::Release);
    let failed = root.mkdirs("/lost").await.unwrap_err();
    assert_eq!(failed.class, class::IO);
    assert_eq!(root.mkdirs("/lost").await.unwrap_err().class, class::SAFE_MODE);
    assert!(root.info("/before").await.is_some() && root.info("/lost").await.is_none());
    let get = SetSafeModeRequestProto { action: SafeModeActionProto::SafemodeGet.into(), checked: None };
    assert!(root.call::<SetSafeModeResponseProto>("setSafeMode", &get).await.unwrap().result);
    rig.journal.broken.store(false, Ordering::Release);
    root.mkdirs("/after").await.unwrap();
    assert!(root.info("/lost").await.is_none() && root.info("/after").await.is_some());

    rig.journal.mute.store(true, Ordering::Release);
    root.mkdirs("/durable").await.unwrap();
    assert!(root.info("/durable").await.is_some(), "only the journal's answer was lost");
    rig.journal.mute.store(false, Ordering::Release);
    assert_eq!(audit(&rig.journal.snapshot()).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let rig = rig().await;
    let ann = rig.user("ann").await;
    let request = SetAclRequestProto { src: "/".into(), acl_spec: Vec::new() };
    let refused = ann.call::<SetAclResponseProto>("setAcl", &request).await.unwrap_err();
    assert_eq!(refused.class, class::UNSUPPORTED_OPERATION);
    assert!(refused.message.contains("setAcl"), "{refused}");
    let unknown = ann.call::<SetAclResponseProto>("noSuchThing", &request).await.unwrap_err();
    assert_eq!(unknown.class, class::NO_SUCH_METHOD);
    let denied = ann.mkdirs("/x").await.unwrap_err();
    assert_eq!(denied.class, class::ACCESS_CONTROL);
    assert_eq!(denied.message, "Permission denied: user=ann, access=WRITE, inode=\"/\":root:supergroup:drwxr-xr-x");
}
