//! The calls: methods with their parameters, `$P` a path.

use std::fmt;

use serde_json::Value;

use crate::places::{
    AWAY, CHANGED, DISABLED, DRAWN, HELD, NOWHERE, ODD, ORDERED, OTHERS, PATHS, SAFE, SNAPSHOTS, TANGLED,
};

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub method: &'static str,
    /// Its parameters.
    pub parameters: Value,
    /// Whether it may change something.
    pub changes: bool,
    /// By somebody who is no superuser.
    pub by_other: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.by_other { " by another" } else { "" };
        write!(f, "{} {}{by}", self.method, self.parameters)
    }
}

const READS: &[(&str, &str)] = &[
    ("getFileInfo", r#"{"src":"$P"}"#),
    ("getListing", r#"{"src":"$P","startAfter":"","needLocation":false}"#),
    ("getListing", r#"{"src":"$P","startAfter":"Zg==","needLocation":true}"#),
    ("getBlockLocations", r#"{"src":"$P","offset":0,"length":100}"#),
    ("getFileLinkInfo", r#"{"src":"$P"}"#),
    ("getLocatedFileInfo", r#"{"src":"$P","needBlockToken":false}"#),
    ("isFileClosed", r#"{"src":"$P"}"#),
    ("getContentSummary", r#"{"path":"$P"}"#),
    ("getPreferredBlockSize", r#"{"filename":"$P"}"#),
    ("checkAccess", r#"{"path":"$P","mode":"READ"}"#),
    ("getLinkTarget", r#"{"path":"$P"}"#),
    ("getStoragePolicy", r#"{"path":"$P"}"#),
    ("getErasureCodingPolicy", r#"{"src":"$P"}"#),
    ("getEZForPath", r#"{"src":"$P"}"#),
    ("listCorruptFileBlocks", r#"{"path":"$P"}"#),
    ("getAclStatus", r#"{"src":"$P"}"#),
    ("getXAttrs", r#"{"src":"$P"}"#),
    ("listXAttrs", r#"{"src":"$P"}"#),
    ("getSnapshotListing", r#"{"snapshotRoot":"$P"}"#),
    ("getSnapshotDiffReport", r#"{"snapshotRoot":"$P","fromSnapshot":"a","toSnapshot":""}"#),
    ("getSnapshotDiffReportListing", r#"{"snapshotRoot":"$P","fromSnapshot":"a","toSnapshot":""}"#),
    ("getQuotaUsage", r#"{"path":"$P"}"#),
    ("getEnclosingRoot", r#"{"filename":"$P"}"#),
];

const WRITES: &[(&str, &str)] = &[
    ("mkdirs", r#"{"src":"$P","masked":{"perm":493},"createParent":true}"#),
    ("mkdirs", r#"{"src":"$P/made","masked":{"perm":448},"createParent":false}"#),
    (
        "create",
        r#"{"src":"$P","masked":{"perm":420},"clientName":"t","createFlag":1,"createParent":false,"replication":1,"blockSize":1048576}"#,
    ),
    (
        "create",
        r#"{"src":"$P/made","masked":{"perm":420},"clientName":"t","createFlag":3,"createParent":true,"replication":1,"blockSize":1048576}"#,
    ),
    ("delete", r#"{"src":"$P","recursive":false}"#),
    ("delete", r#"{"src":"$P","recursive":true}"#),
    ("rename", r#"{"src":"$P","dst":"/one/renamed"}"#),
    ("rename2", r#"{"src":"$P","dst":"/two/sub","overwriteDest":true}"#),
    ("rename2", r#"{"src":"/one/f","dst":"$P","overwriteDest":false}"#),
    ("rename", r#"{"src":"/all/only1","dst":"$P"}"#),
    ("rename2", r#"{"src":"/two/only1","dst":"$P","overwriteDest":false}"#),
    ("setReplication", r#"{"src":"$P","replication":2}"#),
    ("setPermission", r#"{"src":"$P","permission":{"perm":448}}"#),
    ("setOwner", r#"{"src":"$P","username":"ann","groupname":"others"}"#),
    ("setTimes", r#"{"src":"$P","mtime":1000,"atime":2000}"#),
    ("setStoragePolicy", r#"{"src":"$P","policyName":"ALL_SSD"}"#),
    ("unsetStoragePolicy", r#"{"src":"$P"}"#),
    ("satisfyStoragePolicy", r#"{"src":"$P"}"#),
    ("append", r#"{"src":"$P","clientName":"t"}"#),
    ("truncate", r#"{"src":"$P","newLength":0,"clientName":"t"}"#),
    ("concat", r#"{"trg":"$P","srcs":["/one/sub/g"]}"#),
    ("recoverLease", r#"{"src":"$P","clientName":"t"}"#),
    ("fsync", r#"{"src":"$P","client":"t"}"#),
    (
        "modifyAclEntries",
        r#"{"src":"$P","aclSpec":[{"type":"USER","scope":"ACCESS","permissions":"READ","name":"ann"}]}"#,
    ),
    (
        "setAcl",
        r#"{"src":"$P","aclSpec":[{"type":"USER","scope":"ACCESS","permissions":"PERM_ALL"},{"type":"GROUP","scope":"ACCESS","permissions":"READ"},{"type":"OTHER","scope":"ACCESS","permissions":"NONE"}]}"#,
    ),
    (
        "removeAclEntries",
        r#"{"src":"$P","aclSpec":[{"type":"USER","scope":"ACCESS","permissions":"READ","name":"ann"}]}"#,
    ),
    ("removeDefaultAcl", r#"{"src":"$P"}"#),
    ("removeAcl", r#"{"src":"$P"}"#),
    ("setXAttr", r#"{"src":"$P","xAttr":{"namespace":"USER","name":"a","value":"AQ=="},"flag":1}"#),
    ("removeXAttr", r#"{"src":"$P","xAttr":{"namespace":"USER","name":"a"}}"#),
    ("setQuota", r#"{"path":"$P","namespaceQuota":5,"storagespaceQuota":9223372036854775807}"#),
    ("addBlock", r#"{"src":"$P","clientName":"t"}"#),
    ("complete", r#"{"src":"$P","clientName":"t"}"#),
    ("abandonBlock", r#"{"b":$B,"src":"$P","holder":"t"}"#),
    ("getAdditionalDatanode", r#"{"src":"$P","blk":$B,"numAdditionalNodes":1,"clientName":"t"}"#),
    ("reencryptEncryptionZone", r#"{"action":"START_REENCRYPT","zone":"$P"}"#),
    ("disallowSnapshot", r#"{"snapshotRoot":"$P"}"#),
    ("renameSnapshot", r#"{"snapshotRoot":"$P","snapshotOldName":"s","snapshotNewName":"t"}"#),
    ("allowSnapshot", r#"{"snapshotRoot":"$P"}"#),
    ("createSnapshot", r#"{"snapshotRoot":"$P","snapshotName":"s"}"#),
    ("deleteSnapshot", r#"{"snapshotRoot":"$P","snapshotName":"s"}"#),
    ("createSymlink", r#"{"target":"/x","link":"$P","dirPerm":{"perm":493},"createParent":false}"#),
    ("setErasureCodingPolicy", r#"{"src":"$P","ecPolicyName":"RS-6-3-1024k"}"#),
    ("unsetErasureCodingPolicy", r#"{"src":"$P"}"#),
    ("createEncryptionZone", r#"{"src":"$P","keyName":"k"}"#),
];

const CLUSTER: &[(&str, &str)] = &[
    ("getServerDefaults", "{}"),
    ("getStoragePolicies", "{}"),
    ("getFsStats", "{}"),
    ("getFsReplicatedBlockStats", "{}"),
    ("getFsECBlockGroupStats", "{}"),
    ("getDatanodeReport", r#"{"type":"ALL"}"#),
    ("getDatanodeReport", r#"{"type":"DEAD"}"#),
    ("getDatanodeStorageReport", r#"{"type":"LIVE"}"#),
    ("getSlowDatanodeReport", "{}"),
    ("setSafeMode", r#"{"action":"SAFEMODE_GET"}"#),
    ("rollingUpgrade", r#"{"action":"QUERY"}"#),
    ("upgradeStatus", "{}"),
    ("getErasureCodingPolicies", "{}"),
    ("getErasureCodingCodecs", "{}"),
    ("getSnapshottableDirListing", "{}"),
    ("listCachePools", r#"{"prevPoolName":""}"#),
    ("listCacheDirectives", r#"{"prevId":0,"filter":{}}"#),
    ("listEncryptionZones", r#"{"id":0}"#),
    ("listReencryptionStatus", r#"{"id":0}"#),
    ("listOpenFiles", r#"{"id":0,"types":["ALL_OPEN_FILES"]}"#),
    ("getDataEncryptionKey", "{}"),
    ("getEditsFromTxid", r#"{"txid":1}"#),
    ("getDelegationToken", r#"{"renewer":"ann"}"#),
    ("getHAServiceState", "{}"),
    ("renewLease", r#"{"clientName":"t"}"#),
    ("setBalancerBandwidth", r#"{"bandwidth":1000000}"#),
    ("getBatchedListing", r#"{"paths":["/one"],"startAfter":"","needLocation":false}"#),
    ("updateBlockForPipeline", r#"{"block":$B,"clientName":"t"}"#),
    ("updatePipeline", r#"{"clientName":"t","oldBlock":$B,"newBlock":$B}"#),
    ("reportBadBlocks", r#"{"blocks":[]}"#),
    (
        "reportBadBlocks",
        r#"{"blocks":[{"b":$B,"offset":0,"corrupt":true,"blockToken":{"identifier":"","password":"","kind":"","service":""}}]}"#,
    ),
    ("msync", "{}"),
    ("getCurrentEditLogTxid", "{}"),
    ("refreshNodes", "{}"),
    ("saveNamespace", "{}"),
    ("restoreFailedStorage", r#"{"arg":"check"}"#),
    ("finalizeUpgrade", "{}"),
    ("metaSave", r#"{"filename":"$R"}"#),
    ("addCachePool", r#"{"info":{"poolName":"$R"}}"#),
    ("addCachePool", r#"{"info":{"poolName":"$R"}}"#),
    ("listCachePools", r#"{"prevPoolName":""}"#),
    ("modifyCachePool", r#"{"info":{"poolName":"$R","mode":511}}"#),
    ("addCacheDirective", r#"{"info":{"path":"/one/f","pool":"$R"}}"#),
    ("addCacheDirective", r#"{"info":{"path":"/all/f","pool":"nobodys"}}"#),
    ("modifyCacheDirective", r#"{"info":{"id":4711,"path":"/one/f"}}"#),
    ("removeCacheDirective", r#"{"id":4711}"#),
    ("removeCachePool", r#"{"poolName":"$R"}"#),
    ("removeCachePool", r#"{"poolName":"$R"}"#),
    ("enableErasureCodingPolicy", r#"{"ecPolicyName":"XOR-2-1-1024k"}"#),
    ("getECTopologyResultForPolicies", r#"{"policies":["XOR-2-1-1024k"]}"#),
    ("disableErasureCodingPolicy", r#"{"ecPolicyName":"XOR-2-1-1024k"}"#),
    ("enableErasureCodingPolicy", r#"{"ecPolicyName":"none"}"#),
    ("removeErasureCodingPolicy", r#"{"ecPolicyName":"XOR-2-1-1024k"}"#),
    ("addErasureCodingPolicies", r#"{"ecPolicies":[]}"#),
    ("listReencryptionStatus", r#"{"id":0}"#),
    (
        "renewDelegationToken",
        r#"{"token":{"identifier":"","password":"","kind":"HDFS_DELEGATION_TOKEN","service":""}}"#,
    ),
    (
        "cancelDelegationToken",
        r#"{"token":{"identifier":"","password":"","kind":"HDFS_DELEGATION_TOKEN","service":""}}"#,
    ),
    ("rollEdits", "{}"),
];

/// Calls beyond a quota that change nothing even if it does not stop them, `$M` the mount; but for `made` in it.
const BEYOND: &[(&str, &str)] = &[
    ("mkdirs", r#"{"src":"$M","masked":{"perm":493},"createParent":true}"#),
    (
        "create",
        r#"{"src":"$M/made","masked":{"perm":420},"clientName":"t","createFlag":3,"createParent":true,"replication":1,"blockSize":1048576}"#,
    ),
    ("append", r#"{"src":"$M/missing","clientName":"t"}"#),
    ("addBlock", r#"{"src":"$M/missing","clientName":"t"}"#),
    ("setReplication", r#"{"src":"$M/f","replication":1}"#),
    ("truncate", r#"{"src":"$M/missing","newLength":0,"clientName":"t"}"#),
    ("complete", r#"{"src":"$M/missing","clientName":"t"}"#),
    ("abandonBlock", r#"{"b":$B,"src":"$M/missing","holder":"t"}"#),
    ("createSymlink", r#"{"target":"/x","link":"$M/made","dirPerm":{"perm":493},"createParent":false}"#),
    ("rename", r#"{"src":"/one/f","dst":"$M/made"}"#),
    ("rename2", r#"{"src":"/one/f","dst":"$M/made","overwriteDest":false}"#),
    ("delete", r#"{"src":"$M/missing","recursive":false}"#),
    ("getQuotaUsage", r#"{"path":"$M"}"#),
    ("setQuota", r#"{"path":"$M","namespaceQuota":5,"storagespaceQuota":9223372036854775807}"#),
    ("setQuota", r#"{"path":"$M/missing","namespaceQuota":5,"storagespaceQuota":9223372036854775807}"#),
];

/// A block that nobody has, of a block pool that nobody has.
const BLOCK: &str = r#"{"poolId":"BP-none","blockId":1,"generationStamp":1}"#;

/// One call, `$P` in its parameters this path.
pub fn call(&(method, parameters): &(&'static str, &str), path: &str, changes: bool) -> Call {
    let parameters = parameters.replace("$P", path).replace("$B", BLOCK);
    let parameters = serde_json::from_str(&parameters).unwrap_or_else(|error| panic!("{method} {parameters}: {error}"));
    Call { method, parameters, changes, by_other: false }
}

fn crossed<'p>(
    rows: &[(&'static str, &str)],
    paths: impl Iterator<Item = &'p &'p str> + Clone,
    changes: bool,
) -> Vec<Call> {
    rows.iter().flat_map(|row| paths.clone().map(move |path| call(row, path, changes))).collect()
}

/// Each reading method with each path.
pub fn reads() -> Vec<Call> {
    crossed(READS, PATHS.iter().chain(ODD).chain(ORDERED), false)
}

/// Each method where a subcluster is away.
pub fn away() -> Vec<Call> {
    [crossed(READS, AWAY.iter(), false), crossed(WRITES, AWAY.iter(), true)].concat()
}

/// Each method where only mounts lead anywhere.
pub fn nowhere() -> Vec<Call> {
    let across = [r#"{"trg":"/bytes/f","srcs":["/there/f"]}"#, r#"{"trg":"/there/f","srcs":["/bytes/f"]}"#];
    let across = across.map(|parameters| call(&("concat", parameters), "", false));
    [everything(NOWHERE), across.into()].concat()
}

/// Each method where the NameNode is in safe mode; what it lets happen, the reset before the next case takes back.
pub fn held() -> Vec<Call> {
    [READS, WRITES].into_iter().flat_map(|rows| crossed(rows, HELD.iter(), false)).collect()
}

/// Each method where a nameservice is disabled.
pub fn disabled() -> Vec<Call> {
    everything(DISABLED)
}

/// Each method where mounts lie in and over each other.
pub fn tangled() -> Vec<Call> {
    everything(TANGLED)
}

/// Each method in safe mode.
pub fn safe_mode() -> Vec<Call> {
    everything(SAFE)
}

/// Each method with each path, and those without.
fn everything(paths: &[&str]) -> Vec<Call> {
    [crossed(READS, paths.iter(), false), crossed(WRITES, paths.iter(), true), cluster()].concat()
}

/// Calls that quotas refuse.
pub fn beyond_quotas() -> Vec<Call> {
    let beyond = |mount: &'static str| {
        BEYOND.iter().map(move |(method, text)| call(&(method, &text.replace("$M", mount)), "", true))
    };
    ["/names", "/bytes"].into_iter().flat_map(beyond).collect()
}

/// Asks whether something is there.
pub fn probe(path: &str) -> Call {
    call(&READS[0], path, false)
}

/// Asks a router how it is.
pub fn service_state() -> Call {
    call(&("getHAServiceState", "{}"), "", false)
}

/// Each reading method where there are snapshots.
pub fn snapshots() -> Vec<Call> {
    let mut calls = crossed(READS, SNAPSHOTS.iter(), false);
    calls.push(call(&("getSnapshottableDirListing", "{}"), "", false));
    calls
}

/// Each method by a user who owns nothing.
pub fn by_others() -> Vec<Call> {
    everything(OTHERS).into_iter().map(|call| Call { by_other: true, ..call }).collect()
}

/// Each changing method with some.
pub fn writes() -> Vec<Call> {
    let drawn = crossed(WRITES, DRAWN.iter(), true).into_iter();
    // What is made is made where the draw falls.
    let drawn = drawn.filter(|call| !call.parameters.to_string().contains("/made"));
    crossed(WRITES, CHANGED.iter(), true).into_iter().chain(drawn).collect()
}

/// Methods without a path.
pub fn cluster() -> Vec<Call> {
    CLUSTER.iter().map(|row| call(row, "", false)).collect()
}
