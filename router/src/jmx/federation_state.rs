//! `FederationState`: subclusters, routers and mounts. Numbers are sums over the best NameNode of each nameservice.

use anabranch_telemetry::jmx::Attributes;

use super::sources::COMPILED;
use super::{Sources, attributes, datanodes, dates, process_tags, shapes, unknown};
use crate::federation_view::Standing;

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let (standing, now) = sources.standing();
    let (total, free) = capacity(&standing);
    let used = total - free;
    let config = &sources.core.config;
    let usages = sources.core.quotas.usages();
    let routers = sources.view.routers().borrow().clone();
    let mut attributes = attributes![
        "MountTable" => shapes::mounts(&sources.mounts(), usages.as_deref(), &config.superuser, &config.supergroup).to_string(),
        "Namenodes" => shapes::namenodes(&standing.namenodes, now).to_string(),
        "Nameservices" => shapes::namenodes(&standing.nameservices, now).to_string(),
        "Routers" => shapes::routers(routers.records(), now).to_string(),
        "NodeUsage" => datanodes::usage(sources).to_string(),
        "NumNameservices" => standing.in_service,
        "NumNamenodes" => standing.namenodes.len(),
        "NumExpiredNamenodes" => standing.expired,
        "TotalCapacity" => total,
        "UsedCapacity" => used,
        "RemainingCapacity" => free,
        "TotalCapacityBigInt" => total,
        "UsedCapacityBigInt" => used,
        "RemainingCapacityBigInt" => free,
        "ProvidedSpace" => standing.sum(|stats| stats.provided_space()),
        "ScheduledReplicationBlocks" => standing.sum(|stats| stats.scheduled_replication_blocks()),
        "CorruptFilesCount" => standing.sum(|stats| stats.corrupt_files_count()),
        "NumberOfMissingBlocksWithReplicationFactorOne" =>
            standing.sum(|stats| stats.number_of_missing_blocks_with_replication_factor_one()),
        "HighestPriorityLowRedundancyReplicatedBlocks" =>
            standing.sum(|stats| stats.highest_priority_low_redundancy_replicated_blocks()),
        "HighestPriorityLowRedundancyECBlocks" =>
            standing.sum(|stats| stats.highest_priority_low_redundancy_ec_blocks()),
        "PendingSPSPaths" => standing.sum(|stats| stats.pending_sps_paths()),
        "RouterStarted" => dates::spoken(sources.started_ms),
        "Version" => sources.version(),
        "CompiledDate" => COMPILED,
        "CompileInfo" => sources.compile_info(),
        "HostAndPort" => sources.host_and_port(),
        "RouterId" => config.router_id.as_str(),
        "ClusterId" => standing.distinct(|namenode| namenode.record.cluster_id()),
        "BlockPoolId" => standing.distinct(|namenode| namenode.record.block_pool_id()),
        "RouterStatus" => sources.status().name(),
    ];
    attributes.extend(counts(&standing));
    attributes.extend(unknown::of("FederationState"));
    attributes
}

/// The bean of the same numbers that Hadoop's metrics system keeps.
pub(super) fn source(sources: &Sources) -> Attributes {
    let mut attributes = process_tags(sources, "dfs", None);
    // The only process metrics without a session.
    attributes.retain(|(name, _)| name != "tag.SessionId");
    attributes.extend(counts(&sources.standing().0));
    attributes.extend(unknown::of("RBFMetrics"));
    attributes
}

/// What both show.
fn counts(standing: &Standing) -> Attributes {
    attributes![
        "NumFiles" => standing.sum(|stats| stats.num_of_files()),
        "NumBlocks" => standing.sum(|stats| stats.num_of_blocks()),
        "NumOfMissingBlocks" => standing.sum(|stats| stats.num_of_blocks_missing()),
        "NumOfBlocksPendingReplication" => standing.sum(|stats| stats.num_of_blocks_pending_replication()),
        "NumOfBlocksUnderReplicated" => standing.sum(|stats| stats.num_of_blocks_under_replicated()),
        "NumOfBlocksPendingDeletion" => standing.sum(|stats| stats.num_of_blocks_pending_deletion()),
        "NumLiveNodes" => standing.sum(|stats| stats.num_of_active_datanodes()),
        "NumDeadNodes" => standing.sum(|stats| stats.num_of_dead_datanodes()),
        "NumStaleNodes" => standing.sum(|stats| stats.num_of_stale_datanodes()),
        "NumDecommissioningNodes" => standing.sum(|stats| stats.num_of_decommissioning_datanodes()),
        "NumDecomLiveNodes" => standing.sum(|stats| stats.num_of_decom_active_datanodes()),
        "NumDecomDeadNodes" => standing.sum(|stats| stats.num_of_decom_dead_datanodes()),
        "NumInMaintenanceLiveDataNodes" => standing.sum(|stats| stats.num_of_in_maintenance_live_data_nodes()),
        "NumInMaintenanceDeadDataNodes" => standing.sum(|stats| stats.num_of_in_maintenance_dead_data_nodes()),
        "NumEnteringMaintenanceDataNodes" => standing.sum(|stats| stats.num_of_entering_maintenance_data_nodes()),
    ]
}

/// Total and free; what is free is never more.
pub(super) fn capacity(standing: &Standing) -> (u64, u64) {
    let total = standing.sum(|stats| stats.total_space());
    (total, standing.sum(|stats| stats.available_space()).min(total))
}
