//! Attributes of the Java router's beans that this router has nothing to say about, with what a Java router shows when it
//! has nothing, and why.

use std::borrow::Cow;

use anabranch_telemetry::jmx::Attributes;
use serde_json::Value;

/// What is shown in place of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nothing {
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(&'static str),
    /// A truth value.
    Flag(bool),
    /// JSON's null.
    Null,
}

use Nothing::{Flag, Float, Int, Null, Text};

impl Nothing {
    fn value(self) -> Value {
        match self {
            Int(number) => number.into(),
            Float(number) => number.into(),
            Text(text) => text.into(),
            Flag(flag) => flag.into(),
            Null => Value::Null,
        }
    }
}

/// Beans that share attributes, what those show, and the reason.
pub struct Group {
    /// Names of beans, without domain and service.
    pub beans: &'static [&'static str],
    /// Why nothing is known.
    pub reason: &'static str,
    /// The attributes.
    pub attributes: &'static [(&'static str, Nothing)],
}

const RPC_PORT: &str = "RpcActivityForPort";
const NAMESERVICE: &str = "NameserviceActivity";
const FS: &str = "FSNamesystem";

/// The table.
pub const UNKNOWN: &[Group] = &[
    Group {
        beans: &["Router", "FederationState", "NameNodeStatus"],
        reason: "clients are believed: there is only simple authentication",
        attributes: &[("SecurityEnabled", Flag(false))],
    },
    Group {
        beans: &["Router", "FederationState", "RBFMetrics"],
        reason: "delegation tokens are issued only with security",
        attributes: &[("CurrentTokensCount", Int(-1))],
    },
    Group {
        beans: &["Router"],
        reason: "delegation tokens are issued only with security",
        attributes: &[("TopTokenRealOwners", Text(""))],
    },
    Group {
        beans: &["Router", "RBFMetrics"],
        reason: "files are not moved between subclusters",
        attributes: &[("RouterFederationRenameCount", Int(0)), ("SchedulerJobCount", Int(0))],
    },
    Group {
        beans: &["FederationRPC"],
        reason: "calls to subclusters are bounded by number, without permits",
        attributes: &[
            ("ProxyOpPermitRejected", Int(0)),
            ("ProxyOpPermitRejectedPerNs", Text("{}")),
            ("ProxyOpPermitAcceptedPerNs", Text("{}")),
            ("AvailableHandlerOnPerNs", Text("N/A")),
        ],
    },
    Group {
        beans: &["FederationRPCMetrics"],
        reason: "calls to subclusters are bounded by number, without permits",
        attributes: &[("ProxyOpPermitRejected", Int(0))],
    },
    Group {
        beans: &[NAMESERVICE],
        reason: "calls to subclusters are bounded by number, without permits",
        attributes: &[("ProxyOpPermitAccepted", Int(0)), ("ProxyOpPermitRejected", Int(0))],
    },
    Group { beans: &["FederationRPC"], reason: "observers are not asked", attributes: &[("ObserverProxyOps", Int(0))] },
    Group {
        beans: &["FederationRPCMetrics"],
        reason: "observers are not asked",
        attributes: &[("ObserverProxyOp", Int(0))],
    },
    Group {
        beans: &["FederationRPC", "FederationRPCMetrics"],
        reason: "a call needs no thread, and waits in no queue",
        attributes: &[("RpcServerCallQueue", Int(0))],
    },
    Group {
        beans: &["FederationRPC"],
        reason: "calls to several subclusters need no threads",
        attributes: &[("AsyncCallerPool", Text(r#"{"active":0,"total":0,"max":0}"#))],
    },
    Group {
        beans: &["FederationRPC"],
        reason: "no call reads the state store",
        attributes: &[("RouterFailureStateStoreOps", Int(0))],
    },
    Group {
        beans: &["FederationRPCMetrics"],
        reason: "no call reads the state store",
        attributes: &[("RouterFailureStateStore", Int(0))],
    },
    Group {
        beans: &["StateStoreActivity"],
        reason: "resolved paths are not cached: a look-up takes less time than the cache would",
        attributes: &[("locationCacheMissed", Int(0)), ("locationCacheAccessed", Int(0))],
    },
    Group {
        beans: &[RPC_PORT],
        reason: "a call needs no thread, and waits in no queue",
        attributes: &[
            ("CallQueueLength", Int(0)),
            ("RpcQueueTimeAvgTime", Float(0.0)),
            ("RpcEnQueueTimeAvgTime", Float(0.0)),
            ("RpcLockWaitTimeAvgTime", Float(0.0)),
            ("RpcRequeueCalls", Int(0)),
            ("DeferredRpcProcessingTimeNumOps", Int(0)),
            ("DeferredRpcProcessingTimeAvgTime", Float(0.0)),
        ],
    },
    Group {
        beans: &[RPC_PORT],
        reason: "clients are believed: there is only simple authentication",
        attributes: &[("RpcAuthenticationFailures", Int(0)), ("RpcAuthenticationSuccesses", Int(0))],
    },
    Group {
        beans: &[RPC_PORT],
        reason: "not measured",
        attributes: &[
            ("tag.NumOpenConnectionsPerUser", Text("{}")),
            ("RpcResponseTimeAvgTime", Float(0.0)),
            ("RpcSlowCalls", Int(0)),
            ("RpcClientBackoffDisconnected", Int(0)),
            ("TotalRequestsPerSecond", Int(0)),
        ],
    },
    Group {
        beans: &["HttpServer2"],
        reason: "a request is not put aside to be dispatched again",
        attributes: &[
            ("AsyncDispatches", Int(0)),
            ("AsyncRequests", Int(0)),
            ("AsyncRequestsWaiting", Int(0)),
            ("AsyncRequestsWaitingMax", Int(0)),
            ("Expires", Int(0)),
        ],
    },
    Group {
        beans: &["UgiMetrics"],
        reason: "there is no login, and NameNodes look groups up",
        attributes: &[
            ("GetGroupsNumOps", Int(0)),
            ("GetGroupsAvgTime", Float(0.0)),
            ("LoginFailureNumOps", Int(0)),
            ("LoginFailureAvgTime", Float(0.0)),
            ("LoginSuccessNumOps", Int(0)),
            ("LoginSuccessAvgTime", Float(0.0)),
            ("RenewalFailures", Int(0)),
            ("RenewalFailuresTotal", Int(0)),
        ],
    },
    Group {
        beans: &["JvmMetrics"],
        reason: "memory is not divided, and there is no garbage collector",
        attributes: &[
            ("MemNonHeapUsedM", Float(0.0)),
            ("MemNonHeapCommittedM", Float(0.0)),
            ("MemNonHeapMaxM", Float(-1.0)),
            ("GcCount", Int(0)),
            ("GcTimeMillis", Int(0)),
            ("GcNumWarnThresholdExceeded", Int(0)),
            ("GcNumInfoThresholdExceeded", Int(0)),
            ("GcTotalExtraSleepTime", Int(0)),
            ("ThreadsNew", Int(0)),
            ("ThreadsTimedWaiting", Int(0)),
            ("ThreadsTerminated", Int(0)),
        ],
    },
    Group {
        beans: &["NameNodeStatus"],
        reason: "a Java router shows these constants",
        attributes: &[
            ("LastHATransitionTime", Int(0)),
            ("BytesWithFutureGenerationStamps", Int(0)),
            ("SlowPeersReport", Text("N/A")),
            ("SlowDisksReport", Text("N/A")),
        ],
    },
    Group {
        beans: &["NameNodeInfo"],
        reason: "a Java router shows these constants",
        attributes: &[
            ("UpgradeFinalized", Flag(true)),
            ("CacheCapacity", Int(0)),
            ("CacheUsed", Int(0)),
            ("RollingUpgradeStatus", Null),
            ("NonDfsUsedSpace", Int(0)),
            ("BlockPoolUsedSpace", Int(0)),
            ("PercentBlockPoolUsed", Float(0.0)),
            ("CorruptFiles", Text("N/A")),
            ("NameDirStatuses", Text("N/A")),
            ("NodeUsage", Text("N/A")),
            ("NameJournalStatus", Text("N/A")),
            ("JournalTransactionInfo", Text("N/A")),
            ("NameDirSize", Text("N/A")),
            ("DistinctVersionCount", Int(0)),
            ("DistinctVersions", Null),
            ("NumberOfSnapshottableDirs", Int(0)),
            ("VerifyECWithTopologyResult", Null),
        ],
    },
    Group {
        beans: &[FS],
        reason: "a Java router shows these constants",
        attributes: &[
            ("FSState", Text("Operational")),
            ("TotalLoad", Int(-1)),
            ("NumInServiceLiveDataNodes", Int(0)),
            ("VolumeFailuresTotal", Int(0)),
            ("EstimatedCapacityLostTotal", Int(0)),
            ("SnapshotStats", Null),
            ("MaxObjects", Int(0)),
            ("BlockDeletionStartTime", Int(-1)),
            ("NumStaleStorages", Int(-1)),
            ("TopUserOpCounts", Text("N/A")),
            ("FsLockQueueLength", Int(0)),
            ("TotalSyncCount", Int(0)),
            ("TotalSyncTimes", Text("")),
            ("NumEncryptionZones", Int(0)),
            ("CurrentTokensCount", Int(0)),
            ("ReconstructionQueuesInitProgress", Float(0.0)),
        ],
    },
];

/// The attributes of a bean that nothing is known of.
pub(super) fn of(bean: &str) -> Attributes {
    let groups = UNKNOWN.iter().filter(|group| group.beans.contains(&bean));
    let attributes = groups.flat_map(|group| group.attributes.iter());
    attributes.map(|(name, nothing)| (Cow::Borrowed(*name), nothing.value())).collect()
}
