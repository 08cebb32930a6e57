//! `RouterFleet`: routers that serve one mount table.

#![allow(clippy::duplicated_attributes, reason = "printer columns share types, and the lint compares piece by piece")]

mod allowed_mounts;
mod allowed_sidecars;
mod autoscaling;
mod convert;
mod exposure;
mod state_store;
mod status;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use self::allowed_mounts::{AllowedMountsSpec, Delegation, NamespaceSource, NamespacesSpec};
pub use self::allowed_sidecars::AllowedSidecarsSpec;
pub use self::autoscaling::AutoscalingSpec;
pub use self::convert::FleetSettings;
pub use self::exposure::{MonitoringSpec, NetworkPolicySpec, ServiceSpec, ServiceType};
pub use self::state_store::{ServerSpec, StateStoreSpec, StateStoreType, VolumeSpec, ZooKeeperSpec};
pub use self::status::RouterFleetStatus;
use crate::raw::RawObject;
use crate::words::{ADDRESS_PATTERN, NAMESERVICE_PATTERN};

/// A fleet of routers that serve one mount table.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "anabranch.io",
    version = "v1alpha1",
    kind = "RouterFleet",
    plural = "routerfleets",
    shortname = "rfl",
    category = "anabranch",
    namespaced,
    status = "RouterFleetStatus",
    derive = "PartialEq",
    doc = "A fleet of routers that serve one mount table.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".status.desiredReplicas"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.revision"),
    printcolumn(
        name = "Available",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Available")].status"#
    ),
    printcolumn(name = "SafeMode", type_ = "integer", json_path = ".status.safeModeRouters"),
    printcolumn(name = "Store", type_ = "string", json_path = ".spec.stateStore.type", priority = "1"),
    printcolumn(name = "Default", type_ = "string", json_path = ".spec.defaultNameservice", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouterFleetSpec {
    /// How many routers run; `anabranch local` always runs one. With `autoscaling` the autoscaler decides, and this number
    /// counts for nothing.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    /// Lets the number of routers follow the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<AutoscalingSpec>,
    /// The image of the routers; the operator's own version if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub image: Option<String>,
    /// Where each router listens. In a cluster the address must be `0.0.0.0` or `[::]`.
    #[serde(default)]
    pub listen: ListenSpec,
    /// The nameservice that owns what no mount covers; without one such paths are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = NAMESERVICE_PATTERN))]
    pub default_nameservice: Option<String>,
    /// How many seconds calls in flight may still take when a router stops.
    #[serde(default = "default_drain_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    pub drain_seconds: i32,
    /// The Hadoop user that the routers run as. NameNodes must let it act for others (`hadoop.proxyuser.<user>.hosts` and
    /// `.groups`).
    #[serde(default = "default_user")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9._-]+$"))]
    pub user: String,
    /// Further keys of Hadoop's configuration, such as `dfs.federation.router.quota.enable`. Keys that other fields stand
    /// for are refused. No place for secrets, since whoever may read pods or ConfigMaps reads them here: let a key name a
    /// file of a Secret that `podTemplate` mounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 256))]
    #[x_kube(validation = Rule::new("self.all(key, !key.startsWith('dfs.federation.router.store.driver.') && !key.startsWith('dfs.federation.router.store.router.expiration') && !key.startsWith('anabranch.store.') && !key.startsWith('dfs.ha.namenodes.') && !key.startsWith('dfs.namenode.rpc-address.') && !key.startsWith('dfs.namenode.http-address.') && !(key in ['dfs.nameservices', 'dfs.federation.router.default.nameserviceId', 'dfs.federation.router.rpc-address', 'dfs.federation.router.rpc-bind-host', 'dfs.federation.router.admin-address', 'dfs.federation.router.admin-bind-host', 'dfs.federation.router.http-address', 'dfs.federation.router.http-bind-host', 'anabranch.router.drain.grace', 'anabranch.router.rebalance.within']))")
        .message("keys of addresses, nameservices, the drain and the state store belong to other fields: listen, defaultNameservice, drainSeconds, stateStore and Subcluster"))]
    pub configuration: BTreeMap<String, String>,
    /// Where routers and operator keep the records that they share.
    #[serde(default)]
    pub state_store: StateStoreSpec,
    /// Who may mount what. With an empty list, MountTables in the Kubernetes namespace of the fleet may mount everything,
    /// and no others anything; each element allows more to the namespaces that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub allowed_mounts: Vec<AllowedMountsSpec>,
    /// Whose pods may have a router of their own that is like those of the fleet (`anabranch.io/inject`): it is given the
    /// fleet's configuration, and reads its state store. By itself, those in the Kubernetes namespace of the fleet.
    #[serde(default)]
    pub allowed_sidecars: AllowedSidecarsSpec,
    /// What becomes of mounts that someone else wrote into the state store, `hdfs dfsrouteradmin` for example.
    #[serde(default)]
    pub drift_policy: DriftPolicy,
    /// How clients reach the routers.
    #[serde(default)]
    pub service: ServiceSpec,
    /// Who may connect to the routers and their state store.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,
    /// What Prometheus is told.
    #[serde(default)]
    pub monitoring: MonitoringSpec,
    /// Merged over the pod template of the routers, as `kubectl patch` would: labels, annotations, resources of the
    /// container `router`, node selectors, tolerations, affinity, further volumes and containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<RawObject>,
}

