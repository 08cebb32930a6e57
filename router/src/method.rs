//! The method table: what the router knows about each call, as data.
//!
//! A row says how a call is routed and how its answers are joined. Whatever handles calls reads rows; nothing in the
//! router asks for a method by its name.

mod table;

use std::sync::LazyLock;

use anabranch_federation::Growth;
use anabranch_hrpc::Protocol;
use hashbrown::HashMap;

use crate::merge::Merge;
use crate::upstream::CLIENT_PROTOCOL;

/// Where a field stands in a message: field numbers, from the outermost message inwards.
pub type FieldPath = &'static [u32];

/// What a call does to the namespace; decides what happens to it in safe mode and on read-only mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Looks.
    Read,
    /// Changes.
    Write,
    /// Looked after by the NameNodes alone; never held up here.
    Unchecked,
}

impl Category {
    /// As messages spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Unchecked => "UNCHECKED",
        }
    }
}

/// Whether a call may be sent a second time when it is not known what became of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is as good as once.
    Idempotent,
    /// The NameNode's retry cache recognises the second by its client id and call id.
    AtMostOnce,
    /// Nobody recognises the second, as the client has no id.
    Never,
}

/// Which answer of one location ends the search through the locations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Each.
    Any,
    /// One whose field 1 is there: the optional results of HDFS mean `null` by its absence.
    Present,
    /// One whose field 1 is `true`.
    True,
}

/// Which paths are asked for in all their locations at once, in place of one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// None.
    Never,
    /// Those whose mount keeps its directories in every destination.
    EveryDestination,
    /// Those, and mount points and their ancestors.
    MountPoints,
}

/// Which NameNodes of a subcluster a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The active one.
    Active,
    /// Each of them, standby ones as well.
    EveryNamenode,
}

/// How a call finds the subclusters that it goes to.
#[derive(Debug, Clone, Copy)]
pub enum Route {
    /// To the locations of its path.
    Locations {
        /// Ends the search when they are asked in order.
        accept: Accept,
        /// When they are asked at once.
        spread: Spread,
        /// Joins their answers when they are.
        merge: Merge,
        /// Whether one failure among them fails the call.
        strict: bool,
    },
    /// To the subcluster that owns the block in this field; without one, to the locations of the path in order.
    BlockPool {
        /// The `ExtendedBlockProto`.
        block: FieldPath,
        /// Ends the search through the locations.
        accept: Accept,
    },
    /// To the default subcluster, and to others only when it cannot be reached.
    AnyNamespace,
    /// To one subcluster after the other, the default one first, until one answers so: what is asked for, not all have.
    FirstNamespace(Accept),
    /// `getGroupsForUser`: the groups that any subcluster sees; without subclusters, those that this machine does.
    Groups,
    /// `refreshUserToGroupsMappings`: here, and in all subclusters.
    RefreshGroups,
    /// To all of them.
    EveryNamespace {
        /// Joins the answers.
        merge: Merge,
        /// Whether an unreachable one fails the call; left out otherwise.
        strict: bool,
        /// Which NameNodes.
        scope: Scope,
    },
    /// `getFileInfo`: locations, then what the mount table knows.
    Status,
    /// `getListing`: locations and mount points joined.
    Listing,
    /// `getContentSummary`: locations and those of all mounts below.
    Summary,
    /// `getQuotaUsage`: the same, all of which must answer.
    QuotaUsage,
    /// `setQuota`: everywhere in the tree but on mounts, whose quotas are those of the mount table.
    SetQuota,
    /// `create`: where the file is, or the first location.
    Create,
    /// `mkdirs`
    Mkdirs,
    /// Two paths that must share a subcluster.
    Rename(Accept),
    /// `concat`: several files that must share a subcluster.
    Concat,
    /// `renewLease`: the subclusters that the client names.
    RenewLease,
    /// `getEnclosingRoot`: the mount table's answer, or the subcluster's if that is deeper.
    EnclosingRoot,
    /// Cache directives: to the locations of the path, or to the subcluster that the id tells.
    Directive(Directive),
    /// `getSnapshotDiffReport`, and the same in `pages`: of each location where the directory is.
    DiffReport {
        /// Whether the client takes it page by page, which works in one location only.
        pages: bool,
    },
    /// `getSnapshottableDirListing`: what all subclusters have, as clients see it.
    Snapshottable,
    /// Lists of what all mounts show, page by page in the order of inode numbers.
    Numbered,
    /// `reportBadBlocks`: to the owner of each block.
    BadBlocks,
    /// `setSafeMode`: the active NameNodes or each, as the call says.
    SafeMode,
    /// Answered here.
    Here(Here),
    /// Refused by its name.
    Unsupported,
}

/// What is done to cache directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// `addCacheDirective`
    Add,
    /// `modifyCacheDirective`
    Modify,
    /// `removeCacheDirective`
    Remove,
    /// `listCacheDirectives`
    List,
}

/// Calls that the router answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// An empty result: nothing to do, or nothing to give.
    Nothing,
    /// The router's own high availability state.
    HaState,
    /// Delegation tokens exist only on secure clusters.
    NoTokens,
}

