//! How many routers a load needs.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Limits and target of the fleet's HorizontalPodAutoscaler.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("minReplicas must not be greater than maxReplicas"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoscalingSpec {
    /// The fewest routers.
    #[serde(default = "default_min")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,
    /// The most routers.
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,
    /// The share of the requested CPU that routers should use on average, in percent.
    #[serde(default = "default_cpu")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_cpu_percent: i32,
    /// Calls in flight that a router should have on average. Needs a custom metrics API that serves the routers' metric
    /// `anabranch_calls_in_flight`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub target_calls_in_flight: Option<i32>,
    /// How many seconds the load must be low before routers are taken away.
    #[serde(default = "default_scale_down")]
    #[schemars(range(min = 0, max = 3600))]
    pub scale_down_seconds: i32,
}

fn default_min() -> i32 {
    2
}

fn default_cpu() -> i32 {
    70
}

fn default_scale_down() -> i32 {
    300
}
