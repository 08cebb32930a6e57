//! `MountTable`: which path lives in which subcluster.

#![allow(clippy::duplicated_attributes, reason = "printer columns share types, and the lint compares piece by piece")]

mod convert;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::byte_size::ByteSize;
use crate::condition::Condition;
use crate::words::{MAX_NAMESERVICE, MAX_PATH, MODE_PATTERN, NAMESERVICE_PATTERN, PATH_PATTERN};

/// The most entries of a MountTable.
pub const MAX_ENTRIES: usize = 512;
/// The most destinations of a mount.
const MAX_DESTINATIONS: usize = 16;
/// The longest name of an owner or a group, in characters.
const MAX_OWNER: usize = 253;

/// Mounts: which paths of the federation live in which subclusters. The entries of all MountTables of a fleet make one
/// table; where two claim the same path, the older object has it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "anabranch.io",
    version = "v1alpha1",
    kind = "MountTable",
    plural = "mounttables",
    shortname = "mnt",
    category = "anabranch",
    namespaced,
    status = "MountTableStatus",
    derive = "PartialEq",
    doc = "Mounts: which paths of the federation live in which subclusters. The entries of all MountTables of a fleet make one table; where two claim the same path, the older object has it.",
    printcolumn(name = "Paths", type_ = "string", json_path = ".spec.entries[*].path"),
    printcolumn(name = "Destinations", type_ = "string", json_path = ".spec.entries[*].destinations[*].nameservice"),
    printcolumn(name = "Order", type_ = "string", json_path = ".spec.entries[*].order", priority = "1"),
    printcolumn(name = "ReadOnly", type_ = "string", json_path = ".spec.entries[*].readOnly", priority = "1"),
    printcolumn(
        name = "Programmed",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Programmed")].status"#
    ),
    printcolumn(name = "Routers", type_ = "string", json_path = ".status.routers"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MountTableSpec {
    /// The fleet that serves these mounts; may be left out where the Kubernetes namespace has one fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet_ref: Option<FleetRef>,
    /// The mounts, each path once.
    #[schemars(length(max = MAX_ENTRIES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["path".into()]))]
    pub entries: Vec<MountEntrySpec>,
}

/// Names a RouterFleet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetRef {
    /// `metadata.name` of the RouterFleet.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its Kubernetes namespace; this object's own if left out. A fleet of another namespace must allow this one's mounts
    /// (`allowedMounts`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// One mount: the tree below `path` lives at `destinations`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = Rule::new("self.order == 'Hash' || size(self.destinations) > 1")
    .message("order chooses among destinations; with one destination leave it out"))]
#[x_kube(validation = Rule::new("!self.faultTolerant || size(self.destinations) > 1")
    .message("faultTolerant needs two destinations or more"))]
#[x_kube(validation = Rule::new("!self.faultTolerant || self.order in ['HashAll', 'Random', 'Space']")
    .message("faultTolerant needs an order that spreads files: HashAll, Random or Space"))]
#[x_kube(validation = Rule::new("self.destinations.all(d, self.destinations.exists_one(e, e.nameservice == d.nameservice))")
    .message("each nameservice may be a destination once"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MountEntrySpec {
    /// Where clients see the tree: absolute, without a slash at the end, such as `/data/logs`; `/` mounts everything that
    /// no other mount covers.
    #[schemars(length(min = 1, max = MAX_PATH), regex(pattern = PATH_PATTERN))]
    pub path: String,
    /// Where the tree lives. With several destinations their order counts, and `order` says which comes first for a path.
    #[schemars(length(min = 1, max = MAX_DESTINATIONS))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub destinations: Vec<DestinationSpec>,
    /// Which destination comes first for a path: `Hash` (by the first component below the mount, so a directory stays in
    /// one subcluster), `HashAll` (by the whole path), `Random`, `Space` (random, weighted by free space), `Local` (the
    /// subcluster next to the client), or `LeaderFollower` (as listed; the next when one fails).
    #[serde(default)]
    pub order: MountOrder,
    /// Refuse writes below the mount.
    #[serde(default)]
    pub read_only: bool,
    /// Create a file in another destination when the first is away.
    #[serde(default)]
    pub fault_tolerant: bool,
    /// The owner that the mount point shows where its destination does not exist yet; the router's superuser if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_OWNER))]
    pub owner: Option<String>,
    /// The group that it shows; the router's supergroup if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_OWNER))]
    pub group: Option<String>,
    /// The permission bits that it shows, in octal, in quotes: `"0755"`.
    #[serde(default = "default_mode")]
    #[schemars(length(min = 3, max = 4), regex(pattern = MODE_PATTERN))]
    pub mode: String,
    /// Limits on what is stored below the mount, over all destinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaSpec>,
}

fn default_mode() -> String {
    "0755".to_owned()
}

/// A place in a subcluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationSpec {
    /// The `nameserviceId` of a Subcluster.
    #[schemars(length(min = 1, max = MAX_NAMESERVICE), regex(pattern = NAMESERVICE_PATTERN))]
    pub nameservice: String,
    /// The path in that subcluster: absolute, without a slash at the end.
    #[schemars(length(min = 1, max = MAX_PATH), regex(pattern = PATH_PATTERN))]
    pub path: String,
}

/// Which destination of a mount comes first for a path.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MountOrder {
    /// By a hash of the first component below the mount.
    #[default]
    Hash,
    /// The subcluster next to the client.
    Local,
    /// At random.
    Random,
    /// By a hash of the whole path.
    HashAll,
    /// At random, weighted by free space.
    Space,
    /// As listed.
    LeaderFollower,
}

/// Limits of a mount.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuotaSpec {
    /// The most files and directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub files: Option<i64>,
    /// The most bytes, all replicas counted, such as `10Ti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<ByteSize>,
    /// The most bytes in each type of storage, all replicas counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 6))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub storage_types: Vec<StorageTypeQuotaSpec>,
}

/// The limit of one type of storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageTypeQuotaSpec {
    /// The type, as NameNodes name it.
    #[serde(rename = "type")]
    pub kind: StorageTypeName,
    /// The most bytes.
    pub space: ByteSize,
}

/// A type of storage.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorageTypeName {
    /// Spinning disk.
    Disk,
    /// Flash.
    Ssd,
    /// Dense, slow disk.
    Archive,
    /// Memory, written to disk lazily.
    RamDisk,
    /// Another system, through the NameNode.
    Provided,
    /// Non-volatile memory.
    Nvdimm,
}

/// What became of a MountTable.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MountTableStatus {
    /// The `metadata.generation` that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The revision of the state store that holds the newest of these entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// How many routers serve that revision, of how many, when that was last looked at: `3/3`. Once all of them served it,
    /// neither this nor `Programmed` follows routers that come and go: whether routers run now, the RouterFleet says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routers: Option<String>,
    /// `Ready`, which sums up the others, `Accepted`, `ResolvedRefs`, `Programmed` and `Drifted`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
