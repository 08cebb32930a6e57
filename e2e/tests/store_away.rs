//! The state store goes away under load: a router serves on with what it knows, to the limit of its trust; then it sends
//! its clients elsewhere; and when the store is back, it serves again with no hand.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anabranch_e2e::client::Client;
use anabranch_e2e::servers::{self, Router};
use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::hdfs::{GetPreferredBlockSizeRequestProto, GetPreferredBlockSizeResponseProto};
use anabranch_hrpc::{ClientError, class};
use anabranch_store::grpc::ClientOptions;
use anabranch_store::{GrpcStore, Version, Writer};
use anabranch_testkit::fake_namenode::FakeNamenode;
use anabranch_testkit::process::{Launch, Program};
use anabranch_testkit::{http, net};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);
/// How long the router trusts what it knows.
const LIMIT: Duration = Duration::from_secs(3);
const CLIENTS: usize = 4;

/// A call that ended: when it began, when it ended, and the exception if it was refused.
type Ended = (Instant, Instant, Option<String>);

async fn client(router: SocketAddr) -> Client {
    Client::connect(router, "alice", PATIENCE).await.unwrap()
}

async fn ask(client: &Client, path: &str) -> Option<String> {
    let request = GetPreferredBlockSizeRequestProto { filename: path.to_owned() };
    match client.call("getPreferredBlockSize", &request).await {
        Ok(_) => None,
        Err(ClientError::Remote(exception)) => Some(exception.class.to_string()),
        Err(other) => panic!("{other}"),
    }
}

/// Calls one after the other until told to stop.
async fn load(router: SocketAddr, stop: Arc<AtomicBool>) -> Vec<Ended> {
    let client = client(router).await;
    let mut ended = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let refused = ask(&client, "/data/file").await;
        if refused.is_some() {
            // As Java clients do; a refusal costs next to nothing and would fill the memory of this test.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ended.push((began, Instant::now(), refused));
    }
    ended
}

fn start_store(launch: &Launch) -> Program {
    let mut program = launch.start().unwrap();
    program.wait_for("an address", PATIENCE, |line| line.contains("state store is listening")).unwrap();
    program
}

fn start_router(dir: &Path, namenode: SocketAddr, store: SocketAddr) -> Router {
    let properties = [
        ("dfs.nameservices", "ns0".to_owned()),
        ("dfs.namenode.rpc-address.ns0", namenode.to_string()),
        ("dfs.federation.router.namenode.heartbeat.enable", "false".to_owned()),
        ("dfs.federation.router.store.driver.class", "grpc".to_owned()),
        ("anabranch.store.grpc.endpoints", store.to_string()),
        ("dfs.federation.router.safemode.expiration", format!("{}s", LIMIT.as_secs())),
    ];
    // What it says while the store is away.
    servers::router_configured(dir, properties, &["retry_in", "state store"]).unwrap().router
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_outlives_its_store() {
    let dir = tempfile::tempdir().unwrap();
    let address = net::free_address().unwrap();
    let data = dir.path().join("store").display().to_string();
    let launch = Launch::new("anabranch-store").args(["--data", &data, "--listen", &address.to_string()]);
    let mut program = start_store(&launch);
    let store = GrpcStore::new(&ClientOptions::new([address.to_string()])).unwrap();
    let entry = |source| MountEntry::parse(source, [("ns0", "/warehouse")]).unwrap();
    store.put(entry("/data"), Version::ABSENT).await.unwrap();
    let namenode = FakeNamenode::start("BP-0").await.unwrap();
    namenode.answer("getPreferredBlockSize", GetPreferredBlockSizeResponseProto { bsize: 7 });
    let conf = dir.path().join("conf");
    let namenode_address = namenode.address;
    let started = tokio::task::spawn_blocking(move || start_router(&conf, namenode_address, address));
    let router = started.await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(load(router.rpc, stop.clone()))).collect();
    namenode.wait_calls("getPreferredBlockSize", 100).await;
    let web = router.http.to_string();
    let active = move || http::get(&web, "/isActive").is_ok_and(|answer| answer.status == 200);
    let becomes = |what: &'static str, expected: bool| {
        let active = active.clone();
        tokio::task::spawn_blocking(move || net::wait_until(what, PATIENCE, || active() == expected).unwrap())
    };

    let killed = Instant::now();
    program.kill().unwrap();
    becomes("/isActive says that the store is away", false).await.unwrap();
    assert!(killed.elapsed() >= LIMIT, "{:?}", killed.elapsed());
    let other = client(router.rpc).await;
    assert_eq!(ask(&other, "/data/file").await.as_deref(), Some(class::STANDBY));

    let back = Instant::now();
    let _program = start_store(&launch);
    becomes("/isActive says that it serves again", true).await.unwrap();
    let healed = Instant::now();
    // Not only what it knew: what comes now, too.
    assert!(ask(&other, "/more/file").await.is_some(), "there is no such mount yet");
    store.put(entry("/more"), Version::ABSENT).await.unwrap();
    let ends = Instant::now() + PATIENCE;
    while ask(&other, "/more/file").await.is_some() {
        assert!(Instant::now() < ends, "the new mount is not served");
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);

    for load in loads {
        let ended = load.await.unwrap();
        let refused: Vec<_> = ended.iter().filter(|(_, _, refused)| refused.is_some()).collect();
        assert!(!refused.is_empty() && ended.last().unwrap().2.is_none());
        for (began, until, refused) in refused {
            assert_eq!(refused.as_deref(), Some(class::STANDBY));
            assert!(*until >= killed + LIMIT && *began <= healed, "refused while it knew enough");
        }
        assert!(ended.iter().any(|(began, _, refused)| refused.is_some() && *began < back));
    }
}
