//! A router beside records that nobody should have written, wherever they are kept.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anabranch_e2e::servers::{self, Router};
use anabranch_e2e::wire::Raw;
use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::hdfs::{GetFileInfoRequestProto, GetFileInfoResponseProto, NamenodeMembershipRecordProto};
use anabranch_journal::{Options, RocksJournal};
use anabranch_store::grpc::ClientOptions;
use anabranch_store::suite::Sample;
use anabranch_store::suite::hostile::{self, Planted};
use anabranch_store::{DisabledNameservice, GrpcStore, Membership, Record, RouterState, StateStore, TABLES, Version};
use anabranch_telemetry::clock::wall_ms;
use anabranch_testkit::fake_namenode::FakeNamenode;
use anabranch_testkit::process::{Stream, user};
use anabranch_testkit::{http, net};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;

use super::java::Java;
use super::{Jars, Plan, Site, ZooKeeper, ZooKeeperOptions, ZooKeeperStore, block_on, service};

const PATIENCE: Duration = Duration::from_secs(60);
/// What ZooKeeper is told to take, beside what it takes as a rule: a megabyte.
const JUTE: usize = 32 << 20;
/// What the router says of them.
const WARNINGS: [&str; 4] =
    ["left out a record", "left out a mount", "keeps a nameservice disabled", "takes this router for a NameNode"];

fn mount(name: &str) -> MountEntry {
    MountEntry::parse(name, [("ns0", &*format!("/served{name}"))]).expect("a mount")
}

fn report(nameservice: &str, namenode: &str, address: &str) -> Membership {
    Membership::new(NamenodeMembershipRecordProto {
        nameservice_id: Some(nameservice.to_owned()),
        namenode_id: Some(namenode.to_owned()),
        rpc_address: Some(address.to_owned()),
        service_address: Some(address.to_owned()),
        date_modified: Some(wall_ms()),
        ..Membership::sample("", 1).message().clone()
    })
    .expect("a report")
}

