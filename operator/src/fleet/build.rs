//! What a fleet consists of: plain functions of the fleet, one file for each part.

mod account;
mod autoscaler;
mod config;
mod deployment;
mod discovery;
mod monitor;
mod network;
mod pods;
mod services;
mod store;
mod xml;

use kube::api::ApiResource;
use serde_json::Value;

use super::validate::Validated;
use crate::child::Child;
use crate::context::Images;
use crate::error::Error;
use crate::names::Component;

pub use config::{configuration, nameservices};
pub use discovery::client_files;
pub use pods::{hardened, merged, restricted};
pub use store::volume;

/// Everything that a fleet consists of, in the order in which it is applied: what others refer to comes first.
pub struct Resources {
    /// All but the routers.
    pub children: Vec<Child>,
    /// The routers.
    pub routers: Child,
}

/// Builds it. The operator runs in the Kubernetes namespace `home`.
///
/// # Errors
/// When an object cannot be written as JSON, which only a pod template can cause.
pub fn build(fleet: &Validated, images: &Images, home: &str) -> Result<Resources, Error> {
    let mut children = vec![account::account(fleet)?];
    children.extend(store::store(fleet, images)?);
    let files = config::router_files(fleet);
    children.push(config::config_map(fleet, &files)?);
    children.push(discovery::config_map(fleet)?);
    children.extend(services::services(fleet)?);
    children.extend(network::policies(fleet, home)?);
    children.push(network::disruption_budget(fleet)?);
    children.extend(autoscaler::autoscaler(fleet)?);
    children.extend(monitor::service_monitor(fleet)?);
    let routers = deployment::deployment(fleet, images, &files)?;
    Ok(Resources { children, routers })
}

/// A child of the fleet, from its kind, name and content (everything but `metadata`).
fn child(fleet: &Validated, kind: &Kind, component: Component, name: String, content: Value) -> Result<Child, Error> {
    fleet.owner().child(component, kind.resource(), name, content)
}

/// A kind of object: group, version, kind, plural.
pub struct Kind(&'static str, &'static str, &'static str, &'static str);

impl Kind {
    /// What the API needs of it.
    pub fn resource(&self) -> ApiResource {
        let Self(group, version, kind, plural) = *self;
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }
}

/// The kinds of what a fleet consists of.
pub mod kind {
    use super::Kind;

    pub const CONFIG_MAP: Kind = Kind("", "v1", "ConfigMap", "configmaps");
    pub const SERVICE: Kind = Kind("", "v1", "Service", "services");
    pub const SERVICE_ACCOUNT: Kind = Kind("", "v1", "ServiceAccount", "serviceaccounts");
    pub const DEPLOYMENT: Kind = Kind("apps", "v1", "Deployment", "deployments");
    pub const STATEFUL_SET: Kind = Kind("apps", "v1", "StatefulSet", "statefulsets");
    pub const DISRUPTION_BUDGET: Kind = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets");
    pub const AUTOSCALER: Kind = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
    pub const NETWORK_POLICY: Kind = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
    pub const SERVICE_MONITOR: Kind = Kind("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors");
}

/// The kinds of which a fleet may have had an object that it no longer has. What it always has goes with the fleet.
pub const OPTIONAL: [&Kind; 3] = [&kind::AUTOSCALER, &kind::NETWORK_POLICY, &kind::SERVICE_MONITOR];

#[cfg(test)]
mod tests;
