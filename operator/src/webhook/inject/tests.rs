use std::sync::Arc;

use anabranch_api::{RouterFleet, Subcluster};
use kube::api::ObjectMeta;

use super::*;
use crate::fleet::{found_among, validate};

fn fleet() -> Validated {
    let fleet: RouterFleet = serde_json::from_value(json!({
        "apiVersion": "anabranch.io/v1alpha1", "kind": "RouterFleet",
        "metadata": { "name": "main", "namespace": "data", "uid": "u" },
        "spec": {
            "defaultNameservice": "ns0",
            "configuration": { "a.key": "${user} $(POD_IP)", "dfs.federation.router.heartbeat.enable": "true" },
        },
    }))
    .unwrap();
    let subcluster = |name: &str, spec: Value| -> Subcluster {
        let metadata = json!({ "name": name, "namespace": "data" });
        let object =
            json!({ "apiVersion": "anabranch.io/v1alpha1", "kind": "Subcluster", "metadata": metadata, "spec": spec });
        serde_json::from_value(object).unwrap()
    };
    let namenodes = json!([{ "id": "nn1", "rpcAddress": "a:8020" }, { "id": "nn2", "rpcAddress": "b:8020" }]);
    let subclusters = [
        subcluster("zero", json!({ "nameserviceId": "ns0", "type": "Embedded" })),
        subcluster(
            "one",
            json!({ "nameserviceId": "ns1", "type": "External", "external": { "namenodes": namenodes } }),
        ),
    ];
    let guarded = subclusters.map(|subcluster| Arc::new(kube::core::DeserializeGuard(Ok(subcluster))));
    validate(&fleet, &found_among(guarded, &fleet)).unwrap()
}

fn images() -> Images {
    let [router, store, namespace] = ["router:1", "store:1", "namespace:1"].map(str::to_owned);
    Images { router, store, namespace, pull_policy: "IfNotPresent".to_owned() }
}

fn injected(pod: &Value) -> Result<Value, String> {
    let typed: Pod = serde_json::from_value(pod.clone()).unwrap();
    let metadata: ObjectMeta = typed.metadata.clone();
    inject(pod, &typed, &Wish::of(&metadata).unwrap().unwrap(), &fleet(), &images())
}

fn pod(annotations: Value, spec: Value) -> Value {
    json!({ "metadata": { "name": "a", "labels": { "anabranch.io/inject": "main" }, "annotations": annotations }, "spec": spec })
}

#[test]
fn the_router_comes_first_and_the_rest_stays() {
    let before = pod(
        json!({}),
        json!({ "newField": 1, "containers": [{ "name": "app", "image": "x" }], "initContainers": [{ "name": "first" }] }),
    );
    let after = injected(&before).unwrap();
    let mut expected = before.clone();
    expected["metadata"]["labels"]["anabranch.io/fleet"] = "main".into();
    expected["metadata"]["labels"]["anabranch.io/fleet-namespace"] = "data".into();
    expected["spec"]["initContainers"] = json!([after["spec"]["initContainers"][0], { "name": "first" }]);
    assert_eq!(after, expected);
    assert!(!is_injected(&serde_json::from_value(before.clone()).unwrap()));
    assert!(is_injected(&serde_json::from_value(after.clone()).unwrap()));

    let mut patched = before.clone();
    json_patch::patch(&mut patched, &json_patch::diff(&before, &after)).unwrap();
    assert_eq!(patched, after);
}

