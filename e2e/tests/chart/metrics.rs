//! What the programs tell Prometheus, and who reads it.

use std::collections::BTreeSet;
use std::fs;

use anabranch_testkit::http;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cluster::{file, get, helm, objects, wait_until};
use crate::fleet;
use crate::queries::{Asked, asked, is_balanced};
use crate::site::{CHART, NAMESPACE, Site};

/// Where the programs serve HTTP.
const PORTS: [(&str, u16); 4] = [("router", 50071), ("operator", 8080), ("store", 50073), ("namespace", 9870)];

/// Alerts and dashboard ask for metrics that the programs really serve, and the runbook knows every alert.
pub fn exist(site: &Site) {
    fleet::quickstart_serves_files(site);
    let values = "prometheusRule.enabled=true,serviceMonitor.enabled=true,grafanaDashboard.enabled=true";
    let rendered = objects(&helm(&["template", "demo", CHART, "--set", values]).unwrap());
    let of_kind = |kind: &str| rendered.iter().filter(|it| it["kind"] == kind).cloned().collect::<Vec<_>>();
    let rules = &of_kind("PrometheusRule")[0]["spec"]["groups"];
    let alerts: Vec<&Value> =
        rules.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let dashboards = of_kind("ConfigMap");
    let dashboard: Value = serde_json::from_str(dashboards[0]["data"]["anabranch.json"].as_str().unwrap()).unwrap();
    let mut queries: Vec<String> = alerts.iter().map(|alert| alert["expr"].as_str().unwrap().to_owned()).collect();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array().into_iter().flatten();
        queries.extend(targets.map(|target| target["expr"].as_str().unwrap().to_owned()));
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let variables = variables.filter_map(|it| it["definition"].as_str());
    queries.extend(variables.map(|it| it.trim_start_matches("label_values(").split(", ").next().unwrap().to_owned()));
    let served = served(&PORTS);
    for query in &queries {
        assert!(is_balanced(query), "{query}");
        let asked = asked(query);
        assert!(!asked.is_empty(), "{query} asks for no metric of ours");
        for Asked { metric, labels } in &asked {
            let draws = served.iter().any(|(name, has)| name == metric && labels.is_subset(has));
            assert!(draws, "{query}: nobody serves {metric} with {labels:?}; served: {served:?}");
        }
    }
    assert!(queries.len() > 30, "{}", queries.len());
    let runbook = fs::read_to_string(file("docs/runbook.md")).unwrap();
    let entries: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(entries, alerts.iter().map(|alert| alert["alert"].as_str().unwrap()).collect());
}

/// Name and labels of a series.
type Series = (String, BTreeSet<String>);

/// What pods of these components serve.
fn served(components: &[(&str, u16)]) -> BTreeSet<Series> {
    let mut series = BTreeSet::new();
    for (component, port) in components {
        let pods = pods(component);
        assert!(!pods.is_empty(), "no pods of {component}");
        series.extend(pods.iter().flat_map(|address| read(&format!("{address}:{port}")).unwrap()));
    }
    series
}

/// The series at an address.
fn read(address: &str) -> Result<BTreeSet<Series>> {
    let answer = http::get(address, "/metrics")?;
    ensure!(answer.status == 200, "{address}: status {}", answer.status);
    let samples = answer.body.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').with_context(|| line.to_owned())).map(|it| Ok(series(it?.0))).collect()
}

/// Of a sample: values of our labels have no quotes and commas in them.
fn series(sample: &str) -> Series {
    let (name, labels) = sample.trim_end_matches('}').split_once('{').unwrap_or((sample, ""));
    let labels = labels.split("\",").filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
    (name.to_owned(), labels.collect())
}

/// Addresses of the pods of a component that are ready.
fn pods(component: &str) -> BTreeSet<String> {
    let label = format!("app.kubernetes.io/part-of=anabranch,app.kubernetes.io/component={component}");
    let pods = get(&["-n", NAMESPACE, "pods", "-l", &label]).unwrap();
    let ready = |pod: &&Value| {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.any(|it| it["type"] == "Ready" && it["status"] == "True")
    };
    let ready = pods["items"].as_array().unwrap().iter().filter(ready);
    ready.map(|pod| pod["status"]["podIP"].as_str().unwrap().to_owned()).collect()
}

/// Prometheus, following the ServiceMonitor of the fleet, reads every router, the state store and every embedded subcluster
/// once, and nothing else.
pub fn each_is_read_once() {
    wait_until("what the ServiceMonitor leads to is what there is", NAMESPACE, || {
        let mut found = targets();
        found.sort();
        let wanted = PORTS.iter().filter(|(component, _)| *component != "operator");
        let wanted =
            wanted.flat_map(|(component, port)| pods(component).into_iter().map(move |it| format!("{it}:{port}")));
        let mut wanted: Vec<String> = wanted.collect();
        wanted.sort();
        let is_ours = |target: &String| {
            read(target).is_ok_and(|series| series.iter().any(|(name, _)| name == "anabranch_build_info"))
        };
        // Two routers or more, the store, two subclusters.
        wanted.len() > 4 && found == wanted && found.iter().all(is_ours)
    });
}

/// The addresses that the Prometheus operator would find by the ServiceMonitor.
fn targets() -> Vec<String> {
    let monitor = get(&["-n", NAMESPACE, "servicemonitor", "main-router"]).unwrap();
    let labels = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap().iter();
    let labels: Vec<String> = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect();
    let endpoint = &monitor["spec"]["endpoints"][0];
    let [keep, job] = [0, 1].map(|at| &endpoint["relabelings"][at]);
    assert_eq!((&keep["action"], &keep["sourceLabels"][0]), (&"keep".into(), &"__meta_kubernetes_service_name".into()));
    assert_eq!((&job["targetLabel"], &job["replacement"]), (&"job".into(), &"main".into()));
    let kept: Vec<&str> = keep["regex"].as_str().unwrap().split('|').collect();
    let services = get(&["-n", NAMESPACE, "services", "-l", &labels.join(",")]).unwrap();
    let names = services["items"].as_array().unwrap().iter().map(|it| it["metadata"]["name"].as_str().unwrap());
    names.filter(|name| kept.contains(name)).flat_map(|name| addresses(name, &endpoint["port"])).collect()
}

/// The addresses behind a port of a Service.
fn addresses(service: &str, port: &Value) -> Vec<String> {
    let label = format!("kubernetes.io/service-name={service}");
    let slices = get(&["-n", NAMESPACE, "endpointslices", "-l", &label]).unwrap();
    let mut addresses = Vec::new();
    for slice in slices["items"].as_array().unwrap() {
        let ports = slice["ports"].as_array().into_iter().flatten();
        let numbers = ports.filter(|it| it["name"] == *port).filter_map(|it| it["port"].as_u64());
        for number in numbers {
            let endpoints = slice["endpoints"].as_array().into_iter().flatten();
            let ready = endpoints.filter(|it| it["conditions"]["ready"] == true);
            addresses.extend(ready.map(|it| format!("{}:{number}", it["addresses"][0].as_str().unwrap())));
        }
    }
    addresses
}
