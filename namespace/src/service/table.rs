//! Which function answers which method.

use anabranch_hrpc::{Payload, Reply};
use futures_util::future::BoxFuture;

use super::{Context, Service, admin, attributes, datanode, files, reads, side, summary, tree};

/// A method that is served.
pub struct Row {
    /// Its name on the wire.
    pub method: &'static str,
    /// Decodes the request, answers it, encodes the result.
    pub answer: for<'a> fn(&'a Service, &'a Context) -> BoxFuture<'a, Reply>,
}

/// A protocol, and what is served of it.
pub struct Served {
    /// The Java interface.
    pub protocol: &'static str,
    /// The methods that do something, by name. The protocol's others are refused as unsupported.
    pub rows: &'static [Row],
    /// All methods of the protocol.
    pub all: &'static [anabranch_hdfs_proto::Method],
}

macro_rules! rows {
    ($($method:literal => $function:path,)*) => { &[$(Row {
        method: $method,
        answer: |service, context| Box::pin(async move {
            let request = context.call.decode()?;
            Ok(Payload::message(&$function(service, context, request).await?))
        }),
    }),*] };
}

/// `ClientProtocol`.
pub const CLIENT: Served = Served {
    protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
    all: anabranch_hdfs_proto::hdfs::CLIENT_NAMENODE_PROTOCOL,
    rows: rows! {
        "abandonBlock" => files::abandon_block,
        "addBlock" => files::add_block,
        "append" => files::append,
        "checkAccess" => attributes::check_access,
        "complete" => files::complete,
        "concat" => files::concat,
        "create" => files::create,
        "delete" => tree::delete,
        "fsync" => files::fsync,
        "getAclStatus" => attributes::get_acl_status,
        "getAdditionalDatanode" => files::get_additional_datanode,
        "getBlockLocations" => reads::get_block_locations,
        "getContentSummary" => summary::get_content_summary,
        "getDataEncryptionKey" => admin::get_data_encryption_key,
        "getDatanodeReport" => admin::get_datanode_report,
        "getDatanodeStorageReport" => admin::get_datanode_storage_report,
        "getDelegationToken" => admin::get_delegation_token,
        "getEZForPath" => admin::get_ez_for_path,
        "getEnclosingRoot" => reads::get_enclosing_root,
        "getErasureCodingPolicy" => admin::get_erasure_coding_policy,
        "getFileInfo" => reads::get_file_info,
        "getFileLinkInfo" => reads::get_file_link_info,
        "getFsECBlockGroupStats" => admin::get_fs_ec_block_group_stats,
        "getFsReplicatedBlockStats" => admin::get_fs_replicated_block_stats,
        "getFsStats" => admin::get_fs_stats,
        "getHAServiceState" => admin::get_ha_service_state,
        "getListing" => reads::get_listing,
        "getLocatedFileInfo" => reads::get_located_file_info,
        "getPreferredBlockSize" => reads::get_preferred_block_size,
        "getQuotaUsage" => summary::get_quota_usage,
        "getServerDefaults" => admin::get_server_defaults,
        "getSlowDatanodeReport" => admin::get_slow_datanode_report,
        "getStoragePolicies" => admin::get_storage_policies,
        "getStoragePolicy" => admin::get_storage_policy,
        "isFileClosed" => files::is_file_closed,
        "listEncryptionZones" => admin::list_encryption_zones,
        "mkdirs" => tree::mkdirs,
        "msync" => admin::msync,
        "recoverLease" => files::recover_lease,
        "rename" => tree::rename,
        "rename2" => tree::rename2,
        "renewLease" => files::renew_lease,
        "reportBadBlocks" => admin::report_bad_blocks,
        "setOwner" => attributes::set_owner,
        "setPermission" => attributes::set_permission,
        "setReplication" => attributes::set_replication,
        "setSafeMode" => admin::set_safe_mode,
        "setTimes" => attributes::set_times,
        "truncate" => files::truncate,
        "updateBlockForPipeline" => files::update_block_for_pipeline,
        "updatePipeline" => files::update_pipeline,
        "upgradeStatus" => admin::upgrade_status,
    },
};

