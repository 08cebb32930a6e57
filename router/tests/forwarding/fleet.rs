//! A fleet's state store, as tests fill and read it; and what routers report of themselves.

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::membership::Lifetime;
use anabranch_hdfs_proto::hdfs::NamenodeMembershipRecordProto;
use anabranch_router::RouterConfig;
use anabranch_router::config::HeartbeatConfig;
use anabranch_store::{
    Change, Event, JournalStore, Membership, NamenodeState, Reader, Record, RouterState, RouterStatus, StateStore,
    Version, Watch, Writer,
};
use anabranch_telemetry::clock;
use anabranch_testkit::fake_namenode::PATIENCE;
use tokio::time::timeout;

use crate::rig::{Rig, config, table};

/// A moment, for what is done again and again.
pub const SOON: Duration = Duration::from_millis(20);

pub fn fleet(store: &JournalStore) -> Arc<dyn StateStore> {
    Arc::new(store.clone())
}

/// Quick heartbeats, with a name of the router's own.
pub fn quick(router: &str, base: RouterConfig) -> RouterConfig {
    let heartbeat = HeartbeatConfig { interval: SOON, state_interval: SOON, ..base.heartbeat.clone() };
    RouterConfig { router_id: router.to_owned(), heartbeat, ..base }
}

/// Follows the records of a kind until one is as wanted; none deleted ones.
pub async fn wait_for<R: Record>(store: &impl Reader<R>, what: &str, wanted: impl Fn(&R) -> bool) -> R {
    let mut watch = store.watch(None);
    let found = async {
        loop {
            for change in changes(&mut *watch).await {
                if let Change::Put { record, .. } = change
                    && wanted(&record)
                {
                    return R::clone(&record);
                }
            }
        }
    };
    match timeout(PATIENCE, found).await {
        Ok(record) => record,
        Err(_) => panic!("not in time: {what}; there are {:#?}", store.list().await.unwrap().records),
    }
}

/// The next changes; a snapshot as what it has.
pub async fn changes<R: Record>(watch: &mut dyn Watch<R>) -> Vec<Change<R>> {
    match timeout(PATIENCE, watch.next()).await.expect("nothing changes any more").unwrap() {
        Event::Changed { changes, .. } => changes.to_vec(),
        Event::Snapshot(snapshot) => snapshot
            .records
            .into_iter()
            .map(|one| Change::Put { record: Arc::new(one.record), version: one.version })
            .collect(),
        Event::FellBehind => Vec::new(),
    }
}

/// A report by `router` of the NameNode `nameservice.namenode` at an address.
pub fn report(router: &str, name: (&str, &str), state: NamenodeState, at: impl ToString) -> Membership {
    let now = clock::wall_ms();
    let text = |text: &str| Some(text.to_owned());
    Membership::new(NamenodeMembershipRecordProto {
        date_created: Some(now),
        date_modified: Some(now),
        last_contact: Some(now),
        router_id: text(router),
        nameservice_id: text(name.0),
        namenode_id: text(name.1),
        cluster_id: text("CID-1"),
        block_pool_id: text(&format!("BP-{}", name.0)),
        web_address: text("web:9870"),
        rpc_address: Some(at.to_string()),
        service_address: Some(at.to_string()),
        lifeline_address: Some(at.to_string()),
        state: text(state.name()),
        is_safe_mode: Some(false),
        web_scheme: text("http"),
        ..Default::default()
    })
    .unwrap()
}

/// Writes a record over whatever is there.
pub async fn write<R: Record>(store: &(impl Reader<R> + Writer<R>), record: R) {
    let all = store.list().await.unwrap().records;
    let known = all.iter().find(|one| one.record.key() == record.key());
    store.put(record, known.map_or(Version::ABSENT, |one| one.version)).await.unwrap();
}

