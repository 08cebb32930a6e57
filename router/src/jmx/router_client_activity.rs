//! `RouterClientActivity`: calls by method, and how many of them went to several subclusters at once.

use anabranch_telemetry::jmx::Attributes;

use super::{Sources, process_tags};
use crate::method;

/// Methods that are counted under another name than their own.
const RENAMED: &[(&str, &str)] = &[
    ("getFsStats", "GetStats"),
    ("getFsReplicatedBlockStats", "GetReplicatedBlockStats"),
    ("getFsECBlockGroupStats", "GetECBlockGroupStats"),
    ("removeXAttr", "RemoveXAttrs"),
];

/// Methods that are counted together as others.
const OTHERS: &[&str] = &["getDelegationToken", "renewDelegationToken", "cancelDelegationToken", "getEnclosingRoot"];

/// Methods whose fan-outs are counted apart.
const CONCURRENT: &[&str] = &[
    "delete",
    "finalizeUpgrade",
    "getContentSummary",
    "getCurrentEditLogTxid",
    "getDatanodeReport",
    "getFileInfo",
    "getListing",
    "getQuotaUsage",
    "getFsReplicatedBlockStats",
    "getSlowDatanodeReport",
    "getFsStats",
    "listCorruptFileBlocks",
    "metaSave",
    "mkdirs",
    "modifyAclEntries",
    "refreshNodes",
    "removeAclEntries",
    "removeAcl",
    "removeDefaultAcl",
    "removeXAttr",
    "rename2",
    "rename",
    "renewLease",
    "restoreFailedStorage",
    "rollEdits",
    "rollingUpgrade",
    "saveNamespace",
    "setAcl",
    "setBalancerBandwidth",
    "setOwner",
    "setPermission",
    "setQuota",
    "setReplication",
    "setSafeMode",
    "setXAttr",
];

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let metrics = &sources.core.metrics;
    let (mut others, mut concurrent_others) = (0, 0);
    let mut attributes = process_tags(sources, "dfs", None);
    for (at, row) in method::client_rows() {
        let (calls, fan_outs) = (metrics.all_calls(at), metrics.tally.fan_outs(at));
        if OTHERS.contains(&row.name) {
            others += calls;
        } else {
            let renamed = RENAMED.iter().find(|(name, _)| *name == row.name).map(|(_, shown)| (*shown).to_owned());
            let shown = renamed.unwrap_or_else(|| capitalised(row.name));
            attributes.push((format!("{shown}Ops").into(), calls.into()));
        }
        if CONCURRENT.contains(&row.name) {
            // The one that is renamed only without company.
            let renamed = RENAMED.iter().find(|(name, _)| *name == row.name && *name != "removeXAttr");
            let shown = renamed.map_or_else(|| capitalised(row.name), |(_, shown)| (*shown).to_owned());
            attributes.push((format!("Concurrent{shown}Ops").into(), fan_outs.into()));
        } else {
            concurrent_others += fan_outs;
        }
    }
    attributes.push(("OtherOps".into(), others.into()));
    attributes.push(("ConcurrentOtherOps".into(), concurrent_others.into()));
    attributes
}

/// `getListing` as `GetListing`.
pub(super) fn capitalised(method: &str) -> String {
    let mut letters = method.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
