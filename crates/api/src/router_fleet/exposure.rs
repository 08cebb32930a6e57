//! How a fleet is reached, and by whom.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::raw::RawObject;

/// The Service that clients call: port 8020, and the port that routers listen on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Who can reach it.
    #[serde(rename = "type", default)]
    pub kind: ServiceType,
    /// Annotations, as load balancers of clouds need them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Who can reach a Service.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceType {
    /// The cluster.
    #[default]
    ClusterIP,
    /// Whoever reaches the nodes.
    NodePort,
    /// Whoever reaches the load balancer.
    LoadBalancer,
}

/// The fleet's NetworkPolicy.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPolicySpec {
    /// Whether there is one. It lets anyone (or those in `clients`) reach the port for Hadoop clients and HTTP, the fleet's
    /// Kubernetes namespace the port for administrators, the fleet's routers and the operator the state store, and routers
    /// beside clients that port of it where nobody can write.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// The peers, as in a NetworkPolicy's `from`, that may call the routers; everyone if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub clients: Vec<RawObject>,
}

fn enabled() -> bool {
    true
}

impl Default for NetworkPolicySpec {
    fn default() -> Self {
        Self { enabled: true, clients: Vec::new() }
    }
}

/// What Prometheus is told.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MonitoringSpec {
    /// Makes a ServiceMonitor for the routers, their state store and the embedded subclusters; needs the Prometheus operator.
    /// The label `job` of what they serve is the name of the fleet.
    #[serde(default)]
    pub service_monitor: bool,
    /// Labels of the ServiceMonitor, by which a Prometheus selects it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}
