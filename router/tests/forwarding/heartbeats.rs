//! What a router reports of the NameNodes that it watches, and what holds it up.

use std::time::Duration;

use anabranch_hdfs_proto::common::HaServiceStateProto;
use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, SetSafeModeResponseProto};
use anabranch_router::config::{MonitoredNamenode, WebScheme};
use anabranch_router::{Router, RouterConfig, Runtimes, Sources};
use anabranch_store::{JournalStore, Membership, NamenodeState, Reader};
use anabranch_telemetry::{Build, Metrics, Readiness};
use anabranch_testkit::certificates::Authority;
use anabranch_testkit::fake_namenode::{CLUSTER, FakeNamenode};
use anabranch_testkit::fake_web::FakeWeb;
use anabranch_testkit::net;
use tokio::sync::watch;

use crate::fleet::{fleet, quick, wait_for};
use crate::rig::{Rig, config};

const FILE_SYSTEM: &str = r#"{"beans": [
    {"name": "Hadoop:service=NameNode,name=FSNamesystem", "CapacityTotal": 1000, "FilesTotal": 7},
    {"name": "Hadoop:service=NameNode,name=FSNamesystemState", "NumLiveDataNodes": 3}]}"#;
const INFO: &str = r#"{"beans": [{"name": "Hadoop:service=NameNode,name=NameNodeInfo", "CorruptFilesCount": 2}]}"#;

async fn web() -> FakeWeb {
    telling(FakeWeb::start().await.unwrap())
}

fn telling(web: FakeWeb) -> FakeWeb {
    web.answer("FSNamesystem", FILE_SYSTEM);
    web.answer("NameNodeInfo", INFO);
    web
}

fn monitored(id: Option<&str>, rpc: impl ToString, web: &FakeWeb) -> MonitoredNamenode {
    let address = rpc.to_string();
    MonitoredNamenode {
        nameservice: "ns1".to_owned(),
        namenode: id.map(str::to_owned),
        rpc_address: address.clone(),
        service_address: address.clone(),
        lifeline_address: address,
        web_address: web.address.to_string(),
        web_scheme: WebScheme::Http,
    }
}

fn watching(namenodes: Vec<MonitoredNamenode>) -> RouterConfig {
    let mut config = quick("r1:8888", config(&[]));
    config.heartbeat.namenodes = namenodes;
    config
}

async fn state(store: &JournalStore, id: &str, state: NamenodeState) -> Membership {
    let is_it = |one: &Membership| one.message().namenode_id() == id && one.state() == state;
    wait_for(store, &format!("{id} is {}", state.name()), is_it).await
}

#[tokio::test]
async fn a_report_has_all_that_the_probes_found() {
    let (active, web) = (FakeNamenode::start("BP-1").await.unwrap(), web().await);
    active.set_state(HaServiceStateProto::Active);
    active.answer("setSafeMode", SetSafeModeResponseProto { result: true });
    let store = JournalStore::in_memory();
    let watched = monitored(Some("nn1"), active.address, &web);
    let _rig = Rig::start_in_fleet(watching(vec![watched]), None, Some(fleet(&store))).await;
    let whole = |one: &Membership| one.message().stats.is_some() && one.message().is_safe_mode();
    let record = wait_for(&store, "a whole report", whole).await;
    let message = record.message().clone();
    let (address, text) = (active.address.to_string(), |text: &str| Some(text.to_owned()));
    let expected = NamenodeMembershipRecordProto {
        date_created: message.date_created,
        date_modified: message.date_modified,
        last_contact: message.date_modified,
        router_id: text("r1:8888"),
        nameservice_id: text("ns1"),
        namenode_id: text("nn1"),
        cluster_id: text(CLUSTER),
        block_pool_id: text("BP-1"),
        web_address: Some(web.address.to_string()),
        rpc_address: Some(address.clone()),
        service_address: Some(address.clone()),
        lifeline_address: Some(address),
        state: text("ACTIVE"),
        is_safe_mode: Some(true),
        stats: message.stats,
        web_scheme: text("http"),
    };
    assert_eq!(message, expected);
    let stats = message.stats.unwrap();
    let shown =
        (stats.total_space(), stats.num_of_files(), stats.num_of_active_datanodes(), stats.corrupt_files_count());
    assert_eq!(shown, (1000, 7, 3, 2));
    assert_eq!(stats.pending_sps_paths, Some(0), "what is not there is zero, and written");
    let asked = active.calls("getServiceStatus");
    assert_eq!(&*asked[0].peer.identity.user, "hdfs");
}

