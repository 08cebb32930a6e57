//! The JSON that is wrapped in a text by `FederationState`.

use anabranch_federation::{Limit, MountEntry, MountTable, Quota, Usages, binary};
use anabranch_store::RouterState;
use serde_json::{Map, Value, json};

use super::dates::slashed;
use crate::federation_view::Namenode;

/// Mounts in the order of their paths.
pub(super) fn mounts(table: &MountTable, usages: Option<&Usages>, superuser: &str, supergroup: &str) -> Value {
    let mut entries: Vec<&MountEntry> = table.entries().collect();
    entries.sort_by(|a, b| a.source.as_str().cmp(b.source.as_str()));
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let entry = |entry: &MountEntry| {
        let destinations: Vec<String> =
            entry.destinations.iter().map(|to| format!("{}->{}", to.nameservice, to.path)).collect();
        let first = entry.destinations.first();
        json!({
            "sourcePath": entry.source.as_str(),
            "nameserviceId": first.map_or("", |to| to.nameservice.as_str()),
            "path": first.map_or("", |to| to.path.as_str()),
            "destinations": destinations,
            "destOrder": entry.order.name(),
            "order": if entry.destinations.len() > 1 { entry.order.name() } else { "" },
            "mode": entry.mode_letters(),
            "ownerName": or(&entry.owner, superuser),
            "groupName": or(&entry.group, supergroup),
            "quota": match usages {
                Some(used) => quota(&entry.quota.with_usage(used.get(entry.source.as_str()).unwrap_or_default())),
                None => quota(&entry.quota),
            },
            "readonly": entry.read_only,
            "faulttolerant": entry.fault_tolerant,
            "dateCreated": slashed(signed(entry.created_ms)),
            "dateModified": slashed(signed(entry.modified_ms)),
        })
    };
    entries.into_iter().map(entry).collect()
}

/// Use is told only where there is a limit.
fn quota(quota: &Quota) -> String {
    let pair = |limit: &Limit, shown: fn(u64) -> String| match limit.quota {
        Some(quota) => format!("{}/{}", shown(quota), shown(limit.used)),
        None => "-/-".to_owned(),
    };
    let types = quota.by_type.iter().filter(|(_, limit)| limit.quota.is_some());
    let types: String = types.map(|(kind, limit)| format!(", {}: {}", kind.name(), pair(limit, binary))).collect();
    let (files, space) = (pair(&quota.files, |files| files.to_string()), pair(&quota.space, binary));
    format!("[NsQuota: {files}, SsQuota: {space}{types}]")
}

/// NameNodes by their keys.
pub(super) fn namenodes(namenodes: &[Namenode], now_ms: u64) -> Value {
    let one = |namenode: &Namenode| (namenode.key.clone(), self::namenode(namenode, now_ms));
    Value::Object(namenodes.iter().map(one).collect::<Map<_, _>>())
}

fn namenode(namenode: &Namenode, now_ms: u64) -> Value {
    let (record, stats) = (&namenode.record, namenode.stats());
    let mut shown = json!({
        "nameserviceId": record.nameservice_id(),
        "namenodeId": record.namenode_id.as_deref().unwrap_or("null"),
        "clusterId": record.cluster_id(),
        "blockPoolId": record.block_pool_id(),
        "routerId": record.router_id(),
        "rpcAddress": record.rpc_address(),
        "serviceAddress": record.service_address(),
        "lifelineAddress": record.lifeline_address(),
        "webAddress": record.web_address(),
        "webScheme": record.web_scheme.as_deref().filter(|scheme| !scheme.is_empty()).unwrap_or("http"),
        "state": namenode.state.name(),
        "isSafeMode": record.is_safe_mode(),
        "dateCreated": record.date_created(),
        "dateModified": record.date_modified(),
        "lastContact": record.last_contact(),
        "lastHeartbeat": seconds_since(record.date_modified(), now_ms),
    });
    let numbers = json!({
        "totalSpace": stats.total_space(),
        "availableSpace": stats.available_space(),
        "used": stats.total_space().saturating_sub(stats.available_space()),
        "providedSpace": stats.provided_space(),
        "numOfFiles": stats.num_of_files(),
        "numOfBlocks": stats.num_of_blocks(),
        "numOfBlocksMissing": stats.num_of_blocks_missing(),
        "numOfBlocksPendingReplication": stats.num_of_blocks_pending_replication(),
        "numOfBlocksUnderReplicated": stats.num_of_blocks_under_replicated(),
        "numOfBlocksPendingDeletion": stats.num_of_blocks_pending_deletion(),
        "numOfActiveDatanodes": stats.num_of_active_datanodes(),
        "numOfDeadDatanodes": stats.num_of_dead_datanodes(),
        "numOfStaleDatanodes": stats.num_of_stale_datanodes(),
        "numOfDecommissioningDatanodes": stats.num_of_decommissioning_datanodes(),
        "numOfDecomActiveDatanodes": stats.num_of_decom_active_datanodes(),
        "numOfDecomDeadDatanodes": stats.num_of_decom_dead_datanodes(),
        "numOfInMaintenanceLiveDataNodes": stats.num_of_in_maintenance_live_data_nodes(),
        "numOfInMaintenanceDeadDataNodes": stats.num_of_in_maintenance_dead_data_nodes(),
        "numOfEnteringMaintenanceDataNodes": stats.num_of_entering_maintenance_data_nodes(),
        "corruptFilesCount": stats.corrupt_files_count(),
        "scheduledReplicationBlocks": stats.scheduled_replication_blocks(),
        "numberOfMissingBlocksWithReplicationFactorOne": stats.number_of_missing_blocks_with_replication_factor_one(),
        "highestPriorityLowRedundancyReplicatedBlocks": stats.highest_priority_low_redundancy_replicated_blocks(),
        "highestPriorityLowRedundancyECBlocks": stats.highest_priority_low_redundancy_ec_blocks(),
        "pendingSPSPaths": stats.pending_sps_paths(),
    });
    if let (Value::Object(shown), Value::Object(numbers)) = (&mut shown, numbers) {
        shown.extend(numbers);
    }
    shown
}

/// Routers by their addresses.
pub(super) fn routers<'a>(routers: impl Iterator<Item = &'a RouterState>, now_ms: u64) -> Value {
    let one = |router: &RouterState| {
        let record = router.message();
        let version = record.state_store_version.as_ref();
        // What a Java router notes before it has read a store.
        let revision = |number: Option<u64>| number.map_or(-1, u64::cast_signed);
        let membership = revision(version.and_then(|version| version.membership_version));
        let mounts = revision(version.and_then(|version| version.mount_table_version));
        let shown = json!({
            "address": record.address(),
            "adminAddress": record.admin_address(),
            "compileInfo": record.compile_info(),
            "version": record.version(),
            "status": router.status().name(),
            "dateCreated": record.date_created(),
            "dateModified": record.date_modified(),
            "dateStarted": record.date_started(),
            "lastHeartbeat": seconds_since(record.date_modified(), now_ms),
            "membershipVersion": membership,
            "mountTableVersion": mounts,
            "lastMembershipUpdate": slashed(membership),
            "lastMountTableUpdate": slashed(mounts),
        });
        (record.address().to_owned(), shown)
    };
    Value::Object(routers.map(one).collect::<Map<_, _>>())
}

fn seconds_since(ms: u64, now_ms: u64) -> u64 {
    now_ms.saturating_sub(ms) / 1000
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
