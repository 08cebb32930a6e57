//! Where a fleet keeps its records.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::byte_size::ByteSize;
use crate::raw::RawObject;

/// Where routers and operator keep the records that they share.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("self.type == 'ZooKeeper' ? has(self.zookeeper) : !has(self.zookeeper)")
    .message("zookeeper is required for type ZooKeeper, and for no other type"))]
#[x_kube(validation = Rule::new("self.type == 'Server' || !has(self.server)")
    .message("server is for type Server only"))]
#[x_kube(validation = Rule::new("self.type == oldSelf.type")
    .message("the type of the state store cannot be changed; make a new RouterFleet and let its MountTables refer to it"))]
#[x_kube(validation = Rule::new("(has(self.server) ? self.server.volume.size : '1Gi') == (has(oldSelf.server) ? oldSelf.server.volume.size : '1Gi') && (has(self.server) && has(self.server.volume.storageClass) ? self.server.volume.storageClass : '') == (has(oldSelf.server) && has(oldSelf.server.volume.storageClass) ? oldSelf.server.volume.storageClass : '') && (has(self.server) && self.server.volume.ephemeral) == (has(oldSelf.server) && oldSelf.server.volume.ephemeral)")
    .message("a volume cannot be changed, since a StatefulSet does not change its claims; make a new RouterFleet"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateStoreSpec {
    /// `Server`: an `anabranch-store` of the fleet's own, on a volume. `ZooKeeper`: an ensemble that exists, which Java
    /// routers may use at the same time.
    #[serde(rename = "type", default)]
    pub kind: StateStoreType,
    /// The server, for type Server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSpec>,
    /// The ensemble, for type ZooKeeper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zookeeper: Option<ZooKeeperSpec>,
}

/// A kind of state store.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateStoreType {
    /// An `anabranch-store` of the fleet's own.
    #[default]
    Server,
    /// A ZooKeeper ensemble.
    ZooKeeper,
}

/// An `anabranch-store` of the fleet's own: one pod of a StatefulSet with a volume.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSpec {
    /// The image; the operator's own version if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub image: Option<String>,
    /// The volume that keeps the records.
    #[serde(default)]
    pub volume: VolumeSpec,
    /// Merged over the pod template, as RouterFleet's `podTemplate`; the container is `store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<RawObject>,
}

/// A volume.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeSpec {
    /// How much is asked for. No field of a volume can be changed later.
    #[serde(default = "default_size")]
    pub size: ByteSize,
    /// The StorageClass; the cluster's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class: Option<String>,
    /// Keep everything in the pod, so that it is gone with the pod: for tests.
    #[serde(default)]
    pub ephemeral: bool,
}

fn default_size() -> ByteSize {
    ByteSize::from(1 << 30)
}

impl Default for VolumeSpec {
    fn default() -> Self {
        Self { size: default_size(), storage_class: None, ephemeral: false }
    }
}

/// A ZooKeeper ensemble.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZooKeeperSpec {
    /// Its servers, as `host:port,host:port`.
    #[schemars(length(min = 1, max = 4096), regex(pattern = r"^[^\s/]+(/\S*)?$"))]
    pub address: String,
    /// The znode below which records are kept; Hadoop's default if left out.
    #[serde(default = "default_parent")]
    #[schemars(length(min = 1, max = 4096), regex(pattern = r"^/\S+$"))]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("records do not move to another znode; make a new RouterFleet and let its MountTables refer to it"))]
    pub parent_path: String,
}

fn default_parent() -> String {
    "/hdfs-federation".to_owned()
}
