//! What stands in for the beans of a Java virtual machine: memory, the process, threads.

use std::process::id;

use anabranch_telemetry::jmx::Attributes;
use anabranch_telemetry::{clock, process};
use serde_json::{Value, json};

use super::{Sources, attributes};

/// The process's memory is its heap; nothing is outside of it.
pub(super) fn memory(_: &Sources) -> Attributes {
    let memory = process::memory();
    attributes![
        "ObjectPendingFinalizationCount" => 0,
        "HeapMemoryUsage" =>
            json!({ "committed": memory.peak, "init": 0, "max": memory.limit, "used": memory.resident }),
        "NonHeapMemoryUsage" => json!({ "committed": 0, "init": 0, "max": -1, "used": 0 }),
        "Verbose" => false,
        "ObjectName" => "java.lang:type=Memory",
    ]
}

pub(super) fn runtime(sources: &Sources) -> Attributes {
    let empty = || Value::Array(Vec::new());
    attributes![
        "ManagementSpecVersion" => "3.0",
        "SpecName" => "native process",
        "SpecVendor" => "",
        "SpecVersion" => "",
        // Arguments may hold what is nobody's business.
        "InputArguments" => empty(),
        "SystemProperties" => empty(),
        "Pid" => id(),
        "Name" => format!("{}@{}", id(), sources.host),
        "ClassPath" => "",
        "StartTime" => sources.started_ms,
        "BootClassPathSupported" => false,
        "VmName" => "anabranch",
        "VmVendor" => "",
        "VmVersion" => sources.build.version,
        "LibraryPath" => "",
        "Uptime" => clock::wall_ms().saturating_sub(sources.started_ms),
        "ObjectName" => "java.lang:type=Runtime",
    ]
}

pub(super) fn threading(_: &Sources) -> Attributes {
    let threads = process::threads();
    let ids: Vec<u64> = threads.iter().map(|thread| thread.id).collect();
    attributes![
        "ThreadAllocatedMemorySupported" => false,
        "ThreadAllocatedMemoryEnabled" => false,
        "TotalThreadAllocatedBytes" => -1,
        "CurrentThreadAllocatedBytes" => -1,
        "ThreadContentionMonitoringEnabled" => false,
        "AllThreadIds" => ids,
        "ThreadCount" => threads.len(),
        "PeakThreadCount" => threads.len(),
        "TotalStartedThreadCount" => threads.len(),
        "DaemonThreadCount" => 0,
        "ThreadContentionMonitoringSupported" => false,
        "CurrentThreadCpuTime" => -1,
        "CurrentThreadUserTime" => -1,
        "ThreadCpuTimeSupported" => false,
        "CurrentThreadCpuTimeSupported" => false,
        "ThreadCpuTimeEnabled" => false,
        "ObjectMonitorUsageSupported" => false,
        "SynchronizerUsageSupported" => false,
        "ObjectName" => "java.lang:type=Threading",
    ]
}
