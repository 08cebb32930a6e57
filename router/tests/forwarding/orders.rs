//! Orders that look at more than the path: who is near the client, and where there is space.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{MountEntry, MountTable, NameserviceId, Order};
use anabranch_hdfs_proto::hdfs as pb;
use anabranch_router::RouterConfig;
use anabranch_router::config::PlacementConfig;
use anabranch_store::{JournalStore, Membership, NamenodeState};
use anabranch_testkit::fake_namenode::{FakeNamenode, PATIENCE};
use anabranch_testkit::http;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::fleet::{SOON, fleet, report, write};
use crate::members::{owner, wait_owner};
use crate::rig::{Rig, config, directory, info};

const REPORT: &str = "getDatanodeReport";

/// `/plain` and `/m` over ns0 and ns1, the second in an order.
fn mounts(order: Order) -> Arc<MountTable> {
    let entry =
        |source: &str, order| MountEntry { order, ..MountEntry::parse(source, [("ns0", "/"), ("ns1", "/")]).unwrap() };
    let entries = [entry("/plain", Order::LeaderFollower), entry("/m", order)];
    Arc::new(MountTable::build(entries, NameserviceId::parse("ns0").ok()))
}

/// NameNodes that are not on the client's host, and what a router needs to know of them.
async fn subclusters(update_period: Duration, preference: f64) -> ([FakeNamenode; 2], RouterConfig) {
    let start = async |nameservice: &str, host: u8| {
        let address = SocketAddr::from(([127, 0, 9, host], 0));
        let fake = FakeNamenode::start_at(address, &format!("BP-{nameservice}")).await.unwrap();
        fake.answer("getFileInfo", info(Some(directory("", nameservice))));
        fake.answer(REPORT, datanodes(&["10.9.9.9"]));
        fake
    };
    let fakes = [start("ns0", 10).await, start("ns1", 11).await];
    let base = config(&[("ns0", &[fakes[0].address]), ("ns1", &[fakes[1].address])]);
    (fakes, RouterConfig { placement: PlacementConfig { update_period, preference }, ..base })
}

fn datanodes(addresses: &[&str]) -> pb::GetDatanodeReportResponseProto {
    let node = |address: &&str| pb::DatanodeInfoProto {
        id: pb::DatanodeIdProto { ip_addr: (*address).to_owned(), ..Default::default() },
        ..Default::default()
    };
    pb::GetDatanodeReportResponseProto { di: addresses.iter().map(node).collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn local_mounts_begin_where_a_datanode_is_on_the_clients_host() {
    let ([first, second], mut config) = subclusters(SOON, 0.6).await;
    config.http_address = Some((Ipv4Addr::LOCALHOST, 0).into());
    let rig = Rig::start(config, Some(mounts(Order::Hash))).await;
    let client = rig.client("ann").await;
    second.answer(REPORT, datanodes(&["10.9.9.8", "127.0.0.1"]));
    assert_eq!(owner(&client, "/plain/f").await, "ns0");
    assert!(first.calls(REPORT).is_empty() && second.calls(REPORT).is_empty(), "nobody needs to know");

    rig.mounts.send_replace(Some(mounts(Order::Local)));
    wait_owner(&client, "/m/f", "ns1").await;
    assert_eq!(owner(&client, "/plain/f").await, "ns0", "other mounts do not care");

    // Who does not answer keeps what it had, while the others go on.
    second.hold(REPORT);
    let asked = first.calls(REPORT).len();
    first.wait_calls(REPORT, asked + 3).await;
    assert_eq!(owner(&client, "/m/f").await, "ns1");
    second.release();

    // A host that serves both: the mount's own list decides.
    first.answer(REPORT, datanodes(&["127.0.0.1"]));
    wait_owner(&client, "/m/f", "ns0").await;
    first.answer(REPORT, datanodes(&[]));
    wait_owner(&client, "/m/f", "ns1").await;

    let explain = async |query: &str| -> Value {
        let (address, path) = (rig.router.http_addr.unwrap().to_string(), format!("/explain?path=/m/f{query}"));
        let answer = tokio::task::spawn_blocking(move || http::get(&address, &path)).await.unwrap().unwrap();
        serde_json::from_str(&answer.body).unwrap()
    };
    let near = explain("&client=10.9.9.8").await;
    assert_eq!(near["choice"], serde_json::json!({ "by": "local", "nameservice": "ns1" }));
    assert_eq!(near["destinations"][0]["nameservice"], "ns1");
    assert_eq!(explain("&client=10.9.9.7").await["choice"]["by"], "listed");
    assert_eq!(explain("").await["choice"]["by"], "listed");
    let wrong = explain("&client=home").await;
    assert_eq!(wrong["error"], "client \"home\": expected an IP address such as 10.0.0.7");

    rig.mounts.send_replace(Some(mounts(Order::Hash)));
    let asked = || (first.calls(REPORT).len(), second.calls(REPORT).len());
    // What was under way ends; then nobody asks any more.
    let quiet = async {
        let mut before = asked();
        loop {
            sleep(10 * SOON).await;
            let now = asked();
            if now == before {
                return;
            }
            before = now;
        }
    };
    timeout(PATIENCE, quiet).await.expect("they are asked again and again");
}

fn with_space(nameservice: &str, available: u64, namenode: &FakeNamenode) -> Membership {
    let plain = report("r2:8888", (nameservice, "nn1"), NamenodeState::Active, namenode.address);
    let stats = pb::NamenodeMembershipStatsRecordProto { available_space: Some(available), ..Default::default() };
    Membership::new(pb::NamenodeMembershipRecordProto { stats: Some(stats), ..plain.message().clone() }).unwrap()
}

/// How many of 400 calls ask ns1 first.
async fn share(rig: &Rig, second: &FakeNamenode) -> usize {
    let client = rig.client("ann").await;
    let before = second.calls("getPreferredBlockSize").len();
    for at in 0..400 {
        let request = pb::GetPreferredBlockSizeRequestProto { filename: format!("/m/f{at}") };
        let _: pb::GetPreferredBlockSizeResponseProto = client.call("getPreferredBlockSize", request).await.unwrap();
    }
    second.calls("getPreferredBlockSize").len() - before
}

#[tokio::test(flavor = "multi_thread")]
async fn space_mounts_begin_where_there_is_most_space_more_often_than_not() {
    let ([first, second], config) = subclusters(SOON, 0.8).await;
    for namenode in [&first, &second] {
        namenode.answer("getPreferredBlockSize", pb::GetPreferredBlockSizeResponseProto { bsize: 1 });
    }
    let store = JournalStore::in_memory();
    let rig = Rig::start_in_fleet(config, Some(mounts(Order::Space)), Some(fleet(&store))).await;
    assert_eq!(share(&rig, &second).await, 0, "as listed, while nothing is known");

    write(&store, with_space("ns0", 100, &first)).await;
    write(&store, with_space("ns1", 900, &second)).await;
    // Half of them, unless the preference counts: 320 is expected, and 40 less happens once in half a million times.
    let wait_share = async |wanted: std::ops::Range<usize>| {
        let ends = Instant::now() + PATIENCE;
        loop {
            let found = share(&rig, &second).await;
            if wanted.contains(&found) {
                return;
            }
            assert!(Instant::now() < ends, "{found} of 400 calls; wanted {wanted:?}");
        }
    };
    wait_share(280..360).await;
    write(&store, with_space("ns0", 1000, &first)).await;
    wait_share(40..120).await;
    assert!(first.calls(REPORT).is_empty(), "the order LOCAL is not in use");
}