#[test]
fn the_router_is_like_those_of_the_fleet_but_silent() {
    let after = injected(&pod(json!({}), json!({ "containers": [{ "name": "app" }] }))).unwrap();
    let router = &after["spec"]["initContainers"][0];
    let args: Vec<&str> = router["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let keys: Vec<&str> = args.iter().filter(|arg| arg.contains('=')).copied().collect();
    assert_eq!(args[..2], ["--log", "json"]);
    assert!(args[2..].iter().step_by(2).all(|arg| *arg == "-D"), "{args:?}");
    assert_eq!(
        keys,
        [
            "a.key=$${user} $$(POD_IP)",
            "anabranch.store.grpc.endpoints=main-store.data.svc:8891",
            "dfs.federation.router.admin.enable=false",
            "dfs.federation.router.default.nameserviceId=ns0",
            "dfs.federation.router.heartbeat.enable=false",
            "dfs.federation.router.http-address=0.0.0.0:50071",
            "dfs.federation.router.namenode.heartbeat.enable=false",
            "dfs.federation.router.rpc-address=localhost:8020",
            "dfs.federation.router.rpc-bind-host=127.0.0.1",
            "dfs.federation.router.store.driver.class=grpc",
            "dfs.ha.namenodes.ns1=nn1,nn2",
            "dfs.namenode.http-address.ns0=zero-namespace.data.svc:9870",
            "dfs.namenode.rpc-address.ns0=zero-namespace.data.svc:8020",
            "dfs.namenode.rpc-address.ns1.nn1=a:8020",
            "dfs.namenode.rpc-address.ns1.nn2=b:8020",
            "dfs.nameservices=ns1,ns0",
        ]
    );
    assert_eq!((&router["image"], &router["restartPolicy"]), (&json!("router:1"), &json!("Always")));
    assert_eq!(router["startupProbe"]["httpGet"]["port"], 50071);
    assert_eq!(router["securityContext"]["runAsUser"], 65532);
    assert_eq!(router["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
}

#[test]
fn resources_are_as_asked_for() {
    let resources = |annotations| {
        let after = injected(&pod(annotations, json!({ "containers": [] }))).unwrap();
        after["spec"]["initContainers"][0]["resources"].clone()
    };
    let usual = json!({ "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } });
    assert_eq!(resources(json!({})), usual);
    let asked = json!({ "anabranch.io/sidecar-cpu": "1", "anabranch.io/sidecar-memory": "256Mi" });
    let given = json!({ "requests": { "cpu": "1", "memory": "256Mi" }, "limits": { "memory": "256Mi" } });
    assert_eq!(resources(asked), given);
}

#[test]
fn every_other_container_is_given_the_files() {
    let spec = json!({
        "containers": [
            { "name": "app", "volumeMounts": [{ "name": "data", "mountPath": "/data" }] },
            { "name": "other", "env": [{ "name": "HADOOP_CONF_DIR", "value": "/mine" }] },
        ],
        "initContainers": [{ "name": "first" }],
        "volumes": [{ "name": "data" }],
    });
    let after = injected(&pod(json!({ "anabranch.io/client-config": "/etc/hadoop/conf" }), spec)).unwrap();
    let mount = json!({ "name": "anabranch-client-config", "mountPath": "/etc/hadoop/conf", "readOnly": true });
    let variable = json!({ "name": "HADOOP_CONF_DIR", "value": "/etc/hadoop/conf" });
    let (inits, containers) = (&after["spec"]["initContainers"], &after["spec"]["containers"]);
    assert_eq!(inits[0]["volumeMounts"], Value::Null);
    assert_eq!(inits[1]["volumeMounts"], json!([mount]));
    assert_eq!(containers[0]["volumeMounts"], json!([{ "name": "data", "mountPath": "/data" }, mount]));
    assert_eq!((&inits[1]["env"], &containers[0]["env"]), (&json!([variable]), &json!([variable])));
    assert_eq!(containers[1]["env"], json!([{ "name": "HADOOP_CONF_DIR", "value": "/mine" }]));
    let items = &after["spec"]["volumes"][1]["downwardAPI"]["items"];
    assert_eq!(items[1]["fieldRef"]["fieldPath"], "metadata.annotations['anabranch.io/hdfs-site.xml']");
    let annotations = &after["metadata"]["annotations"];
    let (core, hdfs) = (&annotations["anabranch.io/core-site.xml"], &annotations["anabranch.io/hdfs-site.xml"]);
    assert!(core.as_str().unwrap().contains("<value>hdfs://main</value>"), "{core}");
    for id in ["r0", "r1"] {
        let address = format!("<name>dfs.namenode.rpc-address.main.{id}</name><value>localhost:8020</value>");
        assert!(hdfs.as_str().unwrap().contains(&address), "{hdfs}");
    }
    // What is next to the client may not write records.
    let administration = "<name>dfs.federation.router.admin-address</name><value>main.data.svc:8111</value>";
    assert!(hdfs.as_str().unwrap().contains(administration), "{hdfs}");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let mounts = json!([{ "name": "x", "mountPath": "/conf" }]);
    let cases = [
        (json!({ "hostNetwork": true, "containers": [] }), "spec.hostNetwork: localhost would be the node's"),
        (
            json!({ "containers": [{ "name": "nn", "ports": [{ "containerPort": 8020 }] }] }),
            "container nn: port 8020 is the router's; expected none of 8020, 50071",
        ),
        (
            json!({ "containers": [{ "name": "app", "volumeMounts": mounts }] }),
            "anabranch.io/client-config: \"/conf\" is mounted in container app already",
        ),
    ];
    for (spec, expected) in cases {
        let problem = injected(&pod(json!({ "anabranch.io/client-config": "/conf" }), spec)).unwrap_err();
        assert!(problem.starts_with(expected), "{problem}");
    }
}