#[tokio::test]
async fn a_router_reports_itself_at_each_change_and_when_it_ends() {
    let store = JournalStore::in_memory();
    // Changes only: the next round is far away.
    let mut calm = quick("r1:8888", config(&[]));
    calm.heartbeat.state_interval = Duration::from_secs(3600);
    calm.admin.address = Some(([127, 0, 0, 1], 0).into());
    let mut watch = Reader::<RouterState>::watch(&store, None);
    assert!(changes(&mut *watch).await.is_empty());
    let before = clock::wall_ms();
    let rig = Rig::start_in_fleet(calm, None, Some(fleet(&store))).await;

    let first = wait_for::<RouterState>(&store, "the first report", |one| one.status() == RouterStatus::SafeMode).await;
    let message = first.message();
    let administration = rig.router.admin_addr.unwrap().to_string();
    assert_eq!((message.address(), message.admin_address()), ("r1:8888", &*administration));
    assert_eq!((message.version(), message.compile_info()), ("1.2.3", "revision abc, debug"));
    assert!(message.date_started() >= before && message.date_modified() >= message.date_started());
    assert!(message.state_store_version.is_some());
    rig.mounts.send_replace(Some(table(&[], None)));
    wait_for::<RouterState>(&store, "running", |one| one.status() == RouterStatus::Running).await;
    rig.mounts.send_replace(None);
    wait_for::<RouterState>(&store, "safe mode", |one| one.status() == RouterStatus::SafeMode).await;
    rig.router.drain().await;

    let mut seen = Vec::new();
    while seen.last() != Some(&RouterStatus::Shutdown) {
        for change in changes(&mut *watch).await {
            let Change::Put { record, .. } = change else { panic!("a report was deleted") };
            seen.push(record.status());
        }
    }
    seen.dedup();
    let all = [
        RouterStatus::SafeMode,
        RouterStatus::Running,
        RouterStatus::SafeMode,
        RouterStatus::Stopping,
        RouterStatus::Shutdown,
    ];
    // The last two may be one write, when there is nothing to wait for.
    let without_stopping = [all[0], all[1], all[2], all[4]];
    assert!(seen == all || seen == without_stopping, "{seen:?}");
}

#[tokio::test]
async fn a_router_reports_itself_again_and_again() {
    let store = JournalStore::in_memory();
    let _rig = Rig::start_in_fleet(quick("r1:8888", config(&[])), None, Some(fleet(&store))).await;
    let first = wait_for::<RouterState>(&store, "a report", |_| true).await;
    let later = |one: &RouterState| one.message().date_modified() > first.message().date_modified();
    let second = wait_for::<RouterState>(&store, "a later one", later).await;
    assert_eq!(second.message().date_created(), first.message().date_created());
}

#[tokio::test]
async fn what_nobody_writes_any_more_is_marked_by_one_router_and_then_deleted() {
    let store = JournalStore::in_memory();
    let lifetime = Lifetime { expiration_ms: 300, deletion_ms: Some(300) };
    let mut watch = Reader::<Membership>::watch(&store, None);
    let gone = report("gone:8888", ("ns1", "nn1"), NamenodeState::Active, "gone:8020");
    store.put(gone.clone(), Version::ABSENT).await.unwrap();
    assert_eq!(changes(&mut *watch).await.len(), 1);
    let mut routers = Vec::new();
    for name in ["r1:8888", "r2:8888", "r3:8888"] {
        let mut config = quick(name, config(&[]));
        config.heartbeat.membership_lifetime = lifetime;
        config.heartbeat.router_lifetime = lifetime;
        routers.push(Rig::start_in_fleet(config, None, Some(fleet(&store))).await);
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&"deleted") {
        for change in changes(&mut *watch).await {
            match change {
                Change::Put { record, .. } if record.state() == NamenodeState::Expired => {
                    seen.push("marked");
                    let dates = |one: &Membership| (one.message().date_created, one.message().date_modified);
                    assert_eq!(dates(&record), dates(&gone), "the mark says nothing of the NameNode");
                }
                Change::Put { .. } => seen.push("written"),
                Change::Delete(key) => {
                    assert_eq!(key, gone.key());
                    seen.push("deleted");
                }
            }
        }
    }
    assert_eq!(seen, ["marked", "deleted"]);

    // Routers age as well.
    let dies = routers.remove(0);
    dies.router.drain().await;
    let marked = |one: &RouterState| one.key() == "r1:8888" && one.status() == RouterStatus::Expired;
    wait_for(&store, "a mark", marked).await;
}
