use anabranch_federation::{Limit, MountEntry, MountTable, Order};
use anabranch_hdfs_proto::hdfs::{
    NamenodeMembershipRecordProto, NamenodeMembershipStatsRecordProto, RouterRecordProto, StateStoreVersionRecordProto,
};
use anabranch_store::{Membership, NamenodeState, RouterState, RouterStatus};
use serde_json::{Value, json};

use super::{shapes, unknown};
use crate::config::HeartbeatConfig;
use crate::federation_view::Standing;

const NOW: u64 = 1_795_662_800_000;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn mounts_are_shown_in_the_order_of_their_paths() {
    let mut two = MountEntry::parse("/data/x", [("ns1", "/a"), ("ns0", "/b")]).unwrap();
    two.order = Order::HashAll;
    (two.read_only, two.fault_tolerant) = (true, true);
    (two.owner, two.group, two.mode) = ("alice".into(), "staff".into(), 0o1770);
    two.quota.files = Limit { quota: Some(9), used: 3 };
    (two.created_ms, two.modified_ms) = (1_795_662_746_611, 1_795_662_747_000);
    let one = MountEntry::parse("/a", [("ns0", "/")]).unwrap();
    let table = MountTable::build([two, one], None);
    let expected = json!([
        {
            "sourcePath": "/a", "nameserviceId": "ns0", "path": "/", "destinations": ["ns0->/"],
            "destOrder": "HASH", "order": "", "mode": "rwxr-xr-x", "ownerName": "root", "groupName": "super",
            "quota": "[NsQuota: -/-, SsQuota: -/-]", "readonly": false, "faulttolerant": false,
            "dateCreated": "-", "dateModified": "-"
        },
        {
            "sourcePath": "/data/x", "nameserviceId": "ns1", "path": "/a", "destinations": ["ns1->/a", "ns0->/b"],
            "destOrder": "HASH_ALL", "order": "HASH_ALL", "mode": "rwxrwx--T", "ownerName": "alice",
            "groupName": "staff", "quota": "[NsQuota: 9/3, SsQuota: -/-]", "readonly": true, "faulttolerant": true,
            "dateCreated": "2026/11/26 03:12:26", "dateModified": "2026/11/26 03:12:27"
        }
    ]);
    assert_eq!(shapes::mounts(&table, None, "root", "super"), expected);
}

#[test]
fn namenodes_are_shown_with_what_they_hold() {
    let stats = NamenodeMembershipStatsRecordProto {
        total_space: Some(100),
        available_space: Some(30),
        num_of_files: Some(7),
        ..Default::default()
    };
    let record = NamenodeMembershipRecordProto {
        nameservice_id: text("ns0"),
        router_id: text("r:1"),
        cluster_id: text("c"),
        block_pool_id: text("BP"),
        web_address: text("w:1"),
        rpc_address: text("n:1"),
        state: text(NamenodeState::Active.name()),
        date_modified: Some(NOW - 5_999),
        stats: Some(stats),
        ..Default::default()
    };
    let standing =
        Standing::of(&[Membership::new(record).unwrap()], &[], HeartbeatConfig::default().membership_lifetime, NOW);
    let shown = shapes::namenodes(&standing.namenodes, NOW);
    let namenode = &shown["ns0-null"];
    assert_eq!(namenode.as_object().map(|fields| fields.len()), Some(41), "{shown}");
    let expected = json!({
        "namenodeId": "null", "state": "ACTIVE", "webScheme": "http", "lastHeartbeat": 5, "used": 70, "numOfFiles": 7,
        "isSafeMode": false, "lastContact": 0, "numOfBlocks": 0, "clusterId": "c"
    });
    for (key, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(&namenode[key], value, "{key}");
    }
}

#[test]
fn routers_are_shown_with_the_age_of_what_they_know() {
    let router = |address: &str, version: Option<StateStoreVersionRecordProto>| {
        let message = RouterRecordProto {
            address: text(address),
            status: text(RouterStatus::Running.name()),
            state_store_version: version,
            date_modified: Some(NOW - 61_000),
            ..Default::default()
        };
        RouterState::new(message).unwrap()
    };
    let version =
        StateStoreVersionRecordProto { membership_version: Some(1_795_662_746_611), mount_table_version: None };
    let shown = shapes::routers([router("a:1", Some(version)), router("b:1", None)].iter(), NOW);
    let expected = json!({
        "address": "a:1", "adminAddress": "", "compileInfo": "", "version": "", "status": "RUNNING", "dateCreated": 0,
        "dateModified": NOW - 61_000, "dateStarted": 0, "lastHeartbeat": 61,
        "membershipVersion": 1_795_662_746_611_i64, "mountTableVersion": -1,
        "lastMembershipUpdate": "2026/11/26 03:12:26", "lastMountTableUpdate": "-"
    });
    assert_eq!(shown["a:1"], expected);
    assert_eq!(shown["b:1"]["membershipVersion"], Value::from(-1));
}

#[test]
fn nothing_is_listed_twice_as_unknown() {
    for group in unknown::UNKNOWN {
        assert!(!group.reason.is_empty() && !group.attributes.is_empty(), "{:?}", group.beans);
        for bean in group.beans {
            let mut names: Vec<_> = unknown::of(bean).into_iter().map(|(name, _)| name).collect();
            let all = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all, "{bean}");
        }
    }
}
