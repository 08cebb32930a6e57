//! `NameNodeInfo`: the federation as one NameNode.

use anabranch_telemetry::jmx::{Attributes, float};
use anabranch_telemetry::{clock, process};
use serde_json::Value;

use super::federation_state::capacity;
use super::{Sources, attributes, datanodes, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let (standing, _) = sources.standing();
    let (total, free) = capacity(&standing);
    let used = total - free;
    let (reports, now) = (sources.datanodes.read(), clock::wall_ms());
    let nodes = |reports| datanodes::nodes(reports, now).to_string();
    let mut attributes = attributes![
        "LiveNodes" => nodes(&reports.live),
        "DeadNodes" => nodes(&reports.dead),
        "DecomNodes" => nodes(&reports.decommissioning),
        "EnteringMaintenanceNodes" => nodes(&reports.entering_maintenance),
        "Threads" => process::threads().len(),
        "Version" => sources.version(),
        "SoftwareVersion" => sources.build.version,
        "CompileInfo" => sources.compile_info(),
        "ClusterId" => standing.distinct(|namenode| namenode.record.cluster_id()),
        "BlockPoolId" => standing.distinct(|namenode| namenode.record.block_pool_id()),
        "Safemode" => sources.safe_mode(),
        "NNStartedTimeInMillis" => sources.started_ms,
        "Total" => total,
        "Used" => used,
        "Free" => free,
        "PercentUsed" => percent(used, total),
        "PercentRemaining" => percent(free, total),
        "ProvidedCapacity" => standing.sum(|stats| stats.provided_space()),
        "TotalBlocks" => standing.sum(|stats| stats.num_of_blocks()),
        "NumberOfMissingBlocks" => standing.sum(|stats| stats.num_of_blocks_missing()),
        "NumberOfMissingBlocksWithReplicationFactorOne" =>
            standing.sum(|stats| stats.number_of_missing_blocks_with_replication_factor_one()),
        "HighestPriorityLowRedundancyReplicatedBlocks" =>
            standing.sum(|stats| stats.highest_priority_low_redundancy_replicated_blocks()),
        "HighestPriorityLowRedundancyECBlocks" =>
            standing.sum(|stats| stats.highest_priority_low_redundancy_ec_blocks()),
        "CorruptFilesCount" => standing.sum(|stats| stats.corrupt_files_count()),
    ];
    attributes.extend(unknown::of("NameNodeInfo"));
    attributes
}

/// Of nothing, all is used and nothing remains: that is how Hadoop counts.
#[expect(clippy::cast_precision_loss, reason = "it is shown with seven digits")]
fn percent(part: u64, total: u64) -> Value {
    float(if total == 0 { 100.0 } else { part as f32 * 100.0 / total as f32 })
}
