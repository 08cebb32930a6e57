//! `FSNamesystem` and `FSNamesystemState`, which a router shows alike.

use anabranch_telemetry::jmx::Attributes;

use super::federation_state::capacity;
use super::{Sources, attributes, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let (standing, _) = sources.standing();
    let (total, free) = capacity(&standing);
    let (pending, under) = (
        standing.sum(|stats| stats.num_of_blocks_pending_replication()),
        standing.sum(|stats| stats.num_of_blocks_under_replicated()),
    );
    let mut attributes = attributes![
        "CapacityTotal" => total,
        "CapacityUsed" => total - free,
        "CapacityRemaining" => free,
        "ProvidedCapacityTotal" => standing.sum(|stats| stats.provided_space()),
        "FilesTotal" => standing.sum(|stats| stats.num_of_files()),
        "BlocksTotal" => standing.sum(|stats| stats.num_of_blocks()),
        "PendingReplicationBlocks" => pending,
        "PendingReconstructionBlocks" => pending,
        "UnderReplicatedBlocks" => under,
        "LowRedundancyBlocks" => under,
        "ScheduledReplicationBlocks" => standing.sum(|stats| stats.scheduled_replication_blocks()),
        "PendingDeletionBlocks" => standing.sum(|stats| stats.num_of_blocks_pending_deletion()),
        "PendingSPSPaths" => standing.sum(|stats| stats.pending_sps_paths()),
        "NumLiveDataNodes" => standing.sum(|stats| stats.num_of_active_datanodes()),
        "NumDeadDataNodes" => standing.sum(|stats| stats.num_of_dead_datanodes()),
        "NumStaleDataNodes" => standing.sum(|stats| stats.num_of_stale_datanodes()),
        "NumDecommissioningDataNodes" => standing.sum(|stats| stats.num_of_decommissioning_datanodes()),
        "NumDecomLiveDataNodes" => standing.sum(|stats| stats.num_of_decom_active_datanodes()),
        "NumDecomDeadDataNodes" => standing.sum(|stats| stats.num_of_decom_dead_datanodes()),
        "NumInMaintenanceLiveDataNodes" => standing.sum(|stats| stats.num_of_in_maintenance_live_data_nodes()),
        "NumInMaintenanceDeadDataNodes" => standing.sum(|stats| stats.num_of_in_maintenance_dead_data_nodes()),
        "NumEnteringMaintenanceDataNodes" => standing.sum(|stats| stats.num_of_entering_maintenance_data_nodes()),
    ];
    attributes.extend(unknown::of("FSNamesystem"));
    attributes
}