/// What the router knows about one method.
#[derive(Debug)]
pub struct Row {
    /// Name on the wire; no two protocols share one.
    pub name: &'static str,
    /// The protocol that declares it.
    pub protocol: Protocol,
    /// Read or write.
    pub category: Category,
    /// Fields of the parameter message that hold paths. The first one chooses the subcluster.
    pub paths: &'static [FieldPath],
    /// Where it goes.
    pub route: Route,
    /// Refused on mount points and above them, since it would pull the mount from under its users.
    pub locked: bool,
    /// What it may add to the tree of its path, the second one of a rename, and so which quotas of mounts stand in its way.
    pub growth: Growth,
    /// Whether it may be sent again.
    pub repeat: Repeat,
    /// Fields of the result that hold remote paths, to be turned back into the client's.
    pub reply_path: Option<FieldPath>,
    /// A file status in the result that must name its subcluster, so that the client's lease renewals can.
    pub stamp: Option<FieldPath>,
    /// The client goes on to DataNodes of the subcluster that answered.
    pub data: bool,
    /// The pool id of a block in the result: tells which pool the subcluster owns.
    pub block: Option<FieldPath>,
}

/// The rows of all protocols of the client port.
pub fn rows() -> &'static [Row] {
    table::ROWS
}

/// Those of ClientProtocol, with their places in [`rows`].
pub fn client_rows() -> impl Iterator<Item = (usize, &'static Row)> {
    rows().iter().enumerate().filter(|(_, row)| row.protocol.name == CLIENT_PROTOCOL.name)
}

/// A row and its place in [`rows`].
pub fn find(name: &str) -> Option<(usize, &'static Row)> {
    static INDEX: LazyLock<HashMap<&'static str, usize>> =
        LazyLock::new(|| table::ROWS.iter().enumerate().map(|(at, row)| (row.name, at)).collect());
    INDEX.get(name).map(|at| (*at, &table::ROWS[*at]))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use anabranch_hdfs_proto::common::{GET_USER_MAPPINGS_PROTOCOL_SERVICE, REFRESH_USER_MAPPINGS_PROTOCOL_SERVICE};
    use anabranch_hdfs_proto::hdfs::CLIENT_NAMENODE_PROTOCOL;
    use anabranch_hdfs_proto::hdfs::namenode::NAMENODE_PROTOCOL_SERVICE;

    use super::*;
    use crate::upstream::{GET_USER_MAPPINGS_PROTOCOL, NAMENODE_PROTOCOL, REFRESH_USER_MAPPINGS_PROTOCOL};

    #[test]
    fn every_method_of_the_protocols_has_one_row() {
        let served: HashSet<_> = rows().iter().map(|row| (row.protocol.name, row.name)).collect();
        let protocols = [
            (CLIENT_PROTOCOL, CLIENT_NAMENODE_PROTOCOL),
            (NAMENODE_PROTOCOL, NAMENODE_PROTOCOL_SERVICE),
            (GET_USER_MAPPINGS_PROTOCOL, GET_USER_MAPPINGS_PROTOCOL_SERVICE),
            (REFRESH_USER_MAPPINGS_PROTOCOL, REFRESH_USER_MAPPINGS_PROTOCOL_SERVICE),
        ];
        let declared =
            protocols.iter().flat_map(|(protocol, methods)| methods.iter().map(|it| (protocol.name, it.name)));
        let declared: HashSet<_> = declared.collect();
        assert_eq!(served, declared);
        assert_eq!(rows().len(), declared.len(), "a method has two rows");
        let names: HashSet<_> = rows().iter().map(|row| row.name).collect();
        assert_eq!(rows().len(), names.len(), "two protocols share a name");
    }

    #[test]
    fn a_locked_row_has_a_path_to_lock() {
        for row in rows() {
            assert!(!row.locked || !row.paths.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn a_row_is_found_by_its_name() {
        for (at, row) in rows().iter().enumerate() {
            assert_eq!(find(row.name).map(|(place, row)| (place, row.name)), Some((at, row.name)));
        }
        assert!(find("getFileinfo").is_none());
    }

    #[test]
    fn what_adds_to_a_tree_changes_it() {
        let adding =
            |growth| -> Vec<_> { rows().iter().filter(|row| row.growth == growth).map(|row| row.name).collect() };
        assert_eq!(adding(Growth::Names), ["mkdirs"]);
        assert_eq!(adding(Growth::Space), ["setReplication", "append", "addBlock"]);
        assert_eq!(adding(Growth::NamesAndSpace), ["rename", "rename2", "create"]);
        assert!(rows().iter().all(|row| row.growth == Growth::Nothing || row.category == Category::Write));
    }

    /// Hadoop marks these `@AtMostOnce`; all others are idempotent.
    #[test]
    fn at_most_once_methods_are_those_of_the_retry_cache() {
        let marked: HashSet<_> =
            rows().iter().filter(|row| row.repeat == Repeat::AtMostOnce).map(|row| row.name).collect();
        let expected = "create append rename rename2 concat delete saveNamespace createSymlink updatePipeline \
            createSnapshot deleteSnapshot renameSnapshot addCacheDirective modifyCacheDirective removeCacheDirective \
            addCachePool modifyCachePool removeCachePool createEncryptionZone reencryptEncryptionZone setXAttr \
            removeXAttr addErasureCodingPolicies removeErasureCodingPolicy enableErasureCodingPolicy \
            disableErasureCodingPolicy setErasureCodingPolicy unsetErasureCodingPolicy satisfyStoragePolicy";
        assert_eq!(marked, expected.split_whitespace().collect());
    }
}
