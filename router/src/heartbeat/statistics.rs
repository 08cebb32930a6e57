//! A NameNode's statistics, from the beans of its web server. Plain functions.

use anabranch_hdfs_proto::hdfs::NamenodeMembershipStatsRecordProto;
use serde_json::Value;

/// The beans of the file system: `FSNamesystem`, `FSNamesystemState` and others.
pub(super) const FILE_SYSTEM: &str = "Hadoop:service=NameNode,name=FSNamesystem*";
/// The bean of the NameNode itself.
pub(super) const NAMENODE: &str = "Hadoop:service=NameNode,name=NameNodeInfo";

/// What the answers to the two queries say; none if neither has a bean that is looked for. What a bean lacks counts as
/// zero, since older NameNodes count fewer things.
pub(super) fn statistics(file_system: &Value, namenode: &Value) -> Option<NamenodeMembershipStatsRecordProto> {
    let named = |answer: &'_ Value, name: &str| -> Option<Value> {
        answer["beans"].as_array()?.iter().find(|bean| bean["name"] == name).cloned()
    };
    let system = named(file_system, "Hadoop:service=NameNode,name=FSNamesystem");
    let state = named(file_system, "Hadoop:service=NameNode,name=FSNamesystemState");
    let info = named(namenode, NAMENODE);
    if system.is_none() && state.is_none() && info.is_none() {
        return None;
    }
    let (system, state, info) = (system.unwrap_or_default(), state.unwrap_or_default(), info.unwrap_or_default());
    Some(NamenodeMembershipStatsRecordProto {
        total_space: long(&system["CapacityTotal"]),
        available_space: long(&system["CapacityRemaining"]),
        provided_space: long(&system["ProvidedCapacityTotal"]),
        num_of_files: long(&system["FilesTotal"]),
        num_of_blocks: long(&system["BlocksTotal"]),
        num_of_blocks_missing: long(&system["MissingBlocks"]),
        num_of_blocks_pending_replication: long(&system["PendingReplicationBlocks"]),
        num_of_blocks_under_replicated: long(&system["UnderReplicatedBlocks"]),
        num_of_blocks_pending_deletion: long(&system["PendingDeletionBlocks"]),
        num_of_active_datanodes: int(&state["NumLiveDataNodes"]),
        num_of_dead_datanodes: int(&state["NumDeadDataNodes"]),
        num_of_decommissioning_datanodes: int(&state["NumDecommissioningDataNodes"]),
        num_of_decom_active_datanodes: int(&state["NumDecomLiveDataNodes"]),
        num_of_decom_dead_datanodes: int(&state["NumDecomDeadDataNodes"]),
        num_of_stale_datanodes: int(&state["NumStaleDataNodes"]),
        num_of_in_maintenance_live_data_nodes: int(&state["NumInMaintenanceLiveDataNodes"]),
        num_of_in_maintenance_dead_data_nodes: int(&state["NumInMaintenanceDeadDataNodes"]),
        num_of_entering_maintenance_data_nodes: int(&state["NumEnteringMaintenanceDataNodes"]),
        corrupt_files_count: int(&info["CorruptFilesCount"]),
        scheduled_replication_blocks: long(&state["ScheduledReplicationBlocks"]),
        number_of_missing_blocks_with_replication_factor_one: long(
            &info["NumberOfMissingBlocksWithReplicationFactorOne"],
        ),
        highest_priority_low_redundancy_replicated_blocks: long(&info["HighestPriorityLowRedundancyReplicatedBlocks"]),
        highest_priority_low_redundancy_ec_blocks: long(&info["HighestPriorityLowRedundancyECBlocks"]),
        pending_sps_paths: int(&system["PendingSPSPaths"]),
    })
}

/// Java keeps its signed numbers in unsigned fields.
fn long(value: &Value) -> Option<u64> {
    Some(value.as_i64().unwrap_or_default() as u64)
}

fn int(value: &Value) -> Option<u32> {
    Some(value.as_i64().unwrap_or_default() as u32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn beans_are_found_by_name_and_their_numbers_by_attribute() {
        let file_system = json!({ "beans": [
            { "name": "Hadoop:service=NameNode,name=FSNamesystemLock", "CapacityTotal": 1 },
            { "name": "Hadoop:service=NameNode,name=FSNamesystemState", "NumLiveDataNodes": 3, "CapacityTotal": 2 },
            { "name": "Hadoop:service=NameNode,name=FSNamesystem", "CapacityTotal": 10_000_000_000_u64, "PendingSPSPaths": -1 },
        ]});
        let namenode = json!({ "beans": [{ "name": NAMENODE, "CorruptFilesCount": 4 }] });
        let found = statistics(&file_system, &namenode).unwrap();
        let shown = (found.total_space(), found.num_of_active_datanodes(), found.corrupt_files_count());
        assert_eq!(shown, (10_000_000_000, 3, 4));
        assert_eq!((found.pending_sps_paths, found.num_of_files), (Some(u32::MAX), Some(0)));
    }

    #[test]
    fn without_beans_there_are_no_statistics() {
        for nothing in
            [json!({ "beans": [] }), json!([]), json!("x"), json!({ "beans": [{ "name": "java.lang:type=Memory" }] })]
        {
            assert_eq!(statistics(&nothing, &nothing), None, "{nothing}");
        }
    }
}
