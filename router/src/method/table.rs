//! The rows. Order and grouping follow what the methods are about.

use anabranch_federation::Growth;
use anabranch_hrpc::Protocol;

use super::{Accept, Category, Directive, FieldPath, Here, Repeat, Route, Row, Scope, Spread};
use crate::merge::{self, Merge};
use crate::upstream::{
    CLIENT_PROTOCOL, GET_USER_MAPPINGS_PROTOCOL as GET_USER_MAPPINGS, NAMENODE_PROTOCOL as NAMENODE,
    REFRESH_USER_MAPPINGS_PROTOCOL as REFRESH_USER_MAPPINGS,
};

/// Most paths are the first field.
const FIRST: &[FieldPath] = &[&[1]];
const SECOND: &[FieldPath] = &[&[2]];
const THIRD: &[FieldPath] = &[&[3]];
const FIRST_TWO: &[FieldPath] = &[&[1], &[2]];
/// The path in a `CacheDirectiveInfoProto` that is field 1, or field 2.
const DIRECTIVE: &[FieldPath] = &[&[1, 2]];
const FILTER: &[FieldPath] = &[&[2, 2]];

const fn row(name: &'static str, category: Category, paths: &'static [FieldPath], route: Route) -> Row {
    Row {
        name,
        protocol: CLIENT_PROTOCOL,
        category,
        paths,
        route,
        locked: false,
        growth: Growth::Nothing,
        repeat: Repeat::Idempotent,
        reply_path: None,
        stamp: None,
        data: false,
        block: None,
    }
}

const fn read(name: &'static str, paths: &'static [FieldPath], route: Route) -> Row {
    row(name, Category::Read, paths, route)
}

const fn write(name: &'static str, paths: &'static [FieldPath], route: Route) -> Row {
    row(name, Category::Write, paths, route)
}

const fn unchecked(name: &'static str, route: Route) -> Row {
    row(name, Category::Unchecked, &[], route)
}