/// What is planted of each kind: ten megabytes of noise among it, and less of the others for the sake of memory.
fn planted() -> [(&'static str, Vec<Planted>); 4] {
    let less = 2 << 20;
    [
        (MountEntry::KIND, [hostile::planted(mount, 10 << 20), hostile::climbing()].concat()),
        (Membership::KIND, hostile::planted(|name| report("elsewhere", name, "host:8020"), less)),
        (RouterState::KIND, hostile::planted(|name| RouterState::sample(name, 1), less)),
        (DisabledNameservice::KIND, hostile::planted(|name| DisabledNameservice::since(name, 1).expect("it"), less)),
    ]
}

/// The path of which the NameNode was asked last.
fn asked(namenode: &FakeNamenode) -> Option<String> {
    let call = namenode.calls("getFileInfo").pop()?;
    Some(GetFileInfoRequestProto::decode(&call.payload[call.message_at..]).expect("a request").src)
}

/// Asks a router of a path until it gives an answer that is no exception.
fn stat(router: SocketAddr, path: &str) {
    let ends = Instant::now() + PATIENCE;
    loop {
        let answer = Raw::ready(router, &user()).and_then(|mut raw| raw.stat(path, 1)).expect("an answer");
        let answer = answer.expect("no end of the connection");
        if answer.header.status == 0 {
            return;
        }
        assert!(Instant::now() < ends, "{path}: {:?}", answer.header.error_msg);
    }
}

/// A router over this store serves what is good, and names and counts what is not.
async fn serves(dir: &Path, driver: &[(&str, String)], store: Arc<dyn StateStore>) {
    let namenode = FakeNamenode::start("BP-0").await.expect("a NameNode");
    namenode.answer("getFileInfo", GetFileInfoResponseProto::default());
    let own = [
        ("dfs.nameservices", "ns0".to_owned()),
        ("dfs.namenode.rpc-address.ns0", namenode.address.to_string()),
        ("dfs.federation.router.namenode.heartbeat.enable", "false".to_owned()),
    ];
    let started = servers::router_configured(dir, own.into_iter().chain(driver.iter().cloned()), &WARNINGS);
    let mut router = started.expect("a router").router;
    for (path, there) in [("/good/file", "/served/good/file"), ("/unknown/file", "/served/unknown/file")] {
        stat(router.rpc, path);
        assert_eq!(asked(&namenode).as_deref(), Some(there));
    }
    named_and_counted(&mut router);
    rings(&namenode, router.rpc, &*store).await;
    mirror(&mut router, &*store).await;
}

fn named_and_counted(router: &mut Router) {
    for (kind, planted) in planted() {
        let good = ["/good", "/unknown"];
        let broken: Vec<_> = planted.iter().filter(|(key, _)| !good.iter().any(|good| key.contains(good))).collect();
        let (web, count) = (router.http.to_string(), broken.len());
        let expected = format!("anabranch_store_unreadable_records{{kind=\"{kind}\"}} {count}");
        let shown = || http::get(&web, "/metrics").is_ok_and(|answer| answer.body.lines().any(|line| line == expected));
        net::wait_until(&expected, PATIENCE, shown).expect("a count");
        for (key, _) in broken {
            // ZooKeeper's names of records say less than their keys.
            let named =
                |line: &str| line.contains("left out") && line.replace('_', ":").contains(&key.replace('_', ":"));
            router.program.wait_for(&format!("{kind} {key}"), PATIENCE, named).expect("a line of the log");
        }
    }
    let log = router.program.text(Stream::Err);
    assert!(log.lines().all(|line| line.len() < 4000), "a line of the log quotes a record");
}

/// Mounts that seem to lead in a circle do not: a destination is a path of a NameNode, which no mount is asked for again.
async fn rings(namenode: &FakeNamenode, router: SocketAddr, store: &dyn StateStore) {
    let rows = [("/ring/a", "/ring/b"), ("/ring/b", "/ring/a"), ("/under", "/under/self"), ("/under/self", "/under")];
    for (source, destination) in rows {
        let entry = MountEntry::parse(source, [("ns0", destination)]).expect("a mount");
        store.put(entry, Version::ABSENT).await.expect("a write");
        // Until the router hears of it, the mount above may serve the path.
        let served = || {
            stat(router, &format!("{source}/file"));
            asked(namenode) == Some(format!("{destination}/file"))
        };
        net::wait_until(source, PATIENCE, served).expect("the mount serves");
    }
    for (source, destination) in rows {
        let before = namenode.calls("getFileInfo").len();
        stat(router, &format!("{source}/file"));
        assert_eq!(asked(namenode), Some(format!("{destination}/file")));
        assert_eq!(namenode.calls("getFileInfo").len(), before + 1, "{source}");
    }
}

/// A circle is a report by which the router itself is the NameNode of a nameservice. It is left out.
async fn mirror(router: &mut Router, store: &dyn StateStore) {
    store.put(report("mirror", "nn0", &router.rpc.to_string()), Version::ABSENT).await.expect("a write");
    let told = |line: &str| line.contains("takes this router for a NameNode");
    router.program.wait_for("a word about the circle", PATIENCE, told).expect("a line of the log");
    for (source, nameservice) in [("/mirror", "mirror"), ("/after", "ns0")] {
        let entry = MountEntry::parse(source, [(nameservice, source)]).expect("a mount");
        store.put(entry, Version::ABSENT).await.expect("a write");
    }
    stat(router.rpc, "/after/file");
    let answer = Raw::ready(router.rpc, &user()).and_then(|mut raw| raw.stat("/mirror/file", 1)).expect("an answer");
    assert_ne!(answer.expect("no end of the connection").header.status, 0, "there is nobody to ask");
}

pub(crate) fn a_router_serves_beside_them(site: &Site) {
    let dir = site.scratch.path().join("hostile");
    let jars = Jars::get().expect("jars");
    let jute = JUTE.to_string();
    let server = ZooKeeper::start(&jars, &dir, &Plan::members(1).property("jute.maxbuffer", &jute)).expect("a server");
    let connect = server.connect_string();
    let options = ZooKeeperOptions::new(&connect).expect("options");
    let setting = format!("jute.maxbuffer={jute}");
    let mut java = Java::start(&jars, &dir, &connect, &[&setting]).expect("Java's client");
    for (kind, planted) in planted() {
        for (key, message) in planted {
            let name = key.replace('/', "0SLASH0").replace(':', "_");
            java.create(&format!("/hdfs-federation/{kind}/{name}"), &STANDARD.encode(message));
        }
    }
    let journal = dir.join("journal");
    block_on(async {
        {
            let journal = RocksJournal::open(&journal, TABLES, &Options::default()).expect("a journal");
            let planted = planted();
            hostile::plant::<MountEntry>(&journal, &planted[0].1).await;
            hostile::plant::<Membership>(&journal, &planted[1].1).await;
            hostile::plant::<RouterState>(&journal, &planted[2].1).await;
            hostile::plant::<DisabledNameservice>(&journal, &planted[3].1).await;
        }
        let args = ["--data", journal.to_str().expect("UTF-8")];
        let (_program, address) = service::listening(&service::store(args));
        let store = GrpcStore::new(&ClientOptions::new([&*address])).expect("a client");
        let driver = [
            ("dfs.federation.router.store.driver.class", "grpc".to_owned()),
            ("anabranch.store.grpc.endpoints", address),
        ];
        serves(&dir.join("rocksdb"), &driver, Arc::new(store)).await;

        let class = "org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreZooKeeperImpl";
        let driver =
            [("dfs.federation.router.store.driver.class", class.to_owned()), ("hadoop.zk.address", connect.clone())];
        serves(&dir.join("direct"), &driver, Arc::new(ZooKeeperStore::open(options).expect("a store"))).await;
    });
}
