//! What `/jmx` shows of DataNodes, and what it costs NameNodes.

use std::net::Ipv4Addr;
use std::time::Duration;

use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hdfs_proto::hdfs::DatanodeReportTypeProto as Kind;
use anabranch_hrpc::Payload;
use anabranch_router::config::DatanodesConfig;
use anabranch_testkit::fake_namenode::FakeNamenode;
use anabranch_testkit::http;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use crate::rig::{Rig, config};

const METHOD: &str = "getDatanodeStorageReport";
const HOUR: Duration = Duration::from_secs(3600);

/// Reports one DataNode of each kind, with the kind in its name.
async fn reporting(name: &'static str) -> FakeNamenode {
    let fake = FakeNamenode::start("BP-1").await.unwrap();
    fake.script(METHOD, move |call| {
        let kind = call.decode::<pb::GetDatanodeStorageReportRequestProto>()?.r#type();
        let host_name = format!("{name}-{kind:?}");
        let id = pb::DatanodeIdProto { ip_addr: host_name.clone(), host_name, xfer_port: 9866, ..Default::default() };
        let datanode_info = pb::DatanodeInfoProto { id, capacity: Some(100), dfs_used: Some(25), ..Default::default() };
        let report = pb::DatanodeStorageReportProto { datanode_info, storage_reports: Vec::new() };
        Ok(Payload::message(&pb::GetDatanodeStorageReportResponseProto { datanode_storage_reports: vec![report] }))
    });
    fake
}

/// A router with HTTP.
async fn rig(namenodes: &[(&str, &FakeNamenode)], datanodes: DatanodesConfig) -> Rig {
    let addresses: Vec<_> = namenodes.iter().map(|(id, namenode)| (*id, [namenode.address])).collect();
    let nameservices: Vec<(&str, &[_])> = addresses.iter().map(|(id, address)| (*id, &address[..])).collect();
    let mut config = config(&nameservices);
    config.http_address = Some((Ipv4Addr::LOCALHOST, 0).into());
    config.datanodes = datanodes;
    Rig::start(config, None).await
}

async fn bean(rig: &Rig, name: &str) -> Value {
    let (address, path) = (rig.router.http_addr.unwrap().to_string(), format!("/jmx?qry=Hadoop:{name}"));
    let answer = tokio::task::spawn_blocking(move || http::get(&address, &path)).await.unwrap().unwrap();
    let mut body: Value = serde_json::from_str(&answer.body).unwrap();
    body["beans"][0].take()
}

async fn info(rig: &Rig) -> Value {
    bean(rig, "service=NameNode,name=NameNodeInfo").await
}

fn names(text: &Value) -> Vec<String> {
    let nodes: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    nodes.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_look_a_subcluster_is_asked_once_and_one_that_hangs_costs_its_time() {
    let (lives, hangs) = (reporting("dn").await, reporting("no").await);
    hangs.hold(METHOD);
    let datanodes = DatanodesConfig { patience: Duration::from_millis(300), cache: HOUR, usage: true };
    let rig = rig(&[("ns0", &hangs), ("ns1", &lives)], datanodes).await;
    let began = Instant::now();
    let all = join_all((0..20).map(|_| info(&rig))).await;
    let state = bean(&rig, "service=Router,name=FederationState").await;
    let took = began.elapsed();
    for info in all {
        let shown = ["LiveNodes", "DeadNodes", "DecomNodes", "EnteringMaintenanceNodes"].map(|list| names(&info[list]));
        let kinds = [Kind::Live, Kind::Dead, Kind::Decommissioning, Kind::EnteringMaintenance];
        assert_eq!(shown, kinds.map(|kind| vec![format!("dn-{kind:?}:9866")]));
    }
    assert!(state["NodeUsage"].as_str().unwrap().contains(r#""median":"25.00%""#), "{state}");
    assert_eq!((lives.calls(METHOD).len(), hangs.calls(METHOD).len()), (4, 4));
    // One after the other, 21 looks at four lists would have taken 25 seconds.
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_asked_for_again_when_they_are_too_old() {
    let namenode = reporting("dn").await;
    let datanodes = DatanodesConfig { cache: Duration::ZERO, usage: false, ..DatanodesConfig::default() };
    let rig = rig(&[("ns0", &namenode)], datanodes).await;
    for rounds in 1..4 {
        assert_eq!(names(&info(&rig).await["LiveNodes"]), ["dn-Live:9866"]);
        assert_eq!(namenode.calls(METHOD).len(), 4 * rounds);
    }
    let state = bean(&rig, "service=Router,name=FederationState").await;
    assert!(state["NodeUsage"].as_str().unwrap().contains(r#""max":"0.00%""#), "{state}");
    assert_eq!(namenode.calls(METHOD).len(), 12, "nobody wants to know");
}