impl Row {
    const fn of(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    const fn locked(mut self) -> Self {
        self.locked = true;
        self
    }

    const fn adds(mut self, growth: Growth) -> Self {
        self.growth = growth;
        self
    }

    const fn once(mut self) -> Self {
        self.repeat = Repeat::AtMostOnce;
        self
    }

    const fn reply_path(mut self, at: FieldPath) -> Self {
        self.reply_path = Some(at);
        self
    }

    const fn data(mut self) -> Self {
        self.data = true;
        self
    }

    const fn block(mut self, at: FieldPath) -> Self {
        self.block = Some(at);
        self
    }

    const fn stamp(mut self, at: FieldPath) -> Self {
        self.stamp = Some(at);
        self
    }
}

const fn in_order(accept: Accept) -> Route {
    Route::Locations { accept, spread: Spread::Never, merge: merge::first, strict: false }
}

/// Attributes of a directory that exists in several destinations are set in all of them.
const fn on_mounts() -> Route {
    Route::Locations { accept: Accept::Any, spread: Spread::MountPoints, merge: merge::first, strict: false }
}

const SNAPSHOTS: Route =
    Route::Locations { accept: Accept::Any, spread: Spread::MountPoints, merge: merge::first, strict: true };

/// Reports: what cannot be reached is left out.
const fn report(merge: Merge) -> Route {
    Route::EveryNamespace { merge, strict: false, scope: Scope::Active }
}

/// Commands: either all subclusters carry it out, or the caller hears of the one that did not.
const fn command(merge: Merge) -> Route {
    Route::EveryNamespace { merge, strict: true, scope: Scope::Active }
}

const ANY: Route = in_order(Accept::Any);
const PRESENT: Route = in_order(Accept::Present);
const UNSUPPORTED: Route = Route::Unsupported;

pub(super) static ROWS: &[Row] = &[
    // Looking at files and directories.
    read("getBlockLocations", FIRST, PRESENT).data(),
    read("getFileInfo", FIRST, Route::Status),
    read("getFileLinkInfo", FIRST, PRESENT),
    read("getLocatedFileInfo", FIRST, PRESENT).data(),
    read("isFileClosed", FIRST, ANY),
    read("getListing", FIRST, Route::Listing),
    read("getBatchedListing", FIRST, UNSUPPORTED),
    read("getContentSummary", FIRST, Route::Summary),
    read("getPreferredBlockSize", FIRST, ANY).locked(),
    read("checkAccess", FIRST, ANY),
    read("getLinkTarget", FIRST, PRESENT),
    read("getStoragePolicy", FIRST, ANY),
    read("getErasureCodingPolicy", FIRST, ANY),
    read("getEZForPath", FIRST, PRESENT).reply_path(&[1, 2]),
    read("getEnclosingRoot", FIRST, Route::EnclosingRoot),
    read("listCorruptFileBlocks", FIRST, ANY).reply_path(&[1, 1]),
    // Changing them.
    write("mkdirs", FIRST, Route::Mkdirs).adds(Growth::Names),
    write(
        "delete",
        FIRST,
        Route::Locations {
            accept: Accept::True,
            spread: Spread::EveryDestination,
            merge: merge::any_true,
            strict: true,
        },
    )
    .locked()
    .once(),
    write("rename", FIRST_TWO, Route::Rename(Accept::True)).locked().adds(Growth::NamesAndSpace).once(),
    write("rename2", FIRST_TWO, Route::Rename(Accept::Any)).locked().adds(Growth::NamesAndSpace).once(),
    write(
        "setReplication",
        FIRST,
        Route::Locations { accept: Accept::True, spread: Spread::MountPoints, merge: merge::any_true, strict: false },
    )
    .locked()
    .adds(Growth::Space),
    write("setPermission", FIRST, on_mounts()),
    write("setOwner", FIRST, on_mounts()),
    write("setTimes", FIRST, ANY),
    write("setStoragePolicy", FIRST, on_mounts()),
    write("unsetStoragePolicy", FIRST, on_mounts()),
    write("satisfyStoragePolicy", FIRST, ANY).locked().once(),
    write("createSymlink", FIRST_TWO, UNSUPPORTED).once(),
    write("setErasureCodingPolicy", FIRST, on_mounts()).once(),
    write("unsetErasureCodingPolicy", FIRST, on_mounts()).once(),
    write("createEncryptionZone", FIRST, ANY).once(),
    write("setQuota", FIRST, Route::SetQuota),
    read("getQuotaUsage", FIRST, Route::QuotaUsage),
    // Access control lists and extended attributes.
    read("getAclStatus", FIRST, PRESENT),
    write("modifyAclEntries", FIRST, on_mounts()),
    write("removeAclEntries", FIRST, on_mounts()),
    write("removeDefaultAcl", FIRST, on_mounts()),
    write("removeAcl", FIRST, on_mounts()),
    write("setAcl", FIRST, on_mounts()),
    read("getXAttrs", FIRST, ANY),
    read("listXAttrs", FIRST, ANY),
    write("setXAttr", FIRST, on_mounts()).once(),
    write("removeXAttr", FIRST, on_mounts()).once(),
    // Writing files, and leases.
    write("create", FIRST, Route::Create).locked().adds(Growth::NamesAndSpace).once().stamp(&[1]).data(),
    write("append", FIRST, ANY).locked().adds(Growth::Space).once().stamp(&[2]).block(&[1, 1, 1]).data(),
    write("truncate", FIRST, ANY).locked(),
    write("concat", FIRST_TWO, Route::Concat).locked().once(),
    write("addBlock", FIRST, Route::BlockPool { block: &[3], accept: Accept::Present })
        .locked()
        .adds(Growth::Space)
        .block(&[1, 1, 1])
        .data(),
    read("getAdditionalDatanode", FIRST, Route::BlockPool { block: &[2], accept: Accept::Present }).data(),
    write("abandonBlock", SECOND, Route::BlockPool { block: &[1], accept: Accept::Any }),
    write("complete", FIRST, Route::BlockPool { block: &[3], accept: Accept::Any }).locked(),
    write("updateBlockForPipeline", &[], Route::BlockPool { block: &[1], accept: Accept::Any }).data(),
    write("updatePipeline", &[], Route::BlockPool { block: &[2], accept: Accept::Any }).once().data(),
    write("reportBadBlocks", &[], Route::BadBlocks),
    write("renewLease", &[], Route::RenewLease),
    write("recoverLease", FIRST, ANY).locked(),
    write("fsync", FIRST, ANY).locked(),
    // Snapshots.
    write("allowSnapshot", FIRST, on_mounts()).locked(),
    write("disallowSnapshot", FIRST, on_mounts()).locked(),
    write("createSnapshot", FIRST, on_mounts()).locked().once().reply_path(&[1]),
    write("deleteSnapshot", FIRST, on_mounts()).locked().once(),
    write("renameSnapshot", FIRST, on_mounts()).locked().once(),
    read("getSnapshotListing", FIRST, SNAPSHOTS).locked().reply_path(&[1, 1, 3]),
    read("getSnapshotDiffReport", FIRST, Route::DiffReport { pages: false }).locked().reply_path(&[1, 1]),
    read("getSnapshotDiffReportListing", FIRST, Route::DiffReport { pages: true }).locked(),
    read("getSnapshottableDirListing", &[], Route::Snapshottable),
    // Cache directives and pools.
    write("addCacheDirective", DIRECTIVE, Route::Directive(Directive::Add)).locked().once(),
    write("modifyCacheDirective", DIRECTIVE, Route::Directive(Directive::Modify)).locked().once(),
    write("removeCacheDirective", &[], Route::Directive(Directive::Remove)).once(),
    read("listCacheDirectives", FILTER, Route::Directive(Directive::List)).locked(),
    write("addCachePool", &[], command(merge::first)).once(),
    write("modifyCachePool", &[], command(merge::first)).once(),
    write("removeCachePool", &[], command(merge::first)).once(),
    read("listCachePools", &[], command(merge::pools)),
    // The cluster as a whole.
    read("getServerDefaults", &[], Route::AnyNamespace),
    read("getStoragePolicies", &[], Route::AnyNamespace),
    unchecked("getFsStats", report(merge::sum)),
    read("getFsReplicatedBlockStats", &[], report(merge::sum)),
    read("getFsECBlockGroupStats", &[], report(merge::sum)),
    unchecked("getDatanodeReport", report(merge::datanodes)),
    unchecked("getSlowDatanodeReport", report(merge::datanodes)),
    unchecked("getDatanodeStorageReport", report(merge::storage_reports)),
    write("setSafeMode", &[], Route::SafeMode),
    unchecked("saveNamespace", command(merge::all_true_by_default)).once(),
    unchecked("restoreFailedStorage", command(merge::all_true)),
    write("rollEdits", &[], command(merge::maximum)),
    unchecked("refreshNodes", Route::EveryNamespace { merge: merge::first, strict: true, scope: Scope::EveryNamenode }),
    unchecked("finalizeUpgrade", command(merge::first)),
    unchecked("metaSave", command(merge::first)),
    unchecked("setBalancerBandwidth", command(merge::first)),
    read("rollingUpgrade", &[], command(merge::first_present)),
    unchecked("upgradeStatus", UNSUPPORTED),
    read("getCurrentEditLogTxid", &[], command(merge::maximum)),
    read("getEditsFromTxid", &[], UNSUPPORTED),
    read("getErasureCodingPolicies", &[], report(merge::union)),
    read("getErasureCodingCodecs", &[], report(merge::union)),
    write("addErasureCodingPolicies", &[], command(merge::union)).once(),
    write("removeErasureCodingPolicy", &[], command(merge::first)).once(),
    write("enableErasureCodingPolicy", &[], command(merge::first)).once(),
    write("disableErasureCodingPolicy", &[], command(merge::first)).once(),
    unchecked("getECTopologyResultForPolicies", command(merge::first_unsupported)),
    read("listEncryptionZones", &[], Route::Numbered),
    read("listReencryptionStatus", &[], Route::Numbered),
    write("reencryptEncryptionZone", SECOND, ANY).once(),
    read("getDataEncryptionKey", &[], Route::FirstNamespace(Accept::Present)),
    read("listOpenFiles", THIRD, Route::Numbered),
    read("msync", &[], Route::Here(Here::Nothing)),
    unchecked("getHAServiceState", Route::Here(Here::HaState)),
    write("getDelegationToken", &[], Route::Here(Here::Nothing)),
    write("renewDelegationToken", &[], Route::Here(Here::NoTokens)),
    write("cancelDelegationToken", &[], Route::Here(Here::NoTokens)),
    // What balancers ask of a NameNode. The rest is between a NameNode and those that stand in for it.
    read("getBlocks", &[], Route::FirstNamespace(Accept::Any)).of(NAMENODE),
    read("getBlockKeys", &[], Route::AnyNamespace).of(NAMENODE),
    read("getTransactionId", &[], Route::AnyNamespace).of(NAMENODE),
    read("getMostRecentCheckpointTxId", &[], Route::AnyNamespace).of(NAMENODE),
    read("versionRequest", &[], Route::AnyNamespace).of(NAMENODE),
    write("rollEditLog", &[], UNSUPPORTED).of(NAMENODE),
    write("registerSubordinateNamenode", &[], UNSUPPORTED).of(NAMENODE),
    write("startCheckpoint", &[], UNSUPPORTED).of(NAMENODE),
    write("endCheckpoint", &[], UNSUPPORTED).of(NAMENODE),
    unchecked("errorReport", UNSUPPORTED).of(NAMENODE),
    read("getEditLogManifest", &[], UNSUPPORTED).of(NAMENODE),
    read("isUpgradeFinalized", &[], UNSUPPORTED).of(NAMENODE),
    read("isRollingUpgrade", &[], UNSUPPORTED).of(NAMENODE),
    read("getNextSPSPath", &[], UNSUPPORTED).of(NAMENODE),
    // Users and their groups.
    read("getGroupsForUser", &[], Route::Groups).of(GET_USER_MAPPINGS),
    unchecked("refreshUserToGroupsMappings", Route::RefreshGroups).of(REFRESH_USER_MAPPINGS),
    unchecked("refreshSuperUserGroupsConfiguration", report(merge::first)).of(REFRESH_USER_MAPPINGS),
];
