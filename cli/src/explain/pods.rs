//! Which pod of which fleet is asked. Plain functions of what Kubernetes lists.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

/// What pods of routers are labelled with.
pub(super) const NAME: &str = "app.kubernetes.io/name";
/// The value for routers.
pub(super) const ROUTER: &str = "anabranch-router";
/// The label that has the name of the fleet.
pub(super) const INSTANCE: &str = "app.kubernetes.io/instance";

/// The port of a container of a router that says nothing of ports.
const PORT: u16 = 50071;

/// A router to ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) pod: String,
    pub(super) port: u16,
}

/// Why there is no router to ask.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoTarget {
    #[error(
        "no router of {} in namespace {namespace}; choose a namespace with -n, a router with --router URL, or manifests \
         with -f DIR", .fleet.as_ref().map_or("any RouterFleet".to_owned(), |name| format!("RouterFleet {name:?}"))
    )]
    NoPod { fleet: Option<String>, namespace: String },
    #[error("namespace {namespace} has the RouterFleets {}; choose one with --fleet", .fleets.join(", "))]
    Ambiguous { fleets: Vec<String>, namespace: String },
    #[error("no router of RouterFleet {fleet:?} is ready: {}; see `kubectl get pods -n {namespace}`", .pods.join(", "))]
    NotReady { fleet: String, pods: Vec<String>, namespace: String },
}

/// Chooses among the router pods of a namespace: a ready one of the fleet, the first by name. Without `fleet`, of the only
/// fleet that there is.
pub(super) fn choose(pods: &[Pod], fleet: Option<&str>, namespace: &str) -> Result<Target, NoTarget> {
    let namespace = namespace.to_owned();
    let instance = |pod: &Pod| pod.labels().get(INSTANCE).cloned().unwrap_or_default();
    let fleets: BTreeSet<String> = pods.iter().map(instance).filter(|name| fleet.is_none_or(|it| it == name)).collect();
    let mut fleets: Vec<String> = fleets.into_iter().collect();
    let fleet = match (fleets.pop(), fleets.is_empty()) {
        (None, _) => return Err(NoTarget::NoPod { fleet: fleet.map(str::to_owned), namespace }),
        (Some(only), true) => only,
        (Some(last), false) => {
            fleets.push(last);
            return Err(NoTarget::Ambiguous { fleets, namespace });
        }
    };
    let mut members: Vec<&Pod> = pods.iter().filter(|pod| instance(pod) == fleet).collect();
    members.sort_by_key(|pod| pod.name_any());
    match members.iter().find(|pod| is_ready(pod)) {
        Some(pod) => Ok(Target { pod: pod.name_any(), port: port(pod) }),
        None => Err(NoTarget::NotReady { fleet, pods: members.iter().map(|pod| standing(pod)).collect(), namespace }),
    }
}

/// Whether its readiness probe succeeds, and it is not about to end.
fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

/// The port that is called `http`.
fn port(pod: &Pod) -> u16 {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let http = ports.find(|port| port.name.as_deref() == Some("http"));
    http.and_then(|port| u16::try_from(port.container_port).ok()).unwrap_or(PORT)
}

fn standing(pod: &Pod) -> String {
    let phase = pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_else(|| "unknown".to_owned());
    let phase = if pod.metadata.deletion_timestamp.is_some() { "Terminating".to_owned() } else { phase };
    format!("{} is {phase}", pod.name_any())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, fleet: &str, ready: bool) -> Pod {
        let status = if ready { "True" } else { "False" };
        let pod = json!({
            "metadata": { "name": name, "labels": { NAME: ROUTER, INSTANCE: fleet } },
            "spec": { "containers": [
                { "name": "side", "ports": [{ "containerPort": 9, "name": "metrics" }] },
                { "name": "router", "ports": [{ "containerPort": 8888, "name": "rpc" }, { "containerPort": 8080, "name": "http" }] },
            ] },
            "status": {
                "phase": "Running",
                "conditions": [{ "type": "Initialized", "status": "True" }, { "type": "Ready", "status": status }],
            },
        });
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn a_ready_pod_of_the_fleet_is_chosen() {
        let mut ending = pod("a-0", "a", true);
        ending.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        let mut plain = pod("b-1", "b", true);
        plain.spec = None;
        let pods = [pod("a-3", "a", true), ending, pod("a-1", "a", false), pod("a-2", "a", true), plain];
        let chosen = |fleet| choose(&pods, Some(fleet), "n").unwrap();
        assert_eq!(chosen("a"), Target { pod: "a-2".into(), port: 8080 });
        assert_eq!(chosen("b"), Target { pod: "b-1".into(), port: PORT });
        assert_eq!(choose(&pods[..4], None, "n").unwrap().pod, "a-2");
    }

    #[test]
    fn who_cannot_choose_says_what_to_do() {
        let two = [pod("a-1", "a", true), pod("b-1", "b", true)];
        let mut pending = pod("a-2", "a", false);
        pending.status = None;
        let rows = [
            (&[][..], None, "no router of any RouterFleet in namespace n; choose a namespace with -n"),
            (&two, Some("c"), "no router of RouterFleet \"c\" in namespace n; choose a namespace with -n"),
            (&two, None, "namespace n has the RouterFleets a, b; choose one with --fleet"),
            (
                &[pending, pod("a-1", "a", false)],
                None,
                "no router of RouterFleet \"a\" is ready: a-1 is Running, a-2 is unknown; see `kubectl get pods -n n`",
            ),
        ];
        for (pods, fleet, expected) in rows {
            let error = choose(pods, fleet, "n").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
