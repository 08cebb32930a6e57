//! `RouterFleet`: routers that serve one mount table.

#![allow(clippy::duplicated_attributes, reason = "printer columns share types, and the lint compares piece by piece")]

mod convert;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use self::convert::FleetSettings;
use crate::condition::Condition;
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
    printcolumn(name = "Desired", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.revision"),
    printcolumn(
        name = "Available",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Available")].status"#
    ),
    printcolumn(name = "Default", type_ = "string", json_path = ".spec.defaultNameservice", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouterFleetSpec {
    /// How many routers run; `anabranch local` always runs one.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    /// Where each router listens.
    #[serde(default)]
    pub listen: ListenSpec,
    /// The nameservice that owns what no mount covers; without one such paths are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = NAMESERVICE_PATTERN))]
    pub default_nameservice: Option<String>,
    /// How many seconds calls in flight may still take when a router stops.
    #[serde(default = "default_drain_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    pub drain_seconds: i32,
}

fn default_replicas() -> i32 {
    2
}

fn default_drain_seconds() -> i32 {
    30
}

/// Where a router listens.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
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

/// What is known about a RouterFleet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RouterFleetStatus {
    /// The `metadata.generation` that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Routers that run.
    #[serde(default)]
    pub replicas: i32,
    /// Routers that take calls.
    #[serde(default)]
    pub ready_replicas: i32,
    /// Selects the routers' pods, for autoscalers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The revision of the mount table that every router serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// `Available`, `Progressing`, `Degraded` and `ReconciliationPaused`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