#[tokio::test]
async fn states_are_told_as_they_change() {
    let (namenode, web) = (FakeNamenode::start("BP-1").await.unwrap(), web().await);
    let store = JournalStore::in_memory();
    let watched = monitored(Some("nn1"), namenode.address, &web);
    let _rig = Rig::start_in_fleet(watching(vec![watched]), None, Some(fleet(&store))).await;
    // Without high availability.
    state(&store, "nn1", NamenodeState::Active).await;
    for (said, told) in [
        (HaServiceStateProto::Standby, NamenodeState::Standby),
        (HaServiceStateProto::Observer, NamenodeState::Observer),
        (HaServiceStateProto::Initializing, NamenodeState::Unavailable),
        (HaServiceStateProto::Active, NamenodeState::Active),
    ] {
        namenode.set_state(said);
        state(&store, "nn1", told).await;
    }
    let address = namenode.address;
    namenode.stop().await;
    let dead = state(&store, "nn1", NamenodeState::Unavailable).await;
    let message = dead.message();
    assert_eq!((message.last_contact, message.stats), (None, None));
    assert_eq!((message.block_pool_id.as_deref(), message.cluster_id.as_deref()), (Some(""), Some("")));
    let back = FakeNamenode::start_at(address, "BP-2").await.unwrap();
    back.set_state(HaServiceStateProto::Standby);
    let back = state(&store, "nn1", NamenodeState::Standby).await;
    assert_eq!(back.message().block_pool_id(), "BP-2");
}

#[tokio::test]
async fn a_web_server_that_hangs_delays_nothing_but_its_statistics() {
    let (namenode, web) = (FakeNamenode::start("BP-1").await.unwrap(), web().await);
    web.set_silent(true);
    let store = JournalStore::in_memory();
    let watched = monitored(Some("nn1"), namenode.address, &web);
    let _rig = Rig::start_in_fleet(watching(vec![watched]), None, Some(fleet(&store))).await;
    let first = state(&store, "nn1", NamenodeState::Active).await;
    assert_eq!(first.message().stats, None);
    namenode.set_state(HaServiceStateProto::Standby);
    state(&store, "nn1", NamenodeState::Standby).await;
    web.set_silent(false);
    wait_for(&store, "statistics", |one: &Membership| one.message().stats.is_some()).await;
}

#[tokio::test]
async fn an_unknown_state_is_not_reported_and_hides_no_death() {
    let (hangs, lives, web) =
        (FakeNamenode::start("BP-1").await.unwrap(), FakeNamenode::start("BP-2").await.unwrap(), web().await);
    hangs.set_state(HaServiceStateProto::Active);
    hangs.hold("getServiceStatus");
    let store = JournalStore::in_memory();
    let watched = vec![monitored(Some("hangs"), hangs.address, &web), monitored(Some("lives"), lives.address, &web)];
    let _rig = Rig::start_in_fleet(watching(watched), None, Some(fleet(&store))).await;
    // Several rounds, in which it was asked once.
    hangs.wait_calls("versionRequest", 4).await;
    assert_eq!(hangs.calls("getServiceStatus").len(), 1);
    state(&store, "lives", NamenodeState::Active).await;
    let all = Reader::<Membership>::list(&store).await.unwrap().records;
    assert!(all.iter().all(|one| one.record.message().namenode_id() == "lives"), "{all:#?}");
    hangs.stop().await;
    state(&store, "hangs", NamenodeState::Unavailable).await;
}

#[tokio::test]
async fn a_state_that_comes_late_is_told_when_it_comes() {
    let (slow, web) = (FakeNamenode::start("BP-1").await.unwrap(), web().await);
    slow.set_state(HaServiceStateProto::Standby);
    slow.hold("getServiceStatus");
    let store = JournalStore::in_memory();
    let watched = vec![monitored(Some("nn1"), slow.address, &web)];
    let _rig = Rig::start_in_fleet(watching(watched), None, Some(fleet(&store))).await;
    slow.wait_calls("versionRequest", 3).await;
    slow.release();
    state(&store, "nn1", NamenodeState::Standby).await;
}

