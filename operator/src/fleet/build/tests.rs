use anabranch_api::RouterFleet;
use serde_json::json;

use super::*;
use crate::fleet::{found_among, validate};

fn built(spec: Value) -> Resources {
    let fleet: RouterFleet = serde_json::from_value(json!({
        "apiVersion": "anabranch.io/v1alpha1", "kind": "RouterFleet",
        "metadata": { "name": "main", "namespace": "data", "uid": "u" }, "spec": spec,
    }))
    .unwrap();
    let images = ["router:1", "store:1", "namespace:1"].map(str::to_owned);
    let [router, store, namespace] = images;
    let images = Images { router, store, namespace, pull_policy: "IfNotPresent".to_owned() };
    build(&validate(&fleet, &found_among([], &fleet)).unwrap(), &images, "system").unwrap()
}

fn child_of<'a>(resources: &'a Resources, kind: &str, name: &str) -> &'a Value {
    let found = resources.children.iter().find(|child| child.resource.kind == kind && child.name == name);
    &found.unwrap().manifest
}

/// Who may come to which port of the store: a pod with labels that anyone can give must not write.
#[test]
fn only_the_routers_and_the_operator_may_write_records() {
    let resources = built(json!({}));
    let ingress = &child_of(&resources, "NetworkPolicy", "main-store")["spec"]["ingress"];
    let namespace = |name: &str| json!({ "matchLabels": { "kubernetes.io/metadata.name": name } });
    let pods = |labels: Value| json!({ "matchLabels": labels });
    let routers = json!({ "app.kubernetes.io/name": "anabranch-router", "app.kubernetes.io/instance": "main" });
    let operator = json!({ "app.kubernetes.io/name": "anabranch-operator" });
    let sidecars = json!({ "anabranch.io/fleet": "main", "anabranch.io/fleet-namespace": "data" });
    let expected = json!([
        {
            "from": [
                { "podSelector": pods(routers) },
                { "namespaceSelector": namespace("system"), "podSelector": pods(operator) },
            ],
            "ports": [{ "protocol": "TCP", "port": 8890 }],
        },
        {
            "from": [{ "podSelector": pods(sidecars.clone()) }],
            "ports": [{ "protocol": "TCP", "port": 8891 }],
        },
        { "ports": [{ "protocol": "TCP", "port": 50073 }] },
    ]);
    assert_eq!(*ingress, expected);
    let readers = |namespaces: Value| {
        let resources = built(json!({ "allowedSidecars": { "namespaces": namespaces } }));
        child_of(&resources, "NetworkPolicy", "main-store")["spec"]["ingress"][1]["from"].clone()
    };
    let all = json!([{ "namespaceSelector": {}, "podSelector": pods(sidecars.clone()) }]);
    assert_eq!(readers(json!({ "from": "All" })), all);
    let team = json!({ "matchLabels": { "team": "a" } });
    let some = json!([
        { "podSelector": pods(sidecars.clone()) },
        { "namespaceSelector": team, "podSelector": pods(sidecars.clone()) },
    ]);
    assert_eq!(readers(json!({ "from": "Selector", "matchLabels": { "team": "a" } })), some);
    let ports = &child_of(&resources, "Service", "main-store")["spec"]["ports"];
    let ports: Vec<_> = ports.as_array().unwrap().iter().map(|port| port["port"].as_i64().unwrap()).collect();
    assert_eq!(ports, [8890, 8891, 50073]);
    let store = &child_of(&resources, "StatefulSet", "main-store")["spec"]["template"]["spec"]["containers"][0];
    let args: Vec<_> = store["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(args.windows(2).any(|pair| pair == ["--listen-read-only", "0.0.0.0:8891"]), "{args:?}");
}
