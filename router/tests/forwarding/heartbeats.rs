//! What a router reports of the NameNodes that it watches, and what holds it up.

use std::time::Duration;

use anabranch_hdfs_proto::common::HaServiceStateProto;
use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, SetSafeModeResponseProto};
use anabranch_router::RouterConfig;
use anabranch_router::config::{MonitoredNamenode, WebScheme};
use anabranch_store::{JournalStore, Membership, NamenodeState, Reader};
use anabranch_testkit::fake_namenode::{CLUSTER, FakeNamenode};
use anabranch_testkit::fake_web::FakeWeb;
use anabranch_testkit::net;

use crate::fleet::{fleet, quick, wait_for};
use crate::rig::{Rig, config};

const FILE_SYSTEM: &str = r#"{"beans": [
    {"name": "Hadoop:service=NameNode,name=FSNamesystem", "CapacityTotal": 1000, "FilesTotal": 7},
    {"name": "Hadoop:service=NameNode,name=FSNamesystemState", "NumLiveDataNodes": 3}]}"#;
const INFO: &str = r#"{"beans": [{"name": "Hadoop:service=NameNode,name=NameNodeInfo", "CorruptFilesCount": 2}]}"#;

async fn web() -> FakeWeb {
    let web = FakeWeb::start().await.unwrap();
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
