//! `Subcluster`: a namespace that mounts can lead to.

#![allow(clippy::duplicated_attributes, reason = "printer columns share types, and the lint compares piece by piece")]

mod convert;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use self::convert::{SubclusterKind, SubclusterSettings};
use crate::byte_size::ByteSize;
use crate::condition::Condition;
use crate::raw::RawObject;
use crate::router_fleet::VolumeSpec;
use crate::words::{ADDRESS_PATTERN, NAMESERVICE_PATTERN};

/// A subcluster: either NameNodes that exist (`External`), or a namespace service that Anabranch runs (`Embedded`).
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "anabranch.io",
    version = "v1alpha1",
    kind = "Subcluster",
    plural = "subclusters",
    shortname = "subc",
    category = "anabranch",
    namespaced,
    status = "SubclusterStatus",
    derive = "PartialEq",
    doc = "A subcluster: either NameNodes that exist (External), or a namespace service that Anabranch runs (Embedded).",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Nameservice", type_ = "string", json_path = ".spec.nameserviceId"),
    printcolumn(name = "Active", type_ = "string", json_path = ".status.activeNamenode"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Capacity", type_ = "string", json_path = ".status.capacity"),
    printcolumn(name = "Used", type_ = "string", json_path = ".status.used"),
    printcolumn(name = "Files", type_ = "integer", json_path = ".status.files", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("(has(self.embedded) ? self.embedded.volume.size : '10Gi') == (has(oldSelf.embedded) ? oldSelf.embedded.volume.size : '10Gi') && (has(self.embedded) && has(self.embedded.volume.storageClass) ? self.embedded.volume.storageClass : '') == (has(oldSelf.embedded) && has(oldSelf.embedded.volume.storageClass) ? oldSelf.embedded.volume.storageClass : '') && (has(self.embedded) && self.embedded.volume.ephemeral) == (has(oldSelf.embedded) && oldSelf.embedded.volume.ephemeral)")
    .message("a volume cannot be changed, since a StatefulSet does not change its claims; copy the data to a new Subcluster"))]
#[x_kube(validation = Rule::new("self.type == 'External' ? has(self.external) : !has(self.external)")
    .message("external is required for type External, and for no other type"))]
#[x_kube(validation = Rule::new("self.type == 'Embedded' || !has(self.embedded)")
    .message("embedded is for type Embedded only"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubclusterSpec {
    /// The id that mounts name, such as `ns0`: letters, digits, `.`, `_` and `-`. It cannot be changed later.
    #[schemars(length(min = 1, max = 128), regex(pattern = NAMESERVICE_PATTERN))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("nameserviceId cannot be changed"))]
    pub nameservice_id: String,
    /// `External` for NameNodes that exist, `Embedded` for a namespace service of Anabranch. It cannot be changed later.
    #[serde(rename = "type")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("type cannot be changed"))]
    pub kind: SubclusterType,
    /// The fleet whose mounts may lead here; every fleet of the Kubernetes namespace if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet_ref: Option<LocalFleetRef>,
    /// The NameNodes, for type `External`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSpec>,
    /// The namespace service, for type `Embedded`; its defaults if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedSpec>,
    /// Take the subcluster out of service: calls that need it are refused, its data stays.
    #[serde(default)]
    pub disabled: bool,
}

/// Names a RouterFleet of the same Kubernetes namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalFleetRef {
    /// `metadata.name` of the RouterFleet.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What a subcluster is made of.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubclusterType {
    /// NameNodes that exist.
    External,
    /// A namespace service of Anabranch.
    Embedded,
}

/// NameNodes that exist.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalSpec {
    /// The NameNodes: one, or several of which one is active.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub namenodes: Vec<NamenodeSpec>,
}

/// A NameNode.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamenodeSpec {
    /// Its id in the nameservice, such as `nn1`.
    #[schemars(length(min = 1, max = 128), regex(pattern = NAMESERVICE_PATTERN))]
    pub id: String,
    /// Where it serves ClientProtocol, as `host:port`.
    #[schemars(length(max = 320), regex(pattern = ADDRESS_PATTERN))]
    pub rpc_address: String,
    /// Where it serves its web pages, as `host:port`: routers read its statistics there. The host of `rpcAddress` with port
    /// 9870 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320), regex(pattern = ADDRESS_PATTERN))]
    pub http_address: Option<String>,
}

/// A namespace service of Anabranch.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = Rule::new("self.backend.type != 'rocksdb' || self.replicas == 1")
    .message("rocksdb keeps metadata on one machine: replicas must be 1"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedSpec {
    /// Where metadata is kept.
    #[serde(default)]
    pub backend: BackendSpec,
    /// How file data is kept.
    #[serde(default)]
    pub blocks: BlocksSpec,
    /// How many processes serve the namespace; more than one needs a backend that they can share.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 9))]
    pub replicas: i32,
    /// The image, in a cluster; the operator's own version if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub image: Option<String>,
    /// The volume of each process, in a cluster: it keeps metadata and file data.
    #[serde(default = "default_volume")]
    pub volume: VolumeSpec,
    /// Merged over the pod template, in a cluster, as RouterFleet's `podTemplate`; the container is `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<RawObject>,
}

fn default_volume() -> VolumeSpec {
    VolumeSpec { size: ByteSize::from(10 << 30), ..VolumeSpec::default() }
}

fn default_replicas() -> i32 {
    1
}

impl Default for EmbeddedSpec {
    fn default() -> Self {
        Self {
            backend: BackendSpec::default(),
            blocks: BlocksSpec::default(),
            replicas: default_replicas(),
            image: None,
            volume: default_volume(),
            pod_template: None,
        }
    }
}

/// Where an embedded namespace keeps its metadata.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackendSpec {
    /// `rocksdb` for a local disk, `raft` for a group of replicas, `ots` for Alibaba Cloud Tablestore. This release runs
    /// `rocksdb`.
    #[serde(rename = "type", default)]
    #[x_kube(validation = Rule::new("self == oldSelf").message("the backend cannot be changed; copy the data to a new Subcluster"))]
    pub kind: Backend,
}

/// A kind of metadata journal.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A local disk.
    #[default]
    Rocksdb,
    /// A group of replicas.
    Raft,
    /// Alibaba Cloud Tablestore.
    Ots,
}

/// How an embedded namespace keeps file data.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlocksSpec {
    /// The size of a block for files whose writer does not choose one: a multiple of 512, from `1Mi` to `4Gi`.
    #[serde(default = "default_block_size")]
    pub size: ByteSize,
}

fn default_block_size() -> ByteSize {
    ByteSize::from(128 << 20)
}

impl Default for BlocksSpec {
    fn default() -> Self {
        Self { size: default_block_size() }
    }
}

/// What is known about a Subcluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SubclusterStatus {
    /// The `metadata.generation` that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The NameNode that is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_namenode: Option<String>,
    /// Room in all, such as `10Ti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<String>,
    /// Room taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// Files and directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<i64>,
    /// Blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<i64>,
    /// `Ready`, `Reachable`, `HAHealthy` and `Disabled`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
