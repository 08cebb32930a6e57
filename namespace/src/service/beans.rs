//! The management beans of a NameNode, as far as routers read them: what the namespace holds.

use std::sync::Arc;

use anabranch_telemetry::jmx::{Attributes, Bean, Beans, ObjectName};

use super::Service;
use super::admin::{pending_deletion, space};
use crate::block::Capacity;
use crate::state::Fault;
use crate::state::view::View;

/// Attributes from pairs of a name and anything that JSON can say.
macro_rules! attributes {
    ($($name:literal => $value:expr),* $(,)?) => { vec![$(($name.into(), $value.into())),*] };
}

/// A bean as a function.
type Read = fn(&Service) -> Result<Attributes, Fault>;

const BEANS: [(&str, Read); 3] =
    [("FSNamesystem", file_system), ("FSNamesystemState", datanodes), ("NameNodeInfo", namenode)];

/// The beans of a service.
pub fn beans(service: &Arc<Service>) -> Beans {
    let beans = Beans::new();
    for (name, read) in BEANS {
        let service = service.clone();
        let read = move || read(&service).map_err(|fault| fault.to_string());
        beans.register(Bean::new(ObjectName::hadoop("NameNode", name), name, read));
    }
    beans
}

/// There is one copy of each block, so that none can have too few.
fn file_system(s: &Service) -> Result<Attributes, Fault> {
    let Capacity { total, used, remaining } = space(s)?;
    let counters = s.view().counters()?;
    Ok(attributes![
        "CapacityTotal" => total,
        "CapacityUsed" => used,
        "CapacityRemaining" => remaining,
        "ProvidedCapacityTotal" => 0,
        "FilesTotal" => counters.inodes,
        "BlocksTotal" => counters.blocks,
        "MissingBlocks" => 0,
        "PendingReplicationBlocks" => 0,
        "UnderReplicatedBlocks" => 0,
        "PendingDeletionBlocks" => pending_deletion(s)?,
        "PendingSPSPaths" => 0,
    ])
}

/// The block gateway counts as a DataNode, and lives as long as this process.
fn datanodes(_: &Service) -> Result<Attributes, Fault> {
    Ok(attributes![
        "NumLiveDataNodes" => 1,
        "NumDeadDataNodes" => 0,
        "NumStaleDataNodes" => 0,
        "NumDecommissioningDataNodes" => 0,
        "NumDecomLiveDataNodes" => 0,
        "NumDecomDeadDataNodes" => 0,
        "NumInMaintenanceLiveDataNodes" => 0,
        "NumInMaintenanceDeadDataNodes" => 0,
        "NumEnteringMaintenanceDataNodes" => 0,
        "ScheduledReplicationBlocks" => 0,
    ])
}

fn namenode(s: &Service) -> Result<Attributes, Fault> {
    let Capacity { total, used, remaining } = space(s)?;
    Ok(attributes![
        "Version" => env!("CARGO_PKG_VERSION"),
        "ClusterId" => s.identity.cluster.as_str(),
        "BlockPoolId" => s.identity.pool.as_str(),
        "Total" => total,
        "Used" => used,
        "Free" => remaining,
        "TotalBlocks" => s.view().counters()?.blocks,
        "CorruptFilesCount" => 0,
        "NumberOfMissingBlocks" => 0,
        "NumberOfMissingBlocksWithReplicationFactorOne" => 0,
        "HighestPriorityLowRedundancyReplicatedBlocks" => 0,
        "HighestPriorityLowRedundancyECBlocks" => 0,
    ])
}
