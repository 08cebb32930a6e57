//! The calls: methods with their parameters, `$P` a path.

use std::fmt;

use serde_json::Value;

use crate::places::{CHANGED, ODD, PATHS};

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub method: &'static str,
    /// Its parameters.
    pub parameters: Value,
    /// Whether it may change something.
    pub changes: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.parameters)
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
    ("removeAcl", r#"{"src":"$P"}"#),
    ("setXAttr", r#"{"src":"$P","xAttr":{"namespace":"USER","name":"a","value":"AQ=="},"flag":1}"#),
    ("removeXAttr", r#"{"src":"$P","xAttr":{"namespace":"USER","name":"a"}}"#),
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
];

fn call((method, parameters): &(&'static str, &str), path: &str, changes: bool) -> Call {
    let parameters = serde_json::from_str(&parameters.replace("$P", path)).unwrap();
    Call { method, parameters, changes }
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
    crossed(READS, PATHS.iter().chain(ODD), false)
}

/// Each changing method with some.
pub fn writes() -> Vec<Call> {
    crossed(WRITES, CHANGED.iter(), true)
}

/// Methods without a path.
pub fn cluster() -> Vec<Call> {
    CLUSTER.iter().map(|row| call(row, "", false)).collect()
}