#[tokio::test]
async fn a_namenode_that_is_not_there_is_reported_and_others_are_not_held_up() {
    let (lives, web) = (FakeNamenode::start("BP-2").await.unwrap(), web().await);
    let dead = net::free_address().unwrap();
    let store = JournalStore::in_memory();
    let mut config = watching(vec![monitored(None, dead, &web), monitored(Some("lives"), lives.address, &web)]);
    config.heartbeat.statistics_interval = None;
    let _rig = Rig::start_in_fleet(config, None, Some(fleet(&store))).await;
    let dead = wait_for(&store, "the dead", |one: &Membership| one.message().namenode_id.is_none()).await;
    assert_eq!(dead.state(), NamenodeState::Unavailable);
    let lives = state(&store, "lives", NamenodeState::Active).await;
    assert_eq!(lives.message().stats, None, "statistics are off");
}

#[tokio::test]
async fn statistics_are_read_as_often_as_wanted() {
    let (namenode, web) = (FakeNamenode::start("BP-1").await.unwrap(), web().await);
    let store = JournalStore::in_memory();
    let mut config = watching(vec![monitored(Some("nn1"), namenode.address, &web)]);
    config.heartbeat.statistics_interval = Some(Duration::from_secs(3600));
    let _rig = Rig::start_in_fleet(config, None, Some(fleet(&store))).await;
    wait_for(&store, "statistics", |one: &Membership| one.message().stats.is_some()).await;
    web.answer("NameNodeInfo", r#"{"beans": []}"#);
    web.answer("FSNamesystem", r#"{"beans": []}"#);
    let rounds = namenode.calls("versionRequest").len();
    namenode.wait_calls("versionRequest", rounds + 3).await;
    namenode.set_state(HaServiceStateProto::Standby);
    let kept = state(&store, "nn1", NamenodeState::Standby).await;
    assert_eq!(kept.message().stats.map(|stats| stats.num_of_files()), Some(7), "the last ones are told again");
}

#[tokio::test]
async fn statistics_come_by_https_from_those_whom_an_authority_vouches_for() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.crt");
    let (ours, others) = (Authority::new("ours").unwrap(), Authority::new("others").unwrap());
    std::fs::write(&ca, ours.pem()).unwrap();
    let server = async |authority: &Authority, name: &str| {
        telling(FakeWeb::start_tls(&authority.issue(name).unwrap()).await.unwrap())
    };
    let servers = [
        ("trusted", server(&ours, "127.0.0.1").await),
        ("stranger", server(&others, "127.0.0.1").await),
        ("elsewhere", server(&ours, "nn.example.com").await),
    ];
    let namenode = FakeNamenode::start("BP-1").await.unwrap();
    let secure = |(id, web): &(&str, FakeWeb)| MonitoredNamenode {
        web_scheme: WebScheme::Https,
        ..monitored(Some(id), namenode.address, web)
    };
    let store = JournalStore::in_memory();
    let mut config = watching(servers.iter().map(secure).collect());
    config.heartbeat.https_ca = Some(ca);
    let _rig = Rig::start_in_fleet(config, None, Some(fleet(&store))).await;
    let told = wait_for(&store, "statistics", |one: &Membership| one.message().stats.is_some()).await;
    assert_eq!((told.message().namenode_id(), told.message().web_scheme()), ("trusted", "https"));
    let rounds = namenode.calls("versionRequest").len();
    namenode.wait_calls("versionRequest", rounds + 9).await;
    for id in ["stranger", "elsewhere"] {
        assert_eq!(state(&store, id, NamenodeState::Active).await.message().stats, None, "{id}");
    }
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_told_by_their_key() {
    let web = web().await;
    let mut config =
        watching(vec![MonitoredNamenode { web_scheme: WebScheme::Https, ..monitored(None, web.address, &web) }]);
    config.heartbeat.https_ca = Some("/nonexistent/ca.crt".into());
    let (metrics, readiness) = (Metrics::new(Build::of("0", None)).unwrap(), Readiness::new());
    let mounts = watch::channel(None).1;
    let refused = Router::start(config, Sources::from(mounts), &metrics, &readiness, &Runtimes::current()).await;
    let refused = refused.err().unwrap().to_string();
    let start = r#"anabranch.router.namenode.https.ca = "/nonexistent/ca.crt": "#;
    assert!(refused.starts_with(start) && refused.ends_with("expected a PEM file of certificates"), "{refused}");
}