/// `ClientDatanodeProtocol`, for the block side.
pub const DATANODE: Served = Served {
    protocol: "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol",
    all: anabranch_hdfs_proto::hdfs::CLIENT_DATANODE_PROTOCOL_SERVICE,
    rows: rows! { "getReplicaVisibleLength" => datanode::get_replica_visible_length, },
};

/// `HAServiceProtocol`, of which routers ask the state.
pub const HA: Served = Served {
    protocol: "org.apache.hadoop.ha.HAServiceProtocol",
    all: anabranch_hdfs_proto::common::HA_SERVICE_PROTOCOL_SERVICE,
    rows: rows! {
        "getServiceStatus" => side::get_service_status,
        "monitorHealth" => side::monitor_health,
    },
};

/// `NamenodeProtocol`, of which routers ask the names.
pub const NAMENODE: Served = Served {
    protocol: "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol",
    all: anabranch_hdfs_proto::hdfs::namenode::NAMENODE_PROTOCOL_SERVICE,
    rows: rows! { "versionRequest" => side::version_request, },
};

/// All of them.
pub const SERVED: &[&Served] = &[&CLIENT, &DATANODE, &HA, &NAMENODE];

impl Served {
    /// The row of a method.
    pub fn row(&self, method: &str) -> Option<&'static Row> {
        self.rows.binary_search_by(|row| row.method.cmp(method)).ok().map(|at| &self.rows[at])
    }

    /// Whether the protocol has the method, served or not.
    pub fn has(&self, method: &str) -> bool {
        self.all.iter().any(|known| known.name == method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_are_methods_of_the_protocol() {
        for served in SERVED {
            assert!(served.rows.is_sorted_by(|a, b| a.method < b.method), "{}", served.protocol);
            for row in served.rows {
                assert!(served.has(row.method), "{} has no {}", served.protocol, row.method);
                assert!(served.row(row.method).is_some());
            }
        }
    }

    /// Adding a method to the protocol makes this fail until somebody decides what becomes of it.
    #[test]
    fn every_method_is_served_or_refused_on_purpose() {
        let refused: Vec<_> =
            CLIENT.all.iter().map(|method| method.name).filter(|name| CLIENT.row(name).is_none()).collect();
        let mut expected = REFUSED.to_vec();
        expected.sort_unstable();
        let mut found = refused;
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    const REFUSED: &[&str] = &[
        "addCacheDirective",
        "addCachePool",
        "addErasureCodingPolicies",
        "allowSnapshot",
        "cancelDelegationToken",
        "createEncryptionZone",
        "createSnapshot",
        "createSymlink",
        "deleteSnapshot",
        "disableErasureCodingPolicy",
        "disallowSnapshot",
        "enableErasureCodingPolicy",
        "finalizeUpgrade",
        "getBatchedListing",
        "getCurrentEditLogTxid",
        "getECTopologyResultForPolicies",
        "getEditsFromTxid",
        "getErasureCodingCodecs",
        "getErasureCodingPolicies",
        "getLinkTarget",
        "getSnapshotDiffReport",
        "getSnapshotDiffReportListing",
        "getSnapshotListing",
        "getSnapshottableDirListing",
        "getXAttrs",
        "listCacheDirectives",
        "listCachePools",
        "listCorruptFileBlocks",
        "listOpenFiles",
        "listReencryptionStatus",
        "listXAttrs",
        "metaSave",
        "modifyAclEntries",
        "modifyCacheDirective",
        "modifyCachePool",
        "reencryptEncryptionZone",
        "refreshNodes",
        "removeAcl",
        "removeAclEntries",
        "removeCacheDirective",
        "removeCachePool",
        "removeDefaultAcl",
        "removeErasureCodingPolicy",
        "removeXAttr",
        "renameSnapshot",
        "renewDelegationToken",
        "restoreFailedStorage",
        "rollEdits",
        "rollingUpgrade",
        "satisfyStoragePolicy",
        "saveNamespace",
        "setAcl",
        "setBalancerBandwidth",
        "setErasureCodingPolicy",
        "setQuota",
        "setStoragePolicy",
        "setXAttr",
        "unsetErasureCodingPolicy",
        "unsetStoragePolicy",
    ];
}
