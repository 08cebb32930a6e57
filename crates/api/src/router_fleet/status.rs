//! What is known about a RouterFleet.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;

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
    /// Routers that should run: `spec.replicas`, or what the autoscaler decided.
    #[serde(default)]
    pub desired_replicas: i32,
    /// Routers that take calls.
    #[serde(default)]
    pub ready_replicas: i32,
    /// Routers that are in safe mode and refuse calls.
    #[serde(default)]
    pub safe_mode_routers: i32,
    /// Selects the routers' pods, for autoscalers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The newest revision of the mount table that the operator wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// The ConfigMap with `core-site.xml` and `hdfs-site.xml` for Hadoop clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_config_map: Option<String>,
    /// `Ready`, which sums up the others, `Available`, `Progressing`, `Degraded`, `Drifted` and `ReconciliationPaused`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