fn default_replicas() -> i32 {
    2
}

fn default_drain_seconds() -> i32 {
    30
}

fn default_user() -> String {
    "hdfs".to_owned()
}

/// What becomes of records that someone else wrote.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// They stay and are served; the fleet, and the MountTable whose entry was changed, say so in their condition
    /// `Drifted`.
    #[default]
    Observe,
    /// They become declared: a change to an entry is written into the MountTable that declares it, and what nobody
    /// declared into the MountTable `<fleet>-adopted`.
    Adopt,
    /// They are undone: what nobody declares is deleted, and what was changed is written as it was declared.
    Enforce,
}

/// Where a router listens.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = Rule::new("int(self.rpcAddress.substring(self.rpcAddress.lastIndexOf(':') + 1)) > 0 && int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) > 0 && (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) > 0 && int(self.rpcAddress.substring(self.rpcAddress.lastIndexOf(':') + 1)) != int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) && int(self.rpcAddress.substring(self.rpcAddress.lastIndexOf(':') + 1)) != (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) && int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) != (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) && int(self.httpAddress.substring(self.httpAddress.lastIndexOf(':') + 1)) != 8020 && (has(self.adminAddress) ? int(self.adminAddress.substring(self.adminAddress.lastIndexOf(':') + 1)) : 8111) != 8020")
    .message("the ports must be greater than 0 and different, that of administrators is 8111 if not set, and 8020 is for Hadoop clients only"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListenSpec {
    /// For Hadoop clients, as `address:port`.
    #[serde(default = "default_rpc_address")]
    #[schemars(length(max = 320), regex(pattern = ADDRESS_PATTERN))]
    pub rpc_address: String,
    /// For administrators (`hdfs dfsrouteradmin`), as `address:port`; port 8111 of the address for clients if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320), regex(pattern = ADDRESS_PATTERN))]
    pub admin_address: Option<String>,
    /// For `/isActive` and `/metrics`, as `address:port`.
    #[serde(default = "default_http_address")]
    #[schemars(length(max = 320), regex(pattern = ADDRESS_PATTERN))]
    pub http_address: String,
}

fn default_rpc_address() -> String {
    "0.0.0.0:8888".to_owned()
}

fn default_http_address() -> String {
    "0.0.0.0:50071".to_owned()
}

impl Default for ListenSpec {
    fn default() -> Self {
        Self { rpc_address: default_rpc_address(), admin_address: None, http_address: default_http_address() }
    }
}
